package upgrade

import "strconv"

// This file knows how a field can be malformed, and where. It does not know how a field
// is read.

// Reason is what was wanted where a field turned out to be malformed. It is an
// error, for use with [errors.Is].
type Reason uint8

// The reasons for which a field is malformed.
const (
	ErrToken     Reason = iota + 1 // a token was wanted: an element must begin with one
	ErrVersion                     // a product-version was wanted: a token must follow the slash
	ErrDelimiter                   // a comma or the end was wanted: the element is over
	ErrNoElement                   // an element was wanted: the list must have at least one
)

// Error returns what was wanted, without a position.
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
	// Line is the index of the field line, from 0.
	Line int

	// Offset is where in that line the first octet stands that no valid field
	// could have there, in bytes from the start of the line, from 0. A line that
	// ended too soon has it at its end, less trailing blanks.
	Offset int

	// Reason is what was wanted at Offset.
	Reason Reason
}

// Error returns a text such as "upgrade: line 0, offset 9: want comma or end of line".
func (e *SyntaxError) Error() string {
	return "upgrade: line " + strconv.Itoa(e.Line) + ", offset " + strconv.Itoa(e.Offset) + ": " + e.Reason.want()
}

// Unwrap returns the Reason, so that errors.Is(err, upgrade.ErrToken) works.
func (e *SyntaxError) Unwrap() error { return e.Reason }
