package httpupgrade

import (
	"net"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file defines a protocol for net/http, and what this package insists on before it
// switches.

// Protocol is a protocol to which a [Handler] can switch, and when and how:
// [handshake.Protocol] for net/http. Its fields are
//
//	Product upgrade.Product[string]
//
// the protocol's name and, if it has one, version. It matches only an offer of the same
// version.
//
//	Allow func(*http.Request) bool
//
// the server's judgement on a request that offers Product, by its method, its resource,
// the load. False leaves the request to the next Protocol. Nil allows all.
//
//	Check func(*http.Request) error
//
// returns nil if the request may have the protocol; a [*Refusal], possibly wrapped, to
// answer that instead; or an error of the server's own, which is answered with 500. Nil
// checks nothing, except that of the product websocket it checks that the request comes
// from a page of the same origin, or from no page, and refuses others with 403.
//
//	Fields func(*http.Request) ([]handshake.Field, error)
//
// returns further fields of the 101, or an error as Check does. Nil adds none.
// [SwitchedFields] tells Serve what they were.
//
//	Serve func(net.Conn, *http.Request)
//
// speaks the protocol on the connection, which is closed when it returns. The request is
// the one that was upgraded, with its content in Body. Its context has the values of the
// handler's and is cancelled only by [Conns.Shutdown]. Serve runs in a goroutine of its
// own, since the handler has returned by then; for HTTP/2 see the package comment. A
// panic is recovered and reported. Serve must not be nil: a [Handler] panics when it is
// first used.
//
// None of the functions may read the content of the request, except Serve.
//
// For the product websocket a Handler does what RFC 6455 asks of a server, whatever
// Check and Fields are: a request by another method than GET is refused with 405, one of
// another version than 13 with 426 and that version, one without a well-formed key with
// 400; and the 101 answers the key, so that Fields must not return Sec-WebSocket-Accept.
// Over HTTP/2 it checks the version alone, for there is no key (RFC 8441, section 5).
// [WebSocket] makes such a Protocol.
type Protocol = handshake.Protocol[*http.Request, func(net.Conn, *http.Request)]

// Refusal is [handshake.Refusal]: an error that Check and Fields of a [Protocol] return to
// answer with a final response instead of switching.
type Refusal = handshake.Refusal

// PanicError is [handshake.PanicError]: what a [Handler] reports of a function of the
// server's own that panicked.
type PanicError = handshake.PanicError

// WriteError is [handshake.WriteError]: the connection was taken over, the 101 could not
// be written, and the connection is closed.
type WriteError = handshake.WriteError

// badHost refuses a request whose Host net/http has let through.
var badHost = &Refusal{Status: http.StatusBadRequest, Fields: []handshake.Field{{Name: "Connection", Value: "close"}}}

// checkHost returns nil if Host is a host and perhaps a port, or empty, and otherwise the
// Refusal that RFC 9112, section 3.2, asks for.
func checkHost(r *http.Request) error {
	if _, ok := uri.IsHost(r.Host); !ok {
		return badHost
	}
	return nil
}

// insist checks every request that a Handler is to switch to p, before the server's own
// Check does.
func insist(p *Protocol, r *http.Request) error { return insistBy(checkWebSocket, p, r) }

// insistBy is insist, with the check of WebSocket that the version of HTTP has.
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

// checkWebSocket checks the fields of WebSocket. The spelling of their names is that of
// http.Header.
func checkWebSocket(r *http.Request) error {
	return socket.Check(r.Method, r.Header["Sec-Websocket-Version"], r.Header["Sec-Websocket-Key"])
}

// appendHead appends the head of the 101 that switches r to p.
func appendHead(dst []byte, p *Protocol, r *http.Request, fields []handshake.Field) ([]byte, error) {
	if socket.Is(p.Product) {
		return socket.AppendSwitchingProtocols(dst, p.Product, r.Header["Sec-Websocket-Key"][0], fields...)
	}
	to := [...]upgrade.Product[string]{p.Product}
	return handshake.AppendSwitchingProtocols(dst, to[:], fields...)
}
