package handshake

import (
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows the head of a request that offers a switch. It knows nothing of the
// content or of the connection that carries it.

// AppendOffer appends to dst the head of a request that offers to switch, and returns the
// result: the request line, one Host, one Upgrade with the products in the client's order
// of preference, one Connection with upgrade and the caller's options, then fields, and
// the empty line.
//
//	GET /chat HTTP/1.1
//	Host: example.com
//	Upgrade: websocket
//	Connection: Upgrade
//	Sec-WebSocket-Version: 13
//
// method and target must agree: "*" is only for OPTIONS. host is the host of the target
// URI, with its port if that is not the default one; it is empty if the URI has no host,
// as on a Unix socket. A product that is given twice is sent once.
//
// options are the names of fields that are meant only for the next hop, such as
// HTTP2-Settings. Each must name one of fields, in any letter case, but not
// Content-Length. A caller that sends content gives one Content-Length and appends the
// content itself. A proxy may remove the Upgrade field, and a server may answer as if it
// had not seen the field.
//
// The errors are [ErrMethod], [ErrTarget], [ErrHost], [ErrNoProduct] for no product or a
// zero one, a [*ResponseError] for a field, and [ErrOption], in this order. A field can
// fail [Field.Check], be a malformed Content-Length, or be reserved: Connection, Upgrade,
// Host, Transfer-Encoding, Trailer, and a second Content-Length. With an error, dst is
// returned as it was. AppendOffer allocates only the error and what dst needs to grow.
// It follows [RFC 9110, section 7.8].
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
func AppendOffer(dst []byte, method, target, host string, offered []upgrade.Product[string], options []string, fields ...Field) ([]byte, error) {
	// Everything is checked before anything is appended, so dst needs no repair.
	if err := checkOffer(method, target, host, offered, options, fields); err != nil {
		return dst, err
	}
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	dst = append(dst, "\r\nUpgrade: "...)
	for i, p := range offered {
		if matchesAny(p, offered[:i]) {
			continue
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = p.AppendTo(dst)
	}
	dst = append(dst, "\r\nConnection: Upgrade"...)
	for i, option := range options {
		if !hasFold(options[:i], option) {
			dst = append(dst, ", "...)
			dst = append(dst, option...)
		}
	}
	dst = append(dst, "\r\n"...)
	for _, f := range fields {
		dst = appendLine(dst, f.Name, f.Value)
	}
	return append(dst, "\r\n"...), nil
}

// checkOffer returns nil if AppendOffer can send what it was given.
//
//	method = token
func checkOffer(method, target, host string, offered []upgrade.Product[string], options []string, fields []Field) error {
	switch {
	case !octet.IsToken(method) || method == "CONNECT":
		return ErrMethod
	case !uri.IsTarget(method, target):
		return ErrTarget
	}
	if _, ok := uri.IsHost(host); !ok {
		return ErrHost
	}
	if !named(offered) {
		return ErrNoProduct
	}
	hasLength := false
	for i, f := range fields {
		err := f.Check()
		switch {
		case err != nil:
		case f.is("Content-Length") && !hasLength:
			if hasLength = isLength(f.Value); !hasLength {
				err = ErrFieldValue
			}
		case reserved(f.Name) || f.is("Host"):
			err = ErrReserved
		}
		if err != nil {
			return &ResponseError{i, f.Name, err}
		}
	}
	for _, option := range options {
		if !isOption(option, fields) {
			return ErrOption
		}
	}
	return nil
}

// isOption reports whether option is a token that names one of fields, and a field that
// may end at the next hop. Content-Length may not: without it, the server could not find
// the end of the content (RFC 9110, section 7.6.1).
func isOption(option string, fields []Field) bool {
	if !octet.IsToken(option) || strings.EqualFold(option, "close") || strings.EqualFold(option, "Content-Length") {
		return false
	}
	for _, f := range fields {
		if f.is(option) {
			return true
		}
	}
	return false
}

func hasFold(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
