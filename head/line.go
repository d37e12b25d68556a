package head

import "math/bits"

// This file knows where a line ends. It knows nothing of what a line says.

// lineEnd returns where the first octet at or behind i stands that no line can hold:
// a control other than HTAB, which is the CR of the line end or a fault. It returns
// len(b) if there is none.
func lineEnd(b []byte, i uint) uint {
	if i > uint(len(b)) {
		return i
	}
	rest := b[i:]
	for len(rest) >= 8 {
		x := load(rest)
		m := controls(x)
		if m != 0 {
			// Tabs are rare, and asked for only here.
			if m &^= tabs(x); m != 0 {
				return uint(len(b)-len(rest)) + uint(bits.TrailingZeros64(m))/8
			}
		}
		rest = rest[8:]
	}
	for len(rest) > 0 && !isControl(rest[0]) {
		rest = rest[1:]
	}
	return uint(len(b) - len(rest))
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7F }

// load returns the eight octets of b as one number, the first in its lowest byte. It
// compiles to one instruction where the machine has one.
func load(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

const (
	ones = 0x0101010101010101 // an octet in each byte, when multiplied by it
	high = 0x80 * ones
)

// controls returns the high bits of the bytes of x that are controls, HTAB among them.
func controls(x uint64) uint64 {
	// Without its high bit no byte of the sums overflows into the next: it comes to
	// 0x80 or more from SP on, and from DEL on. An octet from 0x80 is no control.
	y := x &^ high
	return (^(y + (0x80-' ')*ones) | (y + (0x80-0x7F)*ones)) &^ x & high
}

// tabs returns the high bits of the bytes of x that are HTAB.
func tabs(x uint64) uint64 {
	y := x ^ '\t'*ones
	return ^((y &^ high) + 0x7F*ones | y) & high
}

// ended reports whether the line whose first control stands at i has ended, or can
// only be at fault: i is in b, and is no CR whose LF may yet come.
func ended(b []byte, i uint) bool {
	return i < uint(len(b)) && (b[i] != '\r' || i+1 < uint(len(b)))
}

// isCRLF reports whether a line end stands at i.
func isCRLF(b []byte, i uint) bool {
	return i+1 < uint(len(b)) && b[i] == '\r' && b[i+1] == '\n'
}

// orLineEnd returns the reason for a fault at i: that a CR or LF stands there alone,
// if so, or the one given.
func orLineEnd(b []byte, i uint, reason Reason) Reason {
	if i < uint(len(b)) && (b[i] == '\r' || b[i] == '\n') && !isCRLF(b, i) {
		return ErrLineEnd
	}
	return reason
}
