package netupgrade_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/leaktest"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// TestSoak opens, upgrades, uses and closes many connections. Of every ten, one is slow, one
// is aborted and one is malformed. Afterwards no goroutine or file descriptor is left. On
// the connections that are used no byte is lost or repeated, in either direction.
//
// It is not parallel, because it compares what is open before and after it.
func TestSoak(t *testing.T) {
	conns := 10_000
	if testing.Short() || raceEnabled {
		conns = 1_000
	}
	goroutines, files := runtime.NumGoroutine(), leaktest.OpenFiles()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// This test is not about time. With a Timeout of a few seconds a loaded machine made
	// slow clients too slow: the server answered 408 and closed with content unread, and
	// the client saw a reset.
	soak := &soak{t: t, addr: listener.Addr().String(), deadline: time.Now().Add(5 * time.Minute)}
	soak.acceptor = &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}}, Timeout: 5 * time.Minute}
	var servers tcptest.Group
	servers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			servers.Go(func() { soak.serve(conn) })
		}
	})
	numbers := make(chan int)
	var clients tcptest.Group
	for range 200 {
		clients.Go(func() {
			for i := range numbers {
				soak.use(i)
			}
		})
	}
	for i := range conns {
		numbers <- i
	}
	close(numbers)
	clients.Wait()
	listener.Close()
	servers.Wait()

	used, ended := soak.used.Load(), soak.switched.Load()
	if used != int64(conns)*8/10 || ended != used {
		t.Errorf("%d of %d connections were used, %d switched", used, conns, ended)
	}
	if got, want := soak.malformed.Load(), int64(conns)/10; got != want {
		t.Errorf("%d malformed requests were answered, want %d", got, want)
	}
	if !tcptest.Eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
		t.Errorf("goroutines: %d before, %d after", goroutines, runtime.NumGoroutine())
	}
	if !tcptest.Eventually(func() bool { runtime.GC(); return leaktest.OpenFiles() <= files }) {
		t.Errorf("file descriptors: %d before, %d after", files, leaktest.OpenFiles())
	}
}

type soak struct {
	t        testing.TB
	addr     string
	acceptor *netupgrade.Acceptor
	deadline time.Time

	used, switched, malformed atomic.Int64
}

// serve sends everything back, and then the checksums of the content and of everything that
// came after it.
func (s *soak) serve(conn net.Conn) {
	accepted, err := s.acceptor.Accept(conn)
	if err != nil {
		// Malformed requests get a 400, aborted ones no answer.
		var failed *netupgrade.Error
		if !errors.As(err, &failed) || failed.Status != 400 && failed.Status != 0 {
			s.t.Errorf("Accept: %v", err)
		}
		return
	}
	s.switched.Add(1)
	defer accepted.Conn.Close()
	accepted.Conn.SetDeadline(s.deadline)
	sum := crc32.NewIEEE()
	if _, err := io.Copy(io.MultiWriter(sum, accepted.Conn), accepted.Conn); err != nil {
		s.t.Errorf("server: %v", err)
	}
	fmt.Fprintf(accepted.Conn, "%08x%08x", crc32.ChecksumIEEE(accepted.Content), sum.Sum32())
}

func (s *soak) use(i int) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(s.deadline)
	random := rand.New(rand.NewPCG(uint64(i), 0))
	bytesOf := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	m := messages[i/10%len(messages)]
	content := ""
	if m.content != "" {
		content = bytesOf(1 + random.IntN(3000))
	}
	request := post(m.framing, content)
	switch i % 10 {
	case 0: // aborted
		io.WriteString(conn, request[:random.IntN(len(request))])
		if i%20 == 0 {
			conn.(*net.TCPConn).SetLinger(0)
		}
		return
	case 1: // malformed
		io.WriteString(conn, strings.Replace(request, "Host:", "Host :", 1)+bytesOf(1000))
		got, err := io.ReadAll(conn)
		if !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || err != nil {
			s.t.Errorf("connection %d: %.100q, %v", i, got, err)
			return
		}
		s.malformed.Add(1)
		return
	}
	early, late := bytesOf(random.IntN(6000)), bytesOf(random.IntN(8_000))
	go func() {
		if i%10 == 2 { // slow
			for rest := request; rest != ""; {
				n := min(1+random.IntN(200), len(rest))
				io.WriteString(conn, rest[:n])
				rest = rest[n:]
				time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
			}
			request = ""
		}
		io.WriteString(conn, request+early)
		io.WriteString(conn, late)
		conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	sent := early + late
	want := echoHead + sent + fmt.Sprintf("%08x%08x", crc32.ChecksumIEEE([]byte(content)), crc32.ChecksumIEEE([]byte(sent)))
	if err != nil || !bytes.Equal(got, []byte(want)) {
		s.t.Errorf("connection %d: %d bytes, %v; want %d", i, len(got), err, len(want))
		return
	}
	s.used.Add(1)
}
