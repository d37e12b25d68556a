package head

import "strconv"

// Reason is why a head is refused. It is an error, for use with [errors.Is].
type Reason uint8

// The reasons for which a head is refused, each with the status that a request deserves.
// A response deserves none: see [Error.Status].
const (
	ErrMethod           Reason = iota + 1 // 400: the method is not a token with one space behind it
	ErrTarget                             // 400: the request target is of no form that the method has
	ErrVersion                            // 400: not HTTP/x.y with a digit each, or followed by what cannot follow it
	ErrMajor                              // 505: a major version other than 1
	ErrLineEnd                            // 400: a CR without LF or an LF without CR
	ErrFold                               // 400: a line that begins with a blank (obs-fold)
	ErrFieldName                          // 400: the name is not a token with a colon right behind it
	ErrFieldValue                         // 400: a control other than HTAB in a value
	ErrHost                               // 400: no Host in version 1.1, a second one, or a malformed one
	ErrContentLength                      // 400: a length that is no number of 63 bits, or a second one
	ErrTransferEncoding                   // 400: not one chunked alone, or a second line, or version 1.0
	ErrCoding                             // 501: an unknown transfer coding
	ErrFraming                            // 400: both Content-Length and Transfer-Encoding
	ErrExpect                             // 417: an expectation other than 100-continue
	ErrTargetSize                         // 414: the request target or its line exceeds the limit
	ErrFields                             // 431: more field lines than the limit
	ErrSize                               // 431: the head exceeds the limit
	ErrStatus                             // 502: not three digits from 100 to 599, one space, and a phrase without controls
)

// Error returns what was wanted or exceeded, without a position.
func (r Reason) Error() string { return "head: " + r.text() }

func (r Reason) text() string {
	switch r {
	case ErrMethod:
		return "want method and one space"
	case ErrTarget:
		return "want request target and one space"
	case ErrVersion:
		return "want HTTP version"
	case ErrMajor:
		return "want HTTP version 1"
	case ErrLineEnd:
		return "want CR and LF together"
	case ErrFold:
		return "want no line folding"
	case ErrFieldName:
		return "want field name and colon"
	case ErrFieldValue:
		return "want no control in field value"
	case ErrHost:
		return "want exactly one valid Host"
	case ErrContentLength:
		return "want exactly one number in Content-Length"
	case ErrTransferEncoding:
		return "want exactly chunked in Transfer-Encoding"
	case ErrCoding:
		return "want no transfer coding but chunked"
	case ErrFraming:
		return "want Content-Length or Transfer-Encoding, not both"
	case ErrExpect:
		return "want no expectation but 100-continue"
	case ErrTargetSize:
		return "request target too long"
	case ErrFields:
		return "too many fields"
	case ErrSize:
		return "head too large"
	case ErrStatus:
		return "want status code, one space and reason phrase"
	}
	return "malformed"
}

// Status returns the status code of the answer that a request deserves for r.
func (r Reason) Status() int {
	switch r {
	case ErrMajor:
		return 505
	case ErrCoding:
		return 501
	case ErrExpect:
		return 417
	case ErrTargetSize:
		return 414
	case ErrFields, ErrSize:
		return 431
	case ErrStatus:
		return 502
	}
	return 400
}

// Error tells where and why a head is refused. It holds no input and its text quotes
// none. It unwraps to its Reason.
type Error struct {
	// Offset is where in the buffer the first octet stands that cannot be there,
	// in bytes, from 0. What lacks something has it at its end, and a head that lacks
	// Host at the empty line; what is whole but none of what may stand there, such as
	// an unknown coding or a second Host, has it at its beginning, the field at its
	// value; and what exceeds a limit at the limit.
	Offset int

	// Reason is what was wanted at Offset.
	Reason Reason

	of kind
}

// Error returns a text such as "head: offset 9: want field name and colon".
func (e *Error) Error() string {
	return "head: offset " + strconv.Itoa(e.Offset) + ": " + e.Reason.text()
}

// Status returns the status code with which a server answers a request that has this
// fault, which is that of its Reason. If a response has the fault, it is that with which
// a proxy answers its own client: 502 (Bad Gateway), whatever the Reason.
func (e *Error) Status() int {
	if e.of == response {
		return 502
	}
	return e.Reason.Status()
}

// Unwrap returns the Reason, so that errors.Is(err, head.ErrHost) works.
func (e *Error) Unwrap() error { return e.Reason }
