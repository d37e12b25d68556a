package netupgrade_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

func TestContentIsReadBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	long := strings.Repeat("content ", 1<<15)
	for i, content := range []string{"x", "content", "0\r\n\r\n", offerEcho, long[:4096], long[:64<<10], long[:64<<10+1], long} {
		for _, framing := range []string{"length", "chunked"} {
			c := s.dial()
			go func() {
				c.Send(post(framing, content) + early)
				c.CloseWrite()
			}()
			if got, want := c.End(), echoHead+hello(content)+early; got != want {
				t.Errorf("content %d, framing %s: got %.200q...", i, framing, got)
			}
		}
	}
}

// limited returns an Acceptor with that MaxBody.
func limited(maxBody int64) *netupgrade.Acceptor {
	a := echoing()
	a.MaxBody = maxBody
	return a
}

func TestContentLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		maxBody int64
		size    int
		ok      bool
	}{
		{"below the limit", 10, 9, true},
		{"at the limit", 10, 10, true},
		{"over the limit", 10, 11, false},
		{"at the limit of one", 1, 1, true},
		{"over the limit of one", 1, 2, false},
		{"none allowed, none sent", -1, 0, true},
		{"none allowed", -1, 1, false},
		{"none allowed by the least number", math.MinInt64, 1, false},
		{"no limit", math.MaxInt64, 10, true},
		{"no limit, long", math.MaxInt64, 1 << 20, true},
		{"default", 0, 1, true},
		{"at the default", 0, netupgrade.DefaultMaxBody, true},
		{"over the default", 0, netupgrade.DefaultMaxBody + 1, false},
	} {
		for _, framing := range []string{"length", "chunked"} {
			t.Run(test.name+"/"+framing, func(t *testing.T) {
				t.Parallel()
				s := start(t, limited(test.maxBody))
				content := strings.Repeat("c", test.size)
				c := s.dial()
				go func() {
					// The server may close before it has read all.
					io.WriteString(c.TCPConn, post(framing, content)+"early")
					c.CloseWrite()
				}()
				if test.ok {
					if got, want := c.End(), echoHead+hello(content)+"early"; got != want {
						t.Errorf("got %.300q, want %.300q", got, want)
					}
					return
				}
				refused(t, c.End(), 413)
				status, _ := s.outcome(0)
				equal(t, "status", status, 413)
			})
		}
	}
}

// If a length or the size of a chunk is too large, the content is refused before it comes,
// and without a 100 (Continue).
func TestTooMuchContentIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	head := func(lines ...string) string {
		return "POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" + joined(lines) + "\r\n"
	}
	for _, length := range []string{"11", "0011", "9223372036854775807"} {
		for _, expect := range []string{"X: y", "Expect: 100-continue"} {
			s := start(t, limited(10))
			refused(t, s.ask(head("Content-Length: "+length, expect)), 413)
		}
	}
	for _, chunks := range []string{"b\r\n", "b", "000b", "7fffffffffffffff", "ffffffffffffffff", "10000000000000000", "5\r\nhello\r\n6\r\n"} {
		s := start(t, limited(10))
		refused(t, s.ask(head("Transfer-Encoding: chunked")+chunks), 413)
	}
	for _, chunks := range []string{"8000000000000000\r\n", "10000000000000000\r\n", "fffffffffffffffffffffffff\r\n", "1\r\nx\r\n7fffffffffffffff\r\n"} {
		s := start(t, limited(math.MaxInt64))
		refused(t, s.ask(head("Transfer-Encoding: chunked")+chunks), 413)
	}
}

// The defaults have the documented values.
func TestDefaults(t *testing.T) {
	t.Parallel()
	equal(t, "DefaultMaxBody", netupgrade.DefaultMaxBody, 2_097_152)
	equal(t, "DefaultTimeout", netupgrade.DefaultTimeout.String(), "10s")
}

// A large declared length costs a client nothing, and must not cost the server memory.
func TestHugeLengthCostsNothing(t *testing.T) {
	for _, framing := range []string{
		fmt.Sprintf("Content-Length: %d\r\n\r\n", math.MaxInt),
		fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", math.MaxInt),
	} {
		request := "POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" + framing + "content"
		conn := &memory{pieces: []string{request}}
		before := allocated()
		_, err := limited(math.MaxInt64).Accept(conn)
		if used := allocated() - before; used > 1<<20 {
			t.Errorf("%q: %d bytes allocated", framing, used)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(conn.sent) > 0 || conn.closed != 1 {
			t.Errorf("%q: %v, sent %q, closed %d times", framing, err, conn.sent, conn.closed)
		}
	}
}

// chunkedPost returns an offer with that content in the chunked coding.
func chunkedPost(body string) string {
	return "POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nTransfer-Encoding: chunked\r\n\r\n" + body
}

// codedContent returns the cases of package chunked: bodies with their content, and
// malformed bodies. It adds malformed bodies without an end.
func codedContent(tb testing.TB) (wellFormed map[string][2]string, malformed map[string]string) {
	tb.Helper()
	wellFormed = make(map[string][2]string)
	malformed = map[string]string{
		"endless zeros":     strings.Repeat("0", 80<<10),
		"endless extension": "1;a=" + strings.Repeat("x", 80<<10),
		"endless trailers":  "0\r\n" + strings.Repeat("A:\r\n", 20<<10),
	}
	for _, c := range corpus.Read[corpus.Chunked](tb, "../chunked/testdata", "chunked.json") {
		switch c.Error {
		case "":
			wellFormed[c.Name] = [2]string{string(c.Octets), string(*c.Content)}
		case "ErrTooLarge": // tested separately
		default:
			malformed[c.Name] = string(c.Octets)
		}
	}
	return wellFormed, malformed
}

func TestChunksAtEverySplit(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	acceptor := echoing()
	wellFormed, _ := codedContent(t)
	for name, test := range wellFormed {
		body, content := test[0], test[1]
		message := chunkedPost(body) + early
		equal(t, name, s.exchange(message), echoHead+hello(content)+early)
		for cut := len(chunkedPost("")) - 1; cut <= len(message); cut++ {
			for _, cut2 := range []int{cut, cut + 1, cut + 2, len(message) - len(early)} {
				cut2 = max(cut, min(cut2, len(message)))
				conn := &memory{pieces: []string{message[:cut], message[cut:cut2], message[cut2:]}}
				accepted, err := acceptor.Accept(conn)
				if err != nil {
					t.Fatalf("%s at %d: %v", name, cut, err)
				}
				rest, _ := io.ReadAll(accepted.Conn)
				if string(rest) != early || string(accepted.Content) != content {
					t.Fatalf("%s at %d: content %q, early %q", name, cut, accepted.Content, rest)
				}
			}
		}
	}
}

func TestMalformedChunks(t *testing.T) {
	t.Parallel()
	_, malformed := codedContent(t)
	for name, body := range malformed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoing())
			request := chunkedPost(body)
			refused(t, s.ask(request), 400)
			status, err := s.outcome(0)
			equal(t, "status", status, 400)
			refused(t, s.ask(request+strings.Repeat(plain, 1000)), 400)
			if len(body) > 1000 {
				return
			}
			acceptor := echoing()
			for cut := len(chunkedPost("")); cut <= len(request); cut++ {
				conn := &memory{pieces: []string{request[:cut], request[cut:]}}
				_, splitErr := acceptor.Accept(conn)
				var fault *chunked.Error
				if splitErr == nil || splitErr.Error() != err.Error() || !errors.As(splitErr, &fault) {
					t.Fatalf("at %d: %v, want %v", cut, splitErr, err)
				}
				if len(conn.sent) != 1 || conn.closed != 1 {
					t.Fatalf("at %d: sent %q, closed %d times", cut, conn.sent, conn.closed)
				}
				refused(t, conn.sent[0], 400)
			}
		})
	}
}

// Some clients send each byte in a separate chunk. No byte may be lost.
func TestManySmallChunks(t *testing.T) {
	t.Parallel()
	s := start(t, limited(1<<20))
	content := strings.Repeat("0123456789", 10_000)
	for _, size := range []int{1, 2, 3} {
		var body strings.Builder
		for rest := content; rest != ""; {
			n := min(size, len(rest))
			fmt.Fprintf(&body, "%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		c := s.dial()
		go func() {
			io.WriteString(c.TCPConn, chunkedPost(body.String()+"0\r\n\r\n")+early)
			c.CloseWrite()
		}()
		if got, want := c.End(), echoHead+hello(content)+early; got != want {
			t.Errorf("chunks of %d: got %d bytes, want %d: %.100q", size, len(got), len(want), got)
		}
	}
}

// A client that waits for a 100 (Continue) gets it once, before the 101, each in a separate
// Write. So does a client that asks for one but does not wait.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	conns := 0
	for _, framing := range []string{"length", "chunked"} {
		message := post(framing, "content", "Expect: 100-Continue")
		head, content, _ := strings.Cut(message, "\r\n\r\n")
		c := s.dial()
		c.Send(head + "\r\n\r\n")
		equal(t, "first", c.Head(), goAhead)
		c.Send(content)
		equal(t, "second", c.Head(), echoHead)
		c.Send("late")
		c.CloseWrite()
		equal(t, "rest", c.End(), hello("content")+"late")
		equal(t, "Writes", s.conn(conns).Written()[:2], []string{goAhead, echoHead})
		conns++

		for cut := len(head); cut <= len(message); cut++ {
			s.chop(tcptest.Limits{Cut: cut})
			equal(t, "not waited", s.exchange(message+early), goAhead+echoHead+hello("content")+early)
			conns++
		}
		s.chop(tcptest.Limits{})
	}
	// Without content there is nothing to wait for.
	for _, framing := range []string{"none", "length"} {
		equal(t, "no content", s.exchange(post(framing, "", "Expect: 100-continue")), echoHead+hello(""))
	}
}

// A client that is declined is not asked for content: a 100 would promise to read it.
func TestNoContinueWithoutASwitch(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, framing := range []string{"length", "chunked"} {
		head, _, _ := strings.Cut(post(framing, "content", "Expect: 100-continue"), "\r\n\r\n")
		got := s.ask(strings.Replace(head, "echo/1", "h2c", 1) + "\r\n\r\n")
		refused(t, got, 426)
	}
}

// All is decided before the content is read, so a client can be declined before it sends
// content.
func TestPolicyIsAskedBeforeTheContent(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo, Allow: func(*netupgrade.Request) bool {
		asked <- struct{}{}
		return false
	}}}}
	s := start(t, a)
	head, _, _ := strings.Cut(post("length", "content"), "\r\n\r\n")
	c := s.dial()
	c.Send(head + "\r\n\r\n")
	tcptest.Receive(t, asked)
	refused(t, c.End(), 426)
}

// Content that comes slowly does not include the early bytes after it.
func TestSlowContent(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for n, framing := range []string{"length", "chunked"} {
		message := post(framing, "content")
		c := s.dial()
		for i := 0; i < len(message); {
			end := min(i+40, len(message))
			c.Send(message[i:end])
			if !tcptest.Eventually(func() bool { return s.conn(n).Received() == int64(end) }) {
				t.Fatalf("%d bytes were received, %d sent", s.conn(n).Received(), end)
			}
			i = end
		}
		c.Send(early)
		c.CloseWrite()
		equal(t, framing, c.End(), echoHead+hello("content")+early)
	}
}

// oddReader is a memory whose Read does the odd things that an io.Reader may: it returns no
// bytes and no error, or bytes with an error.
type oddReader struct {
	memory
	idle bool // whether the last Read returned nothing
}

func (c *oddReader) Read(p []byte) (int, error) {
	if c.idle = !c.idle; c.idle {
		return 0, nil
	}
	n, err := c.memory.Read(p)
	if err == nil && len(c.pieces) == 1 && c.pieces[0] == "" {
		err = io.EOF
	}
	return n, err
}

// Bytes that come with an error still count as content, and the error comes after them.
func TestContentFromOddReads(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("content ", 1<<10)
	for _, framing := range []string{"length", "chunked"} {
		for _, content := range []string{"x", "content", long} {
			message := post(framing, content)
			for _, size := range []int{1, 7, len(message)} {
				for _, missing := range []int{0, 1, 2} {
					c := new(oddReader)
					for rest := message[:len(message)-missing]; rest != ""; {
						n := min(size, len(rest))
						c.pieces, rest = append(c.pieces, rest[:n]), rest[n:]
					}
					accepted, err := echoing().Accept(c)
					if missing > 0 {
						if !errors.Is(err, io.ErrUnexpectedEOF) || c.closed != 1 || len(c.sent) > 0 {
							t.Errorf("%s, %d bytes missing: %v, sent %q", framing, missing, err, c.sent)
						}
						continue
					}
					if err != nil || string(accepted.Content) != content {
						t.Errorf("%s, in pieces of %d: content %.20q, %v", framing, size, accepted.Content, err)
						continue
					}
					if rest, err := io.ReadAll(accepted.Conn); len(rest) > 0 || err != nil {
						t.Errorf("%s: %q follows, %v", framing, rest, err)
					}
				}
			}
		}
	}
}

// A head of about the size of the buffer leaves it little room for content, or no room.
func TestContentAfterAHeadThatFillsTheBuffer(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"length", "chunked"} {
		for size := 4<<10 - 20; size < 4<<10+20; size++ {
			message := post(framing, "content", "X: ")
			head := strings.Index(message, "\r\n\r\n") + 4
			message = post(framing, "content", "X: "+strings.Repeat("x", size-head))
			conn := &memory{pieces: []string{message[:size], message[size:]}}
			accepted, err := echoing().Accept(conn)
			if err != nil || string(accepted.Content) != "content" {
				t.Errorf("%s, head of %d bytes: %q, %v", framing, size, accepted.Content, err)
			}
		}
	}
}
