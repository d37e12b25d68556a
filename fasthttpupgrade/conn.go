package fasthttpupgrade

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection that fasthttp has given away, for as long as it has: when end
// has returned, nothing below is used any more, whoever still holds the conn. fasthttp
// keeps the parts in pools and gives them to other clients then.
//
// Close cannot close what is below, because fasthttp does so again later, by when that
// may be another client's: with Server.MaxConnsPerIP its connections too come from a
// pool. So Close ends all that goes on and tells the other side, and the rest is done
// when the protocol is.
type conn struct {
	below         net.Conn // of fasthttp; its Read yields what was buffered first
	half          closeWriter
	local, remote net.Addr

	use     sync.RWMutex // read-locked while below is used
	reading sync.Mutex   // the buffers are for one at a time
	early   []byte       // what was read from below and comes first
	closed  atomic.Bool  // set while use is read-locked

	deadlines sync.Mutex // held while they are set, so that none follows that of Close
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

// asConn returns c with a CloseWrite method exactly if the connection below has one.
func (c *conn) asConn() net.Conn {
	if c.half == nil {
		return c
	}
	return halfConn{c}
}

// halfConn is a conn of which one side can be closed.
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

// orClosed returns an error as it is, but for one that comes of Close.
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
		c.half.CloseWrite() // the other side may have gone
	}
	return err
}

// end closes the connection and waits until nothing uses it.
func (c *conn) end() {
	c.Close()
	c.use.Lock()
	defer c.use.Unlock()
	c.below.Close() // does something only if fasthttp will not, by KeepHijackedConns
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
