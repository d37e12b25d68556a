// Package socket holds what every server adapter insists on for the product websocket,
// in one place: the check of the request, the policy on Origin, and the answer to the
// key. It knows nothing of requests or connections: an adapter brings the lines.
package socket

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

// Product is websocket.
var Product = upgrade.MustParseProduct("websocket")

// Is reports whether p is websocket, in any spelling.
func Is(p upgrade.Product[string]) bool { return p.Matches(Product) }

// ErrForeign is the error that answers a request from a page that may not connect. It wraps
// its Refusal and [websocket.ErrOrigin].
var ErrForeign = refused(websocket.ErrOrigin)

// ErrKeyRemoved says that the key of a request was there when the request was checked, and
// is not any more: a function of the server has removed it.
var ErrKeyRemoved = errors.New("websocket: the server has removed Sec-WebSocket-Key")

// refusals are the errors that answer each [websocket.Error].
var refusals = [...]error{
	websocket.ErrMethod:  refused(websocket.ErrMethod),
	websocket.ErrVersion: refused(websocket.ErrVersion),
	websocket.ErrKey:     refused(websocket.ErrKey),
}

// refused returns an error that wraps the Refusal of reason and reason itself, so that a log
// can tell why a request got a 400.
func refused(reason websocket.Error) error {
	return fmt.Errorf("%w: %w", reason.Refusal(), reason)
}

// Check returns nil if a request meets the requirements of WebSocket, or an error that wraps
// the Refusal that answers it and the [websocket.Error]. version and key are the lines of
// its fields Sec-WebSocket-Version and Sec-WebSocket-Key, as for [websocket.Check].
func Check[M, S upgrade.Text](method M, version, key []S) error {
	return refusal(websocket.Check(method, version, key))
}

// CheckConnect is Check for an extended CONNECT.
func CheckConnect[M, S upgrade.Text](method M, version []S) error {
	return refusal(websocket.CheckConnect(method, version))
}

func refusal(err error) error {
	if err == nil {
		return nil
	}
	return refusals[err.(websocket.Error)]
}

// CheckOrigin returns nil if a request comes from the same origin or has no Origin, or else
// the Refusal that answers it. It is the policy of a Protocol that has none of its own.
// origin and host are as for [websocket.SameOrigin].
func CheckOrigin[O, H upgrade.Text](origin []O, host []H) error {
	if !websocket.SameOrigin(origin, host) {
		return ErrForeign
	}
	return nil
}

const acceptName = "Sec-WebSocket-Accept"

// AppendSwitchingProtocols is [handshake.AppendSwitchingProtocols] to websocket, with the
// answer to key.
func AppendSwitchingProtocols[S upgrade.Text](dst []byte, to upgrade.Product[string], key S, fields ...handshake.Field) ([]byte, error) {
	var room [28]byte
	return AppendAccepted(dst, to, websocket.AppendAccept(room[:0], key), fields...)
}

// AppendAccepted is AppendSwitchingProtocols for a caller that has the answer to the key
// already. Sec-WebSocket-Accept among fields is [handshake.ErrReserved].
func AppendAccepted(dst []byte, to upgrade.Product[string], accept []byte, fields ...handshake.Field) ([]byte, error) {
	head, err := handshake.BeginSwitchingProtocols(dst, to)
	if err != nil {
		return dst, err
	}
	head = append(head, acceptName+": "...)
	head = append(head, accept...)
	head = append(head, "\r\n"...)
	for i, f := range fields {
		if len(f.Name) == len(acceptName) && strings.EqualFold(f.Name, acceptName) {
			err = handshake.ErrReserved
		} else {
			head, err = handshake.AppendField(head, f.Name, f.Value)
		}
		if err != nil {
			return dst, &handshake.ResponseError{Index: i, Name: f.Name, Err: err}
		}
	}
	return append(head, "\r\n"...), nil
}

const subprotocolName = "Sec-WebSocket-Protocol"

// SelectSubprotocol returns the first of supported that the lines of
// Sec-WebSocket-Protocol offer, or "". The error for a malformed field wraps a Refusal with
// 400 and the fault.
func SelectSubprotocol[S upgrade.Text](lines []S, supported []string) (string, error) {
	if len(supported) == 0 {
		return "", nil
	}
	subprotocol, err := websocket.SelectSubprotocol(lines, supported...)
	if err != nil {
		return "", fmt.Errorf("%w: %w", &handshake.Refusal{Status: 400}, err)
	}
	return subprotocol, nil
}

// WithSubprotocol returns fields, and after them the field that tells the client which
// subprotocol was selected, if any was. It does not change the array of fields.
func WithSubprotocol(fields []handshake.Field, subprotocol string) []handshake.Field {
	if subprotocol == "" {
		return fields
	}
	return append(fields[:len(fields):len(fields)], handshake.Field{Name: subprotocolName, Value: subprotocol})
}

// Subprotocol returns the subprotocol that the fields of a 101 name, or "".
func Subprotocol(fields []handshake.Field) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, subprotocolName) {
			return f.Value
		}
	}
	return ""
}
