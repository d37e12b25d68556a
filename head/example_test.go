package head_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// A head is read in whatever pieces it comes. What follows it belongs to the content,
// or to the protocol that is switched to.
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

// An error says with what status to answer, and where and why.
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
