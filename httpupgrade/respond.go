package httpupgrade

import (
	"io"
	"net/http"
	"slices"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/products"
)

// This file answers without a switch, and says what the server could switch to.

// Refuse answers 426 (Upgrade Required) and names the protocols. The client must offer one
// of them. It answers 505 (HTTP Version Not Supported) to versions that cannot
// upgrade: 1.0, 2 and 3. It answers 501 (Not Implemented) to a CONNECT of any version,
// and if there is no protocol to name, because a 426 must name one.
//
// The connection stays open, unless the request is a CONNECT, the client asked to close
// the connection, or the client still waits for permission to send content (Expect:
// 100-continue). net/http closes it in three more cases, and then takes the upgrade
// option out of Connection: when 256 KiB of content or more are left unread, when
// keep-alives are disabled, and during Shutdown. Refuse follows
// [RFC 9110, section 15.5.22].
//
// [RFC 9110, section 15.5.22]: https://httpwg.org/specs/rfc9110.html#rfc.section.15.5.22
func Refuse(w http.ResponseWriter, r *http.Request, supported ...upgrade.Product[string]) {
	supported = products.Distinct(supported)
	status := refusalStatus(r, supported)
	switch {
	case status == http.StatusUpgradeRequired:
		closeUnread(w.Header(), r)
		advertise(w.Header(), r, supported)
	case r.Method == http.MethodConnect && canUpgrade(r):
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(status)
}

// refusalStatus returns the status code with which Refuse answers r. The supported
// products are distinct.
func refusalStatus(r *http.Request, supported []upgrade.Product[string]) int {
	switch {
	case r.Method == http.MethodConnect:
		return http.StatusNotImplemented
	case !canUpgrade(r):
		return http.StatusHTTPVersionNotSupported
	case len(supported) == 0:
		return http.StatusNotImplemented
	}
	return http.StatusUpgradeRequired
}

// answer sends a final response with fields and content, as handshake.Refusal.Response
// returns them.
func answer(w http.ResponseWriter, r *http.Request, status int, fields []handshake.Field, content string) {
	header := w.Header()
	if isExtended(r) {
		addEndToEnd(header, fields)
	} else {
		for _, f := range fields {
			header.Add(f.Name, f.Value)
		}
		if header["Upgrade"] != nil {
			closeUnread(header, r)
			addOption(header, r)
		}
	}
	w.WriteHeader(status)
	if content != "" {
		io.WriteString(w, content) // net/http drops it in answer to HEAD
	}
}

// Advertise adds to a response the fields that tell the client what it may switch to in a
// later request: Upgrade, and upgrade in Connection. The response may have any final
// status. Advertise changes nothing else in it, and nothing at all for versions 1.0, 2
// and 3.
//
// Call it before WriteHeader and after any other code that sets Connection: Advertise
// adds its option to those that are there. net/http closes connections in the same cases
// as for [Refuse]. Advertise follows [RFC 9110, section 7.8].
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
func Advertise(w http.ResponseWriter, r *http.Request, supported ...upgrade.Product[string]) {
	if supported = products.Distinct(supported); canUpgrade(r) && len(supported) > 0 {
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
		lines = nil // a malformed list would spoil our option
	}
	switch {
	case options.Has("upgrade"):
	case len(lines) == 0 && r.Close:
		lines = []string{"Upgrade, close"}
	default:
		// A separate line: net/http honours a handler's close only if close is the
		// whole first line.
		lines = append(slices.Clip(lines), "Upgrade") // the caller may share this slice
	}
	// When net/http closes because the client asked for it, it leaves Connection alone
	// only if the first line names close.
	if first, _ := upgrade.ParseConnection(lines[0]); r.Close && !first.Has("close") {
		lines = append([]string{"close"}, lines...)
	}
	header["Connection"] = lines
}

// closeUnread makes net/http close the connection, and say so, if the client holds back
// the content of r until it sees 100 (Continue). net/http sends the 100 when the content
// is first read. A client that is refused without a 100 may or may not send the content.
func closeUnread(header http.Header, r *http.Request) {
	// net/http has already refused any other expectation.
	if r.Header.Get("Expect") == "" || r.ContentLength == 0 {
		return
	}
	lines := header["Connection"]
	if _, err := upgrade.ParseConnection(lines...); err != nil {
		lines = nil
	}
	header["Connection"] = append([]string{"close"}, lines...)
}
