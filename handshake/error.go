package handshake

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file has the errors of a switch, for every adapter: why a request offers
// nothing, why a switch failed, and what to answer. All adapters share them, so code that
// handles the errors of one adapter handles those of every other.

// Why a request does not lead to a switch. These are not errors of the client: serve the
// request as if it had no Upgrade field.
var (
	// ErrHTTPVersion: the message is not HTTP/1.1 or a later 1.x. A server ignores
	// Upgrade in 1.0, and versions 2 and 3 have no such field.
	ErrHTTPVersion = errors.New("handshake: HTTP version cannot upgrade")

	// ErrNoUpgrade: the Upgrade field is absent or blank.
	ErrNoUpgrade = errors.New("handshake: no Upgrade field")

	// ErrNoOption: Connection does not name the option upgrade. So the Upgrade field was
	// meant for another connection, and an intermediary passed it on.
	ErrNoOption = errors.New("handshake: no upgrade option in Connection")

	// ErrNotSupported: the offer is valid, but names no protocol that the server supports
	// and allows. Select and Choose return it.
	ErrNotSupported = errors.New("handshake: no supported protocol offered")

	// ErrConnect: the request is a CONNECT, which claims the connection for a tunnel.
	// Adapters return it, because Offer does not see the method. Bytes that are not HTTP
	// may follow, so a server that refuses a CONNECT closes the connection (RFC 9931).
	ErrConnect = errors.New("handshake: CONNECT cannot upgrade")
)

// Why a response does not switch, in addition to the errors of [Offer].
var (
	// ErrStatus: the status code is not 101. The Upgrade field of any other response is
	// an advertisement. From a function that builds a final response: the status code is
	// not 200 to 599.
	ErrStatus = errors.New("handshake: wrong status code")

	// ErrNotOffered: the server switches to a protocol that the client did not
	// offer.
	ErrNotOffered = errors.New("handshake: protocol was not offered")
)

// Why a message cannot be built.
var (
	// ErrNoProduct: there is no product to name, or one of those given is the zero
	// Product.
	ErrNoProduct = errors.New("handshake: no product")

	// ErrFieldName: the name of a field is not a token.
	ErrFieldName = errors.New("handshake: field name is not a token")

	// ErrFieldValue: the value of a field holds a control character other than
	// HTAB, or begins or ends with a blank; or Content-Length is not a number; or
	// Upgrade is not a list of products.
	ErrFieldValue = errors.New("handshake: malformed field value")

	// ErrReserved: the caller must not give this field in this message.
	ErrReserved = errors.New("handshake: reserved field")

	// ErrMethod: the method of an offer is not a token, or is CONNECT, which has
	// another use for the connection.
	ErrMethod = errors.New("handshake: method cannot offer an upgrade")

	// ErrTarget: the request target does not have a form that the method allows.
	ErrTarget = errors.New("handshake: malformed request target")

	// ErrHost: the host or its port is malformed.
	ErrHost = errors.New("handshake: malformed host")

	// ErrOption: a connection option is not a token, is close or Content-Length, or
	// does not name one of the caller's fields.
	ErrOption = errors.New("handshake: connection option names no such field")
)

// FieldError tells which field is malformed, and where. It unwraps to the
// [*upgrade.SyntaxError] and so to its Reason.
type FieldError struct {
	Field string // the name, such as "Connection" or "Upgrade"
	Err   *upgrade.SyntaxError
}

// Error returns the name of the field and the text of Err.
func (e *FieldError) Error() string {
	if e == nil {
		e = new(FieldError)
	}
	text := "handshake: malformed " + e.Field
	if e.Err != nil {
		text += ": " + strings.TrimPrefix(e.Err.Error(), "upgrade: ")
	}
	return text
}

// Unwrap returns Err.
func (e *FieldError) Unwrap() error {
	if e == nil || e.Err == nil {
		return nil // a nil *SyntaxError would be a non-nil error
	}
	return e.Err
}

// fieldError adds the name of the field to the error of upgrade.ParseConnection or
// upgrade.ParseList.
func fieldError(field string, err error) error {
	return &FieldError{field, err.(*upgrade.SyntaxError)}
}

// ResponseError tells which of the caller's fields a message cannot have. It unwraps
// to [ErrFieldName], [ErrFieldValue] or [ErrReserved].
type ResponseError struct {
	Index int    // of the field, from 0
	Name  string // of the field, as the caller gave it
	Err   error
}

// Error returns the index and the name of the field, and the text of Err. A name that
// is not a token is left out.
func (e *ResponseError) Error() string {
	if e == nil {
		e = new(ResponseError)
	}
	text := "handshake: field " + strconv.Itoa(e.Index)
	if octet.IsToken(e.Name) {
		text += " (" + e.Name + ")"
	}
	return text + ": " + textOf(e.Err)
}

// Unwrap returns Err.
func (e *ResponseError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// ContentError says that the content of a request could not be read before a switch,
// and what to answer. Its text leaves out the text of Err, which may quote the client.
type ContentError struct {
	// Status is the status code of the answer: 400 for content that is malformed or
	// ended too soon, 408 for content that came too late, 413 for too much.
	Status int

	Err error // of the Read
}

// Error returns a text that depends on the status only.
func (e *ContentError) Error() string {
	if e == nil {
		e = new(ContentError)
	}
	switch e.Status {
	case 408:
		return "handshake: content did not come in time"
	case 413:
		return "handshake: content exceeds the limit"
	}
	return "handshake: content cannot be read"
}

// Unwrap returns Err.
func (e *ContentError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// WriteError says that the connection was taken over, but the 101 could not be written
// in full. The connection is closed by then, so the request gets no answer. It unwraps
// to the error of the Write.
type WriteError struct{ Err error }

// Error returns a text that ends in that of Err.
func (e *WriteError) Error() string { return "handshake: write 101: " + textOf(e.Unwrap()) }

// Unwrap returns Err.
func (e *WriteError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// PanicError says that a function of the server panicked: a hook of a [Protocol], or the
// function that serves one.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of its goroutine
}

// Error returns the value and the stack.
func (e *PanicError) Error() string {
	if e == nil {
		e = new(PanicError)
	}
	return fmt.Sprintf("handshake: panic: %v\n%s", e.Value, e.Stack)
}

// textOf returns the text of an error without the name of this package.
func textOf(err error) string {
	if err == nil {
		return "no reason given"
	}
	return strings.TrimPrefix(err.Error(), "handshake: ")
}

// Status returns the status code of the response to a request that err kept from
// switching:
//
//   - 426 (Upgrade Required) for [ErrNoUpgrade], [ErrNoOption], [ErrNotSupported] and
//     [ErrNotOffered], and for a [FieldError] of Upgrade or Connection;
//   - 505 (HTTP Version Not Supported) for [ErrHTTPVersion];
//   - 501 (Not Implemented) for [ErrConnect];
//   - 400 (Bad Request) for a FieldError of any other field;
//   - for a [Refusal] or a [ContentError], its status;
//   - for an error with a method Status or Refusal, the status from that method (errors
//     of packages head, chunked and websocket have one of these methods);
//   - 0 for nil, and for a [WriteError], after which no answer is possible;
//   - 500 for any other error, which is the server's own.
//
// After an error of [Offer] or [Select] a server should serve the request as an ordinary
// one. The codes of these errors are for a server that serves nothing else. An
// intermediary answers 400 to a malformed Connection; see [HopByHop].
//
// Status also looks at the errors that err wraps. It allocates nothing.
func Status(err error) int {
	status, _ := answerTo(err)
	return status
}

// RefusalOf returns the response to a request that err kept from switching: the [Refusal]
// that err is or wraps, the one that the error's method Refusal returns, or else one with
// only a status. The status is always that of [Status]. The result is nil if that is 0.
//
// A [websocket.Error] has fields that its response needs, such as Sec-WebSocket-Version
// with 426 (Upgrade Required), so a server that answers errors by their status alone
// loses them. [Refusal.Response] turns the result into fields and content.
//
// The Refusal may be shared: do not change it. RefusalOf also looks at the errors that
// err wraps, and allocates only a Refusal that no error has.
//
// [websocket.Error]: https://pkg.go.dev/github.com/gosegue/upgrade/websocket#Error
func RefusalOf(err error) *Refusal {
	status, refusal := answerTo(err)
	if refusal == nil && status != 0 {
		refusal = &Refusal{Status: status}
	}
	return refusal
}

// answerTo returns what Status returns, and the Refusal that it comes from, or nil.
func answerTo(err error) (status int, refusal *Refusal) {
	if err == nil {
		return 0, nil
	}
	status = 500
	find(err, func(err error) bool {
		switch err {
		case ErrHTTPVersion:
			status = 505
			return true
		case ErrConnect:
			status = 501
			return true
		case ErrNoUpgrade, ErrNoOption, ErrNotSupported, ErrNotOffered:
			status = 426
			return true
		}
		switch e := err.(type) {
		case *FieldError:
			// If Upgrade or Connection is malformed, the offer does not count.
			// If another field is, the request is malformed.
			status = 400
			if e == nil || e.Field == "Upgrade" || e.Field == "Connection" {
				status = 426
			}
			return true
		case *Refusal:
			if e == nil || !isFinal(e.Status) {
				return false
			}
			status, refusal = e.Status, e
			return true
		case *ContentError:
			if e == nil {
				return false
			}
			status = 400
			if isFinal(e.Status) {
				status = e.Status
			}
			return true
		case *WriteError:
			status = 0
			return true
		case interface{ Refusal() *Refusal }:
			if r := e.Refusal(); r != nil && isFinal(r.Status) {
				status, refusal = r.Status, r
				return true
			}
		case interface{ Status() int }:
			if s := e.Status(); isFinal(s) {
				status = s
				return true
			}
		}
		return false
	})
	return status, refusal
}

// FieldName returns the name of the field that err is about: Upgrade, Connection or Host,
// the name in a [FieldError] or a [ResponseError], or the name that the error's method
// FieldName returns. It returns "" if err is about no field. It also looks at the errors
// that err wraps. It allocates nothing.
func FieldName(err error) string {
	var name string
	find(err, func(err error) bool {
		switch err {
		case ErrNoUpgrade, ErrNotSupported, ErrNotOffered:
			name = "Upgrade"
		case ErrNoOption, ErrOption:
			name = "Connection"
		case ErrHost:
			name = "Host"
		default:
			switch e := err.(type) {
			case *FieldError:
				if e != nil {
					name = e.Field
				}
			case *ResponseError:
				if e != nil {
					name = e.Name
				}
			case interface{ FieldName() string }:
				name = e.FieldName()
			}
		}
		return name != ""
	})
	return name
}

// find calls is for err and the errors that err wraps, depth first, until a call returns
// true. It reports whether one did. errors.As would allocate its target.
func find(err error, is func(error) bool) bool {
	for err != nil {
		if is(err) {
			return true
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				if find(err, is) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}
