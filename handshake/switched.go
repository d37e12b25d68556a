package handshake

import "github.com/gosegue/upgrade"

// This file knows when a response switches protocols. It knows nothing of clients.

// Switched returns the products that a response switches to, in the server's order, which
// is from the lowest layer up. A client or a proxy must not treat the connection as
// switched before Switched returns a nil error. status, major and minor are those of the
// response; connection and chosen are the lines of its Connection and Upgrade fields;
// offered are the products that were offered to this server on this connection.
//
// The errors are [ErrStatus] and then, as for [Offer], [ErrHTTPVersion], [ErrNoUpgrade],
// a [*FieldError], [ErrNoOption]; and last [ErrNotOffered] if one of the products was not
// offered. After an error on a 101, the connection is of no further use: close it. A
// proxy then answers 502 (Bad Gateway).
//
// Each product of the response is compared with each of offered, so offer few. The List
// aliases chosen. Switched allocates only a FieldError and the error that it wraps. It
// follows [RFC 9110, section 15.2.2] and section 7.8.
//
// [RFC 9110, section 15.2.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2.2
func Switched[S upgrade.Text](status, major, minor int, connection, chosen []S, offered ...upgrade.Product[string]) (upgrade.List[S], error) {
	if status != 101 {
		return upgrade.List[S]{}, ErrStatus
	}
	list, err := Offer(major, minor, connection, chosen)
	if err != nil {
		return upgrade.List[S]{}, err
	}
	for p := range list.All() {
		if !matchesAny(p, offered) {
			return upgrade.List[S]{}, ErrNotOffered
		}
	}
	return list, nil
}

func matchesAny[S upgrade.Text](p upgrade.Product[S], products []upgrade.Product[string]) bool {
	for _, q := range products {
		if p.Matches(q) {
			return true
		}
	}
	return false
}
