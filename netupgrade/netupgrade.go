// Package netupgrade switches protocols on a net.Conn, without net/http. It is for proxies,
// for WebSocket libraries with a listener of their own, and for any other server that has a
// connection and expects one HTTP/1.1 request on it.
//
//	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}}}
//	for {
//		conn, err := listener.Accept()
//		if errors.Is(err, net.ErrClosed) {
//			return nil
//		}
//		if err != nil {
//			// Perhaps no file descriptor is left. Connections that end give some back.
//			time.Sleep(10 * time.Millisecond)
//			continue
//		}
//		// A goroutine for each: one silent client must not hold up the others.
//		go func() {
//			accepted, err := acceptor.Accept(conn)
//			if err != nil {
//				return // answered and closed
//			}
//			defer accepted.Conn.Close()
//			io.Copy(accepted.Conn, accepted.Conn)
//		}()
//	}
//
// [Client] is the other side: it offers a switch on a connection that the caller has
// dialed.
//
// Package head reads the heads, strictly; package chunked reads chunked content; package
// handshake decides whether an offer or an answer counts. This package knows connections,
// deadlines and content, but neither grammar nor policy. It keeps no buffer once the
// protocol has its connection.
//
// [Acceptor.Accept] returns what became of the request; the goroutine and the connection
// belong to the caller. So the caller counts, limits and ends connections. (In package
// httpupgrade, Conns does that.)
//
// A server that reads its bytes in another way, such as an event loop, uses packages head,
// chunked and handshake directly.
package netupgrade

import (
	"bytes"
	"errors"
	"math"
	"net"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/internal/socket"
	"github.com/gosegue/upgrade/websocket"
)

// Default bounds of an Acceptor.
const (
	DefaultMaxBody = 2 << 20          // bytes
	DefaultTimeout = 10 * time.Second // for a request and its answer
)

// Acceptor reads one request from a connection and switches to the protocol it offers.
// Its fields must not change while it is in use; the zero Acceptor declines every
// request.
type Acceptor struct {
	Protocols []Protocol  // in the server's order of preference
	Limits    head.Limits // of the head; the zero Limits are the defaults
	MaxBody   int64       // most bytes of content before a switch; 0: DefaultMaxBody; below 0: no content

	// Timeout bounds the request, content included, and its answer. 0:
	// DefaultTimeout. Below 0: no limit, so a client that sends nothing, or does not
	// read its answer, holds Accept until the caller closes the connection.
	Timeout time.Duration

	// KeepHead asks for a copy of the head in Accepted. Without it only Allow,
	// Check, Fields and Decline see the head.
	KeepHead bool

	// Decline is called, with the reason, for a request that has no valid offer, or
	// offers nothing that is supported and allowed. It answers with Respond or
	// Refuse, or takes the connection, with every byte of the request, with Unread.
	// If it does none of these, the connection is closed. Nil: Refuse with all of
	// Protocols.
	Decline func(*Request, error)
}

// Accepted is a connection that has been switched.
type Accepted struct {
	// These seven words and an error fill the registers for results. In memory they
	// would use the caller's stack.

	// Conn speaks the protocol: the next byte read is the first after the request.
	// It is the connection given to Accept, unless bytes of the protocol came early,
	// together with the request. Then Conn wraps that connection: it yields the early
	// bytes first, and has a CloseWrite method if and only if that connection has one.
	// Its method NetConn returns nil until the early bytes are read, and that
	// connection afterwards. Conn has no deadline, and the caller closes it.
	Conn net.Conn

	// Protocol is what Conn speaks, a *Protocol: one of Acceptor.Protocols. The type is
	// written out because the compiler of Go 1.23 fails on an alias that contains itself.
	Protocol *handshake.Protocol[*Request, func(Accepted)]

	Content []byte        // of the request; nil if it has none
	Head    *head.Request // a copy; nil unless Acceptor.KeepHead is set
}

// Product returns the product that the connection speaks, in the spelling of
// Acceptor.Protocols; the zero Product for the zero Accepted.
func (a Accepted) Product() upgrade.Product[string] {
	if a.Protocol == nil {
		return upgrade.Product[string]{}
	}
	return a.Protocol.Product
}

// Error says why [Acceptor.Accept] did not switch, and what was answered. It unwraps to
// Err.
type Error struct {
	Status int // of the response; 0 if there was none
	Err    error
}

// Error returns a text that has the status and the text of Err.
func (e *Error) Error() string {
	if e == nil {
		e = new(Error)
	}
	text := "netupgrade: not switched"
	if e.Status != 0 {
		text = "netupgrade: answered " + strconv.Itoa(e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Accept reads one request from conn, in any number of pieces, and switches to the first
// of Protocols that is offered, allowed and not refused. It does this in order: it reads
// the head, chooses the protocol, asks for its fields and builds the 101; it reads the
// content, after a 100 (Continue) if the client asks for one; it writes the 101, in one
// Write; it gives the buffers back.
//
// Every error is an [*Error]. By then the request has been answered, if possible, and the
// connection is closed, unless Decline took it. The answers:
//
//   - the head is malformed or too large: the status of the [*head.Error];
//   - the request began but did not end in time: 408 (Request Timeout);
//   - too much content: 413 (Content Too Large), at once if Content-Length or the size of
//     a chunk says so;
//   - malformed content: 400, and Err is a [*chunked.Error];
//   - no valid offer, or none that is supported and allowed: as Decline answers;
//   - every offered protocol is refused: the first [*Refusal];
//   - Allow, Check or Fields fails or panics: 500;
//   - the client leaves in the middle: no answer.
//
// A switch allocates only the content, the copy of the head and, if bytes came early, the
// connection that yields them. Accept may be called for any number of connections at
// once.
func (a *Acceptor) Accept(conn net.Conn) (accepted Accepted, err error) {
	// Steps leave their results in r and do not nest, to stay within the first
	// 2 KiB of stack: a stack that has grown to 4 KiB stays so for the life of the
	// connection.
	r := newRequest(conn)
	defer r.release()
	r.setDeadline(a.Timeout)
	if err = r.read(a.Limits); err != nil {
		err = r.fail(err)
		return
	}
	if err = r.offer(); err == nil {
		r.checkWebSocket()
		a.checkOrigin(r)
		err = a.choose(r)
	}
	if err != nil {
		err = a.decline(r, err)
		return
	}
	r.answerKey()
	if err = r.buildAnswer(); err != nil {
		err = r.failOwn(err)
		return
	}
	if err = a.finish(r); err != nil {
		err = r.fail(err)
		return
	}
	accepted = r.accepted
	return
}

// finish takes the steps after the 101 is built.
func (a *Acceptor) finish(r *Request) error {
	if err := r.readContent(a.maxBody()); err != nil {
		return err
	}
	if a.KeepHead {
		r.copyHead(a.Limits)
	}
	if err := r.write(r.answer); err != nil {
		return err
	}
	r.handOver()
	return nil
}

func (a *Acceptor) maxBody() int64 {
	if a.MaxBody == 0 {
		return DefaultMaxBody
	}
	return min(max(a.MaxBody, 0), math.MaxInt)
}

// offer leaves what the request offers in r. Its error says why the offer does not count.
func (r *Request) offer() error {
	if string(r.Method) == "CONNECT" {
		return ErrConnect
	}
	var err error
	r.offered, err = handshake.Offer(r.Major, r.Minor, r.Connection, r.Upgrade)
	return err
}

// choose leaves the protocol to switch to and its fields in r. After a refusal it leaves
// the protocol that was refused.
func (a *Acceptor) choose(r *Request) error {
	var err error
	r.protocol, r.fields, err = handshake.Choose(a.Protocols, r.offered, r, insist)
	if err == nil && r.gone {
		return errAnswered // by one of the functions, which must not do so
	}
	return err
}

// answerKey leaves the answer to the key in r if the protocol is WebSocket.
func (r *Request) answerKey() {
	r.accept = r.accept[:0]
	if socket.Is(r.protocol.Product) {
		r.accept = websocket.AppendAccept(r.accept, r.key)
	}
}

// buildAnswer builds in r.answer the 101 that switches to r.protocol.
func (r *Request) buildAnswer() error {
	var err error
	if len(r.accept) > 0 {
		r.answer, err = socket.AppendAccepted(r.answer[:0], r.protocol.Product, r.accept, r.fields...)
		return err
	}
	to := [...]upgrade.Product[string]{r.protocol.Product}
	r.answer, err = handshake.AppendSwitchingProtocols(r.answer[:0], to[:], r.fields...)
	return err
}

// handOver gives the connection to the caller.
func (r *Request) handOver() {
	r.gone = true
	r.conn.SetDeadline(time.Time{})
	r.accepted.Conn, r.accepted.Protocol = r.conn, r.protocol
	if r.next < len(r.buffer) {
		r.accepted.Conn = earlyconn.New(r.conn, bytes.Clone(r.buffer[r.next:]))
	}
}

// decline answers a request that does not switch, and returns the error of Accept.
func (a *Acceptor) decline(r *Request, err error) error {
	var refusal *Refusal
	switch {
	case r.protocol == nil && a.Decline == nil:
		r.Refuse(handshake.Supported(a.Protocols)...)
	case r.protocol == nil:
		if panicked := r.callDecline(a.Decline, err); panicked != nil {
			err = panicked
		}
	case errors.As(err, &refusal) && refusal != nil:
		if bad := r.refuse(refusal); bad != nil {
			return r.failOwn(bad)
		}
	default:
		return r.failOwn(err)
	}
	return &Error{r.status, err}
}

// callDecline calls the server's Decline. It recovers a panic, because the goroutine of
// Accept may have no other recover. It answers 500, unless Decline has answered, and
// returns the panic as an error.
func (r *Request) callDecline(decline func(*Request, error), err error) (panicked error) {
	defer func() {
		if v := recover(); v != nil {
			panicked = &PanicError{Value: v, Stack: debug.Stack()}
			r.Respond(500, nil) // which does nothing after another answer
		}
	}()
	decline(r, err)
	return nil
}

// failOwn answers a request that failed by a fault of the server.
func (r *Request) failOwn(err error) error {
	r.Respond(500, nil)
	return &Error{r.status, err}
}
