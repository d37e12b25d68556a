// Package peek reads fields with fasthttp.
package peek

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

var websocket = []byte("websocket")

func wholes(ctx *fasthttp.RequestCtx) bool {
	return bytes.EqualFold(ctx.Request.Header.Peek("Upgrade"), websocket) && // want `"h2c, websocket" is refused`
		string(ctx.Request.Header.Peek(fasthttp.HeaderConnection)) == "Upgrade" // want `"keep-alive, Upgrade" is refused`
}

func text(ctx *fasthttp.RequestCtx) bool {
	return bytes.Contains(bytes.ToLower(ctx.Request.Header.Peek("connection")), []byte("upgrade")) // want `"not-upgrade" is accepted`
}

func all(ctx *fasthttp.RequestCtx) bool {
	for _, line := range ctx.Request.Header.PeekAll("Connection") {
		for _, option := range bytes.Split(line, []byte(",")) {
			if bytes.EqualFold(bytes.TrimSpace(option), []byte("upgrade")) {
				return true
			}
		}
	}
	return false
}
