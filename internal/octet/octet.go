// Package octet classifies the octets of HTTP, and compares texts without regard to the
// case of ASCII letters. Package upgrade has a chart of its own, because it imports only
// the standard library.
package octet

// This file knows letter case, blanks and controls. It does not know tokens.

// Lower returns c, with an ASCII capital in lower case. Setting bit 0x20 of every octet
// would be shorter, but would make "@" equal to "`".
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// EqualFold reports whether a and b are equal, without regard to the case of ASCII letters.
// [strings.EqualFold] would take U+212A, the Kelvin sign, for a K.
func EqualFold[S, T ~[]byte | ~string](a S, b T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(b) {
		if a[i] != b[i] && Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}

// IsBlank reports whether c may be part of OWS ([RFC 9110, section 5.6.3]).
//
// [RFC 9110, section 5.6.3]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.6.3
func IsBlank(c byte) bool { return c == ' ' || c == '\t' }

// IsControl reports whether c is a control other than HTAB, which no field value may have
// ([RFC 9110, section 5.5]).
//
// [RFC 9110, section 5.5]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.5
func IsControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7F }

// HasControl reports whether s has an octet for which IsControl is true. It looks at eight
// octets at once, which takes a quarter of the time on a long value.
func HasControl[S ~[]byte | ~string](s S) bool {
	if len(s) < 8 {
		return hasControl(s)
	}
	for i := 0; i < len(s)-8; i += 8 {
		if e := s[i : i+8]; mayHaveControl(e) && hasControl(e) {
			return true
		}
	}
	// The last eight, some of which the loop may have seen.
	last := s[len(s)-8:]
	return mayHaveControl(last) && hasControl(last)
}

// mayHaveControl reports whether one of the eight octets of e may be a control. The high
// bit of a byte that is below SP or is DEL is set. The difference and the sum carry, so
// a byte after such a byte may have it set too.
func mayHaveControl[S ~[]byte | ~string](e S) bool {
	x := uint64(e[0]) | uint64(e[1])<<8 | uint64(e[2])<<16 | uint64(e[3])<<24 |
		uint64(e[4])<<32 | uint64(e[5])<<40 | uint64(e[6])<<48 | uint64(e[7])<<56
	return ((x-' '*ones)|(x+ones))&^x&(0x80*ones) != 0
}

const ones = 0x0101010101010101 // times an octet: that octet in each byte

func hasControl[S ~[]byte | ~string](s S) bool {
	for i := range len(s) {
		if IsControl(s[i]) {
			return true
		}
	}
	return false
}
