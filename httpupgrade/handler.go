package httpupgrade

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/textproto"
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

// Refusal is an error by which [Protocol].Fields says to answer a request with a final
// response of that status (200 to 599) and those fields, without content, instead of
// switching to that protocol. Fields about framing, Content-Length, Transfer-Encoding and
// Trailer, are not its to give. A 426 (Upgrade Required) is given the field Upgrade that it
// must have, and any response with Upgrade the option in Connection.
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
// For a request with a valid offer, each of Protocols that is offered and allowed is
// tried in turn: its Fields are asked for, the 101 is built, the content of the request
// read, the connection taken over and the 101 written: see [Switch]. A [Refusal] makes
// it try the next; when none is left, the first Refusal is the answer. What else fails
// before the take-over is answered at once: too much content with 413 (Content Too
// Large), content that cannot be read with 400 (Bad Request), and the rest, which is the
// server's own fault, with 500. What fails behind it closes the connection. Nothing of
// HTTP follows a 101.
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
	if h.switchTo(w, r) {
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

// switchTo switches to the first protocol that it can, or answers why not. It reports
// whether there was one to try at all.
func (h *Handler) switchTo(w http.ResponseWriter, r *http.Request) bool {
	offered, err := Offer(r)
	if err != nil {
		return false
	}
	var (
		refused *Protocol // the first one that was
		refusal *Refusal
	)
	for i := range h.Protocols {
		p := &h.Protocols[i]
		if !offered.Offers(p.Product) || p.Allow != nil && !p.Allow(r) {
			continue
		}
		fields, err := p.fields(r)
		if err != nil {
			again := refusalIn(err)
			if again == nil {
				h.fail(w, r, err, http.StatusInternalServerError)
				return true
			}
			if refusal == nil {
				refused, refusal = p, again
			}
			continue
		}
		conn, err := switchTo(w, r, h.maxBody(), []upgrade.Product[string]{p.Product}, fields)
		if err != nil {
			h.fail(w, r, err, statusOf(err))
			return true
		}
		var log *log.Logger
		if h.Error == nil {
			log = errorLog(r)
		}
		// The server cancels the context as soon as this handler returns.
		r = r.WithContext(context.WithoutCancel(r.Context()))
		go serve(p, conn, r, h.Error, log)
		return true
	}
	if refusal == nil {
		return false
	}
	if err := refusal.answer(w, r, refused.Product); err != nil {
		h.fail(w, r, err, http.StatusInternalServerError)
	}
	return true
}

// refusalIn returns the Refusal that err is or wraps, or nil.
func refusalIn(err error) *Refusal {
	var refusal *Refusal
	errors.As(err, &refusal)
	return refusal
}

// fields returns the further fields of the 101, if the protocol has any.
func (p *Protocol) fields(r *http.Request) ([]handshake.Field, error) {
	if p.Fields == nil {
		return nil, nil
	}
	return p.Fields(r)
}

func (h *Handler) maxBody() int64 {
	if h.MaxBody == 0 {
		return DefaultMaxBody
	}
	return max(h.MaxBody, 0)
}

// serve runs the protocol, and sees to it that the connection is closed behind it and
// that a panic is that of this connection alone. Without report it goes to log.
func serve(p *Protocol, conn net.Conn, r *http.Request, report func(*http.Request, error), log *log.Logger) {
	defer conn.Close()
	// The request is kept for the report only if one is going to be asked for: with
	// its fields it takes more memory than the rest of an idle connection.
	if report == nil {
		defer logPanic(log)
	} else {
		defer reportPanic(r, report)
	}
	p.Serve(conn, r)
}

// logPanic and reportPanic are deferred. As in a handler, ErrAbortHandler is the way to
// end without a word.
func logPanic(log *log.Logger) {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		log.Print(&PanicError{v, debug.Stack()})
	}
}

func reportPanic(r *http.Request, report func(*http.Request, error)) {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		report(r, &PanicError{v, debug.Stack()})
	}
}

// statusOf returns the status that answers an error of switchTo, or 0 if it is too late
// for an answer.
func statusOf(err error) int {
	var (
		write   *WriteError
		large   *http.MaxBytesError
		content *ContentError
	)
	switch {
	case errors.As(err, &write):
		return 0
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &content):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// fail reports err and answers with status, if there is one.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error, status int) {
	reportError(r, err, h.Error)
	switch status {
	case 0:
		return
	case http.StatusRequestEntityTooLarge, http.StatusBadRequest:
		// The rest of the content would have to be read before the connection
		// could be used again.
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(status)
}

// answer sends the refusal of a switch to p. If it cannot be sent as it is, it
// returns an error and has sent nothing.
func (e *Refusal) answer(w http.ResponseWriter, r *http.Request, p upgrade.Product[string]) error {
	if e.Status < 200 || e.Status > 599 {
		return fmt.Errorf("httpupgrade: status %d cannot refuse", e.Status)
	}
	for i, f := range e.Fields {
		err := f.Check()
		switch textproto.CanonicalMIMEHeaderKey(f.Name) {
		case "Content-Length", "Transfer-Encoding", "Trailer":
			// How the response is framed is net/http's to say: it has no
			// content.
			err = handshake.ErrReserved
		}
		if err != nil {
			return &handshake.ResponseError{Index: i, Err: err}
		}
	}
	header := w.Header()
	for _, f := range e.Fields {
		header.Add(f.Name, f.Value)
	}
	if e.Status == http.StatusUpgradeRequired && header["Upgrade"] == nil {
		header.Set("Upgrade", p.String())
	}
	if header["Upgrade"] != nil {
		closeUnread(header, r)
		addOption(header, r)
	}
	w.WriteHeader(e.Status)
	return nil
}

func reportError(r *http.Request, err error, report func(*http.Request, error)) {
	if report == nil {
		errorLog(r).Print(err)
		return
	}
	report(r, err)
}

// errorLog returns where the server of r logs.
func errorLog(r *http.Request) *log.Logger {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		return server.ErrorLog
	}
	return log.Default()
}
