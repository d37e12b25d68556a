package kit

import (
	"net/http"
	"testing"

	coder "github.com/coder/websocket"

	"github.com/gosegue/upgrade/upgradetest"
)

var coderEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
})

func TestCoder(t *testing.T) {
	upgradetest.Handler(t, coderEcho, upgradetest.Options{
		Product: websocket,
		Skip: []string{
			"upgrade-kelvin: tokens are folded as Unicode",
			"upgrade-long-s: tokens are folded as Unicode",
			"upgrade-nbsp: tokens are trimmed as Unicode",
			"upgrade-nel: tokens are trimmed as Unicode",
			"connection-nel: tokens are trimmed as Unicode",
			"expect-continue: content is not read before the switch, so no 100 is sent",
			"426-upgrade: a 426 says only in its content what is wanted",
			"host-malformed: Host is not parsed",
			"websocket-version-list: only the first line counts",
		},
	})
}

func FuzzCoder(f *testing.F) { fuzzHandler(f, coderEcho) }
