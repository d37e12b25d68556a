package upgrade_test

import (
	"errors"
	"fmt"

	"github.com/gosegue/upgrade"
)

// A client offers four protocols, in its order of preference.
func ExampleParseList() {
	list, err := upgrade.ParseList("HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11")
	if err != nil {
		fmt.Println(err)
		return
	}
	for p := range list.All() {
		fmt.Println(p.Name(), p.Version())
	}
	// Output:
	// HTTP 2.0
	// SHTTP 1.3
	// IRC 6.9
	// RTA x11
}

// All lines of the field are one list, however it is split.
func ExampleParseList_lines() {
	list, err := upgrade.ParseList("h2c", ", websocket,,")
	fmt.Println(list.Offers(upgrade.MustParseProduct("websocket")), err)
	// Output: true <nil>
}

// One malformed element spoils the field.
func ExampleParseList_malformed() {
	list, err := upgrade.ParseList("websocket", "foo / 1")
	fmt.Println(list.IsZero(), err)
	// Output: true upgrade: line 1, offset 4: want comma or end of line
}

// The server's order decides, and the answer has the server's spelling.
func ExampleList_Select() {
	websocket := upgrade.MustParseProduct("websocket")
	h2c := upgrade.MustParseProduct("h2c")

	list, err := upgrade.ParseList([]byte("H2C, WebSocket"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.Select(websocket, h2c))
	// Output: websocket
}

// A server that needs only the choice, and not the list, saves a pass.
func ExampleParseSelect() {
	websocket := upgrade.MustParseProduct("websocket")
	h2c := upgrade.MustParseProduct("h2c")

	fmt.Println(upgrade.ParseSelect([]string{"H2C", "WebSocket"}, websocket, h2c))
	fmt.Println(upgrade.ParseSelect([]string{"websocket, @"}, websocket, h2c))
	// Output:
	// websocket <nil>
	//  upgrade: line 0, offset 11: want token
}

// A server that speaks several versions of a protocol compares only the name.
func ExampleList_All() {
	list, err := upgrade.ParseList("RTXP/1.2, XRPL/2.0, XRPL/2.1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for p := range list.All() {
		if p.Name() == "XRPL" {
			fmt.Println("version", p.Version())
		}
	}
	// Output:
	// version 2.0
	// version 2.1
}

func ExampleList_Offers() {
	list, _ := upgrade.ParseList("websocket/13, IRC/6.9")
	fmt.Println(list.Offers(upgrade.MustParseProduct("irc/6.9")))
	fmt.Println(list.Offers(upgrade.MustParseProduct("websocket"))) // another version is another product
	// Output:
	// true
	// false
}

func ExampleAppendList() {
	line := upgrade.AppendList([]byte("Upgrade: "), upgrade.MustParseProduct("TLS/1.2"), upgrade.MustParseProduct("HTTP/1.1"))
	fmt.Printf("%s\n", line)
	// Output: Upgrade: TLS/1.2, HTTP/1.1
}

func ExampleParseProduct() {
	p, err := upgrade.ParseProduct("IRC/6.9")
	fmt.Println(p.Name(), p.Version(), err)
	_, err = upgrade.ParseProduct("IRC/")
	fmt.Println(err)
	// Output:
	// IRC 6.9 <nil>
	// upgrade: line 0, offset 4: want version after slash
}

func ExampleProduct_Matches() {
	websocket := upgrade.MustParseProduct("websocket")
	for _, s := range []string{"WebSocket", "websocket/13"} {
		p, _ := upgrade.ParseProduct([]byte(s))
		fmt.Println(p, p.Matches(websocket))
	}
	// Output:
	// WebSocket true
	// websocket/13 false
}

func ExampleParseConnection() {
	connection, err := upgrade.ParseConnection("keep-alive", "Upgrade, HTTP2-Settings")
	if err != nil {
		fmt.Println(err)
		return
	}
	for option := range connection.All() {
		fmt.Println(option)
	}
	// Output:
	// keep-alive
	// Upgrade
	// HTTP2-Settings
}

// A product of bytes is valid as long as the bytes are. A clone lasts.
func ExampleProduct_Clone() {
	buffer := []byte("IRC/6.9")
	p, err := upgrade.ParseProduct(buffer)
	if err != nil {
		fmt.Println(err)
		return
	}
	kept := p.Clone()
	copy(buffer, "recycled")
	fmt.Println(kept)
	// Output: IRC/6.9
}

// An option is a whole token, in any letter case.
func ExampleConnection_Has() {
	for _, line := range []string{"keep-alive, Upgrade", "Upgrade-Insecure-Requests"} {
		connection, err := upgrade.ParseConnection(line)
		fmt.Println(connection.Has("upgrade"), err)
	}
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleConnection_Persistent() {
	connection, _ := upgrade.ParseConnection("keep-alive")
	fmt.Println(connection.Persistent(1, 0), connection.Persistent(1, 1))
	connection, _ = upgrade.ParseConnection("close, keep-alive")
	fmt.Println(connection.Persistent(1, 0), connection.Persistent(1, 1))
	// Output:
	// true true
	// false false
}

// A tool that shows a field uses a Lexer.
func ExampleLexer() {
	lexer := upgrade.NewLexer("h2c, foo/1;")
	for kind := lexer.Next(); kind != upgrade.EOF; kind = lexer.Next() {
		fmt.Printf("%2d %-7v %q\n", lexer.Offset(), kind, lexer.Text())
	}
	// Output:
	//  0 Token   "h2c"
	//  3 Comma   ","
	//  4 Space   " "
	//  5 Token   "foo"
	//  8 Slash   "/"
	//  9 Token   "1"
	// 10 Illegal ";"
}

// An error says where a field is malformed, and what it lacks there.
func ExampleSyntaxError() {
	_, err := upgrade.ParseList("h2c", "websocket; q=0.5")

	var syntax *upgrade.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println("line", syntax.Line, "offset", syntax.Offset)
	}
	fmt.Println(errors.Is(err, upgrade.ErrDelimiter))
	// Output:
	// line 1 offset 9
	// true
}
