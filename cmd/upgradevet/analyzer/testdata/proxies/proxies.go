// Package proxies handles hop-by-hop fields.
package proxies

import (
	"net/http"
	"strings"
)

func forward(w http.ResponseWriter, r *http.Request, out *http.Request, resp *http.Response) {
	out.Header.Set("Upgrade", r.Header.Get("Upgrade"))       // want `Upgrade of one connection is copied to another: a protocol that this proxy does not know, .* \[forwarded\]`
	out.Header.Set("Connection", r.Header.Get("Connection")) // want `Connection of one connection is copied to another`
	w.Header()["Upgrade"] = resp.Header["Upgrade"]           // want `the response names whatever the peer sent`
	out.Header.Set("X-Upgrade", r.Header.Get("Upgrade"))
	resp.Header.Set("Upgrade", strings.ToLower(resp.Header.Get("Upgrade")))
}

func upgradeType(h http.Header) string {
	if lines := h["Upgrade"]; len(lines) > 0 {
		return lines[0]
	}
	return ""
}

func director(out *http.Request) {
	product := upgradeType(out.Header)
	out.Header.Del("Upgrade")
	if product != "" {
		out.Header["Upgrade"] = []string{product} // want `is offered to the backend`
	}
}

func known(r, out *http.Request) {
	product := r.Header.Get("Upgrade")
	if product == "websocket" { // want `\[whole-value\]`
		out.Header.Set("Upgrade", product)
	}
}

func removeFirst(h http.Header) {
	for _, name := range strings.Split(h.Get("Connection"), ",") {
		h.Del(strings.TrimSpace(name)) // want `only the first line of Connection is read: .* X-Hop stays .* \[hop-by-hop\]`
	}
}

func removeWhole(h http.Header) {
	for _, name := range h["Connection"] {
		h.Del(name) // want `Connection is a list, but is taken for one name`
	}
}

func removeUntrimmed(h http.Header) {
	for _, line := range h["Connection"] {
		for _, name := range strings.Split(line, ",") {
			h.Del(name) // want `blanks stay on the elements`
		}
	}
}

func removeAll(h http.Header) {
	for _, line := range h["Connection"] {
		for _, name := range strings.Split(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				h.Del(name)
			}
		}
	}
	h.Del("Connection")
}
