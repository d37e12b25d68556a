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

// allocated returns how many bytes were allocated so far.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// impatient is echoing with little time.
func impatient() *netupgrade.Acceptor {
	a := echoing()
	a.Timeout = 250 * time.Millisecond
	return a
}

func TestStalledClient(t *testing.T) {
	t.Parallel()
	for _, m := range messages {
		for _, expect := range []string{"X: y", "Expect: 100-continue"} {
			message := post(m.framing, m.content, expect)
			headEnd := strings.Index(message, "\r\n\r\n") + 4
			for _, cut := range []int{0, 1, 20, headEnd - 1, headEnd, headEnd + 1, len(message) - 1} {
				if cut > headEnd && cut >= len(message) || cut == len(message) {
					continue
				}
				t.Run(m.framing, func(t *testing.T) {
					t.Parallel()
					s := start(t, impatient())
					got := s.ask(message[:cut])
					status, err := s.outcome(0)
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("stalled at %d: %v", cut, err)
					}
					if cut >= headEnd && expect != "X: y" {
						rest, ok := strings.CutPrefix(got, goAhead)
						if !ok {
							t.Errorf("stalled at %d: %q", cut, got)
						}
						got = rest
					}
					if cut == 0 {
						equal(t, "answer", got, "")
						equal(t, "status", status, 0)
						return
					}
					refused(t, got, 408)
					equal(t, "status", status, 408)
				})
			}
		}
	}
}

// Time is for the whole request: who sends a byte now and then does not get more.
func TestTrickle(t *testing.T) {
	t.Parallel()
	a := echoing()
	a.Timeout = 200 * time.Millisecond
	s := start(t, a)
	for _, message := range []string{offerEcho, post("length", strings.Repeat("x", 100)), chunkedPost(strings.Repeat("0", 100))} {
		before := time.Now()
		c := s.dial()
		done := make(chan struct{})
		go func() {
			defer close(done)
			head := max(0, len(message)-101)
			io.WriteString(c.TCPConn, message[:head])
			for _, b := range message[head : len(message)-1] {
				if _, err := io.WriteString(c.TCPConn, string(b)); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		got := c.End()
		<-done
		refused(t, got, 408)
		if took := time.Since(before); took < a.Timeout || took > patience/2 {
			t.Errorf("took %v", took)
		}
	}
}

// A client that does not leave, nor stop sending, is left.
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
			// Half closed: it could be told something, but has not asked.
			equal(t, "answer", s.exchange(message[:cut]), "")
			_, err := s.outcome(2 * cut)
			if want := io.ErrUnexpectedEOF; cut == 0 && !errors.Is(err, io.EOF) || cut > 0 && !errors.Is(err, want) {
				t.Errorf("ended at %d: %v", cut, err)
			}
			// Gone without a word.
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

// A client that does not read has its answer in time, or none.
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

// The answer has the time that the request has left, however much there is of it.
func TestLongAnswerToASlowReader(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("content ", 2<<20)
	a := &netupgrade.Acceptor{Decline: func(r *netupgrade.Request, _ error) {
		if err := r.Respond(200, []byte(content)); err != nil {
			t.Errorf("Respond: %v", err)
		}
	}}
	s := start(t, a)
	c := s.dial()
	c.SetReadBuffer(256 << 10)
	c.Send(plain)
	time.Sleep(time.Second)
	_, got := response(t, "GET", c.End())
	if got != content {
		t.Errorf("got %d bytes, want %d", len(got), len(content))
	}
}
