package uri_test

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/oracle"
	"github.com/gosegue/upgrade/internal/uri"
)

// hosts are well-formed values of Host, and notHosts malformed ones: § comes before the
// octet that cannot be there (RFC 3986, 3.2.2).
var (
	hosts = []string{
		"", "a", "a.example", "a.example.", "A-b_c~d", "127.0.0.1", "127.0.0.1:80", "a:", "a:0123456789", ":80",
		"[::1]", "[::1]:80", "[2001:DB8::1.2.3.4]", "[v1.a:b]", "[V1.a]", "[vFF.!]:1", "%41%7e", "!$&'()*+,;=", "xn--a",
	}
	notHosts = []string{
		"a§ b", "a§/", "a§@b", "§/", "§?", "§#", "§\"a\"", "a§\\", "a:§b", "a:80§:80", "a:8§ 0", "a:§-1", ":§:1", "a§|b", "§\xC3\xA4", "a§\x80",
		"[§]", "[§", "[v§", "[V§", "[::1§", "[::1§ ]", "[::1]§a", "[::1]:§a", "[§x]", "[a§[", "[v§.a]", "[v1§]", "[v1§", "[v1.§]", "[v1.§", "[v1.a§", "[a§", "[v§g", "[1.2.3.4]:§x", "[v1§:a]", "[v1.a]§b", "§]",
		"%§", "%4§", "%4§g", "%§g4", "a%4§:1",
		"fd00:10§:0:0::1:8081",                    // an address without its brackets
		"[fe80::1§%25eth0]", "[fe80::1§%eth0]:80", // a zone
	}
)

func TestHost(t *testing.T) {
	for _, host := range hosts {
		if at, ok := uri.IsHost(host); !ok || at != uint(len(host)) {
			t.Errorf("%q: %v at %d", host, ok, at)
		}
	}
	for _, marked := range notHosts {
		before, after, found := strings.Cut(marked, "§")
		if at, ok := uri.IsHost(before + after); !found || ok || at != uint(len(before)) {
			t.Errorf("%q: %v at %d", marked, ok, at)
		}
	}
}

// HostEnd does not judge what follows the host.
func TestHostEnd(t *testing.T) {
	for _, marked := range []string{"§", "§:80", "a§:80", "a§/b", "[::1]§:80", "[v1.a]§x", "%41§@", "a§]"} {
		host, rest, _ := strings.Cut(marked, "§")
		if at, ok := uri.HostEnd(host + rest); !ok || at != uint(len(host)) {
			t.Errorf("%q: %v at %d", marked, ok, at)
		}
	}
}

// targets are the targets that a request may have, by its method, and notTargets those that
// it must not have.
var (
	targets = map[string][]string{
		"GET": {
			"/", "/a/b%20c;d=1?e=f&g[]={h}|i\\j^k`l", "/100%?%zz", "//", "/*", "/http:", // RFC 9112, 3.2.1
			"http://a", "http://a/", "HTTP://[::1]:8080/a?b", "https://a:?b", "http://a?b", "http://a/%zz", // RFC 9112, 3.2.2
			"ws://a/ws?%zz", "WSS://a.example:443/", // RFC 6455, 3
			"x-y+z.1:a", "mailto:a@b", "urn:", "httpx:/a", "wsx:", "w:", "s://u:p@h/", "http+unix:a", // RFC 3986, 4.3
		},
		"OPTIONS": {"*", "/", "http://a"},                                                                      // RFC 9112, 3.2.4
		"CONNECT": {"a:1", "a:60000", "a:65535", "a:0443", "[::1]:443", "[v1.a]:1", "a.example:443", "%41:80"}, // RFC 9112, 3.2.3
	}
	notTargets = map[string][]string{
		"GET": {
			"", "a", "*", "?a", ":a", "1a:b", "+a:b", "a.example", "/a b", "/a#b", "/\"", "/<", "/>", "/\x7F", "/\xE4", " /", // RFC 9112, 3.2
			"http:", "http:/", "http:/a", "http:x/a", "http:/xa", "http://", "http:///a", "http://?a", "HTTPS://:443/a", "http", // RFC 9110, 4.2
			"http://a@b/", "http://u:p@h/", "http://a:b/", "http://a:1:2/", "http://[::1/", "http://[fe80::1%25eth0]/", "http://a%zz/", "http://\\a/",
			"ws://u:p@h/", "WS://u@h", "ws:/ws", "ws:ws", "wss:", "wss://", "wss:///ws", "wss://a:b", // RFC 6455, 3
		},
		"OPTIONS": {"*a", "**", ""},
		"options": {"*"},
		"CONNECT": { // RFC 9110, 9.3.6
			"", "/", "*", "http://a:1/", "a", "a:", ":", ":1", "a:0", "a:000", "a:65536", "a:99999999999999999999", "a:18446744073709551617",
			"a/1", "a@1", "a:8x", "a:x8", "a:80/", "[::1]", "[::1:443", "[]:443",
		},
	}
)

func TestTarget(t *testing.T) {
	for method, all := range targets {
		for _, target := range all {
			if !uri.IsTarget(method, target) || !oracle.Target(method, target) {
				t.Errorf("%s %q is refused", method, target)
			}
		}
	}
	for method, all := range notTargets {
		for _, target := range all {
			if uri.IsTarget(method, target) || oracle.Target(method, target) {
				t.Errorf("%s %q is a target", method, target)
			}
		}
	}
}

// Every octet, at each place of the four that are scanned together.
func TestTargetEnd(t *testing.T) {
	for at := range 9 {
		for c := range 256 {
			text := []byte("abcdefghij")
			text[at] = byte(c)
			want := uint(len(text))
			if !oracle.Target("GET", "/"+string(text)) {
				want = uint(at)
			}
			if got := uri.TargetEnd(text, 0); got != want {
				t.Errorf("%q: %d, want %d", text, got, want)
			}
		}
	}
	if got := uri.TargetEnd(" a b", 1); got != 2 {
		t.Errorf("from 1: %d, want 2", got)
	}
}

func FuzzURI(f *testing.F) {
	for _, host := range hosts {
		f.Add("GET", host)
	}
	for _, marked := range notHosts {
		f.Add("GET", strings.Replace(marked, "§", "", 1))
	}
	for _, table := range []map[string][]string{targets, notTargets} {
		for method, all := range table {
			for _, target := range all {
				f.Add(method, target)
			}
		}
	}
	f.Fuzz(func(t *testing.T, method, text string) {
		at, ok := uri.IsHost(text)
		if want := oracle.Host(text); ok != want {
			t.Errorf("IsHost(%q) = %v at %d, want %v", text, ok, at, want)
		}
		if ok && at != uint(len(text)) || at > uint(len(text)) {
			t.Fatalf("IsHost(%q) = %v at %d", text, ok, at)
		}
		// There is no earlier fault in the text before a fault.
		if before, whole := uri.IsHost(text[:at]); !ok && !whole && before != at {
			t.Errorf("IsHost(%q) is false at %d, but before that at %d", text, at, before)
		}
		if want, is := oracle.Target(method, text), uri.IsTarget(method, text); is != want {
			t.Errorf("IsTarget(%q, %q) = %v, want %v", method, text, is, want)
		}
		// Bytes and strings are read alike.
		octets := []byte(text)
		if gotAt, got := uri.IsHost(octets); gotAt != at || got != ok {
			t.Errorf("IsHost(%q) = %v at %d, %v at %d as bytes", text, ok, at, got, gotAt)
		}
		if uri.IsTarget([]byte(method), octets) != uri.IsTarget(method, text) {
			t.Errorf("IsTarget(%q, %q) differs as bytes", method, text)
		}
	})
}

func TestHostOfTarget(t *testing.T) {
	for target, want := range map[string]string{
		"http://a":              "a",
		"HTTP://a.example:80/b": "a.example:80",
		"https://[::1]:8080?c":  "[::1]:8080",
		"ws://a/b?c=http://d":   "a",
		"wss://a:":              "a:",
		"/":                     "none",
		"/http://a/":            "none",
		"*":                     "none",
		"a:80":                  "none",
		"ftp://a/":              "none",
		"x-y:a":                 "none",
		"http:/a":               "none",
		"http":                  "none",
		"://a":                  "none",
		"":                      "none",
	} {
		got := "none"
		if host, found := uri.Host(target); found {
			got = host
		}
		if octets, found := uri.Host([]byte(target)); got != want || found != (want != "none") || found && string(octets) != want {
			t.Errorf("%q: %q, as bytes %q, want %q", target, got, octets, want)
		}
	}
}

func TestAllocations(t *testing.T) {
	long := []byte("http://" + strings.Repeat("%41", 1000) + ":80/a")
	method := []byte("CONNECTED TO NO ONE, AND LONGER THAN 32 OCTETS")
	if got := testing.AllocsPerRun(100, func() {
		uri.IsTarget(method, long)
		uri.IsTarget("CONNECT", long)
		uri.IsHost(long[7:])
		uri.Host(long)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
