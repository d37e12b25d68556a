package proxyupgrade_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// The part of an offer that goes to the backend.
func TestOffer(t *testing.T) {
	const get = "GET /a HTTP/1.1\r\nHost: x\r\n"
	for _, test := range []struct {
		name     string
		products string
		request  string
		upgrade  string // at the backend
		option   string // in Connection there
		status   string
	}{
		{"one", "", request("websocket"), "websocket", "Upgrade", "101"},
		{"in our spelling", "", request("WebSocket"), "websocket", "Upgrade", "101"},
		{"HTTP/1.0", "", strings.Replace(request("websocket"), "HTTP/1.1", "HTTP/1.0", 1), "", "", "200"},
		{"h2c, not in Products", "", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "", "", "200"},
		{"h2c first", "", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "websocket", "Upgrade", "101"},
		{"TLS", "", request("TLS/1.2"), "", "", "200"},
		{"h2c, in Products", "h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "h2c", "Upgrade, HTTP2-Settings", "101"},
		{"h2c without settings", "h2c", request("h2c"), "h2c", "Upgrade", "101"},
		{"h2c with settings for another hop", "h2c", get + "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "h2c", "Upgrade", "101"},
		{"h2c with settings twice", "h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "h2c", "Upgrade", "101"},
		{"settings without h2c", "h2c tcp", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: tcp\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "tcp", "Upgrade", "101"},
		{"two, in the client's order", "", request("foo/2, websocket"), "foo/2, websocket", "Upgrade", "101"},
		{"lines", "", get + "Connection: Upgrade\r\nUpgrade: foo\r\nUpgrade: websocket\r\n\r\n", "websocket", "Upgrade", "101"},
		{"empty line first", "", get + "Connection: Upgrade\r\nUpgrade:\r\nUpgrade: websocket\r\n\r\n", "websocket", "Upgrade", "101"},
		{"parameters", "", request("a b;c"), "", "", "200"},
		{"malformed neighbour", "", request("@@@, websocket"), "", "", "200"},
		{"Kelvin sign", "", request("websoc\u212Aet"), "", "", "200"},
		{"Kelvin sign in a neighbour", "", request("foo/2, websoc\u212Aet"), "", "", "200"},
		{"long s", "", get + "Connection: Upgrade\r\nUpgrade: web\u017Focket\r\n\r\n", "", "", "200"},
		{"no-break space", "", request("\u00A0websocket"), "", "", "200"},
		{"other version", "", request("websocket/13, foo"), "", "", "200"},
		{"no option", "", get + "Upgrade: websocket\r\n\r\n", "", "", "200"},
		{"option without Upgrade", "", get + "Connection: upgrade\r\n\r\n", "", "", "200"},
		{"keep-alive as well", "", get + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", "websocket", "Upgrade", "101"},
		{"option and Upgrade in many lines", "", get + "Connection: keep-alive\r\nConnection: ,upgrade,\r\nUpgrade: ,\r\nUpgrade: h2c,,websocket\r\n\r\n", "websocket", "Upgrade", "101"},
		{"none in Products", "none", request("websocket"), "", "", "200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			heads := make(chan string, 1)
			backend := newBackend(t, func(p *peer) {
				head := p.head()
				heads <- head
				if u := lines(head, "Upgrade"); u != nil {
					first, _, _ := strings.Cut(u[0], ",")
					p.send(switching(first))
					p.echo()
					return
				}
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
			})
			p := newProxy(t, backend, func(p *proxyupgrade.Proxy) {
				if test.products != "" {
					p.Products = products(test.products)
				}
			})
			c := tcptest.Dial(t, p.addr)
			c.Send(test.request)
			head := c.Head()
			if got := statusOf(head); got != test.status {
				t.Errorf("status is %s", got)
			}
			passedOn := tcptest.Receive(t, heads)
			one := func(s string) []string {
				if s == "" {
					return nil
				}
				return []string{s}
			}
			if d := cmp.Diff(one(test.upgrade), lines(passedOn, "Upgrade")); d != "" {
				t.Errorf("Upgrade (-want +got):\n%s", d)
			}
			if d := cmp.Diff(one(test.option), lines(passedOn, "Connection")); d != "" {
				t.Errorf("Connection (-want +got):\n%s", d)
			}
			if hasSettings := lines(passedOn, "HTTP2-Settings") != nil; hasSettings != strings.Contains(test.option, "HTTP2") {
				t.Errorf("HTTP2-Settings are passed on: %v", hasSettings)
			}
			if test.status == "101" {
				c.Send("ping")
				if got := c.Octets(4); got != "ping" {
					t.Errorf("got %q", got)
				}
			}
			c.CloseWrite()
			c.Rest()
		})
	}
}

// The part of the backend's answer that goes to the client. After a bad answer the backend's
// connection is closed.
func TestAnswer(t *testing.T) {
	const bad = "HTTP/1.1 502 Bad Gateway\r\n"
	const bad10 = "HTTP/1.0 502 Bad Gateway\r\n"
	const start = "HTTP/1.1 101 Switching Protocols\r\n"
	for _, test := range []struct {
		name    string
		request string
		answer  string
		want    []string // lines of the head for the client
		never   string   // in it
		after   string   // follows the head
	}{
		{"in the backend's spelling", "", switching("WebSocket"), []string{start, "Upgrade: websocket\r\n", "Connection: Upgrade\r\n"}, "WebSocket", ""},
		{"a member of a list", request("foo/2, websocket"), switching("websocket"), []string{start, "Upgrade: websocket\r\n"}, "foo", ""},
		{"two layers", request("foo/2, websocket"), switching("websocket\r\nUpgrade: foo/2"), []string{start, "Upgrade: websocket, foo/2\r\n"}, "", ""},
		{"early octets", "", switching("websocket") + "SRV1", []string{start}, "", "SRV1"},
		{"hop-by-hop fields", "", start + "Connection: Upgrade, X-Hop\r\nX-Hop: s\r\nKeep-Alive: 5\r\nProxy-Authenticate: Basic\r\nUpgrade: websocket\r\nX-End: e\r\n\r\n",
			[]string{start, "X-End: e\r\n"}, "X-Hop Keep-Alive Proxy", ""},
		{"length", "", start + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nDATA", []string{start}, "Content-Length", "DATA"},
		{"chunked", "", start + "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\nDATA", []string{start}, "Transfer-Encoding", "DATA"},
		{"103 first", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + switching("websocket"), []string{start}, "Link 103", ""},
		{"keep-alive as well", "", start + "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", []string{start, "Connection: Upgrade\r\n"}, "keep-alive", ""},
		{"fields in order", "", start + "Connection: Upgrade\r\nUpgrade: websocket\r\nX-B: 2\r\nX-A: 1\r\nX-B: 3\r\n\r\n", []string{start, "X-A: 1\r\nX-B: 2\r\nX-B: 3\r\n"}, "", ""},

		{"no Connection", "", start + "Upgrade: websocket\r\n\r\n", []string{bad}, "Upgrade", ""},
		{"no Upgrade", "", start + "Connection: Upgrade\r\n\r\n", []string{bad}, "Upgrade", ""},
		{"not offered", "", switching("evil"), []string{bad}, "evil", ""},
		{"also one not offered", "", switching("websocket\r\nUpgrade: evil"), []string{bad}, "evil", ""},
		{"allowed but not offered", "", switching("tcp"), []string{bad}, "tcp", ""},
		{"other version", request("foo/2"), switching("foo"), []string{bad}, "foo", ""},
		{"HTTP/1.0", "", strings.Replace(switching("websocket"), "HTTP/1.1", "HTTP/1.0", 1), []string{bad}, "Upgrade", ""},
		{"Kelvin sign", "", switching("websoc\u212Aet"), []string{bad}, "Upgrade", ""},
		{"malformed Upgrade", "", switching("websocket x"), []string{bad}, "Upgrade", ""},
		{"malformed Connection", "", start + "Connection: Upgrade, @@@\r\nUpgrade: websocket\r\n\r\n", []string{bad}, "Upgrade", ""},
		{"also close, which net/http hides", "", start + "Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n", []string{bad}, "Upgrade", ""},
		{"nothing was offered", request("h2c"), switching("h2c"), []string{bad}, "h2c", ""},
		{"nothing was offered, and nothing named", request("h2c"), start + "\r\n", []string{bad}, "101", ""},

		{"200 that advertises", "", "HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok", []string{"HTTP/1.1 200 OK\r\n"}, "Upgrade", "ok"},
		{"200 after 103", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", []string{"HTTP/1.1 200 OK\r\n"}, "Link", "ok"},
		{"200 with fields of the hop", request("h2c"), "HTTP/1.1 200 OK\r\nConnection: X-Hop, Date\r\nX-Hop: s\r\nContent-Length: 2\r\n\r\nok", []string{"HTTP/1.1 200 OK\r\n"}, "X-Hop", "ok"},
		{"200 with a malformed Connection", request("h2c"), "HTTP/1.1 200 OK\r\nConnection: @@@\r\nContent-Length: 2\r\n\r\nok", []string{bad}, "Upgrade", ""},
		{"403", "", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", []string{"HTTP/1.1 403 Forbidden\r\n"}, "", "no"},
		{"426", "", "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: secret/1, WebSocket\r\nContent-Length: 2\r\n\r\nno",
			[]string{"HTTP/1.1 426 Upgrade Required\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n"}, "secret", "no"},
		{"426 to no offer", request("h2c"), "HTTP/1.1 426 Upgrade Required\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\nno",
			[]string{"HTTP/1.1 426 Upgrade Required\r\n", "Upgrade: tcp\r\n", "Connection: Upgrade\r\n"}, "", "no"},
		{"426 that names none of Products", "", "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: secret/1\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "Upgrade secret", ""},
		{"426 that names nothing", "", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "Upgrade", ""},
		{"426 for HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\nno", []string{bad10}, "Upgrade", ""},
		{"099", "", "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "", ""},
		{"000", "", "HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "", ""},
		{"+20", "", "HTTP/1.1 +20 X\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "", ""},
		{"099 to no offer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "", ""},
		{"600", "", "HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nno", []string{"HTTP/1.1 600 "}, "", "no"},
		{"426 that is malformed", "", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket, @\r\nContent-Length: 2\r\n\r\nno", []string{bad}, "Upgrade", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan bool, 1)
			backend := newBackend(t, func(p *peer) {
				p.head()
				p.send(test.answer)
				if test.want[0] == bad || test.want[0] == bad10 || test.want[0] == start {
					p.echo()
					closed <- true
				}
			})
			p := newProxy(t, backend, nil)
			c := tcptest.Dial(t, p.addr)
			if test.request == "" {
				test.request = request("websocket")
			}
			c.Send(test.request)
			head := c.Head()
			for _, want := range test.want {
				if !strings.Contains(head, want) {
					t.Errorf("%q is not in %q", want, head)
				}
			}
			for _, never := range strings.Fields(test.never) {
				if strings.Contains(strings.Replace(head, start, "", 1), never) {
					t.Errorf("%q is in %q", never, head)
				}
			}
			if n := len(lines(head, "Upgrade")); n > 1 || len(lines(head, "Connection")) > 1 {
				t.Errorf("lines are repeated: %q", head)
			}
			switch test.want[0] {
			case bad, bad10:
				// Before the client ends, because the backend's connection is of no further use.
				tcptest.Receive(t, closed)
				if err := tcptest.Receive(t, p.errors); err == nil {
					t.Error("no error")
				}
			case start:
				c.Send("ping")
				if got, want := c.Octets(len(test.after)+4), test.after+"ping"; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			default:
				if got := c.Octets(len(test.after)); got != test.after {
					t.Errorf("content is %q", got)
				}
			}
			c.CloseWrite()
			if rest := c.Rest(); rest != "" {
				t.Errorf("%q follows", rest)
			}
			if n := len(p.errors); n > 0 {
				t.Errorf("%d more errors: %v", n, <-p.errors)
			}
		})
	}
}
