package httpupgrade

import (
	"context"
	"log"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/gosegue/upgrade/handshake"
)

// This file runs a protocol on a connection that was switched, and reports its end.

// serving is what a goroutine that runs a protocol needs, and no more: it may run for
// days. The request belongs to the protocol, which may let it go.
type serving struct {
	serve func(net.Conn, *http.Request)
	conn  net.Conn
	place *place   // in the Conns; nil without
	fails failures // where a panic goes
}

// run serves r and closes the connection afterwards. A panic costs this connection alone.
func (s serving) run(r *http.Request) {
	defer s.place.leave()
	defer s.conn.Close()
	defer s.fails.recover()
	s.serve(s.conn, r)
}

// failures is where a Handler reports.
type failures struct {
	hook    func(*http.Request, error) // nil: the log of the server
	request *http.Request              // for the hook
	server  *http.Server               // that the request came to, or nil
}

// failuresOf returns where to report failures of r.
func failuresOf(r *http.Request, hook func(*http.Request, error)) failures {
	return failures{hook, r, serverOf(r)}
}

// forLong returns what to keep of f while a protocol runs. Without a hook it needs no
// request. With one it keeps a copy without the content, which may be large and belongs to
// the protocol.
func (f failures) forLong() failures {
	if f.hook == nil {
		return failures{server: f.server}
	}
	r := *f.request
	r.Body, r.ContentLength = http.NoBody, 0
	return failures{f.hook, &r, f.server}
}

// report tells the hook of err, or the log. A hook that panics outside of a handler would
// end the process.
func (f failures) report(err error) {
	if f.hook == nil {
		f.log().Print(err)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			f.log().Print(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	f.hook(f.request, err)
}

// recover is deferred. As in a handler, a panic with ErrAbortHandler is the way to end
// without a report.
func (f failures) recover() {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		f.report(&PanicError{Value: v, Stack: debug.Stack()})
	}
}

// log returns where the server logs.
func (f failures) log() *log.Logger {
	if f.server != nil && f.server.ErrorLog != nil {
		return f.server.ErrorLog
	}
	return log.Default()
}

// contextOf returns the context of r without its cancellation, and with the fields of the
// 101. The server cancels that of r when the handler returns, and the protocol goes on.
func contextOf(r *http.Request, fields []handshake.Field) context.Context {
	ctx := context.WithoutCancel(r.Context())
	if len(fields) > 0 {
		ctx = &fieldsContext{ctx, fields}
	}
	return ctx
}

// fieldsContext is a context that knows the fields of the 101.
type fieldsContext struct {
	context.Context
	fields []handshake.Field
}

type fieldsKey struct{}

func (c *fieldsContext) Value(key any) any {
	if key == (fieldsKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// SwitchedFields returns the fields that [Protocol].Fields gave for the 101 that answered
// r, the request that Serve got, so that what was negotiated need not be decided twice. It
// returns nil if there were none. The fields are not a copy.
func SwitchedFields(r *http.Request) []handshake.Field {
	if c, ok := r.Context().Value(fieldsKey{}).(*fieldsContext); ok {
		return c.fields
	}
	return nil
}
