package kit

import (
	"io"
	"net/http"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	xnet "golang.org/x/net/websocket"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// Behind a Gate the libraries pass. Handler leaves out both-lengths, which net/http itself
// fails; no other check is skipped.
func TestBehindGate(t *testing.T) {
	for name, handler := range map[string]http.Handler{
		"gorilla": gorillaEcho,
		"coder":   coderEcho,
		"gobwas":  http.HandlerFunc(gobwasHTTPEcho),
		"gws":     gwsEcho,
		"x/net":   xnet.Server{Handler: xnetEcho},
	} {
		t.Run(name, func(t *testing.T) {
			upgradetest.Handler(t, httpupgrade.Gate{Products: []upgrade.Product[string]{websocket}, Next: handler},
				upgradetest.Options{Product: websocket})
		})
	}
}

func gobwasHTTPEcho(w http.ResponseWriter, r *http.Request) {
	conn, buffered, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		message, op, err := wsutil.ReadClientData(struct {
			io.Reader
			io.Writer
		}{buffered, conn})
		if err != nil || wsutil.WriteServerMessage(conn, op, message) != nil {
			return
		}
	}
}

func xnetEcho(conn *xnet.Conn) { io.Copy(conn, conn) }
