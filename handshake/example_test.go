package handshake_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	rfc6455 "github.com/gosegue/upgrade/websocket"
)

// show prints a head with its line ends made visible.
func show(head []byte) {
	fmt.Print(strings.ReplaceAll(string(head), "\r\n", "|\n"))
}

// A server asks whether to switch, and to what.
func ExampleSelect() {
	echo := upgrade.MustParseProduct("echo/1")
	websocket := upgrade.MustParseProduct("websocket")

	connection := [][]byte{[]byte("keep-alive, Upgrade")}
	offered := [][]byte{[]byte("h2c, WebSocket")}
	p, err := handshake.Select(1, 1, connection, offered, echo, websocket)
	fmt.Println(p, err)

	_, err = handshake.Select(1, 0, connection, offered, echo, websocket)
	fmt.Println(err)
	// Output:
	// websocket <nil>
	// handshake: HTTP version cannot upgrade
}

// A request whose offer does not count is an ordinary one. The error says why.
func ExampleOffer() {
	requests := []struct{ connection, offered []string }{
		{[]string{"Upgrade"}, []string{"h2c, echo/1"}},
		{[]string{"keep-alive"}, nil},
		{[]string{"keep-alive"}, []string{"websocket"}},
		{[]string{"Upgrade"}, []string{"websocket; q=1"}},
	}
	for _, r := range requests {
		list, err := handshake.Offer(1, 1, r.connection, r.offered)
		if err != nil {
			fmt.Println(err)
			continue
		}
		for p := range list.All() {
			fmt.Println("offered:", p)
		}
	}
	// Output:
	// offered: h2c
	// offered: echo/1
	// handshake: no Upgrade field
	// handshake: no upgrade option in Connection
	// handshake: malformed Upgrade: line 0, offset 9: want comma or end of line
}

func ExampleFieldError() {
	_, err := handshake.Offer(1, 1, []string{"Upgrade"}, []string{"foo / 1"})

	var malformed *handshake.FieldError
	if errors.As(err, &malformed) {
		fmt.Println(malformed.Field, "line", malformed.Err.Line, "offset", malformed.Err.Offset)
	}
	fmt.Println(errors.Is(err, upgrade.ErrDelimiter))
	// Output:
	// Upgrade line 0 offset 4
	// true
}

func ExampleAppendSwitchingProtocols() {
	to := []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}
	head, err := handshake.AppendSwitchingProtocols(nil, to,
		handshake.Field{Name: "Sec-WebSocket-Accept", Value: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(head)
	// Output:
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: websocket|
	// Connection: Upgrade|
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|
	// |
}

// A library can build its 101 field by field. A value may be bytes.
func ExampleAppendField() {
	head, err := handshake.BeginSwitchingProtocols(nil, upgrade.MustParseProduct("websocket"))
	if err != nil {
		fmt.Println(err)
		return
	}
	head, err = handshake.AppendField(head, "Sec-WebSocket-Accept", []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
	fmt.Println(err)
	_, err = handshake.AppendField(head, "X-Note", "a\r\nSet-Cookie: b")
	fmt.Println(err)
	show(append(head, "\r\n"...))
	// Output:
	// <nil>
	// handshake: malformed field value
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: websocket|
	// Connection: Upgrade|
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|
	// |
}

// A server without an HTTP stack builds its other responses as bytes too.
func ExampleAppendResponse() {
	const content = "who are you?\n"
	head, err := handshake.AppendResponse(nil, 401,
		handshake.Field{Name: "WWW-Authenticate", Value: "Bearer"},
		handshake.Field{Name: "Content-Length", Value: "13"})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(append(head, content...))
	// Output:
	// HTTP/1.1 401 Unauthorized|
	// WWW-Authenticate: Bearer|
	// Content-Length: 13|
	// |
	// who are you?
}

// Status and FieldName describe every error, so no library needs a table of its own.
func ExampleStatus() {
	_, malformed := handshake.Select(1, 1, []string{"Upgrade"}, []string{"a b"}, upgrade.MustParseProduct("a"))
	for _, err := range []error{malformed, handshake.ErrHTTPVersion, &handshake.Refusal{Status: 401}} {
		fmt.Printf("%d %q\n", handshake.Status(err), handshake.FieldName(err))
	}
	// Output:
	// 426 "Upgrade"
	// 505 ""
	// 401 ""
}

// RefusalOf is the whole answer to any error of this module: with the status alone, a client
// would not learn which version of WebSocket the server speaks.
func ExampleRefusalOf() {
	err := rfc6455.Check("GET", []string{"8"}, []string{"dGhlIHNhbXBsZSBub25jZQ=="})
	refusal := handshake.RefusalOf(err)
	fields, _, _ := refusal.Response(upgrade.MustParseProduct("websocket"))
	fmt.Println(refusal.Status, fields)
	// Output:
	// 426 [{Sec-WebSocket-Version 13} {Upgrade websocket}]
}

// A field that would break the message is refused before anything is written.
func ExampleAppendSwitchingProtocols_refused() {
	to := []upgrade.Product[string]{upgrade.MustParseProduct("echo/1")}
	_, err := handshake.AppendSwitchingProtocols(nil, to,
		handshake.Field{Name: "X-User", Value: "x"},
		handshake.Field{Name: "X-Note", Value: "a\r\nSet-Cookie: b"})

	var field *handshake.ResponseError
	if errors.As(err, &field) {
		fmt.Println("field", field.Index, errors.Is(err, handshake.ErrFieldValue))
	}
	fmt.Println(err)
	// Output:
	// field 1 true
	// handshake: field 1 (X-Note): malformed field value
}

func ExampleAppendUpgradeRequired() {
	supported := []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}
	head, err := handshake.AppendUpgradeRequired(nil, supported,
		handshake.Field{Name: "Sec-WebSocket-Version", Value: "13"},
		handshake.Field{Name: "Connection", Value: "close"})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(head)
	// Output:
	// HTTP/1.1 426 Upgrade Required|
	// Upgrade: websocket|
	// Connection: Upgrade, close|
	// Content-Length: 0|
	// Sec-WebSocket-Version: 13|
	// |
}

func ExampleWriteSwitchingProtocols() {
	var conn bytes.Buffer // the connection
	to := []upgrade.Product[string]{upgrade.MustParseProduct("echo/1")}
	if err := handshake.WriteSwitchingProtocols(&conn, to); err != nil {
		fmt.Println(err)
		return
	}
	show(conn.Bytes())
	// Output:
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: echo/1|
	// Connection: Upgrade|
	// |
}

// A client checks the response before it speaks the new protocol.
func ExampleSwitched() {
	websocket := upgrade.MustParseProduct("websocket")

	list, err := handshake.Switched(101, 1, 1, []string{"Upgrade"}, []string{"WebSocket"}, websocket)
	for p := range list.All() {
		fmt.Println("switched to", p, err)
	}
	_, err = handshake.Switched(101, 1, 1, []string{"Upgrade"}, []string{"tcp"}, websocket)
	fmt.Println(err)
	_, err = handshake.Switched(200, 1, 1, []string{"Upgrade"}, []string{"websocket"}, websocket)
	fmt.Println(err)
	// Output:
	// switched to WebSocket <nil>
	// handshake: protocol was not offered
	// handshake: wrong status code
}
