package netupgrade_test

import (
	"io"
	"net"
	"sync"
	"time"
)

// wire is a client's connection in memory. It yields the pieces, one per Read, and keeps a
// record of the calls. Its fields set the faults.
type wire struct {
	net.Conn // only the methods below are used

	pieces       []string
	end          error  // after the pieces; io.EOF if nil
	endWithBytes bool   // end comes with the last piece
	empty        int    // how many Reads return nothing before each piece; below 0: after the pieces, forever
	reading      func() // called before each Read

	writeErr      error
	writeShort    bool
	deadlineErr   error
	deadlinesLeft int // before deadlineErr

	mu        sync.Mutex
	idle      int // how many of empty so far
	writes    []string
	deadlines []time.Time
	closed    bool
}

func newWire(pieces ...string) *wire { return &wire{pieces: pieces, end: io.EOF} }

func (w *wire) Read(p []byte) (int, error) {
	if w.reading != nil {
		w.reading()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pieces) > 0 && w.pieces[0] == "" {
		w.pieces = w.pieces[1:]
	}
	switch {
	case w.closed:
		return 0, net.ErrClosed
	case w.empty < 0 && len(w.pieces) == 0:
		return 0, nil
	case w.idle < w.empty:
		w.idle++
		return 0, nil
	case len(w.pieces) == 0:
		return 0, w.end
	}
	w.idle = 0
	n := copy(p, w.pieces[0])
	w.pieces[0] = w.pieces[0][n:]
	if w.endWithBytes && len(w.pieces) == 1 && w.pieces[0] == "" {
		return n, w.end
	}
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writeErr != nil {
		return 0, w.writeErr
	}
	w.writes = append(w.writes, string(p))
	if w.writeShort {
		return len(p) - 1, nil
	}
	return len(p), nil
}

func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deadlineErr != nil {
		if w.deadlinesLeft == 0 {
			return w.deadlineErr
		}
		w.deadlinesLeft--
	}
	w.deadlines = append(w.deadlines, t)
	return nil
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return nil
}
