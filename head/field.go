package head

import (
	"iter"

	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows field lines: a name, a colon, a value.

// field is the places in the head of one field line's name and value.
type field struct {
	name, nameEnd   uint32
	value, valueEnd uint32
}

// readFieldLine reads the field line at i and returns where the next line begins, or
// where and why the line is malformed ([RFC 9112, section 5]).
//
//	field-line  = field-name ":" OWS field-value OWS
//	field-name  = token
//	field-value = *( SP / HTAB / VCHAR / obs-text ) ; and no blank at an end
//	OWS         = *( SP / HTAB )
//
// [RFC 9112, section 5]: https://httpwg.org/specs/rfc9112.html#rfc.section.5
func (r *Request) readFieldLine(head []byte, i uint) (uint, Reason) {
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
	r.fields = append(r.fields, field{uint32(name), uint32(nameEnd), uint32(value), uint32(valueEnd)})
	if !mayMatter(head[name]) {
		return i + 2, 0
	}
	if at, reason := r.note(head[name:nameEnd], head[value:valueEnd:valueEnd]); reason != 0 {
		return value + at, reason
	}
	return i + 2, 0
}

// All returns the field lines in the order received: the name as it was spelled, and
// the value without the blanks around it. Both alias the buffer. It allocates nothing.
func (r *Request) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for _, f := range r.fields {
			if !r.has(f) || !yield(f.of(r.head)) {
				return
			}
		}
	}
}

// Lines appends the values of the field lines of that name to dst, in the order
// received, and returns the result. Case does not matter in ASCII letters. The values
// alias the buffer. It allocates nothing but what dst needs to grow.
func (r *Request) Lines(dst [][]byte, name string) [][]byte {
	for _, f := range r.fields {
		if int(f.nameEnd-f.name) != len(name) || !r.has(f) {
			continue
		}
		if spelled, value := f.of(r.head); string(spelled) == name || octet.EqualFold(spelled, name) {
			dst = append(dst, value)
		}
	}
	return dst
}

// has reports whether f is a place in the head. Before there is a whole head there is
// none to have a place in.
func (r *Request) has(f field) bool { return int(f.valueEnd) <= len(r.head) }

// of returns name and value.
func (f field) of(head []byte) (name, value []byte) {
	return head[f.name:f.nameEnd:f.nameEnd], head[f.value:f.valueEnd:f.valueEnd]
}
