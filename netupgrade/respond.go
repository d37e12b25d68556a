package netupgrade

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosegue/upgrade/handshake"
)

// How long the server waits, after an answer, for the client to close, and how many bytes
// it reads meanwhile. A connection that is closed with bytes unread is reset, and the reset
// may overtake the answer.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

var errAnswered = errors.New("netupgrade: answered or taken already")

// Respond answers with a final response of that status (200 to 599), with those fields and
// that content. It closes the connection, and the response says so. With 204 (No Content)
// and 304 (Not Modified), and in answer to HEAD, it sends no content.
//
// The fields must not include Connection, Content-Length, Transfer-Encoding or Trailer.
// They may include one Upgrade, as an advertisement; a 426 (Upgrade Required) must have it.
// The errors are those of [handshake.AppendResponse], after which nothing has been sent; an
// error if the request was answered or taken before; and the error of the Write.
//
// To answer without closing, take the connection with [Request.Unread] and serve HTTP.
func (r *Request) Respond(status int, content []byte, fields ...handshake.Field) error {
	var room [8]handshake.Field
	all := append(room[:0], handshake.Field{Name: "Connection", Value: "close"})
	if status != 204 && status != 304 {
		all = append(all, handshake.Field{Name: "Content-Length", Value: strconv.Itoa(len(content))})
	} else {
		content = nil
	}
	own := len(all)
	head, err := handshake.AppendResponse(r.answer[:0], status, append(all, fields...)...)
	if err != nil {
		if wrong, ok := err.(*handshake.ResponseError); ok {
			wrong.Index -= own
		}
		return err
	}
	if string(r.Method) != "HEAD" {
		head = append(head, content...)
	}
	r.answer = head
	return r.send(status)
}

// refuse answers with a refusal. It sends nothing if the refusal cannot be sent as it is.
func (r *Request) refuse(refusal *Refusal) error {
	fields, content, err := refusal.Response(r.protocol.Product)
	if err != nil {
		return err
	}
	// The response closes the connection in any case.
	fields = slices.DeleteFunc(slices.Clone(fields), func(f handshake.Field) bool {
		return strings.EqualFold(f.Name, "Connection")
	})
	return r.Respond(refusal.Status, []byte(content), fields...)
}

// send writes the final response in r.answer and closes the connection.
func (r *Request) send(status int) error {
	if r.gone || r.conn == nil {
		return errAnswered
	}
	conn := r.conn
	r.gone = true
	defer conn.Close()
	// A client that sent its request too slowly has left no time for the answer.
	if least := time.Now().Add(lingerTime); !r.deadline.IsZero() && r.deadline.Before(least) {
		conn.SetWriteDeadline(least)
	}
	n, err := conn.Write(r.answer)
	if err == nil && n < len(r.answer) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return err
	}
	r.status = status
	if w, ok := conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		conn.SetReadDeadline(time.Now().Add(lingerTime))
		// Not into the buffer: the caller may still look at the head.
		r.answer = slices.Grow(r.answer[:0], bufferSize)
		for unread, p := 0, r.answer[:bufferSize]; unread < lingerBytes; {
			n, err := conn.Read(p)
			if unread += n; err != nil {
				break
			}
		}
	}
	return nil
}

// write writes p, after which the connection goes on. If it fails, it closes the
// connection, because nothing more can be sent.
func (r *Request) write(p []byte) error {
	n, err := r.conn.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		r.conn.Close()
		r.gone = true
	}
	return err
}
