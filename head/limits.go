package head

import "math"

// Limits bound what is read. A field that is zero or less means its default.
type Limits struct {
	Bytes  int // octets of the whole head, empty lines and all; default 64 KiB
	Fields int // field lines; default 100
	Target int // octets of the request target; default 8 KiB
}

// The defaults. RFC 9112, section 3, recommends at least 8,000 octets for a whole
// request line.
const (
	defaultBytes  = 64 << 10
	defaultFields = 100
	defaultTarget = 8 << 10
)

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Fields <= 0 {
		l.Fields = defaultFields
	}
	if l.Target <= 0 {
		l.Target = defaultTarget
	}
	// A field is noted with places of 32 bits.
	l.Bytes = min(l.Bytes, math.MaxInt32)
	return l
}
