package httpupgrade

import (
	"net"
	"net/http"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

// WebSocket holds what a server decides about WebSocket connections. [WebSocket.Protocol]
// makes a [Protocol] of it:
//
//	httpupgrade.Handler{
//		Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{Serve: serve}.Protocol()},
//		Next:      mux,
//	}
//
// When Serve runs, the connection is at the first frame: give it to a library that runs
// on a connection that has already switched. The server negotiates no extensions.
type WebSocket struct {
	// Origin reports whether the page that the request comes from may connect. False is
	// answered with 403 (Forbidden). Nil allows a page of the same host and port, and a
	// request without Origin, because browsers always send one.
	Origin func(*http.Request) bool

	// Subprotocols are the subprotocols that the server speaks, in its order of
	// preference. The first one that the client offers is selected and put into
	// Sec-WebSocket-Protocol. If the client offers no such subprotocol, the connection
	// has none. A malformed Sec-WebSocket-Protocol is answered with 400, but if
	// Subprotocols is empty, the field is ignored.
	Subprotocols []string

	// Fields returns further fields of the 101, as Fields of the [Protocol] does. It must
	// not return Sec-WebSocket-Accept. If Subprotocols is not empty, it must not return
	// Sec-WebSocket-Protocol either.
	Fields func(*http.Request) ([]handshake.Field, error)

	// Serve speaks WebSocket on the connection, as Serve of the [Protocol] does.
	// subprotocol is the one selected, or empty.
	Serve func(conn net.Conn, r *http.Request, subprotocol string)
}

// Protocol returns the Protocol for ws as it is now. The caller may set the other fields
// of the result, such as Allow: a Handler always checks the method, the version and the
// key, and answers the key. But a Check that the caller sets replaces the check of
// Origin. If the caller sets Fields, and it selects a subprotocol, [SwitchedFields] has
// that, but Serve of ws may not get it: let Fields of ws select it.
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
		// No subprotocol was selected. Looking it up would cost an allocation.
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
