package fasthttpupgrade_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// switching returns a handler that switches every request to echo/1.
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

// fasthttp writes nothing, and we write once. Then the connection is closed, by fasthttp or
// by us.
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
					t.Error("CloseWrite, but the server's connection has none")
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
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t)}},
		Error:     func(_ net.Addr, err error) { failed <- err },
	}.Handle}
	go server.ServeConn(&pipeConn{Conn: ours, fail: broken})
	go io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	var write *fasthttpupgrade.WriteError
	if err := tcptest.Receive(t, failed); !errors.As(err, &write) || !errors.Is(err, broken) {
		t.Error(err)
	}
	mustEnd(t, theirs)
}

// watchedConn checks how it is used.
type watchedConn struct {
	net.Conn
	t *testing.T

	closed  atomic.Bool  // by fasthttp, which then reuses it
	reading atomic.Int32 // calls of Read
	setting atomic.Int32 // calls of SetDeadline and the like

	mu          sync.Mutex
	read, write time.Time         // the deadlines
	before      func(t time.Time) // called before a deadline is set
	written     func(p []byte)    // called before each Write
}

// use checks that c may be used, and returns a function that checks again after the use.
func (c *watchedConn) use() func() {
	if c.closed.Load() {
		c.t.Error("used after fasthttp closed it")
	}
	return func() {
		for range 100 {
			runtime.Gosched()
		}
		if c.closed.Load() {
			c.t.Error("in use when fasthttp closed it")
		}
	}
}

func (c *watchedConn) Read(p []byte) (int, error) {
	defer c.use()()
	if c.reading.Add(1) > 1 {
		c.t.Error("two Reads at once")
	}
	defer c.reading.Add(-1)
	runtime.Gosched()
	return c.Conn.Read(p)
}

func (c *watchedConn) Write(p []byte) (int, error) {
	defer c.use()()
	if c.written != nil {
		c.written(p)
	}
	return c.Conn.Write(p)
}

func (c *watchedConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

func (c *watchedConn) set(deadline time.Time, read, write bool) {
	if c.setting.Add(1) > 1 {
		c.t.Error("two deadlines at once")
	}
	defer c.setting.Add(-1)
	if c.before != nil {
		c.before(deadline)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if read {
		c.read = deadline
	}
	if write {
		c.write = deadline
	}
}

func (c *watchedConn) SetDeadline(t time.Time) error {
	c.set(t, true, true)
	return c.Conn.SetDeadline(t)
}

func (c *watchedConn) SetReadDeadline(t time.Time) error {
	c.set(t, true, false)
	return c.Conn.SetReadDeadline(t)
}

func (c *watchedConn) SetWriteDeadline(t time.Time) error {
	c.set(t, false, true)
	return c.Conn.SetWriteDeadline(t)
}

func (c *watchedConn) deadlines() (read, write time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read, c.write
}

// watchedPipe returns both sides of a connection. The server's side is watched.
func watchedPipe(t *testing.T) (*watchedConn, net.Conn) {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	theirs.SetDeadline(time.Now().Add(tcptest.Patience))
	watched := &watchedConn{Conn: ours, t: t}
	return watched, theirs
}

// The Write of the 101 has a deadline of 10 s, and the protocol has no deadlines.
func TestDeadlines(t *testing.T) {
	for name, server := range map[string]*fasthttp.Server{
		"none": {},
		"all":  {ReadTimeout: time.Hour, WriteTimeout: time.Hour, IdleTimeout: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			var watched *watchedConn
			served := make(chan struct{})
			server.Handler = switching(t, func(net.Conn) {
				defer close(served)
				if read, write := watched.deadlines(); !read.IsZero() || !write.IsZero() {
					t.Errorf("deadlines %v, %v", read, write)
				}
			})
			watched, theirs := watchedPipe(t)
			start := time.Now()
			watched.written = func(p []byte) {
				_, write := watched.deadlines()
				if latest := time.Now().Add(10 * time.Second); write.Before(start.Add(9*time.Second)) || write.After(latest) {
					t.Errorf("%v for the 101", write.Sub(start))
				}
			}
			go server.ServeConn(watched)
			go io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\n")
			mustRead(t, theirs, echo101)
			tcptest.Receive(t, served)
		})
	}
}

// All methods may be called at once, as net.Conn requires. After serve has returned, they use
// nothing of fasthttp's, even if a goroutine still calls them.
func TestConnConcurrently(t *testing.T) {
	for range 20 {
		var all tcptest.Group
		began := make(chan struct{})
		server := &fasthttp.Server{Handler: switching(t, func(conn net.Conn) {
			for range 4 {
				all.Go(func() {
					p := make([]byte, 10)
					for n := 0; ; {
						m, err := conn.Read(p)
						if n += m; err != nil {
							if err != net.ErrClosed {
								t.Errorf("Read: %v", err)
							}
							return
						}
					}
				})
				all.Go(func() {
					for {
						if _, err := conn.Write([]byte("some")); err != nil {
							if err != net.ErrClosed {
								t.Errorf("Write: %v", err)
							}
							return
						}
					}
				})
				all.Go(func() {
					for conn.SetDeadline(time.Now().Add(tcptest.Patience)) == nil && conn.SetReadDeadline(time.Time{}) == nil && conn.SetWriteDeadline(time.Time{}) == nil {
					}
				})
			}
			<-began
		})}
		watched, theirs := watchedPipe(t)
		done := make(chan error, 1)
		go func() { done <- server.ServeConn(watched) }()
		go func() {
			io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\n")
			io.Copy(theirs, zeros{})
		}()
		mustRead(t, theirs, echo101+"somesome")
		go io.Copy(io.Discard, theirs)
		close(began)
		all.Wait()
		tcptest.Receive(t, done)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// The deadline of Close, which ends a Read in progress, is the last one set.
func TestDeadlineAfterClose(t *testing.T) {
	var watched *watchedConn
	var once sync.Once
	server := &fasthttp.Server{Handler: switching(t, func(conn net.Conn) {
		var all tcptest.Group
		watched.before = func(deadline time.Time) {
			if deadline.Before(time.Now()) {
				return // that of Close
			}
			once.Do(func() {
				all.Go(func() { conn.Close() })
				for {
					if _, err := conn.Read(nil); err == net.ErrClosed {
						break // Close has begun
					}
					runtime.Gosched()
				}
				for range 1000 {
					runtime.Gosched()
				}
			})
		}
		conn.SetDeadline(time.Now().Add(time.Hour))
		all.Wait()
		if read, write := watched.deadlines(); read != time.Unix(1, 0) || write != time.Unix(1, 0) {
			t.Errorf("%v, %v after Close", read, write)
		}
	})}
	watched, theirs := watchedPipe(t)
	done := make(chan error, 1)
	go func() { done <- server.ServeConn(watched) }()
	go io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\nearly")
	mustRead(t, theirs, echo101)
	tcptest.Receive(t, done)
	mustEnd(t, theirs)
}

// Close ends calls in progress, and the client sees the end before serve has returned.
func TestClose(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			returns := make(chan struct{})
			done := make(chan struct{})
			address := listen(t, newServer(kind, switching(t, func(conn net.Conn) {
				defer close(done)
				mustRead(t, conn, "early")
				ended := make(chan error)
				go func() {
					_, err := conn.Read(make([]byte, 1))
					ended <- err
				}()
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

// A goroutine that still holds a connection after its serve has returned cannot touch the
// next connection, for which fasthttp reuses the parts.
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

// Every byte arrives exactly once, in both directions.
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

// Shutdown leaves switched connections open.
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
