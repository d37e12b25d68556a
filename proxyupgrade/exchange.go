package proxyupgrade

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/extended"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows one request on its way to the backend and the answer to it. File
// switch.go handles a valid 101.

var (
	errNoReverse = errors.New("proxyupgrade: Proxy has no Reverse")
	errNoAnswer  = fmt.Errorf("proxyupgrade: backend did not answer in time: %w", os.ErrDeadlineExceeded)
	errNoHooks   = errors.New("proxyupgrade: Transport does not tell when the content is written")

	// errSwitched brings a valid 101 back through ReverseProxy. It is not an error, and
	// only handleError sees it.
	errSwitched = errors.New("proxyupgrade: switched")
)

// BackendError says that the backend's response cannot be passed on: it is a 101 that does
// not answer the offer, a 426 that names none of Products or is for a client of HTTP/2 or
// HTTP/1.0, a 2xx to an extended CONNECT, or a status below 100; or its Connection is
// malformed. The backend's connection is closed, and the client is answered with 502 (Bad
// Gateway).
type BackendError struct {
	Status int // of the backend's response
	Err    error
}

// Error returns a text that has the status and the text of Err.
func (e *BackendError) Error() string {
	text := fmt.Sprintf("proxyupgrade: backend answered %d", e.Status)
	if e.Err != nil {
		text += ": " + strings.TrimPrefix(e.Err.Error(), "handshake: ")
	}
	return text
}

// Unwrap returns Err.
func (e *BackendError) Unwrap() error { return e.Err }

// exchange is one request and its response. It stands between ReverseProxy and the
// Transport.
type exchange struct {
	proxy   *Proxy
	client  http.ResponseWriter
	in      *http.Request             // as the client sent it
	offered []upgrade.Product[string] // to the backend; nil: this is an ordinary request

	key      string                    // for the backend, instead of the client's; empty: none
	required []upgrade.Product[string] // what the client's 426 names

	session *session
	cancel  context.CancelCauseFunc // of the request to the backend
	asking  atomic.Bool             // the Transport has not returned yet
	answer  *http.Response          // a valid 101
	to      []upgrade.Product[string]
	conn    net.Conn // below the Body of answer; nil if unknown
	taken   bool     // the tunnel closes the backend's connection
}

// forward returns the request that ReverseProxy gets for r: the same, without the fields
// that end at this hop. ReverseProxy would remove the fields that Connection names only
// after Director has added its own, and would also remove those in Keep.
func (p *Proxy) forward(r *http.Request) (*http.Request, error) {
	header := maps.Clone(r.Header)
	delete(header, extended.Field) // net/http lets it through in any request
	if err := RemoveHopByHop(header, p.Keep...); err != nil {
		return nil, err
	}
	if te, ok := r.Header["Te"]; ok {
		header["Te"] = te // for ReverseProxy, which passes on only "trailers"
	}
	out := r.WithContext(r.Context())
	out.Header = header
	return out, nil
}

// pass leaves the request to ReverseProxy.
func (x *exchange) pass(w http.ResponseWriter, out *http.Request) {
	reverse := *x.proxy.Reverse
	reverse.Transport = x
	reverse.ErrorHandler = x.handleError
	reverse.ModifyResponse = x.modifyResponse
	reverse.ServeHTTP(w, out)
}

// offer asks the backend to switch.
func (x *exchange) offer(out *http.Request) {
	// net/http lets a malformed Host through. httpupgrade.Switch would refuse it, but too
	// late: the backend has switched by then.
	if _, ok := uri.IsHost(x.in.Host); !ok {
		x.client.Header().Set("Connection", "close")
		x.refuse(http.StatusBadRequest, handshake.ErrHost)
		return
	}
	ctx, cancel := context.WithCancelCause(out.Context())
	defer cancel(nil)
	if x.session = x.proxy.sessions.begin(cancel); x.session == nil {
		x.client.Header().Set("Connection", "close")
		x.refuse(http.StatusServiceUnavailable, http.ErrServerClosed)
		return
	}
	defer func() {
		if !x.taken {
			x.proxy.sessions.end(x.session)
		}
	}()
	if err := x.readContent(out); err != nil {
		// The rest of the content would have to be read before another request.
		x.client.Header().Set("Connection", "close")
		x.refuse(handshake.Status(err), err)
		return
	}
	out.Header.Del("Expect") // the Proxy has met it
	x.cancel = cancel
	x.pass(finalWriter{x.client, x}, out.WithContext(ctx))
}

// readContent reads the whole content of the request before it goes to the backend: the
// client may have sent some of the new protocol after it already.
func (x *exchange) readContent(out *http.Request) error {
	if out.Body == nil || out.Body == http.NoBody {
		return nil
	}
	limit := x.proxy.MaxBody
	if limit == 0 {
		limit = httpupgrade.DefaultMaxBody
	}
	if err := httpupgrade.ReadContent(out, max(limit, 0)); err != nil {
		return err
	}
	// The content goes to the backend with a length, not in chunks. Then the part that
	// does not fit net/http's first write bypasses its buffer, so all of the content is
	// on its way when the hook WroteRequest runs.
	if out.ContentLength < 0 {
		content, err := io.ReadAll(out.Body)
		if err != nil {
			return err
		}
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	}
	out.TransferEncoding = nil
	return nil
}

// finalWriter passes final responses on, and drops interim ones. Until the Transport has
// returned, Header returns a header that is not used, because ReverseProxy empties it after
// each interim response.
type finalWriter struct {
	http.ResponseWriter
	x *exchange
}

func (w finalWriter) Header() http.Header {
	if w.x.asking.Load() {
		return http.Header{}
	}
	return w.ResponseWriter.Header()
}

func (w finalWriter) WriteHeader(status int) {
	if status/100 != 1 {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Unwrap is for [http.ResponseController].
func (w finalWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// RoundTrip implements [http.RoundTripper] for ReverseProxy.
func (x *exchange) RoundTrip(out *http.Request) (*http.Response, error) {
	transport := x.proxy.Reverse.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	if x.offered == nil {
		answer, err := transport.RoundTrip(out)
		if err != nil {
			return nil, err
		}
		return x.ordinary(answer)
	}

	x.asking.Store(true)
	defer x.asking.Store(false)
	if timeout := x.proxy.Timeout; timeout > 0 {
		timer := time.AfterFunc(timeout, func() { x.cancel(errNoAnswer) })
		defer timer.Stop()
	}
	sending := &sending{}
	ctx := httptrace.WithClientTrace(out.Context(), sending.hooks())
	out = out.WithContext(ctx)
	out.Header = maps.Clone(out.Header)
	x.setOffer(out.Header)
	answer, err := transport.RoundTrip(out)
	if err != nil {
		return nil, cause(ctx, err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return x.ordinary(answer)
	}
	list, err := httpupgrade.Switched(answer, x.offered...)
	if err != nil {
		return nil, reject(answer, err)
	}
	if err := x.checkAccept(answer); err != nil {
		return nil, reject(answer, err)
	}
	if out.ContentLength != 0 {
		if err := sending.wait(ctx); err != nil {
			answer.Body.Close()
			return nil, cause(ctx, err)
		}
	}
	x.answer, x.to = answer, handshake.Restrict(list, x.offered...)
	// Any other RoundTripper may have sent other requests meanwhile, and the hooks may
	// have seen the connection of one of these last.
	if _, ok := transport.(*http.Transport); ok {
		x.conn = sending.connection()
	}
	return nil, errSwitched
}

// setOffer adds the offer to the header of the request to the backend. HTTP2-Settings goes
// only with h2c, and only if there is exactly one, meant for this hop (RFC 7540, section
// 3.2.1).
func (x *exchange) setOffer(header http.Header) {
	header["Upgrade"] = []string{string(upgrade.AppendList(nil, x.offered...))}
	header["Connection"] = []string{"Upgrade"}
	if x.key != "" {
		header["Sec-Websocket-Key"] = []string{x.key}
	}
	settings := x.in.Header["Http2-Settings"]
	if len(settings) != 1 || !slices.ContainsFunc(x.offered, h2c.Matches) {
		return
	}
	if options, err := upgrade.ParseConnection(x.in.Header["Connection"]...); err == nil && options.Has("HTTP2-Settings") {
		header["Http2-Settings"] = settings
		header["Connection"] = []string{"Upgrade, HTTP2-Settings"}
	}
}

var h2c = upgrade.MustParseProduct("h2c")

// cause returns why the context ended if the Proxy ended it, else err.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c == errNoAnswer || c == http.ErrServerClosed {
		return c
	}
	return err
}

// ordinary returns any response except a 101 that answers an offer, as ReverseProxy may pass
// it on. If it must not be passed on, ordinary closes the backend's connection and returns
// an error.
func (x *exchange) ordinary(answer *http.Response) (*http.Response, error) {
	switch {
	case answer.StatusCode == http.StatusSwitchingProtocols:
		return nil, reject(answer, handshake.ErrNotOffered)
	case answer.StatusCode < 200:
		// net/http takes 000 and 099 for a final status and cannot write it: to the
		// client it would become a 200, which over HTTP/2 is a switch.
		return nil, reject(answer, handshake.ErrStatus)
	case answer.StatusCode == http.StatusUpgradeRequired:
		list, err := upgrade.ParseList(answer.Header["Upgrade"]...)
		if err != nil {
			return nil, reject(answer, err)
		}
		x.required = handshake.Restrict(list, x.proxy.Products...)
		if len(x.required) == 0 || x.in.ProtoMajor != 1 || x.in.ProtoMinor == 0 {
			return nil, reject(answer, handshake.ErrNoProduct)
		}
	}
	if err := x.checkRelayed(answer); err != nil {
		return nil, reject(answer, err)
	}
	if err := RemoveHopByHop(answer.Header, x.proxy.Keep...); err != nil {
		return nil, reject(answer, err)
	}
	return answer, nil
}

// reject closes the backend's connection and returns the reason.
func reject(answer *http.Response, err error) error {
	answer.Body.Close()
	return &BackendError{answer.StatusCode, err}
}

// modifyResponse is called by ReverseProxy for every response except a 101.
func (x *exchange) modifyResponse(answer *http.Response) error {
	if modify := x.proxy.Reverse.ModifyResponse; modify != nil {
		if err := modify(answer); err != nil {
			return err
		}
		if err := x.checkRelayed(answer); err != nil {
			return &BackendError{answer.StatusCode, err}
		}
	}
	if x.required != nil && answer.StatusCode == http.StatusUpgradeRequired {
		httpupgrade.Advertise(x.client, x.in, x.required...)
	}
	return nil
}

// handleError is called by ReverseProxy when there is no response to pass on.
func (x *exchange) handleError(_ http.ResponseWriter, out *http.Request, err error) {
	if err == errSwitched {
		err = x.switchTo()
	}
	if err != nil {
		x.fail(out, err)
	}
}

// fail answers a request that failed at the backend or after its answer.
func (x *exchange) fail(out *http.Request, err error) {
	handler := x.proxy.Reverse.ErrorHandler
	if x.proxy.Error != nil || handler == nil {
		x.report(err)
	}
	if handler != nil {
		handler(x.client, out, err)
		return
	}
	x.client.WriteHeader(statusOf(err))
}

// refuse answers a request that the backend has not seen.
func (x *exchange) refuse(status int, err error) {
	x.report(err)
	x.client.WriteHeader(status)
}

// refuseConnect answers a CONNECT. Its client may already have sent octets that are not
// HTTP.
func (x *exchange) refuseConnect() {
	if x.in.ProtoMajor == 1 {
		x.client.Header().Set("Connection", "close")
	}
	x.refuse(http.StatusNotImplemented, httpupgrade.ErrConnect)
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errTakeOver):
		return http.StatusInternalServerError
	case errors.Is(err, http.ErrServerClosed):
		return http.StatusServiceUnavailable
	case err == errNoAnswer:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

func (x *exchange) report(err error) {
	if x.proxy.Error != nil {
		x.proxy.Error(x.in, err)
		return
	}
	x.proxy.errorLog(x.in).Print(err)
}

// errorLog returns the log for failed requests.
func (p *Proxy) errorLog(r *http.Request) *log.Logger {
	if p.Reverse != nil && p.Reverse.ErrorLog != nil {
		return p.Reverse.ErrorLog
	}
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		return server.ErrorLog
	}
	return log.Default()
}

// sending is what the hooks of httptrace say about a request: its connection, and whether
// it is written.
type sending struct {
	mu    sync.Mutex
	conn  net.Conn
	wrote chan error
}

func (s *sending) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A request that is sent again, because an idle connection was dead, has
		// another connection.
		GotConn: func(info httptrace.GotConnInfo) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conn, s.wrote = info.Conn, make(chan error, 1)
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			s.mu.Lock()
			defer s.mu.Unlock()
			select {
			case s.wrote <- info.Err:
			default:
			}
		},
	}
}

func (s *sending) connection() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// wait returns nil when the request is written. The backend may answer before that.
func (s *sending) wait(ctx context.Context) error {
	s.mu.Lock()
	wrote := s.wrote
	s.mu.Unlock()
	if wrote == nil {
		return errNoHooks
	}
	select {
	case err := <-wrote:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
