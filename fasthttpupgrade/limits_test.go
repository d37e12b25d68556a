package fasthttpupgrade_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// This file pins what fasthttp does before or without us, as the package doc describes it.
// If a test fails here, fasthttp has changed, and the doc must change too.

// fasthttp sends a 100 only if the value of Expect is exactly 100-continue, and calls no
// handler before the content.
func TestLimitExpect(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
	for _, value := range []string{"100-Continue", "100-CONTINUE", ", 100-continue"} {
		t.Run(value, func(t *testing.T) {
			client := dial(t, address, "POST / HTTP/1.1\r\n"+offer+"Expect: "+value+"\r\nContent-Length: 7\r\n\r\n")
			client.Send("content") // a client that has waited long enough
			mustRead(t, client.Reader, echo101)
			mustEcho(t, client)
		})
	}
}

// fasthttp itself closes the connection only if the last line of Connection is "close".
// Handler, Switch and Refuse also see the other lines.
func TestLimitClose(t *testing.T) {
	for fields, fasthttpCloses := range map[string]bool{
		"Connection: close\r\n":                             true,
		"Connection: Close\r\n":                             false,
		"Connection: keep-alive, close\r\n":                 false,
		"Connection: close, keep-alive\r\n":                 false,
		"Connection: close\r\nConnection: keep-alive\r\n":   false,
		"Connection: keep-alive\r\nConnection: close\r\n":   true,
		"Connection: close\r\nConnection: close, x\r\n":     false,
		"Connection: @, close\r\n":                          false,
		"Connection: \tclose\t,\r\nConnection: keep-al\r\n": false,
	} {
		for way, handler := range map[string]fasthttp.RequestHandler{
			"none":    page,
			"Offer":   func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Offer(ctx); page(ctx) },
			"Handler": fasthttpupgrade.Handler{Next: page}.Handle,
			"Refuse":  func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo) },
			"Switch": func(ctx *fasthttp.RequestCtx) {
				if fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, nil) == nil {
					t.Error("switched")
				}
				ctx.Error("", 400)
			},
		} {
			t.Run(way+"/"+fields, func(t *testing.T) {
				address := listen(t, &fasthttp.Server{Handler: handler})
				request := "GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n"
				answers := strings.Count(tcptest.Exchange(t, address, request+request), "HTTP/1.1 ")
				if want := map[bool]int{true: 1, false: 2}[fasthttpCloses || way != "none" && way != "Offer"]; answers != want {
					t.Errorf("%d answers, want %d", answers, want)
				}
			})
		}
	}
}

// Without StreamRequestBody fasthttp reads the trailers before it calls a handler, takes
// LF for the end of a line in them, and adds them to the fields of the request.
func TestLimitTrailers(t *testing.T) {
	for name, trailers := range map[string]string{"LF": "\n", "LF after a trailer": "X: y\n\r\n", "LF, LF": "X: y\n\n"} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
			// fasthttp looks for the end of the trailers only after two line ends.
			answer := tcptest.Exchange(t, address, "POST / HTTP/1.1\r\n"+offer+"Transfer-Encoding: chunked\r\n\r\n0\r\n"+trailers+"early\r\n\r\n")
			if answer != echo101+"early\r\n\r\n" {
				t.Errorf("%q", answer)
			}
		})
	}
	address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.Write(ctx.Request.Header.Peek("Upgrade")) }})
	answer := tcptest.Exchange(t, address, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nUpgrade: echo/1\r\n\r\n")
	if !strings.HasSuffix(answer, "echo/1") {
		t.Errorf("%q", answer)
	}
}

// With StreamRequestBody fasthttp takes content that a handler leaves unread for a request.
func TestLimitStream(t *testing.T) {
	address := listen(t, newServer("streams", func(ctx *fasthttp.RequestCtx) { path(ctx) }))
	answer := tcptest.Exchange(t, address, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n.%s", 1+len(smuggled), smuggled))
	if !strings.HasSuffix(answer, "/smuggled") {
		t.Errorf("%q", answer)
	}
}

// fasthttp takes LF for the end of the request line, and keeps no octets of that line.
func TestLimitRequestLine(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
	if answer := tcptest.Exchange(t, address, "GET / HTTP/1.1\n"+offer+"\r\nearly"); answer != echo101+"early" {
		t.Errorf("%q", answer)
	}
}

// fasthttp refuses an empty Host, which RFC 9110 allows.
func TestLimitEmptyHost(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
	answer := tcptest.Exchange(t, address, "GET / HTTP/1.1\r\nHost:\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("%q", answer)
	}
}

// A handler that switches returns at once, with a response that is never sent.
func TestLimitMiddleware(t *testing.T) {
	seen := make(chan int, 1)
	handle := echoHandler(t)
	address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		handle(ctx)
		seen <- ctx.Response.StatusCode()
	}})
	client := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	if status := tcptest.Receive(t, seen); status != 200 {
		t.Error(status)
	}
	client.CloseWrite()
	io.Copy(io.Discard, client)
}
