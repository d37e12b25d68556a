// Package helpers reads fields in functions that get the field's name or value.
package helpers

import (
	"net/http"
	"strings"
)

func headerContains(h http.Header, name, value string) bool {
	return strings.Contains(strings.ToLower(h.Get(name)), value)
}

func hasToken(h http.Header, name, token string) bool {
	for key, lines := range h {
		if !strings.EqualFold(key, name) {
			continue
		}
		for _, line := range lines {
			for _, t := range strings.Split(line, ",") {
				if strings.EqualFold(token, strings.TrimSpace(t)) {
					return true
				}
			}
		}
	}
	return false
}

func isUpgrade(value string) bool { return strings.EqualFold(value, "upgrade") }

func field(r *http.Request, name string) string { return strings.TrimSpace(r.Header.Get(name)) }

func named(h http.Header) bool {
	return strings.EqualFold(h.Get("Upgrade"), "websocket") // want `"h2c, websocket" is refused`
}

func server(r *http.Request) bool {
	return headerContains(r.Header, "Connection", "upgrade") && // want `"not-upgrade" is accepted .* \[substring\]`
		headerContains(r.Header, "Accept", "text/plain") &&
		hasToken(r.Header, "Connection", "upgrade") &&
		hasToken(r.Header, "Upgrade", "websocket") && // want `is accepted .* \[folding\]`
		isUpgrade(r.Header.Get("Connection")) && // want `"keep-alive, Upgrade" is refused`
		isUpgrade(r.Header.Get("X-Connection")) &&
		field(r, "Upgrade") == "websocket" && // want `"h2c, websocket" is refused`
		named(r.Header)
}
