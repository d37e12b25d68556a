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
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

const patience = tcptest.Patience

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

// server is an http.Server on its own port. It stops with the test. When it has stopped,
// every connection that it accepted must be closed. Its ErrorLog must be empty, unless
// the test has taken the text.
type server struct {
	*http.Server
	t    testing.TB
	addr string
	log  lines

	// wrap, if set, makes the connection that net/http sees.
	wrap func(*tcptest.Conn) net.Conn

	mu    sync.Mutex
	next  tcptest.Limits
	conns []*tcptest.Conn
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
			if !tcptest.Eventually(conn.IsClosed) {
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
func (s *server) chop(l tcptest.Limits) {
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
	c := tcptest.NewConn(conn.(*net.TCPConn), s.next)
	s.conns = append(s.conns, c)
	if s.wrap != nil {
		return s.wrap(c), nil
	}
	return c, nil
}

// conn returns the server's side of connection i.
func (s *server) conn(i int) *tcptest.Conn {
	s.t.Helper()
	has := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) > i
	}
	if !tcptest.Eventually(has) {
		s.t.Fatalf("connection %d was not accepted", i)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[i]
}

// hideCloseWrite leaves only the methods of net.Conn.
func hideCloseWrite(s *server) {
	s.wrap = func(c *tcptest.Conn) net.Conn { return struct{ net.Conn }{c} }
}

func (s *server) dial() *client {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	return &client{tcptest.Dial(t, addr), t}
}

// client is the client's side of a connection. It sends and receives raw octets.
type client struct {
	*tcptest.Client
	t testing.TB
}

// response reads a final response and its content. The Header has every field that was
// sent.
func (c *client) response(method string) (*http.Response, string) {
	c.t.Helper()
	head := c.Head()
	c.Reader = bufio.NewReader(io.MultiReader(strings.NewReader(head), c.Reader))
	response, err := http.ReadResponse(c.Reader, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("client: %v", err)
	}
	// ReadResponse removes some fields.
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

// exchange sends a message, ends its side, and returns all that comes back.
func (s *server) exchange(message string) string {
	s.t.Helper()
	return tcptest.Exchange(s.t, s.addr, message)
}

// post returns a request that offers echo/1, with the content in the given framing:
// "none", "length", or "chunked" with an extension and a trailer. Further requests follow
// the content of a declined offer; the new protocol follows that of an accepted one.
func post(framing, content string, fields ...string) string {
	head := "POST /post HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n"
	for _, field := range fields {
		head += field + "\r\n"
	}
	return head + tcptest.Framed(framing, content)
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

// tell is an ordinary handler. Its answer repeats the request.
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
	return tcptest.Receive(t, e)
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
