package head

import (
	"math"

	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows the fields that can make a head malformed, and which of them say where
// the content ends. It does not know how a field line is read.

// known is a set of fields that may occur only once.
type known uint8

const (
	knownHost known = 1 << iota
	knownLength
	knownCoding
)

// initials has one bit for the initial of each name that note handles.
const initials = 1<<('c'&31) | 1<<('e'&31) | 1<<('h'&31) | 1<<('t'&31) | 1<<('u'&31)

// mayMatter reports whether note handles any name with this initial. It saves 1/14 of the
// time of a browser's head.
func mayMatter(initial byte) bool {
	// The low five bits of a letter are the same in both cases.
	return initials>>(initial&31)&1 != 0
}

// note keeps what callers ask about the last of m.fields. If the field is malformed or
// must not be there, note returns the offset in value and the reason.
func (m *message) note(name, value []byte) (at uint, reason Reason) {
	// The length rules out nearly every other name. For names that most requests have,
	// the common spelling comes first, then any letter case.
	switch len(name) {
	case len("Host"):
		if m.kind == request && (string(name) == "Host" || octet.EqualFold(name, "Host")) {
			return m.noteHost(value)
		}
	case len("Expect"):
		if m.kind == request && octet.EqualFold(name, "Expect") {
			return m.noteExpect(value)
		}
	case len("Upgrade"):
		if string(name) == "Upgrade" || octet.EqualFold(name, "Upgrade") {
			m.noted = append(m.noted, uint32(len(m.fields)-1))
		}
	case len("Connection"):
		if string(name) == "Connection" || octet.EqualFold(name, "Connection") {
			m.noted = append(m.noted, uint32(len(m.fields)-1))
		}
	case len("Content-Length"):
		if m.line.status != 101 && octet.EqualFold(name, "Content-Length") {
			return m.noteLength(value)
		}
	case len("Transfer-Encoding"):
		if m.line.status != 101 && octet.EqualFold(name, "Transfer-Encoding") {
			return m.noteCoding(value)
		}
	}
	return 0, 0
}

// noteHost accepts one Host that is well-formed or empty, in every version ([RFC 9112,
// section 3.2]). docker sends an empty one.
//
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
func (m *message) noteHost(value []byte) (at uint, reason Reason) {
	if m.known&knownHost != 0 {
		return 0, ErrHost
	}
	if at, ok := uri.IsHost(value); !ok {
		return at, ErrHost
	}
	m.known |= knownHost
	m.host = m.fields[len(m.fields)-1].value
	return 0, 0
}

// noteExpect accepts 100-continue and no other expectation. Any other member of the list
// is an error at its first octet, whether it is well-formed or malformed. In version 1.0
// the field is ignored ([RFC 9110, section 10.1.1]).
//
//	Expect      = #expectation
//	expectation = token [ "=" ( token / quoted-string ) parameters ]
//
// [RFC 9110, section 10.1.1]: https://httpwg.org/specs/rfc9110.html#rfc.section.10.1.1
func (m *message) noteExpect(value []byte) (at uint, reason Reason) {
	if m.line.minor == 0 {
		return 0, 0
	}
	for i := elementStart(value, 0); i < uint(len(value)); i = elementStart(value, i) {
		start := i
		i = octet.TokenEnd(value, i)
		if !octet.EqualFold(value[start:i], "100-continue") {
			return start, ErrExpect
		}
		i = blanksEnd(value, i)
		if i < uint(len(value)) && value[i] != ',' {
			return start, ErrExpect
		}
		m.expectContinue = true
	}
	return 0, 0
}

// noteLength accepts one number ([RFC 9112, section 6.3]). A recipient may accept a
// number that is repeated; this one does not.
//
//	Content-Length = 1*DIGIT
//
// [RFC 9112, section 6.3]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.3
func (m *message) noteLength(value []byte) (at uint, reason Reason) {
	switch {
	case m.known&knownCoding != 0:
		return 0, ErrFraming
	case m.known&knownLength != 0 || len(value) == 0:
		return 0, ErrContentLength
	}
	var n int64
	for i, c := range value {
		if !isDigit(c) {
			return uint(i), ErrContentLength
		}
		digit := int64(c - '0')
		if n > (math.MaxInt64-digit)/10 {
			return uint(i), ErrContentLength
		}
		n = n*10 + digit
	}
	m.known |= knownLength
	m.contentLength = n
	return 0, 0
}

// noteCoding accepts one line whose only coding is chunked, with or without empty elements
// ([RFC 9112, section 6.1] and [7]). In a message of version 1.0 the field is always an
// error.
//
//	Transfer-Encoding = #transfer-coding
//	transfer-coding   = token *( OWS ";" OWS transfer-parameter ) ; chunked has none
//
// [RFC 9112, section 6.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.1
// [7]: https://httpwg.org/specs/rfc9112.html#rfc.section.7
func (m *message) noteCoding(value []byte) (at uint, reason Reason) {
	switch {
	case m.known&knownLength != 0:
		return 0, ErrFraming
	case m.known&knownCoding != 0 || m.line.minor == 0:
		return 0, ErrTransferEncoding
	}
	m.known |= knownCoding
	i := elementStart(value, 0)
	for i < uint(len(value)) {
		start := i
		i = octet.TokenEnd(value, i)
		if i == start || m.chunked {
			return start, ErrTransferEncoding
		}
		m.chunked = octet.EqualFold(value[start:i], "chunked")
		i = blanksEnd(value, i)
		last := i >= uint(len(value)) || value[i] == ','
		switch {
		case !m.chunked && (last || value[i] == ';'):
			return start, ErrCoding
		case !last:
			return i, ErrTransferEncoding
		}
		i = elementStart(value, i)
	}
	if !m.chunked {
		return i, ErrTransferEncoding
	}
	m.contentLength = -1
	return 0, 0
}

// elementStart returns the start of the first list element at or after i. It skips
// commas and blanks, and with them every empty element.
func elementStart(b []byte, i uint) uint {
	for i < uint(len(b)) && (b[i] == ',' || octet.IsBlank(b[i])) {
		i++
	}
	return i
}

// blanksEnd returns the end of the blanks that begin at i, or i if there are none.
func blanksEnd(b []byte, i uint) uint {
	for i < uint(len(b)) && octet.IsBlank(b[i]) {
		i++
	}
	return i
}
