//go:build !race

package fasthttpupgrade_test

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade/fasthttpupgrade"
)

// A request that is not switched costs a fixed number of small objects, to walk through the
// head as it was received.
func TestAllocations(t *testing.T) {
	const browser = "GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nCookie: a=b\r\n"
	handle := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: func(net.Conn, *fasthttp.Request) {}}},
		Next:      func(*fasthttp.RequestCtx) {},
	}.Handle
	for request, most := range map[string]float64{
		browser + "\r\n": 5,
		browser + "Connection: keep-alive\r\n\r\n":                                5,
		browser + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n": 8,
	} {
		var ctx fasthttp.RequestCtx
		ctx.Init(new(fasthttp.Request), nil, nil)
		if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(request))); err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(100, func() { handle(&ctx) }); got > most {
			t.Errorf("%v allocations, want at most %v: %q", got, most, request)
		}
	}
}
