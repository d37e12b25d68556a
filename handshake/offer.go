// Package handshake holds the rules of a protocol switch in HTTP/1.1, on field
// lines and bytes: whether a request offers one that counts ([Offer], [Select]),
// the responses that accept it ([AppendSwitchingProtocols]) or ask for one
// ([AppendUpgradeRequired]), and what a client checks of the answer ([Switched]).
//
// It is for HTTP stacks of any kind and knows none of them: neither net/http nor
// who owns the connection. Package httpupgrade is the same for net/http.
//
// In a stack of one's own, an upgrade is three steps:
//
//	p, err := handshake.Select(1, 1, connectionLines, upgradeLines, echo)
//	if err != nil {
//		// An ordinary request, body and all; err says why.
//	}
//	// Read the content of the request, if it has any. Then:
//	err = handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{p})
//	// From here on conn speaks p.
package handshake

import "github.com/gosegue/upgrade"

// This file knows what makes an offer count: the version, Connection, Upgrade. It knows
// neither methods nor content nor connections.

// Offer returns the products that a request offers to switch to, never none of
// them without an error. connection and offered are the lines of its fields
// Connection and Upgrade, major and minor its HTTP version.
//
// With any error the request is an ordinary one, to be served as if it had no
// Upgrade: never a reason for a 400 by itself, for a client cannot insist. The
// errors are, in the order in which they are looked for, [ErrHTTPVersion],
// [ErrNoUpgrade], a [*FieldError] for a malformed Connection, [ErrNoOption], and a
// *FieldError for a malformed Upgrade.
//
// The List aliases offered. Offer allocates nothing but a FieldError and what it
// wraps. It follows [RFC 9110, section 7.8]. It asks neither for the method, which
// is the new protocol's to restrict, nor for the content, which has to be read
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

// meant reports whether a message that has the field Upgrade means it: nil, or why
// the field is to be ignored without a look at what it says.
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

// blank reports whether the lines of a field hold nothing but empty elements.
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

// Select returns what to switch to: the first of supported that the request
// offers. It is [Offer] and [upgrade.List.Select] in one, by the same rules to the
// letter, and faster than the two.
//
// The errors are those of Offer and then [ErrNotSupported]; with any of them the
// request is an ordinary one. The Product is one of the arguments, in the server's
// spelling. It allocates as Offer does.
func Select[S upgrade.Text](major, minor int, connection, offered []S, supported ...upgrade.Product[string]) (upgrade.Product[string], error) {
	// The usual case is one line each, spelled as most clients do, and asks for
	// what the server prefers: a line that is a product to the letter is a valid
	// field, which offers just that. The rest stands in a function of its own,
	// whose variables would cost this one a quarter more.
	if canUpgrade(major, minor) && len(connection) == 1 && len(offered) == 1 && len(supported) > 0 && usual(connection[0]) {
		if p := supported[0]; string(offered[0]) == p.String() && !p.IsZero() {
			return p, nil
		}
	}
	return selectParsed(major, minor, connection, offered, supported)
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

// usual reports whether a line of Connection is spelled as most clients do that
// ask for an upgrade. Any other spelling has to be parsed.
func usual[S upgrade.Text](line S) bool {
	switch len(line) {
	case len("Upgrade"):
		return string(line) == "Upgrade" || string(line) == "upgrade"
	case len("keep-alive, Upgrade"):
		// In halves, because a comparison of up to 16 octets needs no call.
		return string(line[:10]) == "keep-alive" && string(line[10:]) == ", Upgrade"
	}
	return false
}
