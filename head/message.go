package head

// This file knows the order of a head: a start line, field lines, an empty line; and
// what to do when it comes in pieces. It does not know what a line may hold.

// kind is what a head is the head of.
type kind uint8

const (
	request kind = iota
	response
)

// message is what a Request and a Response have in common: how far a head has been read,
// and what its lines say. It holds places in the head, and not the octets there, so that
// the caller may move the buffer while the head comes.
type message struct {
	kind kind
	line startLine

	fields []field  // the field lines, in the order received
	noted  []uint32 // which of fields are lines of Connection or Upgrade
	host   uint32   // which of them is Host, if known says that there is one

	contentLength           int64
	chunked, expectContinue bool
	known                   known // which fields have been seen that may stand but once

	// Where an unfinished head was left. After a whole one, or an error, seen is 0.
	// 0 <= next <= seen <= len(buf)
	next  uint // start of the first line that was not read
	seen  uint // no control but HTAB in buf[next:seen], so that line does not end there
	stage stage

	head []byte // buf[:n] of a whole head: what all places are in
}

// stage is how far the lines before next go.
type stage uint8

const (
	atStart  stage = iota // nothing read
	atLine                // an empty line read, where one may be: the start line follows
	atFields              // the start line read
)

// parse is Parse of both kinds.
func (m *message) parse(buf []byte, limits Limits, kind kind) (n int, err error) {
	limits = limits.orDefault()
	head := buf[:min(len(buf), limits.Bytes)]
	if m.seen == 0 {
		m.begin(kind)
	} else if m.seen = lineEnd(head, m.seen); !ended(head, m.seen) {
		return m.wait(head, limits)
	}
	at, reason := m.readLines(head, limits)
	if reason == 0 {
		m.head, m.seen = head[:at:at], 0
		return int(at), nil
	}
	if m.seen = lineEnd(head, at); !ended(head, m.seen) {
		return m.wait(head, limits)
	}
	return 0, m.fault(at, reason)
}

// wait tells the caller to read more, if more may come.
func (m *message) wait(head []byte, limits Limits) (int, error) {
	if len(head) < limits.Bytes {
		return 0, nil
	}
	if m.kind == request && m.stage != atFields {
		return 0, m.fault(uint(len(head)), ErrTargetSize)
	}
	return 0, m.fault(uint(len(head)), ErrSize)
}

// fault is the end of a head that is refused.
func (m *message) fault(at uint, reason Reason) error {
	m.seen = 0
	return &Error{int(at), reason, m.kind}
}

// readLines reads the lines from m.next on. It returns where the head ends, or where
// and why it does not go on. Running out of octets is a fault like any other here, at
// the end of head or at the CR there: its line has not ended, by which parse tells it
// from those that count.
func (m *message) readLines(head []byte, limits Limits) (at uint, reason Reason) {
	i := m.next
	if m.stage == atStart {
		// A server should ignore an empty line where it expects a request
		// line (RFC 9112, section 2.2). One will do.
		if m.kind == request && isCRLF(head, i) {
			i += 2
		}
		m.next, m.stage = i, atLine
	}
	if m.stage == atLine {
		if m.kind == request {
			i, reason = m.line.readRequest(head, i, limits)
		} else {
			i, reason = m.line.readStatus(head, i)
		}
		if reason != 0 {
			return i, orLineEnd(head, i, reason)
		}
		m.next, m.stage = i, atFields
	}
	for !isCRLF(head, i) {
		if len(m.fields) >= limits.Fields {
			return i, ErrFields
		}
		if i, reason = m.readFieldLine(head, i); reason != 0 {
			return i, orLineEnd(head, i, reason)
		}
		m.next = i
	}
	if m.kind == request && m.line.minor >= 1 && m.known&knownHost == 0 {
		return i, ErrHost
	}
	return i + 2, 0
}

// begin forgets what only some heads set.
func (m *message) begin(kind kind) {
	if m.fields == nil {
		// As many as a browser sends, at once.
		room := new(struct {
			fields [16]field
			noted  [4]uint32
		})
		m.fields, m.noted = room.fields[:0], room.noted[:0]
	}
	// Field by field: setting all of m at once takes half the time of a short
	// head.
	m.kind = kind
	m.head, m.fields, m.noted = m.head[:0], m.fields[:0], m.noted[:0]
	m.contentLength, m.chunked, m.expectContinue = 0, false, false
	m.known, m.next, m.seen, m.stage = 0, 0, 0, atStart
}

// reset forgets all, and keeps the room of the slices.
func (m *message) reset() {
	m.begin(m.kind)
	m.head = nil
}
