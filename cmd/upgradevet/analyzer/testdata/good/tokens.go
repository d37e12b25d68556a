// Package good handles Upgrade and Connection correctly, or not at all.
package good

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// The token list, as a well-known WebSocket library reads it.

func skipSpace(s string) string {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return s[i:]
}

func isTokenOctet(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, rune(c))
}

func nextToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && isTokenOctet(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func equalASCIIFold(s, t string) bool {
	for s != "" && t != "" {
		sr, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		tr, size := utf8.DecodeRuneInString(t)
		t = t[size:]
		if sr == tr {
			continue
		}
		if 'A' <= sr && sr <= 'Z' {
			sr = sr + 'a' - 'A'
		}
		if 'A' <= tr && tr <= 'Z' {
			tr = tr + 'a' - 'A'
		}
		if sr != tr {
			return false
		}
	}
	return s == t
}

func tokenListContainsValue(header http.Header, name string, value string) bool {
headers:
	for _, s := range header[name] {
		for {
			var t string
			t, s = nextToken(skipSpace(s))
			if t == "" {
				continue headers
			}
			s = skipSpace(s)
			if s != "" && s[0] != ',' {
				continue headers
			}
			if equalASCIIFold(t, value) {
				return true
			}
			if s == "" {
				continue headers
			}
			s = s[1:]
		}
	}
	return false
}

func isWebSocketUpgrade(r *http.Request) bool {
	return tokenListContainsValue(r.Header, "Connection", "upgrade") &&
		tokenListContainsValue(r.Header, "Upgrade", "websocket")
}

// The same, as golang.org/x/net/http/httpguts does it.

func trimOWS(x string) string { return strings.Trim(x, " \t") }

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}

func tokenEqual(t1, t2 string) bool {
	if len(t1) != len(t2) {
		return false
	}
	for i := range len(t1) {
		if t1[i] >= utf8.RuneSelf || lowerASCII(t1[i]) != lowerASCII(t2[i]) {
			return false
		}
	}
	return true
}

func valueContainsToken(v, token string) bool {
	for comma := strings.IndexByte(v, ','); comma != -1; comma = strings.IndexByte(v, ',') {
		if tokenEqual(trimOWS(v[:comma]), token) {
			return true
		}
		v = v[comma+1:]
	}
	return tokenEqual(trimOWS(v), token)
}

func valuesContainToken(values []string, token string) bool {
	for _, v := range values {
		if valueContainsToken(v, token) {
			return true
		}
	}
	return false
}

func offersWebSocket(h http.Header) bool {
	return valuesContainToken(h["Connection"], "Upgrade") && valuesContainToken(h["Upgrade"], "websocket")
}

// Plain loops.

func hasOption(h http.Header, option string) bool {
	for _, line := range h.Values("Connection") {
		for _, o := range strings.Split(line, ",") {
			if strings.EqualFold(strings.TrimSpace(o), option) {
				return true
			}
		}
	}
	return false
}

func asksForUpgrade(h http.Header) bool { return hasOption(h, "upgrade") }

func joined(h http.Header) bool {
	for _, o := range strings.Split(strings.Join(h["Connection"], ","), ",") {
		if o = strings.TrimSpace(o); strings.EqualFold(o, "upgrade") || strings.EqualFold(o, "close") {
			return true
		}
	}
	return false
}

func offersH2C(h http.Header) bool {
	for _, line := range h["Upgrade"] {
		for _, p := range strings.Split(line, ",") {
			if tokenEqual(trimOWS(p), "h2c") {
				return true
			}
		}
	}
	return false
}

func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for _, name := range strings.Split(line, ",") {
			if name = trimOWS(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range []string{"Connection", "Upgrade", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding"} {
		h.Del(name)
	}
}

func offersAnything(h http.Header) bool {
	return h.Get("Upgrade") != "" && hasOption(h, "upgrade") ||
		h["Upgrade"] != nil && valuesContainToken(h["Connection"], "upgrade") ||
		len(h["Upgrade"]) > 0 && tokenListContainsValue(h, "Connection", "upgrade")
}
