package httpupgrade

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/internal/headpool"
)

// This file takes over the connection of a request and writes the 101.

// Switch answers r with 101 (Switching Protocols) and returns the connection. The
// argument to names what the connection speaks from then on: one product, or several from
// the lowest layer up. r must offer each of them. The 101 gets fields, but not those of
// w.Header(): see [FieldsOf].
//
// First Switch reads the content of r, as [ReadContent] does with [DefaultMaxBody].
// r.Body yields the content afterwards: the new protocol still has to answer the request.
// Then Switch takes over the connection from the server, also through wrapped writers
// that have an Unwrap method. It writes the 101 in one Write, which may take as long as
// the WriteTimeout of the server, or 10 seconds if the server has none.
//
// The connection has no deadline. Reads first return what the client has sent after the
// request. The connection has a CloseWrite method if and only if the server's connection
// has one. The caller closes it, and must not use w or the server's reader any more. A
// handler that holds the connection for long should hand it to a goroutine and return, so
// that the server's buffers are freed.
//
// After any error except a [*WriteError], Switch has not written the 101, and the caller
// still has to answer: [handshake.Status] tells with which status. r.Body still yields
// the whole content, as far as it can be read. The errors are, in this order:
//
//   - those of [Offer];
//   - [handshake.ErrNotOffered];
//   - a [*Refusal] with 400 for a malformed Host, which net/http lets through;
//   - those of [handshake.AppendSwitchingProtocols];
//   - a [*ContentError];
//   - the error of the take-over, which wraps [http.ErrNotSupported] if w does not allow
//     it;
//   - a *WriteError.
//
// After a *ContentError or a failed take-over the answer should close the connection.
//
// Switch has no rules for single protocols: for WebSocket, the caller makes the checks of
// RFC 6455 and answers the key. A [Handler] does both.
//
// The caller must not have begun a response: Switch cannot see that, and the client would
// take the 101 for a part of that response. Switch follows [RFC 9110, section 15.2.2].
//
// [RFC 9110, section 15.2.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2.2
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
	if err := checkHost(r); err != nil {
		return nil, err
	}
	head := headpool.Get()
	defer headpool.Put(head)
	if head.B, err = handshake.AppendSwitchingProtocols(head.B, to, fields...); err != nil {
		return nil, err
	}
	if err := ReadContent(r, DefaultMaxBody); err != nil {
		return nil, err
	}
	return takeOver(w, serverOf(r), head.B)
}

// writeTimeout is how long the 101 may take if the server has no WriteTimeout: a client
// that does not read must not hold a goroutine forever.
const writeTimeout = 10 * time.Second

// takeOver takes over the connection of a request to server, which may be nil, and writes
// head to it. HTTP ends on that connection.
func takeOver(w http.ResponseWriter, server *http.Server, head []byte) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("httpupgrade: take over connection: %w", err)
	}
	timeout := writeTimeout
	if server != nil && server.WriteTimeout > 0 {
		timeout = server.WriteTimeout
	}
	// Nothing is read yet, so one call sets both deadlines. If it fails, so does the
	// Write.
	conn.SetDeadline(time.Now().Add(timeout))
	n, err := conn.Write(head)
	if err == nil && n < len(head) {
		err = io.ErrShortWrite
	}
	if err != nil {
		conn.Close()
		return nil, &WriteError{Err: err}
	}
	conn.SetDeadline(time.Time{}) // also the server's own, which not every Hijacker clears
	if buffered == nil {
		return conn, nil
	}
	return Early(conn, buffered.Reader), nil
}

// Early returns a connection that first yields the octets in buffered, which were read
// from conn, and then those of conn. It returns conn itself if buffered is nil or empty.
// It is for callers of Hijack: the reader that Hijack returns may hold the first octets
// of the new protocol. Do not use that reader after Early.
//
// The result has a CloseWrite method if and only if conn has one. Unless it is conn
// itself, it has a method NetConn that returns conn once the early octets are read. Early
// copies the octets and does not keep buffered.
func Early(conn net.Conn, buffered *bufio.Reader) net.Conn {
	if buffered == nil || buffered.Buffered() == 0 {
		return conn
	}
	early, _ := buffered.Peek(buffered.Buffered()) // cannot fail
	return earlyconn.New(conn, bytes.Clone(early))
}

// serverOf returns the server that r came to, or nil.
func serverOf(r *http.Request) *http.Server {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	return server
}
