// Package partly uses this module, but not for what it does by hand as well.
package partly

import (
	"io"
	"net"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/websocket"
)

func early(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if r.Header.Get("Upgrade") != "websocket" { // want `\[whole-value\]`
		return nil, http.ErrNotSupported
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	conn = httpupgrade.Early(conn, buffered.Reader)
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: "+r.Header.Get("Sec-Websocket-Protocol")+"\r\n\r\n") // want `\[head-values\]`
	return conn, err
}

func named(r *http.Request) upgrade.Product[string] {
	product := upgrade.MustParseProduct("websocket")
	if r.Header.Get("Upgrade") == product.Name() { // want `\[whole-value\]`
		return product
	}
	return upgrade.Product[string]{}
}

func offered(w http.ResponseWriter, r *http.Request) {
	if _, err := httpupgrade.Offer(r); err != nil {
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack() // want `\[early-bytes\]`
	if err != nil {
		return
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n") // want `\[head-values\]`
	io.Copy(conn, conn)
}

func asserted(resp *http.Response) io.Writer {
	if _, err := httpupgrade.Switched(resp, upgrade.MustParseProduct("echo/1")); err != nil {
		return nil
	}
	return resp.Body.(io.Writer) // want `\[body-assertion\]`
}

// Our module checks or makes these values.
func written(p []byte, r *http.Request, subprotocols []string) ([]byte, error) {
	subprotocol, err := websocket.SelectSubprotocol(r.Header["Sec-Websocket-Protocol"], subprotocols...)
	if err != nil {
		return nil, err
	}
	p = append(p, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: "+subprotocol+"\r\n"...)
	p, err = handshake.AppendField(p, "X-Name", r.Header.Get("X-Name"))
	return append(p, "\r\n"...), err
}
