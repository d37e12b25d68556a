// Package httpupgrade switches protocols in servers of net/http: [Handler] is
// middleware that does all of it by a list of [Protocol]s, [Switch] one switch in a
// handler of one's own.
//
//	http.ListenAndServe("127.0.0.1:8080", httpupgrade.Handler{
//		Protocols: []httpupgrade.Protocol{{
//			Product: upgrade.MustParseProduct("echo/1"),
//			Serve:   func(conn net.Conn, r *http.Request) { io.Copy(conn, conn) },
//		}},
//		Next: http.HandlerFunc(ordinary),
//	})
//
// It works for every HTTP/1.1 request that net/http hands to a handler. A request
// of HTTP/1.0 is served as if it had no Upgrade field, and HTTP/2 and 3 have none:
// such a connection never sees Upgrade, Connection or 101 from this package.
//
// Three things net/http does by itself. It answers "OPTIONS *" without calling the
// handler, unless Server.DisableGeneralOptionsHandler is set; clients of CUPS and
// nghttp upgrade with that request. Server.Shutdown neither closes nor waits for
// connections that were switched: see the example of [Handler]. And of a request with
// both Content-Length and Transfer-Encoding it forgets the former and keeps the
// connection, which [RFC 9112, section 6.1] says to close: nothing behind it can tell.
//
// The rules live in packages upgrade and handshake, on fields and bytes; this one
// knows requests, responses and connections.
//
// [RFC 9112, section 6.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.6.1
package httpupgrade

import (
	"errors"
	"net/http"
	"slices"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// ErrConnect says that the request is a CONNECT, whose connection has a use already:
// an offer in it is ignored.
var ErrConnect = errors.New("httpupgrade: CONNECT cannot upgrade")

// Offer returns the products that r offers to switch to. Any error says why there
// are none, and that r is to be served as an ordinary request: [ErrConnect] or what
// [handshake.Offer] returns.
func Offer(r *http.Request) (upgrade.List[string], error) {
	if r.Method == http.MethodConnect {
		return upgrade.List[string]{}, ErrConnect
	}
	// Index, not Get: Get returns the first line alone.
	return handshake.Offer(r.ProtoMajor, r.ProtoMinor, r.Header["Connection"], r.Header["Upgrade"])
}

// canUpgrade reports whether the version of r has the Upgrade mechanism at all.
func canUpgrade(r *http.Request) bool { return r.ProtoMajor == 1 && r.ProtoMinor >= 1 }

// Refuse answers 426 (Upgrade Required), naming the protocols of which the client
// has to choose one; and 505 (HTTP Version Not Supported) to a version that cannot
// upgrade, which are 1.0, 2 and 3. Without any protocol to name, where a 426 is not
// allowed, it answers 501 (Not Implemented).
//
// The connection stays open unless the client asked to close it or still waits for
// leave to send content (Expect: 100-continue). net/http closes it in three more
// cases, and then takes the upgrade option out of Connection: when 256 KiB of content
// or more are left unread, when keep-alives are disabled, and during Shutdown.
func Refuse(w http.ResponseWriter, r *http.Request, supported ...upgrade.Product[string]) {
	switch {
	case !canUpgrade(r):
		w.WriteHeader(http.StatusHTTPVersionNotSupported)
	case r.Method == http.MethodConnect:
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusNotImplemented)
	case !named(supported):
		w.WriteHeader(http.StatusNotImplemented)
	default:
		closeUnread(w.Header(), r)
		advertise(w.Header(), r, supported)
		w.WriteHeader(http.StatusUpgradeRequired)
	}
}

// Advertise adds to the response, which may have any final status, the fields that
// tell the client what it may switch to in a later request: Upgrade, and upgrade in
// Connection. It changes nothing else of the response, and nothing at all for
// versions 1.0, 2 and 3.
//
// Call it before WriteHeader and behind whatever else sets Connection: the option is
// added to what stands there. What [Refuse] says of connections that net/http closes
// holds here too.
func Advertise(w http.ResponseWriter, r *http.Request, supported ...upgrade.Product[string]) {
	if canUpgrade(r) && named(supported) {
		advertise(w.Header(), r, supported)
	}
}

// advertise sets Upgrade and adds its option to Connection.
func advertise(header http.Header, r *http.Request, supported []upgrade.Product[string]) {
	header["Upgrade"] = []string{string(upgrade.AppendList(nil, supported...))}
	addOption(header, r)
}

// addOption adds the option upgrade to Connection.
func addOption(header http.Header, r *http.Request) {
	lines := header["Connection"]
	options, err := upgrade.ParseConnection(lines...)
	if err != nil {
		lines = nil // what is malformed would take our option with it
	}
	switch {
	case options.Has("upgrade"):
	case len(lines) == 0 && r.Close:
		lines = []string{"Upgrade, close"}
	default:
		// A line of its own: net/http honours a close of the handler's only
		// where the first line is that and nothing more.
		lines = append(slices.Clip(lines), "Upgrade") // who set them may share them
	}
	// When net/http closes for the client's sake, it leaves Connection alone only
	// if the first line names close.
	if first, _ := upgrade.ParseConnection(lines[0]); r.Close && !first.Has("close") {
		lines = append([]string{"close"}, lines...)
	}
	header["Connection"] = lines
}

// closeUnread makes net/http close the connection, and say so, if r has content that
// the client holds back until it sees 100 (Continue). net/http sends that when the
// content is first read; refused without, the client may send the content or not.
func closeUnread(header http.Header, r *http.Request) {
	// Any other expectation net/http has refused by itself.
	if r.Header.Get("Expect") == "" || r.ContentLength == 0 {
		return
	}
	lines := header["Connection"]
	if _, err := upgrade.ParseConnection(lines...); err != nil {
		lines = nil
	}
	header["Connection"] = append([]string{"close"}, lines...)
}

// named reports whether products has one that is not zero.
func named(products []upgrade.Product[string]) bool {
	for _, p := range products {
		if !p.IsZero() {
			return true
		}
	}
	return false
}
