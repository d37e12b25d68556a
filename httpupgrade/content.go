package httpupgrade

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"

	"github.com/gosegue/upgrade/handshake"
)

// This file reads the content of a request. The new protocol begins after it.

// DefaultMaxBody is how many bytes of request content may be read before a switch, unless
// a [Handler] or a [Gate] sets another limit: 2 MiB.
const DefaultMaxBody = 2 << 20

// maxBody returns the limit that the value of a field MaxBody stands for.
func maxBody(field int64) int64 {
	if field == 0 {
		return DefaultMaxBody
	}
	return max(field, 0)
}

// ContentError is [handshake.ContentError]: the content of the request could not be read.
// It wraps an [*http.MaxBytesError] if there is too much content.
type ContentError = handshake.ContentError

// ReadContent reads the content of r, up to limit bytes, and leaves it in r.Body to be
// read again. It does nothing if r has no content, or if ReadContent or a [Gate] has
// already read it.
//
// Call it before a switch, because the new protocol begins after the content. Reading
// sends the 100 (Continue) that a client may wait for.
//
// The error is a [*ContentError]. Its status is 413 if there are more than limit bytes.
// If Content-Length already says so, nothing was read and no 100 was sent. After an error
// r.Body yields the bytes that were read, and then the rest. A server should close the
// connection after its answer.
//
// A proxy that has already passed the content on sets r.Body to [http.NoBody] and
// r.ContentLength to 0 instead of calling ReadContent. ReadContent makes room only as
// content arrives. It follows [RFC 9110, section 7.8].
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
func ReadContent(r *http.Request, limit int64) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if _, ok := r.Body.(*held); ok {
		return nil
	}
	limit = max(limit, 0)
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	body := r.Body
	limit = min(limit, math.MaxInt64-1) // limit+1, which shows that there is more, must not overflow
	read, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(read)) <= limit {
		r.Body = &held{rest: read}
		return nil
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(read), body), body}
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return tooLarge(limit)
	case errors.As(err, &large):
		return &ContentError{Status: http.StatusRequestEntityTooLarge, Err: large}
	case isTimeout(err):
		return &ContentError{Status: http.StatusRequestTimeout, Err: err}
	}
	return &ContentError{Status: http.StatusBadRequest, Err: quiet(err)}
}

func tooLarge(limit int64) error {
	return &ContentError{
		Status: http.StatusRequestEntityTooLarge,
		Err:    &http.MaxBytesError{Limit: limit},
	}
}

// held is the content of a request after it was read. It releases the memory after the
// last octet and at Close: the protocol may keep the request for days.
type held struct{ rest []byte }

func (c *held) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		c.rest = nil
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *held) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c.rest)
	c.rest = c.rest[n:]
	if err == nil && len(c.rest) > 0 {
		err = io.ErrShortWrite
	}
	if len(c.rest) == 0 {
		c.rest = nil
	}
	return int64(n), err
}

func (c *held) Close() error {
	c.rest = nil
	return nil
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// errMalformed replaces the errors of net/http that quote the client.
var errMalformed = errors.New("httpupgrade: malformed content")

// quiet returns the part of err whose text cannot contain octets from the client, or
// errMalformed if there is no such part.
func quiet(err error) error {
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.Canceled, http.ErrBodyReadAfterClose} {
		if errors.Is(err, known) {
			return known
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return errMalformed
}
