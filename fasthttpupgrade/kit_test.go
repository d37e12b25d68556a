package fasthttpupgrade_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// limits are the checks that no handler of fasthttp can pass: see TestLimitExpect.
var limits = []string{"expect-case", "expect-list"}

// The handler passes the checks of package upgradetest.
func TestKit(t *testing.T) {
	for _, kind := range []string{"default", "streams"} {
		t.Run(kind, func(t *testing.T) {
			address := listen(t, newServer(kind, echoHandler(t)))
			dial := func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", address)
			}
			upgradetest.Server(t, dial, upgradetest.Options{Product: echo, Skip: limits})
		})
	}
	t.Run("websocket", func(t *testing.T) {
		address := listen(t, newServer("default", fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{fasthttpupgrade.WebSocket{
				Subprotocols: []string{"chat"},
				Serve:        func(conn net.Conn, _ *fasthttp.Request, _ string) { io.Copy(io.Discard, conn) },
			}.Protocol()},
			Next: page,
		}.Handle))
		dial := func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
		upgradetest.Server(t, dial, upgradetest.Options{Product: upgrade.MustParseProduct("websocket"), Skip: limits})
	})
}
