//go:build !race

package netupgrade_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// stalled is a connection on which a client sends only its message. It signals when all of
// the message has been read and the server wants more.
type stalled struct {
	still
	waiting chan struct{}
	gone    chan struct{}
}

func (s *stalled) Read(p []byte) (int, error) {
	if s.unread == "" {
		s.waiting <- struct{}{}
		<-s.gone
	}
	return s.still.Read(p)
}

// held returns how many bytes an Acceptor holds for each client that has sent a message and
// is silent. The message itself is not counted.
func held(t *testing.T, a *netupgrade.Acceptor, clients int, message string) int64 {
	t.Helper()
	gone, done := make(chan struct{}), make(chan struct{})
	var conns []net.Conn
	for range clients {
		conns = append(conns, &stalled{still{unread: message}, make(chan struct{}), gone})
	}
	before := heap()
	for _, conn := range conns {
		go func() {
			a.Accept(conn)
			done <- struct{}{}
		}()
		tcptest.Receive(t, conn.(*stalled).waiting)
	}
	bytes := (heap() - before) / int64(clients)
	close(gone)
	for range clients {
		tcptest.Receive(t, done)
	}
	runtime.KeepAlive(message)
	return bytes
}

// A declared length costs a client nothing, so the server holds nothing for it.
func TestHeldForAStalledLength(t *testing.T) {
	head := func(length int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nContent-Length: %d\r\n\r\n", length)
	}
	const clients = 100
	a := limited(1 << 20)
	buffer := held(t, a, clients, strings.TrimSuffix(head(65536), "\n"))
	for _, length := range []int{1000, 65536, 1 << 20} {
		for _, sent := range []int{0, 1, 91, 500} {
			message := head(length) + strings.Repeat("c", sent)
			if got := held(t, a, clients, message) - buffer; got > 2<<10 {
				t.Errorf("length %d, %d bytes sent: %d bytes are held beyond the buffer", length, sent, got)
			}
		}
	}
	// The memory held for content stays in proportion to the content that came.
	for _, sent := range []int{4 << 10, 10_000, 100_000, 1<<20 - 1} {
		for _, headers := range []string{"", strings.Repeat("X: y\r\n", 650)} { // these nearly fill the buffer
			message := strings.Replace(head(1<<20), "Host:", headers+"Host:", 1) + strings.Repeat("c", sent)
			limit := int64(2*sent + 16<<10)
			a.Limits.Fields = 1000
			if got := held(t, a, 10, message); got > limit || got > 1<<20+32<<10 {
				t.Errorf("%d bytes sent: %d bytes are held", sent, got)
			}
		}
	}
}

// Extensions and trailers are not held, however long they are. The room for content does
// not exceed the limit.
func TestHeldForChunks(t *testing.T) {
	const maxBody = 2 << 20
	a := limited(maxBody)
	var chunks strings.Builder
	for left := maxBody; left > 0; {
		n := min(15_000, left)
		fmt.Fprintf(&chunks, "%x;%s\r\n%s\r\n", n, strings.Repeat("x", n-1), strings.Repeat("c", n))
		left -= n
	}
	for name, body := range map[string]string{
		"extensions":             chunks.String(),
		"extension without end":  "1;" + strings.Repeat("x", 16<<10-1),
		"extension at the end":   chunks.String() + "0;" + strings.Repeat("x", 16_000),
		"trailers":               chunks.String() + "0\r\n" + strings.Repeat("a: b\r\n", 3<<10),
		"trailer without an end": chunks.String() + "0\r\na:" + strings.Repeat("x", 16_000),
		"no more than a chunk":   "1\r\nx\r\n",
		"half of the content":    chunks.String()[:chunks.Len()/2],
	} {
		limit := int64(maxBody + 32<<10)
		if len(body) < 1<<20 {
			limit = 32 << 10
		}
		if got := held(t, a, 4, chunkedPost(body)); got > limit {
			t.Errorf("%s: %d bytes are held, at most %d are allowed", name, got, limit)
		}
	}
}
