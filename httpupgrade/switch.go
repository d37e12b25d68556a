package httpupgrade

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/internal/headpool"
)

// DefaultMaxBody is how much content of a request is read before a switch, unless a
// [Handler] says otherwise: 2 MiB.
const DefaultMaxBody = 2 << 20

// WriteError says that the connection was taken over but the 101 could not be
// written whole. The connection is closed by then, and nothing can be answered any
// more. It unwraps to the error of the Write.
type WriteError struct{ Err error }

// Error returns a text with that of Err.
func (e *WriteError) Error() string { return "httpupgrade: write 101: " + e.Err.Error() }

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }

// ContentError says that the content of the request could not be read: it is
// malformed, or did not come. It unwraps to the error of the Read.
type ContentError struct{ Err error }

// Error returns a text with that of Err.
func (e *ContentError) Error() string { return "httpupgrade: read content: " + e.Err.Error() }

// Unwrap returns Err.
func (e *ContentError) Unwrap() error { return e.Err }

// Switch answers r with 101 (Switching Protocols) and returns the connection, which
// from then on speaks to: one product, or several from the lowest layer up, each of
// which r must offer. fields are put into the 101; what stands in w.Header() is not.
//
// First of all it reads the content of r, up to [DefaultMaxBody], because the new
// protocol begins behind it; a client that waits for a 100 (Continue) gets it then.
// The content stands in r.Body afterwards: the request is still to be answered, in
// the new protocol. Then it takes the connection over from the server, also through
// wrapped writers that have an Unwrap method, clears its deadlines, and writes the
// 101 in one Write.
//
// What the client has sent behind the request is read from the connection first, and
// the connection has a CloseWrite method exactly if that of the server has one. It is
// the caller's to close. Neither w nor the server's reader may be used any more. A
// handler that is to hold the connection for long should leave it to a goroutine and
// return, so that the server's buffers are freed.
//
// On any error but a [*WriteError] nothing was written and the caller still has to
// answer. The errors are, in this order: those of [Offer]; [handshake.ErrNotOffered];
// those of [handshake.AppendSwitchingProtocols]; [*http.MaxBytesError] for too much
// content, at once if Content-Length says so; [*ContentError]; the error of the
// take-over, [http.ErrNotSupported] if w does not allow it; a *WriteError. After an
// error r.Body still yields the whole content, as far as it can be read.
//
// The caller must not have begun a response of its own: Switch cannot see that, and
// the client would take the 101 for a part of it.
func Switch(w http.ResponseWriter, r *http.Request, to []upgrade.Product[string], fields ...handshake.Field) (net.Conn, error) {
	offered, err := Offer(r)
	if err != nil {
		return nil, err
	}
	for _, p := range to {
		if !offered.Offers(p) {
			return nil, handshake.ErrNotOffered
		}
	}
	return switchTo(w, r, DefaultMaxBody, to, fields)
}

// switchTo is Switch for products that are known to be offered.
func switchTo(w http.ResponseWriter, r *http.Request, maxBody int64, to []upgrade.Product[string], fields []handshake.Field) (net.Conn, error) {
	head := headpool.Get()
	defer headpool.Put(head)
	var err error
	if head.B, err = handshake.AppendSwitchingProtocols(head.B, to, fields...); err != nil {
		return nil, err
	}
	if err := readContent(r, maxBody); err != nil {
		return nil, err
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("httpupgrade: take over connection: %w", err)
	}
	// net/http clears the deadlines as well, but a Hijacker need not. Should it
	// fail, so does the Write.
	conn.SetDeadline(time.Time{})
	n, err := conn.Write(head.B)
	if err == nil && n < len(head.B) {
		err = io.ErrShortWrite
	}
	if err != nil {
		conn.Close()
		return nil, &WriteError{err}
	}
	if buffered == nil || buffered.Reader == nil || buffered.Reader.Buffered() == 0 {
		return conn, nil
	}
	early, _ := buffered.Peek(buffered.Reader.Buffered()) // what is buffered can be had
	return earlyconn.New(conn, bytes.Clone(early)), nil
}

// readContent reads the content of r, if it has any, and lets it stand in r.Body.
// If that fails, r.Body yields what was read, and then what else there is.
func readContent(r *http.Request, limit int64) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > limit {
		// Not a byte of it, for reading is what sends the 100 (Continue).
		return &http.MaxBytesError{Limit: limit}
	}
	body := r.Body
	limit = min(limit, math.MaxInt64-1) // one more shows that there is more
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(content)) <= limit {
		r.Body = io.NopCloser(bytes.NewReader(content))
		return nil
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(content), body), body}
	if err != nil {
		return &ContentError{err}
	}
	return &http.MaxBytesError{Limit: limit}
}
