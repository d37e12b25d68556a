package tcptest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Limits split what a connection receives into pieces, however it was sent. The zero Limits
// change nothing.
type Limits struct {
	Step int // the most that one Read returns
	Cut  int // no Read crosses this offset in the stream
}

// Conn is the server's side of a connection. It keeps a record.
type Conn struct {
	*net.TCPConn
	limits   Limits
	received atomic.Int64 // octets
	closed   atomic.Bool

	mu     sync.Mutex
	writes []string
}

// NewConn returns a Conn that receives within the limits.
func NewConn(conn *net.TCPConn, limits Limits) *Conn {
	return &Conn{TCPConn: conn, limits: limits}
}

func (c *Conn) Read(p []byte) (int, error) {
	if c.limits.Step > 0 {
		p = p[:min(len(p), c.limits.Step)]
	}
	if left := c.limits.Cut - int(c.received.Load()); left > 0 {
		p = p[:min(len(p), left)]
	}
	n, err := c.TCPConn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, string(p))
	c.mu.Unlock()
	return c.TCPConn.Write(p)
}

// The ReadFrom and WriteTo of the TCPConn would bypass Write and Read.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{c})
}

func (c *Conn) Close() error {
	c.closed.Store(true)
	return c.TCPConn.Close()
}

// IsClosed reports whether the server has closed the connection.
func (c *Conn) IsClosed() bool { return c.closed.Load() }

// Received returns how many octets the server has read.
func (c *Conn) Received() int64 { return c.received.Load() }

// Written returns the argument of each Write.
func (c *Conn) Written() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.writes...)
}
