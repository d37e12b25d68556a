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

// How long, and how many bytes, are waited for behind an answer. A connection that is
// closed with something unread is reset, and the reset may overtake the answer.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

var (
	errStatus   = errors.New("netupgrade: not a final status")
	errAnswered = errors.New("netupgrade: answered or taken already")
)

// Respond answers with a final response of that status (200 to 599) and those fields
// and closes the connection, which the response says. Connection, Content-Length,
// Transfer-Encoding, Trailer and, except with 426, Upgrade are not the caller's to give.
// A field that cannot be sent is a [*handshake.ResponseError] and nothing is.
//
// To answer without closing, take the connection by [Request.Unread] and serve HTTP.
func (r *Request) Respond(status int, content []byte, fields ...handshake.Field) error {
	if status < 200 || status > 599 {
		return errStatus
	}
	for i, f := range fields {
		err := f.Check()
		if err == nil && reserved(f.Name, status) {
			err = handshake.ErrReserved
		}
		if err != nil {
			return &handshake.ResponseError{Index: i, Err: err}
		}
	}
	if status == 426 && !has(fields, "Upgrade") {
		return handshake.ErrNoProduct
	}
	b := append(r.answer[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, reason(status)...)
	b = append(b, "\r\nConnection: "...)
	if status == 426 {
		b = append(b, "Upgrade, "...)
	}
	b = append(b, "close\r\n"...)
	bodyless := status == 204 || status == 304
	if !bodyless {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(content)), 10)
		b = append(b, "\r\n"...)
	}
	for _, f := range fields {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if !bodyless && string(r.Method) != "HEAD" {
		b = append(b, content...)
	}
	r.answer = b
	return r.send(status)
}

func reserved(name string, status int) bool {
	for _, n := range [...]string{"Connection", "Content-Length", "Transfer-Encoding", "Trailer"} {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return strings.EqualFold(name, "Upgrade") && status != 426
}

// refuse answers with a refusal. If it cannot be sent as it is, nothing is.
func (r *Request) refuse(refusal *Refusal) error {
	fields := refusal.Fields
	if refusal.Status == 426 && !has(fields, "Upgrade") {
		fields = append(slices.Clip(fields), handshake.Field{Name: "Upgrade", Value: r.protocol.Product.String()})
	}
	return r.Respond(refusal.Status, nil, fields...)
}

func has(fields []handshake.Field, name string) bool {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// reason returns the reason phrase of the statuses that this package itself sends.
// Nobody has to have one, or to look at it (RFC 9112, section 4).
func reason(status int) string {
	switch status {
	case 200:
		return "OK"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 417:
		return "Expectation Failed"
	case 426:
		return "Upgrade Required"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 505:
		return "HTTP Version Not Supported"
	}
	return ""
}

// send writes the final response in r.answer and closes the connection.
func (r *Request) send(status int) error {
	if r.gone {
		return errAnswered
	}
	conn := r.conn
	r.gone = true
	defer conn.Close()
	// A client that was too slow for its request has left no time for the answer.
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

// write writes what does not end the connection. If it fails, nothing more can be said
// on that connection, which is closed.
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
