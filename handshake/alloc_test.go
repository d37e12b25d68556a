//go:build !race

package handshake_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

// The results go here, so that the compiler cannot leave out the calls.
var (
	boolSink bool
	errSink  error
)

func TestAllocations(t *testing.T) {
	supported := products(t, []string{"h2c", "echo/1", "websocket"})
	questions := []struct {
		name                string
		minor               int
		connection, offered []string
		want                float64
	}{
		{"usual", 1, []string{"Upgrade"}, []string{"websocket"}, 0},
		{"Firefox", 1, []string{"keep-alive, Upgrade"}, []string{"websocket"}, 0},
		{"lists on several lines", 1, []string{"keep-alive", ", UPGRADE"}, []string{"a/1, b", "", "WebSocket"}, 0},
		{"unsupported", 1, []string{"Upgrade"}, []string{"TLS/1.2"}, 0},
		{"version", 0, []string{"Upgrade"}, []string{"websocket"}, 0},
		{"absent", 1, nil, nil, 0},
		{"blank", 1, []string{"Upgrade"}, []string{" , ", ","}, 0},
		{"no option", 1, []string{"keep-alive"}, []string{"websocket"}, 0},
		// The SyntaxError and the FieldError that wraps it.
		{"malformed Connection", 1, []string{"a b"}, []string{"websocket"}, 2},
		{"malformed Upgrade", 1, []string{"Upgrade"}, []string{"websocket", "@"}, 2},
	}
	for _, q := range questions {
		connection, offered := corpus.Bytes(q.connection), corpus.Bytes(q.offered)
		check := func(call string, do func()) {
			t.Helper()
			if got := testing.AllocsPerRun(100, do); got > q.want || q.want == 0 && got != 0 {
				t.Errorf("%s, %s: %v allocations, want %v", call, q.name, got, q.want)
			}
		}
		check("Offer", func() {
			list, err := handshake.Offer(1, q.minor, q.connection, q.offered)
			boolSink, errSink = list.IsZero(), err
		})
		check("Offer of bytes", func() {
			list, err := handshake.Offer(1, q.minor, connection, offered)
			boolSink, errSink = list.IsZero(), err
		})
		check("Select", func() {
			p, err := handshake.Select(1, q.minor, q.connection, q.offered, supported...)
			boolSink, errSink = p.IsZero(), err
		})
		check("Select of bytes", func() {
			p, err := handshake.Select(1, q.minor, connection, offered, supported...)
			boolSink, errSink = p.IsZero(), err
		})
		check("Switched", func() {
			list, err := handshake.Switched(101, 1, q.minor, q.connection, q.offered, supported...)
			boolSink, errSink = list.IsZero(), err
		})
		check("Switched of bytes", func() {
			list, err := handshake.Switched(101, 1, q.minor, connection, offered, supported...)
			boolSink, errSink = list.IsZero(), err
		})
		check("Switched, 200", func() {
			list, err := handshake.Switched(200, 1, q.minor, q.connection, q.offered, supported...)
			boolSink, errSink = list.IsZero(), err
		})
	}
}

func TestAllocationsOfResponses(t *testing.T) {
	fields := []Field{{"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, {"X", "y"}}
	bad := []Field{{"A", "1"}, {"Upgrade", "x"}}
	options := []string{"x"}
	room := make([]byte, 0, 500)
	var dst []byte
	for name, test := range map[string]struct {
		want float64
		call func()
	}{
		"101":             {0, func() { dst, errSink = handshake.AppendSwitchingProtocols(room, websocket, fields...) }},
		"101, no product": {0, func() { dst, errSink = handshake.AppendSwitchingProtocols(room, nil, fields...) }},
		"101, bad field":  {1, func() { dst, errSink = handshake.AppendSwitchingProtocols(room, websocket, bad...) }},
		"426":             {0, func() { dst, errSink = handshake.AppendUpgradeRequired(room, websocket, fields...) }},
		"426, no product": {0, func() { dst, errSink = handshake.AppendUpgradeRequired(room, nil, fields...) }},
		"426, bad field":  {1, func() { dst, errSink = handshake.AppendUpgradeRequired(room, websocket, bad...) }},
		"426, close": {0, func() {
			dst, errSink = handshake.AppendUpgradeRequired(room, websocket, Field{"Connection", "close"}, Field{"Content-Length", "5"})
		}},
		"offer": {0, func() {
			dst, errSink = handshake.AppendOffer(room, "GET", "/", "example.com", websocket, options, fields...)
		}},
		"offer, bad option": {0, func() {
			dst, errSink = handshake.AppendOffer(room, "GET", "/", "example.com", websocket, options)
		}},
		"offer, bad field": {1, func() {
			dst, errSink = handshake.AppendOffer(room, "GET", "/", "example.com", websocket, nil, bad...)
		}},
		"check": {0, func() { errSink = fields[0].Check() }},
	} {
		if got := testing.AllocsPerRun(100, test.call); got != test.want {
			t.Errorf("%s: %v allocations, want %v", name, got, test.want)
		}
	}
	boolSink = len(dst) > 0
}

// bytebufferpool calibrates itself after every 42,000 buffers put back. From then on it
// drops buffers that are larger than most that it saw, so a pool that is right for the
// first 42,000 calls can be wrong ever after. This test makes many calls after that, of
// one size and of several.
func TestPoolStaysRight(t *testing.T) {
	const warm, calls = 100_000, 300_000
	value := strings.Repeat("v", 3000)
	for name, size := range map[string]func(i int) int{
		"one size":                    func(int) int { return 30 },
		"two sizes":                   func(i int) int { return 30 + i%2*200 },
		"sizes around a power of two": func(i int) int { return 20 + i%60 },
		"one larger in thirty":        func(i int) int { return 30 + i%30/29*100 },
		"only large":                  func(int) int { return 3000 },
	} {
		write := func(n int) {
			for i := range n {
				if err := handshake.WriteSwitchingProtocols(io.Discard, websocket, Field{"X", value[:size(i)]}); err != nil {
					t.Fatal(err)
				}
			}
		}
		write(warm)
		// A garbage collection empties the pool now and then.
		if allocs := mallocs(func() { write(calls) }); allocs > calls/1000 {
			t.Errorf("%s: %d allocations in %d calls", name, allocs, calls)
		}
	}
}

// mallocs counts the allocations of do. testing.AllocsPerRun would round less than one
// for each call down to 0.
func mallocs(do func()) uint64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// A failing call puts its buffer back too.
func TestPoolSurvivesErrors(t *testing.T) {
	bad := Field{"Upgrade", "x"}
	const calls = 50_000
	allocs := mallocs(func() {
		for range calls {
			errSink = handshake.WriteSwitchingProtocols(io.Discard, websocket, bad)
			errSink = handshake.WriteSwitchingProtocols(io.Discard, websocket)
		}
	})
	if allocs > calls+calls/1000 { // one ResponseError each
		t.Errorf("%d allocations in %d calls", allocs, calls)
	}
}
