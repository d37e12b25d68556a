package netupgrade_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// The results of a switch do not change when later requests use the buffers.
func TestAcceptedSharesNoBuffer(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100, 3000, 5000, 70_000} {
		for _, framing := range []string{"length", "chunked"} {
			a := echoing()
			a.KeepHead = true
			message := func(fill string) string {
				return post(framing, strings.Repeat(fill, size), "X: "+strings.Repeat(fill, 100), fill+": x")
			}
			accepted, err := a.Accept(&memory{pieces: []string{message("a") + strings.Repeat("a", size)}})
			if err != nil {
				t.Fatal(err)
			}
			for range 15 {
				for _, fill := range []string{"b", "c"} {
					ask(t, a, message(fill)+strings.Repeat(fill, size))
					ask(t, a, message(fill)+strings.Repeat(fill, 4096))
					ask(t, a, strings.Repeat(fill, 8<<10))
					ask(t, a, strings.Replace(message(fill), "echo", "other", 1)+strings.Repeat(fill, 8<<10))
				}
			}
			want := strings.Repeat("a", size)
			rest, err := io.ReadAll(accepted.Conn)
			if string(accepted.Content) != want || string(rest) != want || err != nil {
				t.Errorf("size %d, %s: the bytes have changed, %v", size, framing, err)
			}
			x := accepted.Head.Lines(accepted.Head.Lines(nil, "X"), "a")
			equal(t, "lines", string(bytes.Join(x, []byte("|"))), strings.Repeat("a", 100)+"|x")
			equal(t, "target", string(accepted.Head.Target), "/post")
		}
	}
}

// A request leaves nothing in the buffers for the next one.
func TestRequestsAreApart(t *testing.T) {
	t.Parallel()
	a := &netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{netupgrade.WebSocket(), fields(chat, &netupgrade.Refusal{Status: 426}), {Product: echo}},
	}
	requests := []string{
		exampleOfWebSocket, offerEcho, plain, offer("chat"), "HEAD / HTTP/1.0\r\n\r\n", "GET / HTTP/2.0\r\n", lengthy("1.1", "Content-Length: x"),
		post("chunked", "content"), post("length", "content", "Expect: 100-continue"), "GET",
		strings.Replace(exampleOfWebSocket, "Key", "No-Key", 1),
		offering(slicesOf("X: "+strings.Repeat("y", 1000), 66)...),
	}
	want := make([]string, len(requests))
	for i, request := range requests {
		want[i] = answer(a, request)
	}
	for i := range requests {
		for j := range requests {
			answer(a, requests[i])
			if got := answer(a, requests[j]); got != want[j] {
				t.Errorf("%.60q after %.60q: %q, want %q", requests[j], requests[i], got, want[j])
			}
		}
	}
}

// answer returns all results of a request as text.
func answer(a *netupgrade.Acceptor, request string) string {
	conn := &memory{pieces: []string{request}}
	accepted, err := a.Accept(conn)
	return fmt.Sprintf("%q %v %q %v", conn.sent, accepted.Product(), accepted.Content, err)
}

// Many connections at once, each with different bytes: run with -race.
func TestConcurrentConnections(t *testing.T) {
	t.Parallel()
	a := &netupgrade.Acceptor{KeepHead: true, Protocols: []netupgrade.Protocol{{
		Product: echo,
		Allow:   func(r *netupgrade.Request) bool { return len(r.Lines(nil, "X")) == 1 },
		Fields: func(r *netupgrade.Request) ([]handshake.Field, error) {
			return []handshake.Field{{Name: "X", Value: string(r.Lines(nil, "X")[0])}}, nil
		},
	}}}
	var clients tcptest.Group
	for i := range 8 {
		clients.Go(func() {
			for j := range 100 {
				id := fmt.Sprintf("%d-%d", i, j)
				content := strings.Repeat(id+" ", 10*j)
				message := post(messages[j%5].framing, "", "X: "+id)
				if framing := messages[j%5].framing; framing == "none" {
					content = ""
				} else {
					message = post(framing, content, "X: "+id)
				}
				half := (i*7919 + j*104729) % len(message)
				conn := &memory{pieces: []string{message[:half], message[half:] + id}}
				accepted, err := a.Accept(conn)
				if err != nil {
					t.Errorf("%s: %v", id, err)
					return
				}
				rest, _ := io.ReadAll(accepted.Conn)
				if string(rest) != id || string(accepted.Content) != content || !strings.Contains(conn.sent[0], "\r\nX: "+id+"\r\n") || string(accepted.Head.Lines(nil, "X")[0]) != id {
					t.Errorf("%s: %q, %d bytes, sent %q", id, rest, len(accepted.Content), conn.sent)
				}
			}
		})
	}
	clients.Wait()
}
