package proxyupgrade

import (
	"net"
	"os"
	"sync"
	"syscall"
)

// This file knows the sockets of Linux: how to wait for bytes without a buffer for them,
// and how to move them from one socket to another without seeing them.

// run copies from src to dst. If src is a socket that allows it, run holds no buffer while
// nothing comes. If dst is one too, bulk data goes through the kernel.
func (h *half) run() (readErr, writeErr error) {
	if err := h.writeEarly(); err != nil {
		return nil, err
	}
	if s := newSocket(h); s != nil {
		return s.copy()
	}
	return h.copyBuffered()
}

// newSocket returns nil if bytes can be read from src only by Read.
//
//go:noinline
func newSocket(h *half) *socket {
	src := rawStream(h.src)
	if src == nil {
		return nil
	}
	dst := rawStream(h.dst)
	return &socket{half: h, src: src, dst: dst, canSplice: dst != nil}
}

// rawStream returns the socket of conn if it is a stream that net reads and writes
// unchanged, else nil.
func rawStream(conn net.Conn) syscall.RawConn {
	var socket syscall.Conn
	switch c := conn.(type) {
	case *net.TCPConn:
		socket = c
	case *net.UnixConn:
		if c.LocalAddr().Network() != "unix" {
			return nil // packets: an empty one is not the end
		}
		socket = c
	default:
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// socket is a half that reads from a socket.
//
// It waits without a buffer. When bytes are there, it takes a buffer for them, and gives it
// back before the next wait. If the bytes fill the buffer, more of them are there: from then
// on it takes a pipe instead, and the kernel moves the bytes through it, until few come
// again. Either way an idle tunnel holds only two descriptors.
type socket struct {
	*half
	src, dst  syscall.RawConn
	canSplice bool // until the kernel says no
	bulk      bool // use a pipe, not a buffer

	// The result of receive: n bytes in buffer or in pipe, or why there are none.
	buffer *[readSize]byte
	pipe   *pipe
	n      int
	err    syscall.Errno
}

const (
	readSize  = 32 << 10 // of a buffer
	pipeSize  = 1 << 20  // of a pipe, if the system grants it
	littleNow = 8 << 10  // fewer bytes than this are not bulk
)

var buffers = sync.Pool{New: func() any { return new([readSize]byte) }}

func (s *socket) copy() (readErr, writeErr error) {
	receive := s.receive
	for {
		if err := s.src.Read(receive); err != nil {
			return err, nil
		}
		switch {
		case s.err == syscall.EINVAL && s.bulk:
			// These two sockets cannot be spliced.
			s.giveBack()
			s.bulk, s.canSplice = false, false
			continue
		case s.err != 0:
			err := os.NewSyscallError("read", s.err)
			s.giveBack()
			return err, nil
		case s.n == 0:
			s.giveBack()
			return nil, nil
		}
		n := s.n
		err := s.deliver()
		s.giveBack()
		if err != nil {
			return nil, err
		}
		s.bulk = s.canSplice && (s.bulk && n >= littleNow || n == readSize)
	}
}

// receive moves the bytes that have come into a buffer or a pipe. If there are none, it gives
// that back and reports false. The runtime calls it again when there are some.
func (s *socket) receive(fd uintptr) bool {
	if s.bulk {
		s.pipe = newPipe()
	}
	if s.pipe == nil { // no bulk, or no descriptors left
		s.bulk = false
		s.buffer = buffers.Get().(*[readSize]byte)
	}
	var err error
	for {
		if s.bulk {
			s.n, err = splice(int(fd), s.pipe.w, pipeSize)
		} else {
			s.n, err = syscall.Read(int(fd), s.buffer[:])
		}
		if err != syscall.EINTR {
			break
		}
	}
	s.n = max(s.n, 0)              // it is -1 with an error
	s.err, _ = err.(syscall.Errno) // the only type these calls return
	if s.err == syscall.EAGAIN {
		s.giveBack()
		return false
	}
	return true
}

// deliver writes to dst the bytes that receive has left.
func (s *socket) deliver() error {
	if s.pipe == nil {
		return s.write(s.buffer[:s.n])
	}
	var failed error
	err := s.dst.Write(func(fd uintptr) bool {
		for s.n > 0 {
			n, err := splice(s.pipe.r, int(fd), s.n)
			switch err {
			case nil:
				s.n -= n
				s.delivered(n)
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false
			default:
				failed = os.NewSyscallError("splice", err)
				return true
			}
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}

// giveBack gives back what receive took.
func (s *socket) giveBack() {
	if s.buffer != nil {
		buffers.Put(s.buffer)
		s.buffer = nil
	}
	if s.pipe != nil {
		s.pipe.giveBack(s.n)
		s.pipe = nil
	}
}
