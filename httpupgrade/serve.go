package httpupgrade

import (
	"context"
	"log"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/gosegue/upgrade/handshake"
)

// This file runs a protocol on a connection that was switched, and reports failures.

// serving has only what a goroutine needs to run a protocol: it may run for days. The
// request belongs to the protocol, which may let it go.
type serving struct {
	serve func(net.Conn, *http.Request)
	conn  net.Conn
	place *place   // in the Conns; nil without one
	fails failures // where to report a panic
}

// run serves r and closes the connection afterwards. A panic costs only this connection.
func (s serving) run(r *http.Request) {
	defer s.place.leave()
	defer s.conn.Close()
	defer s.fails.recover()
	s.serve(s.conn, r)
}

// failures is where a Handler reports a failure.
type failures struct {
	hook    func(*http.Request, error) // nil: the log of the server
	request *http.Request              // for the hook
	server  *http.Server               // of the request, or nil
}

// failuresOf returns where to report failures of r.
func failuresOf(r *http.Request, hook func(*http.Request, error)) failures {
	return failures{hook, r, serverOf(r)}
}

// forLong returns the part of f to keep while a protocol runs. Without a hook, no request
// is needed. With one, forLong keeps a copy of the request without the content, which may
// be large and belongs to the protocol.
func (f failures) forLong() failures {
	if f.hook == nil {
		return failures{server: f.server}
	}
	r := *f.request
	r.Body, r.ContentLength = http.NoBody, 0
	return failures{f.hook, &r, f.server}
}

// report passes err to the hook, or to the log if there is no hook. It recovers a panic
// of the hook, which would end the process outside of a handler.
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

// recover is deferred. As in an http.Handler, panicking with ErrAbortHandler reports
// nothing.
func (f failures) recover() {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		f.report(&PanicError{Value: v, Stack: debug.Stack()})
	}
}

// log returns the log of the server.
func (f failures) log() *log.Logger {
	if f.server != nil && f.server.ErrorLog != nil {
		return f.server.ErrorLog
	}
	return log.Default()
}

// contextOf returns the context of r with the fields of the 101 and without cancellation:
// the server cancels the context of r when the handler returns, but the protocol goes on.
func contextOf(r *http.Request, fields []handshake.Field) context.Context {
	ctx := context.WithoutCancel(r.Context())
	if len(fields) > 0 {
		ctx = &fieldsContext{ctx, fields}
	}
	return ctx
}

// fieldsContext is a context that has the fields of the 101.
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

// SwitchedFields returns the fields that [Protocol].Fields returned for the answer to r.
// r is the request that Serve got, so Serve need not negotiate a second time. The result
// is nil if there were no fields. It is not a copy: do not change it.
func SwitchedFields(r *http.Request) []handshake.Field {
	if c, ok := r.Context().Value(fieldsKey{}).(*fieldsContext); ok {
		return c.fields
	}
	return nil
}
