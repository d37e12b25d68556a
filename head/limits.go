package head

import "math"

// Limits bound what is read. A limit that is zero or less means its default.
type Limits struct {
	Bytes  int // octets of the whole head, empty lines and all; default 64 KiB
	Fields int // field lines; default 100
	Target int // octets of the request target; default 8 KiB
}

// NoLimit, as a limit, means none. The caller's buffer bounds the head then, and a
// Request takes 16 octets of memory for each of its field lines. A head of 2 GiB is
// too large all the same: the places of its fields have 31 bits.
const NoLimit = math.MaxInt

// The defaults. RFC 9112, section 3, recommends at least 8,000 octets for a whole
// request line.
const (
	defaultBytes  = 64 << 10
	defaultFields = 100
	defaultTarget = 8 << 10
)

// maxBytes is what the places of a field can hold.
const maxBytes = math.MaxInt32

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
	l.Bytes = min(l.Bytes, maxBytes)
	return l
}
