package proxyupgrade

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/earlyconn"
)

// This file knows two connections that are one tunnel: bytes, ends of streams, and when to
// close. It knows nothing of HTTP. half.run decides how bytes are moved.

// Tunnel connects a client and a backend that have switched protocols. A Proxy makes one for
// each switch. Copy also works for a Tunnel that is made by hand, of any two connections.
type Tunnel struct {
	// Request is the client's request that was upgraded. Its content was sent to the
	// backend and cannot be read. Shutdown cancels its context; the return of
	// ServeHTTP does not.
	Request *http.Request

	// Products are the protocols of the tunnel: one product, or layers from the lowest
	// up, in the Proxy's spelling.
	Products []upgrade.Product[string]

	// Client and Backend first yield the bytes that the two have sent already. Relay
	// may replace them before it calls Copy, to count or limit the bytes. These are then
	// copied through a buffer, and a half-close is passed on only to a connection that
	// has a CloseWrite method.
	Client, Backend net.Conn

	toBackend, toClient atomic.Int64
	idle                time.Duration // Copy ends after this time without bytes; 0: never

	ends  [2]net.Conn // the Proxy's connections; nil in a Tunnel made by hand
	mu    sync.Mutex
	cause error // of cut
}

// Copy copies in both directions until both sides have ended, and then closes both. It
// passes the end of one side on to the other by CloseWrite, and the other direction goes
// on. If a connection has no CloseWrite method, the end of its peer ends both directions. So
// does an error on either side; but if a write to a side fails, the bytes that this side
// has sent are delivered first.
//
// Copy returns how many bytes it has delivered to each side. The error is the first one, or
// nil if both sides ended in an orderly way. It wraps [os.ErrDeadlineExceeded] if no byte
// was delivered for [Proxy].Idle, and is [http.ErrServerClosed] if [Proxy.Shutdown] closed
// the tunnel.
//
// On Linux, Copy holds no buffer for a TCP connection or a Unix socket while that side
// sends nothing. If both sides are such sockets, bulk data goes from one to the other
// through the kernel (splice). In all other cases Copy holds 4 KiB for each direction. It
// takes a goroutine in addition to the caller's. It must not be called twice.
func (t *Tunnel) Copy() (toBackend, toClient int64, err error) {
	// A separate function does the work after both halves have ended: from here down
	// the stack of an idle tunnel should stay within 1 KiB, so that the garbage
	// collector shrinks it to 2 KiB.
	c := t.begin()
	go c.other()
	c.half(c.client, c.backend, &t.toClient)
	return c.finish()
}

// begin returns a Copy that is about to run.
//
//go:noinline
func (t *Tunnel) begin() *copying {
	c := &copying{tunnel: t, client: t.Client, backend: t.Backend}
	c.running.Add(1)
	if t.idle > 0 {
		c.idle = newIdleTimer(t.idle, t.cut)
	}
	return c
}

// other copies to the backend.
func (c *copying) other() {
	c.half(c.backend, c.client, &c.tunnel.toBackend)
	c.running.Done()
}

// finish waits for the other half.
//
//go:noinline
func (c *copying) finish() (toBackend, toClient int64, err error) {
	c.running.Wait()
	c.close()
	if c.idle != nil {
		c.idle.stop()
	}
	err = c.err
	if cause := c.tunnel.cutBy(); cause != nil {
		err = cause
	}
	toBackend, toClient = c.tunnel.Bytes()
	return toBackend, toClient, err
}

// Bytes returns how many bytes have been delivered to each side so far. It may be called at
// any time, also while Copy runs.
func (t *Tunnel) Bytes() (toBackend, toClient int64) {
	return t.toBackend.Load(), t.toClient.Load()
}

// cut closes the connections from which the Proxy made the tunnel, even if Relay has
// replaced them. Copy returns the first cause.
func (t *Tunnel) cut(cause error) {
	t.mu.Lock()
	if t.cause == nil {
		t.cause = cause
	}
	t.mu.Unlock()
	t.close()
}

// close closes the connections from which the Proxy made the tunnel.
func (t *Tunnel) close() {
	for _, conn := range t.ends {
		if conn != nil {
			conn.Close()
		}
	}
}

func (t *Tunnel) cutBy() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cause
}

// linger is how long a side may still be read after a write to it failed. The side is gone:
// the bytes that it sent are in our own system, or will not come.
const linger = time.Second

// copying is a Copy that is running.
type copying struct {
	tunnel          *Tunnel
	client, backend net.Conn // as they were when Copy was called
	idle            *idleTimer
	running         sync.WaitGroup // of the other half

	mu    sync.Mutex
	ended bool  // one direction has
	over  bool  // later failures do not count
	err   error // the first one
}

// half copies from src to dst until one of them ends.
func (c *copying) half(dst, src net.Conn, n *atomic.Int64) {
	h := &half{dst: dst, src: src, n: n, idle: c.idle}
	readErr, writeErr := h.run()
	c.halfEnded(dst, readErr, writeErr)
}

// halfEnded deals with the end of the half that wrote to dst.
//
//go:noinline
func (c *copying) halfEnded(dst net.Conn, readErr, writeErr error) {
	switch {
	case readErr != nil:
		c.fail(readErr)
		c.close()
	case writeErr != nil:
		c.fail(writeErr)
		c.hasten(dst)
	default:
		w, ok := dst.(closeWriter)
		if !ok {
			c.fail(nil)
			c.close()
			break
		}
		c.idle.touch()
		switch err := w.CloseWrite(); {
		case err == nil || c.otherEnded():
		case errors.Is(err, errors.ErrUnsupported):
			// The Body of net/http has the method, but not every connection below does.
			c.fail(nil)
			c.close()
		default:
			c.fail(err)
			c.hasten(dst)
		}
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
}

type closeWriter interface{ CloseWrite() error }

// fail notes why the tunnel ends, unless it has ended already.
func (c *copying) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over, c.err = true, err
	}
}

func (c *copying) otherEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// hasten bounds how long conn is still read.
func (c *copying) hasten(conn net.Conn) {
	if conn.SetReadDeadline(time.Now().Add(linger)) != nil {
		c.close()
	}
}

func (c *copying) close() {
	c.client.Close()
	c.backend.Close()
}

// half is one direction of a tunnel.
type half struct {
	dst, src net.Conn
	n        *atomic.Int64 // bytes delivered
	idle     *idleTimer
}

// delivered counts bytes that were written to dst.
func (h *half) delivered(n int) {
	if n > 0 {
		h.n.Add(int64(n))
		h.idle.touch()
	}
}

// write writes all of p to dst.
func (h *half) write(p []byte) error {
	n, err := h.dst.Write(p)
	h.delivered(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// bufferSize is how many bytes are held for a direction while nothing comes.
const bufferSize = 4 << 10

// copyBuffered copies with a buffer of its own. It returns two nil errors at the end of
// src.
func (h *half) copyBuffered() (readErr, writeErr error) {
	buffer := make([]byte, bufferSize)
	for {
		n, err := h.src.Read(buffer)
		if n > 0 {
			if err := h.write(buffer[:n]); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
	}
}

// writeEarly delivers the bytes that were read from src before the tunnel began, and drops
// the wrapper that held them.
//
//go:noinline
func (h *half) writeEarly() error {
	early := earlyconn.Take(h.src)
	h.src = earlyconn.Bare(h.src)
	h.dst = earlyconn.Bare(h.dst)
	if len(early) == 0 {
		return nil
	}
	return h.write(early)
}
