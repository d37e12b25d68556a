package chunked_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/head"
)

const request = "POST /upload HTTP/1.1\r\n" +
	"Host: example.com\r\n" +
	"Transfer-Encoding: chunked\r\n" +
	"\r\n" +
	"6\r\nhello \r\n" +
	"5;name=value\r\nworld\r\n" +
	"0\r\nX-Sum: 42\r\n\r\n"

// A server without net/http receives a POST whose content comes in chunks.
func Example() {
	client, server := net.Pipe()
	go serve(server)

	io.WriteString(client, request)
	response, err := io.ReadAll(client)
	fmt.Printf("%q %v\n", response, err)
	// Output: "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world" <nil>
}

// serve answers one request on conn with its content.
func serve(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 0, 4096)

	// The head, in as many reads as it takes.
	var request head.Request
	n := 0
	for n == 0 {
		var err error
		if buffer, err = readMore(conn, buffer); err != nil {
			return
		}
		if n, err = request.Parse(buffer, head.Limits{}); err != nil {
			refuse(conn, err)
			return
		}
	}

	// The content. Each read reuses the buffer, because the head is no longer needed.
	decoder := chunked.Decoder{Limit: 1 << 20}
	var content []byte
	chunks, input := request.Chunked, buffer[n:]
	for chunks && !decoder.Done() {
		if len(input) == 0 {
			var err error
			if input, err = readMore(conn, buffer[:0]); err != nil {
				return // the client has left before the end
			}
		}
		piece, n, err := decoder.Next(input)
		if err != nil {
			refuse(conn, err)
			return
		}
		content = append(content, piece...)
		input = input[n:]
	}
	// The rest of input is the next request, or belongs to the next protocol.
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(content), content)
}

// readMore reads into the spare room of buffer, and returns buffer with the new octets.
func readMore(conn net.Conn, buffer []byte) ([]byte, error) {
	n, err := conn.Read(buffer[len(buffer):cap(buffer)])
	if n > 0 {
		return buffer[:len(buffer)+n], nil
	}
	if err == nil {
		err = io.ErrNoProgress // or the head does not fit
	}
	return nil, err
}

// refuse answers with the status of an error of package head or chunked.
func refuse(conn net.Conn, err error) {
	var fault interface{ Status() int }
	if errors.As(err, &fault) {
		io.WriteString(conn, "HTTP/1.1 "+strconv.Itoa(fault.Status())+" \r\nConnection: close\r\n\r\n")
	}
}

func ExampleError() {
	var decoder chunked.Decoder
	_, _, err := decoder.Next([]byte("0x5\r\nhello\r\n"))
	fmt.Println(err, errors.Is(err, chunked.ErrSize))
	// Output: chunked: offset 1: want chunk size true
}
