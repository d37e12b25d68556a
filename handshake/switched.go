package handshake

import "github.com/gosegue/upgrade"

// This file knows when a response switches protocols. It knows nothing of clients.

// Switched returns the products that a response switches to, in the server's order, which
// is from the lowest layer up. It is the check of a client or a proxy, which must not
// treat the connection as switched without it. status, major and minor are those of the
// response, connection and chosen the lines of its fields Connection and Upgrade, offered
// the products that were offered to this server on this connection.
//
// The errors are [ErrStatus] and then, as for [Offer], [ErrHTTPVersion], [ErrNoUpgrade],
// a [*FieldError], [ErrNoOption]; at last [ErrNotOffered] if one of the products was not
// offered. After an error on a 101 the connection is of no further use: close it, and as
// a proxy answer 502 (Bad Gateway).
//
// Each product of the response is compared with each of offered, so offer few. The List
// aliases chosen. Switched allocates nothing but a FieldError and what it wraps. It
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
