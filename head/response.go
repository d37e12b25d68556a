package head

import "iter"

// This file knows what a caller sees of the head of a response. It does not know how a
// head is read.

// Response is the head of a response. The zero Response is ready for [Response.Parse].
//
// All slices alias the buffer given to Parse, and are valid as long as its octets
// are. They hold values without the blanks around them.
type Response struct {
	// Status is the status code, from 100 to 599.
	Status int

	// Major and Minor are the HTTP version. Major is 1.
	Major, Minor int

	// Connection and Upgrade are the lines of these fields, in the order received.
	Connection, Upgrade [][]byte

	// ContentLength is the length of the content in octets, or -1 if the head does
	// not say it: the content is Chunked, or else it ends with the connection. It is 0
	// if Status is 1xx, 204 or 304, which have no content.
	//
	// The answer to a HEAD has no content either, and a 2xx answer to a CONNECT makes
	// the connection a tunnel, whatever this says: only the client knows what it
	// asked.
	ContentLength int64

	// Chunked tells that the content comes in the chunked transfer coding.
	Chunked bool

	m message
}

// Parse reads the head at the start of buf and returns its length in octets, with the
// empty line that ends it. What follows in buf is left alone: content, another head, or
// what the server says in the protocol it has switched to. It is [Request.Parse] for a
// response: in pieces, with limits and with errors as there.
//
// What the fields say of the content is read as strictly as in a request, although a
// client may read more of it: both Content-Length and Transfer-Encoding, a length twice
// and any coding but one chunked are refused. Only a 101 (Switching Protocols) may say
// anything: no content can follow it, so the two fields are ignored there, as RFC 9112,
// section 6.3, wants.
//
// An interim response, which is any 1xx but 101, is a head of its own: parse what
// follows it with the same Response.
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

// show sets the fields of r to what a whole head says, or to nothing.
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

// All is [Request.All] for a response.
func (r *Response) All() iter.Seq2[[]byte, []byte] { return r.m.all() }

// Lines is [Request.Lines] for a response.
func (r *Response) Lines(dst [][]byte, name string) [][]byte { return r.m.lines(dst, name) }

// Reset is [Request.Reset] for a response.
func (r *Response) Reset() {
	clear(r.Connection[:cap(r.Connection)])
	clear(r.Upgrade[:cap(r.Upgrade)])
	r.m.reset()
	r.show(false)
}
