package fasthttpupgrade_test

import (
	"context"
	"io"
	"log"
	"net"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// The handler passes the checks that it makes others pass, but for what fasthttp does
// before any handler.
func TestKit(t *testing.T) {
	echo := upgrade.MustParseProduct("echo/1")
	handler := &fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: func(conn net.Conn, _ *fasthttp.Request) {
			defer conn.Close()
			io.Copy(conn, conn)
		}}},
	}
	listener := fasthttputil.NewInmemoryListener()
	defer listener.Close()
	server := &fasthttp.Server{Handler: handler.Handle, Logger: log.New(io.Discard, "", 0)}
	go server.Serve(listener)
	upgradetest.Server(t, func(context.Context) (net.Conn, error) { return listener.Dial() }, upgradetest.Options{
		Product: echo,
		Skip: []string{
			"coding-not-chunked: fasthttp ignores the coding identity",
			"expect-case: fasthttp compares the case",
			"host-malformed: fasthttp takes a user in Host",
		},
	})
}
