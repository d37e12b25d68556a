package head

// This file knows the order of a head: a start line, field lines, an empty line. It also
// knows how to continue a head that comes in pieces. It does not know what a line may
// hold.

// kind is the kind of message that a head begins.
type kind uint8

const (
	request kind = iota
	response
)

// message is the part that a Request and a Response share: how far a head has been read,
// and what its lines say. It holds places and no slices, so the caller may move the buffer
// before the head is whole.
type message struct {
	kind kind
	line startLine

	fields []field  // the field lines, in the order received
	noted  []uint32 // indices in fields of the lines of Connection and Upgrade
	host   place    // the value of Host, if known has knownHost

	contentLength           int64
	chunked, expectContinue bool
	known                   known // the fields seen that may occur only once

	// Where parse left an unfinished head. seen is 0 after a whole head or an error.
	// 0 <= next <= seen <= len(buf)
	next  uint // start of the first line that has not been read
	seen  uint // buf[next:seen] has no control but HTAB, so the line does not end there
	stage stage

	head []byte // the whole head, buf[:n]; empty before that
}

// stage tells which lines come before next.
type stage uint8

const (
	atStart  stage = iota // none
	atLine                // an empty line, if the message may have one; the start line is next
	atFields              // the start line too
)

// parse is Parse of a Request and of a Response.
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

// wait is the result for an unfinished head: read more, or too large.
func (m *message) wait(head []byte, limits Limits) (int, error) {
	if len(head) < limits.Bytes {
		return 0, nil
	}
	if m.kind == request && m.stage != atFields {
		return 0, m.fault(uint(len(head)), ErrTargetSize)
	}
	return 0, m.fault(uint(len(head)), ErrSize)
}

// fault ends a head with an error.
func (m *message) fault(at uint, reason Reason) error {
	m.seen = 0
	return &Error{int(at), reason, m.kind}
}

// readLines reads the lines from m.next on. It returns the end of the head, or the place
// and the reason of a fault. Here the end of the octets is a fault like any other, at the
// end of head or at a CR there. parse recognizes such a fault: its line has not ended.
func (m *message) readLines(head []byte, limits Limits) (at uint, reason Reason) {
	i := m.next
	if m.stage == atStart {
		// A server should ignore at least one empty line before a request line
		// (RFC 9112, section 2.2).
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
		var f field
		if f, i, reason = readFieldLine(head, i); reason != 0 {
			return i, orLineEnd(head, i, reason)
		}
		m.fields = append(m.fields, f)
		// readFieldLine does not call note: a reader that holds a connection in the
		// first 2 KiB of its stack has no room for another frame below note.
		if mayMatter(head[f.name.start]) {
			if at, reason := m.note(f.name.in(head), f.value.in(head)); reason != 0 {
				at += uint(f.value.start)
				return at, orLineEnd(head, at, reason)
			}
		}
		m.next = i
	}
	if m.kind == request && m.line.minor >= 1 && m.known&knownHost == 0 {
		return i, ErrHost
	}
	return i + 2, 0
}

// begin clears what a head may leave unset.
func (m *message) begin(kind kind) {
	if m.fields == nil {
		// One allocation, with room for as many fields as a browser sends.
		room := new(struct {
			fields [16]field
			noted  [4]uint32
		})
		m.fields, m.noted = room.fields[:0], room.noted[:0]
	}
	// Field by field: assigning a whole message takes half as long as a short head.
	m.kind = kind
	m.head, m.fields, m.noted = m.head[:0], m.fields[:0], m.noted[:0]
	m.contentLength, m.chunked, m.expectContinue = 0, false, false
	m.known, m.next, m.seen, m.stage = 0, 0, 0, atStart
}

// reset forgets the head and keeps the room of the slices.
func (m *message) reset() {
	m.begin(m.kind)
	m.head = nil
}
