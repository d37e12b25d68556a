package websocket_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

// A server checks that a request that offers websocket meets the rules of that protocol.
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

// A page of another site may open a WebSocket to this server. Origin shows where the
// request comes from. Programs other than browsers send no Origin.
func ExampleSameOrigin() {
	host := []string{"example.com"}
	fmt.Println(websocket.SameOrigin([]string{"https://example.com"}, host))
	fmt.Println(websocket.SameOrigin([]string{"https://evil.example"}, host))
	fmt.Println(websocket.SameOrigin([]string{}, host))
	// Output:
	// true
	// false
	// true
}

func ExampleSelectSubprotocol() {
	lines := []string{"mqtt, v2.chat", "v1.chat"}
	fmt.Println(websocket.SelectSubprotocol(lines, "v1.chat", "v2.chat"))
	// Output: v1.chat <nil>
}

// A client keeps its key until the 101 has come.
func ExampleCheckAccept() {
	key := "dGhlIHNhbXBsZSBub25jZQ==" // from AppendKey
	fmt.Println(websocket.CheckAccept(key, []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}))
	fmt.Println(websocket.CheckAccept(key, []string{}))
	// Output:
	// <nil>
	// websocket: Sec-WebSocket-Accept does not answer the key
}

// The server may choose one of the names that the client sent, or none.
func ExampleCheckSubprotocol() {
	offered := []string{"v2.chat", "v1.chat"}
	fmt.Println(websocket.CheckSubprotocol([]string{"v1.chat"}, offered...))
	fmt.Println(websocket.CheckSubprotocol([]string{"v3.chat"}, offered...))
	// Output:
	// v1.chat <nil>
	//  websocket: Sec-WebSocket-Protocol names none that was offered
}

// A client makes a key for each connection, and sends it with the offer.
func ExampleAppendKey() {
	key := string(websocket.AppendKey(nil))
	offer, err := handshake.AppendOffer(nil, "GET", "/chat", "example.com",
		[]upgrade.Product[string]{upgrade.MustParseProduct("websocket")}, nil,
		handshake.Field{Name: "Sec-WebSocket-Version", Value: websocket.Version},
		handshake.Field{Name: "Sec-WebSocket-Key", Value: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(key), strings.Count(string(offer), key), websocket.Check("GET", []string{websocket.Version}, []string{key}))
	// Output: 24 1 <nil>
}

func ExampleAppendAccept() {
	accept := websocket.AppendAccept(nil, "dGhlIHNhbXBsZSBub25jZQ==")
	fmt.Printf("%s\n", accept)
	// Output: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
}

// Package handshake builds the whole response, with one field from this package.
func ExampleAccept() {
	to := []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}
	accept := websocket.Accept("dGhlIHNhbXBsZSBub25jZQ==")
	head, err := handshake.AppendSwitchingProtocols(nil, to,
		handshake.Field{Name: "Sec-WebSocket-Accept", Value: accept})
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
