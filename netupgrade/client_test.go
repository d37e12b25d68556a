package netupgrade_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

var (
	foo = upgrade.MustParseProduct("foo")
	bar = upgrade.MustParseProduct("bar/2")
)

// h101 is the answer that switches to foo.
const h101 = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n"

// fooBar offers foo and bar/2.
func fooBar() netupgrade.Offer {
	return netupgrade.Offer{Products: []upgrade.Product[string]{foo, bar}, Host: "x", Target: "/a"}
}

// A link is a kind of connection between a client and a script for the server.
type link struct {
	name  string
	serve func(*testing.T, func(*tcptest.Peer)) (dial func() net.Conn)
}

var links = []link{
	{"TCP", func(t *testing.T, script func(*tcptest.Peer)) func() net.Conn {
		addr := tcptest.Serve(t, script)
		return func() net.Conn { return dialTCP(t, addr) }
	}},
	{"TLS", func(t *testing.T, script func(*tcptest.Peer)) func() net.Conn {
		server, client := configs(t)
		addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
			conn := tls.Server(peer.Conn, server)
			defer conn.Close()
			script(tcptest.NewPeer(conn))
		})
		return func() net.Conn { return tls.Client(dialTCP(t, addr), client) }
	}},
}

func dialTCP(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// configs returns the TLS configurations of a server that speaks HTTP/1.1 and HTTP/2, and
// of a client that speaks only HTTP/1.1.
func configs(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	s.Close() // only its certificate is used
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}},
		&tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"http/1.1"}}
}

// overLinks runs a test over every kind of connection.
func overLinks(t *testing.T, test func(*testing.T, link)) {
	for _, l := range links {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

// answered makes the offer on a connection whose server reads the head of a request,
// answers with the pieces and waits for the client to close. gone reports whether it did.
func answered(t *testing.T, l link, c *netupgrade.Client, o netupgrade.Offer, pieces ...string) (switched netupgrade.Switched, gone func() bool, err error) {
	t.Helper()
	isGone := make(chan bool, 1)
	dial := l.serve(t, func(peer *tcptest.Peer) {
		peer.Head()
		peer.Send(pieces...)
		isGone <- peer.Gone()
	})
	switched, err = c.Upgrade(context.Background(), dial(), o)
	return switched, func() bool { return tcptest.Receive(t, isGone) }, err
}

func TestClientSwitches(t *testing.T) {
	const start = "HTTP/1.1 101 Switching Protocols\r\n"
	tests := []struct {
		name, answer string
		want         []upgrade.Product[string]
		early        string
	}{
		{"P1: bare", h101, []upgrade.Product[string]{foo}, ""},
		{"P2: early bytes", h101 + "EARLY", []upgrade.Product[string]{foo}, "EARLY"},
		{"P4: the second product", start + "Connection: Upgrade\r\nUpgrade: bar/2\r\n\r\n", []upgrade.Product[string]{bar}, ""},
		{"P6: in the server's spelling", start + "Connection: Upgrade\r\nUpgrade: FOO\r\n\r\n", []upgrade.Product[string]{foo}, ""},
		{"P7: two layers", start + "Connection: Upgrade\r\nUpgrade: foo\r\nUpgrade: bar/2\r\n\r\n", []upgrade.Product[string]{foo, bar}, ""},
		{"layers in one line", start + "Connection: Upgrade\r\nUpgrade: bar/2, foo\r\n\r\n", []upgrade.Product[string]{bar, foo}, ""},
		{"P14: among other options", start + "Connection: keep-alive, Upgrade\r\nUpgrade: foo\r\n\r\n", []upgrade.Product[string]{foo}, ""},
		{"P14: on lines of their own", start + "Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n", []upgrade.Product[string]{foo}, ""},
		{"P15: beside close", start + "Connection: close, Upgrade\r\nUpgrade: foo\r\n\r\n", []upgrade.Product[string]{foo}, ""},
		{"P21: with a length", start + "Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 4\r\n\r\nDATA", []upgrade.Product[string]{foo}, "DATA"},
		{"P22: with a coding", start + "Connection: Upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n\r\nDATA", []upgrade.Product[string]{foo}, "DATA"},
		{"P23: no reason", "HTTP/1.1 101 \r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", []upgrade.Product[string]{foo}, ""},
		{"P23: another reason", "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", []upgrade.Product[string]{foo}, ""},
		{"P24: a second 101 is data", h101 + h101, []upgrade.Product[string]{foo}, h101},
		{"P25: interim responses", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n" + h101, []upgrade.Product[string]{foo}, ""},
		{"interim responses, early bytes", "HTTP/1.1 100 C\r\n\r\n" + h101 + "EARLY", []upgrade.Product[string]{foo}, "EARLY"},
		{"16 interim responses", strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 16) + h101, []upgrade.Product[string]{foo}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			overLinks(t, func(t *testing.T, l link) {
				for _, method := range []string{"", "HEAD"} { // P51
					o := fooBar()
					o.Method = method
					var bare net.Conn
					dial := l.serve(t, func(peer *tcptest.Peer) {
						peer.Head()
						peer.Send(test.answer)
						io.Copy(peer, peer.Reader)
						peer.Send("bye")
					})
					bare = dial()
					var c netupgrade.Client
					s, err := c.Upgrade(context.Background(), bare, o)
					if err != nil {
						t.Fatal(err)
					}
					defer s.Conn.Close()
					if s.Head.Status != 101 || !slices.Equal(s.Products, test.want) {
						t.Errorf("%d, %q, want %q", s.Head.Status, s.Products, test.want)
					}
					if test.early == "" && s.Conn != bare {
						t.Errorf("the connection is a %T", s.Conn)
					}
					// P47: over TLS this is a close_notify, and reading goes on.
					io.WriteString(s.Conn, "hello")
					if err := s.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
						t.Fatal(err)
					}
					s.Conn.SetDeadline(time.Now().Add(patience))
					if got, err := io.ReadAll(s.Conn); string(got) != test.early+"hellobye" || err != nil {
						t.Errorf("read %q, %v", got, err)
					}
				}
			})
		})
	}
}

func TestClientRefuses(t *testing.T) {
	const start = "HTTP/1.1 101 Switching Protocols\r\n"
	tests := []struct {
		name, answer string
		want         error
	}{
		{"P5: no version", start + "Connection: Upgrade\r\nUpgrade: bar\r\n\r\n", handshake.ErrNotOffered},
		{"P8: a second line that was not offered", start + "Connection: Upgrade\r\nUpgrade: foo\r\nUpgrade: evil\r\n\r\n", handshake.ErrNotOffered},
		{"P9: malformed Upgrade", start + "Connection: Upgrade\r\nUpgrade: foo bar\r\n\r\n", upgrade.ErrDelimiter},
		{"P10: a look-alike", start + "Connection: Upgrade\r\nUpgrade: \u212Aoo\r\n\r\n", upgrade.ErrToken},
		{"P11: no option", start + "Connection: keep-alive\r\nUpgrade: foo\r\n\r\n", handshake.ErrNoOption},
		{"P12: no Connection", start + "Upgrade: foo\r\n\r\n", handshake.ErrNoOption},
		{"malformed Connection", start + "Connection: Upgrade, @\r\nUpgrade: foo\r\n\r\n", upgrade.ErrToken},
		{"P13: no Upgrade", start + "Connection: Upgrade\r\n\r\n", handshake.ErrNoUpgrade},
		{"P16: version 1.0", "HTTP/1.0 101 S\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", handshake.ErrHTTPVersion},
		{"P17: version 2.0", "HTTP/2.0 101 S\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", head.ErrMajor},
		{"P18: bare line feeds", strings.ReplaceAll(h101, "\r\n", "\n"), head.ErrLineEnd},
		{"P19: a folded line", start + "Connection:\r\n Upgrade\r\nUpgrade: foo\r\n\r\n", head.ErrFold},
		{"P20: a blank before the colon", start + "Connection: Upgrade\r\nUpgrade : foo\r\n\r\n", head.ErrFieldName},
		{"P26: endless interim responses", strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 17) + h101, netupgrade.ErrInterim},
		{"P27: a head that is too large", "HTTP/1.1 103 E\r\nX: " + strings.Repeat("x", 200<<10), head.ErrSize},
		{"early bytes before the head", "EARLY" + h101, nil},
		{"a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", nil},
		{"P34: an alert of TLS", "\x16\x03\x01\x02\x00", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			overLinks(t, func(t *testing.T, l link) {
				var c netupgrade.Client
				s, gone, err := answered(t, l, &c, fooBar(), test.answer)
				var malformed *head.Error
				if test.want != nil && !errors.Is(err, test.want) || test.want == nil && !errors.As(err, &malformed) {
					t.Errorf("%v, want %v", err, test.want)
				}
				if s.Conn != nil || s.Head != nil || s.Products != nil {
					t.Errorf("%+v with the error", s)
				}
				if !gone() {
					t.Error("the connection stayed open")
				}
			})
		})
	}
}

// P32, P33: the end of the connection, at every octet of an answer.
func TestClientServerCloses(t *testing.T) {
	answer := "HTTP/1.1 103 E\r\n\r\n" + h101
	for n := range answer {
		conn := newWire(answer[:n])
		var c netupgrade.Client
		if s, err := c.Upgrade(context.Background(), conn, fooBar()); s.Conn != nil || err != io.ErrUnexpectedEOF || !conn.closed {
			t.Fatalf("after %d octets: %+v, %v", n, s, err)
		}
	}
	overLinks(t, func(t *testing.T, l link) {
		for _, part := range []string{"", "HTTP/1.1 101 Swi"} {
			dial := l.serve(t, func(peer *tcptest.Peer) {
				peer.Head()
				peer.Send(part)
			})
			var c netupgrade.Client
			if _, err := c.Upgrade(context.Background(), dial(), fooBar()); err != io.ErrUnexpectedEOF {
				t.Errorf("after %q: %v", part, err)
			}
		}
	})
}

func TestClientServerResets(t *testing.T) {
	for _, part := range []string{"", "HTTP/1.1 101 Swi"} {
		addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
			peer.Head()
			peer.Send(part)
			peer.Conn.(*net.TCPConn).SetLinger(0)
		})
		var c netupgrade.Client
		conn := dialTCP(t, addr)
		if s, err := c.Upgrade(context.Background(), conn, fooBar()); s.Conn != nil || err == nil {
			t.Errorf("after %q: %+v, %v", part, s, err)
		}
		isClosed(t, conn)
	}
}

// isClosed checks that conn is closed.
func isClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection is open: %v", err)
	}
}

// P3: the answer in any two pieces, and octet by octet.
func TestClientPieces(t *testing.T) {
	answer := "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n" + h101 + "EARLY"
	var splits [][]string
	for n := range answer {
		splits = append(splits, []string{answer[:n], answer[n:]})
	}
	splits = append(splits, strings.Split(answer, ""))
	for _, pieces := range splits {
		conn := newWire(pieces...)
		interim := 0
		c := netupgrade.Client{Interim: func(r *head.Response) error {
			interim++
			if lines := r.Lines(nil, "link"); r.Status == 103 && (len(lines) != 1 || string(lines[0]) != "</a>") {
				t.Errorf("Link is %q", lines)
			}
			return nil
		}}
		s, err := c.Upgrade(context.Background(), conn, fooBar())
		if err != nil {
			t.Fatalf("%q: %v", pieces, err)
		}
		rest, err := io.ReadAll(s.Conn)
		if string(rest) != "EARLY" || err != nil || interim != 2 || !slices.Equal(s.Products, []upgrade.Product[string]{foo}) {
			t.Fatalf("%q: %q, %v, %d interim responses, %q", pieces, rest, err, interim, s.Products)
		}
	}
}

func TestClientInterim(t *testing.T) {
	overLinks(t, func(t *testing.T, l link) {
		want := errors.New("enough")
		c := netupgrade.Client{Interim: func(r *head.Response) error { return want }}
		_, gone, err := answered(t, l, &c, fooBar(), "HTTP/1.1 103 E\r\n\r\n"+h101)
		if err != want || !gone() {
			t.Errorf("%v", err)
		}
	})
	t.Run("panics", func(t *testing.T) {
		conn := newWire("HTTP/1.1 103 E\r\n\r\n")
		defer func() {
			if recover() == nil || !conn.closed {
				t.Error("the panic was swallowed, or the connection stayed open")
			}
		}()
		c := netupgrade.Client{Interim: func(*head.Response) error { panic("interim") }}
		c.Upgrade(context.Background(), conn, fooBar())
	})
}

func TestClientLimits(t *testing.T) {
	c := netupgrade.Client{Limits: head.Limits{Fields: 2}}
	if s, err := c.Upgrade(context.Background(), newWire(h101), fooBar()); err != nil || s.Head == nil {
		t.Errorf("two fields: %v", err)
	}
	three := strings.Replace(h101, "Upgrade: foo", "Upgrade: foo\r\nX: y", 1)
	if _, err := c.Upgrade(context.Background(), newWire(three), fooBar()); !errors.Is(err, head.ErrFields) {
		t.Errorf("three fields: %v", err)
	}
	// The limits are for each head, not for all together.
	six := strings.Repeat("HTTP/1.1 103 E\r\nX: "+strings.Repeat("x", 60<<10)+"\r\n\r\n", 6)
	var d netupgrade.Client
	if _, err := d.Upgrade(context.Background(), newWire(six+h101), fooBar()); err != nil {
		t.Errorf("six large heads: %v", err)
	}
}

func TestClientDeclined(t *testing.T) {
	tests := []struct{ name, answer, body string }{
		{"P28: 200 that advertises", "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 2\r\n\r\nok", "ok"},
		{"P29: 426, chunked", "HTTP/1.1 426 U\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", "no"},
		{"P30: 302, up to the end", "HTTP/1.1 302 F\r\nLocation: /b\r\nConnection: close\r\n\r\nbody", "body"},
		{"after interim responses", "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n", ""},
		{"version 1.0", "HTTP/1.0 200 OK\r\n\r\nold", "old"},
		{"large", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), strings.Repeat("x", 100_000)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			overLinks(t, func(t *testing.T, l link) {
				dial := l.serve(t, func(peer *tcptest.Peer) {
					peer.Head()
					peer.Send(test.answer)
				})
				ctx, cancel := context.WithCancel(context.Background())
				c := netupgrade.Client{Timeout: patience}
				s, err := c.Upgrade(ctx, dial(), fooBar())
				cancel() // this has no effect any more
				var declined *netupgrade.Declined
				if !errors.As(err, &declined) || !errors.Is(err, handshake.ErrStatus) || s.Conn != nil {
					t.Fatalf("%+v, %v", s, err)
				}
				defer declined.Conn.Close()
				resp, err := http.ReadResponse(bufio.NewReader(declined.Conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				if resp.StatusCode != declined.Head.Status || string(body) != test.body || err != nil {
					t.Errorf("%d, %.100q, %v", resp.StatusCode, body, err)
				}
				if want := fmt.Sprintf("netupgrade: server declined the upgrade with status %d", resp.StatusCode); declined.Error() != want {
					t.Errorf("%q", declined.Error())
				}
			})
		})
	}
}

// P31: the server asks for credentials, and gets them on the same connection.
func TestClientOffersAgain(t *testing.T) {
	overLinks(t, func(t *testing.T, l link) {
		dial := l.serve(t, func(peer *tcptest.Peer) {
			for {
				switch offer := peer.Head(); {
				case offer == "":
					return
				case strings.Contains(offer, "Authorization: Basic"):
					peer.Send(h101, "EARLY")
					peer.Gone()
					return
				}
				peer.Send("HTTP/1.1 401 U\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nbody")
			}
		})
		var c netupgrade.Client
		_, err := c.Upgrade(context.Background(), dial(), fooBar())
		var declined *netupgrade.Declined
		if !errors.As(err, &declined) {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(declined.Conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		o := fooBar()
		o.Fields = []handshake.Field{{Name: "Authorization", Value: "Basic dTpw"}}
		s, err := c.Upgrade(context.Background(), declined.Conn, o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Conn.Close()
		p := make([]byte, 5)
		if _, err := io.ReadFull(s.Conn, p); string(p) != "EARLY" || err != nil {
			t.Errorf("%q, %v", p, err)
		}
	})
}

// P35: the context ends while the server is silent.
func TestClientContextEnds(t *testing.T) {
	overLinks(t, func(t *testing.T, l link) {
		for name, test := range map[string]struct {
			context func() (context.Context, context.CancelFunc)
			want    error
		}{
			"cancelled": {func() (context.Context, context.CancelFunc) {
				return context.WithCancel(context.Background())
			}, context.Canceled},
			"deadline": {func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(context.Background(), 20*time.Millisecond)
			}, context.DeadlineExceeded},
		} {
			ctx, cancel := test.context()
			gone := make(chan bool, 1)
			dial := l.serve(t, func(peer *tcptest.Peer) {
				peer.Head()
				if name == "cancelled" {
					cancel()
				}
				gone <- peer.Gone()
			})
			c := netupgrade.Client{Timeout: -1}
			if s, err := c.Upgrade(ctx, dial(), fooBar()); err != test.want || s.Conn != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !tcptest.Receive(t, gone) {
				t.Errorf("%s: the connection stayed open", name)
			}
			cancel()
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		conn := newWire(h101)
		var c netupgrade.Client
		if _, err := c.Upgrade(ctx, conn, fooBar()); err != context.Canceled || !conn.closed || len(conn.writes) > 0 {
			t.Errorf("%v, sent %q", err, conn.writes)
		}
	})
	t.Run("a connection without deadlines", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		client, server := net.Pipe()
		defer server.Close()
		go func() {
			bufio.NewReader(server).ReadString('\n')
			cancel()
		}()
		c := netupgrade.Client{Timeout: -1}
		if _, err := c.Upgrade(ctx, timeless{client}, fooBar()); err != context.Canceled {
			t.Error(err)
		}
		var d netupgrade.Client // this one sets a deadline
		if _, err := d.Upgrade(context.Background(), timeless{client}, fooBar()); err != errors.ErrUnsupported {
			t.Error(err)
		}
	})
}

type timeless struct{ net.Conn }

func (timeless) SetDeadline(time.Time) error { return errors.ErrUnsupported }

// P36: the server falls silent at each step.
func TestClientTimeout(t *testing.T) {
	overLinks(t, func(t *testing.T, l link) {
		for _, part := range []string{"", "HTTP/1.1 1", "HTTP/1.1 103 E\r\n\r\n", "HTTP/1.1 101 S\r\nUpgrade: foo\r\n"} {
			c := netupgrade.Client{Timeout: 50 * time.Millisecond}
			if l.name == "TLS" {
				c.Timeout *= 4 // for the TLS handshake
			}
			_, gone, err := answered(t, l, &c, fooBar(), part)
			if !errors.Is(err, os.ErrDeadlineExceeded) || !gone() {
				t.Errorf("after %q: %v", part, err)
			}
		}
	})
	t.Run("a server that does not read", func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		c := netupgrade.Client{Timeout: 20 * time.Millisecond}
		if _, err := c.Upgrade(context.Background(), client, fooBar()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

// P37, P39: the bounds of the handshake do not bound the connection, and the caller can set
// its deadlines.
func TestClientLeavesNoDeadline(t *testing.T) {
	overLinks(t, func(t *testing.T, l link) {
		late := make(chan struct{})
		dial := l.serve(t, func(peer *tcptest.Peer) {
			peer.Head()
			peer.Send(h101)
			<-late
			peer.Send("late")
			peer.Gone()
		})
		ctx, cancel := context.WithCancel(context.Background())
		c := netupgrade.Client{Timeout: patience}
		s, err := c.Upgrade(ctx, dial(), fooBar())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Conn.Close()
		cancel()
		p := make([]byte, 4)
		s.Conn.SetReadDeadline(time.Now().Add(-time.Second))
		if _, err := s.Conn.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
		s.Conn.SetReadDeadline(time.Time{})
		close(late)
		if _, err := io.ReadFull(s.Conn, p); string(p) != "late" || err != nil {
			t.Errorf("%q, %v", p, err)
		}
	})
	for name, timeout := range map[string]time.Duration{"default": 0, "none": -1, "a minute": time.Minute} {
		conn := newWire(h101)
		c := netupgrade.Client{Timeout: timeout}
		before := time.Now()
		if _, err := c.Upgrade(context.Background(), conn, fooBar()); err != nil {
			t.Fatal(err)
		}
		want := timeout
		if want == 0 {
			want = 10 * time.Second
		}
		first, last := conn.deadlines[0], conn.deadlines[len(conn.deadlines)-1]
		if !last.IsZero() || (timeout >= 0) != (len(conn.deadlines) == 2) ||
			timeout >= 0 && (first.Before(before.Add(want)) || first.After(time.Now().Add(want))) {
			t.Errorf("%s: deadlines %v", name, conn.deadlines)
		}
	}
}

// P38: the context ends between the 101 and the return. Either there is an error and the
// connection is closed, or the connection works and has no deadline.
func TestClientContextEndsWithTheAnswer(t *testing.T) {
	worked := 0
	for i := range 300 {
		ctx, cancel := context.WithCancel(context.Background())
		conn := newWire(h101)
		conn.reading = func() {
			if i%3 == 0 {
				cancel() // before the answer
			} else {
				go cancel()
			}
		}
		c := netupgrade.Client{}
		s, err := c.Upgrade(ctx, conn, fooBar())
		conn.mu.Lock()
		last := conn.deadlines[len(conn.deadlines)-1]
		switch {
		case err == nil:
			worked++
			if conn.closed || !last.IsZero() {
				t.Errorf("closed: %t, deadline %v", conn.closed, last)
			}
		case err != context.Canceled || !conn.closed || s.Conn != nil:
			t.Errorf("%+v, %v, closed: %t", s, err, conn.closed)
		}
		conn.mu.Unlock()
		cancel()
	}
	t.Logf("%d of 300 connections worked", worked)
}

// The offer is sent in one Write, octet for octet as wanted.
func TestClientSendsOffer(t *testing.T) {
	const lines = "Host: x\r\nUpgrade: foo, bar/2\r\nConnection: Upgrade\r\n"
	tests := []struct {
		name string
		set  func(*netupgrade.Offer)
		want string
	}{
		{"the defaults", func(o *netupgrade.Offer) { o.Target, o.Host = "", "" },
			"GET / HTTP/1.1\r\nHost: \r\nUpgrade: foo, bar/2\r\nConnection: Upgrade\r\n\r\n"},
		{"a method", func(o *netupgrade.Offer) { o.Method = "REPORT" }, "REPORT /a HTTP/1.1\r\n" + lines + "\r\n"},
		{"content", func(o *netupgrade.Offer) { o.Method, o.Content = "PUT", []byte("content") },
			"PUT /a HTTP/1.1\r\n" + lines + "Content-Length: 7\r\n\r\ncontent"},
		{"content of a GET", func(o *netupgrade.Offer) { o.Content = []byte("content") },
			"GET /a HTTP/1.1\r\n" + lines + "Content-Length: 7\r\n\r\ncontent"},
		{"a POST without content", func(o *netupgrade.Offer) { o.Method = "POST" },
			"POST /a HTTP/1.1\r\n" + lines + "Content-Length: 0\r\n\r\n"},
		{"P42: a product given twice", func(o *netupgrade.Offer) { o.Products = append(o.Products, foo) },
			"GET /a HTTP/1.1\r\n" + lines + "\r\n"},
		{"P44: an option and its field", func(o *netupgrade.Offer) {
			o.Options, o.Fields = []string{"HTTP2-Settings"}, []handshake.Field{{Name: "HTTP2-Settings", Value: "AAMAAABk"}}
		}, "GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: foo, bar/2\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"},
	}
	for _, test := range tests {
		conn := newWire(h101)
		o := fooBar()
		test.set(&o)
		var c netupgrade.Client
		if _, err := c.Upgrade(context.Background(), conn, o); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !slices.Equal(conn.writes, []string{test.want}) {
			t.Errorf("%s: sent %q, want %q", test.name, conn.writes, test.want)
		}
	}
}

// An offer that cannot be sent is an error before any byte is sent, and the connection is
// closed.
func TestClientRefusesOffer(t *testing.T) {
	field := func(name, value string) func(*netupgrade.Offer) {
		return func(o *netupgrade.Offer) {
			o.Fields = []handshake.Field{{Name: "X", Value: "y"}, {Name: name, Value: value}}
		}
	}
	tests := []struct {
		name string
		set  func(*netupgrade.Offer)
		want error
	}{
		{"P42: no product", func(o *netupgrade.Offer) { o.Products = nil }, handshake.ErrNoProduct},
		{"P42: a zero product", func(o *netupgrade.Offer) { o.Products = make([]upgrade.Product[string], 1) }, handshake.ErrNoProduct},
		{"the zero offer", func(o *netupgrade.Offer) { *o = netupgrade.Offer{} }, handshake.ErrNoProduct},
		{"P43: Connection", field("Connection", "close"), handshake.ErrReserved},
		{"P43: Upgrade", field("upgrade", "evil"), handshake.ErrReserved},
		{"P43: Content-Length", field("content-length", "0"), handshake.ErrReserved},
		{"P43: Transfer-Encoding", field("Transfer-Encoding", "chunked"), handshake.ErrReserved},
		{"P43: Host", field("Host", "x"), handshake.ErrReserved},
		{"P43: a line end in a name", field("X\r\nY", "z"), handshake.ErrFieldName},
		{"P43: a line end in a value", field("X", "y\r\nZ: z"), handshake.ErrFieldValue},
		{"P43: a blank after a value", field("X", "y "), handshake.ErrFieldValue},
		{"P45: an option without a field", func(o *netupgrade.Offer) { o.Options = []string{"X"} }, handshake.ErrOption},
		{"P45: close", func(o *netupgrade.Offer) { o.Options = []string{"close"} }, handshake.ErrOption},
		{"P45: not a token", func(o *netupgrade.Offer) { o.Options = []string{"a b"} }, handshake.ErrOption},
		{"P50: CONNECT", func(o *netupgrade.Offer) { o.Method, o.Target = "CONNECT", "x:1" }, handshake.ErrMethod},
		{"a target with a blank", func(o *netupgrade.Offer) { o.Target = "/a b" }, handshake.ErrTarget},
		{"a host with a path", func(o *netupgrade.Offer) { o.Host = "x/a" }, handshake.ErrHost},
	}
	for _, test := range tests {
		conn := newWire(h101)
		o := fooBar()
		test.set(&o)
		var c netupgrade.Client
		s, err := c.Upgrade(context.Background(), conn, o)
		if !errors.Is(err, test.want) || s.Conn != nil || !conn.closed || len(conn.writes) > 0 {
			t.Errorf("%s: %v, want %v; closed: %t, sent %q", test.name, err, test.want, conn.closed, conn.writes)
		}
		var bad *handshake.ResponseError
		if errors.As(err, &bad) && bad.Index != 1 {
			t.Errorf("%s: field %d", test.name, bad.Index)
		}
	}
}

// P40: a server that switches in the middle of the content gets the rest of the content
// before the new protocol.
func TestClientSendsContentFirst(t *testing.T) {
	overLinks(t, func(t *testing.T, l link) {
		content := bytes.Repeat([]byte("0123456789"), 1000)
		received := make(chan string, 1)
		dial := l.serve(t, func(peer *tcptest.Peer) {
			peer.Head()
			io.CopyN(io.Discard, peer.Reader, 5)
			peer.Send(h101)
			rest, _ := io.ReadAll(peer.Reader)
			received <- string(rest)
		})
		o := fooBar()
		o.Method, o.Content = "POST", content
		var c netupgrade.Client
		s, err := c.Upgrade(context.Background(), dial(), o)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(s.Conn, "NEWPROTO")
		s.Conn.Close()
		if want := string(content[5:]) + "NEWPROTO"; tcptest.Receive(t, received) != want {
			t.Error("part of the content is missing, or something came before its end")
		}
	})
}

// Faults of the connection itself, at every step.
func TestClientFaults(t *testing.T) {
	broken := errors.New("broken")
	t.Run("Write fails", func(t *testing.T) {
		conn := newWire(h101)
		conn.writeErr = broken
		var c netupgrade.Client
		if _, err := c.Upgrade(context.Background(), conn, fooBar()); err != broken || !conn.closed {
			t.Error(err)
		}
	})
	t.Run("Write is short", func(t *testing.T) {
		conn := newWire(h101)
		conn.writeShort = true
		var c netupgrade.Client
		if _, err := c.Upgrade(context.Background(), conn, fooBar()); err != io.ErrShortWrite || !conn.closed {
			t.Error(err)
		}
	})
	t.Run("Read fails", func(t *testing.T) {
		for n := range h101 {
			conn := newWire(h101[:n])
			conn.end = broken
			var c netupgrade.Client
			if _, err := c.Upgrade(context.Background(), conn, fooBar()); err != broken || !conn.closed {
				t.Fatalf("after %d octets: %v", n, err)
			}
		}
	})
	t.Run("Read returns bytes with its error", func(t *testing.T) {
		conn := newWire(h101 + "EARLY")
		conn.end, conn.endWithBytes = broken, true
		var c netupgrade.Client
		s, err := c.Upgrade(context.Background(), conn, fooBar())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(s.Conn); string(got) != "EARLY" || err != broken {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("Read returns nothing forever", func(t *testing.T) {
		conn := newWire("HTTP")
		conn.empty = -1
		var c netupgrade.Client
		if _, err := c.Upgrade(context.Background(), conn, fooBar()); err != io.ErrNoProgress || !conn.closed {
			t.Error(err)
		}
	})
	t.Run("Read returns nothing at times", func(t *testing.T) {
		conn := newWire(strings.Split(h101, "")...)
		conn.empty = 99
		var c netupgrade.Client
		if _, err := c.Upgrade(context.Background(), conn, fooBar()); err != nil {
			t.Error(err)
		}
	})
	t.Run("deadlines fail", func(t *testing.T) {
		for calls, answer := range []string{"", h101, h101} {
			conn := newWire(answer)
			conn.deadlineErr, conn.deadlinesLeft = broken, calls
			var c netupgrade.Client
			_, err := c.Upgrade(context.Background(), conn, fooBar())
			if want := calls < 2; (err == broken) != want || conn.closed != want {
				t.Errorf("after %d calls: %v, closed: %t", calls, err, conn.closed)
			}
		}
	})
}

// P46: the client's TLS names only HTTP/1.1, so a server that prefers HTTP/2 speaks
// HTTP/1.1.
func TestClientALPN(t *testing.T) {
	protocol := make(chan string, 1)
	dial := links[1].serve(t, func(peer *tcptest.Peer) {
		peer.Head()
		protocol <- peer.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
		peer.Send(h101)
		peer.Gone()
	})
	var c netupgrade.Client
	s, err := c.Upgrade(context.Background(), dial(), fooBar())
	if err != nil {
		t.Fatal(err)
	}
	s.Conn.Close()
	if p := tcptest.Receive(t, protocol); p != "http/1.1" {
		t.Errorf("negotiated %q", p)
	}
}

func TestClientZeroValues(t *testing.T) {
	for _, err := range []error{&netupgrade.Declined{}, (*netupgrade.Declined)(nil)} {
		if err.Error() != "netupgrade: server declined the upgrade" || !errors.Is(err, handshake.ErrStatus) {
			t.Errorf("%q", err.Error())
		}
	}
	if err := netupgrade.ErrInterim.Error(); err != "netupgrade: too many interim responses" {
		t.Errorf("%q", err)
	}
}

// A Client and an Acceptor work together, though they share only the rules.
func TestClientWithAcceptor(t *testing.T) {
	s := start(t, echoing())
	var c netupgrade.Client
	o := netupgrade.Offer{Products: []upgrade.Product[string]{foo, echo}, Host: s.addr, Method: "POST", Content: []byte("content")}
	switched, err := c.Upgrade(context.Background(), dialTCP(t, s.addr), o)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(switched.Conn, "hello")
	switched.Conn.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(switched.Conn); string(got) != hello("content")+"hello" || err != nil || switched.Products[0] != echo {
		t.Errorf("%q, %v, %q", got, err, switched.Products)
	}
	switched.Conn.Close()
	// The Acceptor declines a product that it does not know.
	o.Products = o.Products[:1]
	_, err = c.Upgrade(context.Background(), dialTCP(t, s.addr), o)
	var declined *netupgrade.Declined
	if !errors.As(err, &declined) || declined.Head.Status != 426 || string(declined.Head.Upgrade[0]) != "echo/1" {
		t.Fatal(err)
	}
	declined.Conn.Close()
}
