package netupgrade_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

const patience = tcptest.Patience

var (
	echo = upgrade.MustParseProduct("echo/1")
	chat = upgrade.MustParseProduct("chat")
)

// Requests and the answers to them, octet for octet.
const (
	offerEcho = "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"
	plain     = "GET /plain HTTP/1.1\r\nHost: test\r\n\r\n"
	echoHead  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n"
	chatHead  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n"
	goAhead   = "HTTP/1.1 100 Continue\r\n\r\n"
)

// early is what clients send after their request without waiting for the answer. It
// looks like a request and like the end of one, and is neither.
const early = "GET /early HTTP/1.1\r\n\r\n0\r\n\r\n\x00\xff"

// offering returns a request that offers echo/1 and also has those field lines.
func offering(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" + joined(lines) + "\r\n"
}

func joined(lines []string) string {
	text := ""
	for _, line := range lines {
		text += line + "\r\n"
	}
	return text
}

// post returns a request that offers echo/1 and has the content in the given framing:
// "none", "length", or "chunked", which has an extension and a trailer.
func post(framing, content string, lines ...string) string {
	return "POST /post HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" + joined(lines) + tcptest.Framed(framing, content)
}

// messages are requests of every framing, with and without content.
var messages = []struct{ framing, content string }{
	{"none", ""},
	{"length", ""},
	{"length", "content"},
	{"chunked", ""},
	{"chunked", "content"},
}

// hello returns what the server of the tests sends first in its protocol.
func hello(content string) string { return fmt.Sprintf("hello %q\n", content) }

// serveEcho says hello with the content of the request and sends everything back.
func serveEcho(a netupgrade.Accepted) {
	io.WriteString(a.Conn, hello(string(a.Content)))
	io.Copy(a.Conn, a.Conn)
}

// echoing returns an Acceptor that switches to echo/1.
func echoing() *netupgrade.Acceptor {
	return &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}}}
}

// server gives every connection to an Acceptor, on a port of its own, and stops with
// the test. When it has stopped, every connection that it accepted must be closed.
type server struct {
	acceptor *netupgrade.Acceptor
	t        testing.TB
	addr     string

	serve func(netupgrade.Accepted)  // what is done with a switched connection
	wrap  func(*serverConn) net.Conn // what the Acceptor sees, if not the connection itself

	mu    sync.Mutex
	next  tcptest.Limits
	conns []*serverConn
}

func start(t testing.TB, acceptor *netupgrade.Acceptor, options ...func(*server)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{acceptor: acceptor, t: t, addr: listener.Addr().String(), serve: serveEcho}
	for _, option := range options {
		option(s)
	}
	var running tcptest.Group
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c := s.add(conn.(*net.TCPConn))
			running.Go(func() { s.handle(c) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		done := make(chan struct{})
		go func() { running.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the server did not stop")
			for _, c := range s.all() {
				c.TCPConn.Close()
			}
			<-done
		}
		for i, c := range s.all() {
			if !c.IsClosed() {
				t.Errorf("the server never closed connection %d", i)
				c.Close()
			}
		}
	})
	return s
}

func serving(serve func(netupgrade.Accepted)) func(*server) {
	return func(s *server) { s.serve = serve }
}

// hideCloseWrite leaves a connection only the methods of net.Conn.
func hideCloseWrite(s *server) {
	s.wrap = func(c *serverConn) net.Conn { return struct{ net.Conn }{c} }
}

func (s *server) add(conn *net.TCPConn) *serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &serverConn{Conn: tcptest.NewConn(conn, s.next), done: make(chan struct{})}
	s.conns = append(s.conns, c)
	return c
}

func (s *server) all() []*serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

func (s *server) handle(c *serverConn) {
	var conn net.Conn = c
	if s.wrap != nil {
		conn = s.wrap(c)
	}
	accepted, err := s.acceptor.Accept(conn)
	c.err = err
	close(c.done)
	if err == nil {
		defer accepted.Conn.Close()
		s.serve(accepted)
		return
	}
	var failed *netupgrade.Error
	if !errors.As(err, &failed) {
		s.t.Errorf("%T is not an *Error: %v", err, err)
	}
	if accepted.Conn != nil || accepted.Content != nil || accepted.Head != nil || !accepted.Product().IsZero() {
		s.t.Errorf("%+v with an error", accepted)
	}
	if !c.IsClosed() && !c.taken.Load() {
		s.t.Errorf("%v, and the connection is open", err)
	}
}

// chop sets the limits of the next connection.
func (s *server) chop(l tcptest.Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = l
}

// serverConn is the server's side of a connection, and what became of it.
type serverConn struct {
	*tcptest.Conn
	taken atomic.Bool // by Decline

	err  error // of Accept, once it is done
	done chan struct{}
}

// conn returns the server's side of connection i.
func (s *server) conn(i int) *serverConn {
	s.t.Helper()
	if !tcptest.Eventually(func() bool { return len(s.all()) > i }) {
		s.t.Fatalf("connection %d was not accepted", i)
	}
	return s.all()[i]
}

// outcome returns the error of Accept on connection i, and the status of the answer
// according to that error.
func (s *server) outcome(i int) (int, error) {
	s.t.Helper()
	c := s.conn(i)
	tcptest.Receive(s.t, c.done)
	var failed *netupgrade.Error
	if errors.As(c.err, &failed) {
		return failed.Status, failed
	}
	return 0, c.err
}

func (s *server) dial() *tcptest.Client {
	s.t.Helper()
	return tcptest.Dial(s.t, s.addr)
}

// exchange sends a message, ends the stream, and returns all that comes back.
func (s *server) exchange(message string) string {
	s.t.Helper()
	return tcptest.Exchange(s.t, s.addr, message)
}

// ask sends a message, keeps the connection open and returns all that comes back.
func (s *server) ask(message string) string {
	s.t.Helper()
	c := s.dial()
	c.Send(message)
	return c.End()
}

// memory is a connection that yields the given pieces, one per Read, and then the end. It
// keeps what is written.
type memory struct {
	pieces    []string
	sent      []string // what each Write was given
	closed    int      // how often
	readAfter bool     // whether it was read after Close
	deadlines []time.Time

	write    func([]byte) (int, error) // instead of Write
	readFail error                     // instead of the end
}

func (m *memory) Read(p []byte) (int, error) {
	if m.closed > 0 {
		m.readAfter = true
		return 0, net.ErrClosed
	}
	for len(m.pieces) > 0 && m.pieces[0] == "" {
		m.pieces = m.pieces[1:]
	}
	if len(m.pieces) == 0 {
		if m.readFail != nil {
			return 0, m.readFail
		}
		return 0, io.EOF
	}
	n := copy(p, m.pieces[0])
	m.pieces[0] = m.pieces[0][n:]
	return n, nil
}

func (m *memory) Write(p []byte) (int, error) {
	if m.closed > 0 {
		return 0, net.ErrClosed
	}
	m.sent = append(m.sent, string(p))
	if m.write != nil {
		return m.write(p)
	}
	return len(p), nil
}

func (m *memory) Close() error { m.closed++; return nil }

func (m *memory) LocalAddr() net.Addr  { return &net.TCPAddr{Port: 1} }
func (m *memory) RemoteAddr() net.Addr { return &net.TCPAddr{Port: 2} }

func (m *memory) SetDeadline(t time.Time) error {
	m.deadlines = append(m.deadlines, t)
	return nil
}
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// response checks that text is exactly one response, and returns it with its content. Its
// Header is as it was sent, except for Content-Length.
func response(t testing.TB, method, text string) (*http.Response, string) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(text))
	response, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%v in %.300q", err, text)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%v in %.300q", err, text)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("after the response: %.300q", rest)
	}
	return response, string(content)
}

// refused checks that text is an empty final response with that status, and that it says
// close.
func refused(t testing.TB, text string, status int) {
	t.Helper()
	head, content, ok := strings.Cut(text, "\r\n\r\n")
	switch want := fmt.Sprintf("HTTP/1.1 %d ", status); {
	case !ok || content != "" || !strings.HasPrefix(head, want):
		t.Errorf("got %.300q, want status %d alone", text, status)
	case !strings.Contains(head, "\r\nConnection: close") && !strings.Contains(head, "\r\nConnection: Upgrade, close"):
		t.Errorf("%.300q does not say close", text)
	case strings.Count(head, "\r\nContent-Length: 0") != 1:
		t.Errorf("%.300q has no length", text)
	}
}

// equal compares a result with the wanted one.
func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var errTest = errors.New("error of the test")
