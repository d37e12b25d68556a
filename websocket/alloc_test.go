//go:build !race

package websocket_test

import (
	"testing"

	"github.com/gosegue/upgrade/websocket"
)

var (
	errSink  error
	textSink string
	boolSink bool
)

func TestAllocations(t *testing.T) {
	version, key := []string{"13"}, []string{exampleKey}
	versionBytes, keyBytes := [][]byte{[]byte("13")}, [][]byte{[]byte(exampleKey)}
	room := make([]byte, 0, 28)
	accept, acceptBytes := []string{exampleAccept}, [][]byte{[]byte(exampleAccept)}
	offered, offeredBytes := []string{"chat, superchat", "Chat"}, [][]byte{[]byte("chat, superchat"), []byte("Chat")}
	origin, host := []string{"https://Example.com"}, [][]byte{[]byte("example.COM:443")}
	for name, call := range map[string]func(){
		"Check":                      func() { errSink = websocket.Check("GET", version, key) },
		"Check of bytes":             func() { errSink = websocket.Check("GET", versionBytes, keyBytes) },
		"Check, method":              func() { errSink = websocket.Check("POST", version, key) },
		"Check, version":             func() { errSink = websocket.Check("GET", key, key) },
		"Check, key":                 func() { errSink = websocket.Check("GET", versionBytes, versionBytes) },
		"AppendAccept":               func() { room = websocket.AppendAccept(room[:0], exampleKey) },
		"AppendAccept of bytes":      func() { room = websocket.AppendAccept(room[:0], keyBytes[0]) },
		"Check of a method of bytes": func() { errSink = websocket.Check(keyBytes[0], version, key) },
		"CheckConnect":               func() { errSink = websocket.CheckConnect("CONNECT", versionBytes) },
		"CheckConnect, method":       func() { errSink = websocket.CheckConnect(keyBytes[0], version) },
		"AppendKey":                  func() { room = websocket.AppendKey(room[:0]) },
		"CheckAccept":                func() { errSink = websocket.CheckAccept(exampleKey, accept) },
		"CheckAccept of bytes":       func() { errSink = websocket.CheckAccept(keyBytes[0], acceptBytes) },
		"CheckAccept, wrong":         func() { errSink = websocket.CheckAccept(exampleKey, key) },
		"SelectSubprotocol": func() {
			textSink, errSink = websocket.SelectSubprotocol(offered, "mqtt", "Chat", "chat")
		},
		"SelectSubprotocol of bytes": func() {
			textSink, errSink = websocket.SelectSubprotocol(offeredBytes, "mqtt", "Chat", "chat")
		},
		"CheckSubprotocol": func() {
			textSink, errSink = websocket.CheckSubprotocol([]string{" chat"}, "mqtt", "chat")
		},
		"CheckSubprotocol, foreign": func() {
			textSink, errSink = websocket.CheckSubprotocol([]string{"soap"}, "mqtt", "chat")
		},
		"SameOrigin":          func() { boolSink = websocket.SameOrigin(origin, host) },
		"SameOrigin, foreign": func() { boolSink = websocket.SameOrigin(origin, version) },
		"Refusal":             func() { boolSink = websocket.ErrVersion.Refusal() == nil },
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
	// Accept allocates the string.
	if got := testing.AllocsPerRun(100, func() { textSink = websocket.Accept(keyBytes[0]) }); got != 1 {
		t.Errorf("Accept: %v allocations", got)
	}
}
