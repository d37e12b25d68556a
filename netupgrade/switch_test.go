package netupgrade_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

func TestSwitchAtEverySplit(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	conns := 0
	for _, m := range messages {
		message := post(m.framing, m.content) + early
		want := echoHead + hello(m.content) + early
		for cut := range len(message) + 1 {
			s.chop(tcptest.Limits{Cut: cut})
			equal(t, m.framing, s.exchange(message), want)
			equal(t, "first Write", s.conn(conns).Written()[0], echoHead)
			conns++
		}
	}
}

func TestSwitchOneByOne(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, m := range messages {
		message := post(m.framing, m.content) + early
		want := echoHead + hello(m.content) + early

		s.chop(tcptest.Limits{Step: 1})
		equal(t, "received one by one", s.exchange(message), want)

		s.chop(tcptest.Limits{})
		c := s.dial()
		c.Send(strings.Split(message, "")...)
		c.CloseWrite()
		equal(t, "sent one by one", c.End(), want)
	}
}

// In memory, pairs of splits are tried, with early bytes.
func TestSwitchAtEveryTwoSplits(t *testing.T) {
	t.Parallel()
	acceptor := echoing()
	for _, m := range messages {
		message := post(m.framing, m.content) + early
		for i := 0; i <= len(message); i += 3 {
			for j := i; j <= len(message); j++ {
				conn := &memory{pieces: []string{message[:i], message[i:j], message[j:]}}
				accepted, err := acceptor.Accept(conn)
				if err != nil {
					t.Fatalf("%s at %d, %d: %v", m.framing, i, j, err)
				}
				rest, _ := io.ReadAll(accepted.Conn)
				if string(rest) != early || string(accepted.Content) != m.content {
					t.Fatalf("%s at %d, %d: content %q, early %q", m.framing, i, j, accepted.Content, rest)
				}
				if len(conn.sent) != 1 || conn.sent[0] != echoHead || conn.closed > 0 {
					t.Fatalf("%s at %d, %d: sent %q, closed %d", m.framing, i, j, conn.sent, conn.closed)
				}
			}
		}
	}
}

// More bytes than any buffer holds, in both directions at once.
func TestLongEarlyBytes(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	long := make([]byte, 300_000)
	for i := range long {
		long[i] = byte(i ^ i>>8 ^ i>>16)
	}
	for _, n := range []int{1, 3900, 4000, 4094, 4095, 4096, 4097, 8192, 1 << 16, len(long)} {
		for _, m := range messages {
			c := s.dial()
			go func() {
				c.Send(post(m.framing, m.content) + string(long[:n]))
				c.CloseWrite()
			}()
			if got := c.End(); got != echoHead+hello(m.content)+string(long[:n]) {
				t.Errorf("%d early bytes, framing %s: %d bytes came back, or wrong ones", n, m.framing, len(got))
			}
		}
	}
}

// The head is about as long as a buffer, so its end and the early bytes are near the end
// of the buffer.
func TestHeadAboutTheSizeOfABuffer(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, size := range []int{4094, 4095, 4096, 4097, 8191, 8192, 8193, 64<<10 - 1, 64 << 10} {
		head := offering("X: " + strings.Repeat("x", size-len(offering("X: "))))
		equal(t, "length", len(head), size)
		equal(t, "exchange", s.exchange(head), echoHead+hello(""))
		equal(t, "exchange", s.exchange(head+early), echoHead+hello("")+early)
	}
}

func TestBothDirectionsAfterTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	c := s.dial()
	c.Send(offerEcho + "early")
	equal(t, "head", c.Head(), echoHead)
	equal(t, "early", c.Octets(len(hello(""))+5), hello("")+"early")
	for _, word := range []string{"one", "two", "three"} {
		c.Send(word)
		equal(t, "echo", c.Octets(len(word)), word)
	}
	c.CloseWrite()
	equal(t, "rest", c.End(), "")
}

// A client that has ended its side can still receive.
func TestHalfClosedClient(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, m := range messages {
		equal(t, m.framing, s.exchange(post(m.framing, m.content)), echoHead+hello(m.content))
	}
}

type closeWriter interface{ CloseWrite() error }

type netConner interface{ NetConn() net.Conn }

// accept returns what the Acceptor made of one message, the connection that it was given,
// and the client.
func accept(t *testing.T, message string, options ...func(*server)) (got netupgrade.Accepted, bare net.Conn, c *tcptest.Client) {
	t.Helper()
	accepted, stop := make(chan netupgrade.Accepted), make(chan struct{})
	var seen net.Conn
	options = append(options, serving(func(a netupgrade.Accepted) {
		accepted <- a
		<-stop
	}))
	s := start(t, echoing(), append(options, func(s *server) {
		wrap := s.wrap
		s.wrap = func(c *serverConn) net.Conn {
			seen = c
			if wrap != nil {
				seen = wrap(c)
			}
			return seen
		}
	})...)
	// This runs before the cleanup that waits for the server.
	t.Cleanup(func() { close(stop) })
	c = s.dial()
	c.Send(message)
	return tcptest.Receive(t, accepted), seen, c
}

func TestBareConnectionWithoutEarlyBytes(t *testing.T) {
	for _, m := range messages {
		for _, options := range [][]func(*server){nil, {hideCloseWrite}} {
			t.Run(m.framing, func(t *testing.T) {
				t.Parallel()
				got, bare, _ := accept(t, post(m.framing, m.content), options...)
				if got.Conn != bare {
					t.Errorf("%T, want the connection itself", got.Conn)
				}
			})
		}
	}
}

func TestNetConnWithEarlyBytes(t *testing.T) {
	for name, options := range map[string][]func(*server){"bare": nil, "hidden": {hideCloseWrite}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, bare, c := accept(t, offerEcho+"early", options...)
			_, canBare := bare.(closeWriter)
			if _, can := got.Conn.(closeWriter); can != canBare {
				t.Errorf("CloseWrite: %v, want %v", can, canBare)
			}
			conn, ok := got.Conn.(netConner)
			if !ok {
				t.Fatalf("%T has no NetConn", got.Conn)
			}
			p := make([]byte, 100)
			for left := "early"; left != ""; {
				if conn.NetConn() != nil {
					t.Fatalf("NetConn is not nil with %q unread", left)
				}
				n, err := got.Conn.Read(p[:2])
				if err != nil || n == 0 || string(p[:n]) != left[:n] {
					t.Fatalf("read %q, %v, want %q", p[:n], err, left)
				}
				left = left[n:]
			}
			if conn.NetConn() != bare {
				t.Error("NetConn is not the bare connection with all read")
			}
			c.Send("late")
			if n, err := io.ReadFull(got.Conn, p[:4]); err != nil || string(p[:n]) != "late" {
				t.Errorf("read %q, %v", p[:n], err)
			}
			equal(t, "answer", c.Octets(len(echoHead)), echoHead)
			if w, ok := got.Conn.(closeWriter); ok {
				if err := w.CloseWrite(); err != nil {
					t.Error(err)
				}
				if rest, err := io.ReadAll(c.Reader); len(rest) > 0 || err != nil {
					t.Errorf("after CloseWrite %q, %v", rest, err)
				}
				// The other direction is still open.
				c.Send("last")
				if n, err := io.ReadFull(got.Conn, p[:4]); err != nil || string(p[:n]) != "last" {
					t.Errorf("read %q, %v", p[:n], err)
				}
			}
		})
	}
}

func TestAddressesAfterTheSwitch(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", early} {
		got, bare, c := accept(t, offerEcho+early)
		if got.Conn.RemoteAddr() != bare.RemoteAddr() || got.Conn.RemoteAddr().String() != c.LocalAddr().String() {
			t.Errorf("remote address %v, want %v", got.Conn.RemoteAddr(), c.LocalAddr())
		}
	}
}

func TestDeadlineOfTheSwitch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ timeout, want time.Duration }{
		{0, netupgrade.DefaultTimeout},
		{time.Minute, time.Minute},
		{-1, 0},
	} {
		a := echoing()
		a.Timeout = test.timeout
		conn := &memory{pieces: []string{offerEcho}}
		before := time.Now()
		if _, err := a.Accept(conn); err != nil {
			t.Fatal(err)
		}
		if len(conn.deadlines) == 0 {
			t.Fatalf("timeout %v: the deadline is not cleared", test.timeout)
		}
		if last := conn.deadlines[len(conn.deadlines)-1]; !last.IsZero() {
			t.Errorf("timeout %v: the deadline stays at %v", test.timeout, last)
		}
		set := conn.deadlines[:len(conn.deadlines)-1]
		switch {
		case test.want == 0 && len(set) > 0:
			t.Errorf("timeout %v: deadlines %v", test.timeout, set)
		case test.want > 0 && (len(set) == 0 || set[0].Before(before.Add(test.want)) || set[0].After(time.Now().Add(test.want))):
			t.Errorf("timeout %v: deadlines %v from %v", test.timeout, set, before)
		}
	}
}

// After any part of the 101 the new protocol may have begun, so no HTTP follows it.
func TestWriteOfTheAnswerFails(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func([]byte) (int, error){
		"nothing":           func([]byte) (int, error) { return 0, errTest },
		"half":              func(p []byte) (int, error) { return len(p) / 2, errTest },
		"all":               func(p []byte) (int, error) { return len(p), errTest },
		"half, no error":    func(p []byte) (int, error) { return len(p) / 2, nil },
		"nothing, no error": func([]byte) (int, error) { return 0, nil },
	} {
		for _, m := range messages {
			for _, expect := range []string{"X: y", "Expect: 100-continue"} {
				conn := &memory{pieces: []string{post(m.framing, m.content, expect) + early}, write: write}
				accepted, err := echoing().Accept(conn)
				var failed *netupgrade.Error
				if !errors.As(err, &failed) || failed.Status != 0 || accepted.Conn != nil {
					t.Errorf("%s: %+v, %v", name, accepted, err)
				}
				if want := errTest; strings.Contains(name, "no error") {
					if !errors.Is(err, io.ErrShortWrite) {
						t.Errorf("%s: %v", name, err)
					}
				} else if !errors.Is(err, want) {
					t.Errorf("%s: %v", name, err)
				}
				if len(conn.sent) != 1 || conn.closed == 0 || conn.readAfter {
					t.Errorf("%s: sent %q, closed %d times", name, conn.sent, conn.closed)
				}
			}
		}
	}
}

func TestProductIsInTheServersSpelling(t *testing.T) {
	t.Parallel()
	conn := &memory{pieces: []string{strings.Replace(offerEcho, "echo/1", "h2c, ECHO/1", 1)}}
	accepted, err := echoing().Accept(conn)
	if err != nil || accepted.Product() != echo {
		t.Errorf("%v, %v", accepted.Product(), err)
	}
	equal(t, "sent", conn.sent, []string{echoHead})
}

func TestContentAndHeadOfASwitch(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		a := echoing()
		a.KeepHead = keep
		message := "\r\n" + post("chunked", "content", "X-One: \t1 ", "x-one: 2")
		conn := &memory{pieces: []string{message + early}}
		accepted, err := a.Accept(conn)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "content", string(accepted.Content), "content")
		if !keep {
			if accepted.Head != nil {
				t.Error("the head was not asked for")
			}
			continue
		}
		h := accepted.Head
		equal(t, "method", string(h.Method), "POST")
		equal(t, "target", string(h.Target), "/post")
		equal(t, "host", string(h.Host), "test")
		equal(t, "chunked", h.Chunked, true)
		equal(t, "X-One", string(bytes.Join(h.Lines(nil, "x-ONE"), []byte("|"))), "1|2")
		equal(t, "Upgrade", string(bytes.Join(h.Upgrade, []byte("|"))), "echo/1")
	}
	// No content and empty content are the same: both are nil.
	for _, framing := range []string{"none", "length", "chunked"} {
		accepted, err := echoing().Accept(&memory{pieces: []string{post(framing, "")}})
		if err != nil || accepted.Content != nil {
			t.Errorf("%s: content %q, %v", framing, accepted.Content, err)
		}
	}
}
