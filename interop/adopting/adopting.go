// Package adopting has the code of docs/adopting.md. The functions with Before in their
// names do what stacks do today, and have the faults that the page describes: do not copy
// them. Those with After in their names use this module.
package adopting

import (
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/websocket"
)

var webSocket = upgrade.MustParseProduct("websocket")

// gate stands in front of a library that stays unchanged.
func gate(library http.Handler) http.Handler {
	return httpupgrade.Gate{Products: []upgrade.Product[string]{webSocket}, Next: library}
}

// check returns nil if a WebSocket server may switch r, in any stack.
func check(r *http.Request) error {
	if _, err := httpupgrade.Select(r, webSocket); err != nil {
		return err
	}
	err := websocket.Check(r.Method, r.Header["Sec-Websocket-Version"], r.Header["Sec-Websocket-Key"])
	if err != nil {
		return err
	}
	if !websocket.SameOrigin(r.Header["Origin"], []string{r.Host}) {
		return websocket.ErrOrigin
	}
	return nil
}

// respond answers r if err forbids the switch.
func respond(w http.ResponseWriter, r *http.Request, err error) {
	refusal := handshake.RefusalOf(err)
	for _, f := range refusal.Fields {
		w.Header().Add(f.Name, f.Value)
	}
	if refusal.Status == http.StatusUpgradeRequired {
		httpupgrade.Advertise(w, r, webSocket)
	}
	http.Error(w, refusal.Content, refusal.Status)
}
