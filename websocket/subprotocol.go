package websocket

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file knows subprotocols: a list of tokens over the lines of one field.

// SelectSubprotocol returns the first of supported that the client offers, or "" if it
// offers none of them. lines are the lines of Sec-WebSocket-Protocol in the request. The
// server puts the result into Sec-WebSocket-Protocol of its 101, or leaves the field out
// if the result is "".
//
// The order of supported decides, not the client's. Names are compared octet for octet,
// in exact case. Names that the client repeats, empty elements and empty lines are
// harmless. The result is one of the arguments.
//
// If any line is malformed, the result is "" and the error a [*handshake.FieldError]. A
// server answers it with 400 (Bad Request), as RFC 6455, section 4.2.1, allows.
// SelectSubprotocol allocates only that error. It follows [RFC 6455, section 11.3.4].
//
//	Sec-WebSocket-Protocol-Client = 1#token
//
// [RFC 6455, section 11.3.4]: https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
func SelectSubprotocol[S upgrade.Text](lines []S, supported ...string) (string, error) {
	// Connection is a list of tokens too, so its parser reads this field as well.
	offered, err := upgrade.ParseConnection(lines...)
	if err != nil {
		return "", &handshake.FieldError{Field: "Sec-WebSocket-Protocol", Err: err.(*upgrade.SyntaxError)}
	}
	// One pass. The candidates are only the names that the server prefers to the best
	// one found so far.
	var best string
	for name := range offered.All() {
		for i, s := range supported {
			if string(name) == s {
				best, supported = s, supported[:i]
				break
			}
		}
	}
	return best, nil
}
