package httpupgrade

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"
)

// This file makes a net.Conn of an HTTP/2 stream. Of the request and the response it uses
// only the body, the writer and the addresses.
//
// net/http lets a handler use both only until it returns. Afterwards they panic, or
// belong to another request. So every use of them here passes a guard, which the handler
// closes.

// stream is a net.Conn over a stream of HTTP/2.
type stream struct {
	body   io.ReadCloser
	w      http.ResponseWriter
	local  net.Addr
	remote string

	reads, writes half

	mu     sync.Mutex // guards closed, and the fields of both halves except turn
	closed bool
}

// half is one direction of a stream. A deadline is passed to net/http only when a Read or
// Write runs into it: a deadline of net/http ends the stream even while nothing uses it.
type half struct {
	turn     sync.Mutex // held by the one Read or Write that is in net/http
	busy     bool       // a Read or Write is in net/http
	expired  bool       // net/http was given the deadline, which is final
	deadline time.Time
	timer    *time.Timer // nil until there is a deadline
}

func newStream(w http.ResponseWriter, r *http.Request) *stream {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return &stream{body: r.Body, w: w, local: local, remote: r.RemoteAddr}
}

func (s *stream) control() *http.ResponseController { return http.NewResponseController(s.w) }

// clearDeadlines removes the deadlines that the server has set.
func (s *stream) clearDeadlines() error {
	if err := s.control().SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return s.control().SetWriteDeadline(time.Time{})
}

// Read implements [net.Conn].
func (s *stream) Read(p []byte) (n int, err error) {
	s.reads.turn.Lock()
	defer s.reads.turn.Unlock()
	if err := s.enter(&s.reads); err != nil {
		return 0, err
	}
	if len(p) > 0 {
		n, err = s.body.Read(p)
	}
	return n, s.leave(&s.reads, err)
}

// Write implements [net.Conn]. It returns when net/http has flushed p.
func (s *stream) Write(p []byte) (n int, err error) {
	s.writes.turn.Lock()
	defer s.writes.turn.Unlock()
	if err := s.enter(&s.writes); err != nil {
		return 0, err
	}
	if len(p) > 0 {
		n, err = s.w.Write(p)
	}
	if err == nil {
		if err = s.control().Flush(); err != nil {
			n = 0 // how much was sent is unknown
		}
	}
	return n, s.leave(&s.writes, err)
}

// enter lets one Read or Write into net/http, unless the stream is closed or the deadline
// has passed.
func (s *stream) enter(h *half) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case h.passed():
		if h == &s.writes {
			// The protocol will not send this again: reset the stream, which has a gap.
			s.expire(h)
		}
		return os.ErrDeadlineExceeded
	}
	h.busy = true
	return nil
}

// leave ends the Read or Write that enter let in, and returns its error.
func (s *stream) leave(h *half, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.busy = false
	switch {
	case err == nil, err == io.EOF:
		return err
	case s.closed:
		return net.ErrClosed
	case h.expired:
		return os.ErrDeadlineExceeded
	}
	return err
}

// Close implements [net.Conn]. It wakes a waiting Read and a waiting Write; to wake a
// Write it has to reset the stream. The client sees the end when the handler returns.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	for _, h := range []*half{&s.reads, &s.writes} {
		if h.timer != nil {
			h.timer.Stop()
		}
	}
	if s.reads.busy {
		s.body.Close()
	}
	if s.writes.busy {
		s.control().SetWriteDeadline(longAgo)
	}
	return nil
}

// end closes the stream and waits until no Read or Write is in net/http. Later calls do
// not enter it, so the handler may return.
func (s *stream) end() {
	s.Close()
	s.reads.drain()
	s.writes.drain()
}

// drain waits for the Read or Write that is in net/http.
func (h *half) drain() {
	h.turn.Lock()
	defer h.turn.Unlock()
}

// SetDeadline implements [net.Conn].
func (s *stream) SetDeadline(t time.Time) error { return s.set(t, &s.reads, &s.writes) }

// SetReadDeadline implements [net.Conn]. Once a deadline has passed during a Read, later
// Reads fail too.
func (s *stream) SetReadDeadline(t time.Time) error { return s.set(t, &s.reads) }

// SetWriteDeadline implements [net.Conn]. A Write that is not done at the deadline resets
// the stream.
func (s *stream) SetWriteDeadline(t time.Time) error { return s.set(t, &s.writes) }

func (s *stream) set(t time.Time, halves ...*half) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	for _, h := range halves {
		h.deadline = t
		if h.timer != nil {
			h.timer.Stop()
		}
		if !t.IsZero() {
			s.await(h)
		}
	}
	return nil
}

// await makes the deadline of h, which is not zero, end the Read or Write under way.
func (s *stream) await(h *half) {
	switch {
	case h.passed():
		if h.busy {
			s.expire(h)
		}
	case h.timer == nil:
		h.timer = time.AfterFunc(time.Until(h.deadline), func() { s.ring(h) })
	default:
		h.timer.Reset(time.Until(h.deadline))
	}
}

// ring is called by the timer of h. The deadline may have changed since the timer was
// set.
func (s *stream) ring(h *half) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !h.deadline.IsZero() {
		s.await(h)
	}
}

// passed reports whether the deadline has passed.
func (h *half) passed() bool { return !h.deadline.IsZero() && !time.Now().Before(h.deadline) }

// expire makes net/http end this direction.
func (s *stream) expire(h *half) {
	h.expired = true
	if h == &s.reads {
		s.control().SetReadDeadline(longAgo)
	} else {
		s.control().SetWriteDeadline(longAgo)
	}
}

// LocalAddr implements [net.Conn]: the address of the connection.
func (s *stream) LocalAddr() net.Addr {
	if s.local == nil {
		return addr{}
	}
	return s.local
}

// RemoteAddr implements [net.Conn]: the RemoteAddr of the request.
func (s *stream) RemoteAddr() net.Addr {
	if a, err := netip.ParseAddrPort(s.remote); err == nil {
		return net.TCPAddrFromAddrPort(a)
	}
	return addr{s.LocalAddr().Network(), s.remote}
}

// addr is an address of which only the text is known.
type addr struct{ network, text string }

func (a addr) Network() string { return a.network }
func (a addr) String() string  { return a.text }
