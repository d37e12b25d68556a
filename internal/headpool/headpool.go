// Package headpool keeps the buffers in which the heads of responses are built.
package headpool

import "github.com/valyala/bytebufferpool"

// A pool of its own, not the package's default one: a bytebufferpool.Pool learns
// the sizes it hands out from what it gets back, so buffers of other users would
// teach it the wrong ones.
var pool bytebufferpool.Pool

// minSize is the capacity of the smallest buffer. Heads differ by a field or two, and a
// pool that has learned the size of the shortest drops all that grew to hold another:
// where one head in 30 was larger, each of those made three allocations.
const minSize = 512

// Get returns an empty buffer. Its B may be grown by append.
func Get() *bytebufferpool.ByteBuffer {
	b := pool.Get()
	if cap(b.B) < minSize {
		b.B = make([]byte, 0, minSize)
	}
	return b
}

// Put takes back a buffer that nobody uses any longer.
func Put(b *bytebufferpool.ByteBuffer) {
	// The pool calibrates itself every 42,000 calls by the lengths it saw and
	// from then on drops buffers whose capacity is above. With the length at
	// the capacity the two agree; otherwise a buffer of 128 bytes that held a
	// head of 120 would be dropped every time from then on.
	b.B = b.B[:cap(b.B)]
	pool.Put(b)
}
