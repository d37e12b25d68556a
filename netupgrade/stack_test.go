//go:build !race && amd64 && go1.26

// Frames depend on the compiler: Go 1.23 makes larger ones.

package netupgrade_test

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// A goroutine begins with 2 KiB of stack. If it outgrows them, it keeps 4 KiB for as long
// as the connection lasts, which is more than the rest that an idle connection holds. So
// the frames of Accept, and of the system calls below it, must fit.
//
// The test runs in a separate process, because the runtime gives new goroutines as much
// stack as earlier ones have used.
func TestAcceptFitsTheFirstStack(t *testing.T) {
	const fixed = "adaptivestackstart=0"
	if os.Getenv("GODEBUG") != fixed {
		again := exec.Command(os.Args[0], "-test.run=^TestAcceptFitsTheFirstStack$", "-test.count=1")
		again.Env = append(os.Environ(), "GODEBUG="+fixed)
		if output, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, output)
		}
		return
	}
	const conns = 200
	request := browser(t)
	webSocket := netupgrade.WebSocket()
	webSocket.Check = func(*netupgrade.Request) error { return nil }
	for name, p := range map[string]netupgrade.Protocol{
		"same origin": netupgrade.WebSocket(), "own check": webSocket,
	} {
		a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{p}}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		var clients []*tcptest.Client
		var servers []net.Conn
		for range conns {
			c := tcptest.Dial(t, listener.Addr().String())
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			c.Send(request)
			clients, servers = append(clients, c), append(servers, conn)
		}
		done, end := make(chan error, conns), make(chan bool)
		before := stacks()
		// The garbage collector would shrink stacks.
		percent := debug.SetGCPercent(-1)
		for _, conn := range servers {
			go func() {
				accepted, err := a.Accept(conn)
				done <- err
				<-end
				if err == nil {
					accepted.Conn.Close()
				}
			}()
		}
		for range conns {
			if err := tcptest.Receive(t, done); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		each := (stacks() - before) / conns
		debug.SetGCPercent(percent)
		close(end)
		for _, c := range clients {
			c.Close()
		}
		if each >= 3<<10 {
			t.Errorf("%s: %d bytes of stack a connection", name, each)
		}
	}
}

// stacks returns how many bytes of stack are in use.
func stacks() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.StackInuse)
}
