package head_test

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tchars  = "!#$%&'*+-.^_`|~" + digits + letters // RFC 9110, 5.6.2
	targets = "!$%&'()*+,-./:;=?@[\\]^_`{|}~" + digits + letters
	hosts   = "!$&'()*+,-.;=_~" + digits + letters // RFC 3986, 3.2.2, less "%" and ":"
)

// values are the octets of a field value (RFC 9110, 5.5).
var values = func() string {
	all := "\t"
	for c := ' '; c < 0x7F; c++ {
		all += string(c)
	}
	for c := 0x80; c < 0x100; c++ {
		all += string([]byte{byte(c)})
	}
	return all
}()

// octetTest is a place in a head: every octet in turn replaces the mark.
type octetTest struct {
	name      string
	head      string
	legal     string
	elsewhere string // may be here, but makes the head malformed in another place
}

func (test octetTest) run(t *testing.T, kind kind) {
	for c := range 256 {
		octet := string([]byte{byte(c)})
		text := strings.Replace(test.head, "§", octet, 1)
		at := strings.Index(test.head, "§")
		_, got := parseAs(t, kind.zero(), text, head.Limits{})
		legal := strings.Contains(test.legal, octet)
		if legal != (got.Reason == 0) {
			t.Errorf("%q: got %v, legal %v", octet, got.Reason, legal)
		}
		if elsewhere := got.Offset != at; !legal && elsewhere != strings.Contains(test.elsewhere, octet) {
			t.Errorf("%q: %v at %d, the mark is at %d", octet, got.Reason, got.Offset, at)
		}
	}
}

// Every octet, in every kind of place.
func TestOctets(t *testing.T) {
	tests := []octetTest{
		{"method, first", "§x / HTTP/1.0\r\n\r\n", tchars, ""},
		{"method, middle", "x§x / HTTP/1.0\r\n\r\n", tchars, " "},
		{"method, last", "xxxxxxxxxx§ / HTTP/1.0\r\n\r\n", tchars, " "},
		{"after the method", "GET§/ HTTP/1.0\r\n\r\n", " ", tchars},
		{"target, first", "GET §:a HTTP/1.0\r\n\r\n", letters + "/", ""},
		{"target, middle", "GET /a§b HTTP/1.0\r\n\r\n", targets, " "},
		{"target, last", "GET /abcdefghi§ HTTP/1.0\r\n\r\n", targets, " "},
		{"after the target", "GET /§HTTP/1.0\r\n\r\n", " ", targets},
		{"H of the version", "GET / §TTP/1.0\r\n\r\n", "H", ""},
		{"P of the version", "GET / HTT§/1.0\r\n\r\n", "P", ""},
		{"slash of the version", "GET / HTTP§1.0\r\n\r\n", "/", ""},
		{"major version", "GET / HTTP/§.0\r\n\r\n", "1", ""},
		{"dot of the version", "GET / HTTP/1§0\r\n\r\n", ".", ""},
		{"minor version", "GET / HTTP/1.§\r\nHost:\r\n\r\n", digits, ""},
		{"CR of the request line", "GET / HTTP/1.0§\n\r\n", "\r", ""},
		{"name, first", "GET / HTTP/1.0\r\n§x:\r\n\r\n", tchars, ""},
		{"name, middle", "GET / HTTP/1.0\r\nxx§xxxxxx:\r\n\r\n", tchars + ":", ""},
		{"name, last", "GET / HTTP/1.0\r\nxxx§:\r\n\r\n", tchars + ":", ""},
		{"colon", "GET / HTTP/1.0\r\nxxx§\r\n\r\n", ":", tchars},
		{"value, first", "GET / HTTP/1.0\r\nx:§abcdefgh\r\n\r\n", values, ""},
		{"value, middle", "GET / HTTP/1.0\r\nx: abcdefghijk§lmnopqrstu\r\n\r\n", values, ""},
		{"value, after a tab", "GET / HTTP/1.0\r\nx:abcdefgh\t§jklmn\r\n\r\n", values, ""},
		{"value, last", "GET / HTTP/1.0\r\nx: abc§\r\n\r\n", values, ""},
		{"value, alone", "GET / HTTP/1.0\r\nx:§\r\n\r\n", values, ""},
		{"CR of a field", "GET / HTTP/1.0\r\nx:§\n\r\n", "\r", values},
		{"CR of the empty line", "GET / HTTP/1.0\r\n§\n", "\r", tchars},
		{"host, first", "GET / HTTP/1.0\r\nHost:§a\r\n\r\n", hosts + " \t", ":[%"},
		{"host, middle", "GET / HTTP/1.0\r\nHost:a§b:1\r\n\r\n", hosts, ":%"},
		{"port", "GET / HTTP/1.0\r\nHost:a:1§1\r\n\r\n", digits, ""},
		{"length", "GET / HTTP/1.0\r\nContent-Length: 1§1\r\n\r\n", digits, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asRequest) })
	}
}

func TestResponseOctets(t *testing.T) {
	for _, test := range []octetTest{
		{"H of the version", "§TTP/1.1 200 \r\n\r\n", "H", ""},
		{"slash of the version", "HTTP§1.1 200 \r\n\r\n", "/", ""},
		{"major version", "HTTP/§.1 200 \r\n\r\n", "1", ""},
		{"dot of the version", "HTTP/1§1 200 \r\n\r\n", ".", ""},
		{"minor version", "HTTP/1.§ 200 \r\n\r\n", digits, ""},
		{"after the version", "HTTP/1.1§200 \r\n\r\n", " ", ""},
		{"first digit", "HTTP/1.1 §00 \r\n\r\n", "12345", ""},
		{"second digit", "HTTP/1.1 2§0 \r\n\r\n", digits, ""},
		{"third digit", "HTTP/1.1 20§ \r\n\r\n", digits, ""},
		{"after the status", "HTTP/1.1 200§\r\n\r\n", " ", ""},
		{"phrase, first", "HTTP/1.1 200 §bcdefghij\r\n\r\n", values, ""},
		{"phrase, middle", "HTTP/1.1 200 abcdefghijk§lmnop\r\n\r\n", values, ""},
		{"phrase, last", "HTTP/1.1 200 a§\r\n\r\n", values, ""},
		{"phrase, alone", "HTTP/1.1 200 §\r\n\r\n", values, ""},
		{"CR of the status line", "HTTP/1.1 200 §\n\r\n", "\r", values},
		{"name, first", "HTTP/1.1 200 \r\n§x:\r\n\r\n", tchars, ""},
		{"value, last", "HTTP/1.1 200 \r\nx: abc§\r\n\r\n", values, ""},
		{"length", "HTTP/1.1 200 \r\nContent-Length: 1§1\r\n\r\n", digits, ""},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, asResponse) })
	}
}

// Every two octets, at every place among the eight that are scanned together: the first
// must neither hide the second nor get it refused.
func TestPairsOfOctets(t *testing.T) {
	const start = get + "x:"
	var (
		r    head.Request
		text = []byte(start + "abcdefghijklmnopqrstuvwxyz\r\n\r\n")
	)
	for at := len(start); at < len(start)+8; at++ {
		was := [2]byte{text[at], text[at+1]}
		for a := range 256 {
			for b := range 256 {
				text[at], text[at+1] = byte(a), byte(b)
				want := head.Error{}
				for i := at; i <= at+1; i++ {
					if !strings.Contains(values, string(text[i:i+1])) {
						want.Offset = i
						break
					}
				}
				var got head.Error
				if _, err := r.Parse(text, head.Limits{}); err != nil {
					got = *err.(*head.Error)
				}
				got.Reason = 0
				// Only a whole line end ends the value. The fault then
				// comes after it.
				if got != want && !(a == '\r' && b == '\n') {
					t.Fatalf("%q at %d: refused at %d, want %d", text[at:at+2], at, got.Offset, want.Offset)
				}
			}
		}
		text[at], text[at+1] = was[0], was[1]
	}
}
