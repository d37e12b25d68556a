// Package fasthttpupgrade switches protocols in servers of
// [github.com/valyala/fasthttp]: [Handler] does all of it by a list of [Protocol]s,
// [Switch] one switch in a handler of one's own.
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
// fasthttp reads the request, content and all, and sends the 100 (Continue) that a
// client waits for, before it calls a handler. What it does otherwise than a switch
// needs is seen to here:
//
//   - Its own response 101 has Connection twice where it also means to close, and then,
//     as well as for HTTP/1.0 and 1.2, it never runs the function given to Hijack. So
//     the 101 is written here, behind its back, and it writes none.
//   - It takes for a wish to close only a line that is "close" to the letter, drops that
//     where another line of Connection follows, and hides the others where it comes last.
//     The lines are read as they were received.
//   - It adds the fields of trailers to those of the head. An Upgrade there is no offer.
//   - It accepts requests of which others may see the end elsewhere. Such an offer is
//     ignored, and the connection closed after the response: see [ErrContent].
//   - With Server.StreamRequestBody the handler is called before the content is there, and
//     what it leaves unread is taken for the next request. The content is read here before
//     a switch, up to a limit, and its chunks strictly; otherwise the connection is closed
//     after the response, unless the content was read. Of chunks fasthttp does not tell.
//   - The connection it gives away is none any more once its function has returned, when
//     fasthttp uses it for another client, and its Close does nothing. The one given to
//     the protocol is closed by Close, and for good when the protocol is done.
//
// The limits of a Server on connections, and on time, do not hold for connections that
// were switched; Server.Shutdown neither closes nor waits for them.
//
// The rules live in packages upgrade and handshake, on fields and bytes; this one
// knows requests, responses and connections of fasthttp.
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

	// ErrContent: fasthttp and others may not agree on where the request ends and the
	// new protocol would begin. It has a Transfer-Encoding that is not chunked alone,
	// has Content-Length as well, or is not of version 1.1; a line of the head ends in LF
	// without CR; or it is multipart/form-data of a known length, of which fasthttp may
	// leave some unread. Handler, Switch and Refuse close the connection after the
	// response. [handshake.Status] of it is 400.
	ErrContent error = contentInDoubt{}
)

type contentInDoubt struct{}

func (contentInDoubt) Error() string { return "fasthttpupgrade: end of content in doubt" }

// Refusal is for handshake.Status.
func (contentInDoubt) Refusal() *Refusal { return badRequest }

// badRequest refuses a request of which not even the next is to be served.
var badRequest = &Refusal{Status: fasthttp.StatusBadRequest, Fields: []handshake.Field{{Name: "Connection", Value: "close"}}}

// Offer returns the products that the request offers to switch to. Any error says why
// there are none, and that the request is to be served as an ordinary one: [ErrConnect],
// what [handshake.Offer] returns, or [ErrContent].
//
// A line of Connection or Upgrade counts if the client sent it in the head and no handler
// has removed or replaced it since. The List aliases the request, and is valid as long.
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
