package head

import (
	"encoding/binary"
	"math/bits"

	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows where a line ends. It does not know what a line says.

// lineEnd returns the place of the first octet at or after i that no line can hold: a
// control other than HTAB, which is the CR of the line end or a fault. It returns len(b)
// if there is no such octet.
func lineEnd(b []byte, i uint) uint {
	if i >= uint(len(b)) {
		return i
	}
	// With a signed cursor and a slice of exactly eight octets, the compiler sees that
	// the loop stays within b.
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
	ones = 0x0101010101010101 // times an octet: that octet in each byte
	high = 0x80 * ones
)

// controls returns the high bit of each byte of x that is a control, HTAB included. A byte
// after a control or after 0xFF may have its bit set too, because the difference or the sum
// carries into it. Preventing that takes a quarter more time on a long value.
func controls(x uint64) uint64 {
	return ((x - ' '*ones) | (x + ones)) &^ x & high
}

// ended reports whether the line whose first control is at i has ended or has a fault: i
// lies in b, and is not the place of a CR whose LF may still come.
func ended(b []byte, i uint) bool {
	return i < uint(len(b)) && (b[i] != '\r' || i+1 < uint(len(b)))
}

// isCRLF reports whether a line end is at i.
func isCRLF(b []byte, i uint) bool {
	return i+1 < uint(len(b)) && b[i] == '\r' && b[i+1] == '\n'
}

// orLineEnd returns ErrLineEnd if a CR or LF is alone at i, and otherwise reason.
func orLineEnd(b []byte, i uint, reason Reason) Reason {
	if i < uint(len(b)) && (b[i] == '\r' || b[i] == '\n') && !isCRLF(b, i) {
		return ErrLineEnd
	}
	return reason
}
