package fields

import (
	"net/http"

	"github.com/gosegue/upgrade/httpupgrade"
)

var check = func(r *http.Request) bool {
	return r.Header.Get("Upgrade") == "websocket" // want `"h2c, websocket" is refused`
}

// Handlers are judged one by one: the first uses us, which does not clear the second.
func routes(mux *http.ServeMux) {
	mux.HandleFunc("/a", func(w http.ResponseWriter, r *http.Request) {
		_, err := httpupgrade.Offer(r)
		if err == nil || r.Header.Get("Upgrade") == "" {
			httpupgrade.Refuse(w, r)
		}
	})
	mux.HandleFunc("/b", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "websocket" { // want `"h2c, websocket" is refused`
			w.WriteHeader(http.StatusSwitchingProtocols) // want `no-take-over`
		}
	})
}
