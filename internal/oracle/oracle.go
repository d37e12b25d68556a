// Package oracle reads the fields Upgrade and Connection, hosts and request targets a
// second time: with regular expressions and strings.Split, slowly and obviously, from
// the text of the RFCs and not from the code that it judges. It is for tests only.
package oracle

import (
	"regexp"
	"slices"
	"strings"
)

// Product is a protocol of RFC 9110, section 7.8. The Version is empty if there is none: a
// version is a token and so never empty.
type Product struct{ Name, Version string }

// Fault is the reason for a refusal. The zero Fault is no fault.
type Fault struct {
	Error        string // the name of the error: "ErrToken", "ErrNoOption"
	Field        string // the malformed field, where there is more than one
	Line, Offset int    // of a malformed field
}

// token is RFC 9110, section 5.6.2: any VCHAR, except delimiters.
const token = "[-!#$%&'*+.^_`|~0-9A-Za-z]+"

var (
	tokenPrefix = regexp.MustCompile(`^` + token)
	// RFC 9110, section 7.8: protocol-name ["/" protocol-version].
	productOnly = regexp.MustCompile(`^(` + token + `)(?:/(` + token + `))?$`)
	// RFC 9110, section 7.6.1: connection-option = token.
	optionOnly = regexp.MustCompile(`^` + token + `$`)
)

// ows is RFC 9110, section 5.6.3: OWS = *( SP / HTAB ).
const ows = " \t"

// element is a list element without the blanks around it, and its offset.
type element struct {
	text   string
	offset int
}

// elements splits a field line into its elements: RFC 9110, section 5.6.1. It leaves out
// empty ones, as section 5.6.1.2 requires of a recipient.
func elements(line string) []element {
	var all []element
	offset := 0
	for _, text := range strings.Split(line, ",") {
		trimmed := strings.Trim(text, ows)
		if trimmed != "" {
			blanks := len(text) - len(strings.TrimLeft(text, ows))
			all = append(all, element{trimmed, offset + blanks})
		}
		offset += len(text) + len(",")
	}
	return all
}

// Upgrade reads the lines of an Upgrade field by RFC 9110, section 7.8. They are one list
// (section 5.3), which must have an element (RFC 2616, section 14.42).
func Upgrade(lines []string) ([]Product, Fault) {
	var products []Product
	for i, line := range lines {
		for _, e := range elements(line) {
			match := productOnly.FindStringSubmatch(e.text)
			if match == nil {
				reason, at := productFault(e.text)
				return nil, Fault{Error: reason, Line: i, Offset: e.offset + at}
			}
			products = append(products, Product{match[1], match[2]})
		}
	}
	if len(products) == 0 && len(lines) > 0 {
		last := len(lines) - 1
		return nil, Fault{Error: "ErrNoElement", Line: last, Offset: len(strings.TrimRight(lines[last], ows))}
	}
	return products, Fault{}
}

// productFault returns why text is not a protocol (RFC 9110, section 7.8), and the offset of
// the first octet that neither a protocol nor the blanks after one could have there.
func productFault(text string) (reason string, at int) {
	rest := text
	name := tokenPrefix.FindString(rest)
	if name == "" {
		return "ErrToken", 0
	}
	rest = rest[len(name):]
	if slash, found := strings.CutPrefix(rest, "/"); found {
		version := tokenPrefix.FindString(slash)
		if version == "" {
			return "ErrVersion", len(name) + len("/")
		}
		rest = slash[len(version):]
	}
	return "ErrDelimiter", len(text) - len(strings.TrimLeft(rest, ows))
}

// ProductOnly reads text as exactly one protocol: RFC 9110, section 7.8.
func ProductOnly(text string) (Product, Fault) {
	if match := productOnly.FindStringSubmatch(text); match != nil {
		return Product{match[1], match[2]}, Fault{}
	}
	name := tokenPrefix.FindString(text)
	if name == "" {
		return Product{}, Fault{Error: "ErrToken"}
	}
	slash, found := strings.CutPrefix(text[len(name):], "/")
	if !found {
		return Product{}, Fault{Error: "ErrDelimiter", Offset: len(name)}
	}
	version := tokenPrefix.FindString(slash)
	at := len(name) + len("/") + len(version)
	if version == "" {
		return Product{}, Fault{Error: "ErrVersion", Offset: at}
	}
	return Product{}, Fault{Error: "ErrDelimiter", Offset: at}
}

// Connection reads the lines of a Connection field: RFC 9110, section 7.6.1. Its
// list may be empty.
func Connection(lines []string) ([]string, Fault) {
	var options []string
	for i, line := range lines {
		for _, e := range elements(line) {
			if !optionOnly.MatchString(e.text) {
				option := tokenPrefix.FindString(e.text)
				if option == "" {
					return nil, Fault{Error: "ErrToken", Line: i, Offset: e.offset}
				}
				rest := strings.TrimLeft(e.text[len(option):], ows)
				return nil, Fault{Error: "ErrDelimiter", Line: i, Offset: e.offset + len(e.text) - len(rest)}
			}
			options = append(options, e.text)
		}
	}
	return options, Fault{}
}

// Fold returns s with its ASCII capitals in lower case and every other octet unchanged. RFC
// 9110, sections 7.6.1 and 7.8, call names case-insensitive, and tokens are ASCII.
func Fold(s string) string {
	const capitals, small = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
	folded := []byte(s)
	for i, c := range folded {
		if at := strings.IndexByte(capitals, c); at >= 0 {
			folded[i] = small[at]
		}
	}
	return string(folded)
}

// Has reports whether options include option: RFC 9110, section 7.6.1.
func Has(options []string, option string) bool {
	return slices.ContainsFunc(options, func(o string) bool { return Fold(o) == Fold(option) })
}

// Persistent follows the list of RFC 9112, section 9.3, from its top.
func Persistent(options []string, major, minor int) bool {
	if Has(options, "close") {
		return false
	}
	if major > 1 || major == 1 && minor >= 1 {
		return true
	}
	return Has(options, "keep-alive")
}

// Matches compares two protocols: RFC 9110, section 7.8. Names are case-insensitive. The RFC
// does not say that of versions.
func Matches(p, q Product) bool {
	return p.Name != "" && Fold(p.Name) == Fold(q.Name) && p.Version == q.Version
}

// First returns the first of supported that is offered, and whether there is one: RFC 9110,
// section 7.8, leaves the choice to the server.
func First(offered, supported []Product) (Product, bool) {
	for _, s := range supported {
		if slices.ContainsFunc(offered, func(o Product) bool { return Matches(o, s) }) {
			return s, true
		}
	}
	return Product{}, false
}

// Offer is the gate of RFC 9110, section 7.8. It returns the protocols that a request
// validly offers, or the first fault.
func Offer(major, minor int, connection, offered []string) ([]Product, Fault) {
	if major != 1 || minor < 1 {
		// "A server MUST ignore an Upgrade header field that is received in an
		// HTTP/1.0 request". RFC 9113, section 8.2.2, and RFC 9114, section
		// 4.2, do not have the field.
		return nil, Fault{Error: "ErrHTTPVersion"}
	}
	if strings.Trim(strings.Join(offered, ","), ows+",") == "" {
		return nil, Fault{Error: "ErrNoUpgrade"}
	}
	options, fault := Connection(connection)
	if fault != (Fault{}) {
		fault.Field = "Connection"
		return nil, fault
	}
	if !Has(options, "upgrade") {
		return nil, Fault{Error: "ErrNoOption"}
	}
	products, fault := Upgrade(offered)
	if fault != (Fault{}) {
		fault.Field = "Upgrade"
		return nil, fault
	}
	return products, Fault{}
}

// Select is Offer and then First: RFC 9110, section 7.8.
func Select(major, minor int, connection, offered []string, supported []Product) (Product, Fault) {
	products, fault := Offer(major, minor, connection, offered)
	if fault != (Fault{}) {
		return Product{}, fault
	}
	p, found := First(products, supported)
	if !found {
		return Product{}, Fault{Error: "ErrNotSupported"}
	}
	return p, Fault{}
}

// Switched is what a client checks before the connection may speak another protocol: the
// response is a 101 (RFC 9110, section 15.2.2), its fields follow the rules of section 7.8,
// and it names only protocols that the client offered.
func Switched(status, major, minor int, connection, chosen []string, offered []Product) ([]Product, Fault) {
	if status != 101 {
		return nil, Fault{Error: "ErrStatus"}
	}
	products, fault := Offer(major, minor, connection, chosen)
	if fault != (Fault{}) {
		return nil, fault
	}
	for _, p := range products {
		if !slices.ContainsFunc(offered, func(o Product) bool { return Matches(o, p) }) {
			return nil, Fault{Error: "ErrNotOffered"}
		}
	}
	return products, Fault{}
}
