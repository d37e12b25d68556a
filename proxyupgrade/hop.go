package proxyupgrade

import (
	"net/http"
	"net/textproto"

	"github.com/gosegue/upgrade/handshake"
)

// This file applies handshake's rules of a hop to an http.Header. It has no other rules.

// RemoveHopByHop removes from h the fields that are for one connection only: those that
// Connection names, except those in keep, and those that end at every hop. It is
// [handshake.HopByHop] for net/http: the list and the rules are there. Host, Content-Length
// and Content-Encoding always stay.
//
// The error is the [*handshake.FieldError] of a malformed Connection. Even then the fields
// are removed, including those that the well-formed elements of Connection name. A proxy
// answers such a request with 400 (Bad Request) and such a response with 502 (Bad Gateway).
//
// A field is found under any spelling of its name, but Connection is read only as net/http
// spells it. If all names in h are spelled that way, RemoveHopByHop takes time linear in
// the size of h. It allocates nothing if there is nothing to remove. h may be nil.
func RemoveHopByHop(h http.Header, keep ...string) error {
	hop, err := handshake.HopByHop(h["Connection"], keep...)
	for name := range hop.All() {
		delete(h, textproto.CanonicalMIMEHeaderKey(name))
	}
	for name := range h {
		// The fields that Connection names are gone by now, if they are spelled as a
		// server of net/http spells every name. To look for such names in Connection
		// again would take time in proportion to the product of both.
		if isCanonical(name) && !endsAlways(name) {
			continue
		}
		if hop.Has(name) {
			delete(h, name)
		}
	}
	return err
}

// endsAlways reports whether a field ends at any hop.
func endsAlways(name string) bool { return handshake.Hop[string]{}.Has(name) }

// isCanonical reports whether textproto.CanonicalMIMEHeaderKey would leave the name of a
// field as it is.
func isCanonical(name string) bool {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			return false
		}
		upper = c == '-'
	}
	return true
}
