package chunked

import "strconv"

// Reason is what was wanted where the coding turned out to be malformed, or what was too
// much. It is an error, for use with [errors.Is].
type Reason uint8

// The reasons for which a decoder fails, each with the status that a request deserves.
const (
	ErrSize      Reason = iota + 1 // 400: a size was wanted: hexadecimal digits, then an extension or CR
	ErrExtension                   // 400: an extension was wanted: a semicolon must follow the blanks, and no control it
	ErrLineEnd                     // 400: CR and LF were wanted, together
	ErrTrailer                     // 400: a field line was wanted: a token, a colon, no control
	ErrExtra                       // 400: too many octets that are not content
	ErrTooLarge                    // 413: the content exceeds the limit
)

// Error returns what was wanted or exceeded, without a position.
func (r Reason) Error() string { return "chunked: " + r.text() }

func (r Reason) text() string {
	switch r {
	case ErrSize:
		return "want chunk size"
	case ErrExtension:
		return "want chunk extension"
	case ErrLineEnd:
		return "want CR and LF together"
	case ErrTrailer:
		return "want trailer field line"
	case ErrExtra:
		return "too much besides content"
	case ErrTooLarge:
		return "content too large"
	}
	return "malformed"
}

// Status returns the status code of the response that a request with this fault deserves.
func (r Reason) Status() int {
	if r == ErrTooLarge {
		return 413
	}
	return 400
}

// Error tells where and why a decoder failed. It holds no input and its text quotes
// none. It unwraps to its Reason.
type Error struct {
	// Offset is the position of the first octet that cannot be there, in bytes from
	// the first octet of the first chunk, from 0.
	Offset int64

	// Reason is what was wanted at Offset.
	Reason Reason
}

// Error returns a text such as "chunked: offset 9: want CR and LF together".
func (e *Error) Error() string {
	return "chunked: offset " + strconv.FormatInt(e.Offset, 10) + ": " + e.Reason.text()
}

// Status returns the status code of the response that the fault deserves, which is that
// of its Reason.
func (e *Error) Status() int { return e.Reason.Status() }

// Unwrap returns the Reason, so that errors.Is(err, chunked.ErrSize) works.
func (e *Error) Unwrap() error { return e.Reason }
