// Package uri reads what an HTTP/1.1 message has of a URI: the request target, and
// the host with its port ([RFC 9112, section 3.2], [RFC 3986]). It is for bytes and
// for strings, so that whoever reads a head and whoever writes one ask the same code.
//
// It allocates nothing and takes linear time. Its functions answer where a text ends
// or stops being well-formed; none of them takes a text apart or decodes it.
//
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
// [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986
package uri

import "github.com/gosegue/upgrade"

// This file knows octets: what each of them may be part of. It knows nothing of what
// they make together.

// class is a set of what an octet may be part of.
type class uint8

const (
	inTarget class = 1 << iota // a request target, in any form
	inHost                     // a reg-name, outside of "%" HEXDIG HEXDIG
	inScheme                   // a scheme, after its first octet
	letter
	digit
	hex
)

// chart gives the classes of every octet ([RFC 3986, appendix A]):
//
//	unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"
//	sub-delims = "!" / "$" / "&" / "'" / "(" / ")"
//	           / "*" / "+" / "," / ";" / "="
//	reg-name   = *( unreserved / pct-encoded / sub-delims )
//	scheme     = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
//
// A target may have all visible ASCII but DQUOTE, "#", "<" and ">". RFC 3986 has
// neither "\", "^", "`", "{", "|" nor "}" in a URI, but browsers send them in a
// query as they are: the URL Standard does not escape them there. A "%" may stand
// alone, for the same reason.
//
// [RFC 3986, appendix A]: https://www.rfc-editor.org/rfc/rfc3986#appendix-A
var chart = func() [256]class {
	const (
		h = letter | hex | inScheme | inTarget | inHost
		l = letter | inScheme | inTarget | inHost
		n = digit | hex | inScheme | inTarget | inHost
		s = inScheme | inTarget | inHost
		r = inTarget | inHost
		t = inTarget
		x = 0
	)
	return [256]class{
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x00
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x10
		x, r, x, x, r, t, r, r, r, r, r, s, r, s, s, t, // 0x20: SP ! " # $ % & ' ( ) * + , - . /
		n, n, n, n, n, n, n, n, n, n, t, r, x, r, x, t, // 0x30: 0-9 : ; < = > ?
		t, h, h, h, h, h, h, l, l, l, l, l, l, l, l, l, // 0x40: @ A-O
		l, l, l, l, l, l, l, l, l, l, l, t, t, t, t, r, // 0x50: P-Z [ \ ] ^ _
		t, h, h, h, h, h, h, l, l, l, l, l, l, l, l, l, // 0x60: ` a-o
		l, l, l, l, l, l, l, l, l, l, l, t, t, t, r, x, // 0x70: p-z { | } ~ DEL
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
// lie in s, where a signed one takes two.
func run[S upgrade.Text](s S, i uint, of class) uint {
	for i < uint(len(s)) && chart[s[i]]&of != 0 {
		i++
	}
	return i
}
