package fasthttpupgrade

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// This file knows what fasthttp does with a connection that it has given away. It knows
// nothing of HTTP.

// conn is a connection that fasthttp has given away. fasthttp takes it back when the
// protocol has ended, keeps its parts in pools, and gives them to other clients. So after
// end has returned, conn does not use these parts, even if a goroutine still holds conn.
//
// Close cannot close the connection below. fasthttp closes it again later, and by then it
// may belong to another client: with Server.MaxConnsPerIP connections come from a pool too.
// Close ends every Read and Write and lets the other side see the end; fasthttp does the
// rest when the protocol has ended.
type conn struct {
	below         net.Conn // of fasthttp; its Read first yields the bytes fasthttp buffered
	half          closeWriter
	local, remote net.Addr

	use     sync.RWMutex // read-locked while below is used
	reading sync.Mutex   // the buffers are for one Read at a time
	early   []byte       // already read from below; Read yields it first
	closed  atomic.Bool  // set while use is read-locked

	deadlines sync.Mutex // held while one is set, so that Close sets the last one
}

type closeWriter interface{ CloseWrite() error }

func newConn(hijacked net.Conn, early []byte) *conn {
	bare := hijacked
	if h, ok := hijacked.(interface{ UnsafeConn() net.Conn }); ok {
		bare = h.UnsafeConn()
	}
	half, _ := bare.(closeWriter)
	return &conn{
		below:  hijacked,
		half:   half,
		early:  early,
		local:  hijacked.LocalAddr(),
		remote: hijacked.RemoteAddr(),
	}
}

// asConn returns c, with a CloseWrite method if and only if the connection below has one.
func (c *conn) asConn() net.Conn {
	if c.half == nil {
		return c
	}
	return halfConn{c}
}

// halfConn is a conn whose sending side can be closed alone.
type halfConn struct{ *conn }

func (c halfConn) CloseWrite() error {
	c.use.RLock()
	defer c.use.RUnlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	return c.half.CloseWrite()
}

func (c *conn) Read(p []byte) (int, error) {
	c.use.RLock()
	defer c.use.RUnlock()
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	n, err := c.below.Read(p)
	return n, c.orClosed(err)
}

func (c *conn) Write(p []byte) (int, error) {
	c.use.RLock()
	defer c.use.RUnlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.below.Write(p)
	return n, c.orClosed(err)
}

// orClosed returns err, or net.ErrClosed if err is the effect of Close.
func (c *conn) orClosed(err error) error {
	if err != nil && err != io.EOF && c.closed.Load() {
		return net.ErrClosed
	}
	return err
}

// Close ends every Read and Write, and lets the other side see the end.
func (c *conn) Close() error {
	c.use.RLock()
	defer c.use.RUnlock()
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	c.deadlines.Lock()
	err := c.below.SetDeadline(time.Unix(1, 0))
	c.deadlines.Unlock()
	if c.half != nil {
		c.half.CloseWrite() // an error means that the other side has gone
	}
	return err
}

// end closes the connection and waits until nothing uses it.
func (c *conn) end() {
	c.Close()
	c.use.Lock()
	defer c.use.Unlock()
	c.below.Close() // has an effect only with KeepHijackedConns: then fasthttp closes nothing
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error      { return c.set(net.Conn.SetDeadline, t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.set(net.Conn.SetReadDeadline, t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.set(net.Conn.SetWriteDeadline, t) }

func (c *conn) set(deadline func(net.Conn, time.Time) error, t time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	return deadline(c.below, t)
}
