package httpupgrade

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/headpool"
	"github.com/gosegue/upgrade/internal/products"
)

// This file is the client's side for net/http: it adds an offer to a request, and takes
// the connection out of a response. It has no grammar and no rules of its own. It knows
// what http.Transport does to both messages.

// ErrDeclined says that the server answered an offer with an ordinary response, which can
// be read as usual.
var ErrDeclined = errors.New("httpupgrade: server declined the upgrade")

// Why a 101 is of no use, although the response itself may be valid.
var (
	errEarly = errors.New("httpupgrade: server switched before the request was sent whole")

	errNotWritable = errors.New("httpupgrade: the round tripper hides the connection: its Body has no Write. " +
		"An http.Client with a Timeout does so; use its Transport, and bound the request by its context")

	errEmptyLine = errors.New("httpupgrade: net/http does not see a switch in a 101 if the first Upgrade line is empty")

	errClose = fmt.Errorf("httpupgrade: net/http removed Connection from the 101, because it contains close: %w", handshake.ErrNoOption)
)

const useHTTP1 = "the round tripper speaks HTTP/2, which has no Upgrade; use a nil one, or a Transport whose TLSNextProto is an empty map"

// ownTransport is the RoundTripper that nil stands for.
var ownTransport = &http.Transport{
	Proxy: http.ProxyFromEnvironment,
	// Only HTTP/1.1. An offer over HTTP/2 is an error, unless it is exactly websocket:
	// for that net/http uses HTTP/1.1.
	TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
	TLSClientConfig:     &tls.Config{NextProtos: []string{"http/1.1"}},
	TLSHandshakeTimeout: 10 * time.Second,
	// A switch uses up its connection, so there is no connection to keep.
	DisableKeepAlives: true,
}

// RoundTrip sends r with an offer to switch to one of the products, in the client's order
// of preference. It returns the connection once the server has switched. Reads begin at
// the first byte after the 101. [Switched] tells from the response what the server
// switched to. The Body of the response is empty.
//
//	r, _ := http.NewRequestWithContext(ctx, "GET", "http://localhost:8080/echo", nil)
//	conn, resp, err := httpupgrade.RoundTrip(nil, r, echo)
//	if errors.Is(err, httpupgrade.ErrDeclined) {
//		defer resp.Body.Close() // an ordinary response, such as 200 or 401
//	}
//
// rt is usually an [http.Transport]. Nil stands for one that speaks only HTTP/1.1, opens
// a fresh connection each time, and takes proxies from the environment. RoundTrip does
// not change r. It sets Upgrade and Connection in a copy. Other options of r's Connection
// stay; each must name a field of r, such as HTTP2-Settings for h2c. r.Close is ignored.
//
// # Errors
//
// With [ErrDeclined], RoundTrip also returns the response, whatever its status; the
// caller reads and closes the Body. An error that wraps ErrDeclined tells more about the
// cause.
//
// After any other error there is nothing to close. There are three cases:
//
//   - The offer or r's Connection is malformed, and nothing was sent. The error is one of
//     [handshake.AppendOffer], or a [*handshake.FieldError] for Connection.
//   - rt failed, and the error is or wraps that of rt.
//   - The 101 does not switch. RoundTrip closes the connection and returns the response,
//     so that the caller can see its head.
//
// The last case has the errors of [Switched], a failure to send the rest of the request,
// and these traps of net/http:
//
//   - The 101 came before the whole request was sent, content included: the rest of the
//     content could mix with the new protocol. This is also the error if the content
//     waits for a 100 (Continue) and a 101 comes instead.
//     net/http reports that a request is written some microseconds before it is: a 101
//     that comes in between passes.
//   - The Body of the 101 has no Write: an [http.Client] with a Timeout hides the
//     connection. Limit the request by its context instead.
//   - The first Upgrade line of the 101 is empty. That is valid, but net/http hides the
//     connection.
//   - The 101 has "Connection: close, Upgrade". That is valid, but net/http removes
//     Connection and closes the connection.
//
// RoundTrip cannot make http.Transport as strict as package netupgrade. Bare line feeds
// and folded lines in the head pass. A Transport may send the offer again on a fresh
// connection if the server has closed an idle one. If rt negotiates HTTP/2 over TLS,
// net/http refuses Upgrade, except that it uses HTTP/1.1 for an offer of exactly
// websocket.
//
// # The connection
//
// The context of r limits only the handshake. If rt is an http.Transport or nil, the
// connection has addresses and deadlines that work. No deadline is set. The connection
// has a CloseWrite method if and only if the Transport's connection has one. Until early
// octets are read, two goroutines must not call Read at once: net/http does not lock the
// buffer that holds those octets.
//
// Any other round tripper may send more requests than this one, so RoundTrip cannot know
// which connection belongs to r. Then a method that sets a deadline returns an error that
// wraps [errors.ErrUnsupported], the addresses are empty, and there is no CloseWrite.
func RoundTrip(rt http.RoundTripper, r *http.Request, offered ...upgrade.Product[string]) (net.Conn, *http.Response, error) {
	var sent sending
	offer, err := sent.offer(r, offered)
	if err != nil {
		if r.Body != nil {
			r.Body.Close() // as any RoundTripper does
		}
		return nil, nil, err
	}
	if rt == nil {
		rt = ownTransport
	}
	resp, err := rt.RoundTrip(offer)
	if err != nil {
		if sent.overHTTP2() {
			err = fmt.Errorf("httpupgrade: %s: %w", useHTTP1, err)
		}
		return nil, nil, err
	}
	if resp.Body == nil {
		resp.Body = http.NoBody // as in http.Client: not every RoundTripper keeps to its contract
	}
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols && resp.ProtoMajor > 1:
		return nil, resp, fmt.Errorf("%w: %s", ErrDeclined, useHTTP1)
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, resp, ErrDeclined
	}
	conn, err := sent.take(rt, r, resp, offered)
	if err != nil {
		resp.Body.Close()
	}
	// A caller that closes every Body must not close the connection that way.
	resp.Body = http.NoBody
	return conn, resp, err
}

// sending holds what the transport reports of a request while it sends the request. If
// the transport tries again on another connection, the last try counts.
type sending struct {
	mu       sync.Mutex
	conn     net.Conn      // nil if the transport reports nothing
	written  chan struct{} // closed when the transport has written the request, or failed to
	failed   error         // the error of the writing
	answered bool          // the first byte of the answer has come
	early    bool          // it came before the request was written
	content  *content      // nil without content
}

func (s *sending) gotConn(info httptrace.GotConnInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.written, s.failed = info.Conn, make(chan struct{}), nil
	s.answered, s.early = false, false
}

func (s *sending) wroteRequest(info httptrace.WroteRequestInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A failure that comes before any answer may belong to an earlier try.
	if s.written == nil || s.isWritten() || info.Err != nil && !s.answered {
		return
	}
	s.failed = info.Err
	close(s.written)
}

func (s *sending) gotFirstByte() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered = true
	s.early = s.written != nil && !s.isWritten()
}

func (s *sending) lastConn() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// isWritten reports whether the request was written. s.written must not be nil.
func (s *sending) isWritten() bool {
	select {
	case <-s.written:
		return true
	default:
		return false
	}
}

// finish is called after a 101 and returns nil once the whole request has been written.
// It detects two servers that switch too early: one that answers a request without
// content before the Transport has flushed it, and one that answers while the Transport
// has content left to read.
//
// When the Transport reports that a request is written, a part may still be in its
// buffer. It flushes the buffer at once, but does not report that. Only if the server
// switched too early can bytes still be there.
func (s *sending) finish(ctx context.Context) error {
	s.mu.Lock()
	content, written, early := s.content, s.written, s.early
	s.mu.Unlock()
	switch {
	case content == nil && early, content != nil && !content.isRead.Load():
		return errEarly
	case content == nil || written == nil:
		return nil
	}
	select {
	case <-written:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.failed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// offer returns a copy of r that offers the products.
func (s *sending) offer(r *http.Request, offered []upgrade.Product[string]) (*http.Request, error) {
	options, err := optionsOf(r.Header)
	if err != nil {
		return nil, err
	}
	if err := checkOffer(r, offered, options); err != nil {
		return nil, err
	}
	trace := &httptrace.ClientTrace{
		GotConn:              s.gotConn,
		WroteRequest:         s.wroteRequest,
		GotFirstResponseByte: s.gotFirstByte,
	}
	offer := r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
	offer.Close = false
	if offer.Header = r.Header.Clone(); offer.Header == nil {
		offer.Header = make(http.Header)
	}
	offer.Header["Upgrade"] = []string{string(upgrade.AppendList(nil, products.Distinct(offered)...))}
	offer.Header["Connection"] = []string{strings.Join(append([]string{"Upgrade"}, options...), ", ")}
	if r.Body != nil && r.Body != http.NoBody {
		offer.Body = s.watch(r.Body, r.ContentLength)
		if r.GetBody != nil {
			offer.GetBody = func() (io.ReadCloser, error) {
				body, err := r.GetBody()
				if err != nil {
					return nil, err
				}
				return s.watch(body, r.ContentLength), nil
			}
		}
	}
	return offer, nil
}

// optionsOf returns the options of Connection without upgrade.
func optionsOf(h http.Header) ([]string, error) {
	connection, err := upgrade.ParseConnection(h["Connection"]...)
	if err != nil {
		return nil, &handshake.FieldError{Field: "Connection", Err: err.(*upgrade.SyntaxError)}
	}
	var options []string
	for option := range connection.All() {
		if !strings.EqualFold(option, "upgrade") {
			options = append(options, option)
		}
	}
	return options, nil
}

// checkOffer returns nil if package handshake could build the offer. net/http writes the
// target and the host.
func checkOffer(r *http.Request, offered []upgrade.Product[string], options []string) error {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	var fields []handshake.Field
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "Connection", "Upgrade", "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue // set here, or ignored by net/http
		}
		if strings.EqualFold(name, "Content-Length") {
			// net/http would send any other spelling in addition to its own.
			return &handshake.ResponseError{Index: len(fields), Name: name, Err: handshake.ErrReserved}
		}
		for _, value := range r.Header[name] {
			fields = append(fields, handshake.Field{Name: name, Value: trim(value)})
		}
	}
	buffer := headpool.Get()
	defer headpool.Put(buffer)
	var err error
	buffer.B, err = handshake.AppendOffer(buffer.B, method, "/", "", offered, options, fields...)
	return err
}

// take takes the connection out of a 101.
func (s *sending) take(rt http.RoundTripper, r *http.Request, resp *http.Response, offered []upgrade.Product[string]) (net.Conn, error) {
	_, err := Switched(resp, offered...)
	if err == handshake.ErrNoOption && resp.Close && len(resp.Header["Connection"]) == 0 {
		err = errClose
	}
	if err != nil {
		return nil, err
	}
	body, ok := resp.Body.(io.ReadWriteCloser)
	switch {
	case !ok && resp.Header.Get("Upgrade") == "":
		return nil, errEmptyLine
	case !ok:
		return nil, errNotWritable
	}
	if err := s.finish(r.Context()); err != nil {
		return nil, err
	}
	if _, ok := rt.(*http.Transport); ok {
		if conn := s.lastConn(); conn != nil {
			return newClientConn(body, conn), nil
		}
	}
	return newClientConn(body, hidden{body}), nil
}

// overHTTP2 reports whether the connection that the transport took has negotiated HTTP/2.
func (s *sending) overHTTP2() bool {
	secure, ok := s.lastConn().(interface{ ConnectionState() tls.ConnectionState })
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// content is the content of a request. It records when all of it has been read.
type content struct {
	io.ReadCloser
	left   int64 // -1 if the length is not known
	isRead atomic.Bool
}

// watch returns body, wrapped so that finish can see whether all of it was read.
func (s *sending) watch(body io.ReadCloser, length int64) io.ReadCloser {
	if length <= 0 {
		length = -1 // with a Body, 0 stands for an unknown length
	}
	c := &content{ReadCloser: body, left: length}
	s.mu.Lock()
	s.content = c
	s.mu.Unlock()
	return c
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left > 0 {
		c.left = max(c.left-int64(n), 0)
	}
	if err == io.EOF || c.left == 0 {
		c.isRead.Store(true)
	}
	return n, err
}

// clientConn is the connection of a Transport. It reads and writes through the Body of
// the 101, where net/http keeps the bytes that came early. Deadlines and addresses are
// those of conn.
type clientConn struct {
	io.ReadWriteCloser
	conn net.Conn
}

func newClientConn(body io.ReadWriteCloser, conn net.Conn) net.Conn {
	c := &clientConn{body, conn}
	if w, ok := conn.(closeWriter); ok {
		return struct {
			*clientConn
			closeWriter
		}{c, w}
	}
	return c
}

type closeWriter interface{ CloseWrite() error }

func (c *clientConn) LocalAddr() net.Addr                { return c.conn.LocalAddr() }
func (c *clientConn) RemoteAddr() net.Addr               { return c.conn.RemoteAddr() }
func (c *clientConn) SetDeadline(t time.Time) error      { return c.conn.SetDeadline(t) }
func (c *clientConn) SetReadDeadline(t time.Time) error  { return c.conn.SetReadDeadline(t) }
func (c *clientConn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

// hidden stands for the connection of a round tripper that does not show it.
type hidden struct{ io.ReadWriteCloser }

var errNoDeadline = fmt.Errorf("httpupgrade: the round tripper hides the connection and its deadlines: %w", errors.ErrUnsupported)

func (hidden) LocalAddr() net.Addr              { return hiddenAddr{} }
func (hidden) RemoteAddr() net.Addr             { return hiddenAddr{} }
func (hidden) SetDeadline(time.Time) error      { return errNoDeadline }
func (hidden) SetReadDeadline(time.Time) error  { return errNoDeadline }
func (hidden) SetWriteDeadline(time.Time) error { return errNoDeadline }

type hiddenAddr struct{}

func (hiddenAddr) Network() string { return "" }
func (hiddenAddr) String() string  { return "" }
