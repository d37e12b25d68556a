// Package handshake holds the rules of a protocol switch in HTTP/1.1, on field lines and
// bytes:
//
//   - for a server, what a request offers ([Offer], [Select], [Choose]), the 101 that
//     accepts it ([AppendSwitchingProtocols]), the 426 that asks for an offer
//     ([AppendUpgradeRequired]) and other responses ([AppendResponse]);
//   - for a client, the offer ([AppendOffer]) and the check of the response ([Switched]);
//   - for an intermediary, which fields and products to pass on ([HopByHop], [Restrict]).
//
// It is for HTTP stacks of any kind, and knows nothing of net/http or of connections.
// Package httpupgrade applies the same rules to net/http. As in package upgrade, the
// lines of a field are the values of its field lines.
//
// For a server, an upgrade is three steps:
//
//	p, err := handshake.Select(1, 1, connectionLines, upgradeLines, echo)
//	if err != nil {
//		// Serve it as an ordinary request; err says why.
//	}
//	// Read the content of the request, if it has any. Then:
//	err = handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{p})
//	// From here on conn speaks p.
package handshake

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows what makes an offer count: the version, Connection, Upgrade. It knows
// nothing of methods, content or connections.

// Offer returns the products that a request offers to switch to. The list is empty
// only with an error. connection and offered are the lines of its Connection and
// Upgrade fields; major and minor are its HTTP version.
//
// With any error, serve the request as if it had no Upgrade field. Do not answer 400
// for this alone: a client can offer a switch but cannot demand one. The errors are,
// in this order, [ErrHTTPVersion], [ErrNoUpgrade], a [*FieldError] for a malformed
// Connection, [ErrNoOption], and a *FieldError for a malformed Upgrade.
//
// The List aliases offered. Offer allocates only a FieldError and the error that it
// wraps. It follows [RFC 9110, section 7.8]. It does not look at the method, which
// the new protocol may restrict, or at the content, which the server has to read
// before the switch.
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
func Offer[S upgrade.Text](major, minor int, connection, offered []S) (upgrade.List[S], error) {
	if err := meant(major, minor, connection, offered); err != nil {
		return upgrade.List[S]{}, err
	}
	list, err := upgrade.ParseList(offered...)
	if err != nil {
		return upgrade.List[S]{}, fieldError("Upgrade", err)
	}
	return list, nil
}

// meant returns nil if the Upgrade field of a message counts. Otherwise the error says
// why the field must be ignored unread.
func meant[S upgrade.Text](major, minor int, connection, offered []S) error {
	switch {
	case !canUpgrade(major, minor):
		return ErrHTTPVersion
	case blank(offered):
		return ErrNoUpgrade
	}
	options, err := upgrade.ParseConnection(connection...)
	if err != nil {
		return fieldError("Connection", err)
	}
	if !options.Has("upgrade") {
		return ErrNoOption
	}
	return nil
}

// canUpgrade reports whether a message of this version may offer or accept a
// switch: 1.1 and later 1.x, which are read as 1.1 (RFC 9110, section 2.5).
func canUpgrade(major, minor int) bool { return major == 1 && minor >= 1 }

// blank reports whether the lines of a field hold only empty elements.
func blank[S upgrade.Text](lines []S) bool {
	for _, line := range lines {
		for i := range len(line) {
			if c := line[i]; c != ',' && c != ' ' && c != '\t' {
				return false
			}
		}
	}
	return true
}

// Select returns the product to switch to: the first of supported that the request
// offers. It is [Offer] and [upgrade.List.Select] in one call. The rules are exactly the
// same, and one call is faster than the two.
//
// The errors are those of Offer and then [ErrNotSupported]. With any of them, serve the
// request as if it had no Upgrade field. The Product is one of the arguments, in the
// server's spelling. Select allocates as Offer does.
func Select[S upgrade.Text](major, minor int, connection, offered []S, supported ...upgrade.Product[string]) (upgrade.Product[string], error) {
	// Nearly always each field is one line, in one of a few spellings. The rest is in
	// a separate function: its variables would make this one a quarter slower.
	if !canUpgrade(major, minor) || len(connection) != 1 || len(offered) != 1 || len(supported) == 0 {
		return selectParsed(major, minor, connection, offered, supported)
	}
	line := offered[0]
	switch spellingOf(connection[0]) {
	case asksUpgrade:
		// A line that is exactly a product is a valid field, and offers only that.
		if p := supported[0]; string(line) == p.String() && !p.IsZero() {
			return p, nil
		}
		if isCommon(line) {
			return selectCommon(line, supported)
		}
	case asksNothing:
		if len(line) > 0 && line[0] > ',' { // and so not blank
			return upgrade.Product[string]{}, ErrNoOption
		}
	}
	return selectParsed(major, minor, connection, offered, supported)
}

// isCommon reports whether a line of Upgrade is exactly one of the products that most
// clients offer. Such a line need not be parsed.
func isCommon[S upgrade.Text](line S) bool {
	return string(line) == "websocket" || string(line) == "h2c"
}

// selectCommon is Select for a line that is exactly a product without a version.
func selectCommon[S upgrade.Text](line S, supported []upgrade.Product[string]) (upgrade.Product[string], error) {
	for _, p := range supported {
		if name := p.String(); len(name) == len(line) && octet.EqualFold(line, name) {
			return p, nil
		}
	}
	return upgrade.Product[string]{}, ErrNotSupported
}

func selectParsed[S upgrade.Text](major, minor int, connection, offered []S, supported []upgrade.Product[string]) (upgrade.Product[string], error) {
	if err := meant(major, minor, connection, offered); err != nil {
		return upgrade.Product[string]{}, err
	}
	p, err := upgrade.ParseSelect(offered, supported...)
	switch {
	case err != nil:
		return p, fieldError("Upgrade", err)
	case p.IsZero():
		return p, ErrNotSupported
	}
	return p, nil
}

// spelling says what a line of Connection asks for, if that is plain without a parse.
type spelling uint8

const (
	unusual     spelling = iota // it must be parsed
	asksUpgrade                 // it is well-formed and names the option upgrade
	asksNothing                 // it is well-formed and does not name it
)

// spellingOf recognises the spellings that most clients send.
func spellingOf[S upgrade.Text](line S) spelling {
	switch len(line) {
	case len("Upgrade"):
		if string(line) == "Upgrade" || string(line) == "upgrade" {
			return asksUpgrade
		}
	case len("keep-alive"):
		if string(line) == "keep-alive" || string(line) == "Keep-Alive" {
			return asksNothing
		}
	case len("keep-alive, Upgrade"):
		// In halves, because a comparison of up to 16 octets needs no call.
		if string(line[:10]) == "keep-alive" && string(line[10:]) == ", Upgrade" {
			return asksUpgrade
		}
	}
	return unusual
}
