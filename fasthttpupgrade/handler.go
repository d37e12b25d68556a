package fasthttpupgrade

import (
	"errors"
	"fmt"
	"log"
	"net"
	"runtime/debug"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

// Protocol is a protocol to which a [Handler] can switch, and when and how.
type Protocol struct {
	// Product is the protocol's name and, if it has one, version. It matches
	// only an offer of the same version; one of the zero Product never.
	Product upgrade.Product[string]

	// Allow is the server's judgement on a request that offers Product: false
	// leaves it to the next Protocol. Nil allows all.
	Allow func(*fasthttp.RequestCtx) bool

	// Fields returns further fields for the 101, or a [*Refusal], possibly
	// wrapped, to answer that instead of switching; any other error is answered
	// with 500. Nil adds none.
	Fields func(*fasthttp.RequestCtx) ([]handshake.Field, error)

	// Serve speaks the protocol on the connection, as [Switch] says. The request
	// is a copy of the one that was upgraded, with its content. A panic is
	// recovered and reported.
	Serve func(net.Conn, *fasthttp.Request)
}

// Refusal is an error by which [Protocol].Fields says to answer a request with a final
// response of that status (200 to 599) and those fields, without content, instead of
// switching to that protocol. Connection, Content-Length, Transfer-Encoding and Trailer
// are not its to give. A 426 (Upgrade Required) is given the field Upgrade that it must
// have, and any response with Upgrade the option in Connection.
type Refusal struct {
	Status int
	Fields []handshake.Field
}

// Error returns a text with the status.
func (e *Refusal) Error() string {
	return fmt.Sprintf("fasthttpupgrade: refused with status %d", e.Status)
}

// PanicError is what a [Handler] reports of a [Protocol].Serve that panicked.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of its goroutine
}

// Error returns the value and the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("fasthttpupgrade: panic in Serve: %v\n%s", e.Value, e.Stack)
}

// Handler switches each request that offers one of its protocols and passes on every
// other. Its fields must not change while it is in use. Its method Handle is what fasthttp
// takes for a handler.
//
// For a request with a valid offer, each of Protocols that is offered and allowed is
// tried in turn, as [Switch] does it. A [Refusal] makes it try the next; when none is
// left, the first Refusal is the answer. Too much content is answered with 413 (Content
// Too Large), content that cannot be read with 400 (Bad Request), and the rest, which is
// the server's own fault, with 500.
//
// A request without a valid offer, or with none that is supported and allowed, is an
// ordinary one and goes to Next. Its connection is closed behind the response if the
// client asked for that, even where fasthttp does not see it.
type Handler struct {
	Protocols []Protocol              // in the server's order of preference
	Next      fasthttp.RequestHandler // serves everything else; nil: Refuse with all of Protocols
	MaxBody   int64                   // bytes of content read before a switch, with Server.StreamRequestBody; 0: DefaultMaxBody; below 0: none
	Error     func(net.Addr, error)   // is told of every failure but a Refusal, and the client's address; nil: log.Printf
}

// Handle is a [fasthttp.RequestHandler].
func (h Handler) Handle(ctx *fasthttp.RequestCtx) {
	head := readHead(&ctx.Request.Header)
	e := ending{close: head.mustClose(&ctx.Request.Header), content: streamOf(ctx)}
	if e.close {
		ctx.SetConnectionClose() // for Advertise, and whoever asks
	}
	switch {
	case h.switchTo(ctx, &head, e.content):
	case h.Next != nil:
		h.Next(ctx)
	default:
		supported := make([]upgrade.Product[string], len(h.Protocols))
		for i, p := range h.Protocols {
			supported[i] = p.Product
		}
		Refuse(ctx, supported...)
	}
	e.apply(ctx)
}

// ending is what has to be seen to when a request has been answered.
type ending struct {
	close   bool // the connection
	content streamed
}

// apply closes the connection after the response, if it has to be closed. What was said
// before the handler ran would not do: RequestCtx.Error and others forget it.
func (e ending) apply(ctx *fasthttp.RequestCtx) {
	if timedOut := ctx.LastTimeoutErrorResponse(); timedOut != nil {
		// This is the response, and ctx is still in use.
		if e.close || e.content.is {
			timedOut.SetConnectionClose()
		}
		return
	}
	if ctx.Hijacked() {
		return // whoever has taken the connection closes it
	}
	if e.close || !e.content.isRead(ctx) {
		ctx.SetConnectionClose()
	}
}

// switchTo switches to the first protocol that it can, or answers why not. It reports
// whether there was one to try at all.
func (h *Handler) switchTo(ctx *fasthttp.RequestCtx, head *head, content streamed) bool {
	offered, err := head.offer(&ctx.Request.Header)
	if err != nil {
		return false
	}
	var (
		refused *Protocol // the first one that was
		refusal *Refusal
	)
	for i := range h.Protocols {
		p := &h.Protocols[i]
		if !offered.Offers(p.Product) || p.Allow != nil && !p.Allow(ctx) {
			continue
		}
		var fields []handshake.Field
		if p.Fields != nil {
			fields, err = p.Fields(ctx)
		}
		var again *Refusal
		switch {
		case errors.As(err, &again):
			if refusal == nil {
				refused, refusal = p, again
			}
			err = nil
			continue
		case err == nil:
			err = h.start(ctx, p, fields, content)
		}
		if err != nil {
			h.fail(ctx, err)
		}
		return true
	}
	if refusal == nil {
		return false
	}
	if err := refusal.answer(ctx, refused.Product); err != nil {
		h.fail(ctx, err)
	}
	return true
}

// start switches to p.
func (h *Handler) start(ctx *fasthttp.RequestCtx, p *Protocol, fields []handshake.Field, content streamed) error {
	from, serve := ctx.RemoteAddr(), p.Serve
	report := h.report
	s := switching{content: content, maxBody: h.MaxBody, failed: func(err error) { report(from, err) }}
	switch {
	case h.MaxBody == 0:
		s.maxBody = DefaultMaxBody
	case h.MaxBody < 0:
		s.maxBody = 0
	}
	request := new(fasthttp.Request)
	err := s.switchTo(ctx, []upgrade.Product[string]{p.Product}, fields, func(conn net.Conn) {
		defer func() {
			if v := recover(); v != nil {
				report(from, &PanicError{v, debug.Stack()})
			}
		}()
		serve(conn, request)
	})
	if err == nil {
		// Now that its content is there. The original is fasthttp's when the
		// handler has returned.
		ctx.Request.CopyTo(request)
	}
	return err
}

// fail reports err and answers with the status that it deserves.
func (h *Handler) fail(ctx *fasthttp.RequestCtx, err error) {
	h.report(ctx.RemoteAddr(), err)
	ctx.SetStatusCode(handshake.Status(err))
	var content *ContentError
	if errors.As(err, &content) {
		ctx.SetConnectionClose() // nobody knows what follows
	}
}

func (h *Handler) report(from net.Addr, err error) {
	if h.Error != nil {
		h.Error(from, err)
		return
	}
	log.Printf("%v: %v", from, err)
}

// answer sends the refusal of a switch to p. If it cannot be sent as it is, it returns
// an error and has changed nothing.
func (e *Refusal) answer(ctx *fasthttp.RequestCtx, p upgrade.Product[string]) error {
	if e.Status < 200 || e.Status > 599 {
		return fmt.Errorf("fasthttpupgrade: status %d cannot refuse", e.Status)
	}
	for i, f := range e.Fields {
		err := f.Check()
		if err == nil && reserved(f.Name) {
			err = handshake.ErrReserved
		}
		if err != nil {
			return &handshake.ResponseError{Index: i, Err: err}
		}
	}
	ctx.SetStatusCode(e.Status)
	header := &ctx.Response.Header
	for _, f := range e.Fields {
		header.Add(f.Name, f.Value)
	}
	if e.Status == fasthttp.StatusUpgradeRequired && len(header.Peek("Upgrade")) == 0 {
		header.Set("Upgrade", p.String())
	}
	if len(header.Peek("Upgrade")) > 0 {
		addOption(ctx)
	}
	return nil
}

// reserved reports whether a field is about the framing of the response or the use of
// the connection.
func reserved(name string) bool {
	for _, n := range [...]string{"Connection", "Content-Length", "Transfer-Encoding", "Trailer"} {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return false
}

var webSocket = upgrade.MustParseProduct("websocket")

// WebSocket returns the Protocol for WebSocket, which checks the request and answers
// its key by package websocket. serve is given the connection at its first frame: it
// is for a library that runs on a connection already switched.
//
// A request by another method than GET is refused with 405, of another version of the
// protocol than 13 with 426 and that version, and without a well-formed key with 400.
// Subprotocols and extensions are not negotiated, which the client takes for a server
// without any. Who has some wraps Fields; who looks at Origin sets Allow or wraps
// Fields as well.
func WebSocket(serve func(net.Conn, *fasthttp.Request)) Protocol {
	return Protocol{Product: webSocket, Fields: webSocketFields, Serve: serve}
}

func webSocketFields(ctx *fasthttp.RequestCtx) ([]handshake.Field, error) {
	header := &ctx.Request.Header
	key := linesOf(header, "Sec-WebSocket-Key")
	switch websocket.Check(string(header.Method()), linesOf(header, "Sec-WebSocket-Version"), key) {
	case nil:
		accept := websocket.AppendAccept(nil, key[0])
		return []handshake.Field{{Name: "Sec-WebSocket-Accept", Value: string(accept)}}, nil
	case websocket.ErrMethod:
		return nil, &Refusal{fasthttp.StatusMethodNotAllowed, []handshake.Field{{Name: "Allow", Value: fasthttp.MethodGet}}}
	case websocket.ErrVersion:
		return nil, &Refusal{fasthttp.StatusUpgradeRequired, []handshake.Field{{Name: "Sec-WebSocket-Version", Value: websocket.Version}}}
	default:
		return nil, &Refusal{fasthttp.StatusBadRequest, nil}
	}
}
