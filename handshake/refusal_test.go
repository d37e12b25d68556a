package handshake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

type refusal = handshake.Refusal

var plain = Field{Name: "Content-Type", Value: "text/plain; charset=utf-8"}

func TestRefusalIsCompleted(t *testing.T) {
	p := upgrade.MustParseProduct("echo/1")
	tests := []struct {
		name    string
		refusal refusal
		fields  []Field
		content string
	}{
		{"bare", refusal{Status: 403}, nil, ""},
		{"fields", refusal{Status: 401, Fields: []Field{{"WWW-Authenticate", "Basic"}}}, []Field{{"WWW-Authenticate", "Basic"}}, ""},
		{"426 names the protocol", refusal{Status: 426}, []Field{{"Upgrade", "echo/1"}}, ""},
		{"426 with its own list", refusal{Status: 426, Fields: []Field{{"upgrade", "a, b/2"}}}, []Field{{"upgrade", "a, b/2"}}, ""},
		{"close", refusal{Status: 503, Fields: []Field{{"Connection", "Close"}}}, []Field{{"Connection", "Close"}}, ""},
		{"content", refusal{Status: 403, Content: "no\n"}, []Field{plain}, "no\n"},
		{"content of a type", refusal{Status: 403, Fields: []Field{{"content-type", "text/html"}}, Content: "<p>no"}, []Field{{"content-type", "text/html"}}, "<p>no"},
		{"204 has no content", refusal{Status: 204, Content: "no"}, nil, ""},
		{"304 has no content", refusal{Status: 304, Content: "no"}, nil, ""},
	}
	for _, test := range tests {
		fields, content, err := test.refusal.Response(p)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if len(fields) == 0 {
			fields = nil
		}
		if diff := cmp.Diff(test.fields, fields); diff != "" || content != test.content {
			t.Errorf("%s: content %q, fields %s", test.name, content, diff)
		}
	}
}

func TestRefusalThatCannotBeSentIsAnError(t *testing.T) {
	p := upgrade.MustParseProduct("echo/1")
	field := func(name, value string) *refusal {
		return &refusal{Status: 403, Fields: []Field{{"A", "1"}, {name, value}}}
	}
	tests := []struct {
		name    string
		refusal *refusal
		want    error
		index   int // of the field; 0 if there is none
	}{
		{"nil", nil, handshake.ErrStatus, 0},
		{"no status", &refusal{}, handshake.ErrStatus, 0},
		{"101", &refusal{Status: 101}, handshake.ErrStatus, 0},
		{"199", &refusal{Status: 199}, handshake.ErrStatus, 0},
		{"600", &refusal{Status: 600}, handshake.ErrStatus, 0},
		{"Content-Length", field("Content-length", "0"), handshake.ErrReserved, 1},
		{"Transfer-Encoding", field("TRANSFER-ENCODING", "chunked"), handshake.ErrReserved, 1},
		{"Trailer", field("Trailer", "X"), handshake.ErrReserved, 1},
		{"another option", field("Connection", "x-foo"), handshake.ErrReserved, 1},
		{"five octets", field("Connection", "abcde"), handshake.ErrReserved, 1},
		{"close and more", field("Connection", "close, x"), handshake.ErrReserved, 1},
		{"keep-alive", field("Connection", "keep-alive"), handshake.ErrReserved, 1},
		{"upgrade option", field("Connection", "Upgrade"), handshake.ErrReserved, 1},
		{"malformed Upgrade", field("Upgrade", "a b"), handshake.ErrFieldValue, 1},
		{"empty Upgrade", field("Upgrade", ""), handshake.ErrFieldValue, 1},
		{"bad name", field("a b", "1"), handshake.ErrFieldName, 1},
		{"bad value", field("B", "1\r\nC: 2"), handshake.ErrFieldValue, 1},
		{"two lines of close", &refusal{Status: 403, Fields: []Field{{"Connection", "close"}, {"Connection", "close"}}}, handshake.ErrReserved, 1},
		{"two lines of Upgrade", &refusal{Status: 426, Fields: []Field{{"Upgrade", "a"}, {"Upgrade", "b"}}}, handshake.ErrReserved, 1},
	}
	for _, test := range tests {
		fields, content, err := test.refusal.Response(p)
		if fields != nil || content != "" {
			t.Errorf("%s: left %v, %q", test.name, fields, content)
		}
		if test.index == 0 {
			if err != test.want {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
			continue
		}
		bad, ok := err.(*handshake.ResponseError)
		if !ok || bad.Err != test.want || bad.Index != test.index || bad.Name != test.refusal.Fields[1].Name {
			t.Errorf("%s: %#v, want index %d and %v", test.name, err, test.index, test.want)
		}
	}
	if _, _, err := (&refusal{Status: 426}).Response(upgrade.Product[string]{}); err != handshake.ErrNoProduct {
		t.Errorf("426 of no product: %v", err)
	}
}

// A server may return one Refusal for many requests at once.
func TestRefusalIsLeftAsItWas(t *testing.T) {
	fields := make([]Field, 1, 4)
	fields[0] = Field{"A", "1"}
	r := &refusal{Status: 426, Fields: fields, Content: "c"}
	if _, _, err := r.Response(upgrade.MustParseProduct("p")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Field{{"A", "1"}, {}, {}, {}}, fields[:4]); diff != "" {
		t.Error(diff)
	}
}
