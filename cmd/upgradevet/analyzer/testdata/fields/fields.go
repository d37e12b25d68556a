// Package fields reads Connection and Upgrade in ways that get some message wrong.
package fields

import (
	"bytes"
	"log"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
)

func wholes(r *http.Request, h http.Header, m textproto.MIMEHeader, protocol string) {
	_ = r.Header.Get("Upgrade") == "websocket"                       // want `Upgrade is a list, but is compared as a whole: "h2c, websocket" is refused \(RFC 9110, section 5.6.1\) \[whole-value\]`
	_ = "websocket" != r.Header.Get("upgrade")                       // want `"h2c, websocket" is refused`
	_ = strings.EqualFold(h.Get("Connection"), "upgrade")            // want `Connection is a list, but is compared as a whole: "keep-alive, Upgrade" is refused`
	_ = strings.ToLower(m.Get("Connection")) == "upgrade"            // want `"keep-alive, Upgrade" is refused`
	_ = h.Get("Connection") == "close"                               // want `"close, TE" is overlooked`
	_ = strings.EqualFold(h["Upgrade"][0], "h2c")                    // want `"h2c, websocket" is refused`
	_ = slices.Contains(h["Upgrade"], "websocket")                   // want `"h2c, websocket" is refused`
	_ = bytes.Equal([]byte(h.Get("Upgrade")), []byte("TLS/1.2"))     // want `"h2c, TLS/1.2" is refused`
	_ = h.Get("Upgrade") == protocol                                 // want `"h2c, websocket" is refused`
	_ = map[string]func(){"websocket": nil}[r.Header.Get("Upgrade")] // want `"h2c, websocket" is refused`
	switch strings.ToLower(r.Header.Get("Upgrade")) {                // want `"h2c, websocket" is refused`
	case "websocket":
	case "h2c":
	}
	for _, line := range h.Values("Connection") {
		_ = strings.EqualFold(strings.TrimSpace(line), "Upgrade") // want `"keep-alive, Upgrade" is refused`
	}
}

func variables(r *http.Request) bool {
	connection := strings.ToLower(r.Header.Get("Connection"))
	upgrade := r.Header.Get("Upgrade")
	log.Print(connection)
	upgrade = strings.TrimSpace(upgrade)
	return connection == "upgrade" && // want `"keep-alive, Upgrade" is refused`
		strings.EqualFold(upgrade, "websocket") // want `"h2c, websocket" is refused`
}

func texts(h http.Header) {
	_ = strings.Contains(strings.ToLower(h.Get("Connection")), "upgrade")  // want `Connection is searched for text: "not-upgrade" is accepted .* \[substring\]`
	_ = strings.HasPrefix(h.Get("Upgrade"), "websocket")                   // want `"websocket2" is accepted`
	_ = strings.HasSuffix(h.Get("Connection"), "Upgrade")                  // want `"not-upgrade" is accepted`
	_ = strings.Index(h.Get("Connection"), "Upgrade") >= 0                 // want `"not-upgrade" is accepted`
	_ = regexp.MustCompile(`(?i)upgrade`).MatchString(h.Get("Connection")) // want `"not-upgrade" is accepted`
	_ = strings.Contains(strings.Join(h["Connection"], ","), "close")      // want `"not-close" is taken for close`
	_ = slices.ContainsFunc(h["Connection"], func(line string) bool {
		return strings.Contains(line, "Upgrade") // want `"not-upgrade" is accepted`
	})
}

func separators(h http.Header) {
	for _, option := range strings.Split(h.Get("Connection"), ", ") {
		_ = option == "Upgrade" // want `Connection is split at ", ": "keep-alive,Upgrade" is refused .* \[separator\]`
	}
	for _, option := range strings.Fields(h.Get("Connection")) {
		_ = strings.EqualFold(option, "upgrade") // want `Connection is split at blanks: "keep-alive, Upgrade" is refused`
	}
	for _, line := range h["Connection"] {
		for _, option := range strings.Split(line, ";") {
			_ = strings.EqualFold(strings.TrimSpace(option), "upgrade") // want `Connection is split at ";": "keep-alive, Upgrade" is refused`
		}
		for _, option := range strings.Split(line, ",") {
			_ = strings.EqualFold(option, "upgrade") // want `blanks stay on the elements of Connection: "keep-alive, Upgrade" is refused`
		}
	}
}

func firstLines(h http.Header) bool {
	for _, option := range strings.Split(h.Get("Connection"), ",") {
		if strings.EqualFold(strings.TrimSpace(option), "upgrade") { // want `only the first line of Connection is read: "Connection: Upgrade" on a second line is refused .* \[first-line\]`
			return true
		}
	}
	return false
}

func letterCases(h http.Header) (found bool) {
	for _, line := range h["Connection"] {
		for _, option := range strings.Split(line, ",") {
			found = found || strings.TrimSpace(option) == "upgrade" // want `an option of Connection is compared in one letter case: "Upgrade" is refused .* \[letter-case\]`
		}
	}
	for _, line := range h["Upgrade"] {
		for _, product := range strings.Split(line, ",") {
			found = found || strings.TrimSpace(product) == "websocket" // want `a protocol is compared in one letter case: "WebSocket" is refused`
		}
	}
	return found
}

func foldings(h http.Header) (found bool) {
	for _, line := range h["Upgrade"] {
		for _, product := range strings.Split(line, ",") {
			product = strings.TrimSpace(product)
			found = found || strings.EqualFold(product, "websocket") // want `letters beyond ASCII are folded: .*\[folding\]`
			found = found || strings.ToLower(product) == "websocket" // want `"websoc\\u212aet" is accepted`
			found = found || strings.ToUpper(product) == "WEBSOCKET" // want `"WEB\\u017fOCKET" is accepted`
			found = found || strings.EqualFold(product, "h2c")
		}
	}
	return found
}

func presences(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" // want `any Upgrade field counts: "Upgrade: h2c", .* \[presence\]`
}

func lengths(r *http.Request) bool {
	return len(r.Header.Get("Upgrade")) > 0 // want `any Upgrade field counts`
}

// requests reads fields for its callers.
type requests struct{ r *http.Request }

func (c *requests) field(name string) string { return c.r.Header.Get(name) }

func (c *requests) isWebSocket() bool {
	return strings.Contains(strings.ToLower(c.field("Connection")), "upgrade") && // want `"not-upgrade" is accepted`
		strings.EqualFold(c.field("Upgrade"), "websocket") // want `"h2c, websocket" is refused`
}

// Context is like those of web frameworks.
type Context interface {
	GetHeader(name string) string
}

func framework(c Context) bool {
	return c.GetHeader("Upgrade") == "websocket" // want `"h2c, websocket" is refused`
}

func keys(r *http.Request) bool {
	_, ok := r.Header["Upgrade"] // want `any Upgrade field counts`
	return ok
}

func nils(r *http.Request) bool {
	return r.Header["Upgrade"] != nil // want `any Upgrade field counts`
}

// What the branch does is more than a note.
func served(w http.ResponseWriter, r *http.Request) {
	offered := false
	if r.Header.Get("Upgrade") != "" { // want `\[presence\]`
		offered = true
	}
	serve(w, r, offered)
}

func others(w http.ResponseWriter, r *http.Request) string {
	if r.Header.Get("Upgrade") == "" { // want `\[presence\]`
		return "plain"
	}
	serve(w, r, true)
	return "offer"
}

func serve(http.ResponseWriter, *http.Request, bool) {}

// A response names what the server chose; one protocol may have empty elements beside it.
func answered(resp *http.Response) bool {
	for _, product := range strings.Split(resp.Header.Get("Upgrade"), ",") {
		if product == "echo/1" { // want `a protocol is compared in one letter case: "Echo/1" is refused`
			return true
		}
	}
	return resp.Header.Get("Upgrade") == "echo/1" // want `Upgrade is a list, but is compared as a whole: ", echo/1" is refused`
}
