package head_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gosegue/upgrade/head"
)

// peeker is a message with Peek.
type peeker interface {
	message
	Peek(b *bufio.Reader, limits head.Limits) (int, error)
}

// checkPeek checks that Peek finds what Parse finds, in whatever pieces the octets come
// and for a buffer of any size, and that it leaves every octet in the buffer.
func checkPeek(t *testing.T, input string, limits head.Limits, kind kind) {
	t.Helper()
	for _, size := range []int{16, 64, len(input) + 16} {
		bounded := limits
		if limits.Bytes <= 0 || limits.Bytes > size {
			bounded.Bytes = size
		}
		once := kind.zero()
		n, parseErr := once.Parse([]byte(input), bounded)
		want, wrong := read(t, once, n, parseErr)
		for _, source := range []io.Reader{
			strings.NewReader(input), iotest.OneByteReader(strings.NewReader(input)), iotest.DataErrReader(strings.NewReader(input)),
		} {
			m := kind.zero().(peeker)
			b := bufio.NewReaderSize(source, size)
			n, err := m.Peek(b, limits)
			if want.N == 0 && parseErr == nil {
				ended := io.ErrUnexpectedEOF
				if input == "" {
					ended = io.EOF
				}
				if n != 0 || err != ended {
					t.Errorf("%q ends: %d, %v, want %v", input, n, err, ended)
				}
				nothing(t, m)
			} else {
				got, gotFault := read(t, m, n, err)
				diff(t, "peeked", want, got)
				diff(t, "peeked, fault", wrong, gotFault)
			}
			if rest, err := io.ReadAll(b); err != nil || string(rest) != input {
				t.Errorf("%q: %q is left, %v", input, rest, err)
			}
		}
	}
}

func TestPeek(t *testing.T) {
	for _, data := range requests(t) {
		checkPeek(t, string(data)+"early", head.Limits{}, asRequest)
		checkPeek(t, string(data[:len(data)-1]), head.Limits{}, asRequest)
	}
	for _, data := range responses(t) {
		checkPeek(t, string(data)+"early", head.Limits{}, asResponse)
		checkPeek(t, string(data[:len(data)-1]), head.Limits{}, asResponse)
	}
	checkPeek(t, "", head.Limits{}, asRequest)
	checkPeek(t, get+"a b\r\n", head.Limits{}, asRequest)
	checkPeek(t, get+"a:\r\n\r\n", head.Limits{Fields: 1}, asRequest)
	checkPeek(t, "GET /abcdefghijklmnopqrst", head.Limits{}, asRequest)
	checkPeek(t, get+"\r\n", head.Limits{Bytes: len(get) + 2}, asRequest)
	checkPeek(t, get+"\r\n", head.Limits{Bytes: len(get) + 1}, asRequest)
}

// One head after another, as on one connection.
func TestPeekAgain(t *testing.T) {
	var (
		r head.Request
		b = bufio.NewReaderSize(strings.NewReader(strings.Repeat(get+"Upgrade: a\r\n\r\n", 9)), 64)
	)
	// Parse leaves r in the middle of another head, and Peek starts over.
	r.Parse([]byte("POST / HTTP/1.0\r\nUpgrade: b\r\nUpg"), head.Limits{})
	for range 9 {
		n, err := r.Peek(b, head.Limits{})
		if n == 0 || err != nil || string(r.Method) != "GET" || len(r.Upgrade) != 1 {
			t.Fatal(n, err)
		}
		b.Discard(n)
	}
	if _, err := r.Peek(b, head.Limits{}); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// Peek does not read if the buffer has a whole head or a fault.
func TestPeekDoesNotRead(t *testing.T) {
	for _, text := range []string{get + "\r\n", get + "a b\r\n"} {
		b := bufio.NewReader(io.MultiReader(strings.NewReader(text), unread{t}))
		b.Peek(1)
		var r head.Request
		r.Peek(b, head.Limits{})
	}
	// A head as large as the buffer leaves no room to read.
	b := bufio.NewReaderSize(io.MultiReader(strings.NewReader(get+"\r\n"), unread{t}), len(get)+2)
	var r head.Request
	if n, err := r.Peek(b, head.Limits{}); n != len(get)+2 || err != nil {
		t.Error(n, err)
	}
}

type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("read")
	return 0, io.EOF
}

// Peek returns the error of the reader unchanged, and the octets before it are not lost.
func TestPeekError(t *testing.T) {
	broken := errors.New("broken")
	for cut := range len(get) {
		b := bufio.NewReader(io.MultiReader(strings.NewReader(get[:cut]), iotest.ErrReader(broken)))
		var r head.Request
		if n, err := r.Peek(b, head.Limits{}); n != 0 || err != broken {
			t.Errorf("after %d octets: %d, %v", cut, n, err)
		}
		if b.Buffered() != cut {
			t.Errorf("%d of %d octets are left", b.Buffered(), cut)
		}
	}
	// A deadline passes, and the caller sets a later one.
	whole := get + "\r\n"
	b := bufio.NewReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(whole))))
	var r head.Request
	if _, err := r.Peek(b, head.Limits{}); err != iotest.ErrTimeout {
		t.Errorf("%v, want a time-out", err)
	}
	if n, err := r.Peek(b, head.Limits{}); n != len(whole) || err != nil || string(r.Host) != "a" {
		t.Error(n, err)
	}
	// A head that was cut off does not continue in another buffer.
	r.Peek(bufio.NewReader(strings.NewReader("POST / HTTP/1.0\r\nUpgrade: b\r\nUpg")), head.Limits{})
	if n, err := r.Parse([]byte(whole), head.Limits{}); n != len(whole) || err != nil || string(r.Method) != "GET" || len(r.Upgrade) > 0 {
		t.Error(n, err)
	}
	// A reader without a source.
	if n, err := r.Peek(new(bufio.Reader), head.Limits{}); n != 0 || err == nil {
		t.Error(n, err)
	}
}
