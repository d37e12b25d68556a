package fasthttpupgrade

import (
	"errors"
	"io"
	"net"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/headpool"
)

// ErrHijacked says that the connection has been given away already.
var ErrHijacked = errors.New("fasthttpupgrade: connection is given away already")

// WriteError says that the 101 could not be written whole. The connection is closed, and
// nothing can be answered any more. It unwraps to the error of the Write.
type WriteError struct{ Err error }

// Error returns a text with that of Err.
func (e *WriteError) Error() string { return "fasthttpupgrade: write 101: " + e.Err.Error() }

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }

// ContentError is [handshake.ContentError]: the content of the request could not be read.
// It wraps [fasthttp.ErrBodyTooLarge] if there is too much of it.
type ContentError = handshake.ContentError

// Switch answers the request with 101 (Switching Protocols) and has serve speak to on the
// connection: one product, or several from the lowest layer up, each of which the request
// must offer. fields are put into the 101; what stands in ctx.Response is not sent.
//
// It happens when the handler returns: fasthttp gives the connection away, its deadlines
// cleared, the 101 is written in one Write, and serve is called in a goroutine of its
// own. What the client has sent behind the request is read from the connection first. It
// has a CloseWrite method exactly if that of the server has one. It is closed when serve
// returns, whatever Server.KeepHijackedConns says, and then of no use to other goroutines
// either. Should the 101 not be written, serve is not called; nor is it when fasthttp has
// answered in place of the handler, after a timeout. fasthttp recovers no panic, in serve
// as little as in a handler.
//
// The content of the request is in ctx.Request until the handler returns. With
// Server.StreamRequestBody it is read first, up to [DefaultMaxBody].
//
// After an error the caller still has to answer. The errors are, in this order: those of
// [Offer]; [handshake.ErrNotOffered]; those of [handshake.AppendSwitchingProtocols];
// [ErrHijacked]; a [*ContentError]. The connection is closed after the answer, whatever
// that does to ctx.Response, if the client has asked for it, if the end of the request is
// in doubt, and if there is content that fasthttp had not read.
func Switch(ctx *fasthttp.RequestCtx, to []upgrade.Product[string], serve func(net.Conn), fields ...handshake.Field) error {
	head, content := readHead(&ctx.Request.Header), streamOf(ctx)
	offered, err := head.offer(&ctx.Request.Header)
	for _, p := range to {
		if err == nil && !offered.Offers(p) {
			err = handshake.ErrNotOffered
		}
	}
	if err == nil {
		s := switching{content: content, maxBody: DefaultMaxBody, failed: func(error) {}}
		err = s.switchTo(ctx, to, fields, serve)
	}
	if err != nil && err != ErrHijacked && (content.is || head.mustClose(&ctx.Request.Header)) {
		closeAfter(ctx)
	}
	return err
}

// closeAfter closes the connection after the response. It also takes the connection away
// from fasthttp, because RequestCtx.Error and others forget SetConnectionClose.
func closeAfter(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	ctx.Hijack(func(conn net.Conn) { conn.Close() })
}

// switching is how a switch is done.
type switching struct {
	content streamed
	maxBody int64       // of content
	failed  func(error) // is told of what goes wrong when the handler has returned
}

// switchTo is Switch for products that are known to be offered.
func (s switching) switchTo(ctx *fasthttp.RequestCtx, to []upgrade.Product[string], fields []handshake.Field, serve func(net.Conn)) error {
	head := headpool.Get()
	var (
		early []byte
		err   error
	)
	if head.B, err = handshake.AppendSwitchingProtocols(head.B, to, fields...); err == nil {
		if ctx.Hijacked() {
			err = ErrHijacked
		} else {
			early, err = s.content.read(ctx, s.maxBody)
		}
	}
	if err != nil {
		headpool.Put(head)
		return err
	}
	// With a response fasthttp would write its own head, and break off where it
	// means to close the connection.
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(hijacked net.Conn) {
		c := newConn(hijacked, early)
		defer c.end()
		n, err := c.Write(head.B)
		if err == nil && n < len(head.B) {
			err = io.ErrShortWrite
		}
		headpool.Put(head)
		if err != nil {
			s.failed(&WriteError{err})
			return
		}
		serve(c.asConn())
	})
	return nil
}
