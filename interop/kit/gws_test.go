package kit

import (
	"net/http"
	"testing"

	"github.com/lxzan/gws"

	"github.com/gosegue/upgrade/upgradetest"
)

type gwsMessages struct{ gws.BuiltinEventHandler }

func (gwsMessages) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	conn.WriteMessage(message.Opcode, message.Bytes())
}

func (gwsMessages) OnPing(conn *gws.Conn, payload []byte) { conn.WritePong(payload) }

var gwsUpgrader = gws.NewUpgrader(gwsMessages{}, nil)

var gwsEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := gwsUpgrader.Upgrade(w, r)
	if err != nil {
		return
	}
	conn.ReadLoop()
})

func TestGWS(t *testing.T) {
	upgradetest.Handler(t, gwsEcho, upgradetest.Options{
		Product: websocket,
		Skip: []string{
			"http-1.0: the HTTP version is not checked",
			"upgrade-kelvin: values are folded as Unicode",
			"upgrade-long-s: values are folded as Unicode",
			"connection-longer: Connection is searched for a substring",
			"connection-prefixed: Connection is searched for a substring",
			"connection-insecure-requests: Connection is searched for a substring",
			"connection-quoted: Connection is searched for a substring",
			"connection-blank: Connection is searched for a substring",
			"connection-semicolon: Connection is searched for a substring",
			"connection-nel: Connection is searched for a substring",
			"content-length: content is not read before the switch",
			"content-chunked: content is not read before the switch",
			"expect-continue: content is not read before the switch, so no 100 is sent",
			"host-malformed: Host is not parsed",
			"websocket-version-list: only the first line counts",
			"websocket-version-told: the answer does not say which version is wanted",
		},
	})
}

func FuzzGWS(f *testing.F) { fuzzHandler(f, gwsEcho) }
