package head

import (
	"encoding/binary"
	"math/bits"

	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows where a line ends. It knows nothing of what a line says.

// lineEnd returns where the first octet at or behind i stands that no line can hold:
// a control other than HTAB, which is the CR of the line end or a fault. It returns
// len(b) if there is none.
func lineEnd(b []byte, i uint) uint {
	if i >= uint(len(b)) {
		return i
	}
	// Signed, and with a slice of just eight octets, the compiler sees that the
	// loop stays within b.
	j := int(i)
	for ; j < len(b)-8; j += 8 {
		for m := controls(binary.LittleEndian.Uint64(b[j : j+8])); m != 0; m &= m - 1 {
			if at := j + bits.TrailingZeros64(m)/8; octet.IsControl(b[at]) {
				return uint(at)
			}
		}
	}
	for j < len(b) && !octet.IsControl(b[j]) {
		j++
	}
	return uint(j)
}

const (
	ones = 0x0101010101010101 // an octet in each byte, when multiplied by it
	high = 0x80 * ones
)

// controls returns the high bits of the bytes of x that are controls, HTAB among them;
// and maybe of a byte behind a control or behind 0xFF, to which the difference or the sum
// has carried. To keep them from it takes a long value a quarter more time.
func controls(x uint64) uint64 {
	return ((x - ' '*ones) | (x + ones)) &^ x & high
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
