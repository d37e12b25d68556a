package upgrade

import "strconv"

// This file knows how and where a field can be malformed. It does not know how a field is
// read.

// Reason is what a field lacks at the place where it is malformed. It is an error,
// for use with [errors.Is].
type Reason uint8

// The reasons why a field is malformed.
const (
	ErrToken     Reason = iota + 1 // want a token: an element must begin with one
	ErrVersion                     // want a product-version: a token must follow the slash
	ErrDelimiter                   // want a comma or the end of the line after an element
	ErrNoElement                   // want an element: the list must have at least one
)

// Error returns a text such as "upgrade: want token", without a position.
func (r Reason) Error() string { return "upgrade: " + r.want() }

func (r Reason) want() string {
	switch r {
	case ErrToken:
		return "want token"
	case ErrVersion:
		return "want version after slash"
	case ErrDelimiter:
		return "want comma or end of line"
	case ErrNoElement:
		return "want at least one element"
	}
	return "malformed"
}

// SyntaxError tells where and why a field is malformed. It holds no input and
// its text quotes none. It unwraps to its Reason.
type SyntaxError struct {
	// Line is the index of the line, from 0.
	Line int

	// Offset is the byte offset in that line, from 0, of the first octet that no
	// valid field could have there. If the line ended too soon, it is the length of
	// the line without the blanks at its end.
	Offset int

	// Reason is what the field lacks at Offset.
	Reason Reason
}

// Error returns a text such as "upgrade: line 0, offset 9: want comma or end of line".
func (e *SyntaxError) Error() string {
	return "upgrade: line " + strconv.Itoa(e.Line) + ", offset " + strconv.Itoa(e.Offset) + ": " + e.Reason.want()
}

// Unwrap returns the Reason, so that errors.Is(err, upgrade.ErrToken) works.
func (e *SyntaxError) Unwrap() error { return e.Reason }
