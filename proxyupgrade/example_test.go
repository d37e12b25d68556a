package proxyupgrade_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// A proxy that passes on only echo/1. Relay counts the bytes.
func Example() {
	backend := httptest.NewServer(httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: upgrade.MustParseProduct("echo/1"),
		Serve:   func(conn net.Conn, _ *http.Request) { io.Copy(conn, conn) },
	}}})
	defer backend.Close()
	target, _ := url.Parse(backend.URL)

	counted := make(chan string, 1)
	proxy := httptest.NewServer(&proxyupgrade.Proxy{
		Reverse:  &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }},
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("echo/1")},
		Relay: func(t *proxyupgrade.Tunnel) {
			toBackend, toClient, err := t.Copy()
			counted <- fmt.Sprintln(t.Request.URL.Path, t.Products, toBackend, toClient, err)
		},
	})
	defer proxy.Close()

	conn, _ := net.Dial("tcp", proxy.Listener.Addr().String())
	defer conn.Close()
	io.WriteString(conn, "GET /room HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c, Echo/1\r\n\r\nhello")
	in := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		line, _ = in.ReadString('\n')
		fmt.Println(strings.TrimSpace(line))
	}
	conn.(*net.TCPConn).CloseWrite()
	echoed, _ := io.ReadAll(in)
	fmt.Println(string(echoed))
	fmt.Print(<-counted)
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: echo/1
	// Connection: Upgrade
	//
	// hello
	// /room [echo/1] 5 5 <nil>
}

// A field that authentication has set must stay, even if the client names it in Connection.
func ExampleRemoveHopByHop() {
	header := http.Header{
		"Connection": {"close, X-User, X-Trace"},
		"X-User":     {"alice"},
		"X-Trace":    {"1"},
		"Te":         {"trailers"},
	}
	err := proxyupgrade.RemoveHopByHop(header, "X-User")
	fmt.Println(header, err)
	// Output: map[X-User:[alice]] <nil>
}
