// Package httpupgrade switches protocols in servers and clients of net/http. [Handler] is
// middleware that does all of it for a list of [Protocol] values, [Gate] stands in front
// of a handler that reads Upgrade by itself, and [Switch] is one switch in a handler of
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
// It works for every HTTP/1.1 request that net/http hands to a handler. It serves a
// request of HTTP/1.0 as if it had no Upgrade field. HTTP/2 and 3 have none: such a
// connection never sees Upgrade, Connection or 101 from this package.
//
// # HTTP/2
//
// In HTTP/2 a client asks for a protocol by an extended CONNECT ([RFC 8441]), which
// browsers do for WebSocket. A [Handler] serves it with the same Protocols; the switch is
// a 200 (OK) then. Nothing else here does: [Offer], [Select], [Switch] and [Refuse] say
// [ErrConnect] to it, and a [Gate] passes it on.
//
// net/http supports it from Go 1.24 on, and only in a process that has
// GODEBUG=http2xconnect=1 in its environment when it begins:
//
//	GODEBUG=http2xconnect=1 ./server
//
// Neither a //go:debug line nor os.Setenv can set it. Without it browsers use HTTP/1.1
// for WebSocket, which works as ever. When net/http has HTTP2Config.EnableConnectProtocol,
// that replaces the variable.
//
// Serve gets one stream as its connection. The request has the method CONNECT and no
// content. Serve runs in the handler, so that middleware sees the request end when it
// returns, and a panic in it resets the stream, after it was reported. The context of the
// request is also cancelled when the stream ends. The limits of the connection are those
// of net/http:
//
//   - It has no CloseWrite. The client sees the end when Serve returns, and Close alone
//     does not tell it.
//   - When a deadline passes during a Read, later ones fail as well, except that they
//     return what had come. When it passes before a Write is done, the stream is reset.
//     A deadline that passes in between does neither.
//   - Close resets the stream if a Write waits for the client.
//   - After Serve has returned every method returns [net.ErrClosed].
//   - A middleware that wraps the body of requests, as [http.MaxBytesHandler] does, limits
//     the stream. The writer is taken from all middleware that lets it be unwrapped.
//
// A request without :scheme is malformed, but net/http passes it on and a handler cannot
// tell. Server.Shutdown waits for streams: see [Conns].
//
// # Parts
//
// A library that switches by itself takes one part at a time: [Offer] and [Select] ask
// what a request offers, [ReadContent] reads its content, [FieldsOf] and
// [SetSwitchingProtocols] put header maps into a 101, [Early] gives back to a connection
// what was read of it, and [Switched] checks a response.
//
// # What net/http does by itself
//
// It answers "OPTIONS *" without calling the handler, unless
// Server.DisableGeneralOptionsHandler is set; clients of CUPS and nghttp upgrade with
// that request.
//
// Server.Shutdown neither closes connections that were switched nor waits for them:
// [Conns] does.
//
// Of a request with both Content-Length and Transfer-Encoding it forgets the former and
// keeps the connection, which [RFC 9112, section 6.1] says to close. No handler can
// tell.
//
// # What middleware sees
//
// A handler that switches returns as soon as the 101 is written, and writes it to the
// connection. So middleware around it sees a request that took no time, with a status
// of 0 or 200 and no content, whatever the connection does later. Of an extended CONNECT
// it sees neither status nor content, but when it ends. Log and count by
// [Handler].Decided, and limit by [Conns].
//
// The rules are those of packages upgrade, handshake and websocket, on fields and bytes.
// This package knows requests, responses and connections, and has no grammar.
//
// [RFC 8441]: https://www.rfc-editor.org/rfc/rfc8441
// [RFC 9112, section 6.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.1
package httpupgrade

import (
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file asks what requests offer and what responses switch to.

// ErrConnect is [handshake.ErrConnect]: the request is a CONNECT.
var ErrConnect = handshake.ErrConnect

// Offer returns the products that r offers to switch to. With any error r is an
// ordinary request: [ErrConnect], for an extended CONNECT too, or what
// [handshake.Offer] returns.
//
// A request made by hand, without a version, counts as HTTP/1.1. The List aliases the
// lines in r.Header. Offer allocates nothing but the error for a malformed field.
func Offer(r *http.Request) (upgrade.List[string], error) {
	if r.Method == http.MethodConnect {
		return upgrade.List[string]{}, ErrConnect
	}
	major, minor := version(r.ProtoMajor, r.ProtoMinor, r.Proto)
	// By index, since Get returns the first line alone.
	return handshake.Offer(major, minor, r.Header["Connection"], r.Header["Upgrade"])
}

// Select returns the first of supported that r offers. The errors are those of [Offer]
// and [handshake.ErrNotSupported]; with any of them r is an ordinary request. It is
// faster than [Offer] and [upgrade.List.Select], and allocates as Offer does.
func Select(r *http.Request, supported ...upgrade.Product[string]) (upgrade.Product[string], error) {
	if r.Method == http.MethodConnect {
		return upgrade.Product[string]{}, ErrConnect
	}
	major, minor := version(r.ProtoMajor, r.ProtoMinor, r.Proto)
	return handshake.Select(major, minor, r.Header["Connection"], r.Header["Upgrade"], supported...)
}

// Switched returns the products that resp switches to, each of which is one of offered.
// It is the check of a client or a proxy before it uses the connection for anything but
// HTTP. The errors are those of [handshake.Switched]. After an error on a 101 close
// the body of the response: its connection is of no further use.
//
// A response made by hand, without a version, counts as HTTP/1.1. The client
// of net/http removes "Connection: close, Upgrade" from a 101, so the error is then
// [handshake.ErrNoOption].
func Switched(resp *http.Response, offered ...upgrade.Product[string]) (upgrade.List[string], error) {
	major, minor := version(resp.ProtoMajor, resp.ProtoMinor, resp.Proto)
	return handshake.Switched(resp.StatusCode, major, minor, resp.Header["Connection"], resp.Header["Upgrade"], offered...)
}

// version returns the version of a message: 1.1 for one that was made by hand, which
// has none. One that was received as 0.0 says so in proto.
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
