package fasthttpupgrade_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/handshake"
)

// A panic ends its own connection, and nothing else.
func TestPanic(t *testing.T) {
	failed := make(chan error, 1)
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Serve: func(conn net.Conn, r *fasthttp.Request) {
				if string(r.URI().Path()) == "/panic" {
					panic("on purpose")
				}
				io.Copy(conn, conn)
			},
		}},
		Error: func(from net.Addr, err error) { failed <- fmt.Errorf("%v: %w", from, err) },
	}.Handle})
	other := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	mustRead(t, other, echo101)
	conn := dial(t, address, "GET /panic HTTP/1.1\r\n"+offer+"\r\n")
	mustRead(t, conn, echo101)
	mustEnd(t, conn)
	err := <-failed
	var panicked *fasthttpupgrade.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "on purpose" || !strings.HasPrefix(err.Error(), conn.LocalAddr().String()+": fasthttpupgrade: panic in Serve: on purpose\n") {
		t.Error(err)
	}
	mustEcho(t, other, other)
}

// Without Error failures are logged.
func TestLogged(t *testing.T) {
	logged := new(lockedBuffer)
	log.SetOutput(logged)
	defer log.SetOutput(os.Stderr)
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Fields:  func(*fasthttp.RequestCtx) ([]handshake.Field, error) { return nil, errors.New("no luck") },
		}},
	}.Handle})
	mustAnswer(t, bufio.NewReader(dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")), 500, "")
	if !strings.HasSuffix(logged.String(), ": no luck\n") {
		t.Error(logged.String())
	}
}

// The request that Serve is given is its own.
func TestServeRequest(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			address := listen(t, newServer(kind, fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Serve: func(conn net.Conn, r *fasthttp.Request) {
					io.ReadAll(conn)
					fmt.Fprintf(conn, "%s %s %s %s", r.Header.Method(), r.URI().Path(), r.Header.Peek("X"), r.Body())
				},
			}}}.Handle))
			var conns []*net.TCPConn
			for i := range 10 {
				content := strings.Repeat(fmt.Sprint(i), i)
				conns = append(conns, dial(t, address, fmt.Sprintf("POST /%d HTTP/1.1\r\nX: %d\r\n%sContent-Length: %d\r\n\r\n%s", i, i, offer, i, content)))
				mustRead(t, conns[i], echo101)
			}
			for i, conn := range conns {
				conn.CloseWrite()
				mustRead(t, conn, fmt.Sprintf("POST /%d %d %s", i, i, strings.Repeat(fmt.Sprint(i), i)))
				mustEnd(t, conn)
			}
		})
	}
}

func TestProtocols(t *testing.T) {
	refuse := func(status int, fields ...handshake.Field) func(*fasthttp.RequestCtx) ([]handshake.Field, error) {
		return func(*fasthttp.RequestCtx) ([]handshake.Field, error) {
			return nil, fmt.Errorf("wrapped: %w", &fasthttpupgrade.Refusal{Status: status, Fields: fields})
		}
	}
	protocol := func(product string, p fasthttpupgrade.Protocol) fasthttpupgrade.Protocol {
		p.Product = upgrade.MustParseProduct(product)
		p.Serve = func(conn net.Conn, _ *fasthttp.Request) {}
		return p
	}
	never := func(*fasthttp.RequestCtx) bool { return false }
	plain := fasthttpupgrade.Protocol{}
	for name, test := range map[string]struct {
		protocols []fasthttpupgrade.Protocol
		offers    string
		status    int
		upgrade   string
		fails     bool
	}{
		"server's order":      {[]fasthttpupgrade.Protocol{protocol("a", plain), protocol("b", plain)}, "b, a", 101, "a", false},
		"our spelling":        {[]fasthttpupgrade.Protocol{protocol("WebSocket", plain)}, "websocket", 101, "WebSocket", false},
		"not allowed":         {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Allow: never}), protocol("b", plain)}, "a, b", 101, "b", false},
		"refused, then other": {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(403)}), protocol("b", plain)}, "a, b", 101, "b", false},
		"refused, none allowed": {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(403)}), protocol("b", fasthttpupgrade.Protocol{Allow: never})},
			"a, b", 403, "", false},
		"first refusal":    {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(403)}), protocol("b", fasthttpupgrade.Protocol{Fields: refuse(426)})}, "a, b", 403, "", false},
		"426":              {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(426)})}, "a", 426, "a", false},
		"426 with its own": {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(426, handshake.Field{Name: "upgrade", Value: "c"})})}, "a", 426, "c", false},
		"none supported":   {[]fasthttpupgrade.Protocol{protocol("a", plain)}, "b", 426, "a", false},
		"no final status":  {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(101)})}, "a", 500, "", true},
		"reserved field":   {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(403, handshake.Field{Name: "content-length", Value: "1"})})}, "a", 500, "", true},
		"malformed field":  {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: refuse(403, handshake.Field{Name: "X", Value: "\n"})})}, "a", 500, "", true},
		"101 cannot be built": {[]fasthttpupgrade.Protocol{protocol("a", fasthttpupgrade.Protocol{Fields: func(*fasthttp.RequestCtx) ([]handshake.Field, error) {
			return []handshake.Field{{Name: "Upgrade"}}, nil
		}})}, "a", 500, "", true},
		"none, and none named": {nil, "a", 501, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
				Protocols: test.protocols,
				Error:     func(_ net.Addr, err error) { failed <- err },
			}.Handle})
			request := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + test.offers + "\r\n\r\n"
			conn := dial(t, address, request)
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.status || response.Header.Get("Upgrade") != test.upgrade {
				t.Errorf("%s, %v", response.Status, response.Header)
			}
			if (test.upgrade != "") != slices.Contains(response.Header["Connection"], "Upgrade") {
				t.Error(response.Header)
			}
			if test.fails {
				<-failed
			}
			if response.StatusCode != 101 { // then the connection goes on
				io.WriteString(conn, request)
				if again, err := http.ReadResponse(reader, nil); err != nil || again.StatusCode != test.status {
					t.Errorf("%+v, %v", again, err)
				}
			}
		})
	}
}

func TestWebSocket(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{
		fasthttpupgrade.WebSocket(func(conn net.Conn, _ *fasthttp.Request) { io.Copy(conn, conn) }),
	}}.Handle})
	const (
		host = "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
		key  = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		v13  = "Sec-WebSocket-Version: 13\r\n"
	)
	conn := dial(t, address, "GET / HTTP/1.1\r\n"+host+key+v13+"\r\nframes")
	mustRead(t, conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframes")
	for name, test := range map[string]struct {
		request string
		status  int
		header  [2]string
	}{
		"method":      {"PUT / HTTP/1.1\r\n" + host + key + v13 + "Content-Length: 0\r\n\r\n", 405, [2]string{"Allow", "GET"}},
		"version":     {"GET / HTTP/1.1\r\n" + host + key + "Sec-WebSocket-Version: 8\r\n\r\n", 426, [2]string{"Sec-WebSocket-Version", "13"}},
		"two of them": {"GET / HTTP/1.1\r\n" + host + key + v13 + v13 + "\r\n", 426, [2]string{"Upgrade", "websocket"}},
		"no key":      {"GET / HTTP/1.1\r\n" + host + v13 + "\r\n", 400, [2]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			response := mustAnswer(t, bufio.NewReader(dial(t, address, test.request)), test.status, "")
			if got := response.Header.Get(test.header[0]); got != test.header[1] {
				t.Error(response.Header)
			}
		})
	}
}

// Refuse and Advertise say what they have to, whatever else is said about the connection.
func TestRefuseAndAdvertise(t *testing.T) {
	h2c := upgrade.MustParseProduct("h2c")
	handlers := map[string]fasthttp.RequestHandler{
		"refuse":      func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo, h2c) },
		"advertise":   func(ctx *fasthttp.RequestCtx) { page(ctx); fasthttpupgrade.Advertise(ctx, echo, h2c) },
		"no product":  func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, upgrade.Product[string]{}) },
		"nothing":     func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Advertise(ctx) },
		"closing":     func(ctx *fasthttp.RequestCtx) { ctx.SetConnectionClose(); fasthttpupgrade.Refuse(ctx, echo, h2c) },
		"closes then": func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo, h2c); ctx.SetConnectionClose() },
		"option": func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.Set("Connection", "x")
			fasthttpupgrade.Refuse(ctx, echo, h2c)
		},
		"option, malformed": func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.Set("Connection", "@")
			fasthttpupgrade.Refuse(ctx, echo, h2c)
		},
		"twice": func(ctx *fasthttp.RequestCtx) {
			fasthttpupgrade.Refuse(ctx, echo, h2c)
			fasthttpupgrade.Refuse(ctx, echo, h2c)
		},
	}
	const (
		plain = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		close = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\n\r\n"
		exact = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		old   = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
		v12   = "GET / HTTP/1.2\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
		full  = "echo/1, h2c"
	)
	for _, test := range []struct {
		handler, request    string
		status              int
		upgrade, connection string
	}{
		{"refuse", plain, 426, full, "Upgrade"},
		{"refuse", close, 426, full, "Upgrade, close"},
		{"refuse", exact, 426, full, "Upgrade, close"},
		{"refuse", v12, 426, full, "Upgrade, close"},
		{"refuse", old, 505, "", "keep-alive"},
		{"refuse", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501, "", "close"},
		{"advertise", plain, 200, full, "Upgrade"},
		{"advertise", exact, 200, full, "Upgrade, close"},
		{"advertise", v12, 200, full, "Upgrade, close"},
		{"advertise", old, 200, "", "keep-alive"},
		{"no product", plain, 501, "", ""},
		{"nothing", plain, 200, "", ""},
		{"closing", plain, 426, full, "Upgrade, close"},
		{"closes then", plain, 426, full, "Upgrade, close"},
		{"option", plain, 426, full, "x, Upgrade"},
		{"option, malformed", plain, 426, full, "Upgrade"},
		{"twice", plain, 426, full, "Upgrade"},
	} {
		t.Run(fmt.Sprintf("%s/%q", test.handler, test.request), func(t *testing.T) {
			address := listen(t, &fasthttp.Server{Handler: handlers[test.handler]})
			conn := dial(t, address, test.request)
			conn.CloseWrite()
			all, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(all), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			if !strings.HasPrefix(lines[0], fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
				t.Error(lines[0])
			}
			values := map[string][]string{}
			for _, line := range lines[1:] {
				name, value, _ := strings.Cut(line, ": ")
				values[name] = append(values[name], value)
			}
			if got := strings.Join(values["Upgrade"], "|"); got != test.upgrade {
				t.Errorf("Upgrade: %s", got)
			}
			if got := strings.Join(values["Connection"], ", "); got != test.connection {
				t.Errorf("Connection: %s", got)
			}
		})
	}
}

// Content that nobody read would be a request to fasthttp.
func TestUnreadStream(t *testing.T) {
	refusal := func(*fasthttp.RequestCtx) ([]handshake.Field, error) {
		return nil, &fasthttpupgrade.Refusal{Status: 403}
	}
	for name, handler := range map[string]fasthttp.RequestHandler{
		"Refuse":  func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo) },
		"Refusal": fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{Product: echo, Fields: refusal}}}.Handle,
	} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, &fasthttp.Server{StreamRequestBody: true, MaxRequestBodySize: 1, Handler: handler})
			conn := dial(t, address, "POST / HTTP/1.1\r\n"+offer+"Content-Length: 9000\r\n\r\n"+strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n.", 300))
			all, _ := io.ReadAll(conn)
			if strings.Count(string(all), "HTTP/1.1 ") != 1 || !strings.Contains(string(all), "\r\nConnection: close\r\n") {
				t.Errorf("%q", all)
			}
		})
	}
}
