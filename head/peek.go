package head

import (
	"bufio"
	"io"
)

// This file knows how to get the octets of a head from a *bufio.Reader. It does not know
// what a head is.

// Peek parses the head that b yields next, as [Request.Parse] does, and returns its length
// in octets. It waits until the head is whole, copies nothing, and leaves the head in b.
// Call [bufio.Reader.Discard] with that length to go on to the content, or to the protocol
// that you switch to.
//
// The slices of r alias the buffer of b. They are valid until b reads from its source:
// Discard of the head does not read, nor does Peek if the whole head is already buffered.
//
// The size of b is a limit like limits.Bytes. If b fails before the head is whole, Peek
// returns the error of b. At the end of input that is io.EOF before the first octet, and
// io.ErrUnexpectedEOF within the head. Even then all octets remain in b, and the next
// call begins with the first of them.
func (r *Request) Peek(b *bufio.Reader, limits Limits) (n int, err error) {
	n, err = r.m.peek(b, limits, request)
	r.show(n > 0)
	return n, err
}

// Peek parses the head that b yields next, as [Response.Parse] does. It treats b as
// [Request.Peek] does.
func (r *Response) Peek(b *bufio.Reader, limits Limits) (n int, err error) {
	n, err = r.m.peek(b, limits, response)
	r.show(n > 0)
	return n, err
}

// peek is Peek of a Request and of a Response.
func (m *message) peek(b *bufio.Reader, limits Limits, kind kind) (n int, err error) {
	limits = limits.orDefault()
	limits.Bytes = min(limits.Bytes, b.Size()) // so b has room for more, or parse fails
	m.seen = 0                                 // not the rest of a head that Parse left
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
