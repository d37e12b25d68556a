package handshake_test

import (
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// A server without an HTTP stack. It answers 401 with content to a client without
// credentials, reads the content of a POST, chunked or not, and then switches.
func Example_server() {
	const post = "POST /log HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: log/1\r\n"
	for _, request := range []string{
		post + "\r\n",
		post + "Authorization: Bearer 7\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\nearly",
		post + "Authorization: Bearer 7\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\n",
	} {
		client, conn := net.Pipe()
		go serveLog(conn)
		go io.WriteString(client, request)
		answer, _ := io.ReadAll(client)
		show(answer)
		fmt.Println()
	}
	// Output:
	// HTTP/1.1 401 Unauthorized|
	// Connection: close|
	// WWW-Authenticate: Bearer|
	// Content-Type: text/plain; charset=utf-8|
	// Content-Length: 13|
	// |
	// who are you?
	//
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: log/1|
	// Connection: Upgrade|
	// |
	// "one two", then "early"
	// HTTP/1.1 400 Bad Request|
	// Connection: close|
	// Content-Length: 0|
	// |
}

var logging = upgrade.MustParseProduct("log/1")

// serveLog serves one request.
func serveLog(conn net.Conn) {
	defer conn.Close()
	var (
		request head.Request
		buffer  []byte
		n       int
		err     error
	)
	for n == 0 && err == nil {
		if buffer, err = more(conn, buffer); err != nil {
			return // the client has left
		}
		n, err = request.Parse(buffer, head.Limits{})
	}
	if err != nil {
		refuse(conn, err)
		return
	}
	p, err := handshake.Select(request.Major, request.Minor, request.Connection, request.Upgrade, logging)
	if err != nil {
		refuse(conn, err) // or an ordinary page: this server has none
		return
	}
	if len(request.Lines(nil, "Authorization")) != 1 {
		refuse(conn, &handshake.Refusal{
			Status:  401,
			Fields:  []handshake.Field{{Name: "WWW-Authenticate", Value: "Bearer"}},
			Content: "who are you?\n",
		})
		return
	}
	content, early, err := readContent(conn, &request, buffer[n:])
	if err != nil {
		refuse(conn, err)
		return
	}
	if handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{p}) == nil {
		fmt.Fprintf(conn, "%q, then %q", content, early)
	}
}

// readContent returns the content of a request, and the octets after it. input holds the
// octets that have come so far.
func readContent(conn net.Conn, request *head.Request, input []byte) (content, rest []byte, err error) {
	const limit = 1 << 20
	if request.ContentLength > limit {
		return nil, nil, &handshake.Refusal{Status: 413}
	}
	if request.ExpectContinue {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if !request.Chunked {
		for int64(len(input)) < request.ContentLength && err == nil {
			input, err = more(conn, input)
		}
		if err != nil {
			return nil, nil, &handshake.ContentError{Status: 400, Err: err}
		}
		return input[:request.ContentLength], input[request.ContentLength:], nil
	}
	chunks := chunked.Decoder{Limit: limit}
	for !chunks.Done() {
		if len(input) == 0 {
			if input, err = more(conn, nil); err != nil {
				return nil, nil, &handshake.ContentError{Status: 400, Err: err}
			}
		}
		piece, n, err := chunks.Next(input)
		if err != nil {
			return nil, nil, err
		}
		content, input = append(content, piece...), input[n:]
	}
	return content, input, nil
}

// more returns input and, appended to it, the next octets from conn.
func more(conn net.Conn, input []byte) ([]byte, error) {
	var piece [512]byte
	n, err := conn.Read(piece[:])
	return append(input, piece[:n]...), err
}

// refuse sends the response that err calls for, with Connection: close.
func refuse(conn net.Conn, err error) {
	refusal := handshake.RefusalOf(err)
	fields, content, err := refusal.Response(logging)
	if err != nil {
		return
	}
	fields = append(fields[:len(fields):len(fields)],
		handshake.Field{Name: "Connection", Value: "close"},
		handshake.Field{Name: "Content-Length", Value: strconv.Itoa(len(content))})
	answer, err := handshake.AppendResponse(nil, refusal.Status, fields...)
	if err == nil {
		conn.Write(append(answer, content...))
	}
}
