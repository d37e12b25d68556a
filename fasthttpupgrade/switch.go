package fasthttpupgrade

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/valyala/bytebufferpool"
	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/headpool"
)

// This file takes the connection over and writes the 101. It knows no protocols.

// ErrHijacked: a handler has already called RequestCtx.Hijack or Switch.
var ErrHijacked = errors.New("fasthttpupgrade: connection was already taken over")

// Switch answers the request with 101 (Switching Protocols) and the products in to, and has
// serve speak them on the connection. There may be one product, or several from the lowest
// layer up. The request must offer each. The 101 contains fields; ctx.Response is not sent.
//
// The switch happens after the handler has returned. fasthttp gives the connection away and
// clears its deadlines. The 101 is written in one Write, which may take 10 s. Then serve is
// called in a goroutine of its own. It is not called if the 101 could not be written, or if
// fasthttp has answered in place of the handler, after a timeout. A panic in serve ends the
// process.
//
// The connection first yields the octets that the client has sent after the request. It has
// a CloseWrite method if and only if the server's connection has one. It is closed when
// serve returns, whatever Server.KeepHijackedConns says. After that no goroutine can use it.
//
// The content of the request is in ctx.Request until the handler returns. With
// Server.StreamRequestBody it is read first, up to [DefaultMaxBody]; a handler must not
// have begun to read content that comes in chunks.
//
// After an error the caller must answer the request. The errors are, in this order: those of
// [Offer]; [handshake.ErrNotOffered]; the Refusal of a Host that is missing or malformed;
// those of [handshake.AppendSwitchingProtocols]; [ErrHijacked]; a [*ContentError].
// [handshake.Status] returns the status code to answer with. Switch has the connection
// closed after the answer if the client has asked for that, if the end of the request is in
// doubt, or if there is content that fasthttp had not read. The caller cannot undo this in
// ctx.Response.
//
// Switch knows no protocols. For WebSocket the caller must make the checks of RFC 6455 and
// answer the key. A [Handler] does both.
func Switch(ctx *fasthttp.RequestCtx, to []upgrade.Product[string], serve func(net.Conn), fields ...handshake.Field) error {
	head, content := readHead(&ctx.Request.Header), streamOf(ctx)
	err := switchTo(ctx, &head, content, to, serve, fields)
	if err != nil && err != ErrHijacked && (content.is || head.mustClose(&ctx.Request.Header)) {
		closeAfter(ctx)
	}
	return err
}

func switchTo(ctx *fasthttp.RequestCtx, request *head, content streamed, to []upgrade.Product[string], serve func(net.Conn), fields []handshake.Field) error {
	offered, err := request.offer(&ctx.Request.Header)
	if err != nil {
		return err
	}
	for _, p := range to {
		if !offered.Offers(p) {
			return handshake.ErrNotOffered
		}
	}
	if err := checkHost(&ctx.Request.Header); err != nil {
		return err
	}
	s := switching{head: headpool.Get(), serve: serve, written: func(err error) bool { return true }}
	s.head.B, err = handshake.AppendSwitchingProtocols(s.head.B, to, fields...)
	switch {
	case err != nil:
	case ctx.Hijacked():
		err = ErrHijacked
	default:
		s.early, err = content.read(ctx, DefaultMaxBody)
	}
	if err != nil {
		headpool.Put(s.head)
		return err
	}
	s.begin(ctx)
	return nil
}

// closeAfter has the connection closed after the response. It also takes the connection
// from fasthttp, because RequestCtx.Error and other methods undo SetConnectionClose.
func closeAfter(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	ctx.Hijack(func(conn net.Conn) { conn.Close() })
}

// writeTimeout is how long the Write of the 101 may take. A client that does not read must
// not hold a goroutine forever, and fasthttp does not reveal the WriteTimeout of a server.
const writeTimeout = 10 * time.Second

// switching is a switch that has been decided.
type switching struct {
	head    *bytebufferpool.ByteBuffer // of the 101
	early   []byte                     // octets that came with the request and follow it
	written func(error) bool           // gets the error of writing the 101, or nil; false: do not serve
	serve   func(net.Conn)
}

// begin arranges the switch, which happens after the handler has returned.
func (s switching) begin(ctx *fasthttp.RequestCtx) {
	// With a response, fasthttp would write its own head, and would not call the
	// function if it means to close the connection.
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(hijacked net.Conn) {
		// fasthttp keeps ctx, and so the content, until this function returns.
		ctx.Request.ResetBody()
		c := newConn(hijacked, s.early)
		defer c.end()
		hijacked.SetWriteDeadline(time.Now().Add(writeTimeout)) // if it fails, so does the Write
		n, err := c.Write(s.head.B)
		hijacked.SetWriteDeadline(time.Time{})
		if err == nil && n < len(s.head.B) {
			err = io.ErrShortWrite
		}
		headpool.Put(s.head)
		if err != nil {
			err = &WriteError{Err: err}
		}
		if s.written(err) && err == nil {
			s.serve(c.asConn())
		}
	})
}
