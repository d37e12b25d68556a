// Package proxyupgrade is a reverse proxy that passes protocol switches on, but only to
// products that it knows and that the client offered.
//
//	proxy := &proxyupgrade.Proxy{
//		Reverse: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
//			r.SetURL(backend)
//			r.Out.Host = r.In.Host
//		}},
//		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
//	}
//	http.ListenAndServe("127.0.0.1:8080", proxy)
//
// SetURL changes Host. A backend that compares Host with Origin would then refuse the
// WebSockets of every page, so pass on the Host of the client, as here.
//
// If an intermediary passes Upgrade on without understanding it, clients can smuggle
// requests: a client switches to h2c or TLS, and from then on its requests bypass every
// check. So [Proxy] reduces an offer to its own Products, and compares the backend's 101
// (Switching Protocols) with what it passed on, product by product. Any other answer of the
// backend is an HTTP response, and the connection still speaks HTTP. The Proxy follows
// [RFC 9110, section 7.8], and section 7.6.1 for the fields that end at this hop
// ([RemoveHopByHop]).
//
// # What it rests on
//
// [httputil.ReverseProxy] does everything except switches. The Proxy uses only its
// documented behaviour, with one exception: an error of its Transport reaches its
// ErrorHandler unchanged, before anything is written. If that changed, switches would fail
// with 502 (Bad Gateway), and no connection would stay open.
//
// The backend's connection comes from the Body of net/http's 101. If the Transport is an
// [*http.Transport], the Proxy takes the connection below that Body, from
// [httptrace.ClientTrace], so that bytes can go through the kernel. A Transport of any
// other type must return a Body that can be written to, as net/http does. It must also run
// the hooks of httptrace if the request has content, because the Proxy must know that the
// content is written before another protocol begins. Before Go 1.25 such a Body cannot be
// half-closed, so its tunnel ends when one side does.
//
// net/http hides some fields of a response. A 101 with "Connection: close, Upgrade", which
// RFC 9110 allows, reaches the Proxy without Connection, and the client gets a 502. The same
// happens if the first Upgrade line of the 101 is empty. Over TLS, a Transport that may
// negotiate HTTP/2 passes on only an offer of exactly websocket. To pass on others, set its
// Protocols to HTTP/1 only.
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
package proxyupgrade

import (
	"context"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

// Proxy is a reverse proxy that passes switches on. While it is in use, its fields must not
// change and it must not be copied. One Proxy may serve any number of requests at once. The
// zero Proxy answers 500 (Internal Server Error), because it has no backend.
//
// [httpupgrade.Offer] says what a request offers. The Proxy passes on the offered products
// that are in Products and that Allow allows, in the client's order and in the spelling of
// Products. If none is left, it passes the request on without Upgrade, as an ordinary
// request, and Reverse streams it. The content of a request with an offer is read, up to
// MaxBody, before the backend is asked, because the new protocol begins after it. The Proxy
// does not pass on the fields that end at this hop, nor the Expect of an offer.
//
// The backend's 101 counts only if [handshake.Switched] accepts it. The Proxy then writes
// its own 101: the products in its own spelling, the fields that earlier handlers have set,
// and the backend's fields that do not end at this hop. Bytes that either side has sent
// early are delivered; but if the client has closed its sending side before the 101, net/http
// ends the request, and the answer is 502. After any other 101, even if nothing was offered, the Proxy closes
// the backend's connection and answers 502 (Bad Gateway). Any other response goes to the
// client through Reverse.
//
// Interim responses (1xx) to an offer are dropped, because most clients do not expect one
// before a 101. This departs from [RFC 9110, section 15.2], by which a proxy must forward
// them. The Proxy forwards those to a request without an offer.
//
// A 426 (Upgrade Required) must name a protocol. The client's 426 names those of Products
// that the backend names. If there are none, or the client speaks HTTP/2 or HTTP/1.0, which
// have no such field, the answer is 502.
//
// An HTTP/2 client asks by an extended CONNECT ([RFC 8441]), if the http.Server of the Proxy
// allows that: see package httpupgrade. The backend gets an HTTP/1.1 GET that offers the
// product. For websocket the Proxy adds a key, and checks the answer to it. The backend's
// 101 becomes a 200 (OK). A 2xx becomes 502, because the client would take it for a switch.
// A 426 becomes 502 too. If the product is not passed on, the answer is 501 (Not
// Implemented). When the backend ends its side, the stream ends for both sides.
//
// A malformed Connection is answered with 400 (Bad Request) in a request, and with 502 in a
// response: the Proxy cannot know which fields to remove. A request with an offer and a
// malformed Host is also answered with 400, and the backend is not asked
// ([RFC 9112, section 3.2]).
//
// Any other CONNECT is answered with 501, and the backend is not asked. If a backend ignored
// the method and answered 2xx, a tunnel would begin for the client, but the Proxy would
// read its octets as requests ([RFC 9110, section 9.3.6]).
//
// [RFC 9110, section 9.3.6]: https://httpwg.org/specs/rfc9110.html#rfc.section.9.3.6
// [RFC 9110, section 15.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
// [RFC 8441]: https://www.rfc-editor.org/rfc/rfc8441
type Proxy struct {
	// Reverse does everything except switches. Its hooks are also called for switches:
	// Rewrite or Director for the request, which has no Upgrade then; ModifyResponse
	// for a valid 101, which has one Upgrade and one Connection then; ErrorHandler for
	// a failure between asking the backend and taking over the client's connection.
	// The Proxy does not change Reverse.
	Reverse *httputil.ReverseProxy

	// Products are the only products that are passed on. If there are none, nothing
	// switches. HTTP2-Settings is passed on with h2c.
	Products []upgrade.Product[string]

	// Allow is asked for each product that could be passed on. Nil allows all.
	Allow func(*http.Request, upgrade.Product[string]) bool

	// Keep names fields that Connection cannot remove, in either direction: for
	// example those that tell the backend who the client is.
	Keep []string

	// MaxBody is how many bytes of content a request with an offer may have; 0:
	// [httpupgrade.DefaultMaxBody]; below 0: no content. More is answered with 413
	// (Content Too Large), and the backend is not asked.
	MaxBody int64

	// Timeout is how long the backend may take to answer an offer, counted from the
	// first attempt to connect. After that the answer is 504 (Gateway Timeout). 0: no
	// limit. It does not bound the content of a response.
	Timeout time.Duration

	// Idle is how long a tunnel stays open while no byte is delivered in either
	// direction. 0: no limit. It applies to [Tunnel.Copy]. Bytes count as delivered when
	// the system has taken all that Copy gave it at once: to a peer that reads slowly,
	// that can take many seconds, so an Idle of seconds cuts such tunnels off.
	Idle time.Duration

	// Relay serves a tunnel, in a separate goroutine or, for an HTTP/2 client, in the
	// handler. Both connections are closed when it returns. A panic is recovered and
	// reported as a [*handshake.PanicError]. Nil: [Tunnel.Copy].
	Relay func(*Tunnel)

	// Error is called once for every request that failed and, if Relay is nil, for
	// every tunnel that Copy ended with an error. The request is the client's. Nil:
	// Reverse.ErrorLog logs failed requests, unless ErrorHandler is called for them,
	// and failed tunnels are not logged.
	Error func(*http.Request, error)

	sessions sessions
}

// ServeHTTP implements [http.Handler].
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{proxy: p, client: w, in: r}
	if r.Method == http.MethodConnect && !x.isBridged() {
		x.refuseConnect()
		return
	}
	if p.Reverse == nil {
		x.refuse(http.StatusInternalServerError, errNoReverse)
		return
	}
	out, err := p.forward(r)
	if err != nil {
		x.refuse(http.StatusBadRequest, err)
		return
	}
	if x.isBridged() {
		x.bridge(out)
		return
	}
	if x.offered = p.offered(r); x.offered == nil {
		x.pass(w, out)
		return
	}
	x.offer(out)
}

// offered returns the products that r offers and the Proxy passes on.
func (p *Proxy) offered(r *http.Request) []upgrade.Product[string] {
	list, err := httpupgrade.Offer(r)
	if err != nil {
		return nil
	}
	return p.allowed(r, list)
}

// allowed returns the products of list that the Proxy passes on. Only this function decides
// that.
func (p *Proxy) allowed(r *http.Request, list upgrade.List[string]) []upgrade.Product[string] {
	all := handshake.Restrict(list, p.Products...)
	allowed := all[:0]
	for _, product := range all {
		if p.Allow == nil || p.Allow(r, product) {
			allowed = append(allowed, product)
		}
	}
	if len(allowed) == 0 {
		return nil
	}
	return allowed
}

// Shutdown ends the tunnels. From now on a request with an offer is answered with 503
// (Service Unavailable). Other requests are served as before; [http.Server.Shutdown] ends
// them. The contexts of the tunnels' requests are cancelled at once, so that a Relay can
// send a last message. [Tunnel.Copy] ignores these contexts: to end it before ctx ends, set
// deadlines by [context.AfterFunc].
//
// Shutdown returns nil when all tunnels, and all offers under way, have ended. If ctx ends
// first, it closes the rest and returns the error of ctx; the goroutines of the tunnels end
// soon after. It may be called more than once.
func (p *Proxy) Shutdown(ctx context.Context) error { return p.sessions.shutdown(ctx) }
