package head

import "math"

// Limits bound a head. A limit of zero or less means its default.
type Limits struct {
	Bytes  int // octets of the whole head, including empty lines; default 64 KiB
	Fields int // field lines; default 100
	Target int // octets of the request target; default 8 KiB; unused in a response
}

// NoLimit stands for no limit. Then only the caller's buffer bounds the head, and each
// field line takes at least 16 bytes more in the Request or Response. A head of 2 GiB is
// still too large, because its offsets have 31 bits.
const NoLimit = math.MaxInt

// The defaults. RFC 9112, section 3, recommends at least 8,000 octets for a whole
// request line.
const (
	defaultBytes  = 64 << 10
	defaultFields = 100
	defaultTarget = 8 << 10
)

// maxBytes is the largest place in a head.
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
