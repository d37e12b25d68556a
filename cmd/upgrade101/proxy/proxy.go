// Package proxy is a reverse proxy to try a switch through. It logs every offer and what
// became of it. It knows nothing of the command line, and leaves every decision to package
// proxyupgrade.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/overtls"
	"github.com/gosegue/upgrade/cmd/upgrade101/record"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/extended"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// The limits of the proxy, so that nothing hangs or grows forever.
const (
	readTimeout   = 30 * time.Second // for the head of a request
	answerTimeout = 30 * time.Second // of the backend, for an offer
	keepTimeout   = time.Minute      // for an unused connection
	idleTimeout   = 2 * time.Minute  // for a tunnel in which nothing moves
	stopTimeout   = 2 * time.Second
	maxHeader     = 64 << 10
	maxQuoted     = 200 // octets of what a stranger sent, in the log
)

// Proxy is a reverse proxy with a log.
type Proxy struct {
	// Decided is told what became of an offer, in the words of the log. Nil: only the
	// log is.
	Decided func(string)

	// TLS makes the proxy speak TLS to clients, with a certificate of its own, and thus
	// HTTP/2 as well as HTTP/1.1.
	TLS bool

	// Insecure makes the proxy accept any certificate of the backend.
	Insecure bool

	log       *log.Logger
	proxy     *proxyupgrade.Proxy
	transport *http.Transport
	allowed   []upgrade.Product[string]
}

// New returns a proxy in front of backend that passes on only the allowed products. It
// writes its log to logTo.
func New(backend *url.URL, allowed []upgrade.Product[string], logTo io.Writer) *Proxy {
	p := &Proxy{
		log:       log.New(logTo, "", log.LstdFlags),
		transport: http.DefaultTransport.(*http.Transport).Clone(),
		allowed:   allowed,
	}
	// HTTP/2 has no Upgrade, and net/http chooses it for a backend that speaks both.
	p.transport.Protocols = new(http.Protocols)
	p.transport.Protocols.SetHTTP1(true)
	p.proxy = &proxyupgrade.Proxy{
		Reverse: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(backend)
				r.SetXForwarded()
				// The name by which the client knows the proxy. A backend that
				// compares Host with Origin would refuse any other name.
				r.Out.Host = r.In.Host
			},
			Transport: p.transport,
			ErrorLog:  p.log,
		},
		Products: allowed,
		Timeout:  answerTimeout,
		Idle:     idleTimeout,
		Relay:    p.relay,
		Error:    p.failed,
	}
	return p
}

// Run serves until ctx is done or the listener fails. Then it closes all connections.
func (p *Proxy) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           record.EndTwoLengths(p, http.HandlerFunc(p.serveTwoLengths)),
		ReadHeaderTimeout: readTimeout,
		IdleTimeout:       keepTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          p.log,
		ConnContext:       record.ConnContext,
		// Some clients upgrade with "OPTIONS *", which net/http answers itself.
		DisableGeneralOptionsHandler: true,
	}
	p.transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: p.Insecure}
	failed := make(chan error, 1)
	if p.TLS {
		certificate, err := overtls.Certificate()
		if err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
		go func() { failed <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { failed <- server.Serve(record.Listener(listener)) }()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.proxy.Shutdown(grace) }()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	<-ended // an error says that tunnels had to be closed
	p.transport.CloseIdleConnections()
	return err
}

// ServeHTTP implements [http.Handler].
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(offered(r)) == 0 {
		p.proxy.ServeHTTP(w, r)
		return
	}
	answered := &answer{ResponseWriter: w}
	passed, why := p.passedOn(r)
	r = r.WithContext(context.WithValue(r.Context(), answerKey{}, answered))
	// httputil.ReverseProxy panics with http.ErrAbortHandler if it cannot pass on the whole
	// answer. The panic goes on.
	defer func() {
		answered.over.Store(true)
		p.logAnswer(r, passed, why, answered)
	}()
	p.proxy.ServeHTTP(answered, r)
	answered.whole = true
}

// logAnswer logs what became of an offer that was answered. After a switch relay logs it. A
// switch of HTTP/1.1 has no status here; one of HTTP/2 has 200.
func (p *Proxy) logAnswer(r *http.Request, passed string, why error, answered *answer) {
	status := fmt.Sprintf("answered %d", answered.status)
	switch {
	case answered.whole:
	case r.Context().Err() != nil:
		status += ", cut short by the client"
	default:
		status += ", cut short by the backend"
	}
	switch {
	case why != nil && answered.failed != nil && answered.failed.Error() != why.Error():
		p.logOffer(r, "not passed on: %v; failed: %v; %s", why, answered.failed, status)
	case why != nil:
		p.logOffer(r, "not passed on: %v; %s", why, status)
	case answered.failed != nil && answered.status > 0:
		p.logOffer(r, "passed on %q: failed: %v; %s", passed, answered.failed, status)
	case answered.failed != nil:
		p.logOffer(r, "passed on %q: failed: %v", passed, answered.failed)
	case answered.status > 0 && !answered.switched.Load():
		p.logOffer(r, "passed on %q: not switched: %s", passed, status)
	}
}

// serveTwoLengths passes on a request that may have two lengths, without its Upgrade.
func (p *Proxy) serveTwoLengths(w http.ResponseWriter, r *http.Request) {
	if len(r.Header["Upgrade"]) > 0 {
		p.logOffer(r, "not passed on: the request may have two lengths")
	}
	ordinary := r.Clone(r.Context())
	ordinary.Header.Del("Upgrade")
	p.proxy.ServeHTTP(w, ordinary)
}

// passedOn returns what the proxy passes on of an offer, or why it passes on nothing.
func (p *Proxy) passedOn(r *http.Request) (string, error) {
	list, err := httpupgrade.Offer(r)
	if isExtended(r) {
		list, err = extended.Offer(r.Header[extended.Field])
	}
	if err != nil {
		return "", err
	}
	products := handshake.Restrict(list, p.allowed...)
	if len(products) == 0 {
		return "", errNotAllowed
	}
	return string(upgrade.AppendList(nil, products...)), nil
}

// errNotAllowed is the reason not to pass on a valid offer.
var errNotAllowed = errors.New("no offered product is allowed")

// isExtended reports whether r is an extended CONNECT of HTTP/2.
func isExtended(r *http.Request) bool {
	return extended.Is(r.ProtoMajor, r.Method, r.Header[extended.Field])
}

// offered returns the lines that name what a request offers.
func offered(r *http.Request) []string {
	if isExtended(r) {
		return r.Header[extended.Field]
	}
	return r.Header["Upgrade"]
}

// relay logs a tunnel, and what went through it.
func (p *Proxy) relay(t *proxyupgrade.Tunnel) {
	if recorder := record.Of(t.Request); recorder != nil {
		recorder.Take() // otherwise the tunnel would hold the heads until it ends
	}
	if answered, ok := t.Request.Context().Value(answerKey{}).(*answer); ok {
		answered.switched.Store(true)
	}
	to := string(upgrade.AppendList(nil, t.Products...))
	p.logOffer(t.Request, "switched to %s", to)
	toBackend, toClient, err := t.Copy()
	ending := ""
	if err != nil {
		ending = ": " + err.Error()
	}
	p.log.Printf("%s %s closed after %d octets to the backend and %d to the client%s", t.Request.RemoteAddr, to, toBackend, toClient, ending)
}

// failed logs a request that failed. ServeHTTP logs an offer that failed, with its answer.
func (p *Proxy) failed(r *http.Request, err error) {
	if answered, ok := r.Context().Value(answerKey{}).(*answer); ok && !answered.over.Load() {
		answered.failed = err
		return
	}
	p.logOffer(r, "failed: %v", err)
}

// answerKey is the key of an offer's answer in the context of its request.
type answerKey struct{}

// logOffer logs what a request offered and what became of it. The method is a token. The
// rest of what a stranger sent is quoted. Long texts are cut.
func (p *Proxy) logOffer(r *http.Request, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.Decided != nil {
		p.Decided(text)
	}
	products := strings.Join(offered(r), ", ")
	p.log.Printf("%s %.*s %.*q offers %.*q: %s", r.RemoteAddr, maxQuoted, r.Method, maxQuoted, record.WithoutUserinfo(r.RequestURI), maxQuoted, products, text)
}

// answer notes the status of a response, and why there is no other.
type answer struct {
	http.ResponseWriter
	status   int
	failed   error
	whole    bool // nothing broke off
	switched atomic.Bool
	over     atomic.Bool // ServeHTTP of the proxy has returned
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}
