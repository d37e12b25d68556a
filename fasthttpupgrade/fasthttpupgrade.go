// Package fasthttpupgrade switches protocols in servers of
// [github.com/valyala/fasthttp]. A [Handler] switches each request that offers a [Protocol]
// of its list; [Switch] makes one switch in a handler of the caller's own.
//
//	handler := fasthttpupgrade.Handler{
//		Protocols: []fasthttpupgrade.Protocol{{
//			Product: upgrade.MustParseProduct("echo/1"),
//			Serve:   func(conn net.Conn, _ *fasthttp.Request) { io.Copy(conn, conn) },
//		}},
//		Next: ordinary,
//	}
//	fasthttp.ListenAndServe("127.0.0.1:8080", handler.Handle)
//
// # What this package does for fasthttp
//
//   - If fasthttp means to close the connection, as for versions other than 1.1, its own
//     101 has two lines of Connection, and it never calls the function given to Hijack.
//     This package writes the 101 itself and keeps fasthttp from writing one.
//   - fasthttp closes the connection only if the last line of Connection is exactly
//     "close". This package reads all lines, as they were received.
//   - fasthttp adds the fields of trailers to those of the head. To this package an Upgrade
//     in a trailer is no offer.
//   - fasthttp serves requests whose end other recipients may see elsewhere. Here such a
//     request offers nothing, and its connection is closed after the response: see
//     [ErrContent].
//   - With Server.StreamRequestBody fasthttp calls the handler before it has read the
//     content, and takes content that the handler leaves unread for the next request.
//     Before a switch this package reads the content, up to a limit, and parses chunks
//     strictly. Without a switch it closes the connection after the response, unless the
//     content was read.
//   - fasthttp does not check Host. Before a switch this package does: it answers 400 if
//     Host is missing or malformed.
//   - fasthttp recovers no panic. Here a panic in a function of a Protocol, in Decided or
//     in Error costs one connection.
//   - fasthttp ignores Close of a connection that it gave away, and reuses the connection
//     for another client as soon as the function given to Hijack returns. Serve gets a
//     connection that it can close, and that cannot be used after Serve has returned.
//
// # What fasthttp still does
//
//   - It sends a 100 only if the value of Expect is exactly 100-continue, and calls no
//     handler before the content. A client that sends 100-Continue gets no 100.
//   - If a request reaches neither a Handler nor Refuse nor Switch, the connection stays
//     open after "Connection: Close", after "keep-alive, close", and after "close" in any
//     line but the last.
//   - Without StreamRequestBody it reads chunked content by itself: it takes LF for the
//     end of a line in trailers, a lone LF after the last chunk for the end of the
//     content, a blank after the size of a chunk, a blank before the colon of a trailer,
//     and NUL in an extension of a chunk. It hides that it did. With StreamRequestBody
//     this package refuses all of these.
//   - With StreamRequestBody it does not tell whether chunked content was read. So the
//     connection is closed after a request with chunks that does not switch.
//   - It takes LF for the end of the request line, and hides that it did.
//   - It refuses an empty Host, which RFC 9110 allows.
//   - A panic in Next, or in the function given to Switch, ends the process.
//   - After fasthttp.TimeoutHandler has given up on a handler, the handler still runs. With
//     StreamRequestBody it also still reads from the connection. Use TimeoutHandler as
//     Next, not around Handle.
//   - The handler of a switched request returns before the 101 is written. To middleware
//     the response looks like a 200; Decided tells what happened.
//   - The limits of a Server on connections and time do not apply to switched connections;
//     Server.Shutdown neither closes them nor waits for them. This package has nothing
//     like httpupgrade.Conns: count and close them in Serve.
//
// The rules are in packages upgrade, handshake and websocket, which work on fields and
// bytes. This package applies them to requests, responses and connections of fasthttp.
package fasthttpupgrade

import (
	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// Why an offer is ignored, in addition to the errors of [handshake.Offer].
var (
	// ErrConnect is [handshake.ErrConnect]: the request is a CONNECT.
	ErrConnect = handshake.ErrConnect

	// ErrContent: fasthttp and another recipient may see the end of the request, and so
	// the start of the new protocol, in different places, because
	//
	//   - Transfer-Encoding is other than chunked, or comes with Content-Length or in
	//     version 1.0;
	//   - a field line ends in LF without CR;
	//   - a field name contains a blank; or
	//   - the content is multipart/form-data of a known length, of which fasthttp may
	//     leave some unread.
	//
	// Handler, Switch and Refuse close the connection after the response.
	// [handshake.Status] of ErrContent is 400.
	ErrContent error = contentInDoubt{}
)

type contentInDoubt struct{}

func (contentInDoubt) Error() string { return "fasthttpupgrade: end of content in doubt" }

// Refusal is for handshake.Status.
func (contentInDoubt) Refusal() *Refusal { return badRequest }

// badRequest refuses a request after which no other can be served.
var badRequest = &Refusal{Status: fasthttp.StatusBadRequest, Fields: []handshake.Field{{Name: "Connection", Value: "close"}}}

// Offer returns the products that the request offers to switch to. An error says why it
// offers none: [ErrConnect], an error of [handshake.Offer], or [ErrContent]. After an
// error, serve the request as an ordinary one.
//
// A line of Connection or Upgrade counts if the client sent it in the head and no handler
// has removed or replaced it since. The List aliases the request and is valid as long as
// the request is.
func Offer(ctx *fasthttp.RequestCtx) (upgrade.List[[]byte], error) {
	header := &ctx.Request.Header
	h := readHead(header)
	return h.offer(header)
}

// offer is Offer for a head that has been read.
func (h *head) offer(header *fasthttp.RequestHeader) (upgrade.List[[]byte], error) {
	if header.IsConnect() {
		return upgrade.List[[]byte]{}, ErrConnect
	}
	major, minor := version(header)
	connection := standing(header, "Connection", h.connection)
	offered, err := handshake.Offer(major, minor, connection, standing(header, "Upgrade", h.upgrade))
	if err == nil && h.inDoubt(header) {
		return upgrade.List[[]byte]{}, ErrContent
	}
	return offered, err
}
