package head

import (
	"iter"

	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows what a caller sees of the head of a request. It does not know how to
// read one.

// Request is the head of a request. The zero Request is ready for [Request.Parse].
//
// All slices alias the buffer given to Parse and are valid until its octets change. They
// hold values without the blanks around them. Until Parse returns a length, and after an
// error, every field is zero or empty.
type Request struct {
	Method, Target []byte

	// Major and Minor are the HTTP version. Major is 1.
	Major, Minor int

	// Host is the value of the Host field. It is empty if the field is empty, or
	// absent from a request of version 1.0. A server must not rely on it if Target is
	// in absolute-form: see [Request.Authority].
	Host []byte

	// Connection and Upgrade are the values of these field lines, in the order
	// received.
	Connection, Upgrade [][]byte

	// ContentLength is the length of the content in octets: 0 if there is no
	// content, -1 if Chunked.
	ContentLength int64

	// Chunked reports whether the content comes in the chunked transfer coding.
	Chunked bool

	// ExpectContinue reports whether the client waits for a 100 (Continue) before it
	// sends the content. Send "HTTP/1.1 100 Continue\r\n\r\n" before you read the
	// content.
	ExpectContinue bool

	m message
}

// Parse reads the head at the start of buf and returns its length in octets, including
// the empty line that ends the head, and an empty line before the request line if there
// is one. Parse ignores the octets that follow.
//
// It returns 0 and nil if buf ends before the head does and has no fault so far. Then
// read more, and call Parse again with the same octets followed by the new ones, in the
// same buffer or in another. Parse continues where it stopped, so a head that arrives
// octet by octet takes linear time. To parse another head instead, call [Request.Reset]
// first. After a length or an error, the next call begins a new head without Reset.
//
// An error is an [*Error] with the first fault, and more octets cannot change it: Parse
// reports a fault only when its line has ended, or at a control that no line can have. So
// the pieces in which the head came change neither the fault nor its offset.
//
// Parse follows [RFC 9112, sections 2 to 6] and takes linear time.
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

// show sets the fields of r from a whole head, or clears them.
func (r *Request) show(whole bool) {
	m := &r.m
	r.Connection, r.Upgrade = r.Connection[:0], r.Upgrade[:0]
	if !whole {
		r.Method, r.Target, r.Major, r.Minor, r.Host = nil, nil, 0, 0, nil
		r.ContentLength, r.Chunked, r.ExpectContinue = 0, false, false
		return
	}
	var host []byte
	if m.known&knownHost != 0 {
		host = m.host.in(m.head)
	}
	r.Method, r.Target, r.Host = m.line.method.in(m.head), m.line.target.in(m.head), host
	r.Major, r.Minor = m.line.major, m.line.minor
	r.ContentLength, r.Chunked, r.ExpectContinue = m.contentLength, m.chunked, m.expectContinue
	if len(m.noted) > 0 {
		r.Connection, r.Upgrade = m.appendNoted(r.Connection, r.Upgrade)
	}
}

// Authority returns the host that the request is for, with its port if there is one. It
// is the host in Target if that is a URI of http, https, ws or wss, and Target itself for
// a CONNECT; otherwise it is Host. A server compares Origin with it, and looks it up among
// its names: it must ignore the Host field of a request that has a host in Target.
//
// The result aliases the buffer. It follows [RFC 9112, section 3.2.2].
//
// [RFC 9112, section 3.2.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2.2
func (r *Request) Authority() []byte {
	switch {
	case string(r.Method) == "CONNECT":
		return r.Target
	case len(r.Target) > 0 && r.Target[0] != '/':
		if host, found := uri.Host(r.Target); found {
			return host
		}
	}
	return r.Host
}

// All returns the field lines in the order received: the name as the peer spelled it,
// and the value without the blanks around it. Both alias the buffer. It allocates nothing.
func (r *Request) All() iter.Seq2[[]byte, []byte] { return r.m.all() }

// Lines appends the values of the field lines with that name to dst, in the order
// received, and returns the extended slice. The case of ASCII letters is ignored. The
// values alias the buffer. Lines allocates only what dst needs to grow.
func (r *Request) Lines(dst [][]byte, name string) [][]byte { return r.m.lines(dst, name) }

// Reset forgets the head, whether whole or not, and keeps the room of the slices. Then r
// refers to no buffer and may go into a pool.
func (r *Request) Reset() {
	clear(r.Connection[:cap(r.Connection)])
	clear(r.Upgrade[:cap(r.Upgrade)])
	r.m.reset()
	r.show(false)
}
