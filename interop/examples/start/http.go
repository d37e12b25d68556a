package start

import (
	"net"
	"net/http"
)

// HTTP serves HTTP on conn until conn is closed or hijacked. It sets server.ConnState, so
// each call needs a new server.
func HTTP(conn net.Conn, server *http.Server) {
	conns := make(oneConn, 1)
	conns <- conn
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			close(conns)
		}
	}
	server.Serve(conns)
}

// oneConn is a listener that accepts one connection and fails when the channel is closed.
type oneConn chan net.Conn

func (c oneConn) Accept() (net.Conn, error) {
	conn, ok := <-c
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (c oneConn) Close() error   { return nil }
func (c oneConn) Addr() net.Addr { return &net.TCPAddr{} }
