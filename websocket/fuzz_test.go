package websocket_test

import (
	"crypto/sha1"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/websocket"
)

// FuzzCheck: a key is valid if encoding/base64 decodes it to 16 bytes and it has no line
// ends, which encoding/base64 would skip.
func FuzzCheck(f *testing.F) {
	f.Add("GET", "13", exampleKey)
	f.Add("GET", "13", "AQIDBAUGBwgJCgsMDQ4PEC==")
	f.Add("GET", "13", "AQIDBAUGBwgJCgsMDQ4PEBE=")
	f.Add("GET", "13", "dGhlIHNhbX\r\nSBub25jZQ==")
	f.Add("GET", "13 ", exampleKey)
	f.Add("get", "13", exampleKey)
	f.Fuzz(func(t *testing.T, method, version, key string) {
		decoded, err := base64.StdEncoding.DecodeString(key)
		isKey := err == nil && len(decoded) == 16 && !strings.ContainsAny(key, "\r\n")
		var want error
		switch {
		case method != "GET":
			want = websocket.ErrMethod
		case version != "13":
			want = websocket.ErrVersion
		case !isKey:
			want = websocket.ErrKey
		}
		if got := check(t, method, []string{version}, []string{key}); got != want {
			t.Errorf("%q, %q, %q: %v, want %v", method, version, key, got, want)
		}
		if got := check(t, "GET", []string{"13"}, []string{key}); (got == nil) != isKey {
			t.Errorf("key %q: %v", key, got)
		}
		if check(t, method, []string{version, version}, []string{key}) == nil || check(t, method, []string{version}, []string{key, key}) == nil {
			t.Errorf("%q, %q twice", version, key)
		}
	})
}

// FuzzAppendAccept: RFC 6455, section 4.2.2, item 5.4, word for word.
func FuzzAppendAccept(f *testing.F) {
	f.Add("", exampleKey)
	f.Add("Sec-WebSocket-Accept: ", "")
	f.Add("x", strings.Repeat("long", 100))
	f.Fuzz(func(t *testing.T, dst, key string) {
		hash := sha1.New()
		io.WriteString(hash, key)
		io.WriteString(hash, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
		want := dst + base64.StdEncoding.EncodeToString(hash.Sum(nil))
		if got := string(websocket.AppendAccept([]byte(dst), key)); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
		if got := string(websocket.AppendAccept([]byte(dst), []byte(key))); got != want {
			t.Errorf("bytes %q: %q, want %q", key, got, want)
		}
	})
}
