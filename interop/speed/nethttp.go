package main

import (
	"bufio"
	"net"
	"net/http"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

const (
	handlerChrome  = "Handler with WebSocket, Chrome / gobwas/ws HTTPUpgrader"
	handlerFirefox = "Handler with WebSocket, Firefox / gobwas/ws HTTPUpgrader"
)

// taken is a ResponseWriter that can be hijacked. Its connection keeps nothing.
type taken struct {
	conn     *memoryConn
	buffered *bufio.ReadWriter
}

func newTaken() *taken {
	conn := &memoryConn{}
	return &taken{conn, bufio.NewReadWriter(bufio.NewReader(strings.NewReader("")), bufio.NewWriter(conn))}
}

func (t *taken) Header() http.Header                          { return nil }
func (t *taken) WriteHeader(int)                              { panic("not switched") }
func (t *taken) Write([]byte) (int, error)                    { panic("not switched") }
func (t *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) { return t.conn, t.buffered, nil }

// In both operations the protocol runs in a goroutine of its own, and then sends here.
var served = make(chan bool)

var (
	handler = httpupgrade.Handler{Protocols: []httpupgrade.Protocol{
		httpupgrade.WebSocket{Serve: func(net.Conn, *http.Request, string) { served <- true }}.Protocol(),
	}}
	httpUpgrader ws.HTTPUpgrader
)

// webSocketRequest returns a browser's request as net/http passes it to a handler.
func webSocketRequest(connection string) *http.Request {
	return &http.Request{
		Method: "GET", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "example.com",
		Header: browserFields(connection), Body: http.NoBody,
	}
}

//go:noinline
func switchHandler(w *taken, r *http.Request) {
	handler.ServeHTTP(w, r)
	<-served
}

//go:noinline
func switchGobwas(w *taken, r *http.Request) {
	conn, _, _, err := httpUpgrader.Upgrade(r, w)
	if err != nil {
		panic(err)
	}
	go func() {
		defer conn.Close()
		served <- true
	}()
	<-served
}

// discards is a ResponseWriter for a request that is not switched. It keeps nothing.
type discards struct{ header http.Header }

func (d discards) Header() http.Header         { return d.header }
func (d discards) WriteHeader(int)             {}
func (d discards) Write(p []byte) (int, error) { return len(p), nil }

var (
	next  http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sinkInt++ })
	gate               = httpupgrade.Gate{Products: []upgrade.Product[string]{websocket}, Next: next}
	plain              = webSocketRequest("keep-alive")
)

func init() { plain.Header.Del("Upgrade") }

//go:noinline
func throughGate(w http.ResponseWriter) { gate.ServeHTTP(w, plain) }

//go:noinline
func withoutGate(w http.ResponseWriter) { next.ServeHTTP(w, plain) }
