package record

import (
	"net/http"

	"github.com/gosegue/upgrade/head"
)

// This file knows requests that have two lengths. A server must close the connection after
// such a request (RFC 9112, section 6.1). net/http uses Transfer-Encoding, as it should, but
// drops Content-Length, so that a handler cannot see that there were two.

// EndTwoLengths returns a handler that passes requests to next. If a request may have two
// lengths, it passes the request to ordinary instead and closes the connection.
func EndTwoLengths(next, ordinary http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !mayHaveTwoLengths(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		ordinary.ServeHTTP(w, r)
	})
}

// mayHaveTwoLengths reports whether r may have both fields. It looks at the octets of the
// head, which are kept only for the first request of a connection. For a later chunked
// request it returns true.
func mayHaveTwoLengths(r *http.Request) bool {
	if len(r.TransferEncoding) == 0 {
		return false
	}
	recorder := Of(r)
	if recorder == nil {
		return true
	}
	var strict head.Request
	n, err := strict.Parse(recorder.Request(), head.Limits{Bytes: MaxKept})
	return n == 0 || err != nil
}
