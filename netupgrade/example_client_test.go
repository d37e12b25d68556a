package netupgrade_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// dialEcho opens a connection that speaks echo/1.
func dialEcho(ctx context.Context, addr string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	var client netupgrade.Client
	switched, err := client.Upgrade(ctx, conn, netupgrade.Offer{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("echo/1")},
		Host:     addr,
	})
	if err != nil {
		var declined *netupgrade.Declined
		if errors.As(err, &declined) {
			declined.Conn.Close()
		}
		return nil, err // after any other error the connection is closed
	}
	return switched.Conn, nil
}

// A client of a custom protocol. Over TLS, pass a *tls.Conn whose tls.Config has only
// "http/1.1" in NextProtos.
func ExampleClient() {
	addr, stop := serveExample()
	defer stop()
	conn, err := dialEcho(context.Background(), addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello")
	conn.(*net.TCPConn).CloseWrite() // no bytes came early, so this is the connection that was dialed
	all, err := io.ReadAll(conn)
	fmt.Printf("%q, %v\n", all, err)
	// Output: "hello", <nil>
}

// dialWebSocket opens a WebSocket connection for a library that speaks frames on it, and
// returns the subprotocol that the server chose.
func dialWebSocket(ctx context.Context, conn net.Conn, host, target string, subprotocols ...string) (net.Conn, string, error) {
	key := string(websocket.AppendKey(nil))
	fields := []handshake.Field{
		{Name: "Sec-WebSocket-Version", Value: websocket.Version},
		{Name: "Sec-WebSocket-Key", Value: key},
	}
	if len(subprotocols) > 0 {
		fields = append(fields, handshake.Field{Name: "Sec-WebSocket-Protocol", Value: strings.Join(subprotocols, ", ")})
	}
	var client netupgrade.Client
	switched, err := client.Upgrade(ctx, conn, netupgrade.Offer{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
		Host:     host,
		Target:   target,
		Fields:   fields,
	})
	if err != nil {
		var declined *netupgrade.Declined
		if errors.As(err, &declined) {
			declined.Conn.Close()
		}
		return nil, "", err
	}
	chosen, err := checkWebSocket(switched.Head, key, subprotocols)
	if err != nil {
		switched.Conn.Close()
		return nil, "", err
	}
	return switched.Conn, chosen, nil
}

// checkWebSocket returns the subprotocol that the server chose, or why its 101 is no
// WebSocket handshake (RFC 6455, section 4.1).
func checkWebSocket(head *head.Response, key string, subprotocols []string) (string, error) {
	if err := websocket.CheckAccept(key, head.Lines(nil, "Sec-WebSocket-Accept")); err != nil {
		return "", err
	}
	if len(head.Lines(nil, "Sec-WebSocket-Extensions")) > 0 {
		return "", errors.New("the server chose an extension, and none was offered")
	}
	return websocket.CheckSubprotocol(head.Lines(nil, "Sec-WebSocket-Protocol"), subprotocols...)
}

// A WebSocket library needs only a connection that has switched already.
func ExampleClient_webSocket() {
	addr, stop := serveExample()
	defer stop()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	switched, subprotocol, err := dialWebSocket(context.Background(), conn, addr, "/chat", "v1.chat")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer switched.Close()
	fmt.Printf("the connection speaks frames, subprotocol %q\n", subprotocol)
	// Output: the connection speaks frames, subprotocol ""
}

// hijack sends content to a Docker engine and returns the connection, which from then on
// carries standard input and output. The answer's Content-Type says how.
func hijack(ctx context.Context, conn net.Conn, target string, content []byte) (switched net.Conn, contentType string, err error) {
	var client netupgrade.Client
	s, err := client.Upgrade(ctx, conn, netupgrade.Offer{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("tcp")},
		Host:     "docker",
		Method:   "POST",
		Target:   target,
		Fields:   []handshake.Field{{Name: "Content-Type", Value: "application/json"}},
		Content:  content,
	})
	var declined *netupgrade.Declined
	if errors.As(err, &declined) {
		// The engine says why, in an ordinary response.
		defer declined.Conn.Close()
		declined.Conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // ctx bounds only the head
		resp, err := http.ReadResponse(bufio.NewReader(declined.Conn), nil)
		if err != nil {
			return nil, "", err
		}
		message, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return nil, "", fmt.Errorf("%s: %s", resp.Status, message)
	}
	if err != nil {
		return nil, "", err
	}
	if lines := s.Head.Lines(nil, "Content-Type"); len(lines) == 1 {
		contentType = string(lines[0])
	}
	return s.Conn, contentType, nil
}

// Docker's clients send content, and then use the connection in both directions. Bytes that
// come right after the 101 are not lost, and CloseWrite ends standard input.
func ExampleClient_docker() {
	addr, stop := serveExample()
	defer stop()
	for _, target := range []string{"/exec/e1/start", "/exec/e2/start"} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Println(err)
			return
		}
		switched, contentType, err := hijack(context.Background(), conn, target, []byte(`{"Tty":true}`))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Fprint(switched, "date\n")
		switched.(interface{ CloseWrite() error }).CloseWrite()
		output, _ := io.ReadAll(switched)
		fmt.Printf("%s: %q\n", contentType, output)
		switched.Close()
	}
	// Output:
	// application/vnd.docker.raw-stream: "$ date\n"
	// 404 Not Found: no such exec
}

// serveExample is the server of the examples. It speaks echo/1, websocket and, on one
// target, tcp, as a Docker engine does.
func serveExample() (addr string, stop func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	tcp := netupgrade.Protocol{
		Product: upgrade.MustParseProduct("tcp"),
		Allow:   func(r *netupgrade.Request) bool { return string(r.Target) == "/exec/e1/start" },
		Fields: func(*netupgrade.Request) ([]handshake.Field, error) {
			return []handshake.Field{{Name: "Content-Type", Value: "application/vnd.docker.raw-stream"}}, nil
		},
	}
	acceptor := &netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{{Product: upgrade.MustParseProduct("echo/1")}, netupgrade.WebSocket(), tcp},
		Decline: func(r *netupgrade.Request, _ error) {
			r.Respond(404, []byte("no such exec"))
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted, err := acceptor.Accept(conn)
			if err != nil {
				continue
			}
			if accepted.Product() == tcp.Product {
				fmt.Fprint(accepted.Conn, "$ ")
			}
			io.Copy(accepted.Conn, accepted.Conn)
			accepted.Conn.Close()
		}
	}()
	return listener.Addr().String(), func() {
		listener.Close()
		<-done
	}
}
