package head

import (
	"iter"

	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows field lines: a name, a colon, a value.

// field is the places of one field line's name and value.
type field struct{ name, value place }

// readFieldLine reads the field line at i and returns where the next line begins, or
// where and why the line is malformed ([RFC 9112, section 5]).
//
//	field-line  = field-name ":" OWS field-value OWS
//	field-name  = token
//	field-value = *( SP / HTAB / VCHAR / obs-text ) ; and no blank at an end
//	OWS         = *( SP / HTAB )
//
// [RFC 9112, section 5]: https://httpwg.org/specs/rfc9112.html#rfc.section.5
func (m *message) readFieldLine(head []byte, i uint) (uint, Reason) {
	name := i
	i = tokenEnd(head, i)
	nameEnd := i
	if i == name || i >= uint(len(head)) || head[i] != ':' {
		if i == name && i < uint(len(head)) && octet.IsBlank(head[i]) {
			return i, ErrFold
		}
		return i, ErrFieldName
	}
	i = blanksEnd(head, i+1)
	value := i
	i = lineEnd(head, i)
	if !isCRLF(head, i) {
		return i, ErrFieldValue
	}
	valueEnd := i
	for valueEnd > value && octet.IsBlank(head[valueEnd-1]) {
		valueEnd--
	}
	m.fields = append(m.fields, field{placeOf(name, nameEnd), placeOf(value, valueEnd)})
	if !mayMatter(head[name]) {
		return i + 2, 0
	}
	if at, reason := m.note(head[name:nameEnd], head[value:valueEnd:valueEnd]); reason != 0 {
		return value + at, reason
	}
	return i + 2, 0
}

// all is All of both kinds.
func (m *message) all() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for _, f := range m.fields {
			if !m.has(f) || !yield(f.name.in(m.head), f.value.in(m.head)) {
				return
			}
		}
	}
}

// lines is Lines of both kinds.
func (m *message) lines(dst [][]byte, name string) [][]byte {
	for _, f := range m.fields {
		if f.name.len() != len(name) || !m.has(f) {
			continue
		}
		if spelled := f.name.in(m.head); string(spelled) == name || octet.EqualFold(spelled, name) {
			dst = append(dst, f.value.in(m.head))
		}
	}
	return dst
}

// has reports whether f is a place in the head. Before there is a whole head there is
// none to have a place in.
func (m *message) has(f field) bool { return int(f.value.end) <= len(m.head) }

// appendNoted appends the lines of Connection and of Upgrade, in the order received.
func (m *message) appendNoted(connection, upgrade [][]byte) (_, _ [][]byte) {
	for _, i := range m.noted {
		f := m.fields[i]
		if f.name.len() == len("Upgrade") {
			upgrade = append(upgrade, f.value.in(m.head))
		} else {
			connection = append(connection, f.value.in(m.head))
		}
	}
	return connection, upgrade
}

// place is where in a head something stands.
type place struct{ start, end uint32 }

func placeOf(start, end uint) place { return place{uint32(start), uint32(end)} }

func (p place) len() int { return int(p.end - p.start) }

// in returns what stands there. Nothing can be appended to it at the cost of what
// follows it in the head.
func (p place) in(head []byte) []byte { return head[p.start:p.end:p.end] }
