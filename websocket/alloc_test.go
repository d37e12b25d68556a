//go:build !race

package websocket_test

import (
	"testing"

	"github.com/gosegue/upgrade/websocket"
)

var errSink error

func TestAllocations(t *testing.T) {
	version, key := []string{"13"}, []string{exampleKey}
	versionBytes, keyBytes := [][]byte{[]byte("13")}, [][]byte{[]byte(exampleKey)}
	room := make([]byte, 0, 28)
	for name, call := range map[string]func(){
		"Check":                 func() { errSink = websocket.Check("GET", version, key) },
		"Check of bytes":        func() { errSink = websocket.Check("GET", versionBytes, keyBytes) },
		"Check, method":         func() { errSink = websocket.Check("POST", version, key) },
		"Check, version":        func() { errSink = websocket.Check("GET", key, key) },
		"Check, key":            func() { errSink = websocket.Check("GET", versionBytes, versionBytes) },
		"AppendAccept":          func() { room = websocket.AppendAccept(room[:0], exampleKey) },
		"AppendAccept of bytes": func() { room = websocket.AppendAccept(room[:0], keyBytes[0]) },
		"Error": func() {
			if errSink != nil {
				_ = errSink.Error()
			}
		},
	} {
		if got := testing.AllocsPerRun(100, call); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
