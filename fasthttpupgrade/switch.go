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

// ErrHijacked says that the connection has been given away already.
var ErrHijacked = errors.New("fasthttpupgrade: connection is given away already")

// Switch answers the request with 101 (Switching Protocols) and has serve speak to on the
// connection: one product, or several from the lowest layer up, each of which the request
// must offer. fields are put into the 101; what stands in ctx.Response is not sent.
//
// It happens when the handler returns: fasthttp gives the connection away, its deadlines
// cleared, the 101 is written in one Write, which may take 10 s, and serve is called in a
// goroutine of its own. What the client has sent after the request is read from the
// connection first. It has a CloseWrite method exactly if that of the server has one. It
// is closed when serve returns, whatever Server.KeepHijackedConns says, and then of no
// use to other goroutines either. Should the 101 not be written, serve is not called; nor
// is it when fasthttp has answered in place of the handler, after a timeout. fasthttp
// recovers no panic, in serve as little as in a handler.
//
// The content of the request is in ctx.Request until the handler returns. With
// Server.StreamRequestBody it is read first, up to [DefaultMaxBody]; a handler must not
// have begun to read content that comes in chunks.
//
// After an error the caller still has to answer. The errors are, in this order: those of
// [Offer]; [handshake.ErrNotOffered]; the Refusal of a Host that is missing or malformed;
// those of [handshake.AppendSwitchingProtocols]; [ErrHijacked]; a [*ContentError].
// [handshake.Status] tells what to answer. The connection is closed after the answer,
// whatever that does to ctx.Response, if the client has asked for it, if the end of the
// request is in doubt, and if there is content that fasthttp had not read.
//
// Switch does what it is told: for WebSocket, the checks of RFC 6455 and the answer to the
// key are the caller's, while a [Handler] sees to them.
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

// closeAfter closes the connection after the response. It also takes the connection away
// from fasthttp, because RequestCtx.Error and others forget SetConnectionClose.
func closeAfter(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	ctx.Hijack(func(conn net.Conn) { conn.Close() })
}

// writeTimeout is how long the 101 may take: a client that does not read must not hold a
// goroutine for ever. fasthttp does not tell the WriteTimeout of the server.
const writeTimeout = 10 * time.Second

// switching is a switch of which all is decided.
type switching struct {
	head    *bytebufferpool.ByteBuffer // of the 101
	early   []byte                     // what came with the request and follows it
	written func(error) bool           // is told whether the 101 was written; false: do not serve
	serve   func(net.Conn)
}

// begin has the switch happen when the handler has returned.
func (s switching) begin(ctx *fasthttp.RequestCtx) {
	// With a response fasthttp would write its own head, and break off where it
	// means to close the connection.
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(hijacked net.Conn) {
		// fasthttp keeps ctx until this returns, and would keep the content as long.
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
