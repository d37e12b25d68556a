package head

import "iter"

// This file knows what a caller sees of the head of a response. It does not know how to
// read one.

// Response is the head of a response. The zero Response is ready for [Response.Parse].
//
// All slices alias the buffer given to Parse and are valid until its octets change. They
// hold values without the blanks around them. Until Parse returns a length, and after an
// error, every field is zero or empty.
type Response struct {
	// Status is the status code, from 100 to 599.
	Status int

	// Major and Minor are the HTTP version. Major is 1.
	Major, Minor int

	// Connection and Upgrade are the values of these field lines, in the order
	// received.
	Connection, Upgrade [][]byte

	// ContentLength is the length of the content in octets. It is 0 if there is no
	// content, as with status 1xx, 204 and 304. It is -1 if the head does not give the
	// length: the content is Chunked, or ends when the connection closes.
	//
	// Only the client knows the method. A response to HEAD has no content, and a 2xx
	// response to CONNECT begins a tunnel, whatever ContentLength and Chunked are
	// (RFC 9112, section 6.3).
	ContentLength int64

	// Chunked reports whether the content comes in the chunked transfer coding.
	Chunked bool

	m message
}

// Parse reads the head at the start of buf and returns its length in octets, including
// the empty line that ends it. Parse ignores the octets that follow: content, another
// head, or the protocol that the server has switched to. Pieces, limits and errors are as
// in [Request.Parse].
//
// Parse reads Content-Length and Transfer-Encoding as strictly as in a request: both
// fields at once, two lengths, and any coding but one chunked are errors, although RFC
// 9112, section 6.3, lets a client read some of them. The same holds for responses
// without content, except a 101 (Switching Protocols). There Parse ignores both fields:
// the next octet belongs to the other protocol, whatever they say.
//
// An interim response, that is a 1xx other than 101, has a head of its own. Parse the
// octets after it with the same Response.
//
//	HTTP-message = start-line CRLF *( field-line CRLF ) CRLF [ message-body ]
func (r *Response) Parse(buf []byte, limits Limits) (n int, err error) {
	fresh := r.m.seen == 0
	n, err = r.m.parse(buf, limits, response)
	if fresh || n > 0 {
		r.show(n > 0)
	}
	return n, err
}

// show sets the fields of r from a whole head, or clears them.
func (r *Response) show(whole bool) {
	m := &r.m
	r.Status, r.Major, r.Minor, r.ContentLength, r.Chunked = 0, 0, 0, 0, false
	r.Connection, r.Upgrade = r.Connection[:0], r.Upgrade[:0]
	if !whole {
		return
	}
	r.Status, r.Major, r.Minor = m.line.status, m.line.major, m.line.minor
	r.Connection, r.Upgrade = m.appendNoted(r.Connection, r.Upgrade)
	switch {
	case r.Status < 200 || r.Status == 204 || r.Status == 304:
	case m.known&(knownLength|knownCoding) == 0:
		r.ContentLength = -1
	default:
		r.ContentLength, r.Chunked = m.contentLength, m.chunked
	}
}

// All returns the field lines as [Request.All] does.
func (r *Response) All() iter.Seq2[[]byte, []byte] { return r.m.all() }

// Lines appends the values of the field lines with that name to dst as [Request.Lines]
// does.
func (r *Response) Lines(dst [][]byte, name string) [][]byte { return r.m.lines(dst, name) }

// Reset forgets the head as [Request.Reset] does.
func (r *Response) Reset() {
	clear(r.Connection[:cap(r.Connection)])
	clear(r.Upgrade[:cap(r.Upgrade)])
	r.m.reset()
	r.show(false)
}
