package upgrade

import (
	"strconv"
	"strings"
)

// This file knows one product: a name and perhaps a version. It knows nothing of
// commas, blanks, lists or lines.

// Product is a protocol by name and, if it has one, version: "websocket" or
// "IRC/6.9". It is well-formed by construction; the zero Product is none at all:
// it matches nothing, and nothing offers it.
//
// A Product aliases the text it was read from. Products of strings may be
// compared with ==, which tells letter case apart; [Product.Matches] does not.
type Product[S Text] struct {
	text S   // name ["/" version]: no blanks may stand between the two
	name int // len(name); 0 < name <= len(text), or 0 in the zero Product
}

// ParseProduct reads one product that takes up the whole of text: it has no
// blanks around it and nothing after it, which would be [ErrDelimiter].
// A malformed one is a [*SyntaxError] in line 0. It follows
// [RFC 9110, section 7.8] and allocates nothing but the error.
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
func ParseProduct[S Text](text S) (Product[S], error) {
	name := tokenEnd(text, 0)
	end := versionEnd(text, name)
	switch {
	case name == 0:
		return Product[S]{}, &SyntaxError{Reason: ErrToken}
	case end == name+1:
		return Product[S]{}, &SyntaxError{Offset: int(end), Reason: ErrVersion}
	case end < uint(len(text)):
		return Product[S]{}, &SyntaxError{Offset: int(end), Reason: ErrDelimiter}
	}
	return Product[S]{text, int(name)}, nil
}

// MustParseProduct is like [ParseProduct] but panics if s is malformed, with an
// error that quotes s and unwraps to the [*SyntaxError]. It is for products that
// are written in the program.
func MustParseProduct(s string) Product[string] {
	p, err := ParseProduct(s)
	if err != nil {
		panic(&literalError{s, err})
	}
	return p
}

// literalError tells of a malformed product in the program. It may quote it: nobody
// sent it.
type literalError struct {
	literal string
	err     error
}

func (e *literalError) Error() string {
	return e.err.Error() + ": MustParseProduct(" + strconv.Quote(e.literal) + ")"
}

func (e *literalError) Unwrap() error { return e.err }

// versionEnd returns where the product ends whose name ends at i: at i itself if it has
// no version, and at i+1 if it lacks one behind a slash.
//
//	product         = token ["/" product-version]
//	product-version = token
//
// (RFC 9110 calls it protocol, protocol-name and protocol-version.)
func versionEnd[S Text](text S, i uint) uint {
	if i < uint(len(text)) && text[i] == '/' {
		for i++; i < uint(len(text)) && chart[text[i]] == Token; i++ {
		}
	}
	return i
}

// Name returns the name, as it was spelled. It aliases the text read.
func (p Product[S]) Name() S { return p.text[:p.name] }

// Version returns the version, empty if there is none. It aliases the text read.
func (p Product[S]) Version() S {
	if p.name == len(p.text) {
		return p.text[p.name:]
	}
	return p.text[p.name+1:]
}

// IsZero reports whether p is the zero Product.
func (p Product[S]) IsZero() bool { return p.name == 0 }

// Matches reports whether p and q are one protocol: their names are equal but
// for the case of ASCII letters, and both have the same version, octet for
// octet, or neither has one. The zero Product matches nothing, itself included.
//
// A server must name in its answer only what was offered, so there is no looser
// match. One that wants any version of a protocol compares names while it goes
// through [List.All].
func (p Product[S]) Matches(q Product[string]) bool {
	return p.name == q.name && p.name > 0 && (string(p.text) == q.text ||
		string(p.text[p.name:]) == q.text[q.name:] && equalFold(p.text[:p.name], q.text[:q.name]))
}

// AppendTo appends the product as it was spelled to dst and returns the result.
// The zero Product appends nothing.
func (p Product[S]) AppendTo(dst []byte) []byte { return append(dst, p.text...) }

// String returns the product as it was spelled, empty for the zero Product. It
// allocates where S is bytes.
func (p Product[S]) String() string { return string(p.text) }

// Clone returns a copy of p that aliases nothing, to be kept after the text that p
// was read from has changed or is no more. It allocates once, and nothing for the
// zero Product.
func (p Product[S]) Clone() Product[string] {
	// A conversion to string copies bytes alone, strings.Clone strings alone.
	var text strings.Builder
	text.Grow(len(p.text))
	for i := range len(p.text) {
		text.WriteByte(p.text[i])
	}
	return Product[string]{text.String(), p.name}
}
