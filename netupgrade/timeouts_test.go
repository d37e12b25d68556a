//go:build go1.25

package netupgrade_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosegue/upgrade/netupgrade"
)

// The tests of this file run with a fake clock, so that an hour takes no time.

// piped gives one end of a pipe to a, and the other to client. It returns what the server
// sent, how long Accept took, and its error. It serves a connection that was switched.
func piped(a *netupgrade.Acceptor, client func(net.Conn)) (got string, took time.Duration, err error) {
	near, far := net.Pipe()
	defer far.Close()
	near.SetDeadline(time.Now().Add(30 * time.Minute)) // Accept must change this
	before := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var accepted netupgrade.Accepted
		accepted, err = a.Accept(near)
		if took = time.Since(before); err == nil {
			defer accepted.Conn.Close()
			serveEcho(accepted)
		}
	}()
	read := make(chan struct{})
	go func() {
		defer close(read)
		all, _ := io.ReadAll(far)
		got = string(all)
	}()
	client(far)
	<-done
	<-read
	return got, took, err
}

// timedOut checks that err is a timeout, and that it took as long as wanted.
func timedOut(t *testing.T, err error, took, want time.Duration) {
	t.Helper()
	if !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
		t.Errorf("after %v: %v; want a timeout after %v", took, err, want)
	}
}

// The default is 10 seconds, and a negative Timeout is no limit.
func TestTimeouts(t *testing.T) {
	for _, test := range []struct {
		timeout, want time.Duration
	}{
		{0, netupgrade.DefaultTimeout},
		{1, 1},
		{time.Hour, time.Hour},
		{-1, -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			a := echoing()
			a.Timeout = test.timeout
			done := make(chan error, 1)
			before := time.Now()
			go func() {
				_, err := a.Accept(near)
				done <- err
			}()
			if test.want < 0 {
				time.Sleep(1000 * time.Hour)
				select {
				case err := <-done:
					t.Errorf("without a timeout: %v", err)
				default:
				}
				far.Close()
				<-done
				return
			}
			if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("timeout %v: %v", test.timeout, err)
			}
			if took := time.Since(before); took != test.want {
				t.Errorf("timeout %v: took %v", test.timeout, took)
			}
		})
	}
}

func TestStalledClient(t *testing.T) {
	const timeout = time.Minute
	for _, m := range messages {
		for _, expect := range []string{"X: y", "Expect: 100-continue"} {
			message := post(m.framing, m.content, expect)
			headEnd := strings.Index(message, "\r\n\r\n") + 4
			for cut := range len(message) {
				synctest.Test(t, func(t *testing.T) {
					a := echoing()
					a.Timeout = timeout
					got, took, err := piped(a, func(c net.Conn) { io.WriteString(c, message[:cut]) })
					timedOut(t, err, took, timeout)
					if cut >= headEnd && expect != "X: y" {
						rest, ok := strings.CutPrefix(got, goAhead)
						if !ok {
							t.Errorf("stalled at %d: %q", cut, got)
						}
						got = rest
					}
					var failed *netupgrade.Error
					if !errors.As(err, &failed) {
						t.Fatalf("%T", err)
					}
					if cut == 0 {
						equal(t, "answer", got, "")
						equal(t, "status", failed.Status, 0)
						return
					}
					refused(t, got, 408)
					equal(t, "status", failed.Status, 408)
				})
			}
		}
	}
}

// Timeout is for the whole request: a client that sends a byte now and then gets no extra
// time.
func TestTrickle(t *testing.T) {
	const timeout = 10 * time.Second
	for _, message := range []string{offerEcho, post("length", strings.Repeat("x", 100)), chunkedPost(strings.Repeat("0", 100))} {
		synctest.Test(t, func(t *testing.T) {
			a := echoing()
			a.Timeout = timeout
			got, took, err := piped(a, func(c net.Conn) {
				head := max(0, len(message)-101)
				io.WriteString(c, message[:head])
				for _, b := range message[head : len(message)-1] {
					if _, err := io.WriteString(c, string(b)); err != nil {
						return
					}
					time.Sleep(timeout / 20)
				}
			})
			timedOut(t, err, took, timeout)
			refused(t, got, 408)
		})
	}
}

// The answer has the time that the request has left. Without a Timeout it has no limit:
// Decline and Respond do not return before the client has read.
func TestAnswerToASlowReader(t *testing.T) {
	content := strings.Repeat("content ", 1<<10)
	for _, test := range []struct {
		timeout, pause time.Duration
		ok             bool
	}{
		{time.Minute, 59 * time.Second, true},
		{time.Minute, 61 * time.Second, false},
		{-1, 1000 * time.Hour, true},
	} {
		for _, message := range []string{plain, offerEcho} {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				a := &netupgrade.Acceptor{Protocols: echoing().Protocols, Timeout: test.timeout, Decline: func(r *netupgrade.Request, _ error) {
					if err := r.Respond(200, []byte(content)); (err == nil) != test.ok {
						t.Errorf("Respond: %v", err)
					}
				}}
				done := make(chan error, 1)
				go func() {
					accepted, err := a.Accept(near)
					if err == nil {
						accepted.Conn.Close()
					}
					done <- err
				}()
				io.WriteString(far, message)
				time.Sleep(test.pause)
				got, _ := io.ReadAll(far)
				if (len(got) > 0) != test.ok {
					t.Errorf("timeout %v: got %d bytes", test.timeout, len(got))
				}
				if test.ok && message == plain {
					if _, got := response(t, "GET", string(got)); got != content {
						t.Errorf("timeout %v: got %d bytes of content", test.timeout, len(got))
					}
				}
				if err := <-done; message == offerEcho && (err == nil) != test.ok {
					t.Errorf("timeout %v: %v", test.timeout, err)
				}
			})
		}
	}
}

// Neither the deadline of the request nor an earlier one applies to the protocol.
func TestDeadlinesAreClearedAfterTheSwitch(t *testing.T) {
	for _, message := range []string{offerEcho, offerEcho + "early", post("length", "content"), post("chunked", "content")} {
		for _, timeout := range []time.Duration{time.Second, -1} {
			synctest.Test(t, func(t *testing.T) {
				a := echoing()
				a.Timeout = timeout
				got, _, err := piped(a, func(c net.Conn) {
					io.WriteString(c, message)
					time.Sleep(time.Hour)
					io.WriteString(c, "late")
					synctest.Wait()
					c.Close()
				})
				if err != nil || !strings.HasSuffix(got, "late") {
					t.Errorf("after the deadline: %q, %v", got, err)
				}
			})
		}
	}
}
