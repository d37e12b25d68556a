// Package uri has the grammar of the request target and of a host with its port ([RFC
// 9112, section 3.2], [RFC 3986]). It takes bytes and strings, so that the code that reads
// heads and the code that writes them share one grammar.
//
// Its functions return where a text ends or has a fault. They neither split nor decode a
// text, allocate nothing, and take linear time.
//
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
// [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986
package uri

import "github.com/gosegue/upgrade"

// This file knows octets: which part of a URI each of them may be in. It does not know how
// the parts are composed.

// class is a set of the parts that an octet may be in.
type class uint8

const (
	inTarget class = 1 << iota // a request target of any form
	inHost                     // a reg-name, except "%" HEXDIG HEXDIG
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
// A target may have any visible ASCII octet except DQUOTE, "#", "<" and ">". This departs
// from RFC 3986, which has no "\", "^", "`", "{", "|" or "}" in a URI and no "%" without two
// digits: browsers send them in a query, because the URL Standard does not escape them
// there.
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

// run returns the end of the octets of a class that begin at i, or i if there are none.
// The cursor is unsigned, here and everywhere: it takes one comparison to show that it
// lies in s, and a signed cursor takes two.
func run[S upgrade.Text](s S, i uint, of class) uint {
	for i < uint(len(s)) && chart[s[i]]&of != 0 {
		i++
	}
	return i
}
