package fasthttpupgrade_test

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

var echo = upgrade.MustParseProduct("echo/1")

const (
	offer   = "Host: x\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0, echo/1\r\n"
	echo101 = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n"
)

// lockedBuffer may be written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// servers are settings that change how fasthttp handles connections.
var servers = map[string]func(*fasthttp.Server){
	"default":          func(*fasthttp.Server) {},
	"no keep-alive":    func(s *fasthttp.Server) { s.DisableKeepalive = true },
	"one request":      func(s *fasthttp.Server) { s.MaxRequestsPerConn = 1 },
	"keep hijacked":    func(s *fasthttp.Server) { s.KeepHijackedConns = true },
	"little memory":    func(s *fasthttp.Server) { s.ReduceMemoryUsage = true },
	"limit per client": func(s *fasthttp.Server) { s.MaxConnsPerIP = 1000 },
	"streams":          func(s *fasthttp.Server) { s.StreamRequestBody, s.MaxRequestBodySize = true, 1 },
	"streams, much":    func(s *fasthttp.Server) { s.StreamRequestBody = true },
	"streams, little": func(s *fasthttp.Server) {
		s.StreamRequestBody, s.MaxRequestBodySize, s.ReduceMemoryUsage = true, 1, true
	},
	"names as they are":   func(s *fasthttp.Server) { s.DisableHeaderNamesNormalizing = true },
	"close when shutting": func(s *fasthttp.Server) { s.CloseOnShutdown = true },
}

// newServer returns a server of that kind.
func newServer(kind string, handler fasthttp.RequestHandler) *fasthttp.Server {
	server := &fasthttp.Server{Handler: handler}
	servers[kind](server)
	return server
}

// listen lets the server serve on a free port until the test ends.
func listen(t *testing.T, server *fasthttp.Server) (address string) {
	t.Helper()
	return listenWithin(t, server, tcptest.Limits{})
}

// listenWithin is listen for a server that receives within the limits.
func listenWithin(t *testing.T, server *fasthttp.Server, limits tcptest.Limits) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Logger = log.New(new(lockedBuffer), "", 0) // for errors of clients
	done := make(chan error)
	go func() { done <- server.Serve(limitedListener{listener, limits}) }()
	t.Cleanup(func() {
		listener.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

type limitedListener struct {
	net.Listener
	limits tcptest.Limits
}

func (l limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil || l.limits == (tcptest.Limits{}) {
		return conn, err
	}
	return tcptest.NewConn(conn.(*net.TCPConn), l.limits), nil
}

// echoHandler switches to echo/1, and answers everything else with its content.
func echoHandler(t *testing.T) fasthttp.RequestHandler {
	return fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveEcho}},
		Next:      page,
		Error:     func(_ net.Addr, err error) { t.Error(err) },
	}.Handle
}

func serveEcho(conn net.Conn, _ *fasthttp.Request) { io.Copy(conn, conn) }

func serveNothing(t *testing.T) func(net.Conn, *fasthttp.Request) {
	return func(net.Conn, *fasthttp.Request) { t.Error("switched") }
}

func page(ctx *fasthttp.RequestCtx) {
	ctx.WriteString("page " + string(ctx.Request.Body()))
}

// dial opens a connection and sends text.
func dial(t *testing.T, address, text string) *tcptest.Client {
	t.Helper()
	client := tcptest.Dial(t, address)
	client.Send(text)
	return client
}

// mustRead reads exactly want.
func mustRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if string(got[:n]) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

func mustEnd(t *testing.T, r io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		t.Fatalf("then %q, %v", rest, err)
	}
}

// mustEcho sends more, reads it back, and then ends the connection.
func mustEcho(t *testing.T, client *tcptest.Client) {
	t.Helper()
	client.Send("later")
	mustRead(t, client.Reader, "later")
	client.CloseWrite()
	mustEnd(t, client.Reader)
}

// mustAnswer reads a response with that status and content, and returns its head.
func mustAnswer(t *testing.T, r *bufio.Reader, status int, content string) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	if response.StatusCode != status || string(got) != content || err != nil {
		t.Fatalf("%s, %q, %v; want %d, %q", response.Status, got, err, status, content)
	}
	return response
}

// decode parses an answer without reading its content.
func decode(t *testing.T, answer string) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		t.Fatalf("%v: %q", err, answer)
	}
	return response
}
