package proxyupgrade_test

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/tcptest"
)

// collect releases what pools hold.
func collect() {
	runtime.GC()
	runtime.GC()
}

// Many tunnels at once. Most of them echo and are half-closed, with a checksum over each
// octet at both sides. Some are reset in the middle, by the client or the backend, and some
// idle meanwhile. TestMain checks that nothing is left.
func TestManyTunnels(t *testing.T) {
	// Some tunnels idle until all others have ended.
	const atOnce, size, patience = 100, 64 << 10, time.Minute
	p := newProxy(t, newBackend(t, func(p *peer) {
		p.SetDeadline(time.Now().Add(patience))
		head := p.head()
		if head == "" {
			return
		}
		// The client may have reset the connection.
		io.WriteString(p.Conn, switching("websocket"))
		if strings.HasPrefix(head, "GET /reset ") {
			p.ReadByte()
			p.Conn.(*net.TCPConn).SetLinger(0)
			return
		}
		// The content comes back, then its checksum as the backend saw it.
		hash := sha256.New()
		if _, err := io.Copy(p.Conn, io.TeeReader(p.Reader, hash)); err == nil {
			p.Conn.Write(hash.Sum(nil))
		}
	}), nil)
	p.Proxy.Error = func(*http.Request, error) {} // those that are reset fail
	work := make(chan int)
	var clients tcptest.Group
	for range atOnce {
		clients.Go(func() {
			for i := range work {
				tunnel(t, p.addr, i, size)
			}
		})
	}
	var idle []*tcptest.Client
	for i := range tunnels {
		if i%50 == 0 {
			c := tcptest.Dial(t, p.addr)
			c.SetDeadline(time.Now().Add(patience))
			c.Send(request("websocket"))
			idle = append(idle, c)
			continue
		}
		work <- i
	}
	close(work)
	clients.Wait()
	for _, c := range idle {
		c.Head()
		c.CloseWrite()
		if got := c.Rest(); len(got) != sha256.Size {
			t.Errorf("%d octets for an idle tunnel", len(got))
		}
		c.Close()
	}
}

// tunnel opens, uses and closes tunnel i.
func tunnel(t *testing.T, addr string, i, size int) {
	c := tcptest.Dial(t, addr)
	defer c.Close()
	random := rand.New(rand.NewSource(int64(i)))
	content := make([]byte, random.Intn(size))
	for i := 0; i+8 <= len(content); i += 8 {
		binary.LittleEndian.PutUint64(content[i:], random.Uint64())
	}
	offer := request("websocket")
	if i%11 == 0 {
		io.WriteString(c, strings.Replace(offer, "/a", "/reset", 1)+"x"+string(content)) // the backend may reset meanwhile
		io.Copy(io.Discard, c)
		return
	}
	c.Send(offer + string(content[:len(content)/10]))
	rest := content[len(content)/10:]
	if i%7 == 0 {
		c.Send(string(rest[:len(rest)/2]))
		c.SetLinger(0)
		return
	}
	// If a client ends before the answer, net/http takes it for gone.
	c.Head()
	go func() {
		c.Write(rest)
		c.CloseWrite()
	}()
	got := c.Rest()
	want := string(content)
	sum := sha256.Sum256(content)
	if want += string(sum[:]); got != want {
		t.Errorf("tunnel %d: %d octets, want %d, or wrong ones", i, len(got), len(want))
	}
}
