package handshake_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// built has the arguments of AppendOffer. The zero built is valid.
type built struct {
	method, target, host string
	products             []string
	options              []string
	fields               []Field
}

func (o built) append(t testing.TB, dst []byte) ([]byte, error) {
	t.Helper()
	or := func(s, usual string) string {
		if s == "" {
			return usual
		}
		return strings.TrimPrefix(s, "none") // "none" is the empty text
	}
	to := websocket
	if o.products != nil {
		to = products(t, o.products)
	}
	return handshake.AppendOffer(dst, or(o.method, "GET"), or(o.target, "/"), or(o.host, "example.com"), to, o.options, o.fields...)
}

func TestAppendOffer(t *testing.T) {
	const upgrade = "Host: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	tests := []struct {
		name string
		built
		want string
	}{
		{"WebSocket", built{target: "/chat", fields: []Field{{"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}},
			"GET /chat HTTP/1.1\r\n" + upgrade + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"},
		{"several products, in the client's order", built{products: []string{"foo", "bar/2", "Foo/1"}},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: foo, bar/2, Foo/1\r\nConnection: Upgrade\r\n\r\n"},
		{"a product given twice", built{products: []string{"foo", "FOO", "bar/2", "foo", "bar/2", "bar"}},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: foo, bar/2, bar\r\nConnection: Upgrade\r\n\r\n"},
		{"h2c", built{products: []string{"h2c"}, options: []string{"HTTP2-Settings"}, fields: []Field{{"HTTP2-Settings", "AAMAAABk"}}},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"},
		{"an option in another letter case", built{options: []string{"x-hop"}, fields: []Field{{"X-Hop", "1"}}},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade, x-hop\r\nX-Hop: 1\r\n\r\n"},
		{"an option given twice", built{options: []string{"a", "b", "A"}, fields: []Field{{"A", ""}, {"B", ""}}},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade, a, b\r\nA: \r\nB: \r\n\r\n"},
		{"content", built{method: "POST", fields: []Field{{"content-length", "10"}}},
			"POST / HTTP/1.1\r\n" + upgrade + "content-length: 10\r\n\r\n"},
		{"the largest length", built{method: "PUT", fields: []Field{{"Content-Length", "9223372036854775807"}}},
			"PUT / HTTP/1.1\r\n" + upgrade + "Content-Length: 9223372036854775807\r\n\r\n"},
		{"HEAD", built{method: "HEAD"}, "HEAD / HTTP/1.1\r\n" + upgrade + "\r\n"},
		{"an unregistered method", built{method: "x-Pull!"}, "x-Pull! / HTTP/1.1\r\n" + upgrade + "\r\n"},
		{"OPTIONS *", built{method: "OPTIONS", target: "*"}, "OPTIONS * HTTP/1.1\r\n" + upgrade + "\r\n"},
		{"absolute-form", built{target: "ws://example.com/a?b"}, "GET ws://example.com/a?b HTTP/1.1\r\n" + upgrade + "\r\n"},
		{"no host", built{host: "none"}, "GET / HTTP/1.1\r\nHost: \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
		{"IPv6 and a port", built{host: "[::1]:8080"}, "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
		{"octets from 0x80 in a value", built{fields: []Field{{"X", "\xE9\tb"}}}, "GET / HTTP/1.1\r\n" + upgrade + "X: \xE9\tb\r\n\r\n"},
		{"a field twice", built{fields: []Field{{"X", "1"}, {"x", "2"}}}, "GET / HTTP/1.1\r\n" + upgrade + "X: 1\r\nx: 2\r\n\r\n"},
	}
	for _, test := range tests {
		got, err := test.append(t, []byte("before "))
		if string(got) != "before "+test.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
		checkOfferHead(t, test.name, got[len("before "):], test.built)
	}
}

// checkOfferHead reports a head that our own server would not read as that offer.
func checkOfferHead(t testing.TB, name string, octets []byte, o built) {
	t.Helper()
	var request head.Request
	n, err := request.Parse(octets, head.Limits{})
	if n != len(octets) || err != nil {
		t.Errorf("%s: parse: %d of %d, %v", name, n, len(octets), err)
		return
	}
	list, err := handshake.Offer(request.Major, request.Minor, request.Connection, request.Upgrade)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	all := websocket
	if o.products != nil {
		all = products(t, o.products)
	}
	for _, p := range all {
		if !list.Offers(p) {
			t.Errorf("%s: %q is not offered", name, p)
		}
	}
	options, err := upgrade.ParseConnection(request.Connection...)
	if err != nil || len(request.Connection) != 1 || len(request.Upgrade) != 1 {
		t.Errorf("%s: %d lines of Connection, %d of Upgrade, %v", name, len(request.Connection), len(request.Upgrade), err)
	}
	for _, option := range o.options {
		if !options.Has(option) {
			t.Errorf("%s: no option %q", name, option)
		}
	}
}

func TestAppendOfferRefuses(t *testing.T) {
	one := []Field{{"X-Hop", "1"}}
	tests := []struct {
		name string
		built
		want  error
		index int // of the field; -1 if there is none
	}{
		{"CONNECT", built{method: "CONNECT", target: "example.com:80"}, handshake.ErrMethod, -1},
		{"no method", built{method: "none"}, handshake.ErrMethod, -1},
		{"a method with a blank", built{method: "GET /"}, handshake.ErrMethod, -1},
		{"a method with a line end", built{method: "GET\r\n"}, handshake.ErrMethod, -1},
		{"a method that is not ASCII", built{method: "\u212AET"}, handshake.ErrMethod, -1},
		{"no target", built{target: "none"}, handshake.ErrTarget, -1},
		{"a target with a blank", built{target: "/ HTTP/1.1"}, handshake.ErrTarget, -1},
		{"a target with a line end", built{target: "/\r\nX: y"}, handshake.ErrTarget, -1},
		{"a target with a fragment", built{target: "/a#b"}, handshake.ErrTarget, -1},
		{"a target that is not ASCII", built{target: "/\xE9"}, handshake.ErrTarget, -1},
		{"a target without a slash", built{target: "a"}, handshake.ErrTarget, -1},
		{"a target with a user", built{target: "http://u@example.com/"}, handshake.ErrTarget, -1},
		{"the target of a CONNECT", built{target: "[::1]:80"}, handshake.ErrTarget, -1},
		{"GET *", built{target: "*"}, handshake.ErrTarget, -1},
		{"a host with a path", built{host: "example.com/"}, handshake.ErrHost, -1},
		{"a host with a user", built{host: "u@example.com"}, handshake.ErrHost, -1},
		{"a host with a blank", built{host: "example.com "}, handshake.ErrHost, -1},
		{"a host with a line end", built{host: "example.com\r\nX: y"}, handshake.ErrHost, -1},
		{"a host that is not ASCII", built{host: "b\u00FCcher.example"}, handshake.ErrHost, -1},
		{"a port that is not a number", built{host: "example.com:http"}, handshake.ErrHost, -1},
		{"IPv6 without brackets", built{host: "::1"}, handshake.ErrHost, -1},
		{"no product", built{products: []string{}}, handshake.ErrNoProduct, -1},
		{"a zero product", built{products: []string{"foo", ""}}, handshake.ErrNoProduct, -1},
		{"Connection", built{fields: []Field{{"connection", "close"}}}, handshake.ErrReserved, 0},
		{"Upgrade", built{fields: []Field{{"X", "y"}, {"UPGRADE", "foo"}}}, handshake.ErrReserved, 1},
		{"Host", built{fields: []Field{{"host", "example.com"}}}, handshake.ErrReserved, 0},
		{"Transfer-Encoding", built{fields: []Field{{"Transfer-Encoding", "chunked"}}}, handshake.ErrReserved, 0},
		{"Trailer", built{fields: []Field{{"Trailer", "X"}}}, handshake.ErrReserved, 0},
		{"Content-Length twice", built{fields: []Field{{"Content-Length", "1"}, {"content-length", "1"}}}, handshake.ErrReserved, 1},
		{"Content-Length with a sign", built{fields: []Field{{"Content-Length", "+1"}}}, handshake.ErrFieldValue, 0},
		{"an empty Content-Length", built{fields: []Field{{"Content-Length", ""}}}, handshake.ErrFieldValue, 0},
		{"a Content-Length that overflows", built{fields: []Field{{"Content-Length", "9223372036854775808"}}}, handshake.ErrFieldValue, 0},
		{"a list in Content-Length", built{fields: []Field{{"Content-Length", "1, 1"}}}, handshake.ErrFieldValue, 0},
		{"a name with a colon", built{fields: []Field{{"X:", "y"}}}, handshake.ErrFieldName, 0},
		{"a name with a line end", built{fields: []Field{{"X\r\nY", "y"}}}, handshake.ErrFieldName, 0},
		{"no name", built{fields: []Field{{"", "y"}}}, handshake.ErrFieldName, 0},
		{"a value with a line end", built{fields: []Field{{"X", "y\r\nZ: z"}}}, handshake.ErrFieldValue, 0},
		{"a value that ends with a blank", built{fields: []Field{{"X", "y "}}}, handshake.ErrFieldValue, 0},
		{"an option without a field", built{options: []string{"HTTP2-Settings"}}, handshake.ErrOption, -1},
		{"keep-alive, which names no field", built{options: []string{"keep-alive"}, fields: one}, handshake.ErrOption, -1},
		{"upgrade, which is there anyway", built{options: []string{"upgrade"}, fields: one}, handshake.ErrOption, -1},
		{"close", built{options: []string{"close"}, fields: one}, handshake.ErrOption, -1},
		{"close with a field of that name", built{options: []string{"Close"}, fields: []Field{{"close", "1"}}}, handshake.ErrOption, -1},
		{"Content-Length as an option", built{options: []string{"Content-Length"}, fields: []Field{{"Content-Length", "1"}}}, handshake.ErrOption, -1},
		{"Host as an option", built{options: []string{"Host"}, fields: one}, handshake.ErrOption, -1},
		{"an empty option", built{options: []string{""}, fields: one}, handshake.ErrOption, -1},
		{"two options in one", built{options: []string{"X-Hop, close"}, fields: one}, handshake.ErrOption, -1},
		{"an option with a line end", built{options: []string{"X-Hop\r\nX: y"}, fields: one}, handshake.ErrOption, -1},
		{"a look-alike of a field", built{options: []string{"\u212A"}, fields: []Field{{"K", "1"}}}, handshake.ErrOption, -1},
		{"one valid option of two", built{options: []string{"X-Hop", "Y"}, fields: one}, handshake.ErrOption, -1},
	}
	for _, test := range tests {
		room := append(make([]byte, 0, 1000), "abc"...)
		got, err := test.append(t, room)
		name, index := responseFault(t, err)
		if name != errorNames[test.want] || index != test.index {
			t.Errorf("%s: %q of field %d, want %v of field %d", test.name, name, index, test.want, test.index)
		}
		if string(got) != "abc" || string(room[3:cap(room)]) != strings.Repeat("\x00", cap(room)-3) {
			t.Errorf("%s: left %q", test.name, got)
		}
	}
}

// FuzzAppendOffer: AppendOffer returns an error, or a head in which package head and
// net/http find exactly the arguments, field by field.
func FuzzAppendOffer(f *testing.F) {
	f.Add("GET", "/a?b", "example.com:80", "foo", "bar/2", "X", "X", "y")
	f.Add("POST", "*", "[::1]", "foo/1", "FOO/1", "content-length", "close", "12")
	f.Add("OPTIONS", "*", "", "foo", "foo", "HTTP2-Settings", "http2-settings", "AAMAAABk")
	f.Add("CONNECT", "a:1", "a", "h2c", "", "Host", "Host", "a")
	f.Fuzz(func(t *testing.T, method, target, host, first, second, name, option, value string) {
		var to []upgrade.Product[string]
		for _, text := range []string{first, second} {
			p, _ := upgrade.ParseProduct(text)
			to = append(to, p)
		}
		options := []string{option}
		if option == "" {
			options = nil
		}
		fields := []Field{{name, value}, {"A", "1"}}
		dst, err := handshake.AppendOffer([]byte("x"), method, target, host, to, options, fields...)
		if err != nil {
			if string(dst) != "x" {
				t.Errorf("left %q", dst)
			}
			responseFault(t, err)
			return
		}
		octets := dst[1:]
		checkOfferHead(t, "fuzz", octets, built{products: []string{first, second}, options: options})

		var request head.Request
		if _, err := request.Parse(octets, head.Limits{Bytes: len(octets), Target: len(target)}); err != nil {
			t.Fatalf("%q: %v", octets, err)
		}
		var lines []Field
		for name, value := range request.All() {
			lines = append(lines, Field{string(name), string(value)})
		}
		if len(lines) != 3+len(fields) || string(request.Method) != method || string(request.Target) != target || string(request.Host) != host {
			t.Fatalf("%q: %q", octets, lines)
		}
		diff(t, "fields", fields, lines[3:])

		// net/http accepts fewer targets, hosts and methods.
		if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(octets)))); err == nil {
			if r.Method != method || r.RequestURI != target || len(r.Header["Upgrade"]) != 1 || len(r.Header["Connection"]) != 1 {
				t.Errorf("%q: net/http reads %v", octets, r)
			}
		}
	})
}

// A client builds its offer, sends it, and accepts only a valid 101.
func ExampleAppendOffer() {
	websocket := []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}
	head, err := handshake.AppendOffer(nil, "GET", "/chat", "example.com", websocket, nil,
		handshake.Field{Name: "Sec-WebSocket-Version", Value: "13"},
		handshake.Field{Name: "Sec-WebSocket-Key", Value: "dGhlIHNhbXBsZSBub25jZQ=="}) // from websocket.AppendKey
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(head), "\r\n", "|\n"))

	// Package head has read these fields of the response.
	products, err := handshake.Switched(101, 1, 1, []string{"Upgrade"}, []string{"WebSocket"}, websocket...)
	fmt.Println(products.Offers(websocket[0]), err)
	// Output:
	// GET /chat HTTP/1.1|
	// Host: example.com|
	// Upgrade: websocket|
	// Connection: Upgrade|
	// Sec-WebSocket-Version: 13|
	// Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|
	// |
	// true <nil>
}
