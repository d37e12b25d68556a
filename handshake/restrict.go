package handshake

import "github.com/gosegue/upgrade"

// Restrict returns the products that an intermediary passes on of an offer: those of
// allowed that are offered, in the client's order, each once, as allowed spells them. It
// returns nil if there are none, and the request is then passed on without an offer.
//
// [upgrade.AppendList] writes the Upgrade field of the request that is passed on, and
// [Switched], given the same products, checks the backend's response. An intermediary
// must not pass on what it does not know: it could no longer tell what the connection
// speaks. Given the Upgrade of a backend's 426 (Upgrade Required), Restrict returns what
// the client can be told.
//
// The result is the one allocation. It follows [RFC 9110, section 7.8].
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
