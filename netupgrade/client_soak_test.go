package netupgrade_test

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/leaktest"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// TestClientSoak makes many offers to servers of every kind. Afterwards no goroutine or file
// descriptor is left. On the connections that are used no byte is lost or repeated.
//
// It is not parallel, because it compares what is open before and after it.
func TestClientSoak(t *testing.T) {
	offers := 10_000
	if testing.Short() || raceEnabled {
		offers = 1_000
	}
	goroutines, files := runtime.NumGoroutine(), leaktest.OpenFiles()
	var soak clientSoak
	soak.t = t
	// A subtest, so that its server is gone when it ends.
	t.Run("offers", func(t *testing.T) {
		soak.addr = tcptest.Serve(t, soak.serve)
		numbers := make(chan int)
		var clients tcptest.Group
		for range 100 {
			clients.Go(func() {
				for i := range numbers {
					soak.use(i)
				}
			})
		}
		for i := range offers {
			numbers <- i
		}
		close(numbers)
		clients.Wait()
	})
	if n := soak.used.Load(); n != int64(offers)*6/10 {
		t.Errorf("%d of %d connections were used", n, offers)
	}
	if !tcptest.Eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
		t.Errorf("goroutines: %d before, %d after", goroutines, runtime.NumGoroutine())
	}
	if !tcptest.Eventually(func() bool { runtime.GC(); return leaktest.OpenFiles() <= files }) {
		t.Errorf("file descriptors: %d before, %d after", files, leaktest.OpenFiles())
	}
}

type clientSoak struct {
	t    *testing.T
	addr string
	used atomic.Int64
}

// serve does what the target says.
func (s *clientSoak) serve(peer *tcptest.Peer) {
	_, rest, _ := strings.Cut(peer.Head(), "/")
	does, _, _ := strings.Cut(rest, " ")
	switch does {
	case "switch", "early":
		answer := "HTTP/1.1 103 E\r\n\r\n" + h101
		if does == "early" {
			answer += strings.Repeat("EARLY", 300)
		}
		cut := len(answer) / 3
		peer.Send(answer[:cut], answer[cut:])
		io.Copy(peer, peer.Reader)
	case "decline":
		peer.Send("HTTP/1.1 426 U\r\nUpgrade: x\r\nContent-Length: 1500\r\n\r\n" + strings.Repeat("EARLY", 300))
	case "close":
		peer.Send(h101[:20])
	case "reset":
		peer.Send(h101[:20])
		peer.Conn.(*net.TCPConn).SetLinger(0)
	case "malformed":
		peer.Send(strings.Replace(h101, "Upgrade:", "Upgrade :", 1))
		peer.Gone()
	case "evil":
		peer.Send(strings.Replace(h101, "foo", "evil", 1))
		peer.Gone()
	case "stall":
		peer.Send(h101[:20])
		peer.Gone()
	}
}

func (s *clientSoak) use(i int) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Error(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := netupgrade.Client{Timeout: 2 * patience}
	does := []string{"switch", "early", "switch", "early", "switch", "early", "decline", "close", "reset", "stall"}[i%10]
	if does == "close" && i%20 < 10 {
		does = []string{"malformed", "evil"}[i/20%2]
	}
	if does == "stall" {
		if i%20 < 10 {
			c.Timeout = time.Millisecond
		} else {
			time.AfterFunc(time.Millisecond, cancel)
		}
	}
	o := fooBar()
	o.Target = "/" + does
	switched, err := c.Upgrade(ctx, conn, o)
	var declined *netupgrade.Declined
	var malformed *head.Error
	var ok bool
	switch does {
	case "switch", "early":
		if ok = err == nil; ok {
			s.echo(i, does, switched.Conn)
		}
	case "decline":
		if ok = errors.As(err, &declined); ok {
			all, err := io.ReadAll(declined.Conn)
			ok = len(all) == 1500+len("HTTP/1.1 426 U\r\nUpgrade: x\r\nContent-Length: 1500\r\n\r\n") && err == nil
			declined.Conn.Close()
		}
	case "close":
		ok = err == io.ErrUnexpectedEOF
	case "malformed":
		ok = errors.As(err, &malformed)
	case "stall":
		ok = err == context.Canceled || errors.Is(err, os.ErrDeadlineExceeded)
	default:
		ok = err != nil
	}
	if !ok {
		s.t.Errorf("offer %d, %s: %v", i, does, err)
	}
}

// echo sends random bytes and checks that they come back.
func (s *clientSoak) echo(i int, does string, conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * patience))
	random := rand.New(rand.NewPCG(uint64(i), 0))
	sent := make([]byte, random.IntN(8_000))
	for j := range sent {
		sent[j] = byte(random.Uint32())
	}
	want := string(sent)
	if does == "early" {
		want = strings.Repeat("EARLY", 300) + want
	}
	go func() {
		conn.Write(sent)
		conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if crc32.ChecksumIEEE(got) != crc32.ChecksumIEEE([]byte(want)) || err != nil {
		s.t.Errorf("connection %d: %d bytes, %v; want %d", i, len(got), err, len(want))
		return
	}
	s.used.Add(1)
}
