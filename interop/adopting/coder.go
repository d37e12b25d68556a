package adopting

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// A library that answers through WriteHeader(101), so that middleware sees the status.

func coderBefore(w http.ResponseWriter, r *http.Request) error {
	has := func(name, token string) bool {
		return slices.ContainsFunc(strings.Split(strings.Join(r.Header[name], ","), ","), func(element string) bool {
			return strings.EqualFold(strings.TrimSpace(element), token) // both follow Unicode, not ASCII
		})
	}
	if !has("Connection", "upgrade") || !has("Upgrade", "websocket") {
		w.WriteHeader(http.StatusUpgradeRequired)
		return errors.New("no WebSocket")
	}
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Sec-WebSocket-Accept", websocket.Accept(r.Header.Get("Sec-WebSocket-Key")))
	w.WriteHeader(http.StatusSwitchingProtocols)
	return nil
}

func coderAfter(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	err := check(r)
	if err == nil {
		err = httpupgrade.ReadContent(r, httpupgrade.DefaultMaxBody)
	}
	if err == nil {
		err = httpupgrade.SetSwitchingProtocols(w.Header(), []upgrade.Product[string]{webSocket},
			handshake.Field{Name: "Sec-WebSocket-Accept", Value: websocket.Accept(r.Header["Sec-Websocket-Key"][0])})
	}
	if err != nil {
		respond(w, r, err)
		return nil, err
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	return httpupgrade.Early(conn, buffered.Reader), nil
}
