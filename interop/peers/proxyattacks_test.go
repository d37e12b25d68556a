package peers

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// This file has attacks on proxies that pass Upgrade on; some have a CVE. Each is replayed
// octet for octet against ReverseProxy and against our proxy. The backend also writes raw
// octets, and can switch to any product it is offered. What only ReverseProxy does wrong is
// recorded as its limit.

// attack is one exchange and its outcome.
type attack struct {
	name     string
	request  string // in one Write
	answer   string // of the backend to an offer; PRODUCT is the first product in it
	ordinary string // to a request without an offer; empty: a 200
	early    bool   // the backend answers before it reads the content, which is long
	rest     string // of the content, and what follows; not sent to ReverseProxy, which does not wait for it
	then     string // what the client sends after the answer; after a 101 it also half-closes
	reverse  string // the outcome at ReverseProxy; empty: as at ours
	ours     string // the outcome at our proxy
}

const (
	attackSwitch = switching + "Connection: Upgrade\r\nUpgrade: PRODUCT\r\n\r\n"
	attackGet    = "GET /a HTTP/1.1\r\nHost: x\r\n"
	attackOffer  = attackGet + "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	smuggled     = "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Real-Ip: forged\r\nConnection: close\r\n\r\n"
	ok           = "Content-Length: 2\r\n\r\nok"
)

// attackContent is longer than the buffers on its way.
var attackContent = strings.Repeat("0123456789abcdef", 1<<16)

var attacks = []attack{
	{
		name:    "h2c to a backend that switches, and a request inside (CVE-2026-88008)",
		request: attackGet + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
		answer:  attackSwitch, then: smuggled,
		reverse: `GET /a; Connection: Upgrade; Upgrade: h2c; proxied "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Real-Ip: forged\r\nConnection: close\r\n\r\n" || HTTP/1.1 101; Connection: Upgrade; Upgrade: h2c`,
		ours:    `GET /a; proxied | GET /smuggled; proxied || HTTP/1.1 200; Content-Length: 2 "ok" | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "h2c before an allowed product",
		request: attackGet + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
		answer:  attackSwitch, then: "hi",
		reverse: `GET /a; Connection: Upgrade; Upgrade: h2c, websocket; proxied || HTTP/1.1 502; Content-Length: 0`,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied "hi" || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
	},
	{
		name:    "TLS to a backend that switches (CVE-2025-49812)",
		request: attackGet + "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n",
		answer:  attackSwitch, then: smuggled,
		reverse: `GET /a; Connection: Upgrade; Upgrade: TLS/1.2; proxied "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Real-Ip: forged\r\nConnection: close\r\n\r\n" || HTTP/1.1 101; Connection: Upgrade; Upgrade: TLS/1.2`,
		ours:    `GET /a; proxied | GET /smuggled; proxied || HTTP/1.1 200; Content-Length: 2 "ok" | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "an offer in HTTP/1.0",
		request: "GET /a HTTP/1.0\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		answer:  attackSwitch,
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
		ours:    `GET /a; proxied || HTTP/1.0 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "an offer that is not a list of products",
		request: attackGet + "Connection: Upgrade\r\nUpgrade: a b;c\r\n\r\n",
		answer:  attackSwitch, then: smuggled,
		reverse: `GET /a; Connection: Upgrade; Upgrade: a b;c; proxied "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Real-Ip: forged\r\nConnection: close\r\n\r\n" || HTTP/1.1 101; Connection: Upgrade; Upgrade: a b;c`,
		ours:    `GET /a; proxied | GET /smuggled; proxied || HTTP/1.1 200; Content-Length: 2 "ok" | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "early octets",
		request: attackOffer + "\r\nEARLY",
		answer:  attackSwitch, then: "hi",
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied "hi" || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied "EARLYhi" || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
	},
	{
		name:    "early octets after content",
		request: strings.Replace(attackOffer, "GET", "POST", 1) + "Content-Length: 5\r\n\r\nhelloEARLY",
		answer:  attackSwitch, then: "hi",
		reverse: `POST /a; Connection: Upgrade; Content-Length: 5; Upgrade: websocket; proxied "hello" "hi" || HTTP/1.1 101; Connection: Upgrade; Content-Length: 0; Upgrade: websocket`,
		ours:    `POST /a; Connection: Upgrade; Content-Length: 5; Upgrade: websocket; proxied "hello" "EARLYhi" || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
	},
	{
		name:    "a 101 before the content has come, so that content and protocol may mix",
		request: strings.Replace(attackOffer, "GET", "POST", 1) + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(attackContent), attackContent[:len(attackContent)/2]),
		rest:    attackContent[len(attackContent)/2:] + "NEW",
		answer:  attackSwitch, early: true,
		reverse: `POST /a; Connection: Upgrade; Content-Length: 1048576; Upgrade: websocket; proxied "as sent: false" || HTTP/1.1 101; Connection: Upgrade; Content-Length: 0; Upgrade: websocket`,
		ours:    `POST /a; Connection: Upgrade; Content-Length: 1048576; Upgrade: websocket; proxied "as sent: true" || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
	},
	{
		name:    "hop-by-hop fields in a 101",
		request: attackOffer + "\r\n",
		answer:  switching + "Connection: Upgrade, X-Hop\r\nUpgrade: PRODUCT\r\nX-Hop: secret\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n\r\n",
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 101; Connection: Upgrade, X-Hop; Keep-Alive: timeout=5; Proxy-Authenticate: Basic; Upgrade: websocket; X-Hop: secret`,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
	},
	{
		name:    "a 101 with two Upgrade lines",
		request: attackOffer + "\r\n",
		answer:  switching + "Connection: Upgrade\r\nUpgrade: PRODUCT\r\nUpgrade: evil\r\n\r\n",
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket; Upgrade: evil`,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 502; Content-Length: 0`,
	},
	{
		name:    "a 101 in HTTP/1.0",
		request: attackOffer + "\r\n",
		answer:  strings.Replace(attackSwitch, "HTTP/1.1", "HTTP/1.0", 1),
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.0 101; Connection: close; Connection: Upgrade; Upgrade: websocket`,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 502; Content-Length: 0`,
	},
	{
		name:    "a 101 to a product that was not offered",
		request: attackOffer + "\r\n",
		answer:  strings.Replace(attackSwitch, "PRODUCT", "evil", 1), then: smuggled,
		ours: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied | GET /smuggled; proxied || HTTP/1.1 502; Content-Length: 0 | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:     "a 101 without an offer",
		request:  attackGet + "\r\n",
		ordinary: strings.Replace(attackSwitch, "PRODUCT", "websocket", 1), then: smuggled,
		ours: `GET /a; proxied | GET /smuggled; proxied || HTTP/1.1 502; Content-Length: 0 | HTTP/1.1 502; Content-Length: 0`,
	},
	{
		name:    "Connection names a field that the proxy adds (CVE-2021-33197, CVE-2021-32813)",
		request: attackGet + "Connection:\r\nConnection: X-Real-Ip, X-Forwarded-For, Authorization\r\nAuthorization: Basic\r\n\r\n",
		reverse: `GET /a; X-Forwarded-For: 127.0.0.1 || HTTP/1.1 200; Content-Length: 2 "ok"`,
		ours:    `GET /a; Authorization: Basic; proxied || HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "Connection names a field that the proxy adds to an offer",
		request: attackGet + "Connection: Upgrade, X-Real-Ip, Authorization\r\nUpgrade: websocket\r\nAuthorization: Basic\r\n\r\n",
		answer:  attackSwitch,
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; X-Forwarded-For: 127.0.0.1 || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
		ours:    `GET /a; Authorization: Basic; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 101; Connection: Upgrade; Upgrade: websocket`,
	},
	{
		name:    "a 426 without Upgrade",
		request: attackOffer + "\r\n",
		answer:  "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + ok,
		reverse: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 426; Content-Length: 2 "ok"`,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied || HTTP/1.1 426; Connection: Upgrade; Content-Length: 2; Upgrade: websocket "ok"`,
	},
	{
		name:    "200 with Upgrade, and another request (CVE-2024-23326)",
		request: attackOffer + "\r\n",
		answer:  "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: PRODUCT\r\n" + ok, then: smuggled,
		ours: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied | GET /smuggled; proxied || HTTP/1.1 200; Content-Length: 2 "ok" | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "403, and another request (CVE-2018-1002105)",
		request: attackOffer + "\r\n",
		answer:  "HTTP/1.1 403 Forbidden\r\n" + ok, then: smuggled,
		ours: `GET /a; Connection: Upgrade; Upgrade: websocket; proxied | GET /smuggled; proxied || HTTP/1.1 403; Content-Length: 2 "ok" | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
	{
		name:    "another request in the same write as an offer that is declined (CVE-2026-2833)",
		request: attackOffer + "\r\n" + smuggled,
		answer:  "HTTP/1.1 200 OK\r\n" + ok,
		ours:    `GET /a; Connection: Upgrade; Upgrade: websocket; proxied | GET /smuggled; proxied || HTTP/1.1 200; Content-Length: 2 "ok" | HTTP/1.1 200; Content-Length: 2 "ok"`,
	},
}

// attackProxies returns the two proxies to compare.
func attackProxies(backend string) (reverse *httputil.ReverseProxy, ours *proxyupgrade.Proxy) {
	reverse = &httputil.ReverseProxy{
		Transport: &http.Transport{},
		//lint:ignore SA1019 Connection removes what a Director has set: that is one of the attacks.
		Director: func(r *http.Request) {
			r.URL = &url.URL{Scheme: "http", Host: backend, Path: r.URL.Path}
			r.Header.Set("X-Real-Ip", "127.0.0.1")
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return reverse, &proxyupgrade.Proxy{
		Reverse:  reverse,
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket"), upgrade.MustParseProduct("echo/1")},
		Keep:     []string{"Authorization"},
	}
}

func TestProxyAttacks(t *testing.T) {
	t.Parallel()
	for _, ours := range []bool{false, true} {
		index := slices.IndexFunc(proxies, func(p proxy) bool { return p.programs == nil && (p.handler != nil) == ours })
		peer := proxies[index].peer(t)
		t.Run(peer.name, func(t *testing.T) {
			for _, a := range attacks {
				run, want := peer.scenario, a.ours
				if !ours && a.reverse != "" {
					run, want = peer.limit, a.reverse
				}
				run(t, a.name, func(t *testing.T) {
					backend := &attackBackend{attack: a}
					address := backend.listen(t)
					reverse, proxy := attackProxies(address)
					t.Cleanup(reverse.Transport.(*http.Transport).CloseIdleConnections)
					handler := http.Handler(reverse)
					if ours {
						handler = proxy
					}
					server := httptest.NewServer(handler)
					t.Cleanup(server.Close)
					client := a.play(t, server.Listener.Addr().String(), !ours)
					equal(t, "outcome", backend.seen()+" || "+client, want)
				})
			}
		})
	}
}

// attackBackend is a server that writes raw octets and records what it has seen.
type attackBackend struct {
	attack
	conns   []net.Conn
	mu      sync.Mutex
	saw     []string // one for each request
	serving sync.WaitGroup
}

func (b *attackBackend) listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		accepting.Wait()
		for _, conn := range b.conns {
			conn.Close() // ReverseProxy leaves some open
		}
		b.serving.Wait()
	})
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.conns = append(b.conns, conn)
			b.serving.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(batteryLong))
				for r := bufio.NewReader(conn); b.serve(conn, r); {
				}
			})
		}
	})
	return listener.Addr().String()
}

// serve serves one request, and reports whether another may follow.
func (b *attackBackend) serve(conn net.Conn, in *bufio.Reader) bool {
	r, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	note := r.Method + " " + r.URL.Path + attackFields(r.Header)
	product, _, _ := strings.Cut(r.Header.Get("Upgrade"), ",")
	answer := b.ordinary
	switch {
	case product != "":
		answer = strings.ReplaceAll(b.answer, "PRODUCT", product)
	case answer == "":
		answer = "HTTP/1.1 200 OK\r\n" + ok
	}
	var content string
	if !b.early {
		octets, _ := io.ReadAll(r.Body)
		content = string(octets)
	}
	b.mu.Lock()
	b.saw = append(b.saw, note)
	i := len(b.saw) - 1
	b.mu.Unlock()
	if content != "" {
		b.note(i, content)
	}
	io.WriteString(conn, answer)
	if !strings.Contains(answer, " 101 ") {
		return true
	}
	octets, _ := io.ReadAll(in)
	switch {
	case b.early:
		b.note(i, fmt.Sprintf("as sent: %v", string(octets) == attackContent+"NEW"))
	case len(octets) > 0:
		b.note(i, string(octets))
	}
	conn.(*net.TCPConn).CloseWrite()
	return false
}

// note adds octets to what was seen of a request.
func (b *attackBackend) note(i int, octets string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saw[i] += fmt.Sprintf(" %q", octets)
}

// seen returns what the backend saw. The client's side must be over.
func (b *attackBackend) seen() string {
	if b.early {
		b.serving.Wait() // ReverseProxy may end the client's side first
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.saw, " | ")
}

// play is the client's side, and returns what the client got. Half leaves the rest out, as
// a client that already has an answer does.
func (a attack) play(t *testing.T, address string, half bool) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(batteryLong))
	wrote := make(chan bool)
	go func() {
		defer close(wrote)
		io.WriteString(conn, a.request)
		if !half {
			io.WriteString(conn, a.rest)
		}
	}()
	in := bufio.NewReader(conn)
	var got []string
	for requests := 1; requests <= strings.Count(a.request+a.then, "Host: "); requests++ {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			got = append(got, "closed")
			break
		}
		note := fmt.Sprintf("%s %d%s", answer.Proto, answer.StatusCode, attackFields(answer.Header))
		content, _ := io.ReadAll(answer.Body)
		if answer.StatusCode == 101 {
			<-wrote
			io.WriteString(conn, a.then)
			conn.(*net.TCPConn).CloseWrite()
			content, _ = io.ReadAll(in)
		}
		if len(content) > 0 {
			note += fmt.Sprintf(" %q", content)
		}
		got = append(got, note)
		if answer.StatusCode == 101 {
			break
		}
		if requests == 1 {
			io.WriteString(conn, a.then)
		}
	}
	return strings.Join(got, " | ")
}

// attackFields returns the fields that matter, in the order of their names. The two that
// the proxy adds become one word, "proxied".
func attackFields(header http.Header) string {
	var names []string
	for name := range header {
		switch name {
		case "Accept-Encoding", "Content-Type", "Date", "User-Agent":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		for _, value := range header[name] {
			fmt.Fprintf(&b, "; %s: %s", name, value)
		}
	}
	return strings.Replace(b.String(), "; X-Forwarded-For: 127.0.0.1; X-Real-Ip: 127.0.0.1", "; proxied", 1)
}
