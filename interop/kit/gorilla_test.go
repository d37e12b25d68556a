package kit

import (
	"net/http"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"github.com/gosegue/upgrade/upgradetest"
)

var gorillaUpgrader gorilla.Upgrader

var gorillaEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := gorillaUpgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
})

func TestGorilla(t *testing.T) {
	upgradetest.Handler(t, gorillaEcho, upgradetest.Options{
		Product: websocket,
		Skip: []string{
			"http-1.0: HTTP/1.0 is not asked for",
			"content-length: content is not read before the switch",
			"content-chunked: content is not read before the switch",
			"expect-continue: content is not read before the switch, so that nothing sends 100",
			"websocket-version-list: the first line alone counts",
		},
	})
}

func FuzzGorilla(f *testing.F) { fuzzHandler(f, gorillaEcho) }
