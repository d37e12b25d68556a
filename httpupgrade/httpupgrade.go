// Package httpupgrade switches protocols in servers and clients of net/http. [Handler] is
// middleware that does the whole switch for a list of [Protocol] values. [Gate] stands in
// front of a handler that reads Upgrade itself. [Switch] makes one switch in a handler of
// your own.
//
//	http.ListenAndServe("127.0.0.1:8080", httpupgrade.Handler{
//		Protocols: []httpupgrade.Protocol{{
//			Product: upgrade.MustParseProduct("echo/1"),
//			Serve:   func(conn net.Conn, r *http.Request) { io.Copy(conn, conn) },
//		}},
//		Next: http.HandlerFunc(ordinary),
//	})
//
// The package works for every HTTP/1.1 request that net/http hands to a handler. It
// serves an HTTP/1.0 request as if it had no Upgrade field. HTTP/2 and HTTP/3 have no
// such field: over them this package never sends Upgrade, Connection or 101.
//
// # HTTP/2
//
// In HTTP/2 a client asks for a protocol with an extended CONNECT ([RFC 8441]). Browsers
// do so for WebSocket. A [Handler] serves such a request with the same Protocols and
// switches with a 200 (OK). No other part of this package switches it: [Offer], [Select]
// and [Switch] return [ErrConnect], [Refuse] answers 501 (Not Implemented), and a [Gate]
// passes it on.
//
// net/http supports extended CONNECT from Go 1.24 on, and only in a process that starts
// with GODEBUG=http2xconnect=1 in its environment:
//
//	GODEBUG=http2xconnect=1 ./server
//
// Neither a //go:debug line nor os.Setenv can set this. If it is not set, browsers use
// HTTP/1.1 for WebSocket, and that works as always. In versions of net/http that have
// HTTP2Config.EnableConnectProtocol, that field replaces the variable.
//
// Serve gets one stream as its connection. The request has the method CONNECT and no
// content. Serve runs in the handler, so middleware sees the request end when Serve
// returns. A panic in Serve is reported and resets the stream. The context of the request
// is cancelled by [Conns.Shutdown], and also when the stream ends. The connection has the
// limits of net/http:
//
//   - It has no CloseWrite. The client sees the end when Serve returns, not when Serve
//     calls Close.
//   - When a deadline passes during a Read, later Reads fail too, after they have
//     returned the octets that had arrived. When a deadline passes before a Write is
//     done, the stream is reset. A deadline that passes between two calls has neither
//     effect if Serve moves it before the next call.
//   - Close resets the stream if a Write is waiting for the client.
//   - After Serve has returned, every method returns [net.ErrClosed].
//   - Middleware that wraps request bodies, as [http.MaxBytesHandler] does, also limits
//     the stream. Writes bypass every middleware whose writer has an Unwrap method.
//
// A request without :scheme is malformed, but net/http passes it on and a handler cannot
// see the fault. Server.Shutdown waits for streams: see [Conns].
//
// # Parts
//
// A library that makes the switch itself can take single parts. [Offer] and [Select] tell
// what a request offers. [ReadContent] reads its content. [FieldsOf] and
// [SetSwitchingProtocols] put header maps into a 101. [Early] returns a connection that
// first yields the octets that the server has read too early. [Switched] checks a
// response.
//
// # What net/http does by itself
//
// net/http answers "OPTIONS *" without calling the handler, unless
// Server.DisableGeneralOptionsHandler is set. CUPS clients and nghttp offer to upgrade in
// that request.
//
// Server.Shutdown neither closes connections that were switched nor waits for them.
// [Conns] does both.
//
// If a request has both Content-Length and Transfer-Encoding, net/http drops
// Content-Length and keeps the connection open, although [RFC 9112, section 6.1] requires
// the server to close it. In a request of HTTP/1.0 it ignores Transfer-Encoding; if the
// client asks it to keep the connection, it reads the chunks as the next request. It takes
// LF alone for a line end, and joins folded lines. A handler cannot see any of these. Put a
// stricter server in front, or use package netupgrade, if others share the connection.
//
// # What middleware sees
//
// A handler that switches writes the 101 directly to the connection and then returns. So
// middleware around it sees a request that took no time, with a status of 0 or 200 and no
// content, no matter what the connection does later. Middleware sees the end of an
// extended CONNECT, but neither the status nor the content. Use [Handler].Decided to log
// and count, and [Conns] to limit.
//
// The rules on fields and bytes are those of packages upgrade, handshake and websocket.
// This package handles requests, responses and connections; it has no grammar.
//
// [RFC 8441]: https://www.rfc-editor.org/rfc/rfc8441
// [RFC 9112, section 6.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.1
package httpupgrade

import (
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file finds out what requests offer and what responses switch to.

// ErrConnect is [handshake.ErrConnect]: the request is a CONNECT.
var ErrConnect = handshake.ErrConnect

// Offer returns the products that r offers to switch to. The errors are [ErrConnect], for
// an extended CONNECT too, and those of [handshake.Offer]. After any of them treat r as
// an ordinary request.
//
// A request made by hand, without a version, counts as HTTP/1.1. The List aliases the
// lines in r.Header. Offer allocates only the error for a malformed field.
func Offer(r *http.Request) (upgrade.List[string], error) {
	if r.Method == http.MethodConnect {
		return upgrade.List[string]{}, ErrConnect
	}
	major, minor := version(r.ProtoMajor, r.ProtoMinor, r.Proto)
	// By index: Get returns only the first line.
	return handshake.Offer(major, minor, r.Header["Connection"], r.Header["Upgrade"])
}

// Select returns the first of supported that r offers. The errors are those of [Offer]
// and [handshake.ErrNotSupported]; after any of them treat r as an ordinary request.
// Select is faster than [Offer] followed by [upgrade.List.Select], and allocates as Offer
// does.
func Select(r *http.Request, supported ...upgrade.Product[string]) (upgrade.Product[string], error) {
	if r.Method == http.MethodConnect {
		return upgrade.Product[string]{}, ErrConnect
	}
	major, minor := version(r.ProtoMajor, r.ProtoMinor, r.Proto)
	return handshake.Select(major, minor, r.Header["Connection"], r.Header["Upgrade"], supported...)
}

// Switched returns the products that resp switches to, each of which is one of offered. A
// client or a proxy calls it before it uses the connection for another protocol. The
// errors are those of [handshake.Switched]. After an error on a 101, close the body of
// the response: its connection is of no further use.
//
// A response made by hand, without a version, counts as HTTP/1.1. The client
// of net/http removes "Connection: close, Upgrade" from a 101, so the error is then
// [handshake.ErrNoOption].
func Switched(resp *http.Response, offered ...upgrade.Product[string]) (upgrade.List[string], error) {
	major, minor := version(resp.ProtoMajor, resp.ProtoMinor, resp.Proto)
	return handshake.Switched(resp.StatusCode, major, minor, resp.Header["Connection"], resp.Header["Upgrade"], offered...)
}

// version returns the version of a message, or 1.1 for a message made by hand, which has
// no version. A message that was received as 0.0 says so in proto.
func version(major, minor int, proto string) (int, int) {
	if major == 0 && minor == 0 && proto != "HTTP/0.0" {
		return 1, 1
	}
	return major, minor
}

// canUpgrade reports whether the version of r has the Upgrade mechanism at all.
func canUpgrade(r *http.Request) bool {
	major, minor := version(r.ProtoMajor, r.ProtoMinor, r.Proto)
	return major == 1 && minor >= 1
}
