package httpupgrade

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// Protocol is a protocol to which a [Handler] can switch, and when and how.
type Protocol struct {
	// Product is the protocol's name and, if it has one, version. It matches
	// only an offer of the same version; one of the zero Product never.
	Product upgrade.Product[string]

	// Allow is the server's judgement on a request that offers Product, by its
	// method, its resource, the load: false leaves it to the next Protocol.
	// Nil allows all. It must not read the content.
	Allow func(*http.Request) bool

	// Fields returns further fields for the 101, or a [*Refusal], possibly
	// wrapped, to answer that instead of switching; any other error is answered
	// with 500. Nil adds none. It must not read the content.
	Fields func(*http.Request) ([]handshake.Field, error)

	// Serve speaks the protocol on the connection, which is closed when it
	// returns. The request is the one that was upgraded, with its content in
	// Body; its context keeps its values and is never cancelled. Serve runs in a
	// goroutine of its own, since the handler has returned by then; a panic is
	// recovered and reported.
	Serve func(net.Conn, *http.Request)
}

// Refusal is an error by which [Protocol].Fields answers a request with a final
// response of that status (200 to 599) and those fields, without content, instead of
// switching. A 426 (Upgrade Required) is given the fields Upgrade and Connection that
// it must have.
type Refusal struct {
	Status int
	Fields []handshake.Field
}

// Error returns a text with the status.
func (e *Refusal) Error() string { return fmt.Sprintf("httpupgrade: refused with status %d", e.Status) }

// PanicError is what a [Handler] reports of a [Protocol].Serve that panicked.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of its goroutine
}

// Error returns the value and the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("httpupgrade: panic in Serve: %v\n%s", e.Value, e.Stack)
}

// Handler switches each request that offers one of its protocols and passes on every
// other. Its fields must not change while it is in use.
//
// For a request with a valid offer, the first of Protocols that is offered and
// allowed is the one to switch to. Its Fields are asked for, the 101 is built, the
// content of the request read, the connection taken over and the 101 written: see
// [Switch]. What fails before the take-over is answered: a [Refusal] as it says, too
// much content with 413 (Content Too Large), content that cannot be read with 400 (Bad
// Request), and everything else, which is the server's own fault, with 500. What fails
// behind it closes the connection. Nothing of HTTP follows a 101.
//
// A request without a valid offer, or with none that is supported and allowed, is an
// ordinary one and goes to Next, its content untouched.
type Handler struct {
	Protocols []Protocol                 // in the server's order of preference
	Next      http.Handler               // serves everything else; nil: Refuse with all of Protocols
	MaxBody   int64                      // bytes of content read before a switch; 0: DefaultMaxBody; below 0: none
	Error     func(*http.Request, error) // is told of every failure but a Refusal; nil: the server's ErrorLog
}

// ServeHTTP implements [http.Handler].
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := h.choose(r); p != nil {
		h.switchTo(p, w, r)
		return
	}
	if h.Next != nil {
		h.Next.ServeHTTP(w, r)
		return
	}
	supported := make([]upgrade.Product[string], len(h.Protocols))
	for i, p := range h.Protocols {
		supported[i] = p.Product
	}
	Refuse(w, r, supported...)
}

// choose returns the first protocol that is offered and allowed, or nil.
func (h *Handler) choose(r *http.Request) *Protocol {
	offered, err := Offer(r)
	if err != nil {
		return nil
	}
	for i := range h.Protocols {
		p := &h.Protocols[i]
		if offered.Offers(p.Product) && (p.Allow == nil || p.Allow(r)) {
			return p
		}
	}
	return nil
}

func (h *Handler) switchTo(p *Protocol, w http.ResponseWriter, r *http.Request) {
	conn, err := h.take(p, w, r)
	if err != nil {
		h.fail(p, w, r, err)
		return
	}
	// The server cancels the context as soon as this handler returns.
	go serve(p, conn, r.WithContext(context.WithoutCancel(r.Context())), h.Error)
}

// take asks for the protocol's fields and switches.
func (h *Handler) take(p *Protocol, w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	var fields []handshake.Field
	if p.Fields != nil {
		var err error
		if fields, err = p.Fields(r); err != nil {
			return nil, err
		}
	}
	maxBody := h.MaxBody
	if maxBody == 0 {
		maxBody = DefaultMaxBody
	}
	return switchTo(w, r, max(maxBody, 0), []upgrade.Product[string]{p.Product}, fields)
}

// serve runs the protocol, and sees to it that the connection is closed behind it and
// that a panic is that of this connection alone.
func serve(p *Protocol, conn net.Conn, r *http.Request, report func(*http.Request, error)) {
	defer conn.Close()
	defer func() {
		// As in a handler, ErrAbortHandler is the way to end without a word.
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			reportError(r, &PanicError{v, debug.Stack()}, report)
		}
	}()
	p.Serve(conn, r)
}

// fail answers a request that could not be switched, unless it is too late for that.
func (h *Handler) fail(p *Protocol, w http.ResponseWriter, r *http.Request, err error) {
	var (
		refusal *Refusal
		write   *WriteError
		content *ContentError
		large   *http.MaxBytesError
	)
	if errors.As(err, &refusal) {
		if err = refusal.answer(w, r, p.Product); err == nil {
			return
		}
	}
	reportError(r, err, h.Error)
	switch {
	case errors.As(err, &write):
	case errors.As(err, &large):
		// The rest of the content would have to be read before the connection
		// could be used again.
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case errors.As(err, &content):
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusBadRequest)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// answer sends the refusal of a switch to p. If it cannot be sent as it is, it
// returns an error and has sent nothing.
func (e *Refusal) answer(w http.ResponseWriter, r *http.Request, p upgrade.Product[string]) error {
	if e.Status < 200 || e.Status > 599 {
		return fmt.Errorf("httpupgrade: status %d cannot refuse", e.Status)
	}
	for i, f := range e.Fields {
		if err := f.Check(); err != nil {
			return &handshake.ResponseError{Index: i, Err: err}
		}
	}
	header := w.Header()
	for _, f := range e.Fields {
		header.Add(f.Name, f.Value)
	}
	if e.Status == http.StatusUpgradeRequired {
		if header["Upgrade"] == nil {
			header.Set("Upgrade", p.String())
		}
		addOption(header, r.Close || waitsForContinue(r))
	}
	w.WriteHeader(e.Status)
	return nil
}

func reportError(r *http.Request, err error, report func(*http.Request, error)) {
	if report != nil {
		report(r, err)
		return
	}
	logf := log.Printf
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		logf = server.ErrorLog.Printf
	}
	logf("%v", err)
}
