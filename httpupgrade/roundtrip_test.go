package httpupgrade_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

var (
	foo = upgrade.MustParseProduct("foo")
	bar = upgrade.MustParseProduct("bar/2")
)

// fooHead is the answer of a server that switches to foo.
const fooHead = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n"

// request returns a request to addr, whose context ends if the test takes too long.
func request(t testing.TB, method, addr string, body io.Reader) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, "http://"+addr+"/a", body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// switched makes an offer of foo and bar/2 that has to succeed. The connection is closed
// when the test ends.
func switched(t testing.TB, rt http.RoundTripper, r *http.Request) (net.Conn, *http.Response) {
	t.Helper()
	conn, resp, err := httpupgrade.RoundTrip(rt, r, foo, bar)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, resp
}

// answering starts a server that reads the head of a request, answers with the pieces,
// and then echoes.
func answering(t testing.TB, pieces ...string) (addr string) {
	t.Helper()
	return tcptest.Serve(t, func(peer *tcptest.Peer) {
		peer.Head()
		peer.Send(pieces...)
		io.Copy(peer, peer.Reader)
	})
}

func TestRoundTripSwitches(t *testing.T) {
	for name, answer := range map[string]string{
		"one option":                "Connection: Upgrade\r\nUpgrade: foo\r\n\r\n",
		"among other options":       "Connection: keep-alive, Upgrade\r\nUpgrade: foo\r\n\r\n",
		"on lines of their own":     "Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
		"in the server's spelling":  "Connection: UPGRADE\r\nUpgrade: FOO\r\n\r\n",
		"the second product":        "Connection: Upgrade\r\nUpgrade: bar/2\r\n\r\n",
		"two layers":                "Connection: Upgrade\r\nUpgrade: foo\r\nUpgrade: bar/2\r\n\r\n",
		"with a length, no content": "Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 5\r\n\r\n",
		"with a coding, no content": "Connection: Upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, early := range []string{"", "EARLY"} {
				addr := answering(t, "HTTP/1.1 101 S\r\n"+answer+early)
				conn, resp := switched(t, nil, request(t, "GET", addr, nil))
				if _, err := io.WriteString(conn, "hello"); err != nil {
					t.Fatal(err)
				}
				if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(conn); string(got) != early+"hello" || err != nil {
					t.Errorf("read %q, %v", got, err)
				}
				if rest, err := io.ReadAll(resp.Body); resp.StatusCode != 101 || len(rest) != 0 || err != nil {
					t.Errorf("response %d with content %q, %v", resp.StatusCode, rest, err)
				}
			}
		})
	}
}

func TestRoundTripReadsInterimResponsesAndPieces(t *testing.T) {
	answer := "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n" + fooHead + "EARLY"
	conn, _ := switched(t, nil, request(t, "HEAD", answering(t, strings.Split(answer, "")...), nil))
	got := make([]byte, len("EARLY"))
	if _, err := io.ReadFull(conn, got); string(got) != "EARLY" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// RoundTrip sends exactly this offer, and leaves the caller's request unchanged.
func TestRoundTripSendsOffer(t *testing.T) {
	heads := make(chan string, 1)
	addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
		heads <- peer.Head()
		peer.Send(fooHead)
		peer.Gone()
	})
	r := request(t, "GET", addr, nil)
	r.Close = true
	r.Header = http.Header{
		"Upgrade":        {"other"},
		"Connection":     {"upgrade", "http2-settings"},
		"Http2-Settings": {"AAMAAABk"},
		"User-Agent":     {""},
		"X":              {" 1 "},
	}
	before := r.Header.Clone()
	conn, _, err := httpupgrade.RoundTrip(nil, r, foo, upgrade.MustParseProduct("FOO"), bar)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	const want = "GET /a HTTP/1.1\r\nHost: ADDR\r\nConnection: Upgrade, http2-settings\r\nHttp2-Settings: AAMAAABk\r\n" +
		"Upgrade: foo, bar/2\r\nX: 1\r\nAccept-Encoding: gzip\r\n\r\n"
	equal(t, "head", tcptest.Receive(t, heads), strings.Replace(want, "ADDR", addr, 1))
	equal(t, "header of the request", r.Header, before)
	if !r.Close || r.Body != nil {
		t.Error("the request was changed")
	}
}

func TestRoundTripDeclined(t *testing.T) {
	for name, answer := range map[string]string{
		"200 that advertises": "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 4\r\n\r\nbody",
		"426, chunked":        "HTTP/1.1 426 U\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"302, not followed":   "HTTP/1.1 302 F\r\nLocation: /b\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
		"401":                 "HTTP/1.1 401 U\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nbody",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, resp, err := httpupgrade.RoundTrip(nil, request(t, "GET", answering(t, answer), nil), foo)
			if err != httpupgrade.ErrDeclined || conn != nil {
				t.Fatalf("%v, %v", conn, err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); string(body) != "body" || err != nil {
				t.Errorf("content %q, %v", body, err)
			}
		})
	}
}

// RoundTrip closes the connection after a 101 that is no switch.
func TestRoundTripRefuses(t *testing.T) {
	tests := []struct {
		name, answer string
		want         error
	}{
		{"a version that was not offered", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: bar\r\n\r\n", handshake.ErrNotOffered},
		{"a second line that was not offered", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: foo\r\nUpgrade: evil\r\n\r\n", handshake.ErrNotOffered},
		{"malformed Upgrade", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: foo bar\r\n\r\n", upgrade.ErrDelimiter},
		{"malformed Connection", "HTTP/1.1 101 S\r\nConnection: Upgrade, @\r\nUpgrade: foo\r\n\r\n", upgrade.ErrToken},
		{"a look-alike", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: \u212Aoo\r\n\r\n", upgrade.ErrToken},
		{"no option", "HTTP/1.1 101 S\r\nConnection: keep-alive\r\nUpgrade: foo\r\n\r\n", handshake.ErrNoOption},
		{"no Connection", "HTTP/1.1 101 S\r\nUpgrade: foo\r\n\r\n", handshake.ErrNoOption},
		{"no Upgrade", "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n", handshake.ErrNoUpgrade},
		{"close, for which net/http drops Connection", "HTTP/1.1 101 S\r\nConnection: close, Upgrade\r\nUpgrade: foo\r\n\r\n", handshake.ErrNoOption},
		{"version 1.0", "HTTP/1.0 101 S\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", handshake.ErrHTTPVersion},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan bool, 1)
			addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
				peer.Head()
				peer.Send(test.answer)
				gone <- peer.Gone()
			})
			conn, resp, err := httpupgrade.RoundTrip(nil, request(t, "GET", addr, nil), foo, bar)
			if !errors.Is(err, test.want) || conn != nil {
				t.Errorf("%v, %v, want %v", conn, err, test.want)
			}
			if resp == nil || resp.StatusCode != 101 || resp.Body != http.NoBody {
				t.Errorf("response %v", resp)
			}
			if close := strings.Contains(test.answer, "close"); close != (err != nil && strings.Contains(err.Error(), "close")) {
				t.Errorf("the error does not say that close is the cause: %v", err)
			}
			if !tcptest.Receive(t, gone) {
				t.Error("the connection stayed open")
			}
		})
	}
}

// A malformed offer is an error. RoundTrip sends nothing and closes the content.
func TestRoundTripRefusesOffer(t *testing.T) {
	tests := []struct {
		name     string
		method   string
		products []upgrade.Product[string]
		header   http.Header
		want     error
	}{
		{"no product", "GET", nil, nil, handshake.ErrNoProduct},
		{"a zero product", "GET", []upgrade.Product[string]{foo, {}}, nil, handshake.ErrNoProduct},
		{"CONNECT", "CONNECT", []upgrade.Product[string]{foo}, nil, handshake.ErrMethod},
		{"the option close", "GET", []upgrade.Product[string]{foo}, http.Header{"Connection": {"close"}}, handshake.ErrOption},
		{"an option without a field", "GET", []upgrade.Product[string]{foo}, http.Header{"Connection": {"X"}}, handshake.ErrOption},
		{"malformed Connection", "GET", []upgrade.Product[string]{foo}, http.Header{"Connection": {"a b"}}, upgrade.ErrDelimiter},
		{"a line end in a value", "GET", []upgrade.Product[string]{foo}, http.Header{"X": {"a\r\nb"}}, handshake.ErrFieldValue},
		{"a length in another spelling", "GET", []upgrade.Product[string]{foo}, http.Header{"content-length": {"7"}}, handshake.ErrReserved},
		{"a coding in another spelling", "GET", []upgrade.Product[string]{foo}, http.Header{"transfer-encoding": {"chunked"}}, handshake.ErrReserved},
		{"a blank in a name", "GET", []upgrade.Product[string]{foo}, http.Header{"X Y": {"a"}}, handshake.ErrFieldName},
	}
	for _, test := range tests {
		r := request(t, test.method, "127.0.0.1:1", nil)
		body := &closing{Reader: strings.NewReader("content")}
		r.Body, r.Header = body, test.header
		rt := roundTripper(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: sent", test.name)
			return nil, io.EOF
		})
		conn, resp, err := httpupgrade.RoundTrip(rt, r, test.products...)
		if !errors.Is(err, test.want) || conn != nil || resp != nil || !body.closed {
			t.Errorf("%s: %v, %v, %v, want %v; content closed: %t", test.name, conn, resp, err, test.want, body.closed)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestRoundTripSendsContentFirst(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"a length":  strings.NewReader(strings.Repeat("content", 10_000)),
		"no length": io.MultiReader(strings.NewReader(strings.Repeat("content", 10_000))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contents := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body)
				contents <- string(content)
				conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{foo})
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(conn, conn)
				conn.Close()
			}))
			t.Cleanup(server.Close)
			conn, _ := switched(t, nil, request(t, "POST", server.Listener.Addr().String(), body))
			equal(t, "content", tcptest.Receive(t, contents), strings.Repeat("content", 10_000))
			io.WriteString(conn, "hello")
			conn.(interface{ CloseWrite() error }).CloseWrite()
			if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// net/http hands over a connection while content is still on its way. The new protocol
// would mix with that content.
func TestRoundTripRefusesEarlySwitch(t *testing.T) {
	for name, expect := range map[string]string{
		"in the middle of the content":                 "",
		"instead of the 100 that the client waits for": "100-continue",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			received := make(chan string, 1)
			addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
				peer.Head()
				if expect == "" {
					io.CopyN(io.Discard, peer.Reader, 5)
				}
				peer.Send(fooHead)
				rest, _ := io.ReadAll(peer.Reader)
				received <- string(rest)
			})
			transport := &http.Transport{ExpectContinueTimeout: patience, DisableKeepAlives: true}
			content, more := io.Pipe()
			defer more.Close()
			go more.Write([]byte("01234"))
			r := request(t, "POST", addr, content)
			r.ContentLength = 10
			if expect != "" {
				r.Header.Set("Expect", expect)
			}
			conn, _, err := httpupgrade.RoundTrip(transport, r, foo)
			if conn != nil || err == nil || !strings.Contains(err.Error(), "sent whole") {
				t.Fatalf("%v, %v", conn, err)
			}
			more.CloseWithError(io.ErrClosedPipe)
			// Only content that was on its way.
			if got := tcptest.Receive(t, received); !strings.HasPrefix("01234", got) {
				t.Errorf("the server received %q", got)
			}
		})
	}
}

// The server switches before it was asked. net/http may or may not notice that. RoundTrip
// notices it, except in the moment between the report that the request is written and the
// flush of net/http's buffer: see finish. Without the check, the new protocol comes first in
// most tries.
func TestRoundTripUnasked(t *testing.T) {
	missed := 0
	for range 50 {
		received := make(chan string, 1)
		addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
			peer.Send(fooHead)
			all, _ := io.ReadAll(peer.Reader)
			received <- string(all)
		})
		conn, _, err := httpupgrade.RoundTrip(nil, request(t, "GET", addr, nil), foo)
		if err == nil {
			io.WriteString(conn, "NEW")
			conn.Close()
		}
		if all, ok := strings.CutSuffix(tcptest.Receive(t, received), "NEW"); ok && !strings.HasSuffix(all, "\r\n\r\n") {
			missed++
		}
	}
	if missed > 5 {
		t.Errorf("in %d of 50 tries the new protocol came before the request", missed)
	}
}

func TestRoundTripDeadlines(t *testing.T) {
	addr := answering(t, fooHead)
	conn, _ := switched(t, nil, request(t, "GET", addr, nil))
	if conn.RemoteAddr().String() != addr || conn.LocalAddr() == nil {
		t.Errorf("addresses %v, %v", conn.LocalAddr(), conn.RemoteAddr())
	}
	past := time.Now().Add(-time.Second)
	p := make([]byte, 5)
	conn.SetReadDeadline(past)
	if _, err := conn.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	conn.SetWriteDeadline(past)
	if _, err := conn.Write(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	conn.SetDeadline(time.Time{})
	conn.Write([]byte("after"))
	if _, err := io.ReadFull(conn, p); string(p) != "after" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
	if conn.Close(); !errors.Is(conn.SetDeadline(past), net.ErrClosed) {
		t.Error("not closed")
	}
}

// The context limits only the handshake.
func TestRoundTripContext(t *testing.T) {
	addr := answering(t, fooHead)
	ctx, cancel := context.WithCancel(context.Background())
	conn, _ := switched(t, nil, request(t, "GET", addr, nil).WithContext(ctx))
	cancel()
	io.WriteString(conn, "hello")
	p := make([]byte, 5)
	if _, err := io.ReadFull(conn, p); string(p) != "hello" || err != nil {
		t.Errorf("%q, %v", p, err)
	}

	gone := make(chan bool, 1)
	asked := make(chan string, 1)
	silent := tcptest.Serve(t, func(peer *tcptest.Peer) {
		asked <- peer.Head()
		gone <- peer.Gone()
	})
	ctx, cancel = context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	if conn, resp, err := httpupgrade.RoundTrip(nil, request(t, "GET", silent, nil).WithContext(ctx), foo); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v, %v", conn, resp, err)
	}
	if !tcptest.Receive(t, gone) {
		t.Error("the connection stayed open")
	}
}

// An http.Client is not a RoundTripper, but it is easily made one.
func TestRoundTripClientTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{0, patience} {
		transport := &http.Transport{DisableKeepAlives: true}
		client := &http.Client{Transport: transport, Timeout: timeout}
		gone := make(chan bool, 1)
		addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
			peer.Head()
			peer.Send(fooHead + "EARLY")
			gone <- peer.Gone()
		})
		conn, _, err := httpupgrade.RoundTrip(roundTripper(client.Do), request(t, "GET", addr, nil), foo)
		if timeout == 0 {
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 5)
			if _, err := io.ReadFull(conn, p); string(p) != "EARLY" || err != nil {
				t.Errorf("%q, %v", p, err)
			}
			// RoundTrip does not see the Transport, so it cannot know the connection.
			if err := conn.SetDeadline(time.Time{}); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("SetDeadline: %v", err)
			}
			if err := errors.Join(conn.SetReadDeadline(time.Time{}), conn.SetWriteDeadline(time.Time{})); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("deadlines: %v", err)
			}
			if conn.LocalAddr().String() != "" || conn.RemoteAddr().Network() != "" {
				t.Errorf("addresses %v, %v", conn.LocalAddr(), conn.RemoteAddr())
			}
			if _, ok := conn.(interface{ CloseWrite() error }); ok {
				t.Error("it has a CloseWrite")
			}
			conn.Close()
		} else if conn != nil || err == nil || !strings.Contains(err.Error(), "Timeout") {
			t.Errorf("%v, %v", conn, err)
		}
		if !tcptest.Receive(t, gone) {
			t.Error("the connection stayed open")
		}
	}
}

// echoTLS is a server of net/http that speaks TLS and switches to foo.
func echoTLS(t *testing.T, http2 bool) *httptest.Server {
	server := httptest.NewUnstartedServer(&httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: foo, Serve: func(conn net.Conn, _ *http.Request) {
			defer conn.Close()
			io.Copy(conn, conn)
			io.WriteString(conn, "bye")
		}}},
		Next: http.NotFoundHandler(),
	})
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestRoundTripTLS(t *testing.T) {
	server := echoTLS(t, true)
	transport := server.Client().Transport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	r := request(t, "GET", server.Listener.Addr().String(), nil)
	r.URL.Scheme = "https"
	conn, _ := switched(t, transport, r)
	io.WriteString(conn, "hello")
	// close_notify: this side stops writing and goes on reading.
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "hellobye" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// A Transport with its defaults is a trap: over TLS it negotiates HTTP/2.
func TestRoundTripHTTP2(t *testing.T) {
	server := echoTLS(t, true)
	transport := server.Client().Transport.(*http.Transport)
	r := request(t, "GET", server.Listener.Addr().String(), nil)
	r.URL.Scheme = "https"
	conn, resp, err := httpupgrade.RoundTrip(transport, r, foo)
	if conn != nil || resp != nil || err == nil || !strings.Contains(err.Error(), "speaks HTTP/2") || !strings.Contains(err.Error(), "TLSNextProto") {
		t.Errorf("%v, %v, %v", conn, resp, err)
	}
	// If a round tripper removes the offer, RoundTrip returns the response, which is whole.
	stripping := roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Del("Upgrade")
		r.Header.Del("Connection")
		return transport.RoundTrip(r)
	})
	conn, resp, err = httpupgrade.RoundTrip(stripping, r, foo)
	if conn != nil || !errors.Is(err, httpupgrade.ErrDeclined) || !strings.Contains(err.Error(), "speaks HTTP/2") {
		t.Fatalf("%v, %v", conn, err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != 404 || len(body) == 0 || err != nil {
		t.Errorf("%d, %q, %v", resp.StatusCode, body, err)
	}
}

// net/http itself uses HTTP/1.1 for an offer of exactly websocket.
func TestRoundTripWebSocketBesideHTTP2(t *testing.T) {
	server := echoTLS(t, true)
	r := request(t, "GET", server.Listener.Addr().String(), nil)
	r.URL.Scheme = "https"
	_, resp, err := httpupgrade.RoundTrip(server.Client().Transport, r, upgrade.MustParseProduct("websocket"))
	if err != httpupgrade.ErrDeclined {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 1 || resp.StatusCode != 404 {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
}

// The Transport that nil stands for offers only HTTP/1.1.
func TestRoundTripOwnTransport(t *testing.T) {
	offered := make(chan []string, 1)
	addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
		tls.Server(peer, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			offered <- hello.SupportedProtos
			return nil, io.EOF
		}}).Handshake()
	})
	r := request(t, "GET", addr, nil)
	r.URL.Scheme = "https"
	if _, _, err := httpupgrade.RoundTrip(nil, r, foo); err == nil {
		t.Error("no error")
	}
	equal(t, "ALPN", tcptest.Receive(t, offered), []string{"http/1.1"})
}

// If the server closes an idle connection when the offer begins, the Transport tries
// again on a fresh one.
func TestRoundTripAgain(t *testing.T) {
	var conns atomic.Int32
	addr := tcptest.Serve(t, func(peer *tcptest.Peer) {
		peer.Head()
		if conns.Add(1) == 1 {
			peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			peer.Reader.Peek(1) // the offer begins
			return
		}
		peer.Send(fooHead)
		peer.Gone()
	})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(request(t, "GET", addr, nil))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	switched(t, transport, request(t, "GET", addr, nil))
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// A round tripper may report its work in any order, as net/http does when it tries again
// or a server answers early.
func TestRoundTripperReportsItsWork(t *testing.T) {
	broken := errors.New("broken")
	wrote := func(err error) httptrace.WroteRequestInfo { return httptrace.WroteRequestInfo{Err: err} }
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	conn := httptrace.GotConnInfo{Conn: near}
	tests := []struct {
		name    string
		content bool
		work    func(*http.Request, *httptrace.ClientTrace)
		want    error // nil: a switch; errTest: some error
	}{
		{"as usual", false, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			trace.WroteRequest(wrote(nil))
			trace.GotFirstResponseByte()
		}, nil},
		{"nothing", true, func(r *http.Request, trace *httptrace.ClientTrace) { io.ReadAll(r.Body) }, nil},
		{"a second try, and after it the end of the first", true, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			r.Body.Read(make([]byte, 3))
			trace.GotConn(conn)
			body, err := r.GetBody()
			if err != nil {
				t.Error(err)
			}
			io.ReadAll(body)
			trace.WroteRequest(wrote(broken))
			trace.WroteRequest(wrote(nil))
			trace.GotFirstResponseByte()
		}, nil},
		{"the second try reads less", true, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			io.ReadAll(r.Body)
			trace.GotConn(conn)
			if _, err := r.GetBody(); err != nil {
				t.Error(err)
			}
			trace.GotFirstResponseByte()
		}, errTest},
		{"an answer before the request", false, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			trace.GotFirstResponseByte()
			trace.WroteRequest(wrote(nil))
		}, errTest},
		{"an answer with the last of the content", true, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			io.ReadAll(r.Body)
			trace.GotFirstResponseByte()
			go trace.WroteRequest(wrote(nil))
		}, nil},
		{"the last of the content cannot be written", true, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			io.ReadAll(r.Body)
			trace.GotFirstResponseByte()
			trace.WroteRequest(wrote(broken))
		}, broken},
		{"the last of the content is not written", true, func(r *http.Request, trace *httptrace.ClientTrace) {
			trace.GotConn(conn)
			io.ReadAll(r.Body)
			trace.GotFirstResponseByte()
		}, context.DeadlineExceeded},
	}
	for _, test := range tests {
		var content io.Reader
		if test.content {
			content = strings.NewReader("content")
		}
		r := request(t, "POST", "test", content)
		r.Header.Set("Content-Length", "99") // which net/http ignores
		if test.want == context.DeadlineExceeded {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			r = r.WithContext(ctx)
		}
		body := &pipeBody{}
		rt := roundTripper(func(r *http.Request) (*http.Response, error) {
			test.work(r, httptrace.ContextClientTrace(r.Context()))
			return &http.Response{
				StatusCode: 101, ProtoMajor: 1, ProtoMinor: 1, Body: body,
				Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"foo"}},
			}, nil
		})
		_, _, err := httpupgrade.RoundTrip(rt, r, foo)
		if test.want == errTest && err == nil || test.want != errTest && !errors.Is(err, test.want) || body.closed != (err != nil) {
			t.Errorf("%s: %v, want %v; closed: %t", test.name, err, test.want, body.closed)
		}
	}
	r := request(t, "POST", "test", strings.NewReader("content"))
	r.GetBody = func() (io.ReadCloser, error) { return nil, broken }
	rt := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, err := r.GetBody()
		return nil, err
	})
	if _, _, err := httpupgrade.RoundTrip(rt, r, foo); err != broken {
		t.Error(err)
	}
}

type pipeBody struct {
	io.ReadWriter
	closed bool
}

func (b *pipeBody) Close() error {
	b.closed = true
	return nil
}

// A request made by hand needs only a URL.
func TestRoundTripBareRequest(t *testing.T) {
	conn, _ := switched(t, nil, &http.Request{URL: &url.URL{Scheme: "http", Host: answering(t, fooHead)}})
	if conn.RemoteAddr() == nil {
		t.Error("no address")
	}
}

// An empty line of Upgrade means nothing, but net/http looks only at the first line.
func TestRoundTripEmptyLineFirst(t *testing.T) {
	addr := answering(t, "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade:\r\nUpgrade: foo\r\n\r\n")
	if _, _, err := httpupgrade.RoundTrip(nil, request(t, "GET", addr, nil), foo); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("the error does not say why: %v", err)
	}
}

// A response made by hand may have no Body.
func TestRoundTripBareResponse(t *testing.T) {
	for status, want := range map[int]error{101: handshake.ErrNoUpgrade, 200: httpupgrade.ErrDeclined} {
		rt := roundTripper(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: status}, nil })
		_, resp, err := httpupgrade.RoundTrip(rt, request(t, "GET", "test", nil), foo)
		if !errors.Is(err, want) || resp.Body == nil {
			t.Errorf("%d: %v, %v", status, err, resp.Body)
		}
	}
}
