package head

import "iter"

// This file knows what a caller sees of the head of a request. It does not know how a
// head is read.

// Request is the head of a request. The zero Request is ready for [Request.Parse].
//
// All slices alias the buffer given to Parse, and are valid as long as its octets
// are. They hold values without the blanks around them.
type Request struct {
	Method, Target []byte

	// Major and Minor are the HTTP version. Major is 1.
	Major, Minor int

	// Host is the value of the field Host; empty if it is, or if a request of
	// version 1.0 has none. With a Target in absolute-form a server has to go by
	// that and ignore Host (RFC 9112, section 3.2.2).
	Host []byte

	// Connection and Upgrade are the lines of these fields, in the order received.
	Connection, Upgrade [][]byte

	// ContentLength is the length of the content in octets: 0 without content,
	// -1 if Chunked.
	ContentLength int64

	// Chunked tells that the content comes in the chunked transfer coding.
	Chunked bool

	// ExpectContinue tells that the client waits for a 100 (Continue) before it
	// sends the content, if there is any.
	ExpectContinue bool

	m message
}

// Parse reads the head at the start of buf and returns its length in octets, with the
// empty line that ends it and with one that came before it. What follows in buf is
// left alone.
//
// It returns 0 and nil if buf ends before the head does and nothing is wrong so far.
// Then read more and call Parse again with the same octets and more behind them,
// where they are or moved: it goes on where it stopped, so that a head that comes octet
// by octet takes linear time. Another head needs [Request.Reset] first. After any other
// result the next call begins anew; it keeps the room of the slices.
//
// An error is an [*Error] and final. It is the first fault in the order of the
// octets, line by line, and is returned as soon as its line has ended, or come to a
// control that cannot stand in it: the same fault at the same offset, whatever pieces
// the head came in. The fields of r mean nothing until Parse returns a length.
//
// It follows [RFC 9112, sections 2 to 6], and takes linear time.
//
//	HTTP-message = start-line CRLF *( field-line CRLF ) CRLF [ message-body ]
//
// [RFC 9112, sections 2 to 6]: https://httpwg.org/specs/rfc9112.html#rfc.section.2
func (r *Request) Parse(buf []byte, limits Limits) (n int, err error) {
	fresh := r.m.seen == 0
	n, err = r.m.parse(buf, limits, request)
	if fresh || n > 0 {
		r.show(n > 0)
	}
	return n, err
}

// show sets the fields of r to what a whole head says, or to nothing.
func (r *Request) show(whole bool) {
	m := &r.m
	r.Host, r.Connection, r.Upgrade = nil, r.Connection[:0], r.Upgrade[:0]
	if !whole {
		r.Method, r.Target, r.Major, r.Minor = nil, nil, 0, 0
		r.ContentLength, r.Chunked, r.ExpectContinue = 0, false, false
		return
	}
	r.Method, r.Target, r.Major, r.Minor = m.line.method.in(m.head), m.line.target.in(m.head), m.line.major, m.line.minor
	r.ContentLength, r.Chunked, r.ExpectContinue = m.contentLength, m.chunked, m.expectContinue
	if m.known&knownHost != 0 {
		r.Host = m.fields[m.host].value.in(m.head)
	}
	if len(m.noted) > 0 {
		r.Connection, r.Upgrade = m.appendNoted(r.Connection, r.Upgrade)
	}
}

// All returns the field lines in the order received: the name as it was spelled, and
// the value without the blanks around it. Both alias the buffer. It allocates nothing.
func (r *Request) All() iter.Seq2[[]byte, []byte] { return r.m.all() }

// Lines appends the values of the field lines of that name to dst, in the order
// received, and returns the result. Case does not matter in ASCII letters. The values
// alias the buffer. It allocates nothing but what dst needs to grow.
func (r *Request) Lines(dst [][]byte, name string) [][]byte { return r.m.lines(dst, name) }

// Reset forgets all about a head, whole or not, but keeps the room of its slices. A
// Request in a pool that was Reset holds on to no buffer.
func (r *Request) Reset() {
	clear(r.Connection[:cap(r.Connection)])
	clear(r.Upgrade[:cap(r.Upgrade)])
	r.m.reset()
	r.show(false)
}
