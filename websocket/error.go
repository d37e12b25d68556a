package websocket

// This file knows what can be wrong with a handshake, and which field is at fault.

// Error says which requirement of the handshake a request or a response does not meet.
// It is for use with [errors.Is] or a switch.
type Error uint8

// The requirements that a handshake can fail.
const (
	ErrMethod  Error = iota + 1 // the method is not GET, or over HTTP/2 not CONNECT
	ErrVersion                  // Sec-WebSocket-Version is not 13
	ErrKey                      // Sec-WebSocket-Key is not the base64 of 16 bytes
	ErrAccept                   // of a response: Sec-WebSocket-Accept does not answer the key
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
	}
	return "websocket: bad handshake"
}

// Field returns the name of the field at fault. It is empty for [ErrMethod].
func (e Error) Field() string {
	switch e {
	case ErrVersion:
		return "Sec-WebSocket-Version"
	case ErrKey:
		return "Sec-WebSocket-Key"
	case ErrAccept:
		return "Sec-WebSocket-Accept"
	}
	return ""
}
