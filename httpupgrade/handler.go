package httpupgrade

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/headpool"
)

// This file puts the steps of a switch in a server in order. Package handshake decides
// what to switch to; the other files here implement the steps.

// Handler switches each request that offers one of its protocols, and passes every other
// request on. Its fields must not change while it is in use. It panics at its first
// request if a Protocol has no Serve, or if Carry names a field that a 101 cannot have.
//
// If a request has a valid offer, [handshake.Choose] finds the protocol. Then the Handler
// builds the 101, reads the content of the request, takes a place in Conns, takes over
// the connection, and writes the 101: see [Switch]. It answers 413 (Content Too Large) to
// too much content, 408 (Request Timeout) to content that does not come in time, and 400
// (Bad Request) to content that it cannot read. A [*Refusal] has its own status. Every
// other failure before the 101 is the server's own, and the answer is 500. If the Handler
// cannot read the content or take over the connection, it also closes the connection. If
// it cannot write the 101, it closes the connection without an answer. No HTTP follows a
// 101.
//
// A request is an ordinary one if it has no valid offer, or if no offered product is
// supported and allowed. It goes to Next with its content untouched.
//
// The 101 has Upgrade, Connection, the fields that Protocol.Fields returns, and the
// fields of w.Header() that Carry names. Other fields that middleware has set, such as
// Set-Cookie, do not reach the client.
//
// In HTTP/2 a Handler serves an extended CONNECT by the same rules, as far as they apply:
//
//   - It answers 200 (OK) instead of 101, with the same fields except hop-by-hop fields.
//   - It answers 501 (Not Implemented) to h2c, and to a product that it does not serve or
//     allow. Next never gets the request, because any 2xx answer of Next would be a
//     switch.
//   - It answers 400 to a request without an authority.
//   - A Refusal loses Upgrade and Connection. The status 426 becomes 400, and a 2xx
//     status is an error of the server.
type Handler struct {
	// Protocols are in the server's order of preference.
	Protocols []Protocol

	// Next serves every other request, except an extended CONNECT. Nil stands for Refuse
	// with all of Protocols. Next never sees :protocol, which net/http lets through in
	// any request.
	Next http.Handler

	// MaxBody is how many bytes of content may be read before a switch. 0 stands for
	// DefaultMaxBody. A negative MaxBody allows no content.
	MaxBody int64

	// Conns counts and limits the connections that were switched. Nil means no limit.
	Conns *Conns

	// Carry names the fields of w.Header() that go into the 101 with all their lines,
	// such as Set-Cookie or the id of a request. Letter case does not matter, and a
	// repeated name counts once. Carry must not name Upgrade, Connection, Content-Length,
	// Transfer-Encoding or Trailer.
	Carry []string

	// Decided is called once for each request that has an Upgrade field and for each
	// extended CONNECT, before Next or Serve runs. The Decision tells what became of the
	// request. If Decided panics, the connection is closed or the stream is reset.
	Decided func(*http.Request, handshake.Decision)

	// Error is called with every failure except a Refusal. If Serve failed, the request
	// has no content. If Error is nil, failures go to the ErrorLog of the server.
	Error func(*http.Request, error)
}

// ServeHTTP implements [http.Handler].
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.check()
	if isExtended(r) {
		h.connect(w, r)
		return
	}
	if len(r.Header["Upgrade"]) == 0 {
		h.next(w, r)
		return
	}
	offered, err := Offer(r)
	if err != nil {
		h.decline(w, r, err)
		return
	}
	p, fields, err := handshake.Choose(h.Protocols, offered, r, insist)
	switch {
	case err == nil:
		h.switchTo(w, r, p, fields)
	case p == nil:
		h.decline(w, r, err)
	default:
		h.refuse(w, r, p, err)
	}
}

// check panics if h can never work.
func (h *Handler) check() {
	for i := range h.Protocols {
		// Nothing offers the zero Product, so it needs no Serve.
		if h.Protocols[i].Serve == nil && !h.Protocols[i].Product.IsZero() {
			panic("httpupgrade: Protocol " + strconv.Itoa(i) + " (" + h.Protocols[i].Product.String() + ") has no Serve")
		}
	}
	if len(h.Carry) > 0 {
		carried(nil, nil, h.Carry)
	}
}

// next serves a request without a switch.
func (h *Handler) next(w http.ResponseWriter, r *http.Request) {
	if h.Next != nil {
		h.Next.ServeHTTP(w, withoutProtocol(r))
		return
	}
	Refuse(w, r, handshake.Supported(h.Protocols)...)
}

// decline serves a request whose offer does not count.
func (h *Handler) decline(w http.ResponseWriter, r *http.Request, err error) {
	d := handshake.Decision{Err: err}
	if h.Next == nil && h.Decided != nil {
		d.Status = refusalStatus(r, handshake.Supported(h.Protocols))
	}
	h.decide(r, d)
	h.next(w, r)
}

func (h *Handler) decide(r *http.Request, d handshake.Decision) {
	if h.Decided != nil {
		h.Decided(r, d)
	}
}

// switchTo switches r to p and serves it, or answers with an error status.
func (h *Handler) switchTo(w http.ResponseWriter, r *http.Request, p *Protocol, fields []handshake.Field) {
	head := headpool.Get()
	defer headpool.Put(head)
	all := carried(fields, w.Header(), h.Carry)
	var err error
	if head.B, err = appendHead(head.B, p, r, all); err != nil {
		h.fail(w, r, p, err, http.StatusInternalServerError)
		return
	}
	if err := ReadContent(r, maxBody(h.MaxBody)); err != nil {
		w.Header().Set("Connection", "close") // the rest may be content
		h.fail(w, r, p, err, handshake.Status(err))
		return
	}
	// After the content: a client that sends it slowly must not hold a place.
	place, ctx, ok := h.Conns.enter(contextOf(r, fields))
	if !ok {
		h.refuse(w, r, p, errNoPlace)
		return
	}
	serves := false
	defer func() {
		if !serves { // also after a panic in a middleware's Hijack
			place.leave()
		}
	}()
	fails := failuresOf(r, h.Error)
	conn, err := takeOver(w, fails.server, head.B)
	if err != nil {
		status := handshake.Status(err)
		if status != 0 {
			w.Header().Set("Connection", "close") // what follows may not be HTTP
		}
		h.fail(w, r, p, err, status)
		return
	}
	place.hold(conn)
	s := serving{p.Serve, conn, place, fails.forLong()}
	if h.Decided != nil && !h.decideSwitched(r, p, fails) {
		conn.Close()
		return
	}
	serves = true
	go s.run(r.WithContext(ctx))
}

// errNoPlace answers a request for which there is no place in Conns.
var errNoPlace = fmt.Errorf("%w: no place in Conns", &Refusal{Status: http.StatusServiceUnavailable})

// decideSwitched calls Decided for the switch and reports whether Decided returned. It
// recovers a panic: the server no longer has the connection and could not close it.
func (h *Handler) decideSwitched(r *http.Request, p *Protocol, fails failures) (returned bool) {
	defer fails.recover()
	h.Decided(r, handshake.Decision{Product: p.Product, Status: http.StatusSwitchingProtocols})
	return true
}

// refuse answers a request to which p was refused with the Refusal that err is or wraps.
// Any other err is the server's own fault.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, p *Protocol, err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal == nil {
		h.fail(w, r, p, err, http.StatusInternalServerError)
		return
	}
	fields, content, bad := refusal.Response(p.Product)
	if bad != nil {
		h.fail(w, r, p, bad, http.StatusInternalServerError)
		return
	}
	status := refusal.Status
	if isExtended(r) {
		if status, bad = connectStatus(status); bad != nil {
			h.fail(w, r, p, bad, http.StatusInternalServerError)
			return
		}
	}
	h.decide(r, handshake.Decision{Product: p.Product, Status: status, Err: err})
	answer(w, r, status, fields, content)
}

// fail reports err and answers with status, unless that is 0.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, p *Protocol, err error, status int) {
	var panicked *PanicError
	if errors.As(err, &panicked) && panicked.Value == http.ErrAbortHandler {
		h.decide(r, handshake.Decision{Product: p.Product, Err: err})
		panic(http.ErrAbortHandler) // as in any handler
	}
	h.decide(r, handshake.Decision{Product: p.Product, Status: status, Err: err})
	failuresOf(r, h.Error).report(err)
	if status != 0 {
		w.WriteHeader(status)
	}
}
