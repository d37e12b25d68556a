package good

import (
	"io"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

// A request that a Gate passes on has one canonical Upgrade and Connection.

func gates() []http.Handler {
	return []http.Handler{
		httpupgrade.Gate{Products: []upgrade.Product[string]{websocket}, Next: http.HandlerFunc(legacy)},
		httpupgrade.Gate{Products: []upgrade.Product[string]{websocket}, Next: &library{}},
	}
}

func legacy(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Connection") == "Upgrade" && r.Header.Get("Upgrade") == "websocket" {
		io.WriteString(w, "switch\n")
	}
}

type library struct{}

func (*library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		io.WriteString(w, "switch\n")
	}
}
