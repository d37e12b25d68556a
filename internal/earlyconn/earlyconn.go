package httpupgrade

import (
	"net"
	"sync"
)

// earlyConn is a connection whose first bytes have been read already.
type earlyConn struct {
	net.Conn

	mu    sync.Mutex // a net.Conn may be read by several goroutines
	early []byte     // what was read and not yet returned; nil when there is no more
}

type closeWriter interface{ CloseWrite() error }

// withEarly returns conn with early before what it has still to read. The result has
// a CloseWrite method exactly if conn has one: who finds the method expects the other
// side to see the end, and who does not closes both.
func withEarly(conn net.Conn, early []byte) net.Conn {
	c := &earlyConn{Conn: conn, early: early}
	if w, ok := conn.(closeWriter); ok {
		return struct {
			*earlyConn
			closeWriter
		}{c, w}
	}
	return c
}

// Read returns the early bytes first. It lets their buffer go with the last one.
func (c *earlyConn) Read(p []byte) (int, error) {
	if n := c.readEarly(p); n > 0 {
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *earlyConn) readEarly(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil
	}
	return n
}

// Close closes the connection. As of any other, nothing can be read then.
func (c *earlyConn) Close() error {
	c.mu.Lock()
	c.early = nil
	c.mu.Unlock()
	return c.Conn.Close()
}
