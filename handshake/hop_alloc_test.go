//go:build !race

package handshake_test

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

func TestAllocationsOfHops(t *testing.T) {
	for _, test := range []struct {
		name       string
		connection []string
		want       float64
	}{
		{"absent", nil, 0},
		{"usual", []string{"keep-alive, Upgrade"}, 0},
		{"lines", []string{"close", "", "X-Foo, Authorization"}, 0},
		{"commas", []string{strings.Repeat(",", 64<<10)}, 0},
		{"malformed", []string{"@@@, X-Foo"}, 2}, // the SyntaxError and the FieldError that wraps it
	} {
		asBytes := corpus.Bytes(test.connection)
		count := 0
		if got := testing.AllocsPerRun(100, func() {
			hop, err := handshake.HopByHop(test.connection, "Authorization", "Cookie")
			for range hop.All() {
				count++
			}
			boolSink, errSink = hop.Has("X-Foo") || hop.Has("TE"), err
		}); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
		if got := testing.AllocsPerRun(100, func() {
			hop, err := handshake.HopByHop(asBytes, "Authorization", "Cookie")
			for range hop.All() {
				count++
			}
			boolSink, errSink = hop.Has("X-Foo") || hop.Has("TE"), err
		}); got != test.want {
			t.Errorf("%s, bytes: %v allocations, want %v", test.name, got, test.want)
		}
	}
}

func TestAllocationsOfRestrict(t *testing.T) {
	allowed := products(t, []string{"websocket", "tcp", "foo/2"})
	for offered, want := range map[string]float64{"h2c, TLS/1.2": 0, "foo/2, h2c, websocket, tcp": 1} {
		list, err := upgrade.ParseList(offered)
		if err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(100, func() { boolSink = handshake.Restrict(list, allowed...) == nil }); got != want {
			t.Errorf("%q: %v allocations, want %v", offered, got, want)
		}
	}
}
