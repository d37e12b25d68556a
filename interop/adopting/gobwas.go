package adopting

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// A library that reads the request from a connection, line by line, without net/http.

func gobwasBefore(conn net.Conn) error {
	reader := bufio.NewReader(conn)
	option, product := false, false
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "connection": // the last line wins, and a blank separates options
			option = slices.ContainsFunc(strings.FieldsFunc(string(value), func(r rune) bool { return r == ',' || r == ' ' }),
				func(option string) bool { return strings.EqualFold(option, "upgrade") })
		case "upgrade": // only a single product
			product = strings.EqualFold(string(value), "websocket")
		}
	}
	if !option || !product {
		return errors.New("no WebSocket")
	}
	return nil
}

// gobwasAfter leaves the octets after the head in reader.
func gobwasAfter(conn net.Conn, reader *bufio.Reader) error {
	var r head.Request
	n, err := r.Peek(reader, head.Limits{Fields: head.NoLimit}) // the size of reader is the limit
	if err != nil {
		return err
	}
	if _, err := handshake.Select(r.Major, r.Minor, r.Connection, r.Upgrade, webSocket); err != nil {
		return err
	}
	key := r.Lines(nil, "Sec-WebSocket-Key")
	if err := websocket.Check(r.Method, r.Lines(nil, "Sec-WebSocket-Version"), key); err != nil {
		return err
	}
	if r.Chunked || r.ContentLength > 0 {
		return errors.New("a request with content") // or read it: see package chunked
	}
	var accept [28]byte
	answer, err := handshake.BeginSwitchingProtocols(make([]byte, 0, 256), webSocket)
	if err == nil {
		answer, err = handshake.AppendField(answer, "Sec-WebSocket-Accept", websocket.AppendAccept(accept[:0], key[0]))
	}
	if err != nil {
		return err
	}
	reader.Discard(n)
	_, err = conn.Write(append(answer, "\r\n"...))
	return err
}

// acceptor does all that, and handles content, refusals and timeouts.
var acceptor = &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket()}}

func withAcceptor(conn net.Conn) (net.Conn, error) {
	accepted, err := acceptor.Accept(conn)
	return accepted.Conn, err // after an error, Accept has answered and closed conn
}
