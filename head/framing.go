package head

import (
	"math"

	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows the fields that a head is judged by, and above all those that say
// where the content ends.

// known is a set of the fields seen that may stand but once.
type known uint8

const (
	knownHost known = 1 << iota
	knownLength
	knownCoding
)

// initials has the bit of each letter with which a name begins that note knows.
const initials = 1<<('c'&31) | 1<<('e'&31) | 1<<('h'&31) | 1<<('t'&31) | 1<<('u'&31)

// mayMatter reports whether note may know a name that begins so. It spares most fields
// the call, and a browser's head a fourteenth of its time.
func mayMatter(initial byte) bool {
	// The low five bits of a letter are the same in both cases.
	return initials>>(initial&31)&1 != 0
}

// note looks at one field and keeps what is asked of it later. If it must not be there
// or not be so, it returns where in the value and why.
func (r *Request) note(name, value []byte) (at uint, reason Reason) {
	// The length tells nearly all names from those that matter. Those that nearly
	// every request has are first compared as nearly everybody spells them.
	switch len(name) {
	case len("Host"):
		if string(name) == "Host" || octet.EqualFold(name, "Host") {
			return r.noteHost(value)
		}
	case len("Expect"):
		if octet.EqualFold(name, "Expect") {
			return r.noteExpect(value)
		}
	case len("Upgrade"):
		if string(name) == "Upgrade" || octet.EqualFold(name, "Upgrade") {
			r.Upgrade = append(r.Upgrade, value)
		}
	case len("Connection"):
		if string(name) == "Connection" || octet.EqualFold(name, "Connection") {
			r.Connection = append(r.Connection, value)
		}
	case len("Content-Length"):
		if octet.EqualFold(name, "Content-Length") {
			return r.noteLength(value)
		}
	case len("Transfer-Encoding"):
		if octet.EqualFold(name, "Transfer-Encoding") {
			return r.noteCoding(value)
		}
	}
	return 0, 0
}

// noteHost wants one Host, even of version 1.0, that names a host, or nothing: docker
// sends it empty ([RFC 9112, section 3.2]).
//
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
func (r *Request) noteHost(value []byte) (at uint, reason Reason) {
	if r.known&knownHost != 0 {
		return 0, ErrHost
	}
	if at, ok := uri.IsHost(value); !ok {
		return at, ErrHost
	}
	r.known |= knownHost
	r.Host = value
	return 0, 0
}

// noteExpect wants no expectation but 100-continue. Any other member of the list is
// refused at its first octet, whether it is well-formed or not: nobody here can meet it.
// Version 1.0 has no expectations, so they are ignored there ([RFC 9110, section
// 10.1.1]).
//
//	Expect      = #expectation
//	expectation = token [ "=" ( token / quoted-string ) parameters ]
//
// [RFC 9110, section 10.1.1]: https://httpwg.org/specs/rfc9110.html#rfc.section.10.1.1
func (r *Request) noteExpect(value []byte) (at uint, reason Reason) {
	if r.Minor == 0 {
		return 0, 0
	}
	for i := elementStart(value, 0); i < uint(len(value)); i = elementStart(value, i) {
		start := i
		i = tokenEnd(value, i)
		if !octet.EqualFold(value[start:i], "100-continue") {
			return start, ErrExpect
		}
		i = blanksEnd(value, i)
		if i < uint(len(value)) && value[i] != ',' {
			return start, ErrExpect
		}
		r.ExpectContinue = true
	}
	return 0, 0
}

// noteLength wants one number ([RFC 9112, section 6.3]). A recipient may read a
// number that is repeated as one; we do not, and there is no need to.
//
//	Content-Length = 1*DIGIT
//
// [RFC 9112, section 6.3]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.3
func (r *Request) noteLength(value []byte) (at uint, reason Reason) {
	switch {
	case r.known&knownCoding != 0:
		return 0, ErrFraming
	case r.known&knownLength != 0 || len(value) == 0:
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
	r.known |= knownLength
	r.ContentLength = n
	return 0, 0
}

// noteCoding wants chunked and nothing else, in one line, which leaves room only for
// empty elements ([RFC 9112, section 6.1] and [7]). In a message of version 1.0 the
// field is a fault in framing.
//
//	Transfer-Encoding = #transfer-coding
//	transfer-coding   = token *( OWS ";" OWS transfer-parameter ) ; chunked has none
//
// [RFC 9112, section 6.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.1
// [7]: https://httpwg.org/specs/rfc9112.html#rfc.section.7
func (r *Request) noteCoding(value []byte) (at uint, reason Reason) {
	switch {
	case r.known&knownLength != 0:
		return 0, ErrFraming
	case r.known&knownCoding != 0 || r.Minor == 0:
		return 0, ErrTransferEncoding
	}
	r.known |= knownCoding
	i := elementStart(value, 0)
	for i < uint(len(value)) {
		start := i
		i = tokenEnd(value, i)
		if i == start || r.Chunked {
			return start, ErrTransferEncoding
		}
		r.Chunked = octet.EqualFold(value[start:i], "chunked")
		i = blanksEnd(value, i)
		last := i >= uint(len(value)) || value[i] == ','
		switch {
		case !r.Chunked && (last || value[i] == ';'):
			return start, ErrCoding
		case !last:
			return i, ErrTransferEncoding
		}
		i = elementStart(value, i)
	}
	if !r.Chunked {
		return i, ErrTransferEncoding
	}
	r.ContentLength = -1
	return 0, 0
}

// elementStart returns where the next list element begins, at i or behind it: past
// commas, blanks and so past every empty element.
func elementStart(b []byte, i uint) uint {
	for i < uint(len(b)) && (b[i] == ',' || octet.IsBlank(b[i])) {
		i++
	}
	return i
}

// blanksEnd returns where the blanks that begin at i end; i itself if there are none.
func blanksEnd(b []byte, i uint) uint {
	for i < uint(len(b)) && octet.IsBlank(b[i]) {
		i++
	}
	return i
}
