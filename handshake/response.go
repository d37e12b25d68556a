package handshake

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/headpool"
)

// Why a response cannot be built.
var (
	// ErrNoProduct: there is no product to switch to or to ask for, or one of
	// those given is the zero Product.
	ErrNoProduct = errors.New("handshake: no product")

	// ErrFieldName: the name of a field is not a token.
	ErrFieldName = errors.New("handshake: field name is not a token")

	// ErrFieldValue: the value of a field holds a control character other than
	// HTAB, or begins or ends with a blank; or that of Content-Length is not a
	// number.
	ErrFieldValue = errors.New("handshake: malformed field value")

	// ErrReserved: the field is not the caller's to give in this response.
	ErrReserved = errors.New("handshake: reserved field")
)

// ResponseError tells which of the caller's fields a response cannot have. It
// unwraps to [ErrFieldName], [ErrFieldValue] or [ErrReserved].
type ResponseError struct {
	Index int // of the field, from 0
	Err   error
}

// Error returns the index of the field and the text of Err.
func (e *ResponseError) Error() string {
	return "handshake: field " + strconv.Itoa(e.Index) + ": " + strings.TrimPrefix(e.Err.Error(), "handshake: ")
}

// Unwrap returns Err.
func (e *ResponseError) Unwrap() error { return e.Err }

// Field is one field of a response, by name and value.
type Field struct{ Name, Value string }

// Check reports whether f may stand in a message: nil; [ErrFieldName] if its name
// is not a token; or [ErrFieldValue] if its value holds a control character other
// than HTAB, or begins or ends with a blank. Octets from 0x80 are legal in a value
// (obs-text). It follows [RFC 9110, section 5.5].
//
//	field-value   = *field-content
//	field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
//	field-vchar   = VCHAR / obs-text
//
// [RFC 9110, section 5.5]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.5
func (f Field) Check() error {
	name := upgrade.NewLexer(f.Name)
	if name.Next() != upgrade.Token || name.Next() != upgrade.EOF {
		return ErrFieldName
	}
	for i := range len(f.Value) {
		if c := f.Value[i]; c < ' ' && c != '\t' || c == 0x7F {
			return ErrFieldValue
		}
	}
	if n := len(f.Value); n > 0 && (isBlank(f.Value[0]) || isBlank(f.Value[n-1])) {
		return ErrFieldValue
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// is reports whether f is the field of that name. A name that passed Check is
// ASCII, so that EqualFold cannot find a look-alike.
func (f Field) is(name string) bool { return strings.EqualFold(f.Name, name) }

// reserved reports whether f says something that only the switch itself may say: to
// what, and how the message is framed. A 101 has no content and so neither length
// nor coding (RFC 9110, section 8.6, and RFC 9112, section 6.1).
func (f Field) reserved() bool {
	return f.is("Upgrade") || f.is("Connection") || f.is("Content-Length") || f.is("Transfer-Encoding") || f.is("Trailer")
}

// AppendSwitchingProtocols appends the head of a 101 (Switching Protocols) response
// to dst and returns the result: the status line, one Upgrade with the products to
// switch to, one Connection with upgrade, then fields, and the empty line behind
// which the new protocol begins.
//
//	HTTP/1.1 101 Switching Protocols
//	Upgrade: websocket
//	Connection: Upgrade
//	Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
//
// to is usually one product; several are layers, from the lowest up. Each of them
// must have been offered, which [Select] sees to and this function cannot know.
//
// The errors are [ErrNoProduct] for no product or a zero one, and a
// [*ResponseError] for a field that fails [Field.Check], and for Upgrade,
// Connection, Content-Length, Transfer-Encoding and Trailer, which are not the
// caller's to give here. With an error dst is returned as it was. It allocates
// nothing but the error and what dst needs to grow. It follows
// [RFC 9110, section 15.2.2].
//
// [RFC 9110, section 15.2.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2.2
func AppendSwitchingProtocols(dst []byte, to []upgrade.Product[string], fields ...Field) ([]byte, error) {
	if len(to) == 1 && len(fields) == 0 && !to[0].IsZero() {
		// The usual case; in one function with the others it takes 1.4 times
		// as long.
		dst = append(dst, switching...)
		dst = to[0].AppendTo(dst)
		return append(dst, connectionUpgrade+"\r\n"...), nil
	}
	return appendSwitching(dst, to, fields)
}

// The fixed parts of a 101, before and behind the products.
const (
	switching         = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "
	connectionUpgrade = "\r\nConnection: Upgrade\r\n"
)

func appendSwitching(dst []byte, to []upgrade.Product[string], fields []Field) ([]byte, error) {
	if !named(to) {
		return dst, ErrNoProduct
	}
	for i, f := range fields {
		if err := f.Check(); err != nil {
			return dst, &ResponseError{i, err}
		}
		if f.reserved() {
			return dst, &ResponseError{i, ErrReserved}
		}
	}
	dst = append(dst, switching...)
	dst = upgrade.AppendList(dst, to...)
	dst = append(dst, connectionUpgrade...)
	for _, f := range fields {
		dst = f.append(dst)
	}
	return append(dst, "\r\n"...), nil
}

// WriteSwitchingProtocols writes what [AppendSwitchingProtocols] appends to w, in
// exactly one Write, from a pooled buffer. When the head cannot be built, nothing
// is written and the error is of that function; otherwise it is the error of the
// Write, after which the connection is of no further use.
func WriteSwitchingProtocols(w io.Writer, to []upgrade.Product[string], fields ...Field) error {
	buffer := headpool.Get()
	defer headpool.Put(buffer)
	head, err := AppendSwitchingProtocols(buffer.B, to, fields...)
	if err != nil {
		return err
	}
	buffer.B = head
	n, err := w.Write(head)
	if err == nil && n < len(head) {
		err = io.ErrShortWrite
	}
	return err
}

// AppendUpgradeRequired appends the head of a 426 (Upgrade Required) response to
// dst and returns the result: the status line, one Upgrade with the supported
// products, Connection with upgrade, Content-Length: 0, fields, and the empty line.
//
// A caller that wants to send content brings one Content-Length and appends the
// content itself. Of Connection it may bring the value close, once, which becomes
// "Connection: Upgrade, close".
//
// The errors are those of [AppendSwitchingProtocols]; dst is then returned as it
// was. It follows [RFC 9110, section 15.5.22].
//
// [RFC 9110, section 15.5.22]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.5.22
func AppendUpgradeRequired(dst []byte, supported []upgrade.Product[string], fields ...Field) ([]byte, error) {
	if !named(supported) {
		return dst, ErrNoProduct
	}
	var hasLength, hasClose bool
	for i, f := range fields {
		err := f.Check()
		switch {
		case err != nil:
		case f.is("Content-Length") && !hasLength:
			if hasLength = isLength(f.Value); !hasLength {
				err = ErrFieldValue
			}
		case f.isClose() && !hasClose:
			hasClose = true
		case f.reserved():
			err = ErrReserved
		}
		if err != nil {
			return dst, &ResponseError{i, err}
		}
	}
	dst = append(dst, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: "...)
	dst = upgrade.AppendList(dst, supported...)
	dst = append(dst, "\r\nConnection: Upgrade"...)
	if hasClose {
		dst = append(dst, ", close"...)
	}
	dst = append(dst, "\r\n"...)
	if !hasLength {
		dst = append(dst, "Content-Length: 0\r\n"...)
	}
	for _, f := range fields {
		if !f.isClose() {
			dst = f.append(dst)
		}
	}
	return append(dst, "\r\n"...), nil
}

// named reports whether there are products, none of them zero.
func named(products []upgrade.Product[string]) bool {
	for _, p := range products {
		if p.IsZero() {
			return false
		}
	}
	return len(products) > 0
}

func (f Field) append(dst []byte) []byte {
	dst = append(dst, f.Name...)
	dst = append(dst, ": "...)
	dst = append(dst, f.Value...)
	return append(dst, "\r\n"...)
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
