package parsers_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

// serveBytes is a WebSocket server on a bare connection: it does what a hand-written stack
// does with packages handshake and websocket.
func serveBytes(conn net.Conn) {
	reader := bufio.NewReader(conn)
	r, err := readRequest(reader)
	if err != nil {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return
	}
	p, err := handshake.Select(r.major, r.minor, r.fields["connection"], r.fields["upgrade"], product)
	key := r.fields["sec-websocket-key"]
	switch {
	case err == handshake.ErrHTTPVersion:
		io.WriteString(conn, "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return
	case err != nil || websocket.Check(r.method, r.fields["sec-websocket-version"], key) != nil:
		required, _ := handshake.AppendUpgradeRequired(nil, []upgrade.Product[string]{product},
			handshake.Field{Name: "Sec-WebSocket-Version", Value: websocket.Version})
		conn.Write(required)
		return
	}
	// Only octets after the content belong to the new protocol.
	if _, err := io.CopyN(io.Discard, reader, r.length); err != nil {
		return
	}
	accept := websocket.AppendAccept(nil, key[0])
	err = handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{p},
		handshake.Field{Name: "Sec-WebSocket-Accept", Value: string(accept)})
	if err == nil {
		echo(struct {
			io.Reader
			io.Writer
		}{reader, conn})
	}
}

type request struct {
	method       string
	major, minor int
	fields       map[string][][]byte // by name in lower case
	length       int64               // of the content
}

var errHead = errors.New("malformed head")

// readRequest reads a head as strictly as RFC 9112 asks: it refuses a blank before a colon
// and folded lines. It also refuses chunked content, which it cannot read.
func readRequest(reader *bufio.Reader) (request, error) {
	r := request{fields: make(map[string][][]byte)}
	start, err := readLine(reader)
	if err != nil {
		return r, err
	}
	parts := strings.Split(string(start), " ")
	if len(parts) != 3 {
		return r, errHead
	}
	r.method = parts[0]
	var ok bool
	if r.major, r.minor, ok = http.ParseHTTPVersion(parts[2]); !ok {
		return r, errHead
	}
	for {
		line, err := readLine(reader)
		if err != nil {
			return r, err
		}
		if len(line) == 0 {
			break
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		lexer := upgrade.NewLexer(name)
		if !found || lexer.Next() != upgrade.Token || lexer.Next() != upgrade.EOF {
			return r, errHead
		}
		key := strings.ToLower(string(name))
		r.fields[key] = append(r.fields[key], bytes.Trim(value, " \t"))
	}
	if r.fields["transfer-encoding"] != nil {
		return r, errHead
	}
	if length := r.fields["content-length"]; length != nil {
		n, err := strconv.ParseUint(string(length[0]), 10, 62)
		if err != nil || len(length) != 1 {
			return r, errHead
		}
		r.length = int64(n)
	}
	return r, nil
}

// readLine returns a copy of the next line without its end.
func readLine(reader *bufio.Reader) ([]byte, error) {
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	line, found := bytes.CutSuffix(line, []byte("\r\n"))
	if !found {
		return nil, errHead
	}
	return line, nil
}
