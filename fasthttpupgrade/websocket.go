package fasthttpupgrade

import (
	"net"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

// WebSocket is what a server decides on a WebSocket connection. [WebSocket.Protocol]
// makes a [Protocol] of it:
//
//	fasthttpupgrade.Handler{
//		Protocols: []fasthttpupgrade.Protocol{fasthttpupgrade.WebSocket{Serve: serve}.Protocol()},
//		Next:      ordinary,
//	}
//
// The connection stands at its first frame: Serve is for a library that runs on a
// connection that is already switched. Extensions are not negotiated, which a client
// takes for a server that has none.
type WebSocket struct {
	// Origin reports whether the page that the request comes from may connect. False
	// is answered with 403 (Forbidden). Nil: only a page of the same host and port,
	// or a request without Origin, which no browser sends.
	Origin func(*fasthttp.RequestCtx) bool

	// Subprotocols are what the server speaks, in its order of preference. The first
	// that the client offers is selected and put into Sec-WebSocket-Protocol. If it
	// offers none of them, the connection has no subprotocol. A malformed
	// Sec-WebSocket-Protocol is answered with 400.
	Subprotocols []string

	// Fields is Fields of the [Protocol]. It must not return Sec-WebSocket-Accept, nor
	// Sec-WebSocket-Protocol where Subprotocols has any.
	Fields func(*fasthttp.RequestCtx) ([]handshake.Field, error)

	// Serve speaks WebSocket on the connection, as Serve of the [Protocol] does.
	// subprotocol is what was selected, or empty.
	Serve func(conn net.Conn, r *fasthttp.Request, subprotocol string)
}

// Protocol returns the Protocol for ws, which does not use ws any more. Allow and the
// other fields of the result are the caller's to set; the checks of WebSocket are made
// and the key is answered whatever they are.
func (ws WebSocket) Protocol() Protocol {
	p := Protocol{Product: socket.Product, Fields: ws.Fields}
	if ws.Origin != nil {
		p.Check = func(ctx *fasthttp.RequestCtx) error {
			if !ws.Origin(ctx) {
				return socket.ErrForeign
			}
			return nil
		}
	}
	if len(ws.Subprotocols) > 0 {
		p.Fields = ws.negotiate
	}
	if ws.Serve != nil {
		p.Serve = func(conn net.Conn, r *fasthttp.Request) {
			ws.Serve(conn, r, socket.Subprotocol(SwitchedFields(r)))
		}
	}
	return p
}

// negotiate returns the fields of ws and the subprotocol that it selects.
func (ws WebSocket) negotiate(ctx *fasthttp.RequestCtx) ([]handshake.Field, error) {
	subprotocol, err := socket.SelectSubprotocol(linesOf(&ctx.Request.Header, "Sec-WebSocket-Protocol"), ws.Subprotocols)
	if err != nil {
		return nil, err
	}
	var fields []handshake.Field
	if ws.Fields != nil {
		if fields, err = ws.Fields(ctx); err != nil {
			return nil, err
		}
	}
	return socket.WithSubprotocol(fields, subprotocol), nil
}

type fieldsKey struct{}

// SwitchedFields returns the fields that [Protocol].Fields gave for the 101 that answered
// r, the request that Serve got: what was negotiated need not be decided twice. It is nil
// if there were none, and of a copy of r.
func SwitchedFields(r *fasthttp.Request) []handshake.Field {
	fields, _ := r.UserValue(fieldsKey{}).([]handshake.Field)
	return fields
}
