package fasthttpupgrade

import (
	"errors"
	"io"
	"math"
	"net"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/headpool"
)

// DefaultMaxBody is how much content of a request is read before a switch where fasthttp
// has not read it yet, unless a [Handler] says otherwise: 2 MiB.
const DefaultMaxBody = 2 << 20

// ErrHijacked says that the connection has been given away already.
var ErrHijacked = errors.New("fasthttpupgrade: connection is given away already")

// WriteError says that the 101 could not be written whole. The connection is closed, and
// nothing can be answered any more. It unwraps to the error of the Write.
type WriteError struct{ Err error }

// Error returns a text with that of Err.
func (e *WriteError) Error() string { return "fasthttpupgrade: write 101: " + e.Err.Error() }

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }

// ContentError says that the content of the request could not be read: it is malformed,
// or did not come. It unwraps to the error of the Read.
type ContentError struct{ Err error }

// Error returns a text with that of Err.
func (e *ContentError) Error() string { return "fasthttpupgrade: read content: " + e.Err.Error() }

// Unwrap returns Err.
func (e *ContentError) Unwrap() error { return e.Err }

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
// [ErrHijacked]; [fasthttp.ErrBodyTooLarge] for too much content, and a [*ContentError],
// both of which also have the connection closed behind the answer.
func Switch(ctx *fasthttp.RequestCtx, to []upgrade.Product[string], serve func(net.Conn), fields ...handshake.Field) error {
	offered, err := Offer(ctx)
	if err != nil {
		return err
	}
	for _, p := range to {
		if !offered.Offers(p) {
			return handshake.ErrNotOffered
		}
	}
	s := switching{maxBody: DefaultMaxBody, failed: func(error) {}}
	return s.switchTo(ctx, to, fields, serve)
}

// switching is how a switch is done.
type switching struct {
	maxBody int64
	failed  func(error) // is told of what goes wrong when the handler has returned
}

// switchTo is Switch for products that are known to be offered.
func (s switching) switchTo(ctx *fasthttp.RequestCtx, to []upgrade.Product[string], fields []handshake.Field, serve func(net.Conn)) error {
	head := headpool.Get()
	var err error
	if head.B, err = handshake.AppendSwitchingProtocols(head.B, to, fields...); err == nil {
		if ctx.Hijacked() {
			err = ErrHijacked
		} else {
			err = readContent(ctx, s.maxBody)
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
		c := newConn(hijacked)
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

// readContent reads the content of the request, if fasthttp has left that to the handler.
func readContent(ctx *fasthttp.RequestCtx, limit int64) error {
	// Not by Body: that would take the text of an error for content.
	stream := ctx.Request.BodyStream()
	if stream == nil {
		return nil
	}
	if int64(ctx.Request.Header.ContentLength()) > limit {
		ctx.SetConnectionClose()
		return fasthttp.ErrBodyTooLarge
	}
	limit = min(limit, math.MaxInt64-1) // one more shows that there is more
	content, err := io.ReadAll(io.LimitReader(stream, limit+1))
	switch {
	case err != nil:
		ctx.SetConnectionClose()
		return &ContentError{err}
	case int64(len(content)) > limit:
		ctx.SetConnectionClose()
		return fasthttp.ErrBodyTooLarge
	}
	ctx.Request.SetBodyRaw(content)
	return nil
}
