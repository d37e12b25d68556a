package serve

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The raw server closes the connection after each request that it refuses itself.
func TestRawRefused(t *testing.T) {
	address, log := serveHere(t, "--raw")
	for name, test := range map[string]struct{ send, want string }{
		"space before colon":      {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade : websocket\r\n\r\n", "400"},
		"folded line":             {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade:\r\n echo/1\r\n\r\n", "400"},
		"LF alone":                {"GET / HTTP/1.1\r\nHost: x\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n", "400"},
		"CR alone":                {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo/1\rX: y\r\n\r\n", "400"},
		"NUL":                     {"GET / HTTP/1.1\r\n" + offerEcho + "X: \x00\r\n\r\n", "400"},
		"no Host":                 {"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n", "400"},
		"length and coding":       {"POST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"two lengths":             {"POST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody", "400"},
		"malformed chunk":         {"POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: chunked\r\n\r\nx\r\n", "400"},
		"not HTTP":                {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", "400"},
		"unknown expectation":     {"POST / HTTP/1.1\r\n" + offerEcho + "Expect: more\r\n\r\n", "417"},
		"unknown coding":          {"POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: gzip\r\n\r\n", "501"},
		"CONNECT":                 {"CONNECT x:1 HTTP/1.1\r\n" + offerEcho + "\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "501"},
		"CONNECT without offer":   {"CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "501"},
		"HTTP/2":                  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
		"long head":               {"GET / HTTP/1.1\r\n" + offerEcho + "X: " + strings.Repeat("x", maxHeader) + "\r\n\r\n", "431"},
		"endless head":            {"GET / HTTP/1.1\r\n" + strings.Repeat("X:\r\n", 101), "431"},
		"long target":             {"GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\n" + offerEcho + "\r\n", "414"},
		"length beyond limit":     {"POST / HTTP/1.1\r\n" + offerEcho + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", "413"},
		"chunk beyond limit":      {"POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: chunked\r\n\r\n99999999\r\n", "413"},
		"WebSocket without key":   {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", "400"},
		"control in the protocol": {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\x0b\r\nUpgrade: echo/1\r\n\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, address, test.send)
			all, err := io.ReadAll(conn)
			if head := "HTTP/1.1 " + test.want + " "; !bytes.HasPrefix(all, []byte(head)) || err != nil {
				t.Fatalf("%q, %v", all, err)
			}
			if bytes.Count(all, []byte("HTTP/1.1 ")) != 1 || !bytes.Contains(all, []byte("\r\nConnection: close\r\n")) {
				t.Errorf("%q", all)
			}
		})
	}
	log.mustLog(t, "no request: netupgrade: answered 400: head: offset ")
	log.mustLog(t, `CONNECT "x:1" offers "HTTP/2.0, echo/1": not switched: handshake: CONNECT cannot upgrade`)
	log.mustLog(t, `offers "HTTP/2.0, echo/1": failed: netupgrade: answered 413: `)
	mustBePrintable(t, log.String())
}

func TestRawByteByByte(t *testing.T) {
	address, _ := serveHere(t, "--raw")
	for name, request := range map[string]string{
		"no content": "GET / HTTP/1.1\r\n" + offerEcho + "\r\n",
		"length":     "POST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 7\r\n\r\ncontent",
		"chunks":     "POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\ncon\r\n4\r\ntent\r\n0\r\nX: y\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address, "")
			for _, b := range []byte(request + "echo") {
				conn.Write([]byte{b})
				time.Sleep(100 * time.Microsecond)
			}
			mustRead(t, conn, echo101+"echo")
			conn.CloseWrite()
			if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
				t.Errorf("then %q, %v", rest, err)
			}
		})
	}
}

// The server does not wait for a client that ends its side within or after the request.
func TestRawHalfClosed(t *testing.T) {
	address, log := serveHere(t, "--raw")
	for name, test := range map[string]struct{ send, want string }{
		"nothing":        {"", ""},
		"half a head":    {"GET / HTTP/1.1\r\nHost:", ""},
		"half a content": {"POST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 9\r\n\r\nnot all", ""},
		"after a switch": {"GET / HTTP/1.1\r\n" + offerEcho + "\r\nearly", echo101 + "early"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, address, test.send)
			conn.CloseWrite()
			if all, err := io.ReadAll(conn); string(all) != test.want || err != nil {
				t.Errorf("%q, %v", all, err)
			}
		})
	}
	conn := dial(t, address, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	conn.CloseWrite()
	mustRead(t, conn, "HTTP/1.1 200 OK\r\n")
	log.mustLog(t, "unexpected EOF")
}

// failingListener returns its errors one after the other, and accepts where the error is
// nil. After the last error, it always fails.
type failingListener struct {
	net.Listener
	fails []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.fails) == 0 {
		return nil, errors.New("broken")
	}
	fail := l.fails[0]
	l.fails = l.fails[1:]
	if fail == nil {
		return l.Listener.Accept()
	}
	return nil, fail
}

func TestRawAcceptErrors(t *testing.T) {
	listener := listen(t)
	passing := &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	log := new(lockedBuffer)
	s := New("http://"+listener.Addr().String(), log)
	s.Raw = true
	conn := dial(t, listener.Addr().String(), "GET / HTTP/1.1\r\n"+offerEcho+"\r\nx")
	err := s.Run(t.Context(), &failingListener{Listener: listener, fails: []error{passing, passing, nil}})
	if err == nil || err.Error() != "broken" {
		t.Errorf("run returned %v", err)
	}
	for _, pause := range []string{"5ms", "10ms"} {
		log.mustLog(t, "too many open files; trying again in "+pause)
	}
	// Served or not, it is closed by now.
	if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestLimit(t *testing.T) {
	tcp := listen(t)
	listener := limit(tcp, 1)
	accepted := make(chan net.Conn)
	ended := make(chan error)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	dial(t, tcp.Addr().String(), "1")
	dial(t, tcp.Addr().String(), "2")
	first := <-accepted
	if _, ok := first.(closeWriter); !ok {
		t.Error("no CloseWrite")
	}
	select {
	case <-accepted:
		t.Fatal("accepted two")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // counts once
	second := <-accepted
	mustRead(t, second, "2")
	dial(t, tcp.Addr().String(), "3")
	select {
	case <-accepted:
		t.Fatal("accepted two")
	case <-time.After(50 * time.Millisecond):
	}
	listener.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	second.Close()
}

func TestHandoverClosed(t *testing.T) {
	h := newHandover(&net.TCPAddr{})
	h.Close()
	h.Close()
	ours, theirs := net.Pipe()
	h.give(ours)
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("not closed: %v", err)
	}
	if _, err := h.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
