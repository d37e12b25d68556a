package head

import "strconv"

// Reason is why a head is refused. It is an error, for use with [errors.Is].
type Reason uint8

// The reasons for which a head is refused, each with the status code that answers such a
// request. For a response see [Error.Status].
const (
	ErrMethod           Reason = iota + 1 // 400: the method is not a token, or no space follows it
	ErrTarget                             // 400: the request target is empty, malformed, or in a form that the method does not allow
	ErrVersion                            // 400: the version is not HTTP/x.y with one digit each, or a wrong octet follows it
	ErrMajor                              // 505: a major version other than 1
	ErrLineEnd                            // 400: a CR without LF or an LF without CR
	ErrFold                               // 400: a line that begins with a blank (obs-fold)
	ErrFieldName                          // 400: the name is not a token, or no colon follows it directly
	ErrFieldValue                         // 400: a control other than HTAB in a value
	ErrHost                               // 400: no Host in version 1.1 or later, a second one, or a malformed one
	ErrContentLength                      // 400: the length is not a number of 63 bits, or there is a second one
	ErrTransferEncoding                   // 400: not exactly one chunked, or a second line, or version 1.0
	ErrCoding                             // 501: an unknown transfer coding
	ErrFraming                            // 400: both Content-Length and Transfer-Encoding
	ErrExpect                             // 417: an expectation other than 100-continue
	ErrTargetSize                         // 414: the request target or its line exceeds the limit
	ErrFields                             // 431: more field lines than the limit
	ErrSize                               // 431: the head exceeds the limit
	ErrStatus                             // 502: the status code is not 100 to 599, no space follows it, or the phrase has a control
)

// Error returns a text that says what was wanted or exceeded, without a position.
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

// Status returns the status code of the answer to a request that is refused for r.
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

// Error tells where and why a head is refused. Neither it nor its text holds any input.
// It unwraps to its Reason.
type Error struct {
	// Offset is the byte offset in the buffer, from 0, of the first octet that cannot
	// be there:
	//   - if something is missing, the end of what is there; if Host is missing, the
	//     empty line
	//   - if a field or a part of it is well-formed but wrong, such as a second Host or
	//     an unknown coding, the first octet of the value or of that part
	//   - if something is too large, the octet at the limit
	Offset int

	// Reason is what was wanted at Offset.
	Reason Reason

	of kind
}

// Error returns a text such as "head: offset 9: want field name and colon".
func (e *Error) Error() string {
	return "head: offset " + strconv.Itoa(e.Offset) + ": " + e.Reason.text()
}

// Status returns the status code to answer with. For a request it is that of the Reason.
// For a response it is always 502 (Bad Gateway), with which a proxy answers its own
// client.
func (e *Error) Status() int {
	switch {
	case e == nil:
		return 500 // no fault of a message
	case e.of == response:
		return 502
	}
	return e.Reason.Status()
}

// Unwrap returns the Reason, so that errors.Is(err, head.ErrHost) works.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Reason
}
