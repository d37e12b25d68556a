package fasthttpupgrade

import (
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/products"
)

// This file answers without a switch, and tells what the server could switch to. It knows
// nothing of how a request is read.

// Refuse answers 426 (Upgrade Required), which names the protocols that the client may
// choose from. It answers 505 (HTTP Version Not Supported) to a version that cannot upgrade,
// such as 1.0; 501 (Not Implemented) to CONNECT, or if there is no protocol to name; and 400
// (Bad Request) to a Transfer-Encoding other than chunked.
//
// Refuse closes the connection after the response if the client asked for that; if the
// request is a CONNECT, since bytes that are not HTTP may follow it; if the end of the
// request is in doubt, see [ErrContent]; or if there is content that was not read. fasthttp
// closes it in more cases, which [Server] describes. A 426 that closes has a second line of
// Connection, which is "close".
//
// [Server]: https://pkg.go.dev/github.com/valyala/fasthttp#Server
func Refuse(ctx *fasthttp.RequestCtx, supported ...upgrade.Product[string]) {
	head := readHead(&ctx.Request.Header)
	if head.mustClose(&ctx.Request.Header) || !streamOf(ctx).isRead(ctx) {
		ctx.SetConnectionClose()
	}
	if head.badCoding() {
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	refuse(ctx, products.Distinct(supported))
}

// refuse is Refuse for distinct products, and leaves the connection to the caller.
func refuse(ctx *fasthttp.RequestCtx, supported []upgrade.Product[string]) {
	status := refusalStatus(&ctx.Request.Header, supported)
	ctx.SetStatusCode(status)
	if status == fasthttp.StatusUpgradeRequired {
		advertise(ctx, supported)
	}
}

// refusalStatus returns the status code with which Refuse answers. The supported products
// are distinct.
func refusalStatus(header *fasthttp.RequestHeader, supported []upgrade.Product[string]) int {
	switch {
	case !canUpgrade(header):
		return fasthttp.StatusHTTPVersionNotSupported
	case header.IsConnect(), len(supported) == 0:
		return fasthttp.StatusNotImplemented
	}
	return fasthttp.StatusUpgradeRequired
}

// respond answers with a final response, as handshake.Refusal.Response returns it.
func respond(ctx *fasthttp.RequestCtx, status int, fields []handshake.Field, content string) {
	header := &ctx.Response.Header
	ctx.SetStatusCode(status)
	ctx.SetBodyString(content) // fasthttp omits it in a response to HEAD
	for _, f := range fields {
		if strings.EqualFold(f.Name, "Connection") {
			ctx.SetConnectionClose() // the value is close in any letter case; fasthttp knows one
			continue
		}
		header.Add(f.Name, f.Value)
	}
	if len(header.Peek("Upgrade")) > 0 {
		addOption(ctx)
	}
}

// Advertise adds to the response the fields that tell the client what it may switch to in
// a later request: Upgrade, and the option upgrade in Connection. The response may have any
// final status. Advertise changes nothing else of it, and nothing at all for version 1.0.
//
// Call it after all other code that sets Connection: it adds the option to those already
// there.
func Advertise(ctx *fasthttp.RequestCtx, supported ...upgrade.Product[string]) {
	if supported = products.Distinct(supported); canUpgrade(&ctx.Request.Header) && len(supported) > 0 {
		advertise(ctx, supported)
	}
}

// advertise sets Upgrade and adds its option to Connection.
func advertise(ctx *fasthttp.RequestCtx, supported []upgrade.Product[string]) {
	ctx.Response.Header.Set("Upgrade", string(upgrade.AppendList(nil, supported...)))
	addOption(ctx)
}

// addOption adds the option upgrade to the Connection field of the response.
func addOption(ctx *fasthttp.RequestCtx) {
	header := &ctx.Response.Header
	// In a response to version 1.2 fasthttp would overwrite Connection, unless it closes.
	closing := header.ConnectionClose() || !ctx.Request.Header.IsHTTP11()
	var options []string
	for key, value := range header.All() {
		if is(key, "Connection") && !(closing && string(value) == "close") {
			options = append(options, string(value))
		}
	}
	parsed, err := upgrade.ParseConnection(options...)
	if err != nil {
		options = nil // a malformed line would spoil our option
	}
	if !parsed.Has("upgrade") {
		options = append(options, "Upgrade")
	}
	header.Set("Connection", strings.Join(options, ", "))
	if closing {
		header.SetConnectionClose() // Set has undone it
	}
}
