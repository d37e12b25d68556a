package head

import (
	"bufio"
	"io"
)

// This file knows how a head comes out of a *bufio.Reader. It does not know what a head
// is.

// Peek is [Request.Parse] for a stack that reads through a *bufio.Reader: it reads from b
// until the head is whole, leaves it in b, and returns its length in octets. Nothing is
// copied. [bufio.Reader.Discard] of that length then takes it away; what follows is the
// content, or the protocol that is switched to.
//
// The slices of r alias the buffer of b and are valid until b reads again. Discard of the
// head does not make it read, and neither does Peek if the head is already there.
//
// The size of b is a limit of the head's octets as well, with the same errors. If b has
// an error before the head is whole, Peek returns it: io.EOF if b has ended before the
// first octet, io.ErrUnexpectedEOF if it has ended after that. All octets are still in b
// then, and the next call begins anew.
func (r *Request) Peek(b *bufio.Reader, limits Limits) (n int, err error) {
	n, err = r.m.peek(b, limits, request)
	r.show(n > 0)
	return n, err
}

// Peek is [Request.Peek] for a response.
func (r *Response) Peek(b *bufio.Reader, limits Limits) (n int, err error) {
	n, err = r.m.peek(b, limits, response)
	r.show(n > 0)
	return n, err
}

// peek is Peek of both kinds.
func (m *message) peek(b *bufio.Reader, limits Limits, kind kind) (n int, err error) {
	limits = limits.orDefault()
	limits.Bytes = min(limits.Bytes, b.Size()) // so that b always has room for more
	m.seen = 0                                 // another head than that of the last Parse
	for {
		buffered, _ := b.Peek(b.Buffered())
		if n, err = m.parse(buffered, limits, kind); n > 0 || err != nil {
			return n, err
		}
		if _, err = b.Peek(len(buffered) + 1); err != nil {
			m.seen = 0
			if err == io.EOF && len(buffered) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
}
