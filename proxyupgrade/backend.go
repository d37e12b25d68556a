package proxyupgrade

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/gosegue/upgrade/internal/earlyconn"
)

// This file knows what net/http's client gives for a 101: a Body that can be written to.

var errBody = errors.New("proxyupgrade: Body of the backend's 101 cannot be written to")

// backendConn returns the connection to a backend that has switched. body is that of its
// 101, and conn the connection below it, or nil; direct says that nothing would be missed
// without body.
func backendConn(body io.ReadCloser, conn net.Conn, direct bool) (net.Conn, error) {
	stream, ok := body.(io.ReadWriteCloser)
	if !ok {
		return nil, errBody
	}
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn, *tls.Conn:
		if !direct {
			break
		}
		early, err := drain(stream, conn)
		if err != nil {
			return nil, err
		}
		if len(early) == 0 {
			return conn, nil
		}
		return earlyconn.New(conn, early), nil
	}
	b := &bodyConn{stream, conn}
	if w, ok := body.(closeWriter); ok {
		return struct {
			*bodyConn
			closeWriter
		}{b, w}, nil
	}
	return b, nil
}

// drain returns what net/http has read from conn already, which only its Body gives.
//
// Behind that the Body reads from conn, where no deadline in the past lets it get any
// further: these three types say so before they take anything from the socket. What
// tls.Conn has decrypted it gives nevertheless, and an expired deadline does it no harm.
func drain(body io.Reader, conn net.Conn) ([]byte, error) {
	if err := conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return nil, err
	}
	var early []byte
	room := make([]byte, 512)
	for {
		n, err := body.Read(room)
		early = append(early, room[:n]...)
		if err != nil {
			break // and if it is another than that of the deadline, the next Read says so again
		}
	}
	return early, conn.SetReadDeadline(time.Time{})
}

// bodyConn is a Body that can be written to, as a connection.
type bodyConn struct {
	io.ReadWriteCloser
	conn net.Conn // below; nil if that is unknown
}

func (b *bodyConn) SetDeadline(t time.Time) error {
	if b.conn == nil {
		return os.ErrNoDeadline
	}
	return b.conn.SetDeadline(t)
}

func (b *bodyConn) SetReadDeadline(t time.Time) error {
	if b.conn == nil {
		return os.ErrNoDeadline
	}
	return b.conn.SetReadDeadline(t)
}

func (b *bodyConn) SetWriteDeadline(t time.Time) error {
	if b.conn == nil {
		return os.ErrNoDeadline
	}
	return b.conn.SetWriteDeadline(t)
}

func (b *bodyConn) LocalAddr() net.Addr {
	if b.conn == nil {
		return unknownAddr{}
	}
	return b.conn.LocalAddr()
}

func (b *bodyConn) RemoteAddr() net.Addr {
	if b.conn == nil {
		return unknownAddr{}
	}
	return b.conn.RemoteAddr()
}

// unknownAddr is the address of a connection of which only a Body is known.
type unknownAddr struct{}

func (unknownAddr) Network() string { return "unknown" }
func (unknownAddr) String() string  { return "unknown" }
