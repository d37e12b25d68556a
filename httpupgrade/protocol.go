package httpupgrade

import (
	"fmt"
	"net"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file defines a protocol for net/http, and the checks that this package always
// makes before it switches.

// Protocol is [handshake.Protocol] for net/http: a protocol to which a [Handler] can
// switch, with the conditions. It has these fields:
//
//	Product upgrade.Product[string]
//
// Product is the protocol's name and, if it has one, version. It matches only an offer of
// the same version.
//
//	Allow func(*http.Request) bool
//
// Allow reports whether the server accepts a request that offers Product, by its method,
// its resource or the load, for example. False leaves the request to the next Protocol. A
// nil Allow accepts all.
//
//	Check func(*http.Request) error
//
// Check returns nil if the request may have the protocol; a [*Refusal], possibly wrapped,
// to answer with that instead; or any other error, which is the server's own and is
// answered with 500. A nil Check accepts all, except for the product websocket. For
// websocket a nil Check refuses with 403 a request that comes from a page of another
// origin; any Check that is set replaces this one.
//
//	Fields func(*http.Request) ([]handshake.Field, error)
//
// Fields returns further fields of the 101, or an error as Check does. Serve gets them
// from [SwitchedFields]. A nil Fields adds none.
//
//	Serve func(net.Conn, *http.Request)
//
// Serve speaks the protocol on the connection, which is closed when Serve returns. The
// request is the one that was upgraded, with its content in Body. Its context has the
// values of the handler's context, and only [Conns.Shutdown] cancels it. Serve runs in
// its own goroutine, because the handler returns; for HTTP/2 see the package comment. A
// panic is recovered and reported. Serve must not be nil: a [Handler] would panic at its
// first request.
//
// Only Serve may read the content of the request; Allow, Check and Fields must not.
//
// For the product websocket a Handler does what RFC 6455 asks of a server, even if Check
// and Fields are set. It refuses any method except GET with 405, any version except 13
// with a 426 that names 13, and a missing or malformed key with 400. It answers the key
// in the 101, so Fields must not return Sec-WebSocket-Accept. Over HTTP/2 a Handler
// checks only the version, because there is no key (RFC 8441, section 5). [WebSocket]
// makes such a Protocol.
type Protocol = handshake.Protocol[*http.Request, func(net.Conn, *http.Request)]

// Refusal is [handshake.Refusal]: an error that Check and Fields of a [Protocol] return to
// answer with a final response instead of switching.
type Refusal = handshake.Refusal

// PanicError is [handshake.PanicError]: a [Handler] reports it when one of the server's
// functions panics.
type PanicError = handshake.PanicError

// WriteError is [handshake.WriteError]: the connection was taken over, but the 101 could
// not be written, so the connection is closed.
type WriteError = handshake.WriteError

// errHost refuses a missing or malformed Host that net/http has let through.
var errHost = fmt.Errorf("%w: %w", &Refusal{Status: http.StatusBadRequest, Fields: []handshake.Field{{Name: "Connection", Value: "close"}}}, handshake.ErrHost)

// checkHost returns nil if r.Host is empty or a host with or without a port. Otherwise it
// returns the Refusal that RFC 9112, section 3.2, asks for.
func checkHost(r *http.Request) error {
	if _, ok := uri.IsHost(r.Host); !ok {
		return errHost
	}
	return nil
}

// insist checks every request before a Handler switches it to p, and before the server's
// own Check runs.
func insist(p *Protocol, r *http.Request) error { return insistBy(checkWebSocket, p, r) }

// insistBy is insist with the WebSocket check for the version of HTTP.
func insistBy(check func(*http.Request) error, p *Protocol, r *http.Request) error {
	if err := checkHost(r); err != nil {
		return err
	}
	if !socket.Is(p.Product) {
		return nil
	}
	if err := check(r); err != nil {
		return err
	}
	if p.Check != nil {
		return nil
	}
	return socket.CheckOrigin(r.Header["Origin"], []string{r.Host})
}

// checkWebSocket checks the fields of WebSocket. Their names are spelled as in
// http.Header.
func checkWebSocket(r *http.Request) error {
	return socket.Check(r.Method, r.Header["Sec-Websocket-Version"], r.Header["Sec-Websocket-Key"])
}

// appendHead appends the head of the 101 that switches r to p.
func appendHead(dst []byte, p *Protocol, r *http.Request, fields []handshake.Field) ([]byte, error) {
	if !socket.Is(p.Product) {
		to := [...]upgrade.Product[string]{p.Product}
		return handshake.AppendSwitchingProtocols(dst, to[:], fields...)
	}
	key := r.Header["Sec-Websocket-Key"]
	if len(key) == 0 {
		return dst, socket.ErrKeyRemoved
	}
	return socket.AppendSwitchingProtocols(dst, p.Product, key[0], fields...)
}
