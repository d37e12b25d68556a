package netupgrade

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/earlyconn"
	"github.com/gosegue/upgrade/internal/headpool"
)

// This file is the client's side: one offer on a connection that the caller has dialed,
// and its answer. It knows connections, deadlines and contexts. Package head reads the
// heads; package handshake builds and judges them.

// ErrInterim says that the server sent more than 16 interim responses in a row.
var ErrInterim = errors.New("netupgrade: too many interim responses")

const maxInterim = 16

// Client makes offers on connections that the caller has dialed. The zero Client is ready
// for use. A Client may be used for any number of connections at once; its fields must not
// change meanwhile.
type Client struct {
	// Limits bound each head that the server sends, interim responses included; the
	// zero Limits are the defaults.
	Limits head.Limits

	// Timeout bounds the whole handshake, content included. 0 means DefaultTimeout;
	// below 0 only the context bounds it.
	Timeout time.Duration

	// Interim, if set, is called for each interim response: any 1xx except 101, such as 103
	// (Early Hints). The Response is valid during the call. An error ends the handshake.
	Interim func(*head.Response) error
}

// Offer is a request that offers to switch.
type Offer struct {
	// Products are the protocols to which the server may switch, in the client's order
	// of preference. There must be at least one.
	Products []upgrade.Product[string]

	// Host is the host of the target URI, with its port if that is not the default one.
	// It is empty if the URI has none, as on a Unix socket.
	Host string

	Method string // empty: GET
	Target string // the request target; empty: "/"

	// Options are further options of Connection: the names of fields that are meant
	// only for the next hop, such as HTTP2-Settings. Each must name one of Fields.
	Options []string

	// Fields are further fields. Connection, Upgrade, Host, Content-Length,
	// Transfer-Encoding and Trailer must not be among them.
	Fields []handshake.Field

	// Content is the content of the request.
	Content []byte
}

// Switched is a connection that has been switched.
type Switched struct {
	// Conn speaks the new protocol: the next byte read is the first one after the 101. It
	// is the connection given to Upgrade, unless bytes of the protocol came together with
	// the 101. Then Conn wraps that connection: it yields those bytes first, and has a
	// CloseWrite method if and only if that connection has one. Conn has no deadline, and
	// the caller closes it.
	Conn net.Conn

	// Products are the protocols of the connection, in the spelling of the offer: one
	// product, or several from the lowest layer up.
	Products []upgrade.Product[string]

	// Head is the head of the 101.
	Head *head.Response
}

// Declined is the error if the server answers the offer with an ordinary response: any
// final status, such as 200, 401 or 426 (Upgrade Required). It unwraps to
// [handshake.ErrStatus].
type Declined struct {
	// Head is the head of the response.
	Head *head.Response

	// Conn yields the whole response, from its status line on, and then all that the server
	// sends later. http.ReadResponse can read it. Conn has no deadline, and the caller closes
	// it: the server may have kept it open for another request.
	Conn net.Conn
}

// Error returns a text with the status.
func (d *Declined) Error() string {
	if d == nil || d.Head == nil {
		return "netupgrade: server declined the upgrade"
	}
	return "netupgrade: server declined the upgrade with status " + strconv.Itoa(d.Head.Status)
}

// Unwrap returns [handshake.ErrStatus].
func (*Declined) Unwrap() error { return handshake.ErrStatus }

// Upgrade makes the offer on conn and reads the answer. It writes the request, content
// included, in one Write before it reads. The caller gets the connection after the 101, so
// nothing of the new protocol can be sent before it. If a server answers and closes before
// it has read the content, Upgrade may return the error of the Write and not the answer.
// It skips at most 16 interim responses. [handshake.Switched] judges the 101.
//
// If the server answers with an ordinary response, the error is a [*Declined], and its Conn
// belongs to the caller. After any other error conn is closed, even if the offer was
// malformed. These errors are, in this order: the error of the context, if it has ended
// already; an error of SetDeadline; those of [handshake.AppendOffer]; the error of the
// Write; those of the Reads, with [io.ErrUnexpectedEOF] for the end of the connection; a
// [*head.Error]; [ErrInterim] or the error of Interim; those of handshake.Switched.
//
// If ctx ends, the handshake ends at once with the context's error; if Timeout passes, with
// [os.ErrDeadlineExceeded]. Neither affects a connection that has been returned, and no
// deadline that was set before is left on it.
//
// conn may be any connection on which a request may be sent. A TLS connection must not have
// negotiated HTTP/2: its tls.Config should have only "http/1.1" in NextProtos. A WebSocket
// client sends a key from [websocket.AppendKey], and checks the fields of the 101 with
// [websocket.CheckAccept].
//
// A switch allocates the head of the 101, Products and, if bytes came early, the connection
// that yields them. With a ctx that can end, it may allocate more.
//
// [websocket.AppendKey]: https://pkg.go.dev/github.com/gosegue/upgrade/websocket#AppendKey
// [websocket.CheckAccept]: https://pkg.go.dev/github.com/gosegue/upgrade/websocket#CheckAccept
// [os.ErrDeadlineExceeded]: https://pkg.go.dev/os#ErrDeadlineExceeded
func (c *Client) Upgrade(ctx context.Context, conn net.Conn, o Offer) (Switched, error) {
	kept := false
	defer func() {
		if !kept { // a panic of Interim included
			conn.Close()
		}
	}()
	if err := ctx.Err(); err != nil {
		return Switched{}, err
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { interrupt(conn) })
		defer stop()
	}
	a := new(answer)
	err := c.exchange(conn, &o, a)
	if err == nil {
		// From here on the context has no effect, unless it had one already.
		if !stop() {
			err = ctx.Err()
		} else if cleared := conn.SetDeadline(time.Time{}); c.Timeout >= 0 {
			err = cleared
		}
	}
	if err != nil {
		if ended := ctx.Err(); ended != nil {
			err = ended // which is why the connection failed
		}
		return Switched{}, err
	}
	if a.Status != 101 {
		kept = true
		return Switched{}, &Declined{&a.Response, earlyconn.New(conn, a.buffer)}
	}
	if err := a.accept(o.Products); err != nil {
		return Switched{}, err
	}
	kept = true
	switched := conn // a second variable: if conn changed, AfterFunc would have it allocated
	if a.end < len(a.buffer) {
		switched = earlyconn.New(conn, a.buffer[a.end:])
	}
	return Switched{switched, a.products, &a.Response}, nil
}

// interrupt makes a Read or Write of conn in another goroutine fail.
func interrupt(conn net.Conn) {
	if conn.SetDeadline(time.Unix(1, 0)) != nil {
		conn.Close() // it may not support deadlines
	}
}

// exchange sends the offer and reads the answer.
func (c *Client) exchange(conn net.Conn, o *Offer, a *answer) error {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if timeout > 0 {
		if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
	}
	if err := o.write(conn); err != nil {
		return err
	}
	return c.read(conn, a)
}

// write writes the request in one Write.
func (o *Offer) write(conn net.Conn) error {
	for i, f := range o.Fields {
		if len(f.Name) == len("Content-Length") && strings.EqualFold(f.Name, "Content-Length") {
			return &handshake.ResponseError{Index: i, Name: f.Name, Err: handshake.ErrReserved}
		}
	}
	method, target := o.Method, o.Target
	if method == "" {
		method = "GET"
	}
	if target == "" {
		target = "/"
	}
	buffer := headpool.Get()
	defer headpool.Put(buffer)
	request, err := handshake.AppendOffer(buffer.B, method, target, o.Host, o.Products, o.Options, o.Fields...)
	if err != nil {
		return err
	}
	// A method that expects content sends a length even if there is none (RFC 9110,
	// section 8.6).
	if len(o.Content) > 0 || method == "POST" || method == "PUT" || method == "PATCH" {
		request = append(request[:len(request)-len("\r\n")], "Content-Length: "...)
		request = strconv.AppendInt(request, int64(len(o.Content)), 10)
		request = append(request, "\r\n\r\n"...)
		request = append(request, o.Content...)
	}
	if cap(request) <= maxBufferKept {
		buffer.B = request
	}
	n, err := conn.Write(request)
	if err == nil && n < len(request) {
		err = io.ErrShortWrite
	}
	return err
}

// answer is the final response, with room for the head and products of nearly every 101.
// It is one allocation, and a Switched keeps it.
type answer struct {
	head.Response
	buffer     []byte // what was read, from the first byte of the last head on
	end        int    // of the head, in buffer
	products   []upgrade.Product[string]
	connection [1][]byte
	upgrade    [1][]byte
	product    [1]upgrade.Product[string]
	room       [answerSize]byte
}

// answerSize is the first room for a head. Every 101 that we have recorded fits: the
// longest has 336 octets, the others up to 203. With this size an answer fits the
// allocator's class of 768 bytes. The next ones are 896 and 1024.
const answerSize = 368

// maxEmptyReads is how many Reads in a row without bytes or an error end the handshake.
const maxEmptyReads = 100

// read reads up to the end of the first head that is not an interim response.
func (c *Client) read(conn net.Conn, a *answer) error {
	a.Connection, a.Upgrade = a.connection[:0], a.upgrade[:0]
	a.buffer = a.room[:0]
	interim, empty := 0, 0
	for {
		var err error
		a.end, err = a.Parse(a.buffer, c.Limits)
		switch {
		case err != nil:
			return err
		case a.end > 0 && (a.Status >= 200 || a.Status == 101):
			return nil
		case a.end > 0:
			if interim++; interim > maxInterim {
				return ErrInterim
			}
			if c.Interim != nil {
				if err := c.Interim(&a.Response); err != nil {
					return err
				}
			}
			a.buffer = a.buffer[:copy(a.buffer, a.buffer[a.end:])]
			continue
		}
		if len(a.buffer) == cap(a.buffer) {
			a.buffer = append(a.buffer, 0)[:len(a.buffer)]
		}
		n, err := conn.Read(a.buffer[len(a.buffer):cap(a.buffer)])
		a.buffer = a.buffer[:len(a.buffer)+n]
		switch {
		case n > 0:
			empty = 0 // the next Read returns the error again
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		default:
			if empty++; empty == maxEmptyReads {
				return io.ErrNoProgress
			}
		}
	}
}

// accept judges a 101 and leaves its products in a, in the spelling of the offer.
func (a *answer) accept(offered []upgrade.Product[string]) error {
	chosen, err := handshake.Switched(a.Status, a.Major, a.Minor, a.Connection, a.Upgrade, offered...)
	if err != nil {
		return err
	}
	a.products = a.product[:0]
	for p := range chosen.All() {
		for _, q := range offered {
			if p.Matches(q) {
				a.products = append(a.products, q)
				break
			}
		}
	}
	return nil
}
