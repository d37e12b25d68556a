package fasthttpupgrade_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// switching returns a handler that switches to echo/1 whatever comes.
func switching(t *testing.T, serve func(net.Conn)) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if err := fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, serve); err != nil {
			t.Error(err)
		}
	}
}

type closeWriter interface{ CloseWrite() error }

func TestCloseWrite(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: switching(t, func(conn net.Conn) {
		io.WriteString(conn, "first")
		if err := conn.(closeWriter).CloseWrite(); err != nil {
			t.Error(err)
		}
		if rest, err := io.ReadAll(conn); string(rest) != "early then more" || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		conn.Close()
		if err := conn.(closeWriter).CloseWrite(); err != net.ErrClosed {
			t.Error(err)
		}
	})})
	conn := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\nearly")
	mustRead(t, conn.Reader, echo101+"first")
	mustEnd(t, conn.Reader)
	io.WriteString(conn, " then more")
	conn.CloseWrite()
}

// pipeConn is a connection without CloseWrite, whose writes can fail.
type pipeConn struct {
	net.Conn
	fail error
	mu   sync.Mutex
	sent [][]byte
}

func (c *pipeConn) Write(p []byte) (int, error) {
	if c.fail != nil {
		return 0, c.fail
	}
	c.mu.Lock()
	c.sent = append(c.sent, bytes.Clone(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// fasthttp writes nothing, and we write once; and the connection is closed, whoever is
// to do it.
func TestOneWrite(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			theirs.SetDeadline(time.Now().Add(tcptest.Patience))
			conn := &pipeConn{Conn: ours}
			served := make(chan struct{})
			server := newServer(kind, switching(t, func(conn net.Conn) {
				if _, ok := conn.(closeWriter); ok {
					t.Error("CloseWrite out of nowhere")
				}
				close(served)
			}))
			go server.ServeConn(conn)
			go io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\n")
			mustRead(t, theirs, echo101)
			mustEnd(t, theirs)
			<-served
			conn.mu.Lock()
			defer conn.mu.Unlock()
			if len(conn.sent) != 1 || string(conn.sent[0]) != echo101 {
				t.Errorf("%q", conn.sent)
			}
		})
	}
}

func TestWriteFails(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	broken := errors.New("broken")
	failed := make(chan error, 1)
	server := &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Serve:   func(net.Conn, *fasthttp.Request) { t.Error("served") },
		}},
		Error: func(_ net.Addr, err error) { failed <- err },
	}.Handle}
	go server.ServeConn(&pipeConn{Conn: ours, fail: broken})
	go io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	var write *fasthttpupgrade.WriteError
	if err := <-failed; !errors.As(err, &write) || !errors.Is(err, broken) {
		t.Error(err)
	}
	mustEnd(t, theirs)
}

// Close ends what goes on, and the client sees it although serve has not returned.
func TestClose(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			returns := make(chan struct{})
			done := make(chan struct{})
			address := listen(t, newServer(kind, switching(t, func(conn net.Conn) {
				defer close(done)
				ended := make(chan error)
				go func() {
					_, err := io.Copy(io.Discard, conn)
					ended <- err
				}()
				time.Sleep(10 * time.Millisecond)
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
				if err := <-ended; err != net.ErrClosed {
					t.Errorf("Read: %v", err)
				}
				mustBeClosed(t, conn)
				<-returns
			})))
			conn := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\nearly")
			mustRead(t, conn.Reader, echo101)
			if kind == "limit per client" {
				close(returns) // its connections have no CloseWrite
				mustEnd(t, conn.Reader)
				<-done
				return
			}
			mustEnd(t, conn.Reader)
			close(returns)
			<-done
		})
	}
}

func mustBeClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	_, read := conn.Read(make([]byte, 1))
	_, write := conn.Write([]byte("x"))
	for name, err := range map[string]error{
		"Read":             read,
		"Write":            write,
		"Close":            conn.Close(),
		"SetDeadline":      conn.SetDeadline(time.Time{}),
		"SetReadDeadline":  conn.SetReadDeadline(time.Time{}),
		"SetWriteDeadline": conn.SetWriteDeadline(time.Time{}),
	} {
		if err != net.ErrClosed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if conn.LocalAddr() == nil || conn.RemoteAddr() == nil {
		t.Error("no address")
	}
}

// Whoever still holds a connection when its serve has returned cannot touch the next
// one, for which fasthttp uses the same parts.
func TestConnKept(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			kept := make(chan net.Conn, 1)
			reading := make(chan error, 1)
			address := listen(t, newServer(kind, func(ctx *fasthttp.RequestCtx) {
				serve := func(conn net.Conn) {
					go func() {
						_, err := conn.Read(make([]byte, 100))
						reading <- err
					}()
					time.Sleep(10 * time.Millisecond)
					kept <- conn
				}
				if string(ctx.Path()) == "/echo" {
					serve = func(conn net.Conn) { io.Copy(conn, conn) }
				}
				switching(t, serve)(ctx)
			}))
			for range 10 {
				first := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
				mustRead(t, first.Reader, echo101)
				mustEnd(t, first.Reader)
				if err := <-reading; err != net.ErrClosed {
					t.Errorf("Read: %v", err)
				}
				second := dial(t, address, "GET /echo HTTP/1.1\r\n"+offer+"\r\nearly")
				mustRead(t, second.Reader, echo101+"early")
				mustBeClosed(t, <-kept)
				mustEcho(t, second)
			}
		})
	}
}

// As net.Conn asks, all may be called at once.
func TestConnConcurrently(t *testing.T) {
	address := listen(t, &fasthttp.Server{MaxConnsPerIP: 1000, Handler: switching(t, func(conn net.Conn) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { io.Copy(io.Discard, conn) })
			all.Go(func() { io.Copy(conn, zeros{}) })
			all.Go(func() {
				for conn.SetDeadline(time.Now().Add(tcptest.Patience)) == nil {
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		for range 4 {
			all.Go(func() { conn.Close() })
		}
		all.Wait()
	})})
	for range 4 {
		conn := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
		go io.Copy(conn, zeros{})
		mustRead(t, conn.Reader, echo101)
		io.Copy(io.Discard, conn)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Every byte arrives, once, in both directions.
func TestManyBytes(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	conn := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n"+string(sent[:3000]))
	go func() {
		conn.Write(sent[3000:])
		conn.CloseWrite()
	}()
	mustRead(t, conn.Reader, echo101)
	if got, err := io.ReadAll(conn.Reader); !bytes.Equal(got, sent) || err != nil {
		t.Errorf("sent %d bytes, got %d, %v", len(sent), len(got), err)
	}
}

// A server that was shut down has switched connections left.
func TestShutdown(t *testing.T) {
	server := &fasthttp.Server{Handler: echoHandler(t)}
	address := listen(t, server)
	conn := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	mustRead(t, conn.Reader, echo101)
	if err := server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	mustEcho(t, conn)
}
