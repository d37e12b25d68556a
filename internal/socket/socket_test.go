package socket_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/socket"
)

const key = "dGhlIHNhbXBsZSBub25jZQ=="

func TestIs(t *testing.T) {
	for product, want := range map[string]bool{"websocket": true, "WebSocket": true, "websocket/13": false, "h2c": false} {
		if got := socket.Is(upgrade.MustParseProduct(product)); got != want {
			t.Errorf("%s: %t", product, got)
		}
	}
	if socket.Is(upgrade.Product[string]{}) {
		t.Error("the zero Product is websocket")
	}
}

// status returns the status of the Refusal that err wraps, or 0 for nil.
func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var refusal *handshake.Refusal
	if !errors.As(err, &refusal) || refusal == nil {
		t.Fatalf("%v is no Refusal", err)
	}
	return refusal.Status
}

func TestChecks(t *testing.T) {
	one := func(s string) []string { return []string{s} }
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"good", socket.Check("GET", one("13"), one(key)), 0},
		{"method", socket.Check("POST", one("13"), one(key)), 405},
		{"version", socket.Check("GET", one("8"), one(key)), 426},
		{"no key", socket.Check("GET", one("13"), nil), 400},
		{"good CONNECT", socket.CheckConnect("CONNECT", one("13")), 0},
		{"version of CONNECT", socket.CheckConnect("CONNECT", one("8")), 426}, // the adapter makes it 400
		{"no Origin", socket.CheckOrigin([]string(nil), one("a")), 0},
		{"own Origin", socket.CheckOrigin(one("http://a"), one("a")), 0},
		{"foreign Origin", socket.CheckOrigin(one("http://b"), one("a")), 403},
	} {
		if got := status(t, test.err); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestAppendSwitchingProtocols(t *testing.T) {
	const want = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX: 1\r\n\r\n"
	got, err := socket.AppendSwitchingProtocols(nil, socket.Product, key, handshake.Field{Name: "X", Value: "1"})
	if string(got) != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, test := range []struct {
		to   upgrade.Product[string]
		f    handshake.Field
		want error
	}{
		{upgrade.Product[string]{}, handshake.Field{Name: "X"}, handshake.ErrNoProduct},
		{socket.Product, handshake.Field{Name: "SEC-websocket-ACCEPT", Value: "x"}, handshake.ErrReserved},
		{socket.Product, handshake.Field{Name: "Trailer"}, handshake.ErrReserved},
		{socket.Product, handshake.Field{Name: "X", Value: "a\r\nb"}, handshake.ErrFieldValue},
	} {
		room := make([]byte, 3, 1000)
		copy(room, "abc")
		got, err := socket.AppendSwitchingProtocols(room, test.to, key, test.f)
		if string(got) != "abc" || !errors.Is(err, test.want) {
			t.Errorf("%q: %q, %v", test.f, got, err)
		}
	}
}

func TestSubprotocols(t *testing.T) {
	for lines, want := range map[string]string{"": "", "b, a": "a", "c": "", "A": ""} {
		got, err := socket.SelectSubprotocol([]string{lines}, []string{"a", "b"})
		if lines == "" {
			got, err = socket.SelectSubprotocol([]string(nil), []string{"a", "b"})
		}
		if got != want || err != nil {
			t.Errorf("%q: %q, %v", lines, got, err)
		}
	}
	_, err := socket.SelectSubprotocol([]string{"a b"}, []string{"a"})
	if got := status(t, err); got != 400 {
		t.Errorf("malformed: %d", got)
	}
	// A server without subprotocols does not read the field.
	if got, err := socket.SelectSubprotocol([]string{"a b"}, nil); got != "" || err != nil {
		t.Errorf("without any: %q, %v", got, err)
	}
	shared := append(make([]handshake.Field, 0, 2), handshake.Field{Name: "X", Value: "1"})
	with := socket.WithSubprotocol(shared, "chat")
	if got := socket.Subprotocol(with); got != "chat" {
		t.Errorf("got %q of %q", got, with)
	}
	if rest := shared[:2][1]; rest != (handshake.Field{}) {
		t.Errorf("the caller's array has %q", rest)
	}
	if got := socket.WithSubprotocol(shared, ""); len(got) != 1 || socket.Subprotocol(got) != "" {
		t.Errorf("without one: %q", got)
	}
	with[1].Name = strings.ToLower(with[1].Name)
	if got := socket.Subprotocol(with); got != "chat" {
		t.Errorf("in lower case: %q", got)
	}
}
