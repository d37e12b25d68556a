package proxyupgrade_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
)

// openPipes counts the pipes of the process.
func openPipes() int {
	n := 0
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		if target, _ := os.Readlink(file); strings.HasPrefix(target, "pipe:") {
			n++
		}
	}
	return n
}

// Bulk data goes through a pipe, and small pieces do not. The pipe is closed when it is no
// longer needed.
func TestBulkGoesThroughPipes(t *testing.T) {
	p := newProxy(t, newBackend(t, switchTo(0, func(p *peer, _ string) { p.echo() })), nil)
	if !tcptest.Eventually(func() bool { collect(); return openPipes() == 0 }) {
		t.Skip("the process has other pipes")
	}
	c := tcptest.Dial(t, p.addr)
	c.Send(request("websocket"))
	c.Head()
	for range 1000 {
		c.Send("ping")
		c.Octets(4)
	}
	if n := openPipes(); n > 0 {
		t.Errorf("%d pipe ends for small pieces", n)
	}
	much := make([]byte, 8<<20)
	go c.Write(much)
	c.Octets(len(much))
	if openPipes() == 0 {
		t.Error("no pipe for 8 MiB")
	}
	if !tcptest.Eventually(func() bool { collect(); return openPipes() == 0 }) {
		t.Error("pipes are kept")
	}
	c.Send("ping")
	c.Octets(4)
	c.CloseWrite()
	c.End()
}
