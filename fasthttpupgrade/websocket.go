package fasthttpupgrade

import (
	"net"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

// WebSocket holds what a server decides about WebSocket connections. [WebSocket.Protocol]
// makes a [Protocol] of it:
//
//	fasthttpupgrade.Handler{
//		Protocols: []fasthttpupgrade.Protocol{fasthttpupgrade.WebSocket{Serve: serve}.Protocol()},
//		Next:      ordinary,
//	}
//
// The next octet on the connection begins the client's first frame: Serve is for a library
// that runs on a connection that has already switched. Extensions are not negotiated, so
// the client must not use any.
type WebSocket struct {
	// Origin reports whether the page that the request comes from may connect. False
	// is answered with 403 (Forbidden). Nil allows a page of the same host and port,
	// and a request without Origin, which no browser sends.
	Origin func(*fasthttp.RequestCtx) bool

	// Subprotocols are the subprotocols that the server speaks, in its order of
	// preference. The first one that the client offers is selected and put into
	// Sec-WebSocket-Protocol. If the client offers no such subprotocol, the connection
	// has none. A malformed Sec-WebSocket-Protocol is answered with 400.
	Subprotocols []string

	// Fields is Fields of the [Protocol]. It must not return Sec-WebSocket-Accept; nor
	// Sec-WebSocket-Protocol if there are Subprotocols.
	Fields func(*fasthttp.RequestCtx) ([]handshake.Field, error)

	// Serve speaks WebSocket on the connection, as Serve of the [Protocol] does.
	// subprotocol is the one that was selected, or empty.
	Serve func(conn net.Conn, r *fasthttp.Request, subprotocol string)
}

// Protocol returns the Protocol for ws. Later changes of ws do not affect it. The caller may
// set Allow and the other fields of the result: whatever they are, a [Handler] makes the
// checks of WebSocket and answers the key.
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

// SwitchedFields returns the fields that [Protocol].Fields returned for the 101. r is the
// request that Serve got. So Serve need not decide again what was negotiated. The result is
// nil if there were no fields, or if r is a copy.
func SwitchedFields(r *fasthttp.Request) []handshake.Field {
	fields, _ := r.UserValue(fieldsKey{}).([]handshake.Field)
	return fields
}
