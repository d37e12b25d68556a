package dial

import "testing"

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]struct {
		host, address, target string
		webSocket             bool
	}{
		"http://a":                 {"a", "a:80", "/", false},
		"http://a:80/b?c#d":        {"a", "a:80", "/b?c", false},
		"http://a:/":               {"a", "a:80", "/", false},
		"http://a:443/":            {"a:443", "a:443", "/", false},
		"https://a:443/":           {"a", "a:443", "/", false},
		"https://A.example:8443/":  {"A.example:8443", "A.example:8443", "/", false},
		"ws://127.0.0.1:8101/chat": {"127.0.0.1:8101", "127.0.0.1:8101", "/chat", true},
		"wss://[::1]:443/%2f":      {"[::1]", "[::1]:443", "/%2f", true},
		"WSS://[::1]/":             {"[::1]", "[::1]:443", "/", true},
	} {
		u, webSocket, err := ParseTarget(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if hostOf(u) != want.host || addressOf(u) != want.address || u.RequestURI() != want.target || webSocket != want.webSocket {
			t.Errorf("%s: %s, %s, %s, %t", text, hostOf(u), addressOf(u), u.RequestURI(), webSocket)
		}
	}
	for _, text := range []string{"", "a", "a:1", "http:", "http:a", "http://", "http://:80", "ftp://a/", "http://a b/", "http://u@a/", "ws://a/#b", "http://a:x/"} {
		if u, _, err := ParseTarget(text); err == nil {
			t.Errorf("%q: %v", text, u)
		}
	}
}
