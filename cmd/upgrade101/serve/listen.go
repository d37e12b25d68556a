package serve

import (
	"net"
	"sync"
)

// This file knows listeners. It does not know what the connections are for.

// limit returns a listener that accepts no connection while n of them are open.
func limit(listener net.Listener, n int) net.Listener {
	return &limited{Listener: listener, open: make(chan struct{}, n), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	open   chan struct{} // holds one for each open connection
	once   sync.Once
	closed chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	counted := &countedConn{Conn: conn, done: func() { <-l.open }}
	if w, ok := conn.(closeWriter); ok {
		return struct {
			*countedConn
			closeWriter
		}{counted, w}, nil
	}
	return counted, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// closeWriter is a connection whose writing side can be closed alone.
type closeWriter interface{ CloseWrite() error }

// countedConn calls done once, when it is closed.
type countedConn struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.done)
	return err
}

// handover is a listener for connections that another listener has accepted.
type handover struct {
	addr   net.Addr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newHandover(addr net.Addr) *handover {
	return &handover{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// give makes Accept return conn. It closes conn if the listener is closed.
func (h *handover) give(conn net.Conn) {
	select {
	case h.conns <- conn:
	case <-h.closed:
		conn.Close()
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

func (h *handover) Addr() net.Addr { return h.addr }
