package kit

import (
	"context"
	"io"
	"log"
	"net"
	"testing"

	fasthttpwebsocket "github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/gosegue/upgrade/upgradetest"
)

var fasthttpUpgrader fasthttpwebsocket.FastHTTPUpgrader

func fasthttpEcho(ctx *fasthttp.RequestCtx) {
	fasthttpUpgrader.Upgrade(ctx, func(conn *fasthttpwebsocket.Conn) {
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	})
}

func TestFastHTTP(t *testing.T) {
	listener := fasthttputil.NewInmemoryListener()
	defer listener.Close()
	go (&fasthttp.Server{Handler: fasthttpEcho, Logger: log.New(io.Discard, "", 0)}).Serve(listener)
	upgradetest.Server(t, func(context.Context) (net.Conn, error) { return listener.Dial() }, upgradetest.Options{
		Product: websocket,
		Skip: []string{
			"expect-case: fasthttp distinguishes letter case",
			"both-lengths: fasthttp reads such a request by its coding, and keeps the connection open",
			"coding-not-chunked: fasthttp ignores the coding identity",
			"host-malformed: fasthttp accepts a user in Host",
			"websocket-version-list: only the first line counts",
			"websocket-version-told: the answer does not say which version is wanted",
		},
	})
}
