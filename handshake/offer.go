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

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

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

// Select returns what to switch to: the first of supported that the request offers. It is
// [Offer] and [upgrade.List.Select] as one question, by exactly the same rules, and faster
// than the two.
//
// The errors are those of Offer and then [ErrNotSupported]; with any of them the request
// is an ordinary one. The Product is one of the arguments, in the server's spelling. It
// allocates as Offer does.
func Select[S upgrade.Text](major, minor int, connection, offered []S, supported ...upgrade.Product[string]) (upgrade.Product[string], error) {
	// Nearly always there is one line each, in one of a few spellings. The rest stands
	// in a function of its own, whose variables would cost this one a quarter more.
	if !canUpgrade(major, minor) || len(connection) != 1 || len(offered) != 1 || len(supported) == 0 {
		return selectParsed(major, minor, connection, offered, supported)
	}
	line := offered[0]
	switch spellingOf(connection[0]) {
	case asksUpgrade:
		// A line that is exactly a product is a valid field, which offers just that.
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

// isCommon reports whether a line of Upgrade is one of the products that most clients
// offer. Nothing has to be read of such a line.
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

// spelling is what a line of Connection says that need not be parsed.
type spelling uint8

const (
	unusual     spelling = iota // it has to be parsed
	asksUpgrade                 // it is well-formed and names the option upgrade
	asksNothing                 // it is well-formed and does not
)

// spellingOf looks for the spellings of most clients.
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
