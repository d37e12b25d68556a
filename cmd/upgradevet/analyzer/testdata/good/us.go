package good

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

var (
	echo      = upgrade.MustParseProduct("echo/1")
	websocket = upgrade.MustParseProduct("websocket")
)

func serve() http.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: echo,
			Serve:   func(conn net.Conn, r *http.Request) { io.Copy(conn, conn) },
		}},
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// The field is read only for the log.
			if r.Header.Get("Upgrade") != "" {
				log.Print("an offer that is not served")
			}
			io.WriteString(w, "hello\n")
		}),
	}
}

func offered(r *http.Request) bool {
	list, err := httpupgrade.Offer(r)
	return err == nil && !list.Select(echo, websocket).IsZero()
}

func selected(h http.Header) (upgrade.Product[string], error) {
	return handshake.Select(1, 1, h["Connection"], h["Upgrade"], echo, websocket)
}

func persistent(h http.Header) bool {
	connection, err := upgrade.ParseConnection(h["Connection"]...)
	return err == nil && connection.Persistent(1, 1)
}

func switched(resp *http.Response) (io.ReadWriteCloser, error) {
	_, err := handshake.Switched(resp.StatusCode, resp.ProtoMajor, resp.ProtoMinor, resp.Header["Connection"], resp.Header["Upgrade"], echo)
	if err != nil {
		return nil, err
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		return nil, errors.New("the transport has wrapped the body")
	}
	return conn, nil
}

func switching(w http.ResponseWriter, r *http.Request) {
	if _, err := httpupgrade.Offer(r); err != nil {
		httpupgrade.Refuse(w, r, echo)
		return
	}
	conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
	if err != nil {
		return
	}
	defer conn.Close()
	io.Copy(conn, conn)
}

func written(conn net.Conn, subprotocol string) error {
	return handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{websocket},
		handshake.Field{Name: "Sec-WebSocket-Protocol", Value: subprotocol})
}

func appended(dst []byte, subprotocol string) ([]byte, error) {
	return handshake.AppendSwitchingProtocols(dst, []upgrade.Product[string]{websocket},
		handshake.Field{Name: "Sec-WebSocket-Protocol", Value: subprotocol})
}

// versions takes any version of a protocol, which Select does not.
func versions(r *http.Request) bool {
	list, err := httpupgrade.Offer(r)
	if err != nil {
		return false
	}
	for product := range list.All() {
		if strings.EqualFold(product.Name(), "echo") {
			return true
		}
	}
	return false
}
