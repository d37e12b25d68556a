package chunked

import "strconv"

// Reason is what the coding lacks at the place where it is malformed, or what is too large.
// It is an error, for use with [errors.Is].
type Reason uint8

// The reasons why a decoder fails, each with the status code of the response to a request.
const (
	ErrSize      Reason = iota + 1 // 400: want a size: hexadecimal digits, then an extension or CR
	ErrExtension                   // 400: want an extension: a semicolon after the blanks, and no control
	ErrLineEnd                     // 400: want CR and LF together
	ErrTrailer                     // 400: want a field line: a token, a colon, and no control
	ErrExtra                       // 400: too many octets of extensions, trailers and leading zeros
	ErrTooLarge                    // 413: the content exceeds the limit
)

// Error returns a text such as "chunked: want chunk size", without a position.
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

// Status returns the status code of the response to a request with this fault.
func (r Reason) Status() int {
	if r == ErrTooLarge {
		return 413
	}
	return 400
}

// Error tells where and why a decoder failed. It holds no input and its text quotes
// none. It unwraps to its Reason.
type Error struct {
	// Offset is the byte offset, from 0, of the first octet that cannot be there. It
	// counts from the first octet of the coding, over all calls of Next.
	Offset int64

	// Reason is what the coding lacks at Offset.
	Reason Reason
}

// Error returns a text such as "chunked: offset 9: want CR and LF together".
func (e *Error) Error() string {
	return "chunked: offset " + strconv.FormatInt(e.Offset, 10) + ": " + e.Reason.text()
}

// Status returns the status code of the Reason, for the response to the request.
func (e *Error) Status() int {
	if e == nil {
		return 500 // no fault of a message
	}
	return e.Reason.Status()
}

// Unwrap returns the Reason, so that errors.Is(err, chunked.ErrSize) works.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Reason
}
