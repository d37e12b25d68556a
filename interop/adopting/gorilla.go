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

// A library whose function gets the request, hijacks, and writes the 101 itself.

func gorillaBefore(w http.ResponseWriter, r *http.Request, header http.Header) (net.Conn, error) {
	has := func(name, token string) bool {
		for _, line := range r.Header[name] {
			for _, element := range strings.Split(line, ",") {
				element = strings.Trim(element, " \t")
				if strings.EqualFold(element, token) { // ignores the rest
					return true
				}
				if element == "" || strings.Contains(element, "/") { // treated as malformed
					break
				}
			}
		}
		return false
	}
	if !has("Connection", "upgrade") || !has("Upgrade", "websocket") {
		http.Error(w, "no WebSocket", http.StatusBadRequest)
		return nil, errors.New("no WebSocket")
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if buffered.Reader.Buffered() > 0 { // content, or a message in the same packet
		conn.Close()
		return nil, errors.New("the client was too early")
	}
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		websocket.Accept(r.Header.Get("Sec-WebSocket-Key")) + "\r\n"
	for name, lines := range header {
		for _, line := range lines {
			head += name + ": " + strings.NewReplacer("\r", " ", "\n", " ").Replace(line) + "\r\n"
		}
	}
	_, err = conn.Write([]byte(head + "\r\n"))
	return conn, err
}

func gorillaAfter(w http.ResponseWriter, r *http.Request, header http.Header) (net.Conn, error) {
	if err := check(r); err != nil {
		respond(w, r, err)
		return nil, err
	}
	accept := handshake.Field{Name: "Sec-WebSocket-Accept", Value: websocket.Accept(r.Header["Sec-Websocket-Key"][0])}
	conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{webSocket}, append(httpupgrade.FieldsOf(header), accept)...)
	if handshake.Status(err) != 0 { // nothing was written yet
		respond(w, r, err)
	}
	return conn, err
}
