package websocket

import "github.com/gosegue/upgrade/handshake"

// This file knows what can be wrong with a handshake, which field is at fault, and how a
// server answers.

// Error says which requirement of the handshake a request or a response does not meet.
// It is for use with [errors.Is] or a switch.
type Error uint8

// The requirements that a handshake can fail.
const (
	ErrMethod      Error = iota + 1 // the method is not GET, or over HTTP/2 not CONNECT
	ErrVersion                      // Sec-WebSocket-Version is not 13
	ErrKey                          // Sec-WebSocket-Key is not the base64 of 16 bytes
	ErrAccept                       // of a response: Sec-WebSocket-Accept does not answer the key
	ErrOrigin                       // the page that the request comes from may not connect
	ErrSubprotocol                  // of a response: Sec-WebSocket-Protocol names none that was offered
)

// Error names the requirement.
func (e Error) Error() string {
	switch e {
	case ErrMethod:
		return "websocket: method is not GET (HTTP/1.1) or CONNECT (HTTP/2)"
	case ErrVersion:
		return "websocket: Sec-WebSocket-Version is not 13"
	case ErrKey:
		return "websocket: Sec-WebSocket-Key is not the base64 of 16 bytes"
	case ErrAccept:
		return "websocket: Sec-WebSocket-Accept does not answer the key"
	case ErrOrigin:
		return "websocket: Origin may not connect"
	case ErrSubprotocol:
		return "websocket: Sec-WebSocket-Protocol names none that was offered"
	}
	return "websocket: bad handshake"
}

// FieldName returns the name of the field at fault. It is empty for [ErrMethod].
func (e Error) FieldName() string {
	switch e {
	case ErrVersion:
		return "Sec-WebSocket-Version"
	case ErrKey:
		return "Sec-WebSocket-Key"
	case ErrAccept:
		return "Sec-WebSocket-Accept"
	case ErrOrigin:
		return "Origin"
	case ErrSubprotocol:
		return "Sec-WebSocket-Protocol"
	}
	return ""
}

// Refusal returns the response that a server gives to a request with this error:
//
//	ErrMethod       405 (Method Not Allowed) with Allow: GET
//	ErrVersion      426 (Upgrade Required) with Sec-WebSocket-Version: 13
//	ErrKey          400 (Bad Request)
//	ErrAccept       502 (Bad Gateway), of a proxy that received the response
//	ErrOrigin       403 (Forbidden)
//	ErrSubprotocol  502 (Bad Gateway), of a proxy that received the response
//
// Any other Error gets a 400. A 426 must also have an Upgrade, which
// [handshake.Refusal.Response] adds. HTTP/2 and HTTP/3 have neither Upgrade nor 426:
// there, answer ErrVersion with 400 and the same field, and ErrMethod with 400 and no
// field.
//
// The Refusal is shared: do not change it. Refusal allocates nothing.
func (e Error) Refusal() *handshake.Refusal {
	if int(e) >= len(refusals) {
		e = 0
	}
	return &refusals[e]
}

var refusals = [...]handshake.Refusal{
	0:              {Status: 400},
	ErrMethod:      {Status: 405, Fields: []handshake.Field{{Name: "Allow", Value: "GET"}}},
	ErrVersion:     {Status: 426, Fields: []handshake.Field{{Name: "Sec-WebSocket-Version", Value: Version}}},
	ErrKey:         {Status: 400},
	ErrAccept:      {Status: 502},
	ErrOrigin:      {Status: 403},
	ErrSubprotocol: {Status: 502},
}
