package handshake

import (
	"io"
	"strconv"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/headpool"
	"github.com/gosegue/upgrade/internal/products"
)

// This file builds the heads of responses, as bytes. It knows nothing of requests or
// connections.

// The fixed parts of a 101, before and after the products.
const (
	switching         = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "
	connectionUpgrade = "\r\nConnection: Upgrade\r\n"
)

// BeginSwitchingProtocols appends the head of a 101 (Switching Protocols) response to
// dst, without the empty line that ends it, and returns the result: the status line, one
// Upgrade with the products to switch to, and one Connection with upgrade. Add further
// fields with [AppendField], and then the empty line, after which the new protocol
// begins.
//
// to is usually one product; several are layers, from the lowest up. The client must
// have offered each of them: [Select] makes sure of this, but this function cannot.
//
// The error is [ErrNoProduct] for no product or a zero one; dst is then returned as it
// was. BeginSwitchingProtocols allocates only what dst needs to grow. It follows
// [RFC 9110, section 15.2.2].
//
// [RFC 9110, section 15.2.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2.2
func BeginSwitchingProtocols(dst []byte, to ...upgrade.Product[string]) ([]byte, error) {
	if len(to) == 1 && !to[0].IsZero() {
		// The usual case, without the loops of the others.
		dst = append(dst, switching...)
		dst = to[0].AppendTo(dst)
		return append(dst, connectionUpgrade...), nil
	}
	return beginSwitching(dst, to)
}

func beginSwitching(dst []byte, to []upgrade.Product[string]) ([]byte, error) {
	if !named(to) {
		return dst, ErrNoProduct
	}
	dst = append(dst, switching...)
	dst = upgrade.AppendList(dst, to...)
	return append(dst, connectionUpgrade...), nil
}

// AppendSwitchingProtocols appends the whole head of a 101 (Switching Protocols)
// response to dst and returns the result: what [BeginSwitchingProtocols] appends, then
// fields, and the empty line.
//
//	HTTP/1.1 101 Switching Protocols
//	Upgrade: websocket
//	Connection: Upgrade
//	Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
//
// The errors are [ErrNoProduct] for no product or a zero one, and a [*ResponseError] for
// a field that [AppendField] rejects. With an error, dst is returned as it was.
// AppendSwitchingProtocols allocates only the error and what dst needs to grow. It
// follows [RFC 9110, section 15.2.2].
//
// [RFC 9110, section 15.2.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2.2
func AppendSwitchingProtocols(dst []byte, to []upgrade.Product[string], fields ...Field) ([]byte, error) {
	if len(to) == 1 && len(fields) == 0 && !to[0].IsZero() {
		// The usual case. It would take 1.4 times as long in one function with
		// the others.
		dst = append(dst, switching...)
		dst = to[0].AppendTo(dst)
		return append(dst, connectionUpgrade+"\r\n"...), nil
	}
	return appendSwitching(dst, to, fields)
}

func appendSwitching(dst []byte, to []upgrade.Product[string], fields []Field) ([]byte, error) {
	head, err := BeginSwitchingProtocols(dst, to...)
	if err != nil {
		return dst, err
	}
	for i, f := range fields {
		if head, err = AppendField(head, f.Name, f.Value); err != nil {
			return dst, &ResponseError{i, f.Name, err}
		}
	}
	return append(head, "\r\n"...), nil
}

// WriteSwitchingProtocols writes the head that [AppendSwitchingProtocols] builds to w,
// in exactly one Write, from a pooled buffer. If the head cannot be built, it writes
// nothing and returns the error of that function. Any other error is that of the Write,
// after which the connection is of no further use.
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

// AppendUpgradeRequired appends the head of a 426 (Upgrade Required) response to dst
// and returns the result: the status line, one Upgrade with the supported products, each
// once, Connection with upgrade, Content-Length: 0, fields, and the empty line.
//
// A caller that sends content gives one Content-Length and appends the content itself.
// The caller may also give one Connection, with the value close. It becomes
// "Connection: Upgrade, close".
//
// The errors are [ErrNoProduct] for no product or a zero one, and a [*ResponseError] for
// a field that fails [Field.Check], a Content-Length that is not a number, and any field
// that the caller must not give: an Upgrade, a Transfer-Encoding, a Trailer, a Connection
// other than close, a second Connection or Content-Length. With an error, dst is returned
// as it was. AppendUpgradeRequired follows [RFC 9110, section 15.5.22].
//
// [RFC 9110, section 15.5.22]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.5.22
func AppendUpgradeRequired(dst []byte, supported []upgrade.Product[string], fields ...Field) ([]byte, error) {
	if !named(supported) {
		return dst, ErrNoProduct
	}
	head := append(dst, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: "...)
	head = upgrade.AppendList(head, products.Distinct(supported)...)
	head = append(head, "\r\n"...)
	return appendFinal(dst, head, 426, true, fields)
}

// AppendResponse appends to dst the head of a final response, which does not switch, and
// returns the result: the status line, Connection if there is an option to name,
// Content-Length: 0, fields, and the empty line. It is for servers that answer with
// bytes.
//
// status is 200 to 599. A caller that sends content gives one Content-Length and appends
// the content itself. A 204 (No Content) has no Content-Length, and a 304 (Not Modified)
// has only the caller's. The caller may give one Connection, with the value close, and
// one Upgrade, a well-formed list of products. The Upgrade is an advertisement, and adds
// upgrade to Connection. A 426 (Upgrade Required) must have an Upgrade.
//
// The errors are [ErrStatus]; [ErrNoProduct] for a 426 without Upgrade; and a
// [*ResponseError] for a field that fails [Field.Check], an Upgrade that is not a list, a
// Content-Length that is not a number or comes with a 204, a Connection other than close,
// a second Upgrade, Connection or Content-Length, a Transfer-Encoding, and a Trailer.
// With an error, dst is returned as it was. AppendResponse allocates only the error and
// what dst needs to grow.
func AppendResponse(dst []byte, status int, fields ...Field) ([]byte, error) {
	if !isFinal(status) {
		return dst, ErrStatus
	}
	head := append(dst, "HTTP/1.1 "...)
	head = strconv.AppendInt(head, int64(status), 10)
	head = append(head, ' ')
	head = append(head, reason(status)...)
	head = append(head, "\r\n"...)
	return appendFinal(dst, head, status, false, fields)
}

// isFinal reports whether a response with that status code ends an exchange.
func isFinal(status int) bool { return 200 <= status && status <= 599 }

// appendFinal appends the fields of a final response to head, which is dst with the
// status line and, if upgrades is true, with Upgrade. On an error it returns dst.
func appendFinal(dst, head []byte, status int, upgrades bool, fields []Field) ([]byte, error) {
	given := finalFields{upgrade: upgrades}
	hasLength := false
	for i, f := range fields {
		var err error
		if f.is("Content-Length") && !hasLength && status != 204 {
			if hasLength = isLength(f.Value); !hasLength {
				err = ErrFieldValue
			}
		} else {
			err = given.take(f)
		}
		if err != nil {
			return dst, &ResponseError{i, f.Name, err}
		}
	}
	switch {
	case status == 426 && !given.upgrade:
		return dst, ErrNoProduct
	case given.upgrade && given.close:
		head = append(head, "Connection: Upgrade, close\r\n"...)
	case given.upgrade:
		head = append(head, "Connection: Upgrade\r\n"...)
	case given.close:
		head = append(head, "Connection: close\r\n"...)
	}
	if !hasLength && status != 204 && status != 304 {
		head = append(head, "Content-Length: 0\r\n"...)
	}
	for _, f := range fields {
		if !f.isClose() {
			head = appendLine(head, f.Name, f.Value)
		}
	}
	return append(head, "\r\n"...), nil
}

// finalFields tells which of the fields that a final response may have once were given.
type finalFields struct{ upgrade, close bool }

// take returns nil if a final response may have f after the fields taken before: one
// Upgrade, which is a list; one "Connection: close"; and any field that is not reserved.
func (given *finalFields) take(f Field) error {
	err := f.Check()
	switch {
	case err != nil:
	case f.isClose() && !given.close:
		given.close = true
	case f.is("Upgrade") && !given.upgrade:
		if given.upgrade = isList(f.Value); !given.upgrade {
			err = ErrFieldValue
		}
	case reserved(f.Name):
		err = ErrReserved
	}
	return err
}

// isList reports whether s is a list of products with at least one.
func isList(s string) bool {
	lines := [...]string{s}
	list, err := upgrade.ParseList(lines[:]...)
	return err == nil && !list.IsZero()
}

// named reports whether list has at least one product, and no zero one.
func named(list []upgrade.Product[string]) bool {
	for _, p := range list {
		if p.IsZero() {
			return false
		}
	}
	return len(list) > 0
}

// reason returns the reason phrase of a status code that callers are likely to send, and
// "" for any other. No recipient needs one (RFC 9112, section 4).
func reason(status int) string {
	switch status {
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 304:
		return "Not Modified"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 407:
		return "Proxy Authentication Required"
	case 408:
		return "Request Timeout"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 417:
		return "Expectation Failed"
	case 421:
		return "Misdirected Request"
	case 426:
		return "Upgrade Required"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Gateway Timeout"
	case 505:
		return "HTTP Version Not Supported"
	}
	return ""
}
