package fasthttpupgrade_test

import (
	"fmt"
	"io"
	"net"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
)

// A server that switches to echo/1, which sends back every byte, and to nothing else.
func ExampleHandler() {
	handler := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("echo/1"),
			Serve:   func(conn net.Conn, _ *fasthttp.Request) { io.Copy(conn, conn) },
		}},
		Next: func(ctx *fasthttp.RequestCtx) { ctx.WriteString("an ordinary page") },
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	go fasthttp.Serve(listener, handler.Handle)

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0, echo/1\r\n\r\nhello\n")
	conn.(*net.TCPConn).CloseWrite()
	all, _ := io.ReadAll(conn)
	fmt.Printf("%q\n", all)
	// Output: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\nhello\n"
}

// A handler of one's own decides for itself, and refuses what it does not know.
func ExampleSwitch() {
	echo := upgrade.MustParseProduct("echo/1")
	handler := func(ctx *fasthttp.RequestCtx) {
		offered, err := fasthttpupgrade.Offer(ctx)
		if err != nil || !offered.Offers(echo) {
			fasthttpupgrade.Refuse(ctx, echo)
			return
		}
		err = fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, func(conn net.Conn) {
			io.Copy(conn, conn)
		})
		if err != nil {
			ctx.Error("cannot switch", fasthttp.StatusInternalServerError)
		}
	}
	fasthttp.ListenAndServe("127.0.0.1:8080", handler)
}
