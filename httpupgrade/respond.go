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

// Refuse answers 426 (Upgrade Required), naming the protocols of which the client
// has to choose one; and 505 (HTTP Version Not Supported) to a version that cannot
// upgrade, which are 1.0, 2 and 3. It answers 501 (Not Implemented) to a CONNECT of any
// version, and where there is no protocol to name, since such a 426 is not allowed.
//
// The connection stays open unless the client asked to close it or still waits for
// permission to send content (Expect: 100-continue). net/http closes it in three more
// cases, and then takes the upgrade option out of Connection: when 256 KiB of content
// or more are left unread, when keep-alives are disabled, and during Shutdown. It follows
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

// refusalStatus returns the status code of the response in which Refuse names the
// supported products, which are distinct.
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
// gives them.
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
		io.WriteString(w, content) // which net/http sends to no HEAD
	}
}

// Advertise adds to the response, which may have any final status, the fields that
// tell the client what it may switch to in a later request: Upgrade, and upgrade in
// Connection. It changes nothing else of the response, and nothing at all for
// versions 1.0, 2 and 3.
//
// Call it before WriteHeader and after everything else that sets Connection: the option is
// added to what is there. What [Refuse] says of connections that net/http closes applies
// here too. It follows [RFC 9110, section 7.8].
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
		// A line of its own: net/http honours a handler's close only if it is the
		// whole first line.
		lines = append(slices.Clip(lines), "Upgrade") // the caller may share this slice
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
	// net/http has refused any other expectation by itself.
	if r.Header.Get("Expect") == "" || r.ContentLength == 0 {
		return
	}
	lines := header["Connection"]
	if _, err := upgrade.ParseConnection(lines...); err != nil {
		lines = nil
	}
	header["Connection"] = append([]string{"close"}, lines...)
}
