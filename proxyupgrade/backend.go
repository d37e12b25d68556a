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

// This file knows what net/http's client returns for a 101: a Body that can be written to.

var errBody = errors.New("proxyupgrade: Body of the backend's 101 cannot be written to")

// backendConn returns the connection to a backend that has switched. body is the Body of
// its 101, and conn the connection below it, or nil. direct says that the bytes need not go
// through body.
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

// drain returns the bytes that net/http has read from conn already. Only its Body has them.
//
// After them the Body reads from conn, where a deadline in the past stops it: these three
// types check the deadline before they take anything from the socket. A tls.Conn still
// yields the bytes that it has decrypted, and an expired deadline does it no harm.
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
			break // the deadline's, or one that the next Read returns again
		}
	}
	return early, conn.SetReadDeadline(time.Time{})
}

// bodyConn is a connection that reads and writes through a Body.
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

// unknownAddr is the address of a connection if only its Body is known.
type unknownAddr struct{}

func (unknownAddr) Network() string { return "unknown" }
func (unknownAddr) String() string  { return "unknown" }
