package good

import (
	"net/http"
	"strings"
)

// Letter case that is folded by hand, octet by octet.

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func toUpper(s string) string {
	for i := range len(s) {
		if 'a' <= s[i] && s[i] <= 'z' {
			return strings.Map(func(r rune) rune { return r &^ 0x20 }, s)
		}
	}
	return s
}

func foldedByHand(r *http.Request) bool {
	for _, line := range r.Header["Connection"] {
		for _, option := range strings.Split(line, ",") {
			if lower(strings.TrimSpace(option)) == "upgrade" || toUpper(strings.TrimSpace(option)) == "CLOSE" {
				return true
			}
		}
	}
	for _, line := range r.Header["Upgrade"] {
		for _, product := range strings.Split(line, ",") {
			if lower(strings.TrimSpace(product)) == "websocket" {
				return true
			}
		}
	}
	return false
}
