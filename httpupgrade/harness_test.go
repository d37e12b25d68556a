package httpupgrade_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

// patience is how long a test waits for what must happen. Nothing takes that long
// unless it is broken.
const patience = 5 * time.Second

var (
	echo = upgrade.MustParseProduct("echo/1")
	chat = upgrade.MustParseProduct("chat")
)

// Requests and the answer to them, octet for octet.
const (
	offerEcho = "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"
	plain     = "GET /plain HTTP/1.1\r\nHost: test\r\n\r\n"
	echoHead  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n"
	chatHead  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n"
	goAhead   = "HTTP/1.1 100 Continue\r\n\r\n"
)

// server is an http.Server on a port of its own, which stops with the test. When it
// has stopped, every connection that it accepted must be closed, and its ErrorLog
// must be empty unless the test has taken what was in it.
type server struct {
	*http.Server
	t    testing.TB
	addr string
	log  lines

	// wrap, if set, makes the connection that net/http sees.
	wrap func(*serverConn) net.Conn

	mu    sync.Mutex
	next  limits
	conns []*serverConn
}

// limits chop what a connection receives, however it was sent. The zero limits
// change nothing.
type limits struct {
	step int // the most that one Read returns
	cut  int // no Read goes across the byte of that number
}

func start(t testing.TB, handler http.Handler, options ...func(*server)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: listener.Addr().String()}
	s.Server = &http.Server{
		Handler:  handler,
		ErrorLog: log.New(&s.log, "", 0),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	for _, option := range options {
		option(s)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Serve(&acceptor{listener, s})
	}()
	t.Cleanup(func() {
		s.Close()
		<-stopped
		s.mu.Lock()
		conns := s.conns
		s.mu.Unlock()
		for i, conn := range conns {
			if !eventually(conn.isClosed) {
				t.Errorf("the server never closed connection %d", i)
				conn.Close()
			}
		}
		if text := s.log.take(); text != "" {
			t.Errorf("ErrorLog: %s", text)
		}
	})
	return s
}

type connKey struct{}

// connOf returns the server's side of the connection that r came in on.
func connOf(r *http.Request) net.Conn { return r.Context().Value(connKey{}).(net.Conn) }

// chop sets the limits of the next connection.
func (s *server) chop(l limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = l
}

type acceptor struct {
	net.Listener
	server *server
}

func (a *acceptor) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &serverConn{TCPConn: conn.(*net.TCPConn), limits: s.next}
	s.conns = append(s.conns, c)
	if s.wrap != nil {
		return s.wrap(c), nil
	}
	return c, nil
}

// serverConn is the server's side of a connection, which keeps a record.
type serverConn struct {
	*net.TCPConn
	limits
	received atomic.Int64 // bytes
	closed   atomic.Bool

	mu     sync.Mutex
	writes []string
}

func (c *serverConn) Read(p []byte) (int, error) {
	if c.step > 0 {
		p = p[:min(len(p), c.step)]
	}
	if left := c.cut - int(c.received.Load()); left > 0 {
		p = p[:min(len(p), left)]
	}
	n, err := c.TCPConn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

func (c *serverConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, string(p))
	c.mu.Unlock()
	return c.TCPConn.Write(p)
}

// ReadFrom would go round Write.
func (c *serverConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

func (c *serverConn) Close() error {
	c.closed.Store(true)
	return c.TCPConn.Close()
}

func (c *serverConn) isClosed() bool { return c.closed.Load() }

// written returns what each Write was given.
func (c *serverConn) written() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.writes...)
}

// conn returns the server's side of the connection of that number.
func (s *server) conn(i int) *serverConn {
	s.t.Helper()
	has := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) > i
	}
	if !eventually(has) {
		s.t.Fatalf("connection %d was not accepted", i)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[i]
}

// hideCloseWrite leaves nothing of a connection but the methods of net.Conn.
func hideCloseWrite(s *server) {
	s.wrap = func(c *serverConn) net.Conn { return struct{ net.Conn }{c} }
}

// client is the raw client's side of a connection. It is closed with the test.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func (s *server) dial() *client {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

// send writes each piece in a Write of its own.
func (c *client) send(pieces ...string) {
	c.t.Helper()
	for _, piece := range pieces {
		if _, err := io.WriteString(c.TCPConn, piece); err != nil {
			c.t.Errorf("client: %v", err)
			return
		}
	}
}

// head reads up to and with the next empty line.
func (c *client) head() string {
	c.t.Helper()
	var head strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			c.t.Fatalf("client: %v behind %q", err, head.String())
		}
		if line == "\r\n" {
			return head.String()
		}
	}
}

// response reads a final response and its content. Its Header is as it was sent.
func (c *client) response(method string) (*http.Response, string) {
	c.t.Helper()
	head := c.head()
	c.r = bufio.NewReader(io.MultiReader(strings.NewReader(head), c.r))
	response, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("client: %v", err)
	}
	// ReadResponse takes some fields away.
	_, head, _ = strings.Cut(head, "\r\n")
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(head))).ReadMIMEHeader()
	if err != nil {
		c.t.Fatalf("client: %v", err)
	}
	response.Header = http.Header(header)
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("client: %v", err)
	}
	return response, string(content)
}

// read reads n bytes.
func (c *client) read(n int) string {
	c.t.Helper()
	p := make([]byte, n)
	if m, err := io.ReadFull(c.r, p); err != nil {
		c.t.Fatalf("client: %v behind %q", err, p[:m])
	}
	return string(p)
}

// rest reads up to the end.
func (c *client) rest() string {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Fatalf("client: %v behind %q", err, rest)
	}
	return string(rest)
}

// exchange sends a message and the end, and returns all that comes back.
func (s *server) exchange(message string) string {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	c.send(message)
	if err := c.CloseWrite(); err != nil {
		s.t.Fatal(err)
	}
	return c.rest()
}

// post returns a request that offers echo/1 and has the content in the given framing:
// "length" or "chunked", which comes with an extension and a trailer. The content of
// a declined offer is followed by further requests; that of an accepted one by the
// new protocol.
func post(framing, content string, fields ...string) string {
	head := "POST /post HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n"
	for _, field := range fields {
		head += field + "\r\n"
	}
	return head + framed(framing, content)
}

// framed returns the fields of the framing, the end of the head and the content.
func framed(framing, content string) string {
	switch framing {
	case "none":
		return "\r\n"
	case "length":
		return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content)
	case "chunked":
		body := ""
		// Two chunks if there is enough for two.
		for _, chunk := range []string{content[:len(content)/2], content[len(content)/2:]} {
			if chunk != "" {
				body += fmt.Sprintf("%x;name=\"v;\"\r\n%s\r\n", len(chunk), chunk)
			}
		}
		return "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + body + "0\r\nX-Sum: 7\r\n\r\n"
	}
	panic(framing)
}

// echoing returns a Handler that switches to echo/1, which says hello with the
// content of the request and then sends everything back.
func echoing() httpupgrade.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: echo, Serve: serveEcho}},
		Next:      http.HandlerFunc(tell),
	}
}

func serveEcho(conn net.Conn, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	io.WriteString(conn, hello(string(content), err))
	io.Copy(conn, conn)
}

func hello(content string, err error) string { return fmt.Sprintf("hello %q %v\n", content, err) }

// tell is an ordinary handler, which answers with what it was asked.
func tell(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	io.WriteString(w, told(r.Method, r.URL.Path, string(content), err))
}

func told(method, path, content string, err error) string {
	return fmt.Sprintf("%s %s %q %v", method, path, content, err)
}

// errorsOf collects what a Handler reports.
type errorsOf chan error

func (e errorsOf) report(_ *http.Request, err error) { e <- err }

func (e errorsOf) next(t testing.TB) error {
	t.Helper()
	return receive(t, e)
}

// receive returns the next value from c, which has to come.
func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// eventually waits until is is true.
func eventually(is func() bool) bool {
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// lines is a log that may be written and read at the same time.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was written since the last take.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}

// equal compares a result with what was wanted.
func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// status returns the status code of a head.
func status(t testing.TB, head string) string {
	t.Helper()
	version, rest, _ := strings.Cut(head, " ")
	if !strings.HasPrefix(version, "HTTP/1.") || len(rest) < 3 {
		t.Fatalf("%q is not a head", head)
	}
	return rest[:3]
}

var errTest = errors.New("error of the test")
