package kit

//lint:file-ignore SA1019 users of a deprecated package should know its faults too

import (
	"io"
	"net/http"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

func TestH2C(t *testing.T) {
	text := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "text\n") })
	upgradetest.Handler(t, h2c.NewHandler(text, new(http2.Server)), upgradetest.Options{
		Product: upgrade.MustParseProduct("h2c"),
		Skip: []string{
			"http-1.0: the HTTP version is not checked",
			"host-malformed: Host is not parsed",
		},
	})
}
