package netupgrade_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// failing is a listener whose first Accepts fail as if no file descriptor were left.
type failing struct {
	net.Listener
	fails int
}

func (l *failing) Accept() (net.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// The loop of the documentation goes on when no file descriptor is left, and a silent client
// does not hold up the others.
func TestAcceptLoopGoesOn(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}}}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		acceptEach(&failing{listener, 3}, func(conn net.Conn) {
			if accepted, err := acceptor.Accept(conn); err == nil {
				accepted.Conn.Close()
			}
		})
	}()
	silent := tcptest.Dial(t, listener.Addr().String())
	got := tcptest.Exchange(t, listener.Addr().String(), offerEcho)
	if !strings.HasPrefix(got, "HTTP/1.1 101 ") {
		t.Errorf("%q", got)
	}
	silent.Close()
	listener.Close()
	tcptest.Receive(t, ended)
}
