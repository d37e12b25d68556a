package proxyupgrade_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/h2test"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// bridge is a Proxy that is served over HTTP/2, and what it reports.
type bridge struct {
	*h2test.Client
	*proxyupgrade.Proxy
	errors chan error
}

func newBridge(t testing.TB, addr string, change func(*proxyupgrade.Proxy)) *bridge {
	t.Helper()
	b := &bridge{errors: make(chan error, 100)}
	b.Proxy = &proxyupgrade.Proxy{Reverse: reverse(t, addr), Products: products("websocket tcp foo/2 h2c")}
	b.Proxy.Error = func(_ *http.Request, err error) { b.errors <- err }
	if change != nil {
		change(b.Proxy)
	}
	server := httptest.NewUnstartedServer(b.Proxy)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	b.Client = h2test.Dial(t, server)
	return b
}

const version13 = "Sec-WebSocket-Version: 13"

// The backend gets a request for WebSocket, and the client gets its answer.
func TestBridgeWebSocket(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 2)
	addr := newBackend(t, func(p *peer) {
		head := p.head()
		heads <- head
		keys := lines(head, "Sec-WebSocket-Key")
		if len(keys) != 1 {
			return
		}
		p.send("HTTP/1.1 101 S\r\nConnection: Upgrade, X-Hop\r\nUpgrade: WebSocket\r\nX-Hop: 1\r\nX-End: 2\r\n" +
			"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: " + websocket.Accept(keys[0]) + "\r\n\r\nEARLY")
		p.echo()
	})
	b := newBridge(t, addr, nil)
	var seen []string
	for range 2 {
		c := b.Connect("websocket", version13, "Sec-WebSocket-Key: of the client", "Sec-WebSocket-Protocol: chat", "X-One: 1")
		c.Header.Del("Date")
		want := http.Header{"X-End": {"2"}, "Sec-Websocket-Protocol": {"chat"}}
		if got := fmt.Sprint(c.Header); got != fmt.Sprint(want) {
			t.Errorf("header %s, want %v", got, want)
		}
		if got := c.Read(5); got != "EARLY" {
			t.Errorf("%q", got)
		}
		c.Write("octets")
		c.Writer.Close()
		if got := c.Rest(); got != "octets" {
			t.Errorf("%q", got)
		}
		head := tcptest.Receive(t, heads)
		if !strings.HasPrefix(head, "GET /x HTTP/1.1\r\n") || strings.Contains(head, ":protocol") {
			t.Errorf("the backend got %q", head)
		}
		for _, field := range []string{"Upgrade: websocket", "Connection: Upgrade", version13, "Sec-WebSocket-Protocol: chat", "X-One: 1"} {
			name, value, _ := strings.Cut(field, ": ")
			if got := lines(head, name); len(got) != 1 || got[0] != value {
				t.Errorf("the backend got %s: %q", name, got)
			}
		}
		key := lines(head, "Sec-WebSocket-Key")[0]
		if err := websocket.Check("GET", []string{"13"}, []string{key}); err != nil {
			t.Errorf("the backend got the key %q", key)
		}
		seen = append(seen, key)
	}
	if seen[0] == seen[1] {
		t.Error("the key is not fresh")
	}
}

// The client's answer for each answer of the backend.
func TestBridgeAnswers(t *testing.T) {
	t.Parallel()
	var answer string
	addr := newBackend(t, func(p *peer) {
		if p.head() != "" {
			p.send(answer)
		}
	})
	b := newBridge(t, addr, nil)
	head := "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: "
	for _, test := range []struct {
		name, protocol, answer string
		status                 int
		content                string
		err                    error // nil: none is reported
	}{
		{"wrong Accept", "websocket", head + "websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 502, "", websocket.ErrAccept},
		{"no Accept", "websocket", head + "websocket\r\n\r\n", 502, "", websocket.ErrAccept},
		{"another product", "foo/2", head + "tcp\r\n\r\n", 502, "", handshake.ErrNotOffered},
		{"403", "foo/2", "HTTP/1.1 403 F\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nno", 403, "no", nil},
		{"302", "foo/2", "HTTP/1.1 302 F\r\nContent-Length: 0\r\nX-One: 1\r\n\r\n", 302, "", nil},
		{"404 that advertises", "foo/2", "HTTP/1.1 404 F\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\nContent-Length: 0\r\nX-One: 1\r\n\r\n", 404, "", nil},
		{"426", "foo/2", "HTTP/1.1 426 F\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\nContent-Length: 0\r\n\r\n", 502, "", handshake.ErrNoProduct},
		{"200", "foo/2", "HTTP/1.1 200 F\r\nContent-Length: 2\r\n\r\nok", 502, "", errAny},
		{"099", "foo/2", "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nno", 502, "", handshake.ErrStatus},
		{"000", "websocket", "HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nno", 502, "", handshake.ErrStatus},
		{"204", "foo/2", "HTTP/1.1 204 F\r\n\r\n", 502, "", errAny},
		{"103, then 403", "foo/2", "HTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 403 F\r\nContent-Length: 0\r\nX-One: 1\r\n\r\n", 403, "", nil},
	} {
		answer = test.answer
		c := b.Request(http.MethodConnect, test.protocol, version13)
		if c.StatusCode != test.status || len(c.Header["Upgrade"])+len(c.Header["Connection"])+len(c.Header["Link"]) > 0 {
			t.Errorf("%s: %s, %v", test.name, c.Status, c.Header)
		}
		if test.err == nil && c.Header.Get("X-One") != "1" {
			t.Errorf("%s: %v", test.name, c.Header)
		}
		if got := c.Rest(); got != test.content {
			t.Errorf("%s: content %q", test.name, got)
		}
		if test.err == nil {
			continue
		}
		err := tcptest.Receive(t, b.errors)
		var bad *proxyupgrade.BackendError
		if !errors.As(err, &bad) || test.err != errAny && !errors.Is(err, test.err) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if len(b.errors) > 0 {
		t.Error(<-b.errors)
	}
}

var errAny = errors.New("any error")

// Requests that are refused without asking the backend.
func TestBridgeRefused(t *testing.T) {
	t.Parallel()
	addr := newBackend(t, func(p *peer) {
		if p.head() != "" {
			t.Error("the backend was asked")
		}
	})
	b := newBridge(t, addr, func(p *proxyupgrade.Proxy) {
		p.Allow = func(_ *http.Request, product upgrade.Product[string]) bool { return product.Name() != "tcp" }
	})
	for _, test := range []struct {
		protocol, version string
		status            int
		want              string
	}{
		{"connect-udp", "13", 501, ""},
		{"foo", "13", 501, ""},
		{"foo/2, websocket", "13", 501, ""},
		{"h2c", "13", 501, ""},
		{"tcp", "13", 501, ""},
		{"websocket", "12", 400, "13"},
	} {
		c := b.Request(http.MethodConnect, test.protocol, "Sec-WebSocket-Version: "+test.version)
		if c.StatusCode != test.status || c.Header.Get("Sec-WebSocket-Version") != test.want {
			t.Errorf("%s: %s, %v", test.protocol, c.Status, c.Header)
		}
	}
	r := httptest.NewRequest("CONNECT", "/", nil)
	r.Method, r.Host, r.ProtoMajor, r.ProtoMinor = "CONNECT", "", 2, 0
	r.Header[":protocol"] = []string{"foo/2"}
	w := httptest.NewRecorder()
	b.Proxy.ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("no authority: %d", w.Code)
	}
}

// :protocol means nothing in any other request, and does not reach the backend.
func TestBridgeOtherMethod(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	addr := newBackend(t, func(p *peer) {
		heads <- p.head()
		p.send("HTTP/1.1 200 O\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	})
	target := &url.URL{Scheme: "http", Host: addr}
	b := newBridge(t, addr, nil)
	r := httptest.NewRequest("GET", target.String(), nil)
	r.ProtoMajor, r.ProtoMinor = 2, 0
	r.Header[":protocol"] = []string{"foo/2"}
	w := httptest.NewRecorder()
	b.Proxy.ServeHTTP(w, r)
	if head := tcptest.Receive(t, heads); strings.Contains(head, "protocol") || strings.Contains(head, "Upgrade") {
		t.Errorf("the backend got %q", head)
	}
	if w.Code != 200 || w.Body.String() != "ok" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// A product other than websocket keeps its fields. Bytes that the client sends before the
// backend has switched reach the backend after the switch.
func TestBridgeOtherProduct(t *testing.T) {
	t.Parallel()
	heads, goOn := make(chan string, 1), make(chan struct{})
	addr := newBackend(t, func(p *peer) {
		heads <- p.head()
		<-goOn
		if n := p.Buffered(); n > 0 {
			t.Errorf("%d octets came before the 101", n)
		}
		p.send(switching("connect-udp"))
		p.echo()
	})
	b := newBridge(t, addr, func(p *proxyupgrade.Proxy) { p.Products = products("connect-udp") })
	r, w := io.Pipe()
	go func() {
		io.WriteString(w, "before")
		tcptest.Receive(t, heads)
		close(goOn)
		io.WriteString(w, "after")
		w.Close()
	}()
	c, err := b.Send(http.MethodConnect, "connect-udp", r, "Capsule-Protocol: ?1", "Sec-WebSocket-Key: kept")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Rest(); c.StatusCode != 200 || got != "beforeafter" {
		t.Errorf("%s, %q", c.Status, got)
	}
}

// The ends of a tunnel.
func TestBridgeEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan string, 1)
	addr := newBackend(t, func(p *peer) {
		head := p.head()
		p.send(switching("foo/2"))
		if strings.Contains(head, "X-First: backend") {
			p.send("BYE")
			p.Conn.(interface{ CloseWrite() error }).CloseWrite()
		}
		ended <- p.rest()
	})
	b := newBridge(t, addr, nil)
	// net/http ends the stream only when the handler returns, so the end of the backend's
	// side is the end of both.
	c := b.Connect("foo/2", "X-First: backend")
	if got := c.Rest(); got != "BYE" {
		t.Errorf("%q", got)
	}
	tcptest.Receive(t, ended)
	c = b.Connect("foo/2")
	c.Write("octets")
	c.Body.Close() // a reset
	tcptest.Receive(t, ended)
}

// Shutdown and Relay handle HTTP/2 tunnels like any other.
func TestBridgeRelay(t *testing.T) {
	t.Parallel()
	addr := newBackend(t, func(p *peer) { p.head(); p.send(switching("foo/2")); p.rest() })
	b := newBridge(t, addr, func(p *proxyupgrade.Proxy) {
		p.Relay = func(tunnel *proxyupgrade.Tunnel) {
			if tunnel.Request.Method == "CONNECT" && tunnel.Products[0].Matches(products("foo/2")[0]) {
				io.WriteString(tunnel.Client, "RELAY")
			}
			<-tunnel.Request.Context().Done()
		}
	})
	c := b.Connect("foo/2")
	if got := c.Read(5); got != "RELAY" {
		t.Errorf("%q", got)
	}
	if err := b.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if got := c.Rest(); got != "" {
		t.Errorf("%q", got)
	}
	if c := b.Request(http.MethodConnect, "foo/2"); c.StatusCode != 503 {
		t.Error(c.Status)
	}
}
