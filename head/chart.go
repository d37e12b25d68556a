package head

// This file knows octets: which of them make a token. It does not know what a token is
// for.

// inToken is 1 for each octet that a token may have, and else 0 ([RFC 9110, section
// 5.6.2]):
//
//	token = 1*tchar
//	tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*"
//	      / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~"
//	      / DIGIT / ALPHA
//
// [RFC 9110, section 5.6.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.6.2
var inToken = func() [256]uint8 {
	const t, x = 1, 0
	return [256]uint8{
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x00
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x10
		x, t, x, t, t, t, t, t, x, x, t, t, x, t, t, x, // 0x20: ! # $ % & ' * + - .
		t, t, t, t, t, t, t, t, t, t, x, x, x, x, x, x, // 0x30: 0-9
		x, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, // 0x40: A-O
		t, t, t, t, t, t, t, t, t, t, t, x, x, x, t, t, // 0x50: P-Z ^ _
		t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, // 0x60: ` a-o
		t, t, t, t, t, t, t, t, t, t, t, x, t, x, t, x, // 0x70: p-z | ~
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

// tokenEnd returns the end of the token that begins at i, or i if none does. The cursor
// is unsigned, here and everywhere: it takes one comparison to show that it lies in b, and
// a signed cursor takes two.
func tokenEnd(b []byte, i uint) uint {
	// Four at a time: a head has many names of about ten octets.
	for i+4 <= uint(len(b)) && inToken[b[i]]&inToken[b[i+1]]&inToken[b[i+2]]&inToken[b[i+3]] != 0 {
		i += 4
	}
	for i < uint(len(b)) && inToken[b[i]] != 0 {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
