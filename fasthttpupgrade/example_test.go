package fasthttpupgrade_test

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/handshake"
)

// ask sends a request to a server with that handler, and prints all that the server sends.
func ask(handler fasthttp.RequestHandler, request string) {
	listener := fasthttputil.NewInmemoryListener()
	defer listener.Close()
	server := &fasthttp.Server{Handler: handler, Name: "x", NoDefaultDate: true}
	go server.Serve(listener)
	conn, err := listener.Dial()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	go io.WriteString(conn, request)
	all, _ := io.ReadAll(conn)
	for line := range strings.Lines(string(all)) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Println(line)
		}
	}
}

// A server that switches to hello/1 only.
func ExampleHandler() {
	handler := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("hello/1"),
			Serve: func(conn net.Conn, r *fasthttp.Request) {
				fmt.Fprintf(conn, "hello from %s\n", r.URI().Path())
			},
		}},
		Next: func(ctx *fasthttp.RequestCtx) { ctx.WriteString("an ordinary page") },
	}
	ask(handler.Handle, "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0, hello/1\r\n\r\n")
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: hello/1
	// Connection: Upgrade
	// hello from /chat
}

// The server decides which clients may have the protocol, and logs its decisions.
func ExampleHandler_policy() {
	handler := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("hello/1"),
			Allow:   func(ctx *fasthttp.RequestCtx) bool { return string(ctx.Path()) == "/chat" },
			Check: func(ctx *fasthttp.RequestCtx) error {
				if len(ctx.Request.Header.Peek("Authorization")) == 0 {
					return &fasthttpupgrade.Refusal{
						Status:  fasthttp.StatusUnauthorized,
						Fields:  []handshake.Field{{Name: "WWW-Authenticate", Value: "Basic"}, {Name: "Connection", Value: "close"}},
						Content: "who are you?",
					}
				}
				return nil
			},
			Serve: func(net.Conn, *fasthttp.Request) {},
		}},
		Decided: func(ctx *fasthttp.RequestCtx, d handshake.Decision) {
			fmt.Printf("log: %s %d\n", ctx.Path(), d.Status)
		},
	}
	ask(handler.Handle, "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: hello/1\r\n\r\n")
	// Output:
	// log: /chat 401
	// HTTP/1.1 401 Unauthorized
	// Server: x
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 12
	// Www-Authenticate: Basic
	// Connection: close
	// who are you?
}

// A session cookie that middleware sets reaches the client of a WebSocket. The server
// selects the subprotocol.
func ExampleWebSocket() {
	handler := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{fasthttpupgrade.WebSocket{
			Subprotocols: []string{"chat.v2", "chat.v1"},
			Serve: func(conn net.Conn, _ *fasthttp.Request, subprotocol string) {
				fmt.Fprintf(conn, "frames of %s\n", subprotocol)
			},
		}.Protocol()},
		Carry: []string{"Set-Cookie"},
	}
	middleware := func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.Add("Set-Cookie", "session=7")
		handler.Handle(ctx)
	}
	ask(middleware, "GET / HTTP/1.1\r\nHost: example.com\r\nOrigin: https://example.com\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat.v1, chat.v3\r\n\r\n")
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: websocket
	// Connection: Upgrade
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
	// Sec-WebSocket-Protocol: chat.v1
	// Set-Cookie: session=7
	// frames of chat.v1
}

// A handler of the server's own calls Offer and Switch, and refuses every other request.
func ExampleSwitch() {
	hello := upgrade.MustParseProduct("hello/1")
	handler := func(ctx *fasthttp.RequestCtx) {
		offered, err := fasthttpupgrade.Offer(ctx)
		if err != nil || !offered.Offers(hello) {
			fasthttpupgrade.Refuse(ctx, hello)
			return
		}
		err = fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{hello}, func(conn net.Conn) {
			io.WriteString(conn, "hello\n")
		})
		if err != nil {
			ctx.Error("cannot switch", handshake.Status(err))
		}
	}
	ask(handler, "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: hello/1\r\n\r\n")
	ask(handler, "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: hello/1
	// Connection: Upgrade
	// hello
	// HTTP/1.1 426 Upgrade Required
	// Server: x
	// Content-Length: 0
	// Upgrade: hello/1
	// Connection: Upgrade
	// Connection: close
}
