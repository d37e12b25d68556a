package upgradetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gosegue/upgrade/chunked"
)

// This file knows one connection: how to send on it, how to read responses and content
// from it, and when to stop. It knows nothing of what is sent.

// Bounds of one connection.
const (
	maxReceived = 64 << 10 // octets
	maxInterim  = 8        // responses before the final one
	octetPause  = 500 * time.Microsecond
)

// End says why no more was read from a connection.
type End string

const (
	EndRead    End = "read"    // the awaited octets have come
	EndTimeout End = "timeout" // nothing more came in time
	EndClosed  End = "closed"  // the server closed the connection, or broke it
	EndLimit   End = "limit"   // the server sent too much
)

// exchange has what went over one connection.
type exchange struct {
	sent, received []byte
	end            End

	interim []*response // responses before the final one; 101 is final
	answer  *response   // the first final response; nil if there was none
	finals  []*response // all final responses
	after   int         // where the octets after the answer begin
	parsed  int         // octets of received that were read as messages
}

// conn is a connection with a record of what went over it.
type conn struct {
	net.Conn
	*exchange
	timeout  time.Duration
	deadline time.Time
	dead     bool          // no more can come
	writing  chan struct{} // closed when the last send is done; nil before the first
}

// send sends the octets in one piece. From then on the server has the whole timeout to
// answer. Only the answer shows whether the octets arrived.
//
// send does not wait until the octets are sent: on a net.Pipe, a server that answers
// before it has read them all would wait for us while we wait for it.
func (c *conn) send(octets string) {
	c.sentAll()
	c.deadline = time.Now().Add(c.timeout)
	c.SetWriteDeadline(c.deadline)
	c.sent = append(c.sent, octets...)
	done := make(chan struct{})
	c.writing = done
	go func() {
		defer close(done)
		io.WriteString(c.Conn, octets)
	}()
}

// sentAll waits until everything is sent, or nothing more can be sent.
func (c *conn) sentAll() {
	if c.writing != nil {
		<-c.writing
	}
}

// dribble sends the octets one by one.
func (c *conn) dribble(ctx context.Context, octets string) {
	for i := range len(octets) {
		c.send(octets[i : i+1])
		select {
		case <-ctx.Done():
			return
		case <-time.After(octetPause):
		}
	}
}

// fill reads more. It returns false if there is no more, for now or forever.
func (c *conn) fill() bool {
	switch {
	case c.dead:
		return false
	case len(c.received) >= maxReceived:
		c.end, c.dead = EndLimit, true
		return false
	}
	buf := make([]byte, min(4<<10, maxReceived-len(c.received)))
	c.SetReadDeadline(c.deadline)
	n, err := c.Read(buf)
	for n == 0 && err == nil { // a net.Pipe returns this after an empty Write
		n, err = c.Read(buf)
	}
	c.received = append(c.received, buf[:n]...)
	switch {
	case n > 0:
		c.end = EndRead
		return true
	case isTimeout(err):
		c.end = EndTimeout
	default:
		c.end, c.dead = EndClosed, true
	}
	return false
}

// isTimeout reports whether a deadline ended a Read. Connections that are not the operating
// system's have errors of their own for that.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// response reads the next head, of a final response or one before it. It returns nil if no
// head comes, or if the octets that come are not HTTP/1.
func (c *conn) response() *response {
	searched := 0
	for {
		unread := c.received[c.parsed:]
		if n := headEnd(unread, searched); n > 0 {
			r := parseResponse(unread[:n])
			if r != nil {
				c.parsed += n
			}
			return r
		}
		searched = len(unread)
		if !mayBeHTTP(unread) {
			return nil
		}
		if !c.fill() {
			return c.unended(unread)
		}
	}
}

// unended returns the 101 that octets begin with, if its head does not end in them. It
// returns nil if octets are anything else.
func (c *conn) unended(octets []byte) *response {
	lines := bytes.LastIndexByte(octets, '\n') + 1
	if lines == 0 {
		return nil
	}
	r := parseResponse(octets[:lines])
	if r == nil || r.status != 101 {
		return nil
	}
	switch c.end {
	case EndLimit:
		r.cut = fmt.Sprintf("%d octets came without an empty line", len(octets))
	case EndClosed:
		r.cut = "the connection ended within the head"
	default:
		r.cut = "no empty line came in time"
	}
	c.parsed = len(c.received)
	return r
}

// mayBeHTTP reports whether octets can become an HTTP response, or something that was
// meant as one.
func mayBeHTTP(octets []byte) bool {
	s := strings.TrimLeft(string(octets[:min(len(octets), 16)]), "\r\n \t")
	n := min(len(s), len("HTTP"))
	return strings.EqualFold(s[:n], "HTTP"[:n])
}

// final reads the next final response. It returns nil if none comes.
func (c *conn) final() *response {
	for range maxInterim {
		r := c.response()
		if r == nil {
			return nil
		}
		if r.status >= 200 || r.status == 101 {
			if c.answer == nil {
				c.answer, c.after = r, c.parsed
			}
			c.finals = append(c.finals, r)
			return r
		}
		c.interim = append(c.interim, r)
	}
	return nil
}

// content reads the content of a response to a GET or a POST. It returns false if the
// content does not come, or ends with the connection.
func (c *conn) content(r *response) bool {
	if r.status == 204 || r.status == 304 {
		return true
	}
	if coding := r.lines("Transfer-Encoding"); len(coding) > 0 {
		return strings.EqualFold(coding[0], "chunked") && c.chunks()
	}
	length := r.lines("Content-Length")
	if len(length) == 0 {
		for c.fill() {
		}
		return false
	}
	n, err := strconv.ParseUint(length[0], 10, 31)
	return err == nil && c.skip(int(n))
}

// chunks reads chunked content.
func (c *conn) chunks() bool {
	var decoder chunked.Decoder
	for !decoder.Done() {
		if len(c.received) == c.parsed && !c.fill() {
			return false
		}
		_, n, err := decoder.Next(c.received[c.parsed:])
		c.parsed += n
		if err != nil {
			return false
		}
	}
	return true
}

// skip reads n octets.
func (c *conn) skip(n int) bool {
	if n > maxReceived {
		for c.fill() {
		}
		return false
	}
	for len(c.received)-c.parsed < n {
		if !c.fill() {
			return false
		}
	}
	c.parsed += n
	return true
}
