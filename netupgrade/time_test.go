package netupgrade_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// allocated returns how many bytes have been allocated so far.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// impatient returns the Acceptor of echoing with a short Timeout.
func impatient() *netupgrade.Acceptor {
	a := echoing()
	a.Timeout = 250 * time.Millisecond
	return a
}

// If a client does not leave, or does not even stop sending, the server leaves.
func TestClientThatDoesNotLeave(t *testing.T) {
	t.Parallel()
	for _, flood := range []bool{false, true} {
		s := start(t, impatient())
		c := s.dial()
		c.Send("GET / HTTP/2.0\r\n")
		for until := time.Now().Add(patience); flood && time.Now().Before(until); {
			if _, err := io.WriteString(c.TCPConn, strings.Repeat(plain, 1000)); err != nil {
				break
			}
		}
		before := time.Now()
		if status, _ := s.outcome(0); status != 505 {
			t.Errorf("status %d", status)
		}
		if took := time.Since(before); took > patience/2 {
			t.Errorf("took %v", took)
		}
		if !s.conn(0).IsClosed() {
			t.Error("the connection is open")
		}
	}
}

func TestVanishingClient(t *testing.T) {
	t.Parallel()
	for _, m := range messages {
		message := post(m.framing, m.content)
		s := start(t, echoing())
		for cut := range len(message) {
			// Half closed: the client could read an answer, but its request has no end.
			equal(t, "answer", s.exchange(message[:cut]), "")
			_, err := s.outcome(2 * cut)
			if want := io.ErrUnexpectedEOF; cut == 0 && !errors.Is(err, io.EOF) || cut > 0 && !errors.Is(err, want) {
				t.Errorf("ended at %d: %v", cut, err)
			}
			// Closed by a reset.
			c := s.dial()
			c.Send(message[:cut])
			c.SetLinger(0)
			c.Close()
			status, err := s.outcome(2*cut + 1)
			if err == nil || status != 0 {
				t.Errorf("reset at %d: %d, %v", cut, status, err)
			}
		}
	}
}

// A client that does not read the answer in time gets none.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	done := make(chan error, 1)
	go func() {
		_, err := impatient().Accept(near)
		done <- err
	}()
	io.WriteString(far, offerEcho)
	var failed *netupgrade.Error
	if err := tcptest.Receive(t, done); !errors.As(err, &failed) || failed.Status != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if n, err := far.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		t.Errorf("read %d, %v", n, err)
	}
}
