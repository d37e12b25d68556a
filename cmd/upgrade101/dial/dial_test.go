package dial

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
)

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
		"ws://[fe80::1%25lo]:81/":  {"[fe80::1]:81", "[fe80::1%lo]:81", "/", true},
		"wss://[fe80::1%25lo]":     {"[fe80::1]", "[fe80::1%lo]:443", "/", true},
	} {
		u, webSocket, err := ParseTarget(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if hostOf(u) != want.host || addressOf(u) != want.address || u.RequestURI() != want.target || webSocket != want.webSocket {
			t.Errorf("%s: %s, %s, %s, %t", text, hostOf(u), addressOf(u), u.RequestURI(), webSocket)
		}
		if err := (Options{Target: u, Products: []upgrade.Product[string]{WebSocket}}).Check(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "a", "a:1", "http:", "http:a", "http://", "http://:80", "ftp://a/", "http://a b/", "http://u@a/", "ws://a/#b", "http://a:x/"} {
		if u, _, err := ParseTarget(text); err == nil {
			t.Errorf("%q: %v", text, u)
		}
	}
	for _, text := range []string{"127.0.0.1:1", "localhost:1", "localhost", "[::1]:1/x", "ftp://a/"} {
		if _, _, err := ParseTarget(text); err == nil || !strings.Contains(err.Error(), "ws://") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
