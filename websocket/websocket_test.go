package websocket_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/websocket"
)

const (
	exampleKey    = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455, section 1.3
	exampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// check calls Check with strings and with bytes. The results must agree.
func check(tb testing.TB, method string, version, key []string) error {
	tb.Helper()
	err := websocket.Check(method, version, key)
	if bytes := websocket.Check([]byte(method), corpus.Bytes(version), corpus.Bytes(key)); bytes != err {
		tb.Errorf("%s, %q, %q: %v, of bytes %v", method, version, key, err, bytes)
	}
	return err
}

func TestCheck(t *testing.T) {
	good, version := []string{exampleKey}, []string{"13"}
	tests := []struct {
		name         string
		method       string
		version, key []string
		want         error
	}{
		{"valid", "GET", version, good, nil},
		{"the other example of the RFC has pad bits", "GET", version, []string{"AQIDBAUGBwgJCgsMDQ4PEC=="}, nil},
		{"plus and slash", "GET", version, []string{"++++////++++////++++//=="}, nil},
		{"POST", "POST", version, good, websocket.ErrMethod},
		{"PUT, as curl uploads", "PUT", version, good, websocket.ErrMethod},
		{"HEAD", "HEAD", version, good, websocket.ErrMethod},
		{"CONNECT", "CONNECT", version, good, websocket.ErrMethod},
		{"a method is case-sensitive", "get", version, good, websocket.ErrMethod},
		{"no method", "", version, good, websocket.ErrMethod},
		{"no version", "GET", nil, good, websocket.ErrVersion},
		{"an empty version", "GET", []string{""}, good, websocket.ErrVersion},
		{"an old version", "GET", []string{"8"}, good, websocket.ErrVersion},
		{"a future version", "GET", []string{"14"}, good, websocket.ErrVersion},
		{"a version that begins with 13", "GET", []string{"130"}, good, websocket.ErrVersion},
		{"a version with a zero", "GET", []string{"013"}, good, websocket.ErrVersion},
		{"a version with a sign", "GET", []string{"+13"}, good, websocket.ErrVersion},
		{"a list of versions", "GET", []string{"13, 8"}, good, websocket.ErrVersion},
		{"a version with a blank", "GET", []string{"13 "}, good, websocket.ErrVersion},
		{"the version twice", "GET", []string{"13", "13"}, good, websocket.ErrVersion},
		{"two versions", "GET", []string{"13", "8"}, good, websocket.ErrVersion},
		{"no key", "GET", version, nil, websocket.ErrKey},
		{"an empty key", "GET", version, []string{""}, websocket.ErrKey},
		{"a key of 15 bytes", "GET", version, []string{"AQIDBAUGBwgJCgsMDQ4P"}, websocket.ErrKey},
		{"a key of 17 bytes", "GET", version, []string{"AQIDBAUGBwgJCgsMDQ4PEBE="}, websocket.ErrKey},
		{"a key of 18 bytes", "GET", version, []string{"AQIDBAUGBwgJCgsMDQ4PEBES"}, websocket.ErrKey},
		{"a key without padding", "GET", version, []string{"dGhlIHNhbXBsZSBub25jZQ"}, websocket.ErrKey},
		{"a key with half the padding", "GET", version, []string{"dGhlIHNhbXBsZSBub25jZQ="}, websocket.ErrKey},
		{"a key with too much padding", "GET", version, []string{"dGhlIHNhbXBsZSBub25jZQ==="}, websocket.ErrKey},
		{"a key with early padding", "GET", version, []string{"dGhlIHNhbXBsZSBub25jZ==="}, websocket.ErrKey},
		{"a key in the alphabet of URLs", "GET", version, []string{"dGhl-HNhbXBsZSBub25_ZQ=="}, websocket.ErrKey},
		{"a key that ends with a blank", "GET", version, []string{exampleKey + " "}, websocket.ErrKey},
		{"a key with a blank within", "GET", version, []string{"dGhlIHNhbXB ZSBub25jZQ=="}, websocket.ErrKey},
		{"a key with a line end within", "GET", version, []string{"dGhlIHNhbX\r\nSBub25jZQ=="}, websocket.ErrKey},
		{"a key with a line end between", "GET", version, []string{"dGhlIHNhbXBs\r\nZSBub25jZQ=="}, websocket.ErrKey},
		{"the key twice", "GET", version, []string{exampleKey, exampleKey}, websocket.ErrKey},
		{"an empty second key", "GET", version, []string{exampleKey, ""}, websocket.ErrKey},
		{"two keys in one line", "GET", version, []string{exampleKey + ", " + exampleKey}, websocket.ErrKey},
		{"method before version", "POST", nil, nil, websocket.ErrMethod},
		{"version before key", "GET", nil, nil, websocket.ErrVersion},
	}
	for _, test := range tests {
		if got := check(t, test.method, test.version, test.key); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// Each of the 256 octets in every place of a key.
func TestCheckKeyEveryOctet(t *testing.T) {
	const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for place := range len(exampleKey) {
		for c := range 256 {
			key := []byte(exampleKey)
			key[place] = byte(c)
			want := strings.IndexByte(base64, byte(c)) >= 0
			if place >= 22 {
				want = c == '='
			}
			if got := check(t, "GET", []string{"13"}, []string{string(key)}); (got == nil) != want || !want && got != websocket.ErrKey {
				t.Errorf("%q: %v", key, got)
			}
		}
	}
}

// Every handshake of a real client passes, except curl's upload, which is not a GET.
func TestCheckCaptures(t *testing.T) {
	checked := 0
	for _, c := range corpus.Read[corpus.Capture](t, "../testdata", "captures.json") {
		if c.Status != 0 || len(c.Products) != 1 || !strings.EqualFold(string(c.Products[0][0]), "websocket") {
			continue
		}
		head := corpus.ReadHead(t, "../testdata", "captures", c.File)
		method, _, _ := strings.Cut(head.Start, " ")
		var want error
		if c.File == "client-curl8-ws.req" {
			want = websocket.ErrMethod
		}
		if got := check(t, method, head.Field("sec-websocket-version"), head.Field("sec-websocket-key")); got != want {
			t.Errorf("%s: %v, want %v", c.File, got, want)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("only %d captures", checked)
	}
}

func TestAppendAccept(t *testing.T) {
	for key, want := range map[string]string{
		exampleKey:                 exampleAccept,
		"x3JJHMbDL1EzLkh9GBhXDw==": "HSmrc0sMlYUkAGmm5OPpG2HaGWk=", // a widely copied example
	} {
		if got := string(websocket.AppendAccept([]byte("accept: "), key)); got != "accept: "+want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
		if got := string(websocket.AppendAccept(nil, []byte(key))); got != want {
			t.Errorf("bytes %s: %q, want %q", key, got, want)
		}
	}
}

// The answers of real servers to the example key.
func TestAppendAcceptCaptures(t *testing.T) {
	checked := 0
	for _, c := range corpus.Read[corpus.Capture](t, "../testdata", "captures.json") {
		if c.Status != 101 {
			continue
		}
		head := corpus.ReadHead(t, "../testdata", "captures", c.File)
		for _, accept := range head.Field("sec-websocket-accept") {
			if got := string(websocket.AppendAccept(nil, exampleKey)); got != accept {
				t.Errorf("%s: %q, want %q", c.File, got, accept)
			}
			checked++
		}
	}
	if checked < 20 {
		t.Errorf("only %d captures", checked)
	}
}

func TestAppendAcceptLeavesKeyAlone(t *testing.T) {
	room := []byte(exampleKey + "after the key, where the constant could go if it were appended")
	before := string(room)
	websocket.AppendAccept(nil, room[:len(exampleKey)])
	if string(room) != before {
		t.Errorf("the room after the key is %q", room)
	}
}

func TestAccept(t *testing.T) {
	if got := websocket.Accept(exampleKey); got != exampleAccept {
		t.Errorf("%q", got)
	}
	if got := websocket.Accept([]byte(exampleKey)); got != exampleAccept {
		t.Errorf("of bytes: %q", got)
	}
}

func TestCheckConnect(t *testing.T) {
	tests := []struct {
		name    string
		method  string
		version []string
		want    error
	}{
		{"valid", "CONNECT", []string{"13"}, nil},
		{"GET, as in HTTP/1.1", "GET", []string{"13"}, websocket.ErrMethod},
		{"a method is case-sensitive", "connect", []string{"13"}, websocket.ErrMethod},
		{"no method", "", []string{"13"}, websocket.ErrMethod},
		{"no version", "CONNECT", nil, websocket.ErrVersion},
		{"an old version", "CONNECT", []string{"12"}, websocket.ErrVersion},
		{"a list of versions", "CONNECT", []string{"13, 8"}, websocket.ErrVersion},
		{"the version twice", "CONNECT", []string{"13", "13"}, websocket.ErrVersion},
		{"method before version", "GET", nil, websocket.ErrMethod},
	}
	for _, test := range tests {
		if got := websocket.CheckConnect(test.method, test.version); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if got := websocket.CheckConnect([]byte(test.method), corpus.Bytes(test.version)); got != test.want {
			t.Errorf("%s, bytes: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for err, want := range map[websocket.Error][2]string{
		websocket.ErrMethod:  {"websocket: method is not GET (HTTP/1.1) or CONNECT (HTTP/2)", ""},
		websocket.ErrVersion: {"websocket: Sec-WebSocket-Version is not 13", "Sec-WebSocket-Version"},
		websocket.ErrKey:     {"websocket: Sec-WebSocket-Key is not the base64 of 16 bytes", "Sec-WebSocket-Key"},
		websocket.ErrAccept:  {"websocket: Sec-WebSocket-Accept does not answer the key", "Sec-WebSocket-Accept"},
		websocket.ErrOrigin:  {"websocket: Origin may not connect", "Origin"},

		websocket.ErrSubprotocol: {"websocket: Sec-WebSocket-Protocol names none that was offered", "Sec-WebSocket-Protocol"},

		websocket.Error(0):  {"websocket: bad handshake", ""},
		websocket.Error(99): {"websocket: bad handshake", ""},
	} {
		if got := [2]string{err.Error(), err.FieldName()}; got != want || !errors.Is(err, err) {
			t.Errorf("%d: %q, want %q", err, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	webSocket := upgrade.MustParseProduct("websocket")
	for err, want := range map[websocket.Error]handshake.Refusal{
		websocket.ErrMethod:  {Status: 405, Fields: []handshake.Field{{Name: "Allow", Value: "GET"}}},
		websocket.ErrVersion: {Status: 426, Fields: []handshake.Field{{Name: "Sec-WebSocket-Version", Value: "13"}}},
		websocket.ErrKey:     {Status: 400},
		websocket.ErrAccept:  {Status: 502},
		websocket.ErrOrigin:  {Status: 403},

		websocket.ErrSubprotocol: {Status: 502},

		websocket.Error(0):  {Status: 400},
		websocket.Error(99): {Status: 400},
	} {
		if got := err.Refusal(); !reflect.DeepEqual(*got, want) {
			t.Errorf("%d: %+v, want %+v", err, got, want)
		}
		if _, _, bad := err.Refusal().Response(webSocket); bad != nil {
			t.Errorf("%d cannot be sent: %v", err, bad)
		}
		// Package handshake finds the status and the field in the error.
		if status, field := handshake.Status(err), handshake.FieldName(err); status != want.Status || field != err.FieldName() {
			t.Errorf("%d: handshake says %d, %q", err, status, field)
		}
	}
}
