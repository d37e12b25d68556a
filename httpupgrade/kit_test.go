package httpupgrade_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// The handler passes the checks that it makes others pass.
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
