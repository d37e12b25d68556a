package handshake

import "github.com/gosegue/upgrade"

// Restrict returns the part of an offer that an intermediary passes on: the products of
// allowed that are offered, in the client's order, each once, as allowed spells them. If
// there are none, it returns nil: pass the request on without an offer.
//
// Write the result into the Upgrade field of the request with [upgrade.AppendList], and
// pass it to [Switched] to check the backend's response. An intermediary must not pass on
// a product that it does not know, because after a switch it could not tell what the
// connection speaks. Given the Upgrade of a backend's 426 (Upgrade Required), Restrict
// returns the products to name to the client.
//
// The result is the only allocation. It follows [RFC 9110, section 7.8].
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
func Restrict[S upgrade.Text](offered upgrade.List[S], allowed ...upgrade.Product[string]) []upgrade.Product[string] {
	var restricted []upgrade.Product[string]
	for p := range offered.All() {
		for _, q := range allowed {
			if !p.Matches(q) {
				continue
			}
			if restricted == nil {
				restricted = make([]upgrade.Product[string], 0, len(allowed))
			}
			if !matchesAny(q, restricted) {
				restricted = append(restricted, q)
			}
			break
		}
	}
	return restricted
}
