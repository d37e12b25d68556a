// Package earlyconn gives bytes that were read too early back to their connection.
package earlyconn

import (
	"net"
	"sync"
)

// conn is a connection whose first bytes were already read.
type conn struct {
	net.Conn

	mu    sync.Mutex // several goroutines may read a net.Conn
	early []byte     // bytes that Read has not yet returned; nil if there are no more
}

type closeWriter interface{ CloseWrite() error }

// New returns a connection that yields early first, and then what c yields. It keeps
// early, which must not change. The result has a CloseWrite method exactly if c has one:
// a caller that finds the method expects the other side to see the end, and a caller that
// does not find it closes both directions.
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

// Read returns the early bytes first. It releases their buffer with the last one.
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

// NetConn returns the underlying connection once the early bytes are read. Before that it
// returns nil, because a reader of that connection would miss them.
func (c *conn) NetConn() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early != nil {
		return nil
	}
	return c.Conn
}

// Close closes the connection. After it nothing can be read, not even early bytes.
func (c *conn) Close() error {
	c.mu.Lock()
	c.early = nil
	c.mu.Unlock()
	return c.Conn.Close()
}

// Bare returns the connection below c if New returned c, else c itself. Writing to either
// is the same. Reading from either is the same after Take.
func Bare(c net.Conn) net.Conn {
	if e, ok := c.(interface{ bare() net.Conn }); ok {
		return e.bare()
	}
	return c
}

func (c *conn) bare() net.Conn { return c.Conn }

// Take returns the early bytes that have not been read yet, and removes them from c. It
// returns nil if New did not return c.
func Take(c net.Conn) []byte {
	if e, ok := c.(interface{ take() []byte }); ok {
		return e.take()
	}
	return nil
}

func (c *conn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	early := c.early
	c.early = nil
	return early
}
