// Package netupgrade switches protocols on a net.Conn, without net/http: for proxies,
// WebSocket libraries with a listener of their own, and servers of any other kind that
// hold a connection on which one HTTP/1.1 request is to come.
//
//	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}}}
//	for {
//		conn, err := listener.Accept()
//		if err != nil {
//			return err
//		}
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
// It reads the head of the request by package head, strictly, and asks package
// handshake whether the offer counts. It knows connections, deadlines and content; it
// keeps no buffer once the protocol has its connection.
//
// A stack that reads its bytes in another way, as an event loop does, uses those two
// packages without this one.
package netupgrade

import (
	"bytes"
	"errors"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/websocket"
)

// Protocol is a protocol to which an [Acceptor] can switch, and when and how.
type Protocol struct {
	// Product is the protocol's name and, if it has one, version. It matches
	// only an offer of the same version; one of the zero Product never.
	Product upgrade.Product[string]

	// Allow is the server's judgement on a request that offers Product, by its
	// method, its target, the load: false leaves it to the next Protocol. Nil
	// allows all.
	Allow func(*Request) bool

	// Fields returns further fields for the 101, or a [*Refusal], possibly
	// wrapped, to answer that instead of switching; any other error is answered
	// with 500. Nil adds none.
	Fields func(*Request) ([]handshake.Field, error)

	webSocket bool // the request is checked and its key answered before Fields
}

var webSocket = upgrade.MustParseProduct("websocket")

// WebSocket returns the Protocol for WebSocket, which checks the request and answers
// its key by package websocket. A request by another method than GET is refused with
// 405, of another version of the protocol than 13 with 426 and that version, and without
// a well-formed key with 400. Allow and Fields are the caller's to set, for Origin,
// subprotocols and extensions.
func WebSocket() Protocol { return Protocol{Product: webSocket, webSocket: true} }

// Refusal is an error by which [Protocol].Fields says to answer a request with a final
// response of that status (200 to 599) and those fields, without content, instead of
// switching to that protocol. Connection, Content-Length, Transfer-Encoding and Trailer
// are not its to give. A 426 (Upgrade Required) is given the field Upgrade that it must
// have.
type Refusal struct {
	Status int
	Fields []handshake.Field
}

// Error returns a text with the status.
func (e *Refusal) Error() string {
	return "netupgrade: refused with status " + strconv.Itoa(e.Status)
}

// ErrConnect says that the request is a CONNECT, whose connection has a use already: an
// offer in it is ignored. Bytes may follow that are no HTTP, so who refuses it must close
// the connection (RFC 9931).
var ErrConnect = errors.New("netupgrade: CONNECT cannot upgrade")

// Default bounds of an Acceptor.
const (
	DefaultMaxBody = 2 << 20          // bytes
	DefaultTimeout = 10 * time.Second // for a request and its answer
)

// Acceptor reads one request from a connection and switches to the protocol it offers.
// Its fields must not change while it is in use; the zero Acceptor declines every
// request.
type Acceptor struct {
	Protocols []Protocol    // in the server's order of preference
	Limits    head.Limits   // of the head; the zero Limits are the defaults
	MaxBody   int64         // bytes of content read before a switch; 0: DefaultMaxBody; below 0: none
	Timeout   time.Duration // for the request, content included, and its answer; 0: DefaultTimeout; below 0: none

	// KeepHead asks for a copy of the head in Accepted. Without it the head is
	// there for Allow and Fields alone.
	KeepHead bool

	// Decline is called for a request without a valid offer, or with none that is
	// supported and allowed, with the reason. It answers by a method of the
	// Request, or takes the connection with every byte of the request by Unread;
	// if it does neither, the connection is closed. Nil: Refuse with all of
	// Protocols.
	Decline func(*Request, error)
}

// Accepted is a connection that has been switched.
type Accepted struct {
	// Seven words, which with an error are as many as are returned in registers.
	// In memory they would take up the caller's stack.

	// Conn speaks the protocol: the next byte read is the first behind the
	// request. It is the bare connection, unless bytes had come early: then one
	// that yields them first, with a CloseWrite method exactly if the bare one has
	// it, and with a method NetConn that returns the bare one once they are read and
	// nil before.
	// It has no deadline and is the caller's to close.
	Conn net.Conn

	Protocol *Protocol     // what it speaks: one of Acceptor.Protocols
	Content  []byte        // of the request; nil if it has none
	Head     *head.Request // a copy, with KeepHead
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

// Error returns a text with that of Err and the status.
func (e *Error) Error() string {
	if e.Status == 0 {
		return "netupgrade: not switched: " + e.Err.Error()
	}
	return "netupgrade: answered " + strconv.Itoa(e.Status) + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Accept reads one request from conn, in whatever pieces it comes, and switches to the
// first of Protocols that is offered, allowed and not refused. In this order: the head
// is read, the protocol chosen, its fields asked for, the 101 built; the content read,
// with a 100 (Continue) before it if the client waits for one; the 101 written, in one
// Write; the buffers given back.
//
// Any error is an [*Error]. By then the request has been answered, if it could be, and
// the connection closed; unless Decline took it. A head that is malformed or too large
// is answered with the status of its [*head.Error]; one that does not end in time with
// 408 (Request Timeout); too much content with 413 (Content Too Large), at once if
// Content-Length or the size of a chunk says so; content that is malformed with 400, and
// a [*chunked.Error]; an offer that does not count, as Decline says. A client that leaves
// in the middle is not answered.
//
// A switch allocates nothing but the content, the copy of the head, and, if bytes came
// early, the connection that yields them. Accept may be called for any number of
// connections at once.
func (a *Acceptor) Accept(conn net.Conn) (accepted Accepted, err error) {
	// What a step finds is left in r and not in this frame, and no step calls the
	// next: a goroutine that has outgrown its first 2 KiB of stack keeps 4 for as
	// long as the connection lasts.
	r := newRequest(conn)
	defer r.release()
	r.setDeadline(a.Timeout)
	if err = r.read(a.Limits); err != nil {
		err = r.fail(err)
		return
	}
	if err = a.choose(r); err != nil {
		err = a.decline(r, err)
		return
	}
	if err = r.buildAnswer(); err != nil {
		err = a.decline(r, &internalError{err})
		return
	}
	if err = a.finish(r); err != nil {
		err = r.fail(err)
		return
	}
	accepted = r.accepted
	return
}

// finish does what is left when the 101 has been built.
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

// choose finds the first protocol that is offered, allowed and not refused, and leaves
// it and its fields in r. Its error is the first refusal, or why the offer does not
// count.
func (a *Acceptor) choose(r *Request) error {
	if string(r.Method) == "CONNECT" {
		return ErrConnect
	}
	offered, err := handshake.Offer(r.Major, r.Minor, r.Connection, r.Upgrade)
	if err != nil {
		return err
	}
	err = handshake.ErrNotSupported
	for i := range a.Protocols {
		p := &a.Protocols[i]
		if !offered.Offers(p.Product) || p.Allow != nil && !p.Allow(r) {
			continue
		}
		refused := r.ask(p)
		if refused == nil {
			r.protocol = p
			return nil
		}
		var refusal *Refusal
		if !errors.As(refused, &refusal) {
			return &internalError{refused}
		}
		if err == handshake.ErrNotSupported {
			r.protocol, err = p, refused
		}
	}
	return err
}

// internalError is an error of the server's own making.
type internalError struct{ error }

func (e *internalError) Unwrap() error { return e.error }

// ask asks p for its fields, or for its reason to refuse.
func (r *Request) ask(p *Protocol) error {
	r.fields = nil
	if p.webSocket {
		if err := r.checkWebSocket(); err != nil {
			return err
		}
	}
	if p.Fields == nil {
		return nil
	}
	var err error
	r.fields, err = p.Fields(r)
	return err
}

// buildAnswer builds the 101 that switches to r.protocol in r.answer.
func (r *Request) buildAnswer() error {
	var err error
	to := [...]upgrade.Product[string]{r.protocol.Product}
	r.answer, err = handshake.AppendSwitchingProtocols(r.answer[:0], to[:], r.fields...)
	if err != nil || !r.protocol.webSocket {
		return err
	}
	// In front of the empty line. As a handshake.Field it would be a string, which
	// is an allocation.
	r.answer = append(r.answer[:len(r.answer)-len("\r\n")], "Sec-WebSocket-Accept: "...)
	r.answer = websocket.AppendAccept(r.answer, r.key)
	r.answer = append(r.answer, "\r\n\r\n"...)
	return nil
}

// handOver makes the connection the caller's.
func (r *Request) handOver() {
	r.gone = true
	r.conn.SetDeadline(time.Time{})
	r.accepted.Conn, r.accepted.Protocol = r.conn, r.protocol
	if r.next < len(r.buffer) {
		r.accepted.Conn = earlyconn.New(r.conn, bytes.Clone(r.buffer[r.next:]))
	}
}

// checkWebSocket checks what WebSocket asks of the request, and leaves its key in
// r.key.
func (r *Request) checkWebSocket() error {
	method := "GET"
	if string(r.Method) != method {
		method = "" // no string has to be made of any other
	}
	var room [2][]byte // for one of each, and only with that it is a switch
	version := r.Lines(room[:0:1], "Sec-WebSocket-Version")
	key := r.Lines(room[1:1], "Sec-WebSocket-Key")
	switch websocket.Check(method, version, key) {
	case nil:
		r.key = key[0]
		return nil
	case websocket.ErrMethod:
		return &Refusal{405, []handshake.Field{{Name: "Allow", Value: "GET"}}}
	case websocket.ErrVersion:
		return &Refusal{426, []handshake.Field{{Name: "Sec-WebSocket-Version", Value: websocket.Version}}}
	default:
		return &Refusal{400, nil}
	}
}

// decline answers a request that is not switched, and returns the error that says so.
func (a *Acceptor) decline(r *Request, err error) error {
	var refusal *Refusal
	var internal *internalError
	switch {
	case errors.As(err, &internal):
		r.Respond(500, nil)
		err = internal.error
	case errors.As(err, &refusal):
		if bad := r.refuse(refusal); bad != nil {
			r.Respond(500, nil)
			err = bad
		}
	case a.Decline != nil:
		a.Decline(r, err)
	default:
		supported := make([]upgrade.Product[string], len(a.Protocols))
		for i, p := range a.Protocols {
			supported[i] = p.Product
		}
		r.Refuse(supported...)
	}
	return &Error{r.status, err}
}
