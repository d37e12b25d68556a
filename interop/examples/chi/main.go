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
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

var origins = map[string]bool{"https://example.com": true, "https://www.example.com": true}

var upgrades = expvar.NewMap("upgrades") // decisions by status

func main() {
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
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
			Origin:       func(r *http.Request) bool { return origins[r.Header.Get("Origin")] },
			Subprotocols: []string{"chat.v2", "chat.v1"},
			Serve:        chat,
		}.Protocol()},
		Conns:   conns,
		Decided: func(_ *http.Request, d handshake.Decision) { upgrades.Add(http.StatusText(d.Status), 1) },
	})
	log.Printf("chat on ws://%s/chat", listener.Addr())
	server := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	go conns.Shutdown(ctx) // at the same time: over HTTP/2 the server waits for its streams
	return errors.Join(server.Shutdown(ctx), conns.Shutdown(ctx))
}

func chat(conn net.Conn, r *http.Request, subprotocol string) {
	defer context.AfterFunc(r.Context(), func() { conn.SetReadDeadline(time.Now()) })() // the drain
	message, op, err := wsutil.ReadClientData(conn)
	for ; err == nil; message, op, err = wsutil.ReadClientData(conn) {
		wsutil.WriteServerMessage(conn, op, append([]byte(subprotocol+": "), message...))
	}
	if !errors.As(err, new(wsutil.ClosedError)) { // its close frame is answered already
		wsutil.WriteServerMessage(conn, ws.OpClose, ws.NewCloseFrameBody(ws.StatusGoingAway, ""))
	}
}
