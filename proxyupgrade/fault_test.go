package proxyupgrade_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// If a backend dies at any octet of its answer, the client gets a 502, and nothing is left.
// If it dies after the answer, the tunnel ends. TestMain checks that no goroutine or
// descriptor is left.
func TestBackendDies(t *testing.T) {
	answer := "HTTP/1.1 103 Early Hints\r\n\r\n" + switching("websocket")
	for cut := range len(answer) + 1 {
		for _, reset := range []bool{false, true} {
			p := newProxy(t, newBackend(t, func(p *peer) {
				p.head()
				p.send(answer[:cut])
				if reset {
					p.Conn.(*net.TCPConn).SetLinger(0)
				}
			}), nil)
			c := tcptest.Dial(t, p.addr)
			c.Send(request("websocket"))
			if cut == len(answer) {
				head, err := io.ReadAll(c.Reader)
				if !reset && (statusOf(string(head)) != "101" || err != nil) {
					t.Errorf("after the answer: %.300q, %v", head, err)
				}
				continue // a reset may overtake the answer
			}
			if got := statusOf(c.Head()); got != "502" {
				t.Errorf("cut at %d, reset %v: status is %q", cut, reset, got)
			}
			c.Close()
			if tcptest.Receive(t, p.errors); len(p.errors) > 0 {
				t.Errorf("reported again: %v", <-p.errors)
			}
		}
	}
}

// A client that dies at any octet of its request, or of the bytes after it, leaves nothing
// either, and is reported at most once.
func TestClientDies(t *testing.T) {
	whole := "POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + tcptest.Framed("chunked", "hello") + "EARLY"
	for _, reset := range []bool{false, true} {
		t.Run(fmt.Sprintf("reset %v", reset), func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, newBackend(t, func(p *peer) {
				if p.head() == "" {
					return
				}
				// The client may be gone, and the proxy with it.
				io.WriteString(p.Conn, switching("websocket"))
				io.Copy(p.Conn, p.Reader)
			}), nil)
			for cut := range len(whole) + 1 {
				c := tcptest.Dial(t, p.addr)
				c.Send(whole[:cut])
				if reset {
					c.SetLinger(0)
				}
				c.Close()
			}
			// After these the proxy serves as before.
			c := tcptest.Dial(t, p.addr)
			c.Send(whole)
			c.Head()
			if got := c.Octets(10); got != "helloEARLY" {
				t.Errorf("got %q", got)
			}
			c.CloseWrite()
			c.Rest()
			if n := len(p.errors); n > len(whole)+1 {
				t.Errorf("%d errors for %d clients", n, len(whole)+1)
			}
		})
	}
}

func TestNoBackend(t *testing.T) {
	listener := listenTCP(t)
	listener.Close()
	p := newProxy(t, listener.Addr().String(), nil)
	for _, offered := range []string{"websocket", "h2c"} {
		c := tcptest.Dial(t, p.addr)
		c.Send(request(offered))
		if got := statusOf(c.Head()); got != "502" {
			t.Errorf("status is %s", got)
		}
		tcptest.Receive(t, p.errors)
	}
}

// One side of an open tunnel resets its connection: the other one is closed at once.
func TestResetIsPassedOn(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		ended := make(chan string, 1)
		p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { p.send("hi"); ended <- p.rest() })), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		c.Octets(2)
		c.SetLinger(0)
		c.Close()
		tcptest.Receive(t, ended)
		if err := tcptest.Receive(t, p.errors); err == nil {
			t.Error("no error")
		}
	})
	t.Run("backend", func(t *testing.T) {
		p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) {
			p.octets(2)
			p.Conn.(*net.TCPConn).SetLinger(0)
		})), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		c.Send("hi")
		io.Copy(io.Discard, c)
		if err := tcptest.Receive(t, p.errors); err == nil {
			t.Error("no error")
		}
	})
}

// All that a backend sends before it closes is delivered, even if the client keeps sending.
func TestLastWordOfBackend(t *testing.T) {
	for range 20 {
		closing := make(chan bool)
		p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) {
			p.octets(1)
			p.send(strings.Repeat("BYE", 1000))
			close(closing) // with octets unread, so that the system resets
		})), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		flood := make([]byte, 64<<10)
		c.Write(flood)
		tcptest.Receive(t, closing)
		go c.Write(flood)
		if got := c.Octets(3000); got != strings.Repeat("BYE", 1000) {
			t.Errorf("got %.20q", got)
		}
		c.Close()
	}
}

// If the client is gone before the answer, the request to the backend ends too.
func TestClientGoneBeforeAnswer(t *testing.T) {
	asked, ended := make(chan bool, 1), make(chan string, 1)
	p := newProxy(t, newBackend(t, func(p *peer) {
		p.head()
		asked <- true
		ended <- p.rest()
	}), nil)
	c := tcptest.Dial(t, p.addr)
	c.Send(request("websocket"))
	tcptest.Receive(t, asked)
	c.Close()
	tcptest.Receive(t, ended)
	if err := tcptest.Receive(t, p.errors); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestNoAnswer(t *testing.T) {
	for name, partial := range map[string]string{"silence": "", "half of it": "HTTP/1.1 101 Sw"} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan string, 1)
			p := newProxy(t, newBackend(t, func(p *peer) {
				p.head()
				p.send(partial)
				ended <- p.rest()
			}), func(p *proxyupgrade.Proxy) { p.Timeout = 50 * time.Millisecond })
			c := tcptest.Dial(t, p.addr)
			c.Send(request("websocket"))
			if got := statusOf(c.Head()); got != "504" {
				t.Errorf("status is %s", got)
			}
			tcptest.Receive(t, ended)
			if err := tcptest.Receive(t, p.errors); !isTimeout(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("content of a declined offer takes longer", func(t *testing.T) {
		answered := make(chan bool)
		p := newProxy(t, newBackend(t, func(p *peer) {
			p.head()
			p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
			<-answered
			p.send("2\r\nok\r\n0\r\n\r\n")
		}), func(p *proxyupgrade.Proxy) { p.Timeout = 20 * time.Millisecond })
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		answer, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(60*time.Millisecond, func() { close(answered) })
		if content, err := io.ReadAll(answer.Body); string(content) != "okok" || err != nil {
			t.Errorf("content is %q, %v", content, err)
		}
	})
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// plainWriter is a ResponseWriter without Hijack.
type plainWriter struct{ http.ResponseWriter }

// A switch that fails at the client's side closes the backend's connection. No part of a 101
// is written if another answer is still possible.
func TestClientCannotSwitch(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*proxyupgrade.Proxy)
		wrap   func(http.Handler) http.Handler
		status string
	}{
		{"no Hijack", nil, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(plainWriter{w}, r) })
		}, "500"},
		{"ModifyResponse fails", func(p *proxyupgrade.Proxy) {
			p.Reverse.ModifyResponse = func(r *http.Response) error {
				if r.StatusCode != 101 || r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
					return fmt.Errorf("it sees %d %v", r.StatusCode, r.Header)
				}
				return errors.New("no")
			}
		}, nil, "502"},
		{"ModifyResponse changes the status", func(p *proxyupgrade.Proxy) {
			p.Reverse.ModifyResponse = func(r *http.Response) error { r.StatusCode = 200; return nil }
		}, nil, "502"},
		{"ModifyResponse takes Body", func(p *proxyupgrade.Proxy) {
			p.Reverse.ModifyResponse = func(r *http.Response) error { r.Body = io.NopCloser(r.Body); return nil }
		}, nil, "502"},
		{"Body cannot be written to", func(p *proxyupgrade.Proxy) {
			p.Reverse.Transport = readOnly{p.Reverse.Transport}
		}, nil, "502"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ended := make(chan string, 1)
			backend := newBackend(t, switchTo(0, func(p *peer, _ string) { ended <- p.rest() }))
			p := newProxy(t, backend, test.change)
			addr := p.addr
			if test.wrap != nil {
				addr = newServer(t, test.wrap(p.Proxy), nil)
			}
			c := tcptest.Dial(t, addr)
			c.Send(request("websocket"))
			if head := c.Head(); statusOf(head) != test.status || lines(head, "Upgrade") != nil {
				t.Errorf("got %q", head)
			}
			tcptest.Receive(t, ended)
			tcptest.Receive(t, p.errors)
			c.Close()
			if len(p.errors) > 0 {
				t.Errorf("reported again: %v", <-p.errors)
			}
		})
	}
}

type readOnly struct{ http.RoundTripper }

func (r readOnly) RoundTrip(out *http.Request) (*http.Response, error) {
	answer, err := r.RoundTripper.RoundTrip(out)
	if err == nil {
		answer.Body = struct{ io.ReadCloser }{answer.Body}
	}
	return answer, err
}

// If the 101 cannot be sent to the client, both connections end, and no answer is written
// into the tunnel.
func TestClientGoneAtSwitch(t *testing.T) {
	ended := make(chan string, 1)
	p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { ended <- p.rest() })), func(p *proxyupgrade.Proxy) {
		p.Reverse.ErrorHandler = func(_ http.ResponseWriter, _ *http.Request, err error) {
			t.Errorf("ErrorHandler was called for %v", err)
		}
	})
	addr := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.ServeHTTP(deadHijacker{w}, r)
	}), nil)
	c := tcptest.Dial(t, addr)
	c.Send(request("websocket"))
	if got := c.Rest(); got != "" {
		t.Errorf("got %q", got)
	}
	tcptest.Receive(t, ended)
	var write *httpupgrade.WriteError
	if err := tcptest.Receive(t, p.errors); !errors.As(err, &write) {
		t.Errorf("error is %v", err)
	}
}

// deadHijacker gives away connections that are closed already.
type deadHijacker struct{ http.ResponseWriter }

func (w deadHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		conn.Close()
	}
	return conn, buffered, err
}

// The hooks that a caller has, and where their panics and errors go.
func TestHooks(t *testing.T) {
	echo := switchTo(0, func(p *peer, _ string) { p.echo() })
	t.Run("Allow", func(t *testing.T) {
		heads := make(chan string, 1)
		p := newProxy(t, newBackend(t, func(p *peer) {
			heads <- p.head()
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}), func(p *proxyupgrade.Proxy) {
			p.Allow = func(r *http.Request, product upgrade.Product[string]) bool {
				return r.URL.Path == "/a" && product.Name() != "tcp"
			}
		})
		c := tcptest.Dial(t, p.addr)
		c.Send(request("tcp, websocket, foo/2"))
		c.Head()
		if got := lines(tcptest.Receive(t, heads), "Upgrade"); len(got) != 1 || got[0] != "websocket, foo/2" {
			t.Errorf("Upgrade is %q", got)
		}
	})
	t.Run("ModifyResponse adds", func(t *testing.T) {
		p := newProxy(t, newBackend(t, echo), func(p *proxyupgrade.Proxy) {
			p.Reverse.ModifyResponse = func(r *http.Response) error {
				r.Header.Set("X-Added", "1")
				r.Header.Set("Connection", "X-Added")
				r.Header.Set("Upgrade", "evil")
				return nil
			}
		})
		addr := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Before", " 0 ")
			w.Header().Set("Content-Length", "5")
			p.ServeHTTP(w, r)
		}), nil)
		c := tcptest.Dial(t, addr)
		c.Send(request("websocket"))
		if got := c.Head(); got != "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Before: 0\r\nX-Added: 1\r\n\r\n" {
			t.Errorf("got %q", got)
		}
		c.CloseWrite()
		c.End()
	})
	t.Run("ErrorHandler", func(t *testing.T) {
		p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { p.rest() })), func(p *proxyupgrade.Proxy) {
			p.Products = products("websocket tcp")
			p.Reverse.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
				var bad *proxyupgrade.BackendError
				if !errors.As(err, &bad) || bad.Status != 101 || !errors.Is(err, handshake.ErrNotOffered) {
					t.Errorf("error is %v", err)
				}
				w.WriteHeader(418)
			}
		})
		c := tcptest.Dial(t, p.addr)
		c.Send(request("tcp"))
		if got := statusOf(c.Head()); got != "418" {
			t.Errorf("status is %s", got)
		}
		tcptest.Receive(t, p.errors)
	})
	t.Run("Relay panics", func(t *testing.T) {
		p := newProxy(t, newBackend(t, echo), func(p *proxyupgrade.Proxy) {
			p.Relay = func(t *proxyupgrade.Tunnel) { panic("no") }
		})
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		var panicked *handshake.PanicError
		if err := tcptest.Receive(t, p.errors); !errors.As(err, &panicked) || panicked.Value != "no" {
			t.Errorf("error is %v", err)
		}
		c.Rest()
	})
	t.Run("Relay sees", func(t *testing.T) {
		seen := make(chan string, 1)
		p := newProxy(t, newBackend(t, echo), func(p *proxyupgrade.Proxy) {
			p.Relay = func(t *proxyupgrade.Tunnel) {
				toBackend, toClient, err := t.Copy()
				a, b := t.Bytes()
				seen <- fmt.Sprint(t.Request.URL.Path, t.Products, toBackend, toClient, a, b, err, t.Request.Context().Err())
			}
		})
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket") + "EARLY")
		c.Head()
		c.CloseWrite()
		c.End()
		if got := tcptest.Receive(t, seen); got != "/a[websocket] 5 5 5 5 <nil> <nil>" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("Reverse is not changed", func(t *testing.T) {
		var before httputil.ReverseProxy
		p := newProxy(t, newBackend(t, echo), func(p *proxyupgrade.Proxy) { before = *p.Reverse })
		done := make(chan bool, 10)
		for range cap(done) {
			go func() {
				c := tcptest.Dial(t, p.addr)
				c.Send(request("websocket"))
				c.Head()
				c.CloseWrite()
				c.End()
				done <- true
			}()
		}
		for range cap(done) {
			tcptest.Receive(t, done)
		}
		if after := *p.Reverse; after.Transport != before.Transport || after.ErrorHandler != nil || after.ModifyResponse != nil {
			t.Error("Reverse was changed")
		}
	})
	t.Run("zero Proxy", func(t *testing.T) {
		var logged atomic.Int64
		addr := newServer(t, &proxyupgrade.Proxy{Error: func(*http.Request, error) { logged.Add(1) }}, nil)
		c := tcptest.Dial(t, addr)
		c.Send(request("websocket"))
		if got := statusOf(c.Head()); got != "500" || logged.Load() != 1 {
			t.Errorf("status is %s, %d errors", got, logged.Load())
		}
		var p proxyupgrade.Proxy
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// The time-outs of the server and of the Transport bound requests, not tunnels.
func TestTimeoutsOfRequests(t *testing.T) {
	const timeout = 50 * time.Millisecond
	for _, content := range []string{"", "hello"} {
		t.Run("content "+content, func(t *testing.T) {
			t.Parallel()
			backend := newBackend(t, switchTo(len(content), func(p *peer, _ string) { p.echo() }))
			p := newProxy(t, backend, func(p *proxyupgrade.Proxy) {
				transport := p.Reverse.Transport.(*http.Transport)
				transport.ResponseHeaderTimeout, transport.IdleConnTimeout = time.Second, timeout
				p.Timeout = time.Second
			})
			addr := newServer(t, p.Proxy, func(s *http.Server) {
				s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = timeout, timeout, timeout, timeout
			})
			c := tcptest.Dial(t, addr)
			c.Send("POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + tcptest.Framed("length", content))
			c.Head()
			for range 4 {
				<-time.After(timeout / 2)
				c.Send("ping")
				if got := c.Octets(4); got != "ping" {
					t.Errorf("got %q", got)
				}
			}
			c.CloseWrite()
			c.End()
		})
	}
}

func TestIdle(t *testing.T) {
	const idle = 100 * time.Millisecond
	closeWrite := func(conn any) { conn.(interface{ CloseWrite() error }).CloseWrite() }
	for _, way := range ways() {
		if way.twice {
			continue // the second proxy reports what the first one has ended
		}
		for _, ended := range []string{"neither", "client", "backend"} {
			t.Run(way.name+", silent and "+ended+" has ended", func(t *testing.T) {
				t.Parallel()
				if way.body && !halfClosingBody {
					t.Skip("a Body cannot be half-closed before Go 1.25")
				}
				listener := way.listen(t)
				closed := make(chan bool)
				acceptAll(t, listener, switchTo(0, func(p *peer, _ string) {
					if ended == "backend" {
						closeWrite(p.Conn)
					}
					p.rest()
					<-closed // the client's connection
				}))
				addr := listener.Addr().String()
				p := newProxy(t, addr, func(p *proxyupgrade.Proxy) {
					p.Idle = idle
					if way.change != nil {
						way.change(t, p, addr)
					}
				})
				c := tcptest.Dial(t, p.addr)
				c.Send(request("websocket"))
				c.Head()
				if ended == "client" {
					c.CloseWrite()
				}
				c.Rest()
				if ended == "backend" {
					// That was the backend's end. Only a write could show the proxy's.
					if !tcptest.Eventually(func() bool { return len(p.errors) > 0 || p.Relay != nil }) {
						t.Error("the tunnel stays open")
					}
				}
				close(closed)
				if p.Relay != nil {
					return // it keeps the error to itself
				}
				if err := tcptest.Receive(t, p.errors); !isTimeout(err) {
					t.Errorf("error is %v", err)
				}
			})
		}
	}
	t.Run("one octet now and then from the client", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { p.rest(); p.send("BYE") })), func(p *proxyupgrade.Proxy) { p.Idle = idle })
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		for range 10 {
			<-time.After(idle / 3)
			c.Send("x")
		}
		c.CloseWrite()
		if got := c.Rest(); got != "BYE" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("one octet now and then from the backend", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) {
			for range 10 {
				<-time.After(idle / 3)
				p.send("x")
			}
			p.echo()
		})), func(p *proxyupgrade.Proxy) { p.Idle = idle })
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		c.Octets(10)
		c.Send("BYE")
		c.CloseWrite()
		if got := c.Rest(); got != "BYE" {
			t.Errorf("got %q", got)
		}
	})
}

func TestShutdown(t *testing.T) {
	echo := switchTo(0, func(p *peer, _ string) { p.echo() })
	open := func(t *testing.T, p *proxy) *tcptest.Client {
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		c.Head()
		return c
	}
	t.Run("tunnels end", func(t *testing.T) {
		p := newProxy(t, newBackend(t, echo), nil)
		clients := []*tcptest.Client{open(t, p), open(t, p), open(t, p)}
		done := make(chan error, 2)
		for range cap(done) {
			go func() { done <- p.Shutdown(context.Background()) }()
		}
		// Further offers do not get through, other requests do.
		if !tcptest.Eventually(func() bool {
			c := tcptest.Dial(t, p.addr)
			c.Send(request("websocket"))
			defer c.Close()
			return statusOf(c.Head()) == "503"
		}) {
			t.Error("offers are still accepted")
		}
		for _, c := range clients {
			if len(done) > 0 {
				t.Error("Shutdown did not wait")
			}
			c.Send("ping")
			if got := c.Octets(4); got != "ping" {
				t.Errorf("got %q", got)
			}
			c.CloseWrite()
			c.End()
		}
		for range cap(done) {
			if err := tcptest.Receive(t, done); err != nil {
				t.Error(err)
			}
		}
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		p := newProxy(t, newBackend(t, echo), nil)
		clients := []*tcptest.Client{open(t, p), open(t, p), open(t, p)}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := p.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Errorf("error is %v", err)
		}
		for _, c := range clients {
			c.Rest()
			if err := tcptest.Receive(t, p.errors); err != http.ErrServerClosed {
				t.Errorf("error is %v", err)
			}
		}
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	// A TLS connection whose peer does not read takes seconds to close. Neither Shutdown
	// nor a further offer waits for that.
	t.Run("connections that do not close", func(t *testing.T) {
		p := newProxy(t, newBackend(t, echo), nil)
		server := httptest.NewUnstartedServer(p.Proxy)
		release := make(chan bool)
		closing := make(chan bool, 2)
		server.Listener = slowClosing{server.Listener, closing, release}
		server.Start()
		defer server.Close()
		p.addr = server.Listener.Addr().String()
		open(t, p)
		open(t, p)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := p.Shutdown(ctx); err != context.Canceled {
			t.Errorf("error is %v", err)
		}
		tcptest.Receive(t, closing)
		tcptest.Receive(t, closing)
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		if got := statusOf(c.Head()); got != "503" {
			t.Errorf("status is %s", got)
		}
		close(release)
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Run("offer under way", func(t *testing.T) {
		asked := make(chan bool, 1)
		p := newProxy(t, newBackend(t, func(p *peer) { p.head(); asked <- true; p.rest() }), nil)
		c := tcptest.Dial(t, p.addr)
		c.Send(request("websocket"))
		tcptest.Receive(t, asked)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := p.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Errorf("error is %v", err)
		}
		if got := statusOf(c.Head()); got != "503" {
			t.Errorf("status is %s", got)
		}
	})
	t.Run("Relay is told", func(t *testing.T) {
		p := newProxy(t, newBackend(t, echo), func(p *proxyupgrade.Proxy) {
			p.Relay = func(t *proxyupgrade.Tunnel) {
				<-t.Request.Context().Done()
				io.WriteString(t.Client, "BYE")
			}
		})
		c := open(t, p)
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if got := c.Rest(); got != "BYE" {
			t.Errorf("got %q", got)
		}
	})
}

// slowClosing is a listener whose connections wait for release before they close.
type slowClosing struct {
	net.Listener
	closing chan<- bool
	release <-chan bool
}

func (l slowClosing) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return slowClosingConn{conn, l}, err
}

type slowClosingConn struct {
	net.Conn
	listener slowClosing
}

func (c slowClosingConn) Close() error {
	select {
	case c.listener.closing <- true:
	default:
	}
	<-c.listener.release
	return c.Conn.Close()
}
