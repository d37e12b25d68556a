package httpupgrade_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/tcptest"
)

// ran is what a test keeps of a protocol's run.
type ran struct {
	err error
	ctx context.Context
}

// A client that has ended its side still gets what the protocol sends afterwards.
func TestStreamHalfClose(t *testing.T) {
	t.Parallel()
	s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
		read, err := io.ReadAll(conn)
		fmt.Fprintf(conn, "BYE %s %v", read, err)
	}))
	c := s.connect()
	c.Write("octets")
	c.Writer.Close()
	equal(t, "rest", c.Rest(), "BYE octets <nil>")
}

// When the protocol returns, the stream ends in both directions.
func TestStreamReturn(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Conn){
		"open":   func(net.Conn) {},
		"closed": func(conn net.Conn) { conn.Close() },
	} {
		s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, "BYE")
			serve(conn)
		}))
		c := s.connect()
		equal(t, name, c.Rest(), "BYE")
		if !tcptest.Eventually(func() bool { _, err := c.Writer.Write([]byte("x")); return err != nil }) {
			t.Errorf("%s: the client could still write", name)
		}
	}
}

// A Read that waits fails at the deadline, which is final; a Write still works.
func TestStreamReadDeadline(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(net.Conn){
		"before the Read": func(conn net.Conn) { conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) },
		"extended": func(conn net.Conn) {
			conn.SetReadDeadline(time.Now().Add(time.Hour))
			conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		},
		"without a clock": func(conn net.Conn) { conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond).Round(0)) },
		"during the Read": func(conn net.Conn) {
			time.AfterFunc(20*time.Millisecond, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
		},
	} {
		failed := make(chan error, 2)
		s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
			set(conn)
			for range 2 {
				_, err := conn.Read(make([]byte, 1))
				failed <- err
				conn.SetReadDeadline(time.Time{})
			}
			io.WriteString(conn, "BYE")
		}))
		c := s.connect()
		for range 2 {
			err := tcptest.Receive(t, failed)
			var timeout net.Error
			if err != os.ErrDeadlineExceeded || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%s: %v", name, err)
			}
		}
		equal(t, name, c.Rest(), "BYE")
	}
}

// A deadline that passes while no call waits does no harm, as on any connection.
func TestStreamDeadlineWhileIdle(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
		deadline := time.Now().Add(5 * time.Millisecond)
		conn.SetDeadline(deadline)
		after(deadline)
		_, err := conn.Read(make([]byte, 1))
		failed <- err
		conn.SetDeadline(time.Now().Add(time.Hour))
		io.Copy(conn, conn)
	}))
	c := s.connect()
	checkError(t, "Read", tcptest.Receive(t, failed), os.ErrDeadlineExceeded)
	c.Write("octets")
	c.Writer.Close()
	equal(t, "rest", c.Rest(), "octets")
}

// A deadline that is moved or removed while a Read waits does not end it.
func TestStreamReadDeadlineMoved(t *testing.T) {
	t.Parallel()
	for name, moved := range map[string]time.Time{"removed": {}, "moved": time.Now().Add(time.Hour)} {
		s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
			first := time.Now().Add(time.Second)
			conn.SetReadDeadline(first)
			time.AfterFunc(time.Millisecond, func() {
				conn.SetReadDeadline(moved)
				after(first)
				io.WriteString(conn, "passed")
			})
			p := make([]byte, 6)
			n, err := io.ReadFull(conn, p)
			fmt.Fprintf(conn, "%s %v", p[:n], err)
		}))
		c := s.connect()
		equal(t, name, c.Read(6), "passed")
		c.Write("octets")
		equal(t, name, c.Rest(), "octets <nil>")
	}
}

// A Write that the client does not read fails at the deadline, and the stream is reset.
func TestStreamWriteDeadline(t *testing.T) {
	t.Parallel()
	soon := func() time.Time { return time.Now().Add(20 * time.Millisecond) }
	for name, set := range map[string]func(net.Conn){
		"before the Write":   func(conn net.Conn) { conn.SetWriteDeadline(soon()) },
		"both directions":    func(conn net.Conn) { conn.SetDeadline(soon()) },
		"during the Write":   func(conn net.Conn) { time.AfterFunc(20*time.Millisecond, func() { conn.SetDeadline(time.Unix(1, 0)) }) },
		"passed, next Write": func(conn net.Conn) { conn.SetWriteDeadline(time.Unix(1, 0)) },
	} {
		done := make(chan ran, 1)
		s := startH2(t, serving(func(conn net.Conn, r *http.Request) {
			conn.Read(make([]byte, 1)) // the client has the answer
			set(conn)
			err := fill(conn)
			<-r.Context().Done()
			if _, err := conn.Write([]byte("x")); err == nil {
				t.Errorf("%s: the next Write succeeded", name)
			}
			done <- ran{err, r.Context()}
		}))
		c := s.connect()
		c.Write("x")
		checkError(t, name, tcptest.Receive(t, done).err, os.ErrDeadlineExceeded)
		if err := c.Reset(); !strings.Contains(err, "INTERNAL_ERROR") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fill writes until a Write fails.
func fill(conn net.Conn) error {
	p := make([]byte, 64<<10)
	for {
		if _, err := conn.Write(p); err != nil {
			return err
		}
	}
}

// Close wakes each Read or Write that waits, and later calls fail.
func TestStreamClose(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(net.Conn) error{
		"Read":  func(conn net.Conn) error { _, err := conn.Read(make([]byte, 1)); return err },
		"Write": fill,
	} {
		errs := make(chan error, 3)
		s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
			var group tcptest.Group
			for range 2 {
				group.Go(func() { errs <- wait(conn) })
			}
			timer := time.AfterFunc(20*time.Millisecond, func() { errs <- conn.Close() })
			group.Wait()
			timer.Stop()
			checkClosed(t, conn)
		}))
		c := s.connect()
		var closed int
		for range 3 {
			if err := tcptest.Receive(t, errs); err == net.ErrClosed {
				closed++
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		equal(t, name, closed, 2)
		if name == "Read" {
			equal(t, name, c.Rest(), "")
		} else {
			c.Reset()
		}
	}
}

// checkClosed checks that conn is closed in every respect.
func checkClosed(t *testing.T, conn net.Conn) {
	for name, use := range map[string]func() error{
		"Read":             func() error { _, err := conn.Read(make([]byte, 1)); return err },
		"Read nothing":     func() error { _, err := conn.Read(nil); return err },
		"Write":            func() error { _, err := conn.Write([]byte("x")); return err },
		"Write nothing":    func() error { _, err := conn.Write(nil); return err },
		"SetDeadline":      func() error { return conn.SetDeadline(time.Unix(1, 0)) },
		"SetReadDeadline":  func() error { return conn.SetReadDeadline(time.Unix(1, 0)) },
		"SetWriteDeadline": func() error { return conn.SetWriteDeadline(time.Unix(1, 0)) },
		"Close":            conn.Close,
	} {
		if err := use(); err != net.ErrClosed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if conn.LocalAddr().String() == "" || conn.RemoteAddr().String() == "" {
		t.Error("no address")
	}
}

// A goroutine that still uses the stream when the protocol has returned gets
// net.ErrClosed. It never reaches the buffers of another stream, in any order of events.
func TestStreamAfterReturn(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{0, time.Millisecond, time.Hour} {
		var users tcptest.Group
		conns := make(chan net.Conn, 1)
		s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
			started := make(chan struct{}, 3)
			use := func(again func() error) {
				users.Go(func() {
					started <- struct{}{}
					for again() != net.ErrClosed {
						runtime.Gosched() // so that the handler gets its turn on a busy machine
					}
				})
			}
			if deadline > 0 {
				use(func() error { return conn.SetDeadline(time.Now().Add(deadline)) })
			} else {
				use(func() error { return conn.SetDeadline(time.Time{}) })
			}
			use(func() error { _, err := conn.Read(make([]byte, 1)); return err })
			use(func() error { _, err := conn.Write([]byte("x")); return err })
			for range 3 {
				<-started
			}
			conns <- conn
		}))
		for range 5 {
			// A reset may come before the answer is read.
			r, w := io.Pipe()
			if c, err := s.Send(http.MethodConnect, "echo/1", r); err == nil {
				go io.Copy(io.Discard, c.Body)
			}
			conn := tcptest.Receive(t, conns)
			w.Close()
			users.Wait()
			checkClosed(t, conn)
		}
	}
}

// When the protocol returns, a waiting Write ends and does not hold up the handler.
func TestStreamReturnDuringWrite(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
		wrote := make(chan struct{})
		go func() {
			conn.Write([]byte("x"))
			close(wrote)
			failed <- fill(conn)
		}()
		<-wrote
	}))
	c := s.connect()
	checkError(t, "Write", tcptest.Receive(t, failed), net.ErrClosed)
	c.Body.Close()
}

// A reset by the client is an error, not an end, and cancels the request's context.
func TestStreamReset(t *testing.T) {
	t.Parallel()
	done := make(chan ran, 1)
	s := startH2(t, serving(func(conn net.Conn, r *http.Request) {
		_, err := io.Copy(io.Discard, conn)
		done <- ran{err, r.Context()}
	}))
	s.connect().Body.Close()
	got := tcptest.Receive(t, done)
	if got.err == nil || got.err == net.ErrClosed {
		t.Error(got.err)
	}
	tcptest.Receive(t, got.ctx.Done())
}

// The time-outs of the server are for requests, and do not end a protocol.
func TestStreamServerTimeouts(t *testing.T) {
	t.Parallel()
	const timeout = time.Second // TLS has to begin within it
	s := startH2(t, serving(serveEcho), func(server *http.Server) {
		server.ReadTimeout, server.WriteTimeout = timeout, timeout
	})
	c := s.connect()
	c.Read(len(hello("", nil)))
	after(time.Now().Add(timeout + timeout/2))
	c.Write("octets")
	c.Writer.Close()
	equal(t, "rest", c.Rest(), "octets")
}

// Many streams on one connection do not lose an octet.
func TestStreams(t *testing.T) {
	const streams, size = 200, 256 << 10
	s := startH2(t, serving(func(conn net.Conn, _ *http.Request) { io.Copy(conn, conn) }))
	s.connect().Body.Close() // the client knows how many streams it may have
	var group tcptest.Group
	for i := range streams {
		group.Go(func() {
			sent := make([]byte, size)
			rand.New(rand.NewSource(int64(i))).Read(sent)
			c, err := s.Send(http.MethodConnect, "echo/1", bytes.NewReader(sent))
			if err != nil {
				t.Error(err)
				return
			}
			sum := sha256.New()
			if n, err := io.Copy(sum, c.Body); n != size || err != nil {
				t.Errorf("stream %d: %d octets, %v", i, n, err)
			} else if want := sha256.Sum256(sent); !bytes.Equal(sum.Sum(nil), want[:]) {
				t.Errorf("stream %d: other octets", i)
			}
		})
	}
	group.Wait()
}

// Octets that the protocol has not read yet wait for it.
func TestStreamUnread(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	start := make(chan struct{})
	s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
		<-start
		n, err := io.Copy(io.Discard, conn)
		fmt.Fprint(conn, n, err)
	}))
	c := s.connect()
	go func() {
		p := make([]byte, 64<<10)
		for range size / len(p) {
			c.Writer.Write(p)
			select {
			case <-start:
			default:
				close(start)
			}
		}
		c.Writer.Close()
	}()
	equal(t, "rest", c.Rest(), fmt.Sprint(size, error(nil)))
}
