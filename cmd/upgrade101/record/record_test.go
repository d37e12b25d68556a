package record

import (
	"bytes"
	"strings"
	"testing"
)

// A head is kept unchanged and ends at the same octet, in whatever pieces it comes.
func TestHead(t *testing.T) {
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\na: b\r\n\r\nrest":     "GET / HTTP/1.1\r\na: b\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n\r\n": "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"GET /\na: b\n\n\n":                      "GET /\na: b\n\n",
		"a\r\n \r\n\r\nrest":                     "a\r\n \r\n\r\n",
		"no end\r\n":                             "no end\r\n",
	} {
		for step := 1; step <= len(text); step++ {
			var h Head
			var rest []byte
			for p := []byte(text); len(p) > 0; {
				n := min(step, len(p))
				rest = append(rest, h.add(p[:n])...)
				p = p[n:]
			}
			if string(h.Octets) != want || string(h.Octets)+string(rest) != text || h.ended != !strings.HasPrefix(text, "no end") || h.Cut {
				t.Errorf("%q by %d: %q, rest %q, ended %t", text, step, h.Octets, rest, h.ended)
			}
		}
	}
	var h Head
	h.add(bytes.Repeat([]byte("a"), MaxKept))
	if h.Cut {
		t.Error("cut too soon")
	}
	if rest := h.add([]byte("a\r\n\r\nrest")); !h.Cut || !h.ended || len(h.Octets) != MaxKept || string(rest) != "rest" {
		t.Errorf("%d octets, cut %t, ended %t, rest %q", len(h.Octets), h.Cut, h.ended, rest)
	}
}

// The values of secrets are not kept, however their lines are written and in whatever
// pieces they come.
func TestSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nCookie: a=b\r\nX: y\r\n\r\n":                      "GET / HTTP/1.1\r\nCookie: (not kept)\r\nX: y\r\n\r\n",
		"GET / HTTP/1.1\r\ncOOKIE:a\r\nAUTHORIZATION: Basic a:b\r\n\r\n":     "GET / HTTP/1.1\r\ncOOKIE: (not kept)\r\nAUTHORIZATION: (not kept)\r\n\r\n",
		"GET / HTTP/1.1\r\nProxy-Authorization: a\rb\r\nSet-Cookie:\r\n\r\n": "GET / HTTP/1.1\r\nProxy-Authorization: (not kept)\r\r\nSet-Cookie: (not kept)\r\n\r\n",
		"GET / HTTP/1.1\nCookie: a\n\tb: c\nX: y\n\n":                        "GET / HTTP/1.1\nCookie: (not kept)\n\t\nX: y\n\n",
		"GET / HTTP/1.1\r\nCookie : a\r\n\r\n":                               "GET / HTTP/1.1\r\nCookie : (not kept)\r\n\r\n",
		"GET / HTTP/1.1\r\nCookies: a\r\nX-Cookie: b\r\n\r\n":                "GET / HTTP/1.1\r\nCookies: a\r\nX-Cookie: b\r\n\r\n",
		"Cookie: a\r\nGET / HTTP/1.1\r\n\r\n":                                "Cookie: (not kept)\r\nGET / HTTP/1.1\r\n\r\n",
	} {
		for step := 1; step <= len(text); step++ {
			var h Head
			for p := []byte(text); len(p) > 0; {
				n := min(step, len(p))
				h.add(p[:n])
				p = p[n:]
			}
			if string(h.Octets) != want || !h.ended {
				t.Errorf("%q by %d: %q", text, step, h.Octets)
			}
		}
	}
}
