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
//   - If it means to close the connection, as for versions other than 1.1, its own 101 has
//     two lines of Connection, and it never calls the function given to Hijack. This
//     package writes the 101 itself, and has fasthttp write none.
//   - It closes the connection only for a Connection whose last line is exactly "close".
//     This package reads all lines, as they were received.
//   - It adds the fields of trailers to those of the head. An Upgrade in a trailer is no
//     offer.
//   - It serves requests whose end other recipients may see elsewhere. Such a request
//     offers nothing, and the connection is closed after the response: see [ErrContent].
//   - With Server.StreamRequestBody it calls the handler before it has read the content,
//     and takes what the handler leaves unread for the next request. Before a switch this
//     package reads the content, up to a limit, and its chunks strictly. Without one it
//     closes the connection after the response, unless the content was read.
//   - It does not check Host. Before a switch this package does, and refuses a request with
//     a malformed Host, or without Host, with 400.
//   - It recovers no panic. Those of a Protocol's functions, of Decided and of Error cost
//     one connection.
//   - It uses a connection that it gave away for another client as soon as its function
//     returns, and ignores Close. Close works on the connection that Serve gets, and after
//     Serve nothing can use it.
//
// # What fasthttp does all the same
//
//   - It compares Expect octet for octet and calls no handler before the content. A client
//     that sends 100-Continue gets no 100.
//   - Where neither a Handler nor Refuse nor Switch is asked, it keeps the connection open
//     after "Connection: Close", "keep-alive, close", and "close" before another line.
//   - Without StreamRequestBody it takes LF for the end of a line in trailers, and hides
//     that it did. A lone LF after the last chunk ends the content.
//   - With StreamRequestBody it does not tell whether chunked content was read. So a
//     request with chunks that is not switched costs its connection.
//   - It takes LF for the end of the request line, and hides that it did.
//   - It refuses an empty Host, which RFC 9110 allows.
//   - A panic in Next, or in the function given to Switch, ends the process.
//   - A handler that fasthttp.TimeoutHandler gave up still runs, and with
//     StreamRequestBody it still reads from the connection. Use TimeoutHandler as Next, and
//     not around Handle.
//   - The handler of a switched request returns before the 101 is written. To middleware
//     it looks like a 200; Decided tells what happened.
//   - The limits of a Server on connections and time do not hold for switched connections;
//     Server.Shutdown neither closes them nor waits for them. This package has nothing
//     like httpupgrade.Conns: count and close them in Serve.
//
// The rules are in packages upgrade, handshake and websocket, on fields and bytes. This
// package knows requests, responses and connections of fasthttp, and decides nothing.
package fasthttpupgrade

import (
	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// Why an offer is ignored, besides what [handshake.Offer] says.
var (
	// ErrConnect is [handshake.ErrConnect]: the request is a CONNECT.
	ErrConnect = handshake.ErrConnect

	// ErrContent: fasthttp and another recipient may see the end of the request in
	// different places, and so the start of the new protocol. The request has a
	// Transfer-Encoding that is not chunked alone, or that stands beside
	// Content-Length or in version 1.0; or a field line ends in LF without CR, or its
	// name has a blank in it; or it is multipart/form-data of a known length, of which
	// fasthttp may leave some unread. Handler, Switch and Refuse close the connection
	// after the response.
	// [handshake.Status] of ErrContent is 400.
	ErrContent error = contentInDoubt{}
)

type contentInDoubt struct{}

func (contentInDoubt) Error() string { return "fasthttpupgrade: end of content in doubt" }

// Refusal is for handshake.Status.
func (contentInDoubt) Refusal() *Refusal { return badRequest }

// badRequest refuses a request after which no other can be served.
var badRequest = &Refusal{Status: fasthttp.StatusBadRequest, Fields: []handshake.Field{{Name: "Connection", Value: "close"}}}

// Offer returns the products that the request offers to switch to. An error says why
// there are none: [ErrConnect], what [handshake.Offer] returns, or [ErrContent]. Serve the
// request as an ordinary one then.
//
// A line of Connection or Upgrade counts if the client sent it in the head and no handler
// has removed or replaced it since. The List aliases the request and is valid as long.
func Offer(ctx *fasthttp.RequestCtx) (upgrade.List[[]byte], error) {
	header := &ctx.Request.Header
	h := readHead(header)
	return h.offer(header)
}

// offer is Offer for a head that was read.
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
