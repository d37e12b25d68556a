package head_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// A head is read in whatever pieces it comes. The octets after it belong to the content,
// or to the protocol that the server switches to.
func Example() {
	var (
		conn = strings.NewReader("GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n\r\nearly")
		echo = upgrade.MustParseProduct("echo/1")

		request head.Request
		buf     = make([]byte, 0, 4096)
		n       int
		err     error
	)
	for n == 0 && err == nil {
		var m int
		m, err = conn.Read(buf[len(buf):min(len(buf)+16, cap(buf))])
		buf = buf[:len(buf)+m]
		if err == nil {
			n, err = request.Parse(buf, head.Limits{Bytes: cap(buf)})
		}
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := handshake.Select(request.Major, request.Minor, request.Connection, request.Upgrade, echo)
	fmt.Printf("%s %s of %s: %v, %v\n", request.Method, request.Target, request.Host, p, err)

	rest, _ := io.ReadAll(conn)
	fmt.Printf("%s%s\n", buf[n:], rest)
	// Output:
	// GET /chat of example.com: echo/1, <nil>
	// early
}

// A library that reads its connections through a *bufio.Reader need not copy the head out
// of it. The octets that the client sent early stay in the reader for the protocol.
func ExampleRequest_Peek() {
	var (
		conn    = strings.NewReader("GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\nearly")
		reader  = bufio.NewReader(conn)
		echo    = upgrade.MustParseProduct("echo/1")
		request head.Request // may come from a pool
	)
	n, err := request.Peek(reader, head.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := handshake.Select(request.Major, request.Minor, request.Connection, request.Upgrade, echo)
	target := string(request.Target) // a copy: the next read overwrites the buffer
	reader.Discard(n)

	rest, _ := io.ReadAll(reader)
	fmt.Printf("%s: %v, %v, %s\n", target, p, err, rest)
	// Output: /chat: echo/1, <nil>, early
}

// A library whose buffer bounds the head needs no limit on its fields.
func ExampleLimits() {
	request := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-Field: 1\r\n", 200) + "\r\n"
	var r head.Request
	_, err := r.Parse([]byte(request), head.Limits{})
	fmt.Println(err)
	n, err := r.Parse([]byte(request), head.Limits{Fields: head.NoLimit})
	fmt.Println(n == len(request), err)
	// Output:
	// head: offset 1213: too many fields
	// true <nil>
}

// A client reads the interim responses, and then the answer to its offer.
func ExampleResponse() {
	var (
		conn = strings.NewReader("HTTP/1.1 103 Early Hints\r\n\r\n" +
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\nhello")
		reader   = bufio.NewReader(conn)
		offered  = upgrade.MustParseProduct("echo/1")
		response head.Response
	)
	for response.Status < 200 && response.Status != 101 {
		n, err := response.Peek(reader, head.Limits{})
		if err != nil {
			fmt.Println(err)
			return
		}
		reader.Discard(n) // does not read, so the slices stay valid
	}
	list, err := handshake.Switched(response.Status, response.Major, response.Minor, response.Connection, response.Upgrade, offered)
	for p := range list.All() {
		fmt.Println(response.Status, p.String(), err)
	}
	hello, _ := io.ReadAll(reader)
	fmt.Printf("%s\n", hello)
	// Output:
	// 101 echo/1 <nil>
	// hello
}

// An error says where and why the head is refused, and which status answers it.
func ExampleError() {
	var request head.Request
	_, err := request.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nUpgrade : websocket\r\n"), head.Limits{})
	var fault *head.Error
	if errors.As(err, &fault) {
		fmt.Println(fault.Status(), fault)
	}
	fmt.Println(errors.Is(err, head.ErrFieldName))
	// Output:
	// 400 head: offset 32: want field name and colon
	// true
}

// A target in absolute-form says whom the request is for, whatever Host says.
func ExampleRequest_Authority() {
	var request head.Request
	request.Parse([]byte("GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n"), head.Limits{})
	fmt.Printf("%s, not %s\n", request.Authority(), request.Host)
	// Output:
	// a.example, not b.example
}

func ExampleRequest_All() {
	var request head.Request
	request.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nACCEPT:  text/html \r\n\r\n"), head.Limits{})
	for name, value := range request.All() {
		fmt.Printf("%s=%s\n", name, value)
	}
	// Output:
	// Host=a
	// ACCEPT=text/html
}

func ExampleRequest_Lines() {
	var request head.Request
	request.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nsec-websocket-protocol: a\r\nSec-WebSocket-Protocol: b, c\r\n\r\n"), head.Limits{})
	fmt.Printf("%q\n", request.Lines(nil, "Sec-WebSocket-Protocol"))
	// Output: ["a" "b, c"]
}
