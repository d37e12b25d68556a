// Package earlyconn gives back to a connection what was read from it too early.
package earlyconn

import (
	"net"
	"sync"
)

// conn is a connection whose first bytes have been read already.
type conn struct {
	net.Conn

	mu    sync.Mutex // a net.Conn may be read by several goroutines
	early []byte     // what was read and not yet returned; nil when there is no more
}

type closeWriter interface{ CloseWrite() error }

// New returns c with early before what it has still to read. It keeps early, which
// must not change. The result has a CloseWrite method exactly if c has one: who finds
// the method expects the other side to see the end, and who does not closes both.
func New(c net.Conn, early []byte) net.Conn {
	e := &conn{Conn: c, early: early}
	if w, ok := c.(closeWriter); ok {
		return struct {
			*conn
			closeWriter
		}{e, w}
	}
	return e
}

// Read returns the early bytes first. It lets their buffer go with the last one.
func (c *conn) Read(p []byte) (int, error) {
	if n := c.readEarly(p); n > 0 {
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *conn) readEarly(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil
	}
	return n
}

// NetConn returns the connection below once the early bytes are read, and nil before,
// since who reads from it then would miss them.
func (c *conn) NetConn() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early != nil {
		return nil
	}
	return c.Conn
}

// Close closes the connection. As of any other, nothing can be read then.
func (c *conn) Close() error {
	c.mu.Lock()
	c.early = nil
	c.mu.Unlock()
	return c.Conn.Close()
}
