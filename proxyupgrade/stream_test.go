package proxyupgrade_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// switchTo returns a backend that reads one request, with content octets of content, and
// switches to websocket.
func switchTo(content int, then func(p *peer, content string)) func(*peer) {
	return func(p *peer) {
		if p.head() == "" {
			return
		}
		got := p.octets(content)
		p.send(switching("websocket"))
		then(p, got)
	}
}

// A way is how the backend is connected to the proxy, and how many proxies there are.
type way struct {
	name   string
	change func(testing.TB, *proxyupgrade.Proxy, string)
	listen func(testing.TB) net.Listener
	twice  bool
	body   bool // the backend is reached through the Body of its 101
}

func listenTCP(t testing.TB) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// ways returns the ways that a switch can go.
func ways() []way {
	return []way{
		{name: "TCP", listen: listenTCP},
		{name: "two proxies", listen: listenTCP, twice: true},
		{name: "TLS",
			listen: func(t testing.TB) net.Listener {
				return tls.NewListener(listenTCP(t), &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
			},
			change: func(t testing.TB, p *proxyupgrade.Proxy, addr string) {
				transport := p.Reverse.Transport.(*http.Transport)
				transport.DialTLSContext = func(_ context.Context, network, addr string) (net.Conn, error) {
					return tls.Dial(network, addr, &tls.Config{InsecureSkipVerify: true})
				}
				rewrite := p.Reverse.Rewrite
				p.Reverse.Rewrite = func(r *httputil.ProxyRequest) { rewrite(r); r.Out.URL.Scheme = "https" }
			}},
		{name: "Unix socket",
			listen: func(t testing.TB) net.Listener {
				listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
				if err != nil {
					t.Fatal(err)
				}
				return listener
			},
			change: func(t testing.TB, p *proxyupgrade.Proxy, addr string) {
				p.Reverse.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", addr) }
				rewrite := p.Reverse.Rewrite
				p.Reverse.Rewrite = func(r *httputil.ProxyRequest) { rewrite(r); r.Out.URL.Host = "x" }
			}},
		{name: "other RoundTripper", listen: listenTCP, body: true,
			change: func(t testing.TB, p *proxyupgrade.Proxy, addr string) {
				p.Reverse.Transport = roundTripper{p.Reverse.Transport}
			}},
		{name: "other connection", listen: listenTCP, body: true,
			change: func(t testing.TB, p *proxyupgrade.Proxy, addr string) {
				p.Reverse.Transport.(*http.Transport).DialContext = func(_ context.Context, network, addr string) (net.Conn, error) {
					conn, err := net.Dial(network, addr)
					if err != nil {
						return nil, err
					}
					return struct{ halfConn }{conn.(*net.TCPConn)}, nil
				}
			}},
		{name: "ModifyResponse replaces Body", listen: listenTCP, body: true,
			change: func(t testing.TB, p *proxyupgrade.Proxy, addr string) {
				p.Reverse.ModifyResponse = func(r *http.Response) error {
					r.Body = struct{ halfBody }{r.Body.(halfBody)}
					return nil
				}
			}},
		{name: "Relay wraps", listen: listenTCP,
			change: func(t testing.TB, p *proxyupgrade.Proxy, addr string) {
				p.Relay = func(t *proxyupgrade.Tunnel) {
					t.Client = struct{ halfConn }{t.Client.(halfConn)}
					t.Copy()
				}
			}},
	}
}

type roundTripper struct{ http.RoundTripper }

// halfConn is a connection of a type that the Proxy does not know.
type halfConn interface {
	net.Conn
	CloseWrite() error
}

type halfBody interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// certificate returns the certificate of httptest.
func certificate(t testing.TB) tls.Certificate {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}

// throughAll runs test for each of ways, with a proxy between the client and serve.
func throughAll(t *testing.T, serve func(*peer), test func(t *testing.T, c *tcptest.Client)) {
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			if way.body && !halfClosingBody {
				t.Skip("a Body cannot be half-closed before Go 1.25")
			}
			listener := way.listen(t)
			acceptAll(t, listener, serve)
			addr := listener.Addr().String()
			p := newProxy(t, addr, func(p *proxyupgrade.Proxy) {
				if way.change != nil {
					way.change(t, p, addr)
				}
			})
			if way.twice {
				p = newProxy(t, p.addr, nil)
			}
			test(t, tcptest.Dial(t, p.addr))
			if n := len(p.errors); n > 0 {
				t.Errorf("%d errors: %v", n, <-p.errors)
			}
		})
	}
}

func TestEarlyOctetsOfClient(t *testing.T) {
	throughAll(t, switchTo(0, func(p *peer, _ string) { p.echo() }), func(t *testing.T, c *tcptest.Client) {
		c.Send(request("websocket") + "EARLY")
		c.Head()
		if got := c.Octets(5); got != "EARLY" {
			t.Errorf("got %q", got)
		}
		c.CloseWrite()
		c.End()
	})
}

func TestOctetsAfterContent(t *testing.T) {
	for _, framing := range []string{"length", "chunked"} {
		t.Run(framing, func(t *testing.T) {
			throughAll(t, switchTo(5, func(p *peer, content string) { p.send(content + "|"); p.echo() }), func(t *testing.T, c *tcptest.Client) {
				c.Send("POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + tcptest.Framed(framing, "hello") + "EARLY")
				head := c.Head()
				if lines(head, "Content-Length") != nil {
					t.Errorf("a 101 has no content: %q", head)
				}
				if got := c.Octets(11); got != "hello|EARLY" {
					t.Errorf("got %q", got)
				}
				c.CloseWrite()
				c.End()
			})
		})
	}
}

func TestEarlyOctetsOfBackend(t *testing.T) {
	early := strings.Repeat("SRV1", 3000)
	throughAll(t, func(p *peer) {
		p.head()
		p.send(switching("websocket") + early)
		p.echo()
	}, func(t *testing.T, c *tcptest.Client) {
		c.Send(request("websocket"))
		c.Head()
		if got := c.Octets(len(early)); got != early {
			t.Errorf("got %.50q", got)
		}
		c.CloseWrite()
		c.End()
	})
}

func TestClientHalfCloses(t *testing.T) {
	throughAll(t, switchTo(0, func(p *peer, _ string) { p.send("after " + p.rest()) }), func(t *testing.T, c *tcptest.Client) {
		c.Send(request("websocket"))
		c.Head()
		c.Send("hello")
		c.CloseWrite()
		if got := c.End(); got != "after hello" {
			t.Errorf("got %q", got)
		}
	})
}

func TestBackendHalfCloses(t *testing.T) {
	got := make(chan string, 100)
	throughAll(t, switchTo(0, func(p *peer, _ string) {
		p.Conn.(interface{ CloseWrite() error }).CloseWrite()
		got <- p.rest()
	}), func(t *testing.T, c *tcptest.Client) {
		c.Send(request("websocket"))
		c.Head()
		if rest := c.Rest(); rest != "" {
			t.Errorf("got %q", rest)
		}
		c.Send("still here")
		c.Close()
		if got := tcptest.Receive(t, got); got != "still here" {
			t.Errorf("backend got %q", got)
		}
	})
}

// Megabytes in both directions at once arrive complete.
func TestBulk(t *testing.T) {
	throughAll(t, switchTo(0, func(p *peer, _ string) { p.echo() }), func(t *testing.T, c *tcptest.Client) {
		c.Send(request("websocket"))
		c.Head()
		want := make([]byte, 5<<20)
		for i := range want {
			want[i] = byte(i * i >> 8)
		}
		sent := make(chan error, 1)
		go func() {
			_, err := c.Write(want)
			c.CloseWrite()
			sent <- err
		}()
		got := c.Rest()
		if err := tcptest.Receive(t, sent); err != nil {
			t.Error(err)
		}
		if got != string(want) {
			t.Errorf("%d octets, or wrong ones", len(got))
		}
	})
}

// A backend that answers before it has the content still gets the content first.
func TestAnswerBeforeContent(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 50_000)
	for name, size := range map[string]int{"small": 10, "one buffer": 4 << 10, "large": len(content)} {
		t.Run(name, func(t *testing.T) {
			throughAll(t, func(p *peer) {
				p.head()
				p.send(switching("websocket"))
				p.send(p.octets(size))
				p.echo()
			}, func(t *testing.T, c *tcptest.Client) {
				c.Send("POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + tcptest.Framed("length", content[:size]) + "NEWPROTO")
				c.Head()
				if got := c.Octets(size + 8); got != content[:size]+"NEWPROTO" {
					t.Errorf("content and protocol are mixed: %.50q ... %q", got, got[len(got)-20:])
				}
				c.CloseWrite()
				c.End()
			})
		})
	}
}

func TestTooMuchContent(t *testing.T) {
	for _, test := range []struct {
		name, framing, content string
		max                    int64
		status                 string
	}{
		{"length", "length", "0123456789", 9, "413"},
		{"chunked", "chunked", "0123456789", 9, "413"},
		{"none allowed", "length", "0", -1, "413"},
		{"as much as allowed", "chunked", "012345678", 9, "101"},
		{"no content", "none", "", -1, "101"},
		{"more than the default", "length", strings.Repeat("x", 2<<20+1), 0, "413"},
		{"as much as the default", "length", strings.Repeat("x", 2<<20), 0, "101"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan bool, 1)
			backend := newBackend(t, func(p *peer) {
				asked <- true
				p.head()
				p.octets(len(test.content))
				p.send(switching("websocket"))
			})
			p := newProxy(t, backend, func(p *proxyupgrade.Proxy) { p.MaxBody = test.max })
			c := tcptest.Dial(t, p.addr)
			go io.WriteString(c, "POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+tcptest.Framed(test.framing, test.content))
			head := c.Head()
			if got := statusOf(head); got != test.status {
				t.Errorf("status is %s", got)
			}
			if test.status == "101" {
				return
			}
			if len(asked) > 0 {
				t.Error("the backend was asked")
			}
			var content *handshake.ContentError
			if err := tcptest.Receive(t, p.errors); !errors.As(err, &content) || content.Status != 413 {
				t.Errorf("error is %v", err)
			}
			if got := lines(head, "Connection"); len(got) != 1 || got[0] != "close" {
				t.Errorf("Connection is %q", got)
			}
		})
	}
}

func TestMalformedContent(t *testing.T) {
	p := newProxy(t, newBackend(t, func(*peer) { t.Error("the backend was asked") }), nil)
	c := tcptest.Dial(t, p.addr)
	c.Send("POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
	if got := statusOf(c.Head()); got != "400" {
		t.Errorf("status is %s", got)
	}
	tcptest.Receive(t, p.errors)
}

// The client gets one 100 (Continue), from the proxy. The backend gets no Expect.
func TestExpect(t *testing.T) {
	heads := make(chan string, 1)
	p := newProxy(t, newBackend(t, func(p *peer) {
		heads <- p.head()
		content := p.octets(5)
		p.send("HTTP/1.1 100 Continue\r\n\r\n" + switching("websocket") + content)
		p.echo()
	}), nil)
	c := tcptest.Dial(t, p.addr)
	c.Send("POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	if got := c.Head(); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q", got)
	}
	c.Send("hello")
	if got := statusOf(c.Head()); got != "101" {
		t.Errorf("status is %s", got)
	}
	if got := c.Octets(5); got != "hello" {
		t.Errorf("got %q", got)
	}
	if got := lines(tcptest.Receive(t, heads), "Expect"); got != nil {
		t.Errorf("the backend got Expect %q", got)
	}
	c.CloseWrite()
	c.End()
}

// After an answer that is not a switch, even one that advertises, the client's next bytes
// are HTTP and go through the proxy.
func TestRequestAfterDecline(t *testing.T) {
	for name, answer := range map[string]string{
		"200 that advertises": "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok",
		"403":                 "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nok",
	} {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in one write: %v", name, together), func(t *testing.T) {
				heads := make(chan string, 2)
				p := newProxy(t, newBackend(t, func(p *peer) {
					for head := p.head(); head != ""; head = p.head() {
						heads <- head
						p.send(answer)
					}
				}), nil)
				c := tcptest.Dial(t, p.addr)
				const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
				if together {
					c.Send(request("websocket") + smuggled)
				} else {
					c.Send(request("websocket"))
				}
				for i := range 2 {
					c.Head()
					c.Octets(2)
					if i == 0 && !together {
						c.Send(smuggled)
					}
				}
				tcptest.Receive(t, heads)
				if got := lines(tcptest.Receive(t, heads), "X-Forwarded-For"); len(got) != 1 || got[0] != "127.0.0.1" {
					t.Errorf("the request bypassed the proxy: X-Forwarded-For is %q", got)
				}
				c.CloseWrite()
				c.End()
			})
		}
	}
}

// The fields that Connection names are removed before Director or Rewrite adds fields. Keep
// protects a field from Connection.
func TestFieldsOfHop(t *testing.T) {
	for _, director := range []bool{false, true} {
		t.Run(fmt.Sprintf("Director %v", director), func(t *testing.T) {
			heads := make(chan string, 1)
			backend := newBackend(t, func(p *peer) {
				heads <- p.head()
				p.send("HTTP/1.1 200 OK\r\nConnection: X-Session, X-Hop\r\nX-Session: 1\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nok")
			})
			p := newProxy(t, backend, func(p *proxyupgrade.Proxy) {
				p.Keep = []string{"authorization", "X-Session"}
				if rewrite := p.Reverse.Rewrite; director {
					p.Reverse.Rewrite = nil
					p.Reverse.Director = func(r *http.Request) {
						r.URL.Scheme, r.URL.Host = "http", backend
						r.Header.Set("X-Real-Ip", "ours")
					}
				} else {
					p.Reverse.Rewrite = func(r *httputil.ProxyRequest) { rewrite(r); r.Out.Header.Set("X-Real-Ip", "ours") }
				}
			})
			c := tcptest.Dial(t, p.addr)
			c.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection:\r\nConnection: X-Forwarded-For, X-Real-IP, Authorization, X-Trace\r\n" +
				"Authorization: Basic\r\nX-Trace: 1\r\nX-Real-Ip: theirs\r\nTE: trailers, gzip\r\n\r\n")
			answer := c.Head()
			c.Octets(2)
			head := tcptest.Receive(t, heads)
			for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "ours", "Authorization": "Basic", "X-Trace": "", "Te": "trailers"} {
				if got := strings.Join(lines(head, name), "|"); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
			if got := lines(answer, "X-Session"); len(got) != 1 || lines(answer, "X-Hop") != nil {
				t.Errorf("the answer is %q", answer)
			}
		})
	}
}

func TestMalformedConnection(t *testing.T) {
	for _, offered := range []string{"", "Upgrade: websocket\r\n"} {
		p := newProxy(t, newBackend(t, func(*peer) { t.Error("the backend was asked") }), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, @@@\r\n" + offered + "\r\n")
		if got := statusOf(c.Head()); got != "400" {
			t.Errorf("status is %s", got)
		}
		var malformed *handshake.FieldError
		if err := tcptest.Receive(t, p.errors); !errors.As(err, &malformed) || malformed.Field != "Connection" {
			t.Errorf("error is %v", err)
		}
	}
}

// After a 2xx to a CONNECT the client has a tunnel, but the Proxy expects the next request.
// So the backend, which may answer 200 to any method, is not asked.
func TestConnect(t *testing.T) {
	p := newProxy(t, newBackend(t, func(p *peer) {
		if head := p.head(); head != "" {
			t.Errorf("the backend was asked: %q", head)
		}
	}), nil)
	for _, fields := range []string{"", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: @\r\n", "Content-Length: 5\r\n"} {
		c := tcptest.Dial(t, p.addr)
		c.Send("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n" + fields + "\r\n" + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
		head := c.Head()
		if statusOf(head) != "501" || len(lines(head, "Connection")) != 1 || lines(head, "Connection")[0] != "close" {
			t.Errorf("answer is %q", head)
		}
		c.End()
		if err := tcptest.Receive(t, p.errors); err != handshake.ErrConnect {
			t.Errorf("error is %v", err)
		}
	}
}

// A malformed Host, which net/http lets through, is refused before the backend is asked.
// Without an offer, ReverseProxy passes the request on.
func TestMalformedHost(t *testing.T) {
	for _, host := range []string{"x:port", "[::1", "a%x", "a]"} {
		asked := make(chan bool, 1)
		p := newProxy(t, newBackend(t, func(p *peer) { asked <- true; p.head() }), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(strings.Replace(request("websocket"), "Host: x", "Host: "+host, 1))
		head := c.Head()
		if got := statusOf(head); got != "400" {
			t.Errorf("%s: status is %s", host, got)
		}
		if got := lines(head, "Connection"); len(got) != 1 || got[0] != "close" {
			t.Errorf("%s: Connection is %q", host, got)
		}
		if err := tcptest.Receive(t, p.errors); err != handshake.ErrHost {
			t.Errorf("%s: error is %v", host, err)
		}
		if len(asked) > 0 {
			t.Errorf("%s: the backend was asked", host)
		}
	}
	t.Run("extended CONNECT", func(t *testing.T) {
		p := newProxy(t, newBackend(t, func(*peer) { t.Error("the backend was asked") }), nil)
		r := httptest.NewRequest("CONNECT", "/", nil)
		r.Host, r.ProtoMajor, r.ProtoMinor = "x:port", 2, 0
		r.Header[":protocol"] = []string{"foo/2"}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != 400 {
			t.Errorf("status is %d", w.Code)
		}
		if err := tcptest.Receive(t, p.errors); err != handshake.ErrHost {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("without an offer", func(t *testing.T) {
		p := newProxy(t, newBackend(t, func(p *peer) { p.head(); p.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(strings.Replace(request("h2c"), "Host: x", "Host: x:port", 1))
		if got := statusOf(c.Head()); got != "200" {
			t.Errorf("status is %s", got)
		}
	})
}

// A Connection in the trailer section does not apply to the header section.
func TestConnectionInTrailer(t *testing.T) {
	heads := make(chan string, 1)
	p := newProxy(t, newBackend(t, func(p *peer) {
		heads <- p.head()
		p.octets(len("5\r\nhello\r\n0\r\n"))
		p.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	}), nil)
	c := tcptest.Dial(t, p.addr)
	c.Send("POST / HTTP/1.1\r\nHost: x\r\nX-Foo: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nConnection: X-Foo\r\n\r\n")
	c.Head()
	c.Octets(2)
	if got := lines(tcptest.Receive(t, heads), "X-Foo"); len(got) != 1 {
		t.Errorf("X-Foo is %q", got)
	}
}

// A RoundTripper may return a Body that can be written to but has no CloseWrite. The tunnel
// works, and ends when one side does.
func TestBodyWithoutHalfClose(t *testing.T) {
	ended := make(chan string, 1)
	p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) {
		p.send("hi " + p.octets(5))
		ended <- p.rest()
	})), func(p *proxyupgrade.Proxy) { p.Reverse.Transport = writable{p.Reverse.Transport} })
	c := tcptest.Dial(t, p.addr)
	c.Send(request("websocket") + "EARLY")
	c.Head()
	if got := c.Octets(8); got != "hi EARLY" {
		t.Errorf("got %q", got)
	}
	c.CloseWrite()
	if got := c.Rest(); got != "" {
		t.Errorf("then %q", got)
	}
	if got := tcptest.Receive(t, ended); got != "" {
		t.Errorf("the backend got %q", got)
	}
	if len(p.errors) > 0 {
		t.Errorf("error is %v", <-p.errors)
	}
}

// writable returns Bodies that have only Read, Write and Close.
type writable struct{ http.RoundTripper }

func (w writable) RoundTrip(out *http.Request) (*http.Response, error) {
	answer, err := w.RoundTripper.RoundTrip(out)
	if err == nil {
		answer.Body = struct{ io.ReadWriteCloser }{answer.Body.(io.ReadWriteCloser)}
	}
	return answer, err
}

// Interim responses to a request without an offer are passed on. Those to an offer are not:
// see TestAnswer.
func TestInterimWithoutOffer(t *testing.T) {
	p := newProxy(t, newBackend(t, func(p *peer) {
		p.head()
		p.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}), nil)
	c := tcptest.Dial(t, p.addr)
	c.Send(request("h2c"))
	if head := c.Head(); statusOf(head) != "103" || len(lines(head, "Link")) != 1 {
		t.Errorf("got %q", head)
	}
	if got := statusOf(c.Head()); got != "200" {
		t.Errorf("status is %s", got)
	}
}

// Upgrade and Connection never reach an HTTP/2 client, because HTTP/2 has neither field. So
// Advertise cannot say what a 426 requires, and the answer is a 502.
func TestOrdinaryOverHTTP2(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		status       int
	}{
		{"200 that advertises", "HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n", 200},
		{"200 that advertises and closes", "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: close, Upgrade\r\n", 200},
		{"426", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", 502},
		{"101 without an offer", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", 502},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			heads := make(chan string, 1)
			b := newBridge(t, newBackend(t, func(p *peer) {
				heads <- p.head()
				p.send(test.answer + "Content-Length: 0\r\n\r\n")
				p.rest()
			}), nil)
			answer, err := b.Send("GET", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != test.status {
				t.Errorf("status is %s", answer.Status)
			}
			for _, name := range []string{"Upgrade", "Connection", "X-Hop", "Keep-Alive"} {
				if got := answer.Header[name]; got != nil {
					t.Errorf("%s is %q", name, got)
				}
			}
			if head := tcptest.Receive(t, heads); lines(head, "Upgrade") != nil {
				t.Errorf("the backend got %q", head)
			}
			if failed := len(b.errors) > 0; failed != (test.status == 502) {
				t.Errorf("%d errors", len(b.errors))
			}
		})
	}
}

// Content without an offer is streamed, and so is the answer to an offer that the backend
// declines, with its trailers.
func TestOrdinaryIsStreamed(t *testing.T) {
	t.Run("request", func(t *testing.T) {
		begun := make(chan string, 1)
		p := newProxy(t, newBackend(t, func(p *peer) {
			p.head()
			begun <- p.octets(5)
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + p.octets(5))
		}), func(p *proxyupgrade.Proxy) { p.MaxBody = 1 })
		c := tcptest.Dial(t, p.addr)
		c.Send("POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nContent-Length: 10\r\n\r\nhello")
		if got := tcptest.Receive(t, begun); got != "hello" {
			t.Errorf("the backend got %q", got)
		}
		c.Send("world")
		c.Head()
		if got := c.Octets(5); got != "world" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("declined", func(t *testing.T) {
		more := make(chan bool)
		const chunk = 1 << 20
		p := newProxy(t, newBackend(t, func(p *peer) {
			p.head()
			p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n")
			<-more
			p.send(fmt.Sprintf("%x\r\n", chunk))
			p.Write(bytes.Repeat([]byte("x"), chunk))
			p.send("\r\n0\r\nX-Sum: 7\r\n\r\n")
		}), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		answer, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		hello := make([]byte, 5)
		if _, err := io.ReadFull(answer.Body, hello); err != nil || string(hello) != "hello" {
			t.Errorf("got %q, %v", hello, err)
		}
		close(more)
		if n, err := io.Copy(io.Discard, answer.Body); n != chunk || err != nil {
			t.Errorf("%d octets, %v", n, err)
		}
		if got := answer.Trailer.Get("X-Sum"); got != "7" {
			t.Errorf("the trailer is %q", got)
		}
	})
}

// OPTIONS * reaches a handler if the server is configured so, and switches like any request.
func TestOptionsOfServer(t *testing.T) {
	p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { p.echo() })), nil)
	addr := newServer(t, p.Proxy, func(s *http.Server) { s.DisableGeneralOptionsHandler = true })
	c := tcptest.Dial(t, addr)
	c.Send(strings.Replace(request("websocket"), "GET /a", "OPTIONS *", 1) + "EARLY")
	c.Head()
	if got := c.Octets(5); got != "EARLY" {
		t.Errorf("got %q", got)
	}
	c.CloseWrite()
	c.End()
}
