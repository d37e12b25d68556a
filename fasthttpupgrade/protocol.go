package fasthttpupgrade

import (
	"fmt"
	"net"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows what a protocol is to fasthttp, and what a Handler insists on before it
// switches. It knows nothing of connections.

// Protocol is a protocol to which a [Handler] can switch, with its conditions and the
// function that serves it: [handshake.Protocol] for fasthttp. Its fields are
//
//	Product upgrade.Product[string]
//
// the protocol's name and, if it has one, version. It matches only an offer of the same
// version.
//
//	Allow func(*fasthttp.RequestCtx) bool
//
// reports whether the server allows Product for a request that offers it: by the method,
// the resource or the load, say. False leaves the request to the next Protocol. Nil allows
// all.
//
//	Check func(*fasthttp.RequestCtx) error
//
// returns nil if the request may have the protocol; a [*Refusal], possibly wrapped, to
// answer with that instead; or any other error, which is the server's own and is answered
// with 500. Nil checks nothing, except for the product websocket: then a request must come
// from a page of the same origin, or from no page. Others are refused with 403.
//
//	Fields func(*fasthttp.RequestCtx) ([]handshake.Field, error)
//
// returns further fields of the 101, or an error as Check does. Nil adds no fields. Serve
// gets these fields from [SwitchedFields].
//
//	Serve func(net.Conn, *fasthttp.Request)
//
// speaks the protocol on the connection, which is closed when Serve returns; [Switch]
// describes it. The request is a copy of the one that was upgraded, with its content. A
// panic is recovered and reported. Serve must not be nil: a [Handler] would panic at its
// first request.
//
// Allow, Check and Fields must not read the content of the request. If one of them panics,
// the request is answered with 500.
//
// For the product websocket a Handler does what RFC 6455 asks of a server, no matter what
// Check and Fields are. It refuses any method except GET with 405, any version except 13
// with a 426 that names 13, and a missing or malformed key with 400. The 101 answers the
// key, so Fields must not return Sec-WebSocket-Accept. [WebSocket] makes such a Protocol.
type Protocol = handshake.Protocol[*fasthttp.RequestCtx, func(net.Conn, *fasthttp.Request)]

// Refusal is [handshake.Refusal]: an error that Check and Fields of a [Protocol] return to
// answer with a final response instead of switching.
type Refusal = handshake.Refusal

// PanicError is [handshake.PanicError]: the error that a [Handler] reports if one of the
// server's functions panicked.
type PanicError = handshake.PanicError

// WriteError is [handshake.WriteError]: the connection was taken over, the 101 could not
// be written, and the connection is closed.
type WriteError = handshake.WriteError

// ContentError is [handshake.ContentError]: the content of the request could not be read.
// It wraps [fasthttp.ErrBodyTooLarge] if there is too much of it.
type ContentError = handshake.ContentError

// checkHost returns nil, or the Refusal that RFC 9112, section 3.2, asks for if Host is
// missing or malformed. fasthttp lets both through.
func checkHost(header *fasthttp.RequestHeader) error {
	host := header.Host()
	if _, ok := uri.IsHost(host); !ok {
		return errHost
	}
	if len(host) == 0 && len(header.RawHeaders()) > 0 && len(received(header, "Host")) == 0 {
		return errHost
	}
	return nil
}

// errHost is badRequest with its reason.
var errHost = fmt.Errorf("%w: %w", badRequest, handshake.ErrHost)

// insist makes the checks that a Handler makes before every switch to p, and before the
// server's own Check.
func insist(p *Protocol, ctx *fasthttp.RequestCtx) error {
	header := &ctx.Request.Header
	if err := checkHost(header); err != nil {
		return err
	}
	if !socket.Is(p.Product) {
		return nil
	}
	err := socket.Check(header.Method(), linesOf(header, "Sec-WebSocket-Version"), linesOf(header, "Sec-WebSocket-Key"))
	if err != nil || p.Check != nil {
		return err
	}
	return socket.CheckOrigin(linesOf(header, "Origin"), [][]byte{hostOf(ctx)})
}

// hostOf returns the host and port that a request is for: those of its target if it has
// them, and otherwise Host (RFC 9112, section 3.3).
func hostOf(ctx *fasthttp.RequestCtx) []byte {
	if target := ctx.Request.Header.RequestURI(); len(target) > 0 && target[0] != '/' && target[0] != '*' {
		return ctx.Request.URI().Host()
	}
	return ctx.Request.Header.Host()
}

// appendHead appends the head of the 101 that switches to p.
func appendHead(dst []byte, p *Protocol, header *fasthttp.RequestHeader, fields []handshake.Field) ([]byte, error) {
	if !socket.Is(p.Product) {
		to := [...]upgrade.Product[string]{p.Product}
		return handshake.AppendSwitchingProtocols(dst, to[:], fields...)
	}
	key := linesOf(header, "Sec-WebSocket-Key")
	if len(key) == 0 {
		return dst, socket.ErrKeyRemoved
	}
	return socket.AppendSwitchingProtocols(dst, p.Product, key[0], fields...)
}
