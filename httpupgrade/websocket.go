package httpupgrade

import (
	"net"
	"net/http"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

// WebSocket has what a server decides about WebSocket connections. [WebSocket.Protocol]
// makes a [Protocol] of it:
//
//	httpupgrade.Handler{
//		Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{Serve: serve}.Protocol()},
//		Next:      mux,
//	}
//
// The first frame comes next on the connection: Serve is for a library that runs on a
// connection that is already switched. Extensions are not negotiated, which a client
// takes for a server that has none.
type WebSocket struct {
	// Origin reports whether the page that the request comes from may connect. False
	// is answered with 403 (Forbidden). Nil: only a page of the same host and port,
	// or a request without Origin, which no browser sends.
	Origin func(*http.Request) bool

	// Subprotocols are what the server speaks, in its order of preference. The first
	// that the client offers is selected and put into Sec-WebSocket-Protocol. If it
	// offers none of them, the connection has no subprotocol. A malformed
	// Sec-WebSocket-Protocol is answered with 400.
	Subprotocols []string

	// Fields is Fields of the [Protocol]. It must not return Sec-WebSocket-Accept, nor
	// Sec-WebSocket-Protocol where Subprotocols has any.
	Fields func(*http.Request) ([]handshake.Field, error)

	// Serve speaks WebSocket on the connection, as Serve of the [Protocol] does.
	// subprotocol is what was selected, or empty.
	Serve func(conn net.Conn, r *http.Request, subprotocol string)
}

// Protocol returns the Protocol for ws, as ws is now. Allow and the other fields of the
// result are the caller's to set; the checks of WebSocket are made and the key is answered
// whatever they are. A subprotocol that Fields of the result selects is one of the
// [SwitchedFields], and Serve of ws may not be told it: let Fields of ws select it.
func (ws WebSocket) Protocol() Protocol {
	p := Protocol{Product: socket.Product, Fields: ws.Fields}
	if ws.Origin != nil {
		p.Check = func(r *http.Request) error {
			if !ws.Origin(r) {
				return socket.ErrForeign
			}
			return nil
		}
	}
	if len(ws.Subprotocols) > 0 {
		p.Fields = ws.negotiate
	}
	switch {
	case ws.Serve == nil:
	case p.Fields == nil:
		// Nothing was selected. To look it up would cost an allocation.
		p.Serve = func(conn net.Conn, r *http.Request) { ws.Serve(conn, r, "") }
	default:
		p.Serve = func(conn net.Conn, r *http.Request) {
			ws.Serve(conn, r, socket.Subprotocol(SwitchedFields(r)))
		}
	}
	return p
}

// negotiate returns the fields of ws and the subprotocol that it selects.
func (ws WebSocket) negotiate(r *http.Request) ([]handshake.Field, error) {
	subprotocol, err := socket.SelectSubprotocol(r.Header["Sec-Websocket-Protocol"], ws.Subprotocols)
	if err != nil {
		return nil, err
	}
	var fields []handshake.Field
	if ws.Fields != nil {
		if fields, err = ws.Fields(r); err != nil {
			return nil, err
		}
	}
	return socket.WithSubprotocol(fields, subprotocol), nil
}
