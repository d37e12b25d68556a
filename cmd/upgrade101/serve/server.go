// Package serve is a server to try a switch on: it switches to echo/1 and to websocket,
// and has a page for browsers. It knows nothing of the command line.
package serve

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/overtls"
	"github.com/gosegue/upgrade/cmd/upgrade101/record"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/uri"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows the server: when it starts and stops, what it answers, and what it
// logs. It knows nothing of what is spoken after a switch.

// The limits of the server. They bound the time of a request, a response, an unused
// connection, a switched connection that is silent, and of everything that still runs when
// the server stops. They also bound the head of a request and the number of connections.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 30 * time.Second
	keepTimeout  = time.Minute
	idleTimeout  = 2 * time.Minute
	stopTimeout  = 2 * time.Second
	maxHeader    = 64 << 10
	maxConns     = 16 << 10
)

// slop is how many octets net/http accepts beyond [http.Server.MaxHeaderBytes].
const slop = 4 << 10

// What the server can switch to.
var (
	echo      = upgrade.MustParseProduct("echo/1")
	webSocket = upgrade.MustParseProduct("websocket")
)

// Server is a server to try a switch on: see the package.
type Server struct {
	// Raw makes package netupgrade read the first request of a connection, not net/http.
	Raw bool

	// TLS makes the server speak TLS, with a certificate of its own, and thus HTTP/2 as
	// well as HTTP/1.1. It keeps no heads then, and Raw must be false.
	TLS bool

	// Names are further names of the server, for Host. It always answers to localhost,
	// 127.0.0.1, ::1 and the address that it listens on.
	Names []string

	url      string
	id       string // random, for pages that outlive the server
	log      *log.Logger
	idle     time.Duration
	sessions sessions
	last     lastHandshakes
	keys     *keys
	asking   chan struct{} // holds one for each question to the three parties
}

// New returns a server whose clients use url. It writes its log to logTo.
func New(url string, logTo io.Writer) *Server {
	return &Server{url: url, id: rand.Text(), log: log.New(logTo, "", log.LstdFlags), idle: idleTimeout, keys: newKeys(), asking: make(chan struct{}, maxAsking)}
}

// Run serves until ctx is done or the listener fails. Then it closes all connections.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	listener = limit(listener, maxConns)
	if !s.TLS { // over TLS net/http needs the connection itself
		listener = record.Listener(listener)
	}
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       keepTimeout,
		MaxHeaderBytes:    maxHeader - slop,
		ErrorLog:          s.log,
		// Some clients upgrade with "OPTIONS *", which net/http answers itself.
		DisableGeneralOptionsHandler: true,
		ConnContext:                  record.ConnContext,
	}
	failed := make(chan error, 2)
	switch {
	case s.TLS:
		var names []string
		for _, name := range s.Names {
			names = append(names, hostname(name))
		}
		cert, err := overtls.Certificate(names...)
		if err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
		go func() { failed <- server.ServeTLS(listener, "", "") }()
	case s.Raw:
		declined := newHandover(listener.Addr())
		go func() { failed <- server.Serve(declined) }()
		go func() { failed <- s.acceptAll(listener, declined.give) }()
	default:
		go func() { failed <- server.Serve(listener) }()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	listener.Close()
	// Shutdown does not close switched connections, and waits for switched streams.
	s.sessions.close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	return err
}

func (s *Server) handler() http.Handler {
	page := s.page(echo, webSocket)
	return record.EndTwoLengths(httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			{Product: echo, Serve: s.session(echo, echoBytes)},
			{Product: webSocket, Allow: s.namedBy, Serve: s.session(webSocket, echoMessages)},
		},
		Next:    page,
		Decided: s.logRefusal,
		Error:   func(r *http.Request, err error) { s.logOffer(s.offerOf(r), "failed", err) },
	}, page)
}

// session returns the Serve of a [httpupgrade.Protocol] that speaks a protocol.
func (s *Server) session(product upgrade.Product[string], speak func(net.Conn) error) func(net.Conn, *http.Request) {
	return func(conn net.Conn, r *http.Request) {
		if !s.sessions.add(conn) {
			return // the server is stopping
		}
		defer s.sessions.remove(conn)
		s.speak(conn, product, s.offerOf(r), speak)
	}
}

// speak speaks a protocol on a connection that has switched to it.
func (s *Server) speak(conn net.Conn, product upgrade.Product[string], o offer, speak func(net.Conn) error) {
	s.logOffer(o, "switched to "+product.String(), nil)
	ending := "closed"
	if err := speak(idleConn{conn, s.idle}); err != nil {
		ending = "closed: " + err.Error()
	}
	s.log.Printf("%s %s %s", o.from, product, ending)
}

// logRefusal logs a request that was refused. The page logs every other request that does
// not switch.
func (s *Server) logRefusal(r *http.Request, d handshake.Decision) {
	var refusal *handshake.Refusal
	if errors.As(d.Err, &refusal) {
		s.logOffer(s.offerOf(r), "not switched", d.Err)
	}
}

// page answers the requests that do not switch: a browser gets the page, and another
// client the text.
func (s *Server) page(supported ...upgrade.Product[string]) http.Handler {
	text := pageText
	if s.TLS {
		// The certificate is the server's own; curl would speak HTTP/2; telnet has no TLS.
		before, after, _ := strings.Cut(text, "This command also sends bytes")
		_, after, _ = strings.Cut(after, "\n\n")
		_, after, _ = strings.Cut(after, "\n\n")
		text = strings.ReplaceAll(strings.TrimSpace(before)+"\n\n"+after, "  curl ", "  curl -k --http1.1 ")
	}
	text = strings.ReplaceAll(text, "URL", s.url)
	text = strings.ReplaceAll(text, "HOST", strings.TrimPrefix(s.url, "http://"))
	routes := s.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Upgrade"]) > 0 {
			_, err := httpupgrade.Offer(r)
			switch {
			case err == nil && !s.namedBy(r):
				err = errHost
			case err == nil:
				err = errNotServed
			}
			s.logOffer(s.offerOf(r), "not switched", err)
		}
		if _, valid := uri.IsHost(r.Host); !valid {
			// net/http checks only which octets Host has.
			w.Header().Set("Connection", "close")
			answerWith(w, http.StatusBadRequest, "text/plain; charset=utf-8", []byte("Host is malformed.\n"))
			return
		}
		if !s.namedBy(r) {
			answerWith(w, http.StatusMisdirectedRequest, "text/plain; charset=utf-8", []byte(wrongHost))
			return
		}
		httpupgrade.Advertise(w, r, supported...)
		if route := routes[r.URL.Path]; route != nil {
			route(w, r)
			return
		}
		w.Header().Set("Vary", "Accept")
		if wantsPage(r) {
			index(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		io.WriteString(w, text)
	})
}

// errNotServed is the reason to decline a valid offer.
var errNotServed = errors.New("no offered product is served here")

const wrongHost = `The field Host must name this server: localhost, 127.0.0.1, [::1] or the address that
it listens on. So no other site can make a browser read its page. The flag --host of
upgrade101 serve adds a name.
`

const pageText = `This server switches to echo/1, which sends back every byte, and to websocket,
which sends back every message. A browser gets a page instead of this text. Try:

  curl -D - -H 'Connection: Upgrade' -H 'Upgrade: HTTP/2.0, echo/1' URL/
  curl -D - -H 'Connection: Upgrade' -H 'Upgrade: echo/1' -d 'read, not sent back' URL/
  curl -D - -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' URL/

They show the head of the response and then wait; end them with Ctrl-C. With -i instead of
-D -, curl shows the head at once only on a terminal. This command also sends bytes:

  (printf 'GET / HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\nhello\n'; sleep 1) | curl -sN -m 2 telnet://HOST

These requests do not switch, and get this text:

  curl -i -H 'Upgrade: echo/1' URL/
  curl -i -H 'Connection: Upgrade' -H 'Upgrade: echo/2' URL/
  curl -i -H 'Connection: Upgrade' -H 'Upgrade: echo / 1' URL/
`

// offer is what the log says of a request. All of it except the address comes from a
// stranger.
type offer struct {
	from, method, target, products string

	connection, upgrades []string // the lines of the two fields, as HTTP/1.1 has them

	version  string          // of HTTP; empty: 1.1
	foreign  bool            // the page of another site may have sent it
	recorder record.Recorder // of the connection; nil if there is none
}

func (s *Server) offerOf(r *http.Request) offer {
	o := offer{
		from:       r.RemoteAddr,
		method:     r.Method,
		target:     r.RequestURI,
		connection: r.Header["Connection"],
		upgrades:   r.Header["Upgrade"],
		version:    strings.TrimSuffix(strings.TrimPrefix(r.Proto, "HTTP/"), ".0"),
		foreign:    !s.namedBy(r) || !websocket.SameOrigin(r.Header["Origin"], []string{r.Host}),
		recorder:   record.Of(r),
	}
	if r.ProtoMajor == 2 { // RFC 8441 has neither field
		o.connection, o.upgrades = []string{"Upgrade"}, r.Header[":protocol"]
	}
	o.products = strings.Join(o.upgrades, ", ")
	return o
}

// logOffer logs what a request offered, what became of it, and why. The method is a token;
// the rest is quoted, and cut if it is long. Neither the log nor the page shows userinfo. The
// page shows the request as well, unless the page of another site may have sent it.
func (s *Server) logOffer(o offer, decision string, why error) {
	text := decision
	if why != nil {
		text += ": " + why.Error()
	}
	key := s.keys.of(o.target)
	o.target = record.WithoutUserinfo(o.target)
	s.log.Printf("%s %.*s %.*q offers %.*q: %s", o.from, maxQuoted, o.method, maxQuoted, o.target, maxQuoted, o.products, text)

	var kept record.Exchange
	if why == nil && o.recorder != nil {
		kept, _ = o.recorder.Take() // or the connection would hold it to its end
	}
	if o.foreign {
		return
	}
	if errors.As(why, new(*net.OpError)) {
		text = decision + ": the connection broke" // the error has the address of the client
	}
	n := note{time: time.Now(), decision: text, switched: why == nil, key: key}
	if key != "" {
		n.exchange = kept
	}
	n.offer = offer{method: clip(o.method), target: clip(public(o.target)), products: clip(o.products), version: o.version}
	n.offer.keepLines(o)
	s.last.add(n)
}

// keepLines keeps copies of the lines of the two fields, unless they are long.
func (o *offer) keepLines(from offer) {
	size := 0
	for _, line := range append(slices.Clone(from.connection), from.upgrades...) {
		size += len(line) + len("\r\n")
	}
	if size > maxLines {
		return
	}
	for _, line := range from.connection {
		o.connection = append(o.connection, strings.Clone(line))
	}
	for _, line := range from.upgrades {
		o.upgrades = append(o.upgrades, strings.Clone(line))
	}
}

// clip returns a copy of the beginning of s, so that the rest can be freed.
func clip(s string) string { return strings.Clone(s[:min(len(s), maxQuoted)]) }
