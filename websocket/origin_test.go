package websocket_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/websocket"
)

// sameOrigin calls SameOrigin with strings and bytes in each combination. The results must
// agree.
func sameOrigin(tb testing.TB, origin, host []string) bool {
	tb.Helper()
	same := websocket.SameOrigin(origin, host)
	if websocket.SameOrigin(corpus.Bytes(origin), corpus.Bytes(host)) != same ||
		websocket.SameOrigin(corpus.Bytes(origin), host) != same ||
		websocket.SameOrigin(origin, corpus.Bytes(host)) != same {
		tb.Errorf("%q, %q: %t, but not of bytes", origin, host, same)
	}
	return same
}

func TestSameOrigin(t *testing.T) {
	accepted := []struct{ name, origin, host string }{
		{"http", "http://example.com", "example.com"},
		{"https", "https://example.com", "example.com"},
		{"another port on both", "http://example.com:8080", "example.com:8080"},
		{"the highest port", "http://example.com:65535", "example.com:65535"},
		{"http, the default port in Host", "http://example.com", "example.com:80"},
		{"http, the default port in Origin", "http://example.com:80", "example.com"},
		{"https, the default port in Host", "https://example.com", "example.com:443"},
		{"https, the default port in Origin", "https://example.com:443", "example.com"},
		{"https on the port of http", "https://example.com:80", "example.com:80"},
		{"http on the port of https", "http://example.com:443", "example.com:443"},
		{"letter case of Origin", "http://EXAMPLE.com", "example.com"},
		{"letter case of Host", "http://example.com", "Example.COM"},
		{"letter case of the scheme", "HTTPS://example.com", "example.com:443"},
		{"one label", "http://localhost:3000", "localhost:3000"},
		{"an underscore", "http://a_b.test", "a_b.test"},
		{"a trailing dot on both", "http://example.com.", "example.com."},
		{"Punycode", "https://xn--bcher-kva.example", "XN--BCHER-KVA.example"},
		{"an escape on both", "http://a%2fb", "a%2Fb"},
		{"IPv4", "http://127.0.0.1:8080", "127.0.0.1:8080"},
		{"IPv6", "http://[::1]", "[::1]"},
		{"IPv6 and a port", "http://[::1]:8080", "[::1]:8080"},
		{"IPv6 and a default port", "https://[2001:db8::1]", "[2001:db8::1]:443"},
		{"IPv6 in another letter case", "http://[2001:DB8::A]", "[2001:db8::a]"},
		{"IPv6 that ends in IPv4", "http://[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"},
	}
	for _, test := range accepted {
		if !sameOrigin(t, []string{test.origin}, []string{test.host}) {
			t.Errorf("%s: %q is not of %q", test.name, test.origin, test.host)
		}
	}

	refused := []struct{ name, origin, host string }{
		{"another host", "http://evil.example", "example.com"},
		{"a subdomain", "http://www.example.com", "example.com"},
		{"a parent domain", "http://example.com", "www.example.com"},
		{"a host that begins alike", "http://example.com.evil.example", "example.com"},
		{"a host that ends alike", "http://evilexample.com", "example.com"},
		{"another port", "http://example.com:8080", "example.com:8081"},
		{"a port in Origin alone", "http://example.com:8080", "example.com"},
		{"a port in Host alone", "http://example.com", "example.com:8080"},
		{"http, but the port of https in Host", "http://example.com", "example.com:443"},
		{"https, but the port of http in Host", "https://example.com", "example.com:80"},
		{"null", "null", "example.com"},
		{"null, and a host of that name", "null", "null"},
		{"an empty Origin", "", "example.com"},
		{"both empty", "", ""},
		{"a scheme alone", "http://", ""},
		{"a scheme and a port", "http://:80", ":80"},
		{"no scheme", "example.com", "example.com"},
		{"no scheme, but a port on both", "example.com:8080", "example.com:8080"},
		{"no slashes", "http:example.com", "example.com"},
		{"one slash", "http:/example.com", "example.com"},
		{"three slashes", "http:///example.com", "/example.com"},
		{"ws", "ws://example.com", "example.com"},
		{"wss", "wss://example.com:443", "example.com:443"},
		{"ftp", "ftp://example.com", "example.com"},
		{"file", "file://", ""},
		{"a browser extension", "chrome-extension://abcdefgh", "abcdefgh"},
		{"an app with pages of its own", "capacitor://localhost", "localhost"},
		{"another scheme and a port on both", "foo://example.com:80", "example.com:80"},
		{"a scheme that ends alike", "xhttp://example.com", "example.com"},
		{"user information", "http://example.com@evil.example", "evil.example"},
		{"user information on both", "http://u@example.com", "u@example.com"},
		{"user and password", "http://u:p@example.com", "example.com"},
		{"a slash after it", "http://example.com/", "example.com"},
		{"a slash after both", "http://example.com/", "example.com/"},
		{"a path", "http://example.com/a", "example.com"},
		{"a query on both", "http://example.com?a", "example.com?a"},
		{"a fragment on both", "http://example.com#a", "example.com#a"},
		{"a backslash on both", `http://example.com\a`, `example.com\a`},
		{"an empty port in Origin", "http://example.com:", "example.com"},
		{"an empty port in Host", "http://example.com", "example.com:"},
		{"an empty port in both", "http://example.com:", "example.com:"},
		{"port 0", "http://example.com:0", "example.com:0"},
		{"a leading zero in Origin", "http://example.com:080", "example.com:80"},
		{"a leading zero in both", "http://example.com:080", "example.com:080"},
		{"a port above the range", "http://example.com:65536", "example.com:65536"},
		{"a port that overflows", "http://example.com:4294967376", "example.com:80"},
		{"a port that is not a number", "http://example.com:http", "example.com:http"},
		{"a port with a sign", "http://example.com:+80", "example.com:80"},
		{"a port with a blank", "http://example.com:80 ", "example.com:80 "},
		{"two ports", "http://example.com:80:80", "example.com:80:80"},
		{"a trailing dot in Origin alone", "http://example.com.", "example.com"},
		{"a trailing dot in Host alone", "http://example.com", "example.com."},
		{"two origins in one line", "http://example.com http://evil.example", "example.com"},
		{"a list of origins", "http://example.com, http://example.com", "example.com"},
		{"a blank in front", " http://example.com", "example.com"},
		{"a blank after both", "http://example.com ", "example.com "},
		{"Host with a scheme", "http://example.com", "http://example.com"},
		{"the Kelvin sign for k", "http://\u212Aelvin.example", "kelvin.example"},
		{"the long s for s", "http://s.example", "\u017F.example"},
		{"not ASCII, on both", "http://b\u00FCcher.example", "b\u00FCcher.example"},
		{"a percent without digits on both", "http://a%b", "a%b"},
		{"an octet and its escape", "http://%61", "a"},
		{"a control on both", "http://a\x00b", "a\x00b"},
		{"IPv6 without brackets", "http://::1", "::1"},
		{"IPv6 without brackets, in Host alone", "http://[::1]", "::1"},
		{"another spelling of IPv6", "http://[::1]", "[0:0:0:0:0:0:0:1]"},
		{"IPv6 with a zone", "http://[fe80::1%25eth0]", "[fe80::1%25eth0]"},
		{"empty brackets", "http://[]", "[]"},
		{"a name in brackets", "http://[example.com]", "[example.com]"},
		{"a bracket that does not close", "http://[::1", "[::1"},
		{"something after the bracket", "http://[::1]a:80", "[::1]a:80"},
		{"brackets within", "http://a[::1]", "a[::1]"},
	}
	for _, test := range refused {
		if sameOrigin(t, []string{test.origin}, []string{test.host}) {
			t.Errorf("%s: %q is of %q", test.name, test.origin, test.host)
		}
	}
}

func TestSameOriginLines(t *testing.T) {
	const origin, host = "http://example.com", "example.com"
	tests := []struct {
		name         string
		origin, host []string
		want         bool
	}{
		{"no Origin", nil, []string{host}, true},
		{"neither", nil, nil, true},
		{"no Origin, two lines of Host", nil, []string{host, host}, true},
		{"one each", []string{origin}, []string{host}, true},
		{"Origin twice", []string{origin, origin}, []string{host}, false},
		{"two Origins", []string{origin, "http://evil.example"}, []string{host}, false},
		{"an empty second Origin", []string{origin, ""}, []string{host}, false},
		{"no Host", []string{origin}, nil, false},
		{"Host twice", []string{origin}, []string{host, host}, false},
		{"an empty Host", []string{origin}, []string{""}, false},
	}
	for _, test := range tests {
		if got := sameOrigin(t, test.origin, test.host); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

// Real browsers pass.
func TestSameOriginCaptures(t *testing.T) {
	checked := 0
	for _, c := range corpus.Read[corpus.Capture](t, "../testdata", "captures.json") {
		head := corpus.ReadHead(t, "../testdata", "captures", c.File)
		origin, host := head.Field("origin"), head.Field("host")
		if c.Status != 0 || len(origin) == 0 {
			continue
		}
		checked++
		if u, err := url.Parse(origin[0]); err == nil && u.Host == host[0] && !sameOrigin(t, origin, host) {
			t.Errorf("%s: %q is not of %q", c.File, origin, host)
		}
	}
	if checked < 3 {
		t.Errorf("only %d captures", checked)
	}
}

// FuzzSameOrigin: if SameOrigin reports true, net/url agrees, which is laxer. With the same
// port on both sides, the scheme does not matter.
func FuzzSameOrigin(f *testing.F) {
	f.Add("http://example.com", "example.com:80")
	f.Add("https://[::1]:443", "[::1]")
	f.Add("http://u@example.com", "u@example.com")
	f.Add("HTTP://Example.com:8080", "EXAMPLE.com:8080")
	f.Fuzz(func(t *testing.T, origin, host string) {
		if sameOrigin(t, []string{origin}, []string{host}) {
			u, err := url.Parse(origin)
			here, hereErr := url.Parse("//" + host)
			if err != nil || hereErr != nil {
				if !strings.Contains(origin, "[") { // net/url checks IPv6 addresses
					t.Errorf("%q, %q: %v, %v", origin, host, err, hereErr)
				}
				return
			}
			if u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" ||
				!strings.EqualFold(u.Hostname(), here.Hostname()) || port(t, u, u.Scheme) != port(t, here, u.Scheme) {
				t.Errorf("%q is of %q", origin, host)
			}
		}
		if sameOrigin(t, []string{"http://" + host}, []string{host}) != sameOrigin(t, []string{"https://" + host}, []string{host}) {
			t.Errorf("%q: the scheme matters", host)
		}
	})
}

func port(t *testing.T, u *url.URL, scheme string) int {
	if u.Port() == "" {
		return map[string]int{"http": 80, "https": 443}[scheme]
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
