package upgrade

import (
	"strconv"
	"strings"
)

// This file knows one product: a name and, optionally, a version. It does not know
// commas, blanks, lists or lines.

// Product is the name of a protocol, with its version if it has one: "websocket" or
// "IRC/6.9". It is well-formed by construction. The zero Product stands for no
// protocol: it matches nothing, and no list offers it.
//
// A Product aliases the text it was read from. Products of strings may be compared
// with ==, which respects letter case; [Product.Matches] ignores the case of names.
type Product[S Text] struct {
	text S   // name ["/" version], without blanks
	name int // len(name); 0 < name <= len(text), or 0 in the zero Product
}

// ParseProduct returns text as a Product. If text is not exactly one product, without
// blanks around it, ParseProduct returns the zero Product and a [*SyntaxError] with Line
// 0. Anything after the product is [ErrDelimiter]. ParseProduct follows
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

// literalError says that the program itself has a malformed product. It may quote the
// literal, because no client sent it.
type literalError struct {
	literal string
	err     error
}

func (e *literalError) Error() string {
	return e.err.Error() + ": MustParseProduct(" + strconv.Quote(e.literal) + ")"
}

func (e *literalError) Unwrap() error { return e.err }

// versionEnd returns the end of the product whose name ends at i: i without a slash,
// i+1 if nothing follows the slash.
//
//	product         = token ["/" product-version]
//	product-version = token
//
// RFC 9110 calls these protocol, protocol-name and protocol-version.
func versionEnd[S Text](text S, i uint) uint {
	if i < uint(len(text)) && text[i] == '/' {
		for i++; i < uint(len(text)) && chart[text[i]] == Token; i++ {
		}
	}
	return i
}

// Name returns the name in its original spelling. It aliases the text read.
func (p Product[S]) Name() S { return p.text[:p.name] }

// Version returns the version, which is empty if there is none. It aliases the text
// read.
func (p Product[S]) Version() S {
	if p.name == len(p.text) {
		return p.text[p.name:]
	}
	return p.text[p.name+1:]
}

// IsZero reports whether p is the zero Product.
func (p Product[S]) IsZero() bool { return p.name == 0 }

// Matches reports whether p and q are the same protocol: their names are equal,
// without regard to the case of ASCII letters, and their versions are equal octet for
// octet, or both absent. The zero Product matches nothing, not even itself.
//
// There is no looser match, because a server may name in its answer only what the client
// offered. To accept any version of a protocol, compare the names in a loop over
// [List.All], with [strings.EqualFold] for example.
func (p Product[S]) Matches(q Product[string]) bool {
	return p.name == q.name && p.name > 0 && (string(p.text) == q.text ||
		string(p.text[p.name:]) == q.text[q.name:] && equalFold(p.text[:p.name], q.text[:q.name]))
}

// AppendTo appends the product in its original spelling to dst and returns the
// result. The zero Product appends nothing.
func (p Product[S]) AppendTo(dst []byte) []byte { return append(dst, p.text...) }

// String returns the product in its original spelling. It is empty for the zero
// Product. It allocates if S is bytes.
func (p Product[S]) String() string { return string(p.text) }

// Clone returns a copy of p that aliases nothing. It remains valid when the text that p
// was read from is changed or reused. It allocates once, and not at all for the zero
// Product.
func (p Product[S]) Clone() Product[string] {
	// string(p.text) does not copy a string, and strings.Clone does not take bytes.
	var text strings.Builder
	text.Grow(len(p.text))
	for i := range len(p.text) {
		text.WriteByte(p.text[i])
	}
	return Product[string]{text.String(), p.name}
}
