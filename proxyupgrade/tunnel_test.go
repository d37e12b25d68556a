package proxyupgrade_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/leaktest"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// pair returns both ends of a TCP connection.
func pair(t testing.TB) (near, far *net.TCPConn) {
	t.Helper()
	listener := listenTCP(t)
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); other.Close() })
	return other.(*net.TCPConn), conn.(*net.TCPConn)
}

type copied struct {
	toBackend, toClient int64
	err                 error
}

// run copies in the background.
func run(tunnel *proxyupgrade.Tunnel) <-chan copied {
	done := make(chan copied, 1)
	go func() {
		toBackend, toClient, err := tunnel.Copy()
		done <- copied{toBackend, toClient, err}
	}()
	return done
}

// A Tunnel made by hand needs only its connections.
func TestTunnelByHand(t *testing.T) {
	client, clientFar := pair(t)
	backend, backendFar := pair(t)
	tunnel := &proxyupgrade.Tunnel{Client: client, Backend: backend}
	done := run(tunnel)
	io.WriteString(clientFar, "hello")
	if got := read(t, backendFar, 5); got != "hello" {
		t.Errorf("got %q", got)
	}
	// The bytes are counted before the end.
	if !tcptest.Eventually(func() bool { up, down := tunnel.Bytes(); return up == 5 && down == 0 }) {
		t.Error("the bytes are not counted")
	}
	clientFar.CloseWrite()
	if rest, err := io.ReadAll(backendFar); len(rest) > 0 || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	io.WriteString(backendFar, "BYE")
	backendFar.Close()
	if rest, err := io.ReadAll(clientFar); string(rest) != "BYE" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	if got := tcptest.Receive(t, done); got != (copied{5, 3, nil}) {
		t.Errorf("got %+v", got)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the client's connection is open: %v", err)
	}
}

func read(t testing.TB, conn net.Conn, n int) string {
	t.Helper()
	p := make([]byte, n)
	if m, err := io.ReadFull(conn, p); err != nil {
		t.Errorf("%v after %q", err, p[:m])
	}
	return string(p)
}

// A connection that cannot be half-closed cannot learn that its peer has ended, so both are
// closed.
func TestTunnelWithoutHalfClose(t *testing.T) {
	client, clientFar := net.Pipe()
	backend, backendFar := net.Pipe()
	done := run(&proxyupgrade.Tunnel{Client: client, Backend: backend})
	go io.WriteString(clientFar, "hello")
	if got := read(t, backendFar, 5); got != "hello" {
		t.Errorf("got %q", got)
	}
	go io.WriteString(backendFar, strings.Repeat("x", 10_000))
	read(t, clientFar, 10_000)
	clientFar.Close()
	if got := tcptest.Receive(t, done); got != (copied{5, 10_000, nil}) {
		t.Errorf("got %+v", got)
	}
	if _, err := backendFar.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the backend's connection: %v", err)
	}
}

// failing is a connection on which a call fails.
type failing struct {
	net.Conn
	read, write error
	short       bool
}

func (f failing) Read(p []byte) (int, error) {
	if f.read != nil {
		return 0, f.read
	}
	return f.Conn.Read(p)
}

func (f failing) Write(p []byte) (int, error) {
	if f.short {
		return len(p) - 1, nil
	}
	if f.write != nil {
		return 0, f.write
	}
	return f.Conn.Write(p)
}

func TestTunnelFails(t *testing.T) {
	mine := errors.New("mine")
	for name, test := range map[string]struct {
		client failing
		want   error
	}{
		"read":        {failing{read: mine}, mine},
		"write":       {failing{write: mine}, mine},
		"short write": {failing{short: true}, io.ErrShortWrite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, clientFar := pair(t)
			backend, backendFar := pair(t)
			test.client.Conn = client
			done := run(&proxyupgrade.Tunnel{Client: test.client, Backend: backend})
			io.WriteString(backendFar, "hello")
			if got := tcptest.Receive(t, done); got.err != test.want {
				t.Errorf("got %+v", got)
			}
			for _, far := range []net.Conn{clientFar, backendFar} {
				io.Copy(io.Discard, far)
			}
		})
	}
}

// An idle tunnel holds only the descriptors of its two connections, even after much went
// through it.
func TestDescriptorsOfIdleTunnels(t *testing.T) {
	if leaktest.OpenFiles() == 0 {
		t.Skip("the system does not list open files")
	}
	const tunnels = 20
	p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { p.echo() })), nil)
	// Connections of earlier tests may still be closing.
	before := 0
	tcptest.Eventually(func() bool {
		collect()
		time.Sleep(50 * time.Millisecond)
		last := before
		before = leaktest.OpenFiles()
		return before == last
	})
	much := make([]byte, 1<<20)
	var clients []*tcptest.Client
	for range tunnels {
		c := tcptest.Dial(t, p.addr)
		clients = append(clients, c)
		c.Send(request("websocket"))
		c.Head()
		go c.Write(much)
		c.Octets(len(much))
	}
	// In this process the proxy has two, the client one and the backend one.
	if !tcptest.Eventually(func() bool { collect(); return leaktest.OpenFiles() == before+4*tunnels }) {
		t.Errorf("%d descriptors for %d tunnels", leaktest.OpenFiles()-before, tunnels)
	}
	for _, c := range clients {
		c.CloseWrite()
		c.End()
	}
}
