package octet

// This file knows which octets make a token. It does not know what a token is for.

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

// TokenEnd returns the end of the token that begins at i, or i if none does. The cursor
// is unsigned: it takes one comparison to show that it lies in s, and a signed cursor
// takes two.
func TokenEnd[S ~[]byte | ~string](s S, i uint) uint {
	if i >= uint(len(s)) {
		return i
	}
	// Four at a time: names have about ten octets. With a signed cursor and a slice of
	// exactly four, the compiler sees that the loop stays within s.
	j := int(i)
	for ; j < len(s)-3; j += 4 {
		four := s[j : j+4]
		if inToken[four[0]]&inToken[four[1]]&inToken[four[2]]&inToken[four[3]] == 0 {
			break
		}
	}
	for j < len(s) && inToken[s[j]] != 0 {
		j++
	}
	return uint(j)
}

// IsToken reports whether s is a token.
func IsToken[S ~[]byte | ~string](s S) bool {
	return len(s) > 0 && TokenEnd(s, 0) == uint(len(s))
}
