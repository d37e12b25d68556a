package httpupgrade_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// early is what clients send after their request without waiting for the answer. It
// looks like a request and like the end of one, and is neither.
const early = "GET /early HTTP/1.1\r\n\r\n0\r\n\r\n\x00\xff"

// messages are requests of every framing, with and without content.
var messages = []struct{ framing, content string }{
	{"none", ""},
	{"length", ""},
	{"length", "content"},
	{"chunked", ""},
	{"chunked", "content"},
}

func TestEarlyBytesAtEverySplit(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	conns := 0
	for _, m := range messages {
		message := post(m.framing, m.content) + early
		want := echoHead + hello(m.content, nil) + early
		for cut := range len(message) + 1 {
			s.chop(tcptest.Limits{Cut: cut})
			equal(t, m.framing, s.exchange(message), want)
			equal(t, "first Write", s.conn(conns).Written()[0], echoHead)
			conns++
		}
	}
}

// net/http reads on in the background while a handler runs, one byte at a time. These
// bytes belong to the new protocol too.
func TestEarlyBytesReadInTheBackground(t *testing.T) {
	t.Parallel()
	for _, m := range messages {
		t.Run(m.framing+" "+m.content, func(t *testing.T) {
			t.Parallel()
			message := post(m.framing, m.content) + early
			want := echoHead + hello(m.content, nil) + early
			var until atomic.Int64
			s := start(t, lateHijack(t, &until, echoing()))
			for cut := len(message) - len(early); cut <= len(message); cut++ {
				until.Store(int64(min(cut+1, len(message))))
				s.chop(tcptest.Limits{Cut: cut})
				equal(t, "exchange", s.exchange(message), want)
			}
		})
	}
}

// lateHijack delays the take-over until the server has received that number of bytes.
func lateHijack(t testing.TB, until *atomic.Int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := connOf(r).(*tcptest.Conn)
		next.ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) {
			if !tcptest.Eventually(func() bool { return conn.Received() >= until.Load() }) {
				t.Errorf("received %d of %d bytes", conn.Received(), until.Load())
			}
			return http.NewResponseController(w).Hijack()
		}}, r)
	})
}

// hijackFunc is a ResponseWriter with a Hijack of its own.
type hijackFunc struct {
	http.ResponseWriter
	hijack func() (net.Conn, *bufio.ReadWriter, error)
}

func (f hijackFunc) Hijack() (net.Conn, *bufio.ReadWriter, error) { return f.hijack() }

func TestEarlyBytesOneByOne(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, m := range messages {
		message := post(m.framing, m.content) + early
		want := echoHead + hello(m.content, nil) + early

		s.chop(tcptest.Limits{Step: 1})
		equal(t, "received one by one", s.exchange(message), want)

		s.chop(tcptest.Limits{})
		c := s.dial()
		c.Send(strings.Split(message, "")...)
		c.CloseWrite()
		equal(t, "sent one by one", c.Rest(), want)
	}
}

// There are more early bytes than any buffer holds, in both directions at once.
func TestLongEarlyBytes(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	long := make([]byte, 300_000)
	for i := range long {
		long[i] = byte(i ^ i>>8 ^ i>>16)
	}
	for _, n := range []int{4000, 4094, 4095, 4096, 4097, 8192, len(long)} {
		for _, m := range messages {
			c := s.dial()
			go func() {
				c.Send(post(m.framing, m.content) + string(long[:n]))
				c.CloseWrite()
			}()
			if got := c.Rest(); got != echoHead+hello(m.content, nil)+string(long[:n]) {
				t.Errorf("%d early bytes, framing %s: %d bytes came back, or wrong ones", n, m.framing, len(got))
			}
		}
	}
}

func TestEarlyBytesFillTheBuffer(t *testing.T) {
	t.Parallel()
	var until atomic.Int64
	s := start(t, lateHijack(t, &until, echoing()))
	// net/http reads into a buffer of 4096 bytes. One byte of content and 4095 early
	// bytes fill it. Then only the byte that is read in the background still fits.
	long := strings.Repeat("0123456789abcdef", 512)
	head := post("length", "x")
	head = head[:len(head)-1]
	until.Store(int64(len(head) + 4096 + 1))
	s.chop(tcptest.Limits{Cut: len(head)})
	c := s.dial()
	c.Send(head+"x"+long[:4095], long[4095:])
	c.CloseWrite()
	if got, want := c.Rest(), echoHead+hello("x", nil)+long; got != want {
		t.Errorf("%d bytes came back of %d, or wrong ones", len(got), len(want))
	}
}

func TestBothDirectionsAfterTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	c := s.dial()
	c.Send(offerEcho + "early")
	equal(t, "head", c.Head(), echoHead)
	equal(t, "early", c.Octets(len(hello("", nil))+5), hello("", nil)+"early")
	for _, word := range []string{"one", "two", "three"} {
		c.Send(word)
		equal(t, "echo", c.Octets(len(word)), word)
	}
	c.CloseWrite()
	equal(t, "rest", c.Rest(), "")
}

// take switches to echo/1 by Switch and passes the result to use. It closes the
// connection when use returns.
func take(t testing.TB, use func(net.Conn, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
		if err != nil {
			t.Errorf("Switch: %v", err)
			return
		}
		defer conn.Close()
		use(conn, r)
	})
}

type closeWriter interface{ CloseWrite() error }

func TestBareConnectionWithoutEarlyBytes(t *testing.T) {
	t.Parallel()
	for _, m := range messages {
		got := make(chan bool, 1)
		s := start(t, take(t, func(conn net.Conn, r *http.Request) { got <- conn == connOf(r) }))
		s.exchange(post(m.framing, m.content))
		if !tcptest.Receive(t, got) {
			t.Errorf("framing %s: another connection than the server's own", m.framing)
		}
	}
}

func TestCloseWriteAsOnTheServersConnection(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", early} {
		for _, hidden := range []bool{false, true} {
			got := make(chan bool, 1)
			var options []func(*server)
			if hidden {
				options = append(options, hideCloseWrite)
			}
			s := start(t, take(t, func(conn net.Conn, r *http.Request) {
				_, has := conn.(closeWriter)
				got <- has
			}), options...)
			s.exchange(offerEcho + early)
			if has := tcptest.Receive(t, got); has == hidden {
				t.Errorf("early bytes %q, CloseWrite hidden %v: CloseWrite %v", early, hidden, has)
			}
		}
	}
}

func TestHalfCloseByTheServer(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", "early "} {
		got := make(chan string, 1)
		s := start(t, take(t, func(conn net.Conn, r *http.Request) {
			io.WriteString(conn, "bye")
			if err := conn.(closeWriter).CloseWrite(); err != nil {
				t.Error(err)
			}
			rest, _ := io.ReadAll(conn)
			got <- string(rest)
		}))
		c := s.dial()
		c.Send(offerEcho + early)
		// The end comes while the other direction is still open.
		equal(t, "to the client", c.Rest(), echoHead+"bye")
		c.Send("last")
		c.CloseWrite()
		equal(t, "to the server", tcptest.Receive(t, got), early+"last")
	}
}

func TestHalfCloseByTheClient(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", "early "} {
		s := start(t, take(t, func(conn net.Conn, r *http.Request) {
			rest, _ := io.ReadAll(conn)
			io.WriteString(conn, "read "+string(rest))
		}))
		equal(t, "to the client", s.exchange(offerEcho+early), echoHead+"read "+early)
	}
}

func TestConcurrentReadsOfEarlyBytes(t *testing.T) {
	t.Parallel()
	const readers = 4
	var sent []byte
	for i := range 256 {
		sent = append(sent, byte(i))
	}
	got := make(chan []byte, readers)
	s := start(t, take(t, func(conn net.Conn, r *http.Request) {
		var wg tcptest.Group
		for size := 1; size <= readers; size++ {
			wg.Go(func() {
				var all []byte
				for p := make([]byte, size); ; {
					n, err := conn.Read(p)
					all = append(all, p[:n]...)
					if err != nil {
						got <- all
						return
					}
				}
			})
		}
		wg.Wait()
	}))
	c := s.dial()
	c.Send(offerEcho + string(sent[:200]))
	equal(t, "head", c.Head(), echoHead)
	c.Send(string(sent[200:]))
	c.CloseWrite()
	var all []byte
	for range readers {
		one := tcptest.Receive(t, got)
		if !slices.IsSorted(one) {
			t.Errorf("a reader got bytes in another order than sent: %d", one)
		}
		all = append(all, one...)
	}
	slices.Sort(all)
	if !bytes.Equal(all, sent) {
		t.Errorf("readers got %d, want each byte once", all)
	}
}

func TestCloseDropsEarlyBytes(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := start(t, take(t, func(conn net.Conn, r *http.Request) {
		defer close(done)
		p := make([]byte, 1)
		if n, err := conn.Read(p); n != 1 || err != nil || p[0] != early[0] {
			t.Errorf("Read: %d %q %v", n, p, err)
		}
		conn.Close()
		if n, err := conn.Read(p); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close: %d %v", n, err)
		}
		if _, err := conn.Write(p); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
	}))
	c := s.dial()
	c.Send(offerEcho + early)
	equal(t, "head", c.Head(), echoHead)
	tcptest.Receive(t, done)
}

// A read deadline reaches the connection even if there are early bytes.
func TestDeadlineAfterEarlyBytes(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := start(t, take(t, func(conn net.Conn, r *http.Request) {
		defer close(done)
		if _, err := io.ReadFull(conn, make([]byte, len(early))); err != nil {
			t.Error(err)
		}
		conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		var timeout net.Error
		if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("Read: %v", err)
		}
	}))
	s.dial().Send(offerEcho + early)
	tcptest.Receive(t, done)
}

// deadlineConn records the current deadlines.
type deadlineConn struct {
	net.Conn
	read, write atomic.Pointer[time.Time]
}

func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.read.Store(&t)
	c.write.Store(&t)
	return c.Conn.SetDeadline(t)
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.read.Store(&t)
	return c.Conn.SetReadDeadline(t)
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.write.Store(&t)
	return c.Conn.SetWriteDeadline(t)
}

func TestDeadlinesOfTheServerAreCleared(t *testing.T) {
	t.Parallel()
	s := start(t, take(t, func(conn net.Conn, r *http.Request) {
		c := connOf(r).(*deadlineConn)
		if read, write := c.read.Load(), c.write.Load(); read == nil || !read.IsZero() || write == nil || !write.IsZero() {
			t.Errorf("deadlines: %v, %v", read, write)
		}
	}), func(s *server) {
		s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = time.Hour, time.Hour, time.Hour
		s.wrap = func(c *tcptest.Conn) net.Conn { return &deadlineConn{Conn: c} }
	})
	for _, early := range []string{"", early} {
		equal(t, "exchange", s.exchange(offerEcho + early)[:len(echoHead)], echoHead)
	}
}

// Middleware with a Hijack need not clear deadlines, so Switch does.
func TestDeadlinesOfMiddlewareAreCleared(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		echoing().ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.SetDeadline(time.Unix(1, 0))
			}
			return conn, buffered, err
		}}, r)
	}))
	equal(t, "exchange", s.exchange(offerEcho+early), echoHead+hello("", nil)+early)
}

func TestSwitchInsideTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(take(t, func(conn net.Conn, r *http.Request) {
		io.WriteString(conn, "hello")
		io.Copy(conn, conn)
		if err := conn.(closeWriter).CloseWrite(); err != nil {
			t.Error(err)
		}
	}))
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for _, early := range []string{"", early} {
		conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "example.com"})
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, offerEcho+early)
		conn.CloseWrite()
		got, err := io.ReadAll(conn)
		if err != nil {
			t.Error(err)
		}
		equal(t, "exchange", string(got), echoHead+"hello"+early)
		conn.Close()
	}
}
