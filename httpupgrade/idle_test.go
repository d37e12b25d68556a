//go:build !race && amd64

package httpupgrade_test

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"

	"github.com/gosegue/upgrade/internal/h2test"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// An idle stream costs 0.6 KiB more than the 11 KiB that it costs in a net/http handler
// that only waits. The test would see another 4 KiB of stack, or a buffer. It cannot see
// less than 2 KiB, because of the runtime's spans.
func TestIdleStream(t *testing.T) {
	const streams = 200
	measure := func(handler func(waits chan<- struct{}) http.Handler) int64 {
		waits := make(chan struct{}, streams+1)
		s := startH2(t, handler(waits))
		all := []*h2test.Stream{s.Connect("echo/1", "Content-Length: 1")} // pays for what is held once
		tcptest.Receive(t, waits)
		before := held()
		for range streams {
			all = append(all, s.Connect("echo/1", "Content-Length: 1"))
			tcptest.Receive(t, waits)
		}
		each := (held() - before) / streams
		for _, c := range all {
			c.Body.Close()
		}
		return each
	}
	wait := func(waits chan<- struct{}, r io.Reader) {
		waits <- struct{}{}
		r.Read(make([]byte, 1))
	}
	bare := measure(func(waits chan<- struct{}) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			http.NewResponseController(w).Flush()
			wait(waits, r.Body)
		})
	})
	ours := measure(func(waits chan<- struct{}) http.Handler {
		return serving(func(conn net.Conn, _ *http.Request) { wait(waits, conn) })
	})
	if t.Logf("%d bytes, including the client's; bare handler: %d", ours, bare); ours > bare+3<<10 {
		t.Error("more than 3 KiB above the bare handler")
	}
}

// held returns how much memory is in use.
func held() int64 {
	runtime.GC()
	runtime.GC() // stacks shrink, and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
