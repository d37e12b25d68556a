package tcptest

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Peer is the server's side of a connection, which a script plays for a client. The
// connection has a deadline. It is closed when the script returns, and unread octets are
// dropped.
type Peer struct {
	net.Conn               // a *net.TCPConn, unless the script wraps it
	Reader   *bufio.Reader // of the connection
}

// NewPeer returns the server's side of conn.
func NewPeer(conn net.Conn) *Peer { return &Peer{conn, bufio.NewReader(conn)} }

// Serve runs script for every connection to the address that it returns. The test waits
// for the scripts to end.
func Serve(t testing.TB, script func(*Peer)) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Add(1)
			go func() {
				defer running.Done()
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(Patience))
				script(NewPeer(conn))
			}()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

// Head reads up to and including the next empty line, or to the end if there is none.
func (p *Peer) Head() string {
	var head strings.Builder
	for {
		line, err := p.Reader.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String()
		}
	}
}

// Send writes each piece in a Write of its own. A client may be gone by then.
func (p *Peer) Send(pieces ...string) {
	for _, piece := range pieces {
		if _, err := p.Write([]byte(piece)); err != nil {
			return
		}
	}
}

// Gone waits until the client has closed the connection, and reports whether that happens in
// time. It drops what the client still sends.
func (p *Peer) Gone() bool {
	for {
		if _, err := p.Reader.Discard(1); err != nil {
			timeout, ok := err.(net.Error)
			return !ok || !timeout.Timeout()
		}
	}
}
