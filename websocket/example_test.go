package websocket_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

// A request that offers websocket is checked for what that protocol asks of it.
func ExampleCheck() {
	key := []string{"dGhlIHNhbXBsZSBub25jZQ=="}
	fmt.Println(websocket.Check("GET", []string{"13"}, key))

	err := websocket.Check("GET", []string{"8"}, key)
	if errors.Is(err, websocket.ErrVersion) {
		fmt.Println("426 with Sec-WebSocket-Version:", websocket.Version)
	}
	// Output:
	// <nil>
	// 426 with Sec-WebSocket-Version: 13
}

func ExampleAppendAccept() {
	accept := websocket.AppendAccept(nil, "dGhlIHNhbXBsZSBub25jZQ==")
	fmt.Printf("%s\n", accept)
	// Output: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
}

// The whole answer is package handshake's, with one field from here.
func ExampleAppendAccept_response() {
	to := []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}
	accept := websocket.AppendAccept(nil, "dGhlIHNhbXBsZSBub25jZQ==")
	head, err := handshake.AppendSwitchingProtocols(nil, to,
		handshake.Field{Name: "Sec-WebSocket-Accept", Value: string(accept)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(head), "\r\n", "|\n"))
	// Output:
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: websocket|
	// Connection: Upgrade|
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|
	// |
}
