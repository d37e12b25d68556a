package head

import (
	"iter"

	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows field lines: a name, a colon, a value. It does not know what any field
// means.

// field is where the name and the value of one field line are.
type field struct{ name, value place }

// readFieldLine reads the field line at i. It returns the field and the start of the next
// line, or the place and the reason of a fault ([RFC 9112, section 5]).
//
//	field-line  = field-name ":" OWS field-value OWS
//	field-name  = token
//	field-value = *( SP / HTAB / VCHAR / obs-text ) ; without a blank at either end
//	OWS         = *( SP / HTAB )
//
// [RFC 9112, section 5]: https://httpwg.org/specs/rfc9112.html#rfc.section.5
func readFieldLine(head []byte, i uint) (f field, next uint, reason Reason) {
	name := i
	i = octet.TokenEnd(head, i)
	nameEnd := i
	if i == name || i >= uint(len(head)) || head[i] != ':' {
		if i == name && i < uint(len(head)) && octet.IsBlank(head[i]) {
			return field{}, i, ErrFold
		}
		return field{}, i, ErrFieldName
	}
	i = blanksEnd(head, i+1)
	value := i
	i = lineEnd(head, i)
	if !isCRLF(head, i) {
		return field{}, i, ErrFieldValue
	}
	valueEnd := i
	for valueEnd > value && octet.IsBlank(head[valueEnd-1]) {
		valueEnd--
	}
	return field{placeOf(name, nameEnd), placeOf(value, valueEnd)}, i + 2, 0
}

// all is All of a Request and of a Response.
func (m *message) all() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for _, f := range m.fields {
			if !m.has(f) || !yield(f.name.in(m.head), f.value.in(m.head)) {
				return
			}
		}
	}
}

// lines is Lines of a Request and of a Response.
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

// has reports whether f lies in the head, which is empty until it is whole.
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

// place is a range of octets in a head.
type place struct{ start, end uint32 }

func placeOf(start, end uint) place { return place{uint32(start), uint32(end)} }

func (p place) len() int { return int(p.end - p.start) }

// in returns the octets of p. The slice has no spare capacity, so that an append to it
// cannot overwrite the head.
func (p place) in(head []byte) []byte { return head[p.start:p.end:p.end] }
