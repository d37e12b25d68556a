//go:build !race

package httpupgrade_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

// memory is a ResponseWriter and its connection. It keeps nothing.
type memory struct {
	net.Conn // of which only the methods below are used
	buffered *bufio.ReadWriter
}

func (m *memory) Header() http.Header                          { return nil }
func (m *memory) WriteHeader(int)                              {}
func (m *memory) Write(p []byte) (int, error)                  { return len(p), nil }
func (m *memory) Read([]byte) (int, error)                     { return 0, io.EOF }
func (m *memory) CloseWrite() error                            { return nil }
func (m *memory) Close() error                                 { return nil }
func (m *memory) SetDeadline(time.Time) error                  { return nil }
func (m *memory) Hijack() (net.Conn, *bufio.ReadWriter, error) { return m, m.buffered, nil }

// handHijack does the work of a handler that knows the offer and the answer in advance.
// It allocates the least possible.
func handHijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	conn.SetDeadline(time.Time{})
	conn.Write(echoBytes)
	return conn
}

var (
	echoBytes = []byte(echoHead)
	connSink  net.Conn
)

// A switch allocates no more than the take-over itself, no matter what the client offers.
// Early bytes cost their copy and the connection around it, with its CloseWrite.
func TestAllocationsOfASwitch(t *testing.T) {
	w := &memory{buffered: bufio.NewReadWriter(bufio.NewReader(strings.NewReader("")), nil)}
	r := &http.Request{Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		"Connection": {"keep-alive", "Upgrade"},
		"Upgrade":    {"h2c, HTTP/2.0", "echo/1, websocket"},
	}}
	to := []upgrade.Product[string]{echo}
	fields := []handshake.Field{{Name: "X-One", Value: "1"}, {Name: "X-Two", Value: "2"}}

	base := testing.AllocsPerRun(1000, func() { connSink = handHijack(w) })
	for name, more := range map[string]struct {
		fields []handshake.Field
		early  string
		want   float64
	}{
		"head":        {nil, "", 0},
		"fields":      {fields, "", 0},
		"early bytes": {nil, early, 3},
	} {
		source := strings.NewReader(more.early)
		w.buffered.Reader.Reset(source)
		got := testing.AllocsPerRun(1000, func() {
			source.Reset(more.early)
			w.buffered.Reader.Reset(source)
			w.buffered.Reader.Peek(len(more.early))
			conn, err := httpupgrade.Switch(w, r, to, more.fields...)
			if err != nil {
				t.Fatal(err)
			}
			connSink = conn
		})
		if got-base > more.want {
			t.Errorf("%s: %v allocations, %v more than by hand", name, got, got-base)
		}
	}
}

// A connection may stay open for days. It must not keep the server's buffer, or the early
// bytes once they are read.
func TestBuffersAreLetGo(t *testing.T) {
	const size = 16 << 20
	r := &http.Request{Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"echo/1"},
	}}
	// open switches a connection whose server has a big buffer with that number of early
	// bytes in it.
	open := func(early int) net.Conn {
		source := bufio.NewReaderSize(io.LimitReader(zeros{}, int64(early)), size)
		source.Peek(early)
		w := &memory{buffered: bufio.NewReadWriter(source, nil)}
		conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
		if err != nil {
			t.Fatal(err)
		}
		w.buffered = nil // as the server does
		return conn
	}
	for _, early := range []int{0, 1, size} {
		before := heap()
		conn := open(early)
		if early == size {
			if n, err := io.CopyN(io.Discard, conn, size); err != nil {
				t.Errorf("read %d early bytes: %v", n, err)
			}
		}
		if kept := heap() - before; kept > size/2 {
			t.Errorf("%d early bytes: %d bytes kept", early, kept)
		}
		runtime.KeepAlive(conn)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// The protocol decides when to let the content go, even if failures are reported to a
// hook that gets the request.
func TestContentIsLetGo(t *testing.T) {
	const size = 16 << 20
	for name, hook := range map[string]func(*http.Request, error){
		"log": nil, "hook": func(*http.Request, error) {},
	} {
		for use, drop := range map[string]func(*http.Request){
			"let go": func(r *http.Request) {},
			"read":   func(r *http.Request) { io.Copy(io.Discard, r.Body) },
			"closed": func(r *http.Request) { r.Body.Close() },
		} {
			serving, end, ended := make(chan *http.Request, 1), make(chan bool), make(chan bool)
			h := httpupgrade.Handler{MaxBody: size, Error: hook, Protocols: []httpupgrade.Protocol{{
				Product: echo,
				Serve: func(_ net.Conn, r *http.Request) {
					defer close(ended)
					drop(r)
					if use == "let go" {
						r = nil
					}
					serving <- r
					<-end
				},
			}}}
			before := heap()
			h.ServeHTTP(&memory{}, &http.Request{
				Method: "POST", ContentLength: size, Body: io.NopCloser(io.LimitReader(zeros{}, size)),
				Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}},
			})
			r := <-serving
			if kept := heap() - before; kept > size/2 {
				t.Errorf("%s, %s: %d bytes kept", name, use, kept)
			}
			runtime.KeepAlive(r)
			close(end)
			<-ended
		}
	}
}
