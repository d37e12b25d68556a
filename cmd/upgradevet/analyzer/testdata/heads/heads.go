// Package heads writes the head of a 101 by hand.
package heads

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

const (
	begin = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
	whole = begin + "echo/1\r\n\r\n"
)

func summed(conn net.Conn, r *http.Request) {
	io.WriteString(conn, begin+r.Header.Get("Upgrade")+"\r\n\r\n") // want `the head of a 101 is written by hand with unchecked values: .* \[head-values\]`
}

func formatted(conn net.Conn, product string) {
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\n\r\n", product) // want `\[head-values\]`
}

func appended(p []byte, product string) []byte {
	p = append(p, begin...) // want `\[head-values\]`
	p = append(p, product...)
	return append(p, "\r\n\r\n"...)
}

func buffered(b *bytes.Buffer, subprotocol string) {
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n") // want `\[head-values\]`
	b.WriteString("Sec-WebSocket-Protocol: ")
	b.WriteString(subprotocol)
	b.WriteString("\r\n\r\n")
}

func constant(conn net.Conn) {
	io.WriteString(conn, whole)
	name := "echo/1"
	io.WriteString(conn, begin+name+"\r\n\r\n")
}

func computeKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func websocket(w *bufio.Writer, key string) {
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	w.WriteString(computeKey(key))
	w.WriteString("\r\n\r\n")
	accept := computeKey(key)
	fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: %s\r\nX-Length: %d\r\n\r\n", accept, len(key))
}

func refusal(conn net.Conn, reason string) {
	fmt.Fprintf(conn, "HTTP/1.1 400 Bad Request\r\nX-Reason: %s\r\n\r\n", reason)
}

func joined(conn net.Conn, product string) {
	io.WriteString(conn, strings.Join([]string{ // want `\[head-values\]`
		"HTTP/1.1 101 Switching Protocols",
		"Connection: Upgrade",
		"Upgrade: " + product,
		"", "",
	}, "\r\n"))
}

func formattedStatus(conn net.Conn, product string) {
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nUpgrade: %s\r\n\r\n", http.StatusSwitchingProtocols, http.StatusText(101), product) // want `\[head-values\]`
}

// A comparison that does not limit the value is no check.
func compared(conn net.Conn, product string) {
	if product == "" {
		return
	}
	if product == "h2c" {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
		return
	}
	switch product {
	case "websocket":
	default:
		io.WriteString(conn, begin+product+"\r\n\r\n") // want `\[head-values\]`
	}
	if product != "websocket" || len(product) > 3 {
		io.WriteString(conn, begin+product+"\r\n\r\n") // want `\[head-values\]`
	}
}
