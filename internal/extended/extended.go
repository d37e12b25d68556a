// Package extended holds what servers have to know about the extended CONNECT of HTTP/2
// (RFC 8441), in one place: which request is one, and what it offers. It knows nothing of
// requests or streams: the caller brings the lines.
package extended

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// Field is the name under which net/http puts the pseudo-header field among the fields.
const Field = ":protocol"

// Is reports whether a request is an extended CONNECT, by its major version, its method
// and the lines of [Field]. In any other request :protocol is an error of the client and
// means nothing, but net/http lets it through.
func Is(major int, method string, protocol []string) bool {
	return major == 2 && method == "CONNECT" && len(protocol) > 0
}

// Offer returns the one product that an extended CONNECT offers, by the lines of [Field].
// The error is a [*handshake.FieldError] if the line is no product. It is
// [handshake.ErrNotSupported] unless there is exactly one line, and for h2c, which the
// connection speaks already.
func Offer(protocol []string) (upgrade.List[string], error) {
	if len(protocol) != 1 {
		return upgrade.List[string]{}, handshake.ErrNotSupported
	}
	product, err := upgrade.ParseProduct(protocol[0])
	switch {
	case err != nil:
		return upgrade.List[string]{}, &handshake.FieldError{Field: Field, Err: err.(*upgrade.SyntaxError)}
	case product.Matches(h2c):
		return upgrade.List[string]{}, handshake.ErrNotSupported
	}
	return upgrade.ParseList(protocol...)
}

var h2c = upgrade.MustParseProduct("h2c")
