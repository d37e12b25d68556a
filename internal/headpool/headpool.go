// Package headpool keeps the buffers in which the heads of responses are built.
package headpool

import "github.com/valyala/bytebufferpool"

// This is not the default pool of bytebufferpool: a Pool learns sizes from the buffers
// that it gets back, and other users' buffers would teach it the wrong ones.
var pool bytebufferpool.Pool

// minSize is the capacity of the smallest buffer, in bytes. Heads differ by a field or
// two. A pool that has learned the size of the shortest head drops every buffer that grew
// for a longer one: with one larger head in 30, each of those took three allocations.
const minSize = 512

// Get returns an empty buffer. The caller may grow its B by append.
func Get() *bytebufferpool.ByteBuffer {
	b := pool.Get()
	if cap(b.B) < minSize {
		b.B = make([]byte, 0, minSize)
	}
	return b
}

// Put takes back a buffer that is no longer in use.
func Put(b *bytebufferpool.ByteBuffer) {
	// The pool calibrates itself every 42,000 calls by the lengths that it saw, and
	// from then on drops buffers of a larger capacity. So the length is set to the
	// capacity. Otherwise the pool would drop a buffer of 128 bytes every time that it
	// held a head of 120.
	b.B = b.B[:cap(b.B)]
	pool.Put(b)
}
