package earlyconn_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// below is a connection that yields late, and counts the calls of Close.
type below struct {
	net.Conn // only the methods below are used
	late     *strings.Reader
	closed   int
}

func newBelow(late string) *below { return &below{late: strings.NewReader(late)} }

func (b *below) Read(p []byte) (int, error) {
	if b.closed > 0 {
		return 0, net.ErrClosed
	}
	return b.late.Read(p)
}

func (b *below) Close() error { b.closed++; return errClose }

// halfBelow also has a CloseWrite.
type halfBelow struct {
	*below
	closedWrite int
}

func (b *halfBelow) CloseWrite() error { b.closedWrite++; return errCloseWrite }

var (
	errClose      = errors.New("Close of the test")
	errCloseWrite = errors.New("CloseWrite of the test")
)

type netConner interface{ NetConn() net.Conn }

func TestReadsOfEverySize(t *testing.T) {
	t.Parallel()
	for size := 1; size <= 12; size++ {
		b := newBelow("late")
		conn := earlyconn.New(b, []byte("early "))
		var got []byte
		p := make([]byte, size)
		for {
			n, err := conn.Read(p)
			got = append(got, p[:n]...)
			if early := len(got) < len("early "); early && conn.(netConner).NetConn() != nil {
				t.Fatalf("size %d: the bare connection after %q", size, got)
			}
			if len(got) >= len("early ") && conn.(netConner).NetConn() != b {
				t.Fatalf("size %d: not the bare connection after %q", size, got)
			}
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("size %d: %d, %v", size, n, err)
			}
		}
		if string(got) != "early late" {
			t.Errorf("size %d: %q", size, got)
		}
	}
}

// A Read into an empty slice takes nothing.
func TestReadOfNothing(t *testing.T) {
	t.Parallel()
	conn := earlyconn.New(newBelow("late"), []byte("early "))
	for range 3 {
		if n, err := conn.Read(nil); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if got, err := io.ReadAll(conn); string(got) != "early late" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCloseWriteAsBelow(t *testing.T) {
	t.Parallel()
	bare := newBelow("")
	if _, ok := earlyconn.New(bare, []byte("early")).(interface{ CloseWrite() error }); ok {
		t.Error("a CloseWrite that the connection below does not have")
	}
	half := &halfBelow{below: newBelow("late")}
	conn := earlyconn.New(half, []byte("early "))
	w, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		t.Fatalf("%T has no CloseWrite", conn)
	}
	if err := w.CloseWrite(); err != errCloseWrite || half.closedWrite != 1 {
		t.Errorf("CloseWrite: %v, %d times", err, half.closedWrite)
	}
	if got, err := io.ReadAll(conn); string(got) != "early late" || err != nil {
		t.Errorf("after CloseWrite %q, %v", got, err)
	}
	if conn.(netConner).NetConn() != half {
		t.Error("NetConn is another connection")
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := newBelow("late")
	conn := earlyconn.New(b, []byte("early"))
	if err := conn.Close(); err != errClose || b.closed != 1 {
		t.Errorf("Close: %v, %d times", err, b.closed)
	}
	if n, err := conn.Read(make([]byte, 10)); n != 0 || err != net.ErrClosed {
		t.Errorf("after Close %d, %v", n, err)
	}
}

// ended is a connection at its end. Several goroutines may read it at once.
type ended struct{ net.Conn }

func (ended) Read([]byte) (int, error) { return 0, io.EOF }

// Several goroutines may read, and exactly one of them gets each byte.
func TestConcurrentReads(t *testing.T) {
	t.Parallel()
	early := make([]byte, 10_000)
	for i := range early {
		early[i] = byte(i)
	}
	want := slices.Clone(early)
	conn := earlyconn.New(ended{}, early)
	var mu sync.Mutex
	var got []byte
	var readers tcptest.Group
	for range 4 {
		readers.Go(func() {
			for p := make([]byte, 7); ; {
				conn.(netConner).NetConn()
				n, err := conn.Read(p)
				mu.Lock()
				got = append(got, p[:n]...)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	readers.Wait()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d bytes, want every early byte once", len(got))
	}
}

// Close may come at any time, from another goroutine.
func TestConcurrentClose(t *testing.T) {
	t.Parallel()
	conn := earlyconn.New(closing{}, make([]byte, 10_000))
	var running tcptest.Group
	for range 2 {
		running.Go(func() {
			for {
				if _, err := conn.Read(make([]byte, 7)); err != nil {
					return
				}
			}
		})
		running.Go(func() { conn.Close() })
		running.Go(func() { earlyconn.Take(conn) })
	}
	running.Wait()
}

// closing is an ended connection that can be closed.
type closing struct{ ended }

func (closing) Close() error { return nil }

// The buffer is released with the last byte: the connection may stay open for days.
func TestBufferIsReleased(t *testing.T) {
	for _, end := range []func(net.Conn){
		func(conn net.Conn) { io.Copy(io.Discard, conn) },
		func(conn net.Conn) { conn.Close() },
	} {
		early := make([]byte, 1<<20)
		gone := make(chan struct{})
		runtime.SetFinalizer(&early[0], func(*byte) { close(gone) })
		conn := earlyconn.New(newBelow(""), early)
		early = nil
		end(conn)
		runtime.GC()
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			t.Error("the buffer is kept")
		}
		runtime.KeepAlive(conn)
	}
}

// A caller that moves bytes without Read takes the early ones first, once, and then uses
// the connection below.
func TestTakeAndBare(t *testing.T) {
	below := newBelow("late")
	conn := earlyconn.New(below, []byte("early"))
	if n, err := conn.Read(make([]byte, 2)); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if got := earlyconn.Take(conn); string(got) != "rly" {
		t.Errorf("took %q", got)
	}
	if got := earlyconn.Take(conn); got != nil {
		t.Errorf("took %q again", got)
	}
	if got := earlyconn.Bare(conn); got != net.Conn(below) {
		t.Errorf("bare is %v", got)
	}
	if rest, _ := io.ReadAll(conn); string(rest) != "late" {
		t.Errorf("then %q", rest)
	}
	half := &halfBelow{below: newBelow("")}
	if got := earlyconn.Bare(earlyconn.New(half, []byte("x"))); got != net.Conn(half) {
		t.Errorf("bare is %v", got)
	}
	if got := earlyconn.Bare(below); got != net.Conn(below) || earlyconn.Take(below) != nil {
		t.Error("a connection that New did not return has a bare one, or early bytes")
	}
}
