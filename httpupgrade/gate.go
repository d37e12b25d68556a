package httpupgrade

import (
	"bufio"
	"errors"
	"net"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/products"
	"github.com/gosegue/upgrade/internal/socket"
)

// This file has Gate, for handlers that read Upgrade themselves.

// Gate stands in front of a handler that reads Upgrade itself, such as a WebSocket
// library. Only a valid offer reaches that handler, in a spelling that every library
// understands. The handler needs no change:
//
//	handler = httpupgrade.Gate{Products: products, Next: handler}
//
// The first of Products that a request validly offers reaches Next as one line of Upgrade
// and one of Connection, in a copy of the request. For h2c, HTTP2-Settings and its option
// in Connection stay. Gate has read the content, and Body yields it; a client that waited
// for a 100 (Continue) has received the 100. The writer that Next gets has a Hijack whose
// connection first yields the octets that came early, so a library may drop the reader
// that Hijack returns. The writer has an Unwrap, and it has a Flush if and only if the
// server's writer has one.
//
// A request with any other offer (malformed, in HTTP/1.0, or of other products) reaches
// Next as an ordinary request: without Upgrade, HTTP2-Settings and their options. If Next
// answers 426 (Upgrade Required) to an offer, valid or not, and sets no Upgrade, Gate
// adds one that names Products. A request without Upgrade and an extended CONNECT reach
// Next untouched and cost no allocation. In any other HTTP/2 request :protocol means
// nothing, and Gate removes it.
//
// Few WebSocket libraries serve an extended CONNECT. If Next does not, start the server
// without GODEBUG=http2xconnect=1: a browser would use it, and fail.
//
// Gate itself answers requests that no library should see: 413 (Content Too Large) for
// more content than MaxBody, 408 (Request Timeout) for content that does not come in
// time, and 400 (Bad Request) for content that it cannot read or for a malformed Host. It
// answers a WebSocket handshake as RFC 6455 asks: 405 for a wrong method, 426 for a wrong
// version, 400 for a malformed key. It does not check Origin: the library has to.
//
// The fields of a Gate must not change while it is in use.
type Gate struct {
	// Products are what Next can switch to, in the server's order of preference.
	Products []upgrade.Product[string]

	// Next is the handler that the Gate stands in front of. Nil stands for
	// http.NotFoundHandler.
	Next http.Handler

	// MaxBody is how many bytes of content may be read before a switch. 0 stands for
	// DefaultMaxBody. A negative MaxBody allows no content.
	MaxBody int64
}

// ServeHTTP implements [http.Handler].
func (g Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.Next == nil {
		g.Next = http.NotFoundHandler()
	}
	if len(r.Header["Upgrade"]) == 0 || r.ProtoMajor > 1 {
		// Versions 2 and 3 have no Upgrade: net/http refuses a request with it.
		g.Next.ServeHTTP(w, withoutProtocol(r))
		return
	}
	p, err := Select(r, g.Products...)
	if err != nil {
		ordinary := asOrdinary(r)
		g.Next.ServeHTTP(g.writer(w, ordinary), ordinary)
		return
	}
	if err := checkGated(r, p); err != nil {
		refuse(w, r, p, err)
		return
	}
	offer := asOffer(r, p)
	if err := ReadContent(offer, maxBody(g.MaxBody)); err != nil {
		w.Header().Set("Connection", "close") // the rest may be content
		w.WriteHeader(handshake.Status(err))
		return
	}
	// All of the content was read: Next need not ask for it, or know its framing.
	if read, ok := offer.Body.(*held); ok {
		offer.ContentLength, offer.TransferEncoding = int64(len(read.rest)), nil
		delete(offer.Header, "Expect")
	}
	g.Next.ServeHTTP(g.writer(w, offer), offer)
}

// checkGated returns nil if Next may see the offer of p, or the Refusal that answers it.
func checkGated(r *http.Request, p upgrade.Product[string]) error {
	if err := checkHost(r); err != nil {
		return err
	}
	if socket.Is(p) {
		return checkWebSocket(r)
	}
	return nil
}

// refuse answers r with the Refusal that err is or wraps.
func refuse(w http.ResponseWriter, r *http.Request, p upgrade.Product[string], err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	fields, content, err := refusal.Response(p)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer(w, r, refusal.Status, fields, content)
}

// asOffer returns a copy of r that offers only p.
func asOffer(r *http.Request, p upgrade.Product[string]) *http.Request {
	offer := withHeader(r)
	offer.Header["Upgrade"] = []string{p.String()}
	connection := "Upgrade"
	if settings := offer.Header["Http2-Settings"]; len(settings) > 0 {
		if p.Matches(h2c) {
			connection = "Upgrade, HTTP2-Settings"
		} else {
			delete(offer.Header, "Http2-Settings")
		}
	}
	offer.Header["Connection"] = []string{connection}
	return offer
}

var h2c = upgrade.MustParseProduct("h2c")

// asOrdinary returns a copy of r that offers nothing.
func asOrdinary(r *http.Request) *http.Request {
	ordinary := withHeader(r)
	delete(ordinary.Header, "Upgrade")
	delete(ordinary.Header, "Http2-Settings")
	// A less strict reader may find an upgrade in a malformed field. r.Close says whether
	// the connection closes.
	options, err := upgrade.ParseConnection(r.Header["Connection"]...)
	if err != nil {
		delete(ordinary.Header, "Connection")
		return ordinary
	}
	var line []byte
	for option := range options.All() {
		if http.CanonicalHeaderKey(option) == "Upgrade" || http.CanonicalHeaderKey(option) == "Http2-Settings" {
			continue
		}
		if len(line) > 0 {
			line = append(line, ", "...)
		}
		line = append(line, option...)
	}
	if len(line) == 0 {
		delete(ordinary.Header, "Connection")
	} else {
		ordinary.Header["Connection"] = []string{string(line)}
	}
	return ordinary
}

// withHeader returns a copy of r with its own header map. The copy has the fields that
// asOffer and asOrdinary change only in the spelling of http.Header: middleware may add
// another spelling, and a library that folds names would find it. The copy shares the
// lines of r, so the caller must replace them rather than change them.
func withHeader(r *http.Request) *http.Request {
	if r.Trailer == nil && len(r.TransferEncoding) > 0 {
		// Trailers that were not announced come with the end of the content, and net/http
		// puts them into r. If r already has a map, the copy shares it.
		r.Trailer = make(http.Header)
	}
	c := new(http.Request)
	*c = *r
	c.Header = make(http.Header, len(r.Header))
	for name, lines := range r.Header {
		switch canonical := http.CanonicalHeaderKey(name); canonical {
		case "Upgrade", "Connection", "Http2-Settings", "Expect":
			if name != canonical {
				continue
			}
		}
		c.Header[name] = lines
	}
	return c
}

// gateWriter is the writer of a request with Upgrade.
type gateWriter struct {
	http.ResponseWriter
	request  *http.Request // the one that Next gets
	products []upgrade.Product[string]
}

// flushWriter is a gateWriter over a writer that can flush.
type flushWriter struct {
	gateWriter
	http.Flusher
}

func (g Gate) writer(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	gated := gateWriter{w, r, g.Products}
	if f, ok := w.(http.Flusher); ok {
		return flushWriter{gated, f}
	}
	return gated
}

// WriteHeader calls that of the server. If a 426 (Upgrade Required) has no Upgrade, it
// adds one with the products of the Gate: the field is required (RFC 9110, section
// 15.5.22).
func (w gateWriter) WriteHeader(status int) {
	if header := w.Header(); status == http.StatusUpgradeRequired && len(header["Upgrade"]) == 0 {
		if wanted := products.Distinct(w.products); len(wanted) > 0 {
			closeUnread(header, w.request)
			advertise(header, w.request, wanted)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the server's writer, for [http.ResponseController].
func (w gateWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack calls that of the server. The connection first yields the octets that the server
// has read too early. The reader has nothing buffered and reads from that connection. If
// Hijack fails, the connection closes after the response: what follows may not be HTTP.
func (w gateWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		w.Header().Set("Connection", "close")
	}
	if err != nil || buffered == nil || buffered.Reader == nil {
		return conn, buffered, err
	}
	conn = Early(conn, buffered.Reader)
	buffered.Reader.Reset(conn)
	return conn, buffered, nil
}
