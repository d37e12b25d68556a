package netupgrade

import (
	"errors"

	"github.com/gosegue/upgrade/chunked"
)

// This file knows how the content of a request is read and kept. It knows neither what a
// chunk is nor what the content is for.

// errTooLarge says that the content exceeds MaxBody.
var errTooLarge = errors.New("content exceeds the limit")

// readContent reads the content of the request, if it has any, into r.accepted, and
// leaves r.next after it. Bytes of the new protocol that are in the buffer already stay
// there.
func (r *Request) readContent(limit int64) error {
	switch {
	case r.ContentLength == 0:
		return nil
	case r.ContentLength > limit:
		return errTooLarge // and no 100 (Continue) before it
	}
	if r.ExpectContinue {
		// Always, even if the content is already here: a client that offers a switch
		// and waits for a 100 has to see it before the 101 (RFC 9110, section 7.8).
		if err := r.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	if r.Chunked {
		return r.readChunked(int(limit))
	}
	return r.readLength(int(r.ContentLength))
}

// readLength reads content of n bytes.
func (r *Request) readLength(n int) error {
	// Room in the buffer costs nothing extra. Often all of the content fits.
	for end := r.next + min(n, cap(r.buffer)-r.next); len(r.buffer) < end; {
		m, err := r.conn.Read(r.buffer[len(r.buffer):end])
		r.buffer = r.buffer[:len(r.buffer)+m]
		if m == 0 && err != nil {
			return err
		}
	}
	buffered := min(n, len(r.buffer)-r.next)
	content := appendContent(nil, r.buffer[r.next:r.next+buffered], n)
	r.next += buffered
	for len(content) < n {
		content = grow(content, 1, n)
		m, err := r.conn.Read(content[len(content):cap(content)])
		content = content[:len(content)+m]
		if m == 0 && err != nil {
			return err
		}
	}
	r.accepted.Content = content
	return nil
}

// readChunked reads content in the chunked transfer coding.
func (r *Request) readChunked(limit int) error {
	decoder := chunked.Decoder{Limit: int64(limit)}
	if limit == 0 {
		decoder.Limit = -1 // no content; 0 would mean no limit
	}
	for {
		for r.next < len(r.buffer) && !decoder.Done() {
			content, n, err := decoder.Next(r.buffer[r.next:])
			r.next += n
			if err != nil {
				return err
			}
			r.accepted.Content = appendContent(r.accepted.Content, content, limit)
		}
		if decoder.Done() {
			return nil
		}
		// All that was read is decoded, so its room is free, except for the
		// head, to which the request still refers.
		r.buffer = r.buffer[:r.headEnd]
		r.next = len(r.buffer)
		if err := r.readMore(); err != nil {
			return err
		}
	}
}

// minRoom is the least room that is made for content, in bytes.
const minRoom = 512

// appendContent appends a piece to content. Both together are at most limit bytes.
func appendContent(content, piece []byte, limit int) []byte {
	return append(grow(content, len(piece), limit), piece...)
}

// grow returns content with room for n more bytes. A large declared length costs a client
// nothing, so room is made only as content arrives. Each time it at least doubles, but it
// never exceeds limit bytes, as it could with append.
func grow(content []byte, n, limit int) []byte {
	if cap(content)-len(content) >= n {
		return content
	}
	room := min(max(len(content)+n, 2*len(content), minRoom), limit)
	return append(make([]byte, 0, room), content...)
}
