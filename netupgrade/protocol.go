package netupgrade

import (
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

// This file defines a protocol for an Acceptor, and what the Acceptor insists on before it
// switches.

// Protocol is a protocol to which an [Acceptor] can switch, and the conditions for that. It
// is [handshake.Protocol] for a net.Conn. Its fields are
//
//	Product upgrade.Product[string]
//
// the protocol's name and, if it has one, version. It matches only an offer of the same
// version.
//
//	Allow func(*Request) bool
//
// reports whether the server allows Product for a request that offers it: by the method,
// the target or the load, say. False leaves the request to the next Protocol. Nil allows
// all.
//
//	Check func(*Request) error
//
// returns nil if the request may have the protocol; a [*Refusal], possibly wrapped, to
// answer with that instead; or any other error, which is answered with 500. Nil
// checks nothing, except for the product websocket: then a request must come from a page of
// the same origin, or from no page. Others are refused with 403.
//
//	Fields func(*Request) ([]handshake.Field, error)
//
// returns further fields of the 101, or an error as Check does. Nil adds none.
//
//	Serve func(Accepted)
//
// is for the caller, which gets the connection from [Acceptor.Accept] and may call
// accepted.Protocol.Serve(accepted). The Acceptor does not call it, and it may be nil.
//
// For the product websocket an Acceptor does what RFC 6455 asks of a server, no matter what
// Check and Fields are. It refuses any method except GET with 405, any version except 13
// with a 426 that names 13, and a missing or malformed key with 400. The 101 answers the
// key, so Fields must not return Sec-WebSocket-Accept.
//
// A panic of Allow, Check or Fields becomes a [*PanicError], which is answered with 500.
type Protocol = handshake.Protocol[*Request, func(Accepted)]

// Refusal is [handshake.Refusal]: an error that Check and Fields of a [Protocol] return to
// answer with a final response instead of switching. The connection is closed after it.
type Refusal = handshake.Refusal

// PanicError is [handshake.PanicError]: one of the server's functions panicked.
type PanicError = handshake.PanicError

// ErrConnect is [handshake.ErrConnect]: the request is a CONNECT.
var ErrConnect = handshake.ErrConnect

// WebSocket returns the Protocol for WebSocket. The caller may set Check, for a policy on
// Origin other than the same origin, and Fields, for subprotocols (see
// [websocket.SelectSubprotocol]). Whatever they are, the Acceptor makes the checks of
// WebSocket and answers the key.
//
// [websocket.SelectSubprotocol]: https://pkg.go.dev/github.com/gosegue/upgrade/websocket#SelectSubprotocol
func WebSocket() Protocol { return Protocol{Product: socket.Product} }

// checkWebSocket leaves in r the key of a request that offers WebSocket, or why it is not a
// WebSocket handshake. It is a separate step, before the choice, so that the frames of both
// fit the stack.
func (r *Request) checkWebSocket() {
	if !r.offered.Offers(socket.Product) {
		return
	}
	var room [2][]byte // for one line of each field: a handshake has no more
	version := r.Lines(room[:0:1], "Sec-WebSocket-Version")
	key := r.Lines(room[1:1], "Sec-WebSocket-Key")
	if r.refused = socket.Check(r.Method, version, key); r.refused == nil {
		r.key = key[0]
	}
}

// checkOrigin leaves in r why a WebSocket Protocol without a Check refuses the request, or
// nil.
func (a *Acceptor) checkOrigin(r *Request) {
	for i := range a.Protocols {
		if p := &a.Protocols[i]; r.key != nil && p.Check == nil && socket.Is(p.Product) {
			var room [2][]byte
			origin := r.Lines(room[:0:1], "Origin")
			room[1] = r.Authority()
			r.foreign = socket.CheckOrigin(origin, room[1:])
			return
		}
	}
}

// insist checks every request that would switch to p, before p.Check does.
func insist(p *Protocol, r *Request) error {
	if !socket.Is(p.Product) {
		return nil
	}
	if r.refused == nil && p.Check == nil {
		return r.foreign
	}
	return r.refused
}
