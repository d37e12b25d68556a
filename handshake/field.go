package handshake

import (
	"strconv"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows one field of a message: its name, its value, and which fields the
// caller may give. It knows nothing of status codes.

// Field is one field of a message, by name and value.
type Field struct{ Name, Value string }

// Check returns nil if f is well-formed; [ErrFieldName] if its name is not a token; or
// [ErrFieldValue] if its value holds a control character other than HTAB, or begins or
// ends with a blank. Octets from 0x80 are legal in a value (obs-text). It follows
// [RFC 9110, section 5.5].
//
// [RFC 9110, section 5.5]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.5
func (f Field) Check() error { return check(f.Name, f.Value) }

// check is Field.Check for a value of either kind of text.
//
//	field-name    = token
//	field-value   = *field-content
//	field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
//	field-vchar   = VCHAR / obs-text
func check[S upgrade.Text](name string, value S) error {
	if !octet.IsToken(name) {
		return ErrFieldName
	}
	if octet.HasControl(value) {
		return ErrFieldValue
	}
	if n := len(value); n > 0 && (octet.IsBlank(value[0]) || octet.IsBlank(value[n-1])) {
		return ErrFieldValue
	}
	return nil
}

// AppendField appends one field line to dst, with its line end, and returns the result:
//
//	dst, err := handshake.BeginSwitchingProtocols(dst, webSocket)
//	dst, err = handshake.AppendField(dst, "Sec-WebSocket-Accept", accept)
//	dst = append(dst, "\r\n"...)
//
// value is bytes or a string. The error is that of [Field.Check], or [ErrReserved] for a
// field that the caller must not give in a 101: Upgrade, Connection, Content-Length,
// Transfer-Encoding or Trailer. The error does not name the field. With an error, dst is
// returned as it was. AppendField allocates only what dst needs to grow.
func AppendField[S upgrade.Text](dst []byte, name string, value S) ([]byte, error) {
	if err := check(name, value); err != nil {
		return dst, err
	}
	if reserved(name) {
		return dst, ErrReserved
	}
	return appendLine(dst, name, value), nil
}

func appendLine[S upgrade.Text](dst []byte, name string, value S) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// reserved reports whether the caller must not give the field in a 101. Such a field
// names the new protocol or frames the message, which is left to this package. A 101 has
// no content, and so it has neither a length nor a coding (RFC 9110, section 8.6, and
// RFC 9112, section 6.1).
func reserved(name string) bool {
	// The length rules out nearly all other names. A name that passed check is
	// ASCII, so EqualFold cannot match a look-alike.
	switch len(name) {
	case len("Upgrade"): // Trailer is as long
		return strings.EqualFold(name, "Upgrade") || strings.EqualFold(name, "Trailer")
	case len("Connection"):
		return strings.EqualFold(name, "Connection")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// is reports whether f is the field of that name, without regard to case. The lengths tell
// nearly all names apart.
func (f Field) is(name string) bool {
	return len(f.Name) == len(name) && strings.EqualFold(f.Name, name)
}

// isClose reports whether f is "Connection: close" and nothing more: a list of five
// octets that names close has no room for anything else.
func (f Field) isClose() bool {
	if !f.is("Connection") || len(f.Value) != len("close") {
		return false
	}
	options, err := upgrade.ParseConnection(f.Value)
	return err == nil && options.Has("close")
}

// isLength reports whether s is a Content-Length that fits an int64.
//
//	Content-Length = 1*DIGIT
func isLength(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}
