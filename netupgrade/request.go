package netupgrade

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/chunked"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/internal/products"
)

// Request is a request whose head has been read and that is not answered yet. It and every
// slice of its head are valid only during the call that receives it.
//
// Only [Acceptor].Decline may call [Request.Respond], [Request.Refuse] or
// [Request.Unread], and only one of them, once.
type Request struct {
	head.Request

	conn     net.Conn
	gone     bool      // whether conn was given away or closed
	deadline time.Time // of the request and its answer; zero if there is none
	buffer   []byte    // what was read
	headEnd  int       // in buffer: the end of the head
	next     int       // in buffer: the end of the head, later of the content
	answer   []byte    // room for the head of the response
	offered  upgrade.List[[]byte]
	key      []byte                                        // of WebSocket, in buffer
	accept   []byte                                        // the answer to key, not in buffer
	protocol *handshake.Protocol[*Request, func(Accepted)] // a *Protocol, to switch to, or the first one to refuse
	fields   []handshake.Field                             // of its 101
	accepted Accepted
	status   int // of the response; 0 if there is none

	refused error // why the request is not a WebSocket handshake
	foreign error // why a WebSocket Protocol without a Check refuses it
}

// Sizes of the buffers of a request. Most heads fit the first. A buffer larger than the
// second is not kept.
const (
	bufferSize    = 4 << 10
	maxBufferKept = 64 << 10
)

var requests = sync.Pool{New: func() any {
	return &Request{buffer: make([]byte, 0, bufferSize)}
}}

func newRequest(conn net.Conn) *Request {
	r := requests.Get().(*Request)
	r.conn = conn
	return r
}

// release closes the connection, unless it was given away, and gives the buffers back.
func (r *Request) release() {
	if !r.gone {
		r.conn.Close()
	}
	if cap(r.buffer) > maxBufferKept || cap(r.answer) > maxBufferKept {
		return
	}
	r.Request.Reset()
	r.conn, r.gone, r.deadline, r.protocol, r.key = nil, false, time.Time{}, nil, nil
	r.offered, r.refused, r.foreign = upgrade.List[[]byte]{}, nil, nil
	r.fields, r.accepted = nil, Accepted{}
	r.buffer, r.answer = r.buffer[:0], r.answer[:0]
	r.headEnd, r.next, r.status = 0, 0, 0
	requests.Put(r)
}

// setDeadline starts the time that the request has.
func (r *Request) setDeadline(timeout time.Duration) {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if timeout > 0 {
		// If this fails, so does the next Read.
		r.deadline = time.Now().Add(timeout)
		r.conn.SetDeadline(r.deadline)
	}
}

// read reads the head.
func (r *Request) read(limits head.Limits) error {
	for {
		n, err := r.Parse(r.buffer, limits)
		if n > 0 || err != nil {
			r.headEnd, r.next = n, n
			return err
		}
		// As in readMore, but with one call fewer, to save stack.
		r.makeRoom()
		n, err = r.conn.Read(r.buffer[len(r.buffer):cap(r.buffer)])
		r.buffer = r.buffer[:len(r.buffer)+n]
		if n == 0 && err != nil {
			return err
		}
	}
}

// readMore reads more into the buffer. The end of the stream is an error.
func (r *Request) readMore() error {
	r.makeRoom()
	n, err := r.conn.Read(r.buffer[len(r.buffer):cap(r.buffer)])
	r.buffer = r.buffer[:len(r.buffer)+n]
	if n > 0 {
		return nil // the next Read returns the error again
	}
	return err
}

// makeRoom makes room at the end of the buffer if there is none.
func (r *Request) makeRoom() {
	if len(r.buffer) == cap(r.buffer) {
		r.buffer = append(r.buffer, 0)[:len(r.buffer)]
	}
}

// copyHead leaves in r.accepted a copy of the head that is independent of the buffer.
func (r *Request) copyHead(limits head.Limits) {
	r.accepted.Head = new(head.Request)
	// Parse accepted these bytes before.
	r.accepted.Head.Parse(bytes.Clone(r.buffer[:r.headEnd]), limits)
}

// Addr returns the address of the client.
func (r *Request) Addr() net.Addr {
	if r.conn == nil {
		return nil
	}
	return r.conn.RemoteAddr()
}

// Unread returns the connection as if nothing had been read from it: it yields the request
// first, octet for octet, and then the bytes after it. The connection has no deadline and
// outlives the Request, and the caller closes it. Its methods CloseWrite and NetConn are as
// in [Accepted]. Unread returns nil if the request has been answered or taken already.
//
// The Acceptor does not see later requests on the connection. A proxy sends requests of
// many clients over one connection, and a later one may offer a switch. So the server that
// goes on with the connection should know how to switch, as net/http does with package
// httpupgrade, or end the connection after its response.
func (r *Request) Unread() net.Conn {
	if r.gone || r.conn == nil {
		return nil
	}
	r.gone = true
	r.conn.SetDeadline(time.Time{})
	return earlyconn.New(r.conn, bytes.Clone(r.buffer))
}

// fail answers a request that could not be read, if the client may still read the answer.
// It returns the error of Accept.
func (r *Request) fail(err error) error {
	var malformed *head.Error
	var content *chunked.Error
	switch {
	case errors.As(err, &malformed):
		r.Respond(malformed.Status(), nil)
	case errors.As(err, &content):
		r.Respond(content.Status(), nil)
	case errors.Is(err, errTooLarge):
		r.Respond(413, nil)
	case errors.Is(err, os.ErrDeadlineExceeded) && len(r.buffer) > 0:
		r.Respond(408, nil)
	case err == io.EOF && len(r.buffer) > 0:
		err = io.ErrUnexpectedEOF
	}
	return &Error{r.status, err}
}

// Refuse answers 426 (Upgrade Required), which names the protocols that the client may
// choose from, and closes the connection. To HTTP/1.0, which cannot upgrade, it answers
// 505 (HTTP Version Not Supported); to CONNECT, or if there is no protocol to name, 501
// (Not Implemented).
func (r *Request) Refuse(supported ...upgrade.Product[string]) error {
	supported = products.Distinct(supported)
	switch {
	case r.Minor == 0:
		return r.Respond(505, nil)
	case len(supported) == 0 || string(r.Method) == "CONNECT":
		return r.Respond(501, nil)
	}
	var err error
	r.answer, err = handshake.AppendUpgradeRequired(r.answer[:0], supported, handshake.Field{Name: "Connection", Value: "close"})
	if err != nil {
		return err
	}
	return r.send(426)
}
