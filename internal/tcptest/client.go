// Package tcptest has both ends of a TCP connection for the tests of the adapters: a client
// that sends and reads exact octets, and a server's side that keeps a record and can be
// made to receive in pieces.
package tcptest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Client is the client's side of a connection. The end of the test closes it.
type Client struct {
	*net.TCPConn
	Reader *bufio.Reader // of the connection

	t testing.TB
}

// Dial connects to addr.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Patience))
	return &Client{conn.(*net.TCPConn), bufio.NewReader(conn), t}
}

// Send writes each piece in a Write of its own.
func (c *Client) Send(pieces ...string) {
	c.t.Helper()
	for _, piece := range pieces {
		if _, err := io.WriteString(c.TCPConn, piece); err != nil {
			c.t.Errorf("client: %v", err)
			return
		}
	}
}

// Head reads up to and including the next empty line.
func (c *Client) Head() string {
	c.t.Helper()
	var head strings.Builder
	for {
		line, err := c.Reader.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			c.t.Fatalf("client: %v after %q", err, head.String())
		}
		if line == "\r\n" {
			return head.String()
		}
	}
}

// Octets reads n octets.
func (c *Client) Octets(n int) string {
	c.t.Helper()
	p := make([]byte, n)
	if m, err := io.ReadFull(c.Reader, p); err != nil {
		c.t.Fatalf("client: %v after %q", err, p[:m])
	}
	return string(p)
}

// Rest reads to the end of the stream.
func (c *Client) Rest() string {
	c.t.Helper()
	rest, err := io.ReadAll(c.Reader)
	if err != nil {
		c.t.Errorf("client: %v after %.300q", err, rest)
	}
	return string(rest)
}

// End reads to the end of the stream and closes the connection.
func (c *Client) End() string {
	c.t.Helper()
	defer c.Close()
	return c.Rest()
}

// Exchange sends a message and then the end of the stream on a new connection, and returns
// everything that it receives.
func Exchange(t testing.TB, addr, message string) string {
	t.Helper()
	c := Dial(t, addr)
	defer c.Close()
	c.Send(message)
	if err := c.CloseWrite(); err != nil {
		t.Error(err)
	}
	return c.Rest()
}

// Framed returns the fields of a framing, the end of the head, and the content. The framing
// is "none", "length", or "chunked", which has an extension and a trailer.
func Framed(framing, content string) string {
	switch framing {
	case "none":
		return "\r\n"
	case "length":
		return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content)
	case "chunked":
		body := ""
		// Two chunks, if there are at least two octets.
		for _, chunk := range []string{content[:len(content)/2], content[len(content)/2:]} {
			if chunk != "" {
				body += fmt.Sprintf("%x;name=\"v;\"\r\n%s\r\n", len(chunk), chunk)
			}
		}
		return "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + body + "0\r\nX-Sum: 7\r\n\r\n"
	}
	panic(framing)
}
