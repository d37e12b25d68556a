package httpupgrade

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/extended"
	"github.com/gosegue/upgrade/internal/headpool"
	"github.com/gosegue/upgrade/internal/socket"
)

// This file puts the steps of a switch over HTTP/2 in order: a client asks for a protocol
// with an extended CONNECT (RFC 8441), and the answer is a 200. As in handler.go, package
// handshake decides what to switch to. In stream.go a stream becomes a net.Conn.

// isExtended reports whether r is an extended CONNECT.
func isExtended(r *http.Request) bool {
	return extended.Is(r.ProtoMajor, r.Method, r.Header[extended.Field])
}

// withoutProtocol returns r, or a copy without :protocol if that field means nothing in
// r. A handler that passes the fields of a request on would send it to another server.
func withoutProtocol(r *http.Request) *http.Request {
	if r.ProtoMajor < 2 || len(r.Header[extended.Field]) == 0 || isExtended(r) {
		return r
	}
	r = withHeader(r)
	delete(r.Header, extended.Field)
	return r
}

// connect serves an extended CONNECT. Next must not see it: any 2xx response would be a
// switch.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) {
	p, fields, err := h.chooseConnect(r)
	switch {
	case err == nil:
		h.connectTo(w, r, p, fields)
	case p == nil:
		h.decide(r, handshake.Decision{Status: http.StatusNotImplemented, Err: err})
		w.WriteHeader(http.StatusNotImplemented)
	default:
		h.refuse(w, r, p, err)
	}
}

// chooseConnect is [handshake.Choose] for an extended CONNECT.
func (h *Handler) chooseConnect(r *http.Request) (*Protocol, []handshake.Field, error) {
	offered, err := extended.Offer(r.Header[extended.Field])
	if err != nil {
		return nil, nil, err
	}
	return handshake.Choose(h.Protocols, offered, r, insistConnect)
}

// insistConnect is insist for an extended CONNECT: the request must have an authority,
// and WebSocket has no key (RFC 8441, section 5).
func insistConnect(p *Protocol, r *http.Request) error {
	if r.Host == "" {
		return errHost
	}
	return insistBy(checkConnect, p, r)
}

// checkConnect is checkWebSocket for an extended CONNECT.
func checkConnect(r *http.Request) error {
	return socket.CheckConnect(r.Method, r.Header["Sec-Websocket-Version"])
}

// connectTo switches the stream of r to p and serves it, or answers with an error status.
func (h *Handler) connectTo(w http.ResponseWriter, r *http.Request, p *Protocol, fields []handshake.Field) {
	all := carried(fields, w.Header(), h.Carry)
	if err := checkFields(p, all); err != nil {
		h.fail(w, r, p, err, http.StatusInternalServerError)
		return
	}
	ctx := r.Context()
	if len(fields) > 0 {
		ctx = &fieldsContext{ctx, fields}
	}
	place, ctx, ok := h.Conns.enter(ctx)
	if !ok {
		h.refuse(w, r, p, errNoPlace)
		return
	}
	defer place.leave()
	conn, err := openStream(w, r, all)
	if err != nil {
		h.fail(w, r, p, err, handshake.Status(err))
		return
	}
	defer conn.end()
	place.hold(conn)
	upgraded := r.WithContext(ctx)
	upgraded.Body, upgraded.ContentLength = http.NoBody, 0 // the connection reads it
	// Serve may run for days, so the stack below it must be small: see TestIdleStream.
	defer reset(failuresOf(upgraded, h.Error))
	h.decide(r, handshake.Decision{Product: p.Product, Status: http.StatusOK})
	p.Serve(conn, upgraded)
}

// reset is deferred. It reports a panic as failures.recover does, and then panics with a
// value that net/http does not report: only a panic makes net/http reset a stream.
func reset(fails failures) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		fails.report(&PanicError{Value: v, Stack: debug.Stack()})
	}
	panic(http.ErrAbortHandler)
}

// checkFields returns nil if a 101 that switches to p may have the fields. Then so may
// the 200.
func checkFields(p *Protocol, fields []handshake.Field) error {
	head := headpool.Get()
	defer headpool.Put(head)
	var err error
	if socket.Is(p.Product) {
		head.B, err = socket.AppendAccepted(head.B, p.Product, nil, fields...)
	} else {
		head.B, err = handshake.AppendSwitchingProtocols(head.B, []upgrade.Product[string]{p.Product}, fields...)
	}
	return err
}

// openStream answers r with a 200 that has the fields, and returns the stream as a
// connection.
func openStream(w http.ResponseWriter, r *http.Request, fields []handshake.Field) (*stream, error) {
	// Middleware that reads or changes a response must not see the protocol. In HTTP/1.1
	// Hijack ensures that.
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = wrapper.Unwrap()
	}
	s := newStream(w, r)
	// The server's time-outs are for requests.
	if err := s.clearDeadlines(); err != nil {
		return nil, fmt.Errorf("httpupgrade: take over stream: %w", err)
	}
	header := w.Header()
	clear(header)
	addEndToEnd(header, fields)
	w.WriteHeader(http.StatusOK)
	if err := s.control().Flush(); err != nil {
		return nil, &WriteError{Err: err}
	}
	return s, nil
}

// addEndToEnd adds to header those of fields that an HTTP/2 message may have: it has no
// hop-by-hop fields (RFC 9113, section 8.2.2).
func addEndToEnd(header http.Header, fields []handshake.Field) {
	var hop handshake.Hop[string]
	for _, f := range fields {
		if !hop.Has(f.Name) {
			header.Add(f.Name, f.Value)
		}
	}
}

// connectStatus returns the status code that answers an extended CONNECT for a Refusal
// with status. A 426 (Upgrade Required) needs an Upgrade field, which HTTP/2 does not
// have: it becomes 400 (Bad Request). A 2xx would be a switch, so it is an error.
func connectStatus(status int) (int, error) {
	switch {
	case status == http.StatusUpgradeRequired:
		return http.StatusBadRequest, nil
	case status < 300:
		return 0, handshake.ErrStatus
	}
	return status, nil
}

// longAgo is a deadline that has passed on every clock.
var longAgo = time.Unix(1, 0)
