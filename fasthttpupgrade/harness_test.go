package fasthttpupgrade_test

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
)

// patience is how long a test waits for anything.
const patience = 10 * time.Second

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

// listen lets the server serve on a free port until the test ends.
func listen(t *testing.T, server *fasthttp.Server) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Logger = log.New(new(lockedBuffer), "", 0) // tells what clients do wrong
	done := make(chan error)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		listener.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// echoHandler switches to echo/1, and answers everything else with its content.
func echoHandler(t *testing.T) fasthttp.RequestHandler {
	return fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Serve:   func(conn net.Conn, _ *fasthttp.Request) { io.Copy(conn, conn) },
		}},
		Next:  page,
		Error: func(_ net.Addr, err error) { t.Error(err) },
	}.Handle
}

func page(ctx *fasthttp.RequestCtx) {
	ctx.WriteString("page " + string(ctx.Request.Body()))
}

// dial opens a connection and writes to it at once.
func dial(t *testing.T, address, text string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// inPieces writes text in pieces of that size, in segments of their own as far as that
// is in our hands.
func inPieces(conn net.Conn, text string, size int) {
	for piece := range slices.Chunk([]byte(text), size) {
		conn.Write(piece)
		time.Sleep(20 * time.Microsecond)
	}
}

// mustRead reads want, octet for octet.
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

// mustEcho sends and reads more, and then the end.
func mustEcho(t *testing.T, conn *net.TCPConn, r io.Reader) {
	t.Helper()
	io.WriteString(conn, "later")
	mustRead(t, r, "later")
	conn.CloseWrite()
	mustEnd(t, r)
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
