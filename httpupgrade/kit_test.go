package httpupgrade_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/upgradetest"
)

// A Handler passes the checks of upgradetest.
func TestKit(t *testing.T) {
	echo := upgrade.MustParseProduct("echo/1")
	upgradetest.Handler(t, httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: echo, Serve: func(conn net.Conn, _ *http.Request) {
			defer conn.Close()
			io.Copy(conn, conn)
		}}},
		Next: http.NotFoundHandler(),
	}, upgradetest.Options{Product: echo})
}

func TestKitWebSocket(t *testing.T) {
	socket := httpupgrade.WebSocket{
		Subprotocols: []string{"b", "a"},
		Serve:        func(conn net.Conn, _ *http.Request, _ string) { tcptest.AnswerPings(conn) },
	}.Protocol()
	upgradetest.Handler(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{socket}}, upgradetest.Options{
		Product: socket.Product,
		Fields:  []handshake.Field{{Name: "Sec-WebSocket-Protocol", Value: "a, b"}},
	})
}
