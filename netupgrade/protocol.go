package netupgrade

import (
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

// This file defines a protocol for an Acceptor, and what the Acceptor insists on before it
// switches.

// Protocol is a protocol to which an [Acceptor] can switch, and when:
// [handshake.Protocol] for a net.Conn. Its fields are
//
//	Product upgrade.Product[string]
//
// the protocol's name and, if it has one, version. It matches only an offer of the same
// version.
//
//	Allow func(*Request) bool
//
// the server's judgement on a request that offers Product, by its method, its target,
// the load. False leaves the request to the next Protocol. Nil allows all.
//
//	Check func(*Request) error
//
// returns nil if the request may have the protocol; a [*Refusal], possibly wrapped, to
// answer that instead; or an error of the server's own, which is answered with 500. Nil
// checks nothing, except that of the product websocket it checks that the request comes
// from a page of the same origin, or from no page, and refuses others with 403.
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
// For the product websocket an Acceptor does what RFC 6455 asks of a server, whatever
// Check and Fields are: it refuses a request by another method than GET with 405, one of
// another version than 13 with 426 and that version, and one without a well-formed key
// with 400; and it answers the key, so that Fields must not return Sec-WebSocket-Accept.
//
// A panic of one of the functions is an error of the server's own, a [*PanicError].
type Protocol = handshake.Protocol[*Request, func(Accepted)]

// Refusal is [handshake.Refusal]: an error that Check and Fields of a [Protocol] return to
// answer with a final response instead of switching. The connection is closed after it.
type Refusal = handshake.Refusal

// PanicError is [handshake.PanicError]: a function of the server's own panicked.
type PanicError = handshake.PanicError

// ErrConnect is [handshake.ErrConnect]: the request is a CONNECT.
var ErrConnect = handshake.ErrConnect

// WebSocket returns the Protocol for WebSocket. Its fields are the caller's to set, for a
// policy on Origin other than the same origin, and for subprotocols (see
// [websocket.SelectSubprotocol]): the checks of WebSocket are made and the key is answered
// whatever they are.
//
// [websocket.SelectSubprotocol]: https://pkg.go.dev/github.com/gosegue/upgrade/websocket#SelectSubprotocol
func WebSocket() Protocol { return Protocol{Product: socket.Product} }

// checkWebSocket leaves in r why a request that offers WebSocket is no handshake of it, or
// its key. It is a step of its own, before the choice, so that the frames of both fit the
// stack.
func (r *Request) checkWebSocket() {
	if !r.offered.Offers(socket.Product) {
		return
	}
	var room [2][]byte // for one line of each field: more of them are no handshake
	version := r.Lines(room[:0:1], "Sec-WebSocket-Version")
	key := r.Lines(room[1:1], "Sec-WebSocket-Key")
	if r.refused = socket.Check(r.Method, version, key); r.refused == nil {
		r.key = key[0]
	}
}

// checkOrigin leaves in r why a WebSocket without a Check refuses the request, if it does.
func (a *Acceptor) checkOrigin(r *Request) {
	for i := range a.Protocols {
		if p := &a.Protocols[i]; r.key != nil && p.Check == nil && socket.Is(p.Product) {
			var room [2][]byte
			origin := r.Lines(room[:0:1], "Origin")
			room[1] = r.Host
			r.foreign = socket.CheckOrigin(origin, room[1:])
			return
		}
	}
}

// insist checks every request that an Acceptor is to switch to p, before the server's own
// Check does.
func insist(p *Protocol, r *Request) error {
	if !socket.Is(p.Product) {
		return nil
	}
	if r.refused == nil && p.Check == nil {
		return r.foreign
	}
	return r.refused
}
