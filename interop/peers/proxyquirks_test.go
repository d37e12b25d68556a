package peers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// This file has the quirks of proxies that users meet.

// quirk is a scenario of a proxy. It repeats the results of some cases of the battery, since
// the records could be updated by accident.
type quirk struct {
	scenario string
	limit    bool // the scenario is a limit of the proxy
	visits   []quirkVisit
}

// quirkVisit is the name of a case of the battery, and the result that is wanted at both
// layers, in the form of the records.
type quirkVisit struct {
	name string
	want string
}

// listOfTwo is a case that the battery has only for WebSocket.
var listOfTwo = batteryCase{name: "foo-echo", head: batteryGet + "Upgrade: foo, echo/1|Connection: Upgrade"}

var nginxQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Upgrade: websocket; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: websocket; Sec-WebSocket-Accept: right | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Upgrade: websocket; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: websocket; Sec-WebSocket-Accept: right | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
		{"echoearly", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | echo/1 | early, echo, end`},
	}},
	{"adds the upgrade option, and raises the version to 1.1", false, []quirkVisit{
		{"no-conn", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | handshake: protocol was not offered | echo, end`},
		{"no-up-opt", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | handshake: protocol was not offered | echo, end`},
		{"http10", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | handshake: protocol was not offered | echo, end`},
	}},
	{"octets after the head, content", false, []quirkVisit{
		{"behind", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
		{"post-cl", `POST HTTP/1.1; Upgrade: echo/1; Connection: upgrade; Content-Length: 4 | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
		{"post-te", `POST HTTP/1.1; Upgrade: echo/1; Connection: upgrade; Content-Length: 4 | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
	}},
	{"passes on only the first Upgrade line", true, []quirkVisit{
		{"two-lines", `GET HTTP/1.1; Upgrade: foo; Connection: upgrade | HTTP/1.1 200; Connection: keep-alive | - | ordinary GET, content "" (<nil>), offer ["foo"] (<nil>)`},
	}},
	{"closes both directions at half-close", true, []quirkVisit{
		{"echo", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Connection: upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
	}},
}

var haproxyQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; upgrade: websocket; connection: Upgrade | HTTP/1.1 101; upgrade: websocket; connection: Upgrade; sec-websocket-accept: right | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; upgrade: websocket; connection: Upgrade | HTTP/1.1 101; upgrade: websocket; connection: Upgrade; sec-websocket-accept: right | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; upgrade: echo/1; connection: Upgrade | echo/1 | echo, BYE, end`},
		{"echoearly", `GET HTTP/1.1; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; upgrade: echo/1; connection: Upgrade | echo/1 | early, echo, BYE, end`},
	}},
	{"list, two lines, octets after the head", false, []quirkVisit{
		{"foo-echo", `GET HTTP/1.1; upgrade: foo, echo/1; connection: Upgrade | HTTP/1.1 101; upgrade: echo/1; connection: Upgrade | echo/1 | echo, BYE, end`},
		{"two-lines", `GET HTTP/1.1; upgrade: foo; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; upgrade: echo/1; connection: Upgrade | echo/1 | echo, BYE, end`},
		{"behind", `GET HTTP/1.1; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; upgrade: echo/1; connection: Upgrade | echo/1 | echo, BYE, end`},
	}},
	{"removes Upgrade from an offer with content, keeps the upgrade option", false, []quirkVisit{
		{"post-cl", `POST HTTP/1.1; content-length: 4; connection: Upgrade | HTTP/1.1 200 | - | ordinary POST, content "body" (<nil>), offer [] (handshake: no Upgrade field)`},
		{"post-te", `POST HTTP/1.1; transfer-encoding: chunked; connection: Upgrade | HTTP/1.1 200 | - | ordinary POST, content "body" (<nil>), offer [] (handshake: no Upgrade field)`},
	}},
	{"passes on HTTP/1.0 unchanged", false, []quirkVisit{
		{"http10", `GET HTTP/1.0; upgrade: echo/1; connection: Upgrade | HTTP/1.0 200 | - | ordinary GET, content "" (<nil>), offer [] (handshake: HTTP version cannot upgrade)`},
	}},
}

var apacheQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Sec-WebSocket-Accept: right; Connection: Upgrade; Upgrade: websocket | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Sec-WebSocket-Accept: right; Connection: Upgrade; Upgrade: websocket | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"echoearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | early, echo, BYE, end`},
	}},
	{"every offer of one product", false, []quirkVisit{
		{"ws-upper", `GET HTTP/1.1; Connection: Upgrade; Upgrade: WebSocket | HTTP/1.1 101; Sec-WebSocket-Accept: right; Connection: Upgrade; Upgrade: websocket | websocket | echo, close, end`},
		{"ka-up", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"conn-2lines", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"close-up", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"post-cl", `POST HTTP/1.1; Content-Length: 4; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"post-te", `POST HTTP/1.1; Content-Length: 4; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"options", `OPTIONS HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"behind", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
	}},
	{"answers 502 when the origin chooses one product of a list", true, []quirkVisit{
		{"foo-ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo, websocket | HTTP/1.1 502 | - | -`},
		{"foo-echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo, echo/1 | HTTP/1.1 502 | - | -`},
		{"two-lines", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo, echo/1 | HTTP/1.1 502 | - | -`},
		{"empty-elems", `GET HTTP/1.1; Connection: Upgrade; Upgrade: , echo/1 ,, | HTTP/1.1 502 | - | -`},
	}},
}

var varnishQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; upgrade: websocket; connection: Upgrade | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-WebSocket-Accept: right | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; upgrade: websocket; connection: Upgrade | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-WebSocket-Accept: right | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"echoearly", `GET HTTP/1.1; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | early, echo, BYE, end`},
	}},
	{"octets after the head, content", false, []quirkVisit{
		{"behind", `GET HTTP/1.1; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"post-cl", `POST HTTP/1.1; Content-Length: 4; upgrade: echo/1; connection: Upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
	}},
}

var squidQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Upgrade: websocket; Connection: upgrade | HTTP/1.1 101; Sec-WebSocket-Accept: right; Upgrade: websocket; Connection: upgrade | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Upgrade: websocket; Connection: upgrade | HTTP/1.1 101; Sec-WebSocket-Accept: right; Upgrade: websocket; Connection: upgrade | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
		{"echoearly", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | early, echo, end`},
	}},
	{"tidies the list", false, []quirkVisit{
		{"empty-elems", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
		{"two-lines", `GET HTTP/1.1; Upgrade: foo, echo/1; Connection: upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
	}},
	{"adds the upgrade option", false, []quirkVisit{
		{"no-conn", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | handshake: protocol was not offered | echo, end`},
	}},
	{"closes both directions at half-close", true, []quirkVisit{
		{"echo", `GET HTTP/1.1; Upgrade: echo/1; Connection: upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
	}},
}

var lighttpdQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Upgrade: websocket; Connection: close, upgrade | HTTP/1.1 101; Upgrade: websocket; Sec-WebSocket-Accept: right; Connection: upgrade | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Upgrade: websocket; Connection: close, upgrade | HTTP/1.1 101; Upgrade: websocket; Sec-WebSocket-Accept: right; Connection: upgrade | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Upgrade: echo/1; Connection: close, upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
		{"echoearly", `GET HTTP/1.1; Upgrade: echo/1; Connection: close, upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | early, echo, end`},
	}},
	{"two lines, list, octets after the head", false, []quirkVisit{
		{"two-lines", `GET HTTP/1.1; Upgrade: foo, echo/1; Connection: close, upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
		{"foo-echo", `GET HTTP/1.1; Upgrade: foo, echo/1; Connection: close, upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
		{"behind", `GET HTTP/1.1; Upgrade: echo/1; Connection: close, upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
	}},
	{"closes both directions at half-close", true, []quirkVisit{
		{"echo", `GET HTTP/1.1; Upgrade: echo/1; Connection: close, upgrade | HTTP/1.1 101; Upgrade: echo/1; Connection: upgrade | echo/1 | echo, end`},
	}},
}

var nghttpxQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Upgrade: websocket; Connection: Upgrade | HTTP/1.1 101; Sec-Websocket-Accept: right; Connection: Upgrade; Upgrade: websocket | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Upgrade: websocket; Connection: Upgrade | HTTP/1.1 101; Sec-Websocket-Accept: right; Connection: Upgrade; Upgrade: websocket | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
		{"echoearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | early, echo, end`},
	}},
	{"passes on only the last Upgrade line", true, []quirkVisit{
		{"two-lines", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
	}},
	{"closes both directions at half-close", true, []quirkVisit{
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, end`},
	}},
}

var kubectlProxyQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-WebSocket-Accept: right | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-WebSocket-Accept: right | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, end`},
		{"echoearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | early, echo, end`},
	}},
	{"list, two lines", false, []quirkVisit{
		{"foo-ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo, websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-WebSocket-Accept: right | websocket | echo, close, end`},
		{"two-lines", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, end`},
	}},
	{"loses the octets after the head", true, []quirkVisit{
		{"behind", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo "hello", hang`},
	}},
	{"answers 500 when the offer is declined", true, []quirkVisit{
		{"unknown", `GET HTTP/1.1; Connection: Upgrade; Upgrade: xyz/7 | HTTP/1.1 500 | - | -`},
	}},
	{"closes both directions at half-close", true, []quirkVisit{
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, end`},
	}},
}

var reverseProxyQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Connection: Upgrade; Sec-Websocket-Accept: right; Upgrade: websocket | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Connection: Upgrade; Sec-Websocket-Accept: right; Upgrade: websocket | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
		{"echoearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | early, echo, BYE, end`},
	}},
	{"answers 502 when the origin chooses one product of a list", true, []quirkVisit{
		{"foo-ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo, websocket | HTTP/1.1 502 | - | -`},
		{"foo-echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo, echo/1 | HTTP/1.1 502 | - | -`},
	}},
	{"passes on only the first Upgrade line", true, []quirkVisit{
		{"two-lines", `GET HTTP/1.1; Connection: Upgrade; Upgrade: foo | HTTP/1.1 200 | - | ordinary GET, content "" (<nil>), offer ["foo"] (<nil>)`},
	}},
	{"loses the octets after the head", true, []quirkVisit{
		{"behind", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo "hello", hang`},
	}},
	{"passes on h2c, TLS and HTTP/1.0 offers (CVE-2026-88008)", true, []quirkVisit{
		{"h2c", `GET HTTP/1.1; Connection: Upgrade; Upgrade: h2c | HTTP/1.1 200 | - | ordinary GET, content "" (<nil>), offer ["h2c"] (<nil>)`},
		{"tls", `GET HTTP/1.1; Connection: Upgrade; Upgrade: TLS/1.2, TLS/1.0 | HTTP/1.1 200 | - | ordinary GET, content "" (<nil>), offer ["TLS/1.2" "TLS/1.0"] (<nil>)`},
		{"http10", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Connection: Upgrade; Upgrade: echo/1 | handshake: protocol was not offered | echo, BYE, end`},
	}},
	{"adds Content-Length to a 101", true, []quirkVisit{
		{"post-cl", `POST HTTP/1.1; Content-Length: 4; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Content-Length: 0; Connection: Upgrade; Upgrade: echo/1 | echo/1 | echo, BYE, end`},
	}},
}

var ourProxyQuirks = []quirk{
	{"websocket and echo/1, early octets", false, []quirkVisit{
		{"ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-Websocket-Accept: right | websocket | echo, close, end`},
		{"wsearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-Websocket-Accept: right | websocket | early, echo, close, end`},
		{"echo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"echoearly", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | early, echo, BYE, end`},
	}},
	{"passes on only the products it knows, in its own spelling", false, []quirkVisit{
		{"foo-ws", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-Websocket-Accept: right | websocket | echo, close, end`},
		{"ws-foo", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-Websocket-Accept: right | websocket | echo, close, end`},
		{"two-lines", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"empty-elems", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"ws-upper", `GET HTTP/1.1; Connection: Upgrade; Upgrade: websocket | HTTP/1.1 101; Upgrade: websocket; Connection: Upgrade; Sec-Websocket-Accept: right | websocket | echo, close, end`},
	}},
	{"does not pass on h2c, TLS, unknown products or HTTP/1.0 offers (CVE-2026-88008)", false, []quirkVisit{
		{"h2c", `GET HTTP/1.1 | HTTP/1.1 200 | - | ordinary GET, content "" (<nil>), offer [] (handshake: no Upgrade field)`},
		{"tls", `GET HTTP/1.1 | HTTP/1.1 200 | - | ordinary GET, content "" (<nil>), offer [] (handshake: no Upgrade field)`},
		{"unknown", `GET HTTP/1.1 | HTTP/1.1 200 | - | ordinary GET, content "" (<nil>), offer [] (handshake: no Upgrade field)`},
		{"http10", `GET HTTP/1.1 | HTTP/1.0 200 | - | ordinary GET, content "" (<nil>), offer [] (handshake: no Upgrade field)`},
	}},
	{"octets after the head, content", false, []quirkVisit{
		{"behind", `GET HTTP/1.1; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"post-cl", `POST HTTP/1.1; Content-Length: 4; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
		{"post-te", `POST HTTP/1.1; Content-Length: 4; Connection: Upgrade; Upgrade: echo/1 | HTTP/1.1 101; Upgrade: echo/1; Connection: Upgrade | echo/1 | echo, BYE, end`},
	}},
}

// check makes the visits of a quirk. The suffix makes their targets differ from earlier ones.
func (q quirk) check(t *testing.T, layer string, b battery, suffix string) {
	t.Helper()
	for _, v := range q.visits {
		limit := batteryLong
		if strings.HasSuffix(v.want, hang) {
			limit = batteryShort
		}
		c := batteryNamed(t, v.name)
		got := b.visit(t, c, limit, suffix).String()
		if limit == batteryShort && got != v.want {
			got = b.visit(t, c, batteryLong, suffix+again).String()
		}
		if got != v.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", layer, v.name, got, v.want)
		}
	}
}

func batteryNamed(t testing.TB, name string) batteryCase {
	t.Helper()
	for _, c := range slices.Concat(requestShapes, []batteryCase{listOfTwo}) {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no case %s", name)
	return batteryCase{}
}

// nginxWithoutSettings: an offer of h2c arrives without the HTTP2-Settings option, so a
// server that could switch declines it.
func nginxWithoutSettings(t *testing.T, p proxy, peer peer, _ map[string]battery) {
	peer.scenario(t, "h2c without the HTTP2-Settings option is declined", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			direct := battery{address: tap.address, tap: tap}.visit(t, batteryNamed(t, "h2c"), batteryLong, "/direct")
			equal(t, "without the proxy", direct.String(),
				"- | HTTP/1.1 101; Upgrade: h2c; Connection: Upgrade | h2c | settings of HTTP/2")
			got := battery{address: p.start(t, tap.address), tap: tap}.visit(t, batteryNamed(t, "h2c"), batteryLong, "")
			equal(t, "through it", got.String(),
				"GET HTTP/1.1; Upgrade: h2c; Connection: upgrade; HTTP2-Settings: AAMAAABkAAQAAP__"+
					" | HTTP/1.1 200; Connection: keep-alive | - | HTTP/1.1 hello GET /h2c 0 octets")
		})
	})
}

// varnishDecides: behind a pipe, the decision on each shape is the same as without a proxy.
func varnishDecides(t *testing.T, _ proxy, peer peer, at map[string]battery) {
	decision := func(v visit) string {
		status, _, _ := strings.Cut(v.got, ";")
		return strings.Join([]string{status, v.verdict, v.then}, " | ")
	}
	decide := func(t *testing.T, c batteryCase) (piped, direct string) {
		t.Helper()
		for layer, b := range at {
			piped += layer + ": " + decision(b.visit(t, c, batteryLong, "/piped")) + "\n"
			bare := battery{address: b.tap.address, tap: b.tap}
			direct += layer + ": " + decision(bare.visit(t, c, batteryLong, "/direct")) + "\n"
		}
		return piped, direct
	}
	peer.scenario(t, "same decisions as without a proxy", func(t *testing.T) {
		for _, c := range requestShapes {
			if c.name == "two-lines" {
				continue
			}
			if piped, direct := decide(t, c); piped != direct {
				t.Errorf("%s:\n%sand without the proxy:\n%s", c.name, piped, direct)
			}
		}
	})
	peer.limit(t, "passes on only the first Upgrade line", func(t *testing.T) {
		piped, direct := decide(t, batteryNamed(t, "two-lines"))
		if strings.Count(piped, `offer ["foo"]`) != len(layers) || strings.Count(direct, "| echo/1 |") != len(layers) {
			t.Errorf("%sand without the proxy:\n%s", piped, direct)
		}
	})
}

// lighttpdAnswered: our 101 does not repeat the close option that reached us.
func lighttpdAnswered(t *testing.T, _ proxy, peer peer, at map[string]battery) {
	peer.scenario(t, "Connection: close, upgrade gets a 101 without close", func(t *testing.T) {
		for layer, b := range at {
			v := b.visit(t, batteryNamed(t, "close-up"), batteryLong, "/answered")
			equal(t, layer+": reached", v.reached, "GET HTTP/1.1; Upgrade: echo/1; Connection: close, upgrade")
			talks := b.tap.all()
			last := talks[len(talks)-1]
			if !bytes.Contains(last.client(), []byte("/answered ")) {
				t.Fatalf("%s: another connection:\n%s", layer, last)
			}
			equal(t, layer+": our head", responseHead(t, last.server()),
				[]string{"HTTP/1.1 101 Switching Protocols", "Upgrade: echo/1", "Connection: Upgrade"})
		}
	})
}

// privoxyDoesNot: privoxy passes on Upgrade without the option, and we must not answer 101.
func privoxyDoesNot(t *testing.T, _ proxy, peer peer, at map[string]battery) {
	peer.scenario(t, "Upgrade without the option does not switch", func(t *testing.T) {
		for layer, b := range at {
			for _, c := range requestShapes {
				method, rest, _ := strings.Cut(c.head, " ")
				version, _, _ := strings.Cut(rest, "|")
				content, why := "", "no upgrade option in Connection"
				switch c.name {
				case "post-cl", "post-te":
					content = "body"
				case "no-upgrade":
					why = "no Upgrade field"
				case "http10":
					why = "HTTP version cannot upgrade"
				}
				v := b.visit(t, c, batteryLong, "/declined")
				passedOn := strings.Contains(strings.ToLower(v.reached), "; upgrade: ")
				if passedOn == (c.name == "no-upgrade") || !strings.Contains(v.reached, "; Connection: close") {
					t.Errorf("%s, %s reached us as %s", layer, c.name, v.reached)
				}
				equal(t, layer+", "+c.name, v.got+" "+v.then, fmt.Sprintf("%s 200; Connection: close ordinary %s, content %q (<nil>), offer [] (handshake: %s)", version, method, content, why))
			}
		}
	})
}
