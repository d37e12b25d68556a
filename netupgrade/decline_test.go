package netupgrade_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// declining returns an Acceptor with that Decline.
func declining(decline func(*netupgrade.Request, error)) *netupgrade.Acceptor {
	a := echoing()
	a.Decline = decline
	return a
}

// once is a Listener with one connection. Its second Accept waits until that connection is
// closed.
type once struct {
	conn   chan net.Conn
	addr   net.Addr
	closed chan struct{}
	close  sync.Once
}

func (l *once) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conn:
		return &telling{conn, l}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *once) Close() error   { l.close.Do(func() { close(l.closed) }); return nil }
func (l *once) Addr() net.Addr { return l.addr }

// telling is a connection that closes its Listener when it is closed.
type telling struct {
	net.Conn
	l *once
}

func (c *telling) Close() error { c.l.Close(); return c.Conn.Close() }

// serveHTTP serves HTTP on one connection until it ends.
func serveHTTP(conn net.Conn, handler http.Handler) {
	l := &once{conn: make(chan net.Conn, 1), addr: conn.LocalAddr(), closed: make(chan struct{})}
	l.conn <- conn
	server := http.Server{Handler: handler}
	server.Serve(l)
	server.Close()
}

// A client that is declined loses nothing: its request is served as HTTP, and so are the
// next ones.
func TestUnreadAndServeHTTP(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %v", r.Method, r.URL.Path, content, err)
	})
	var serving tcptest.Group
	var s *server
	s = start(t, declining(func(r *netupgrade.Request, err error) {
		conn := r.Unread()
		if conn == nil {
			t.Error("there is no connection to take")
			return
		}
		s.find(r.Addr()).taken.Store(true)
		serving.Go(func() { serveHTTP(conn, handler) })
	}))
	t.Cleanup(serving.Wait)
	for i, m := range messages {
		message := strings.Replace(post(m.framing, m.content), "echo/1", "h2c", 1) + plain
		for cut := 0; cut <= len(message); cut += 7 {
			s.chop(tcptest.Limits{Cut: cut})
			c := s.dial()
			c.Send(message)
			for _, want := range []string{fmt.Sprintf("POST /post %q <nil>", m.content), `GET /plain "" <nil>`} {
				response, err := http.ReadResponse(c.Reader, nil)
				if err != nil {
					t.Fatalf("message %d at %d: %v", i, cut, err)
				}
				got, _ := io.ReadAll(response.Body)
				equal(t, "answer", string(got), want)
			}
			c.Send(plain)
			response, err := http.ReadResponse(c.Reader, nil)
			if err != nil {
				t.Fatalf("message %d at %d: %v", i, cut, err)
			}
			io.Copy(io.Discard, response.Body)
			c.Close()
		}
	}
	status, err := s.outcome(0)
	if status != 0 || !errors.Is(err, handshake.ErrNotSupported) {
		t.Errorf("%d, %v", status, err)
	}
}

// find returns the server's side of the connection from that address.
func (s *server) find(addr net.Addr) *serverConn {
	for _, c := range s.all() {
		if c.RemoteAddr().String() == addr.String() {
			return c
		}
	}
	s.t.Errorf("no connection from %v", addr)
	return &serverConn{}
}

// Every octet comes back unchanged, in any pieces, and also after the Request has ended.
func TestUnreadYieldsEveryOctet(t *testing.T) {
	t.Parallel()
	var taken net.Conn
	a := declining(func(r *netupgrade.Request, err error) { taken = r.Unread() })
	for _, request := range []string{
		plain,
		"\r\n" + "gET /a HTTP/1.0\r\nhOst:  a\t\r\nX:\xFF\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
		strings.Replace(post("chunked", "content"), "echo/1", "h2c", 1),
		strings.Replace(post("length", "content", "Expect: 100-continue"), "echo/1", "a b", 1),
	} {
		message := request + early + plain
		for cut := range len(message) + 1 {
			conn := &memory{pieces: []string{message[:cut], message[cut:]}}
			if _, err := a.Accept(conn); err == nil {
				t.Fatal("switched")
			}
			// Another request uses the buffer in between.
			ask(t, echoing(), offerEcho+strings.Repeat("x", 4000))
			got, err := io.ReadAll(taken)
			if string(got) != message || err != nil {
				t.Fatalf("at %d: %q, %v", cut, got, err)
			}
			if last := conn.deadlines[len(conn.deadlines)-1]; !last.IsZero() || conn.closed > 0 || len(conn.sent) > 0 {
				t.Fatalf("at %d: deadline %v, closed %d, sent %q", cut, last, conn.closed, conn.sent)
			}
			if taken.(netConner).NetConn() != conn {
				t.Fatal("NetConn is another connection")
			}
			if _, ok := taken.(closeWriter); ok {
				t.Fatal("it has a CloseWrite, and the connection below has none")
			}
		}
	}
}

func TestUnreadOfAConnectionWithCloseWrite(t *testing.T) {
	t.Parallel()
	got := make(chan net.Conn, 1)
	var s *server
	s = start(t, declining(func(r *netupgrade.Request, err error) {
		s.find(r.Addr()).taken.Store(true)
		got <- r.Unread()
	}))
	c := s.dial()
	c.Send(plain)
	conn := tcptest.Receive(t, got)
	defer conn.Close()
	w, ok := conn.(closeWriter)
	if !ok {
		t.Fatalf("%T has no CloseWrite", conn)
	}
	w.CloseWrite()
	equal(t, "rest", c.End(), "")
	all, err := io.ReadAll(conn)
	equal(t, "request", string(all), plain)
	equal(t, "error", err, nil)
}

func TestRespond(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method string
		status       int
		content      string
		fields       []handshake.Field
		want         string
	}{
		{"content", "GET", 200, "hello", []handshake.Field{{Name: "Content-Type", Value: "text/plain"}},
			"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"},
		{"nothing", "GET", 404, "", nil, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
		{"HEAD", "HEAD", 200, "hello", nil, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"},
		{"head", "head", 200, "hello", nil, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"},
		{"204", "GET", 204, "hello", nil, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"},
		{"304", "GET", 304, "hello", nil, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"},
		{"426", "GET", 426, "why", []handshake.Field{{Name: "upgrade", Value: "h2c, echo/1"}},
			"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nContent-Length: 3\r\nupgrade: h2c, echo/1\r\n\r\nwhy"},
		{"status without a name", "GET", 599, "", nil, "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, declining(func(r *netupgrade.Request, err error) {
				if err := r.Respond(test.status, []byte(test.content), test.fields...); err != nil {
					t.Errorf("Respond: %v", err)
				}
			}))
			got := s.ask(strings.Replace(plain, "GET", test.method, 1) + strings.Repeat(plain, 1000))
			equal(t, "sent", got, test.want)
			equal(t, "in one Write", s.conn(0).Written(), []string{test.want})
			status, _ := s.outcome(0)
			equal(t, "status", status, test.status)
		})
	}
}

// A response that cannot be sent is an error, and Decline may try again.
func TestRespondHostile(t *testing.T) {
	t.Parallel()
	for _, f := range hostileFields {
		if f.Name == "Upgrade" {
			continue // an advertisement
		}
		a := declining(func(r *netupgrade.Request, _ error) {
			err := r.Respond(200, []byte("Evil"), handshake.Field{Name: "X", Value: "y"}, f)
			var bad *handshake.ResponseError
			if !errors.As(err, &bad) || bad.Index != 1 {
				t.Errorf("%q: %v", f, err)
			}
			if err := r.Respond(403, nil); err != nil {
				t.Errorf("%q: then %v", f, err)
			}
		})
		got, _ := ask(t, a, plain)
		refused(t, got, 403)
		noTrace(t, got)
	}
	for _, status := range []int{-1, 0, 99, 100, 101, 199, 600, 1000, 2000000} {
		a := declining(func(r *netupgrade.Request, _ error) {
			if err := r.Respond(status, nil); err == nil {
				t.Errorf("status %d was sent", status)
			}
		})
		if got, err := ask(t, a, plain); got != "" || err == nil {
			t.Errorf("status %d: sent %q, %v", status, got, err)
		}
	}
	a := declining(func(r *netupgrade.Request, _ error) {
		if err := r.Respond(426, nil); err == nil {
			t.Error("426 without a protocol was sent")
		}
	})
	if got, _ := ask(t, a, plain); got != "" {
		t.Errorf("sent %q", got)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	a := declining(func(r *netupgrade.Request, err error) {
		if err := r.Refuse(chat, echo); err != nil {
			t.Errorf("Refuse: %v", err)
		}
	})
	got, err := ask(t, a, plain)
	equal(t, "sent", got, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: chat, echo/1\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n")
	var failed *netupgrade.Error
	if !errors.As(err, &failed) || failed.Status != 426 || !errors.Is(err, handshake.ErrNoUpgrade) {
		t.Errorf("error %v", err)
	}
}

// If Decline neither answers nor takes the connection, the client is not kept waiting.
func TestDeclineDoesNothing(t *testing.T) {
	t.Parallel()
	calls := 0
	s := start(t, declining(func(r *netupgrade.Request, err error) { calls++ }))
	equal(t, "answer", s.ask(offer("h2c")), "")
	status, err := s.outcome(0)
	if status != 0 || !errors.Is(err, handshake.ErrNotSupported) || calls != 1 {
		t.Errorf("%d, %v, %d calls", status, err, calls)
	}
}

// The server has no choice about malformed requests.
func TestDeclineIsNotCalledForMalformedRequests(t *testing.T) {
	t.Parallel()
	a := declining(func(*netupgrade.Request, error) { t.Error("called") })
	for _, attack := range attacks() {
		got, _ := ask(t, a, attack.request)
		refused(t, got, attack.status)
	}
	_, malformed := codedContent(t)
	for _, body := range malformed {
		got, _ := ask(t, a, chunkedPost(body))
		refused(t, got, 400)
	}
}

func TestAnsweringTwice(t *testing.T) {
	t.Parallel()
	answers := map[string]func(*netupgrade.Request) bool{
		"Respond": func(r *netupgrade.Request) bool { return r.Respond(403, nil) == nil },
		"Refuse":  func(r *netupgrade.Request) bool { return r.Refuse(echo) == nil },
		"Unread":  func(r *netupgrade.Request) bool { return r.Unread() != nil },
	}
	for first := range answers {
		for second := range answers {
			a := declining(func(r *netupgrade.Request, _ error) {
				if !answers[first](r) {
					t.Errorf("%s does not work", first)
				}
				if answers[second](r) {
					t.Errorf("%s works after %s", second, first)
				}
			})
			conn := &memory{pieces: []string{plain}}
			_, err := a.Accept(conn)
			var failed *netupgrade.Error
			errors.As(err, &failed)
			want := map[string]int{"Respond": 403, "Refuse": 426, "Unread": 0}[first]
			if failed.Status != want || (len(conn.sent) == 0) != (want == 0) || (conn.closed == 0) != (want == 0) || len(conn.sent) > 1 {
				t.Errorf("%s, %s: %v, sent %q, closed %d times", first, second, err, conn.sent, conn.closed)
			}
		}
	}
}

// A server may log a request after it has refused it.
func TestRequestIsValidAfterTheAnswer(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	s := start(t, declining(func(r *netupgrade.Request, _ error) {
		r.Respond(403, nil)
		got <- fmt.Sprintf("%s %s %s %q from %v", r.Method, r.Target, r.Host, r.Lines(nil, "X"), r.Addr())
	}))
	c := s.dial()
	c.Send("GET /target HTTP/1.1\r\nHost: test\r\nX: y\r\n\r\n")
	c.Head()
	c.Send(strings.Repeat("overwritten ", 1000))
	c.CloseWrite()
	equal(t, "request", tcptest.Receive(t, got), fmt.Sprintf(`GET /target test ["y"] from %v`, c.LocalAddr()))
}

// An answer that could not be written is not reported as an answer.
func TestWriteOfARefusalFails(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func([]byte) (int, error){
		"nothing":        func([]byte) (int, error) { return 0, errTest },
		"half":           func(p []byte) (int, error) { return len(p) / 2, errTest },
		"half, no error": func(p []byte) (int, error) { return len(p) / 2, nil },
	} {
		for _, request := range []string{plain, "GET / HTTP/2.0\r\n", offering("Content-Length: x")} {
			conn := &memory{pieces: []string{request}, write: write}
			_, err := echoing().Accept(conn)
			var failed *netupgrade.Error
			if !errors.As(err, &failed) || failed.Status != 0 {
				t.Errorf("%s: %v", name, err)
			}
			if len(conn.sent) != 1 || conn.closed != 1 {
				t.Errorf("%s: sent %q, closed %d times", name, conn.sent, conn.closed)
			}
		}
	}
}

// A connection without CloseWrite also gets its answer, and is closed at once.
func TestAnswerWithoutCloseWrite(t *testing.T) {
	t.Parallel()
	s := start(t, echoing(), hideCloseWrite)
	for range 20 {
		c := s.dial()
		c.Send("GET / HTTP/2.0\r\nHost: test\r\n\r\n")
		before := time.Now()
		r := bufio.NewReader(c)
		response, err := http.ReadResponse(r, nil)
		if err != nil || response.StatusCode != 505 {
			t.Fatalf("%v, %v", response, err)
		}
		if took := time.Since(before); took > patience/2 {
			t.Errorf("took %v", took)
		}
		c.Close()
	}
}
