package netupgrade_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// acceptEach calls serve for each connection, in a separate goroutine, until listener is
// closed. Other errors pass: perhaps no file descriptor is left until a connection ends.
func acceptEach(listener net.Listener, serve func(net.Conn)) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		conn, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(10 * time.Millisecond)
		default:
			serving.Add(1)
			go func() {
				defer serving.Done()
				serve(conn)
			}()
		}
	}
}

func ExampleAcceptor() {
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{
		Product: upgrade.MustParseProduct("echo/1"),
	}}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	go acceptEach(listener, func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered and closed
		}
		defer accepted.Conn.Close()
		io.Copy(accepted.Conn, accepted.Conn)
	})

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0, echo/1\r\n\r\nhello\n")
	conn.(*net.TCPConn).CloseWrite()
	all, _ := io.ReadAll(conn)
	fmt.Printf("%q\n", all)
	// Output: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\nhello\n"
}

// exchange sends a request to an Acceptor, closes the connection after the answer, and
// returns the answer with "|" for CR.
func exchange(acceptor *netupgrade.Acceptor, request string) string {
	near, far := net.Pipe()
	go func() {
		if accepted, err := acceptor.Accept(near); err == nil {
			accepted.Conn.Close()
		}
	}()
	defer far.Close()
	io.WriteString(far, request)
	answer, _ := io.ReadAll(far)
	return strings.ReplaceAll(string(answer), "\r", "|")
}

// The request of RFC 6455 comes from a page that the server trusts. The 101 names a
// subprotocol that both sides speak.
func ExampleWebSocket() {
	protocol := netupgrade.WebSocket()
	protocol.Check = func(r *netupgrade.Request) error {
		origin := r.Lines(nil, "Origin")
		if len(origin) != 1 || string(origin[0]) != "http://example.com" {
			return &netupgrade.Refusal{Status: 403}
		}
		return nil
	}
	protocol.Fields = func(r *netupgrade.Request) ([]handshake.Field, error) {
		subprotocol, err := websocket.SelectSubprotocol(r.Lines(nil, "Sec-WebSocket-Protocol"), "chat")
		if err != nil {
			return nil, &netupgrade.Refusal{Status: 400}
		}
		if subprotocol == "" {
			return nil, nil // the client offers none that the server speaks
		}
		return []handshake.Field{{Name: "Sec-WebSocket-Protocol", Value: subprotocol}}, nil
	}
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{protocol}}
	fmt.Print(exchange(acceptor, "GET /chat HTTP/1.1\r\n"+
		"Host: server.example.com\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Origin: http://example.com\r\n"+
		"Sec-WebSocket-Protocol: chat, superchat\r\n"+
		"Sec-WebSocket-Version: 13\r\n\r\n"))
	// Output:
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: websocket|
	// Connection: Upgrade|
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|
	// Sec-WebSocket-Protocol: chat|
	// |
}

// A health check is answered, and its connection closed.
func ExampleRequest_Respond() {
	acceptor := &netupgrade.Acceptor{Decline: func(r *netupgrade.Request, err error) {
		if string(r.Target) == "/health" {
			r.Respond(200, []byte("fine\n"), handshake.Field{Name: "Content-Type", Value: "text/plain"})
			return
		}
		r.Respond(404, nil)
	}}
	fmt.Print(exchange(acceptor, "GET /health HTTP/1.1\r\nHost: example.com\r\n\r\n"))
	// Output:
	// HTTP/1.1 200 OK|
	// Connection: close|
	// Content-Length: 5|
	// Content-Type: text/plain|
	// |
	// fine
}

// handed is a listener for connections that another listener has accepted.
type handed struct {
	net.Listener
	conns chan net.Conn
}

func (l handed) Accept() (net.Conn, error) {
	if conn, ok := <-l.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

// A request that is not a switch is served by net/http, which gets the connection as if
// nothing had been read from it.
func ExampleRequest_Unread() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ordinary := handed{listener, make(chan net.Conn)}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s of %s\n", r.Method, r.URL)
	})}
	defer server.Close()
	go server.Serve(ordinary)

	acceptor := &netupgrade.Acceptor{Decline: func(r *netupgrade.Request, err error) {
		ordinary.conns <- r.Unread()
	}}
	go func() {
		defer close(ordinary.conns)
		acceptEach(listener, func(conn net.Conn) { acceptor.Accept(conn) })
	}()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /one HTTP/1.1\r\nHost: example.com\r\n\r\nGET /two HTTP/1.1\r\nHost: example.com\r\n\r\n")
	answers := bufio.NewReader(conn)
	for range 2 {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			panic(err)
		}
		io.Copy(os.Stdout, response.Body)
	}
	// Output:
	// GET of /one
	// GET of /two
}
