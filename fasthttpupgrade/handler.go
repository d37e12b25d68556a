package fasthttpupgrade

import (
	"errors"
	"log"
	"net"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/headpool"
)

// This file has the order of a switch in a server. Package handshake decides what to
// switch to; the other files here do the steps.

// Handler switches each request that offers one of its protocols, and passes every other
// request to Next. Its method Handle is the handler that fasthttp calls. Its fields must not
// change while it is in use. It panics at its first request if a Protocol has no Serve, or
// if Carry names a field that a 101 cannot have.
//
// For a request with a valid offer [handshake.Choose] finds the protocol. Then the 101 is
// built and the content of the request is read. When the handler has returned, the
// connection is taken over and the 101 is written: see [Switch]. A failure before that is
// answered with the status code that [handshake.Status] returns: 413 (Content Too Large)
// for too much content, 400 (Bad Request) for content that is malformed, 408 (Request
// Timeout) for content that did not come in time, 500 for a fault of the server's own. A
// failure after that closes the connection.
//
// A request with a Transfer-Encoding other than chunked is answered with 400. Every other
// request without a valid offer, or without one that is supported and allowed, is an
// ordinary one and goes to Next. A Handler closes the connection after the response if the
// client asked for that, even where fasthttp does not see it; if the end of the request is
// in doubt, see [ErrContent]; and, with Server.StreamRequestBody, if Next did not read the
// content or the content came in chunks. If Next has taken the connection over, the Handler
// leaves it alone.
//
// The 101 has Upgrade, Connection, the fields that Protocol.Fields returns, and the fields
// of ctx.Response.Header that Carry names. Other fields that middleware has set, such as
// Set-Cookie, do not reach the client.
type Handler struct {
	// Protocols are in the server's order of preference.
	Protocols []Protocol

	// Next serves every other request. Nil: Refuse with all of Protocols.
	Next fasthttp.RequestHandler

	// MaxBody is how many bytes of content are read before a switch, with
	// Server.StreamRequestBody. 0: DefaultMaxBody. Below 0: no content.
	MaxBody int64

	// Carry names the fields of ctx.Response.Header that go into the 101, with all
	// their lines: Set-Cookie, say, or the id of a request. Letter case does not matter,
	// and a name counts once. It must not name Upgrade, Connection, Content-Length,
	// Transfer-Encoding, Trailer or Sec-WebSocket-Accept.
	Carry []string

	// Decided is called once for each request that has an Upgrade field, before Next
	// or Serve runs, with the decision about the request. For a switch it is called
	// after the 101 has been written, or could not be written. It is not called if
	// fasthttp has answered in place of the handler, after a timeout. The context is
	// valid until Decided returns. If Decided panics, the connection is closed.
	Decided func(*fasthttp.RequestCtx, handshake.Decision)

	// Error is called for every failure but a Refusal, with the client's address. Nil:
	// log.Printf.
	Error func(net.Addr, error)
}

// Handle is a [fasthttp.RequestHandler].
func (h Handler) Handle(ctx *fasthttp.RequestCtx) {
	h.check()
	r := request{head: readHead(&ctx.Request.Header), content: streamOf(ctx)}
	r.close = r.head.mustClose(&ctx.Request.Header)
	h.serve(ctx, &r)
	r.end(ctx)
}

// check panics if h can never work.
func (h *Handler) check() {
	for i := range h.Protocols {
		// Nothing offers the zero Product, so it needs no Serve.
		if h.Protocols[i].Serve == nil && !h.Protocols[i].Product.IsZero() {
			panic("fasthttpupgrade: Protocol " + strconv.Itoa(i) + " (" + h.Protocols[i].Product.String() + ") has no Serve")
		}
	}
	if len(h.Carry) > 0 {
		carried(nil, nil, h.Carry)
	}
}

// request is what a Handler knows of a request.
type request struct {
	head    head
	content streamed
	close   bool // the connection, after the response
}

// end has the connection closed after the response, if necessary. It must be called after
// Next: RequestCtx.Error and other methods undo SetConnectionClose.
func (r *request) end(ctx *fasthttp.RequestCtx) {
	if timedOut := ctx.LastTimeoutErrorResponse(); timedOut != nil {
		// fasthttp sends this response. The late handler still uses ctx.
		if r.close || r.content.is {
			timedOut.SetConnectionClose()
		}
		return
	}
	if ctx.Hijacked() {
		return // the new owner of the connection closes it
	}
	if r.close || !r.content.isRead(ctx) {
		ctx.SetConnectionClose()
	}
}

// serve answers a request, with a switch or without.
func (h *Handler) serve(ctx *fasthttp.RequestCtx, r *request) {
	switch hasUpgrade := len(r.head.upgrade) > 0; {
	case r.head.badCoding():
		if !hasUpgrade || h.decide(ctx, r, handshake.Decision{Status: fasthttp.StatusBadRequest, Err: ErrContent}) {
			respond(ctx, fasthttp.StatusBadRequest, nil, "")
		}
		return
	case !hasUpgrade:
		h.next(ctx)
		return
	}
	offered, err := r.head.offer(&ctx.Request.Header)
	if err != nil {
		h.decline(ctx, r, err)
		return
	}
	p, fields, err := handshake.Choose(h.Protocols, offered, ctx, insist)
	switch {
	case err == nil:
		h.switchTo(ctx, r, p, fields)
	case p == nil:
		h.decline(ctx, r, err)
	default:
		h.refuse(ctx, r, p, err)
	}
}

// next serves a request that is not switched.
func (h *Handler) next(ctx *fasthttp.RequestCtx) {
	if h.Next != nil {
		h.Next(ctx)
		return
	}
	refuse(ctx, handshake.Supported(h.Protocols))
}

// decline serves a request whose offer does not count.
func (h *Handler) decline(ctx *fasthttp.RequestCtx, r *request, err error) {
	d := handshake.Decision{Err: err}
	if h.Next == nil && h.Decided != nil {
		d.Status = refusalStatus(&ctx.Request.Header, handshake.Supported(h.Protocols))
	}
	if h.decide(ctx, r, d) {
		h.next(ctx)
	}
}

// decide calls Decided. If Decided panics, decide answers 500, has the connection closed,
// and returns false.
func (h *Handler) decide(ctx *fasthttp.RequestCtx, r *request, d handshake.Decision) bool {
	if h.Decided == nil || tell(ctx, h.Decided, d, h.Error) {
		return true
	}
	respond(ctx, fasthttp.StatusInternalServerError, nil, "")
	r.close = true
	return false
}

// switchTo switches to p after the handler has returned, or answers with an error status.
func (h *Handler) switchTo(ctx *fasthttp.RequestCtx, r *request, p *Protocol, fields []handshake.Field) {
	all := fields
	if len(h.Carry) > 0 {
		all = carried(fields, &ctx.Response.Header, h.Carry)
	}
	head := headpool.Get()
	var err error
	if head.B, err = appendHead(head.B, p, &ctx.Request.Header, all); err != nil {
		headpool.Put(head)
		h.fail(ctx, r, p, err)
		return
	}
	s := switching{head: head}
	if ctx.Hijacked() {
		err = ErrHijacked
	} else if s.early, err = r.content.read(ctx, maxBody(h.MaxBody)); err != nil {
		r.close = true // what follows may still be content
	}
	if err != nil {
		headpool.Put(head)
		h.fail(ctx, r, p, err)
		return
	}
	// Serve gets a copy, since it may keep the request, and fasthttp reuses the original
	// after the connection is closed.
	request := new(fasthttp.Request)
	ctx.Request.CopyTo(request)
	if len(fields) > 0 {
		request.SetUserValue(fieldsKey{}, fields)
	}
	product, serve, decided, hook := p.Product, p.Serve, h.Decided, h.Error
	s.written = func(err error) bool {
		d := handshake.Decision{Product: product, Status: fasthttp.StatusSwitchingProtocols}
		if err != nil {
			d.Status, d.Err = handshake.Status(err), err
			report(hook, ctx.RemoteAddr(), err)
		}
		return decided == nil || tell(ctx, decided, d, hook)
	}
	s.serve = func(conn net.Conn) {
		defer recoverTo(hook, conn.RemoteAddr())
		serve(conn, request)
	}
	s.begin(ctx)
}

// refuse answers a request to which p was refused. If err is or wraps a Refusal, that is the
// answer; otherwise err is the server's own fault.
func (h *Handler) refuse(ctx *fasthttp.RequestCtx, r *request, p *Protocol, err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal == nil {
		h.fail(ctx, r, p, err)
		return
	}
	fields, content, bad := refusal.Response(p.Product)
	if bad != nil {
		h.fail(ctx, r, p, bad)
		return
	}
	if h.decide(ctx, r, handshake.Decision{Product: p.Product, Status: refusal.Status, Err: err}) {
		respond(ctx, refusal.Status, fields, content)
	}
}

// fail reports err and answers with its status code.
func (h *Handler) fail(ctx *fasthttp.RequestCtx, r *request, p *Protocol, err error) {
	report(h.Error, ctx.RemoteAddr(), err)
	status := handshake.Status(err)
	if h.decide(ctx, r, handshake.Decision{Product: p.Product, Status: status, Err: err}) {
		respond(ctx, status, nil, "")
	}
}

// tell calls Decided, and reports whether it returned. It recovers a panic of Decided, which
// fasthttp would not: the process would end.
func tell(ctx *fasthttp.RequestCtx, decided func(*fasthttp.RequestCtx, handshake.Decision), d handshake.Decision, hook func(net.Addr, error)) (returned bool) {
	defer recoverTo(hook, ctx.RemoteAddr())
	decided(ctx, d)
	return true
}

// recoverTo is deferred. It reports a panic to hook.
func recoverTo(hook func(net.Addr, error), from net.Addr) {
	if v := recover(); v != nil {
		report(hook, from, &PanicError{Value: v, Stack: debug.Stack()})
	}
}

// report passes err to hook, or logs it if hook is nil.
func report(hook func(net.Addr, error), from net.Addr, err error) {
	if hook == nil {
		log.Printf("%v: %v", from, err)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			log.Printf("%v: %v", from, &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	hook(from, err)
}

// carried returns fields, followed by the fields of header that names lists, in the order of
// names and each name once.
func carried(fields []handshake.Field, header *fasthttp.ResponseHeader, names []string) []handshake.Field {
	fields = fields[:len(fields):len(fields)] // the caller may share this slice
	for i, name := range names {
		var room [64]byte
		_, err := handshake.AppendField(room[:0], name, "")
		if strings.EqualFold(name, "Sec-WebSocket-Accept") {
			err = handshake.ErrReserved
		}
		if err != nil {
			panic("fasthttpupgrade: Carry cannot name " + name + ": " + err.Error())
		}
		if header == nil || containsFold(names[:i], name) {
			continue
		}
		for key, value := range header.All() {
			if is(key, name) {
				fields = append(fields, handshake.Field{Name: string(key), Value: strings.Trim(string(value), " \t")})
			}
		}
	}
	return fields
}

func containsFold(names []string, name string) bool {
	for _, other := range names {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}
