// Command chi is a chat on go-chi/chi. It serves pages of two origins, in a subprotocol, on at
// most 10,000 connections. It counts its decisions at /debug/vars and drains the connections
// at shutdown.
package main

import (
	"context"
	"errors"
	"expvar"
	"log"
	"net"
	"net/http"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

var origins = []string{"https://example.com", "https://www.example.com"}

var upgrades = expvar.NewMap("upgrades") // decisions by status

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:8080")
	if err == nil {
		err = run(ctx, listener)
	}
	log.Print(err)
}

func run(ctx context.Context, listener net.Listener) error {
	conns := &httpupgrade.Conns{Max: 10_000}
	router := chi.NewRouter()
	router.Handle("/debug/vars", expvar.Handler())
	router.Handle("/chat", httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{
			Origin:       func(r *http.Request) bool { return slices.Contains(origins, r.Header.Get("Origin")) },
			Subprotocols: []string{"chat.v2", "chat.v1"},
			Serve:        chat,
		}.Protocol()},
		Conns:   conns,
		Decided: func(_ *http.Request, d handshake.Decision) { upgrades.Add(strconv.Itoa(d.Status), 1) },
	})
	log.Printf("chat on ws://%s/chat", listener.Addr())
	server := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), conns.Shutdown(ctx))
}

func chat(conn net.Conn, r *http.Request, subprotocol string) {
	defer context.AfterFunc(r.Context(), func() { conn.SetReadDeadline(time.Now()) })() // the drain
	for message, op, err := wsutil.ReadClientData(conn); err == nil; message, op, err = wsutil.ReadClientData(conn) {
		wsutil.WriteServerMessage(conn, op, append([]byte(subprotocol+": "), message...))
	}
	wsutil.WriteServerMessage(conn, ws.OpClose, ws.NewCloseFrameBody(ws.StatusGoingAway, ""))
}
