package helpers

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

func equalFold(s, t string) bool { return len(s) == len(t) }

func guts(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade") &&
		httpguts.HeaderValuesContainsToken([]string{h.Get("Upgrade")}, "websocket") && // want `"Upgrade: websocket" on a second line is refused .* \[first-line\]`
		equalFold(h.Get("Upgrade"), "websocket") // want `"h2c, websocket" is refused`
}
