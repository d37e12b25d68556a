package proxyupgrade

import (
	"net/http"
	"net/textproto"

	"github.com/gosegue/upgrade/handshake"
)

// This file applies handshake's rules of a hop to an http.Header. It has none of its own.

// RemoveHopByHop removes from h the fields that speak for one connection alone: those
// that Connection names, except those in keep, and those that end at every hop. It is
// [handshake.HopByHop] for net/http, which has the list and the rules; Host,
// Content-Length and Content-Encoding always stay.
//
// The error is the [*handshake.FieldError] of a malformed Connection. Everything is
// removed then as well, with each well-formed element of Connection; a proxy answers
// such a request with 400 (Bad Request) and such a response with 502 (Bad Gateway).
//
// A field is found under any spelling of its name. Connection is read from h as net/http
// spells it. RemoveHopByHop takes linear time in the size of h, if its names are spelled
// so, and allocates nothing where there is nothing to remove. h may be nil.
func RemoveHopByHop(h http.Header, keep ...string) error {
	hop, err := handshake.HopByHop(h["Connection"], keep...)
	for name := range hop.All() {
		delete(h, textproto.CanonicalMIMEHeaderKey(name))
	}
	for name := range h {
		// What Connection names is gone by now under the spelling that a server of
		// net/http gives to every name. To ask it for each of those names as well
		// would take the product of the two.
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
