// Package head reads the head of an HTTP/1.x request in place: its request line and
// its field lines, as slices of the buffer they were received in ([RFC 9112]).
//
// It is for HTTP stacks that own their connections, and below all that package
// handshake knows: it reads octets and hands out lines, and neither what they offer
// nor who holds the connection is its business. By the way it notes what a switch of
// protocols has to ask: the lines of Connection and Upgrade, whether 100 (Continue)
// is waited for, and where the content ends, which has to be read first.
//
//	var request head.Request
//	n, err := request.Parse(buf, head.Limits{})
//	switch {
//	case err != nil: // Answer with the status of err, and close.
//	case n == 0: // Read more behind buf, and parse it all again.
//	}
//	p, err := handshake.Select(request.Major, request.Minor, request.Connection, request.Upgrade, echo)
//
// # Strictness
//
// Two readers that find different requests in the same octets are how requests get
// smuggled, so there is one reading here and no option. Lines end in CRLF alone. No
// white space stands before a colon, and no line continues another. Controls other
// than HTAB are refused everywhere, octets outside ASCII everywhere but in values. A
// second Host or Content-Length is refused even where it repeats the first. What the
// message says of its length is either one number or one chunked.
//
// # Memory
//
// Nothing is copied. Parsing allocates the room of a Request's slices, which a reused
// Request has already, and one [*Error] for what is refused.
//
// [RFC 9112]: https://httpwg.org/specs/rfc9112.html
package head

// This file knows the order of a head: a request line, field lines, an empty line;
// and what to do when it comes in pieces. It knows nothing of what a line may hold.

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

	head   []byte  // buf[:n]: what fields are places in
	fields []field // the field lines, in the order received
	known  known   // which fields have been seen that may stand but once

	// Where an unfinished head was left. After a whole one, or an error, seen is 0.
	// 0 <= next <= seen <= len(buf)
	next  uint // start of the first line that was not read
	seen  uint // no control but HTAB in buf[next:seen], so that line does not end there
	stage stage
}

// stage is how far the lines before next go.
type stage uint8

const (
	atStart  stage = iota // nothing read
	atLine                // an empty line read: the request line follows
	atFields              // the request line read
)

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
	limits = limits.orDefault()
	head := buf[:min(len(buf), limits.Bytes)]
	resumed := r.seen > 0
	if !resumed {
		r.begin()
	} else if r.seen = lineEnd(head, r.seen); !ended(head, r.seen) {
		return r.wait(head, limits)
	}
	at, reason := r.readLines(head, limits)
	if resumed && reason == 0 {
		// What was noted of the lines read before aliases the buffer as it was
		// then. Reading them all again is twice the work, and linear still.
		r.begin()
		at, reason = r.readLines(head, limits)
	}
	if reason == 0 {
		r.head, r.seen = head[:at:at], 0
		return int(at), nil
	}
	if r.seen = lineEnd(head, at); !ended(head, r.seen) {
		return r.wait(head, limits)
	}
	r.seen = 0
	return 0, &Error{int(at), reason}
}

// wait tells the caller to read more, if more may come.
func (r *Request) wait(head []byte, limits Limits) (int, error) {
	if len(head) < limits.Bytes {
		return 0, nil
	}
	r.seen = 0
	if r.stage != atFields {
		return 0, &Error{len(head), ErrTargetSize}
	}
	return 0, &Error{len(head), ErrSize}
}

// readLines reads the lines from r.next on. It returns where the head ends, or where
// and why it does not go on. Running out of octets is a fault like any other here, at
// the end of head or at the CR there: its line has not ended, by which Parse tells it
// from those that count.
func (r *Request) readLines(head []byte, limits Limits) (at uint, reason Reason) {
	i := r.next
	if r.stage == atStart {
		// A server should ignore an empty line where it expects a request
		// line (RFC 9112, section 2.2). One will do.
		if isCRLF(head, i) {
			i += 2
		}
		r.next, r.stage = i, atLine
	}
	if r.stage == atLine {
		if i, reason = r.readRequestLine(head, i, limits); reason != 0 {
			return i, orLineEnd(head, i, reason)
		}
		r.next, r.stage = i, atFields
	}
	for !isCRLF(head, i) {
		if len(r.fields) >= limits.Fields {
			return i, ErrFields
		}
		if i, reason = r.readFieldLine(head, i); reason != 0 {
			return i, orLineEnd(head, i, reason)
		}
		r.next = i
	}
	if r.known&knownHost == 0 && r.Minor >= 1 {
		return i, ErrHost
	}
	return i + 2, 0
}

// begin forgets what only some heads set.
func (r *Request) begin() {
	// Field by field: setting all of r at once takes half the time of a short
	// head.
	r.Host, r.head = nil, nil
	r.Connection, r.Upgrade, r.fields = r.Connection[:0], r.Upgrade[:0], r.fields[:0]
	r.ContentLength, r.Chunked, r.ExpectContinue = 0, false, false
	r.known, r.next, r.seen, r.stage = 0, 0, 0, atStart
	if r.fields == nil {
		r.fields = make([]field, 0, 16) // as many as a browser sends, at once
	}
}

// Reset forgets all about a head, whole or not, but keeps the room of its slices. A
// Request in a pool that was Reset holds on to no buffer.
func (r *Request) Reset() {
	clear(r.Connection[:cap(r.Connection)])
	clear(r.Upgrade[:cap(r.Upgrade)])
	r.Method, r.Target, r.Major, r.Minor = nil, nil, 0, 0
	r.begin()
}
