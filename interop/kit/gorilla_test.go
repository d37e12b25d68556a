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
			"http-1.0: the HTTP version is not checked",
			"content-length: content is not read before the switch",
			"content-chunked: content is not read before the switch",
			"expect-continue: content is not read before the switch, so no 100 is sent",
			"host-malformed: Host is not parsed",
			"websocket-version-list: only the first line counts",
		},
	})
}

func FuzzGorilla(f *testing.F) { fuzzHandler(f, gorillaEcho) }
