package page

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// Chromium speaks WebSocket over HTTP/2 to our proxy, and the proxy makes a complete offer
// to an HTTP/1.1 backend. The proxy runs in a process with the setting for HTTP/2 in its
// environment, and allows no switch over HTTP/1.1.
func TestBridge(t *testing.T) {
	const variable = "BRIDGE_TO"
	if backend := os.Getenv(variable); backend != "" {
		bridge(backend)
		return
	}
	browser := browser(t, "ignore-certificate-errors")
	backend := newTap(t, serve(t, build(t)))
	t.Setenv("GODEBUG", "http2xconnect=1")
	t.Setenv(variable, backend.address)
	tab := open(t, browser, desktop, "https://"+run(t, os.Args[0], "-test.run=^TestBridge$")+"/")
	ready(tab)
	eval[bool](tab, `(() => { document.getElementById("message").value = "typed"; document.getElementById("send").click(); return true; })()`)
	tab.wait(`document.querySelector("#transcript li:last-child.back")?.textContent === "echotyped"`)
	all := backend.handshakes()
	if len(all) != 1 {
		t.Fatalf("%d handshakes at the backend", len(all))
	}
	for _, part := range []string{"GET /?handshake=", "\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n", "\r\nSec-Websocket-Key: ", "\r\nSec-Websocket-Version: 13\r\n"} {
		if !strings.Contains(all[0][0], part) {
			t.Errorf("no %q in %q", part, all[0][0])
		}
	}
	eval[bool](tab, `(document.getElementById("toggle").click(), true)`)
	tab.wait(`document.getElementById("state").textContent === "closed"`)
}

// The command is such a proxy with --tls, and its log shows both versions of HTTP.
func TestProxyOverTLS(t *testing.T) {
	browser := browser(t, "ignore-certificate-errors")
	binary := build(t)
	for setting, want := range map[string]string{
		"http2xconnect=1": ` CONNECT "/?handshake=`,
		"http2xconnect=0": ` GET "/?handshake=`,
	} {
		t.Run(setting, func(t *testing.T) {
			backend := newTap(t, serve(t, binary))
			t.Setenv("GODEBUG", setting)
			address, log := runLogged(t, binary, "proxy", "--tls", "--listen", "127.0.0.1:0", "--backend", "http://"+backend.address, "--allow", "websocket")
			tab := open(t, browser, desktop, "https://"+address+"/")
			ready(tab)
			eval[bool](tab, `(() => { document.getElementById("message").value = "typed"; document.getElementById("send").click(); return true; })()`)
			tab.wait(`document.querySelector("#transcript li:last-child.back")?.textContent === "echotyped"`)
			if all := backend.handshakes(); len(all) != 1 || !strings.Contains(all[0][0], "\r\nUpgrade: websocket\r\n") {
				t.Errorf("handshakes at the backend: %q", all)
			}
			eval[bool](tab, `(document.getElementById("toggle").click(), true)`)
			tab.wait(`document.getElementById("state").textContent === "closed"`)
			for end := time.Now().Add(patience); !strings.Contains(log(), " websocket closed after ") && time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond)
			}
			got := log()
			if strings.Count(got, want) != 1 || strings.Count(got, ` offers "websocket": switched to websocket`) != 1 ||
				strings.Count(got, " websocket closed after ") != 1 || strings.Contains(got, "not switched") {
				t.Errorf("the log, which should have %q:\n%s", want, got)
			}
		})
	}
}

// bridge is the proxy, which ends with SIGTERM.
func bridge(backend string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	proxy := &proxyupgrade.Proxy{
		Reverse: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: backend})
			r.Out.Host = r.In.Host
		}},
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
		Allow:    func(r *http.Request, _ upgrade.Product[string]) bool { return r.ProtoMajor == 2 },
	}
	server := httptest.NewUnstartedServer(proxy)
	server.EnableHTTP2 = true
	server.StartTLS()
	fmt.Println("listening on", server.URL)
	<-ctx.Done()
	server.CloseClientConnections()
	server.Close()
}
