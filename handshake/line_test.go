package handshake_test

import (
	"bytes"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

// Example_lineByLine, with one line at a time, makes the choice that Select makes with all
// of them, even if the lines of Upgrade come first.
func TestLineByLine(t *testing.T) {
	check := func(t *testing.T, major, minor int, connection, offered [][]byte, supported []upgrade.Product[string]) {
		t.Helper()
		want, _ := handshake.Select(major, minor, connection, offered, supported...)
		buffer := make([]byte, 0, 64)
		for _, upgradeFirst := range []bool{false, true} {
			g := newGate(supported...)
			add := func(lines [][]byte, take func([]byte)) {
				for _, line := range lines {
					buffer = append(buffer[:0], line...)
					take(buffer)
					copy(buffer, bytes.Repeat([]byte("@"), len(buffer))) // the line is gone
				}
			}
			if upgradeFirst {
				add(offered, g.addUpgrade)
			}
			add(connection, g.addConnection)
			if !upgradeFirst {
				add(offered, g.addUpgrade)
			}
			if got := g.choice(major, minor); got != want {
				t.Errorf("%q, %q: line by line %v, all at once %v", connection, offered, got, want)
			}
		}
	}
	for _, c := range corpus.Read[corpus.Request](t, testdata, "request.json") {
		t.Run(c.Name, func(t *testing.T) {
			major, minor := corpus.Version(t, c.Version)
			supported := products(t, c.Supported.Strings())
			if supported == nil {
				supported = products(t, []string{"h2c", "websocket"})
			}
			check(t, major, minor, c.Connection.Bytes(), c.Upgrade.Bytes(), supported)
		})
	}
	lines := [][]byte{nil, []byte(""), []byte(" , "), []byte("upgrade"), []byte("b"), []byte("c, A"), []byte("@"), []byte("a/1"), []byte("close, Upgrade")}
	supported := products(t, []string{"a", "b", "upgrade"})
	for _, first := range lines {
		for _, second := range lines {
			for _, third := range lines {
				check(t, 1, 1, [][]byte{first, second}, [][]byte{second, third}, supported)
				check(t, 1, 1, [][]byte{[]byte("upgrade")}, [][]byte{first, second, third}, supported)
				check(t, 1, 1, [][]byte{first, second, third}, [][]byte{[]byte("b")}, supported)
			}
		}
	}
}
