package main

import (
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// The first octet of a message names its stream. If it is closing, the second octet names
// the stream that ends.
const stdin, stdout, status, closing = 0, 1, 3, 255

// webSocketStreams runs a process whose streams are told apart by the first octet of
// each message.
func webSocketStreams(conn net.Conn, query url.Values) {
	in, typed := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			message, _, err := wsutil.ReadClientData(conn)
			switch {
			case err != nil:
				typed.CloseWithError(err)
				return
			case len(message) > 1 && message[0] == stdin:
				typed.Write(message[1:])
			case len(message) > 1 && message[0] == closing && message[1] == stdin:
				typed.Close()
			}
		}
	}()
	var input io.Reader = in
	if query.Get("stdin") != "true" {
		input = strings.NewReader("")
	}
	if converse(input, stream{conn, stdout}) != nil {
		return
	}
	in.Close()
	io.WriteString(stream{conn, status}, success)
	// One Write for the frame, so that no answer to a ping comes in between.
	conn.Write(ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))))
	// That was the last frame. The client answers and ends the connection.
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	<-done
}

// stream writes messages that begin with the number of the stream.
type stream struct {
	conn   net.Conn
	number byte
}

func (s stream) Write(p []byte) (int, error) {
	message := append([]byte{s.number}, p...)
	if _, err := s.conn.Write(ws.MustCompileFrame(ws.NewBinaryFrame(message))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// webSocketPorts speaks SPDY as if the messages were a connection.
func webSocketPorts(conn net.Conn, query url.Values) {
	spdyPorts(&messages{Conn: conn}, query)
}

// messages is a connection whose octets travel in messages.
type messages struct {
	net.Conn
	rest []byte // of the message being read
}

func (m *messages) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		message, _, err := wsutil.ReadClientData(m.Conn)
		if err != nil {
			return 0, io.EOF // with or without a close frame
		}
		m.rest = message
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

func (m *messages) Write(p []byte) (int, error) {
	if _, err := m.Conn.Write(ws.MustCompileFrame(ws.NewBinaryFrame(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
