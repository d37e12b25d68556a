package parsers_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
	xnet "golang.org/x/net/websocket"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

// This file asks unmodified WebSocket libraries, with and without a Gate in front of them.

// handlers are the libraries that serve WebSocket in a handler of net/http.
var handlers = []struct {
	name, module, what string
	handler            http.Handler
}{
	{"gorilla", "github.com/gorilla/websocket", "`Upgrader`", http.HandlerFunc(serveGorilla)},
	{"coder", "github.com/coder/websocket", "`Accept`", http.HandlerFunc(serveCoder)},
	{"gobwas", "github.com/gobwas/ws", "`HTTPUpgrader`", http.HandlerFunc(serveGobwasHTTP)},
	{"gws", "github.com/lxzan/gws", "`Upgrader`", http.HandlerFunc(serveGWS)},
	{"x/net", "golang.org/x/net", "`websocket.Server`", xnet.Server{Handler: serveXNet}},
}

// libraries returns the handlers as peers.
func libraries() []peer {
	var all []peer
	for _, h := range handlers {
		all = append(all, peer{h.name, h.module, h.what, overHTTP(h.handler), false})
	}
	return all
}

// library returns the library with that name as a peer.
func library(name string) peer {
	for _, p := range libraries() {
		if p.name == name {
			return p
		}
	}
	panic("no library " + name)
}

// gated returns the same libraries behind a Gate. There every answer must be right.
func gated() []peer {
	var all []peer
	for _, h := range handlers {
		all = append(all, peer{h.name + " behind Gate", h.module, h.what, overHTTP(behindGate(h.handler)), true})
	}
	return all
}

// behindGate puts a Gate in front of h.
func behindGate(h http.Handler) http.Handler {
	return httpupgrade.Gate{Products: []upgrade.Product[string]{product}, Next: h}
}

// Behind a Gate, every library answers a message that comes with the head, even one that
// drops the reader of Hijack, as gws does.
func TestEarlyMessageBehindGate(t *testing.T) {
	for _, h := range handlers {
		t.Run(h.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", serveHTTP(t, behindGate(h.handler)).String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			if _, err := conn.Write(append(input{}.head(), frame("early")...)); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, &http.Request{Method: "GET"})
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(response.Status)
			}
			text, err := wsutil.ReadServerText(struct {
				io.Reader
				io.Writer
			}{reader, conn})
			if err != nil || string(text) != "early" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}
