package websocket_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/websocket"
)

// selectSubprotocol calls SelectSubprotocol with strings and with bytes. The results must
// agree.
func selectSubprotocol(tb testing.TB, lines []string, supported ...string) (string, error) {
	tb.Helper()
	name, err := websocket.SelectSubprotocol(lines, supported...)
	if bytes, bytesErr := websocket.SelectSubprotocol(corpus.Bytes(lines), supported...); bytes != name || !reflect.DeepEqual(bytesErr, err) {
		tb.Errorf("%q: %q, %v, of bytes %q, %v", lines, name, err, bytes, bytesErr)
	}
	return name, err
}

func TestSelectSubprotocol(t *testing.T) {
	tests := []struct {
		name      string
		lines     []string
		supported []string
		want      string
	}{
		{"one name", []string{"chat"}, []string{"chat"}, "chat"},
		{"the server's order", []string{"a, b, c"}, []string{"c", "a"}, "c"},
		{"the server's order over lines", []string{"a", "b", "c"}, []string{"b", "c", "a"}, "b"},
		{"the second choice", []string{"x, b"}, []string{"a", "b"}, "b"},
		{"none supported", []string{"a, b"}, []string{"c"}, ""},
		{"nothing supported", []string{"a, b"}, nil, ""},
		{"no field", nil, []string{"a"}, ""},
		{"an empty line", []string{""}, []string{"a"}, ""},
		{"empty elements", []string{", ,\t", ",b,,a,"}, []string{"a"}, "a"},
		{"exact case", []string{"Chat"}, []string{"chat"}, ""},
		{"exact case, both", []string{"CHAT, chat, Chat"}, []string{"Chat", "chat"}, "Chat"},
		{"repeats", []string{"a, a", "a"}, []string{"a"}, "a"},
		{"repeats of two", []string{"b, a, b, a"}, []string{"a", "b"}, "a"},
		{"supported twice", []string{"b, a"}, []string{"a", "b", "a"}, "a"},
		{"whole tokens", []string{"graphql-ws"}, []string{"graphql", "ws"}, ""},
		{"a prefix of a supported name", []string{"graphql"}, []string{"graphql-ws"}, ""},
		{"every kind of token octet", []string{"v1.k8s.io+base64!#$%&'*^_`|~"}, []string{"v1.k8s.io+base64!#$%&'*^_`|~"}, "v1.k8s.io+base64!#$%&'*^_`|~"},
		{"an option of Connection is a name like any other", []string{"Upgrade", "close"}, []string{"close", "Upgrade"}, "close"},
		{"an empty name is never offered", []string{", a"}, []string{"", "a"}, "a"},
		{"a supported name that is not a token", []string{"a"}, []string{"a b", "a, b"}, ""},
	}
	for _, test := range tests {
		if got, err := selectSubprotocol(t, test.lines, test.supported...); got != test.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

func TestSelectSubprotocolMalformed(t *testing.T) {
	tests := []struct {
		name         string
		lines        []string
		line, offset int
		reason       upgrade.Reason
	}{
		{"two names without a comma", []string{"a b"}, 0, 2, upgrade.ErrDelimiter},
		{"a slash", []string{"a/1"}, 0, 1, upgrade.ErrDelimiter},
		{"a quoted string", []string{`"a"`}, 0, 0, upgrade.ErrToken},
		{"a parameter", []string{"a;q=1"}, 0, 1, upgrade.ErrDelimiter},
		{"a URL", []string{"a", "http://example.com"}, 1, 4, upgrade.ErrDelimiter},
		{"not ASCII", []string{"\u212Aa"}, 0, 0, upgrade.ErrToken},
		{"a malformed neighbour", []string{"a, @, b"}, 0, 3, upgrade.ErrToken},
		{"a malformed line after the match", []string{"a", "b", "@"}, 2, 0, upgrade.ErrToken},
	}
	for _, test := range tests {
		got, err := selectSubprotocol(t, test.lines, "a", "b")
		var field *handshake.FieldError
		want := &handshake.FieldError{
			Field: "Sec-WebSocket-Protocol",
			Err:   &upgrade.SyntaxError{Line: test.line, Offset: test.offset, Reason: test.reason},
		}
		if !errors.As(err, &field) || !reflect.DeepEqual(field, want) || got != "" {
			t.Errorf("%s: %q, %v, want %v", test.name, got, err, want)
		}
	}
}

// FuzzSelectSubprotocol: the result is the first of the server's names that is in the list,
// as a slow search finds it. Lines and commas separate names alike.
func FuzzSelectSubprotocol(f *testing.F) {
	f.Add("chat, superchat", "", "superchat")
	f.Add("a,,b ,\tc", "c, b", "b")
	f.Add("a b", "c", "a")
	f.Add("Upgrade", "close", "upgrade")
	f.Fuzz(func(t *testing.T, first, second, prefer string) {
		supported := []string{prefer, "chat", "b"}
		got, err := selectSubprotocol(t, []string{first, second}, supported...)
		joined, joinedErr := selectSubprotocol(t, []string{first + "," + second}, supported...)
		if joined != got || (joinedErr == nil) != (err == nil) {
			t.Errorf("%q, %q: %q, %v, joined %q, %v", first, second, got, err, joined, joinedErr)
		}
		if err != nil {
			return
		}
		var offered []string
		for _, name := range strings.Split(first+","+second, ",") {
			if name = strings.Trim(name, " \t"); name != "" {
				offered = append(offered, name)
			}
		}
		i := slices.IndexFunc(supported, func(s string) bool { return slices.Contains(offered, s) })
		if i < 0 && got != "" || i >= 0 && got != supported[i] {
			t.Errorf("%q, %q: %q", first, second, got)
		}
	})
}
