package serve

import (
	"net/http"

	"github.com/gosegue/upgrade/head"
)

// This file knows of requests that have two lengths. net/http goes by Transfer-Encoding,
// as is right, and forgets the Content-Length beside it, so that nobody behind it can
// still end the connection, which RFC 9112, section 6.1, demands.

// endTwoLengths returns a handler that serves requests of clear length by next, and others
// by ordinary, which then ends the connection.
func endTwoLengths(next, ordinary http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !mayHaveTwoLengths(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		ordinary.ServeHTTP(w, r)
	})
}

// mayHaveTwoLengths reports whether r has both fields, as far as that can be told: by the
// octets of its head, which are there for the first request of a connection alone.
func mayHaveTwoLengths(r *http.Request) bool {
	if len(r.TransferEncoding) == 0 {
		return false
	}
	recorder, ok := r.Context().Value(connKey{}).(recorder)
	if !ok {
		return true
	}
	var strict head.Request
	n, err := strict.Parse(recorder.request(), head.Limits{Bytes: maxKept})
	return n == 0 || err != nil
}
