package handshake

import (
	"errors"
	"strconv"

	"github.com/gosegue/upgrade"
)

// This file knows the refusal of a switch, for every adapter. It knows nothing of how a
// response is sent.

// Refusal is an error that Check and Fields of a [Protocol] return to answer a request
// with a final response instead of switching to that protocol. It is the answer only if
// [Choose] finds no other protocol.
type Refusal struct {
	// Status is the status code, 200 to 599.
	Status int

	// Fields are the fields of the response. Content-Length, Transfer-Encoding and
	// Trailer must not be among them; Connection may be, but only as "close". A 426
	// (Upgrade Required) gets the Upgrade that it must have, and every response
	// with an Upgrade gets upgrade in Connection.
	Fields []Field

	// Content is the content of the response: text/plain in UTF-8, unless Fields
	// has a Content-Type. It is not sent with 204 (No Content) or 304 (Not
	// Modified), or in answer to HEAD.
	Content string
}

// Error returns a text with the status.
func (e *Refusal) Error() string {
	if e == nil {
		return "handshake: refused without a status"
	}
	return "handshake: refused with status " + strconv.Itoa(e.Status)
}

// Response returns the fields and the content of the response that refuses the switch to
// p. The fields are those of e, with at most one Connection, which is "close". Response
// adds an Upgrade to a 426 that lacks it, and a Content-Type to content that lacks it.
// The adapter frames the response, and adds upgrade to Connection if there is an Upgrade,
// as [AppendResponse] does.
//
// The error says that e cannot be sent, which is the server's own fault: [ErrStatus],
// a [*ResponseError], or [ErrNoProduct] for a 426 that has no Upgrade and a zero p.
func (e *Refusal) Response(p upgrade.Product[string]) ([]Field, string, error) {
	if e == nil || !isFinal(e.Status) {
		return nil, "", ErrStatus
	}
	var given finalFields
	hasType := false
	for i, f := range e.Fields {
		if err := given.take(f); err != nil {
			return nil, "", &ResponseError{i, f.Name, err}
		}
		hasType = hasType || f.is("Content-Type")
	}
	// Any append copies: the caller may return one Refusal many times.
	fields := e.Fields[:len(e.Fields):len(e.Fields)]
	if e.Status == 426 && !given.upgrade {
		if p.IsZero() {
			return nil, "", ErrNoProduct
		}
		fields = append(fields, Field{"Upgrade", p.String()})
	}
	content := e.Content
	if e.Status == 204 || e.Status == 304 {
		content = ""
	}
	if content != "" && !hasType {
		fields = append(fields, Field{"Content-Type", "text/plain; charset=utf-8"})
	}
	return fields, content, nil
}

// refusalIn returns the Refusal that err is or wraps, or nil. It calls methods of err,
// which is the server's own error. They can panic, for example on a nil pointer.
func refusalIn(err error) *Refusal {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return nil
	}
	return refusal
}
