package upgradetest

import (
	"strings"
)

// This file knows the requests: what a plain offer looks like, and how to write a changed
// one. It does not know why.

// madeUp is a product that no server can know.
const madeUp = "upgrade101-made-up"

// The key of the example in RFC 6455, section 1.3, and the settings that Go's client sends:
// only a window of 4 MiB.
const (
	webSocketKey  = "dGhlIHNhbXBsZSBub25jZQ=="
	http2Settings = "AAQAQAAA"
)

// request is a request, well-formed or not: its lines are sent as they are.
type request struct {
	method, target, version string
	first                   []string // lines before all others
	hosts                   []string
	connection              []string
	upgrade                 []string
	settings                []string // HTTP2-Settings, which Connection names too
	unnamed                 bool     // Connection does not name it
	own                     []string // whole lines of the fields in [Options]
	fields                  []string // whole lines of other fields
	content                 string   // as it is sent
}

// bare returns a request without an offer.
func (s *session) bare() request {
	r := request{method: "GET", target: s.Target, version: "HTTP/1.1", hosts: []string{s.Host}}
	for _, f := range s.Fields {
		r.own = append(r.own, f.Name+": "+f.Value)
	}
	return r
}

// offer returns a request that offers the product in its plain form, with the fields
// that the product requires.
func (s *session) offer() request {
	r := s.bare()
	r.connection = []string{"Upgrade"}
	r.upgrade = []string{s.Product.String()}
	switch {
	case is(s.Product, "websocket"):
		r.fields = []string{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + webSocketKey}
	case is(s.Product, "h2c"):
		r.settings = []string{http2Settings}
	}
	return r
}

// String returns the octets of the request.
func (r request) String() string {
	var b strings.Builder
	line := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
		b.WriteString("\r\n")
	}
	line(r.method, " ", r.target, " ", r.version)
	for _, f := range r.first {
		line(f)
	}
	for _, h := range r.hosts {
		line("Host: ", h)
	}
	line("User-Agent: upgrade101-probe")
	connection := append([]string(nil), r.connection...)
	if len(r.settings) > 0 && !r.unnamed {
		if len(connection) == 0 {
			connection = []string{"HTTP2-Settings"}
		} else {
			connection[len(connection)-1] += ", HTTP2-Settings"
		}
	}
	for _, c := range connection {
		line("Connection: ", c)
	}
	for _, u := range r.upgrade {
		line("Upgrade: ", u)
	}
	for _, s := range r.settings {
		line("HTTP2-Settings: ", s)
	}
	for _, f := range append(r.own[:len(r.own):len(r.own)], r.fields...) {
		line(f)
	}
	line()
	b.WriteString(r.content)
	return b.String()
}

// without returns lines without the field of that name.
func without(lines []string, name string) []string {
	var rest []string
	for _, l := range lines {
		if !strings.HasPrefix(l, name+":") {
			rest = append(rest, l)
		}
	}
	return rest
}
