package adopting

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// A library that hijacks first and reads its frames from the connection.

func gwsBefore(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if !strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") ||
		!strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return nil, errors.New("no WebSocket")
	}
	conn, _, err := http.NewResponseController(w).Hijack() // drops the reader and the octets in it
	return conn, err
}

func gwsAfter(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	err := check(r)
	if err == nil {
		err = httpupgrade.ReadContent(r, httpupgrade.DefaultMaxBody)
	}
	if err != nil {
		respond(w, r, err)
		return nil, err
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	err = handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{webSocket},
		handshake.Field{Name: "Sec-WebSocket-Accept", Value: websocket.Accept(r.Header["Sec-Websocket-Key"][0])})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return httpupgrade.Early(conn, buffered.Reader), nil
}
