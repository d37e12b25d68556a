package adopting

import (
	"net"
	"net/http"

	"golang.org/x/net/http/httpguts"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

// A handler that serves HTTP/2 to clients that upgrade.

func h2cBefore(r *http.Request) bool {
	return httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "h2c") &&
		httpguts.HeaderValuesContainsToken(r.Header["Connection"], "HTTP2-Settings")
}

var h2c = upgrade.MustParseProduct("h2c")

func h2cAfter(next http.Handler, serve func(net.Conn, *http.Request)) http.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: h2c,
			Allow: func(r *http.Request) bool {
				options, err := upgrade.ParseConnection(r.Header["Connection"]...)
				return err == nil && options.Has("HTTP2-Settings") && len(r.Header["Http2-Settings"]) == 1
			},
			Serve: serve, // answers r, with its content in Body, as stream 1
		}},
		Next: next,
	}
}
