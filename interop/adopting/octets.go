package adopting

import (
	"bufio"
	"io"
	"net"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// A hand-written server that reads through a bufio.Reader.

var logging = upgrade.MustParseProduct("log/1")

// switchAfterContent reads the content of the request, switches to log/1, and returns the
// content. The octets after it stay in reader.
func switchAfterContent(conn net.Conn, reader *bufio.Reader) ([]byte, error) {
	var r head.Request
	n, err := r.Peek(reader, head.Limits{})
	if err != nil {
		return nil, err
	}
	// Select before Discard: the next read invalidates the slices of the head.
	p, err := handshake.Select(r.Major, r.Minor, r.Connection, r.Upgrade, logging)
	if err != nil {
		return nil, err
	}
	reader.Discard(n)
	content, err := readContent(conn, reader, &r)
	if err != nil {
		return nil, err
	}
	return content, handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{p})
}

// readContent returns the content of a request, and leaves the octets after it in reader.
// It uses no slice of r.
func readContent(conn net.Conn, reader *bufio.Reader, r *head.Request) ([]byte, error) {
	const limit = 64 << 10
	if r.ContentLength > limit {
		return nil, &handshake.Refusal{Status: 413}
	}
	if r.ExpectContinue {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if !r.Chunked {
		content := make([]byte, r.ContentLength)
		_, err := io.ReadFull(reader, content)
		return content, err
	}
	var content []byte
	chunks := chunked.Decoder{Limit: limit}
	for !chunks.Done() {
		if _, err := reader.Peek(1); err != nil { // waits for input
			return nil, err
		}
		input, _ := reader.Peek(reader.Buffered())
		piece, n, err := chunks.Next(input)
		if err != nil {
			return nil, err
		}
		content = append(content, piece...)
		reader.Discard(n)
	}
	return content, nil
}
