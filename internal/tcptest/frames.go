package tcptest

import (
	"io"
	"net"
)

// AnswerPings speaks only as much of WebSocket as a check of the handshake needs: it answers
// each short ping frame of a client with a pong (RFC 6455, section 5.5) until something
// else comes, and closes conn.
func AnswerPings(conn net.Conn) {
	defer conn.Close()
	for {
		var head [6]byte // kind, length and mask
		if _, err := io.ReadFull(conn, head[:]); err != nil || head[0] != 0x89 || head[1]&0x80 == 0 {
			return
		}
		frame := append([]byte{0x8A, head[1] & 0x7F}, make([]byte, head[1]&0x7F)...)
		payload := frame[2:]
		if _, err := io.ReadFull(conn, payload); err != nil {
			return
		}
		for i := range payload {
			payload[i] ^= head[2+i%4]
		}
		if _, err := conn.Write(frame); err != nil {
			return
		}
	}
}
