//go:build !race

package netupgrade_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/netupgrade"
)

// still is a connection that allocates nothing and has a CloseWrite.
type still struct {
	net.Conn // only the methods below are used
	unread   string
	sent     int
}

func (s *still) Read(p []byte) (int, error) {
	if s.unread == "" {
		return 0, io.EOF
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *still) Write(p []byte) (int, error)      { s.sent += len(p); return len(p), nil }
func (s *still) Close() error                     { return nil }
func (s *still) CloseWrite() error                { return nil }
func (s *still) SetDeadline(time.Time) error      { return nil }
func (s *still) SetReadDeadline(time.Time) error  { return nil }
func (s *still) SetWriteDeadline(time.Time) error { return nil }

var acceptedSink netupgrade.Accepted

// browser returns what a browser sends to open a WebSocket.
func browser(t testing.TB) string {
	t.Helper()
	head, err := os.ReadFile(filepath.Join("..", "testdata", "captures", "client-chromium.req"))
	if err != nil {
		t.Fatal(err)
	}
	return string(head)
}

// A switch without content allocates nothing. Early bytes cost their copy and the
// connection around it, with its CloseWrite.
func TestAllocationsOfASwitch(t *testing.T) {
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket(), {Product: echo}}}
	for name, test := range map[string]struct {
		request string
		want    float64
	}{
		"browser":              {browser(t), 0},
		"echo":                 {offerEcho, 0},
		"several":              {offer("h2c, HTTP/2.0, echo/1"), 0},
		"browser, early bytes": {browser(t) + early, 3},
		"echo, early bytes":    {offerEcho + early, 3},
		"content of length":    {post("length", "content"), 1},
	} {
		conn := &still{}
		run := func() {
			conn.unread = test.request
			accepted, err := a.Accept(conn)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			acceptedSink = accepted
		}
		if got := testing.AllocsPerRun(1000, run); got > test.want {
			t.Errorf("%s: %v allocations, want %v", name, got, test.want)
		}
		// AllocsPerRun rounds down, which hides an allocation in every second run.
		run()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 1000 {
			run()
		}
		runtime.ReadMemStats(&after)
		if got := float64(after.Mallocs-before.Mallocs) / 1000; got > test.want+0.05 {
			t.Errorf("%s: %v allocations, want %v", name, got, test.want)
		}
	}
}

// A connection may stay open for days. It must keep neither the buffers of its request nor,
// after they are read, the early bytes. Big buffers are not kept for other requests either.
func TestBuffersAreLetGo(t *testing.T) {
	const size = 16 << 20
	a := echoing()
	a.Limits.Bytes = 2 * size
	a.MaxBody = 2 * size
	a.Decline = func(r *netupgrade.Request, _ error) { r.Respond(200, make([]byte, size)) }
	for name, request := range map[string]string{
		"head":    offering("X: " + strings.Repeat("x", size)),
		"content": post("chunked", strings.Repeat("x", size)),
		"early":   offerEcho + strings.Repeat("x", size),
		"answer":  plain,
	} {
		before := heap()
		conn := &still{unread: request}
		accepted, err := a.Accept(conn)
		if (err != nil) != (name == "answer") {
			t.Fatalf("%s: %v", name, err)
		}
		if err == nil {
			io.Copy(io.Discard, accepted.Conn)
		}
		accepted.Content = nil
		if kept := heap() - before; kept > size/2 {
			t.Errorf("%s: %d bytes kept", name, kept)
		}
		runtime.KeepAlive(accepted)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
