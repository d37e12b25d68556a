package head

// This file knows octets: what each of them may be part of.

// class is a set of what an octet may be part of.
type class uint8

const (
	inToken  class = 1 << iota // tchar
	inTarget                   // a request target, in any form
	inHost                     // a reg-name, outside of "%" HEXDIG HEXDIG
)

// chart gives the classes of every octet ([RFC 9110, section 5.6.2], [RFC 3986,
// section 3.2.2]):
//
//	tchar      = "!" / "#" / "$" / "%" / "&" / "'" / "*"
//	           / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~"
//	           / DIGIT / ALPHA
//	unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"
//	sub-delims = "!" / "$" / "&" / "'" / "(" / ")"
//	           / "*" / "+" / "," / ";" / "="
//	reg-name   = *( unreserved / pct-encoded / sub-delims )
//
// A target may have all visible ASCII but DQUOTE, "#", "<" and ">". RFC 3986 has
// neither "\", "^", "`", "{", "|" nor "}" in a URI, but browsers send them in a
// query as they are: the URL Standard does not escape them there.
//
// [RFC 9110, section 5.6.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.6.2
// [RFC 3986, section 3.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
var chart = func() [256]class {
	const (
		a = inToken | inTarget | inHost // unreserved, and the sub-delims of a token
		d = inTarget | inHost           // the other sub-delims
		p = inToken | inTarget
		t = inToken
		u = inTarget
		x = 0
	)
	return [256]class{
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x00
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x10
		x, a, x, t, a, p, a, a, d, d, a, a, d, a, a, u, // 0x20: SP ! " # $ % & ' ( ) * + , - . /
		a, a, a, a, a, a, a, a, a, a, u, d, x, d, x, u, // 0x30: 0-9 : ; < = > ?
		u, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, // 0x40: @ A-O
		a, a, a, a, a, a, a, a, a, a, a, u, u, u, p, a, // 0x50: P-Z [ \ ] ^ _
		p, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, // 0x60: ` a-o
		a, a, a, a, a, a, a, a, a, a, a, u, p, u, a, x, // 0x70: p-z { | } ~ DEL
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x80: nothing outside ASCII
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
	}
}()

// run returns where the octets of a class that begin at i end; i itself if there are
// none. The cursor is unsigned, here and everywhere: one comparison then shows it to
// lie in b, where a signed one takes two.
func run(b []byte, i uint, of class) uint {
	// Four at a time: names have ten octets or so, and a head has many names.
	for i+4 <= uint(len(b)) && chart[b[i]]&chart[b[i+1]]&chart[b[i+2]]&chart[b[i+3]]&of != 0 {
		i += 4
	}
	for i < uint(len(b)) && chart[b[i]]&of != 0 {
		i++
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= lower(c) && lower(c) <= 'f' }

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }

// lower returns c, an ASCII capital in lower case. Setting bit 0x20 of any octet
// would be shorter and make "@" equal to "`".
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// equalFold reports whether a and b are equal but for the case of ASCII letters.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(b) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
