// Package proxyupgrade is a reverse proxy that passes protocol switches on: what it
// knows, what was asked for, and nothing else.
//
//	proxy := &proxyupgrade.Proxy{
//		Reverse:  &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(backend) }},
//		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
//	}
//	http.ListenAndServe("127.0.0.1:8080", proxy)
//
// An intermediary that passes Upgrade on without understanding it is how requests get
// smuggled: a client switches to h2c or TLS, and what it sends from then on passes by
// every check. Hence [Proxy] rewrites an offer to the products that it is given, and
// compares the backend's 101 (Switching Protocols) with what it passed on, product by
// product; whatever else the backend says is a response of HTTP and the connection stays
// one of HTTP. It follows [RFC 9110, section 7.8], and for the fields that end here
// section 7.6.1 ([RemoveHopByHop]).
//
// # What it rests on
//
// [httputil.ReverseProxy] does everything that is no switch. Of it the Proxy uses what
// is documented, and one thing that is not: an error of its Transport reaches its
// ErrorHandler as it is, before anything was written. If that changed, switches would
// fail with 502 (Bad Gateway), and no connection would stay open.
//
// The backend's connection comes from the Body of net/http's 101. If the Transport is an
// [*http.Transport], the Proxy takes the connection below that Body, from
// [httptrace.ClientTrace], so that bytes can go through the kernel. A Transport of any
// other type has to return a Body that can be written to, as net/http's is; if the
// request has content, it has to run the hooks of httptrace as well, for the Proxy must
// know that the content is written before another protocol begins. Before Go 1.25 that
// Body cannot be half-closed, and such a tunnel ends when one side does.
//
// net/http hides some of what a backend sends. A 101 with "Connection: close, Upgrade",
// which RFC 9110 allows, reaches the Proxy without Connection, and is answered with 502.
// So is one whose first Upgrade line is empty. Over TLS, a Transport that may negotiate
// HTTP/2 passes on no offer but exactly websocket: to pass on others, set its Protocols
// to HTTP/1 alone.
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

// Proxy is a reverse proxy that passes switches on. Its fields must not change while it
// is in use, and it must not be copied then; one Proxy may serve any number of requests
// at once. The zero Proxy answers 500 (Internal Server Error), for it has no backend.
//
// A request offers what [httpupgrade.Offer] says it does. Of that the Proxy passes on
// those of Products that Allow allows, in the client's order and in its own spelling; if
// nothing is left, the request is passed on as the ordinary one it also is, without
// Upgrade, and Reverse streams it. Before the backend is asked, the content of a request
// with an offer is read, up to MaxBody, for the new protocol begins after it. Expect and
// the fields that end at this hop are not passed on.
//
// The backend's 101 counts only if [handshake.Switched] says so. The Proxy then writes a
// 101 of its own: the products in its own spelling, the fields that the handlers before
// it have set, and those of the backend that do not end at this hop. What both sides
// have sent early is delivered. Any other 101 closes the backend's connection and is
// answered with 502 (Bad Gateway), also when nothing was offered. Any other response goes
// to the client through Reverse.
//
// Interim responses (1xx) to an offer are dropped, because most clients do not expect one
// before a 101. In this the Proxy departs from [RFC 9110, section 15.2], by which a proxy
// must forward them; those to a request without an offer it forwards.
//
// A 426 (Upgrade Required) must name a protocol. The client gets those of Products that
// the backend names, and if there are none, or HTTP/2 has no such field, 502.
//
// A client of HTTP/2 asks by an extended CONNECT ([RFC 8441]), if its server lets it: see
// package httpupgrade. The backend gets a GET of HTTP/1.1 that offers the product, for
// websocket with a key of the Proxy's own, whose answer the Proxy checks. The backend's
// 101 becomes a 200 (OK); a 426 or a 2xx, which would say the same, becomes 502. If the
// product is not one that is passed on, the answer is 501 (Not Implemented). The stream
// ends for both sides when the backend ends its own.
//
// A request whose Connection is malformed is answered with 400 (Bad Request), and a
// response with 502: what such a field would have removed cannot be known. A request
// with an offer whose Host is malformed is answered with 400 as well, and the backend not
// asked ([RFC 9112, section 3.2]).
//
// Any other CONNECT is answered with 501, and the backend not asked: a 2xx of a backend that
// does not look at the method would begin a tunnel for the client, whose octets are requests
// for the Proxy ([RFC 9110, section 9.3.6]).
//
// [RFC 9110, section 9.3.6]: https://httpwg.org/specs/rfc9110.html#rfc.section.9.3.6
// [RFC 9110, section 15.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.2
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
// [RFC 8441]: https://www.rfc-editor.org/rfc/rfc8441
type Proxy struct {
	// Reverse does all that is no switch, and its hooks are called for switches as
	// well: Rewrite or Director for the request, which is without Upgrade then;
	// ModifyResponse for a valid 101, which has one Upgrade and one Connection then;
	// ErrorHandler for what fails between asking the backend and taking over the
	// client's connection. The Proxy does not change it.
	Reverse *httputil.ReverseProxy

	// Products are the only ones passed on. If there are none, nothing switches.
	// Products with h2c passes HTTP2-Settings on with it.
	Products []upgrade.Product[string]

	// Allow is asked for each product that could be passed on. Nil allows all.
	Allow func(*http.Request, upgrade.Product[string]) bool

	// Keep has the names of fields that Connection cannot remove, on either way:
	// those by which the backend knows the client, say.
	Keep []string

	// MaxBody is how many bytes of content a request with an offer may have; 0:
	// [httpupgrade.DefaultMaxBody]; below 0: none. More is answered with 413
	// (Content Too Large), and the backend not asked.
	MaxBody int64

	// Timeout is how long the backend may take to answer an offer, from the first
	// attempt to connect on; then the answer is 504 (Gateway Timeout). 0: for ever.
	// It does not bound the content of a response.
	Timeout time.Duration

	// Idle is how long a tunnel stays open in which no byte is delivered in either
	// direction. 0: for ever. It applies to [Tunnel.Copy].
	Idle time.Duration

	// Relay serves a tunnel, in a goroutine of its own, or for a client of HTTP/2 in
	// the handler. Both connections are closed
	// when it returns. A panic is recovered and reported as a
	// [*handshake.PanicError]. Nil: [Tunnel.Copy].
	Relay func(*Tunnel)

	// Error is told, once, of every request that failed, and of every tunnel that
	// Copy ended with an error if Relay is nil. The request is the client's. Nil:
	// requests that failed are logged by Reverse.ErrorLog, unless ErrorHandler is
	// told of them, and tunnels are not.
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

// offered returns the products that are passed on of what r offers.
func (p *Proxy) offered(r *http.Request) []upgrade.Product[string] {
	list, err := httpupgrade.Offer(r)
	if err != nil {
		return nil
	}
	return p.allowed(r, list)
}

// allowed returns the products that are passed on of list. It is the one place that
// decides so.
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
// (Service Unavailable); other requests are served as before, which
// [http.Server.Shutdown] ends. The contexts of the tunnels' requests are cancelled at
// once, for a Relay that has a last word to say. [Tunnel.Copy] does not look at them: have
// [context.AfterFunc] set deadlines if it is to end before ctx does.
//
// Shutdown returns nil when all tunnels have ended, and the offers that were under way.
// If ctx ends before, it closes the rest and returns the error of ctx; the goroutines of
// the tunnels end soon after. It may be called more than once.
func (p *Proxy) Shutdown(ctx context.Context) error { return p.sessions.shutdown(ctx) }
