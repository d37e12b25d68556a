package proxyupgrade_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// products reads blank-separated products.
func products(texts string) []upgrade.Product[string] {
	var all []upgrade.Product[string]
	for _, text := range strings.Fields(texts) {
		all = append(all, upgrade.MustParseProduct(text))
	}
	return all
}

// switching returns the answer of a backend that switches to product.
func switching(product string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + product + "\r\n\r\n"
}

// request returns a GET that offers products.
func request(offered string) string {
	return "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + offered + "\r\n\r\n"
}

// peer is a backend's side of one connection.
type peer struct {
	net.Conn
	*bufio.Reader
	t testing.TB
}

// head reads up to the next empty line, and that line. It returns "" if the connection ends
// before that.
func (p *peer) head() string {
	var head strings.Builder
	for {
		line, err := p.ReadString('\n')
		if err != nil {
			return ""
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String()
		}
	}
}

func (p *peer) send(text string) {
	if _, err := io.WriteString(p.Conn, text); err != nil {
		p.t.Errorf("backend: %v", err)
	}
}

// octets reads n octets.
func (p *peer) octets(n int) string {
	octets := make([]byte, n)
	if m, err := io.ReadFull(p.Reader, octets); err != nil {
		p.t.Errorf("backend: %v after %.300q", err, octets[:m])
	}
	return string(octets)
}

// rest reads to the end, which may be a reset.
func (p *peer) rest() string {
	rest, _ := io.ReadAll(p.Reader)
	return string(rest)
}

func (p *peer) Read(b []byte) (int, error) { return p.Reader.Read(b) }

// echo sends everything back, and also the end. It copies through a buffer: otherwise net
// would hold a pipe, and the tests count pipes.
func (p *peer) echo() {
	io.Copy(struct{ io.Writer }{p.Conn}, struct{ io.Reader }{p.Reader})
	p.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// newBackend serves each connection by serve, and then closes it. It returns the address.
func newBackend(t testing.TB, serve func(*peer)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	acceptAll(t, listener, serve)
	return listener.Addr().String()
}

// acceptAll serves each connection by serve. The test ends only after every serve has ended.
func acceptAll(t testing.TB, listener net.Listener, serve func(*peer)) {
	var open sync.WaitGroup
	t.Cleanup(func() { listener.Close(); open.Wait() })
	open.Add(1)
	go func() {
		defer open.Done()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Done()
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(tcptest.Patience))
				serve(&peer{conn, bufio.NewReader(conn), t})
			}()
		}
	}()
}

// reverse returns a ReverseProxy for a backend at addr, with a Transport of its own.
func reverse(t testing.TB, addr string) *httputil.ReverseProxy {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	target := &url.URL{Scheme: "http", Host: addr}
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
		},
	}
}

// proxy is a Proxy that is being served, and what it reports.
type proxy struct {
	*proxyupgrade.Proxy
	addr   string
	errors chan error
}

// newProxy serves a Proxy for a backend at addr, with three products, unless change
// changes it.
func newProxy(t testing.TB, addr string, change func(*proxyupgrade.Proxy)) *proxy {
	t.Helper()
	p := &proxy{&proxyupgrade.Proxy{Reverse: reverse(t, addr), Products: products("websocket tcp foo/2")}, "", make(chan error, 1000)}
	p.Error = func(_ *http.Request, err error) { p.errors <- err }
	if change != nil {
		change(p.Proxy)
	}
	p.addr = newServer(t, p.Proxy, nil)
	return p
}

// newServer serves a handler and returns the address.
func newServer(t testing.TB, h http.Handler, change func(*http.Server)) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(testLog{t}, "", 0)
	if change != nil {
		change(server.Config)
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// testLog fails the test for everything that a server logs.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Errorf("server: %s", p)
	return len(p), nil
}

// lines returns the values of the field lines of that name in a head.
func lines(head, name string) []string {
	var all []string
	for _, line := range strings.Split(head, "\r\n") {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return all
}

// statusOf returns the status code in a head.
func statusOf(head string) string {
	if len(head) < len("HTTP/1.1 200") {
		return ""
	}
	return head[len("HTTP/1.1 "):][:3]
}
