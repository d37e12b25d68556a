package handshake_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// In these tests a request is a string. Nothing is served.
type protocol = handshake.Protocol[string, int]

func named(name string) protocol { return protocol{Product: upgrade.MustParseProduct(name)} }

func refuses(p protocol, err error) protocol {
	p.Check = func(string) error { return err }
	return p
}

func choose(t *testing.T, offer string, protocols ...protocol) (string, []Field, error) {
	t.Helper()
	offered, err := upgrade.ParseList(offer)
	if err != nil {
		t.Fatal(err)
	}
	p, fields, err := handshake.Choose(protocols, offered, "request")
	if p == nil {
		return "", fields, err
	}
	return p.Product.String(), fields, err
}

func TestChooseTriesOffersInServerOrder(t *testing.T) {
	forbidden := &handshake.Refusal{Status: 403}
	late := &handshake.Refusal{Status: 503}
	wrapped := fmt.Errorf("wrapped: %w", forbidden)
	own := errors.New("own")
	disallowed := named("c")
	disallowed.Allow = func(string) bool { return false }
	var none *handshake.Refusal
	tests := []struct {
		name, offer string
		protocols   []protocol
		want        string
		err         error
	}{
		{"server's order", "a, b", []protocol{named("b"), named("a")}, "b", nil},
		{"server's spelling", "WebSocket", []protocol{named("websocket")}, "websocket", nil},
		{"only what is offered", "b", []protocol{named("a"), named("b")}, "b", nil},
		{"version", "a", []protocol{named("a/1")}, "", handshake.ErrNotSupported},
		{"zero product", "a", []protocol{{}}, "", handshake.ErrNotSupported},
		{"no protocols", "a", nil, "", handshake.ErrNotSupported},
		{"not allowed", "c, a", []protocol{disallowed, named("a")}, "a", nil},
		{"none allowed", "c", []protocol{disallowed}, "", handshake.ErrNotSupported},
		{"next after refusal", "a, b", []protocol{refuses(named("a"), forbidden), named("b")}, "b", nil},
		{"first refusal answers", "a, b", []protocol{refuses(named("a"), wrapped), refuses(named("b"), late)}, "a", wrapped},
		{"refusal before one not allowed", "b, c", []protocol{refuses(named("b"), late), disallowed}, "b", late},
		{"own error ends the search", "a, b", []protocol{refuses(named("a"), own), named("b")}, "a", own},
		{"own error after a refusal", "a, b", []protocol{refuses(named("a"), forbidden), refuses(named("b"), own)}, "b", own},
		{"nil Refusal is an error like any other", "a, b", []protocol{refuses(named("a"), none), named("b")}, "a", none},
	}
	for _, test := range tests {
		got, fields, err := choose(t, test.offer, test.protocols...)
		if got != test.want || err != test.err || fields != nil {
			t.Errorf("%s: %q, %v, %v; want %q, nil, %v", test.name, got, fields, err, test.want, test.err)
		}
	}
}

// Choose calls each function only if the one before it agreed.
func TestChooseAsksInOrder(t *testing.T) {
	var asked []string
	p := named("a")
	p.Allow = func(r string) bool { asked = append(asked, "Allow "+r); return true }
	p.Check = func(r string) error { asked = append(asked, "Check "+r); return nil }
	p.Fields = func(r string) ([]Field, error) {
		asked = append(asked, "Fields "+r)
		return []Field{{Name: "X", Value: r}}, nil
	}
	always := func(q *protocol, r string) error {
		asked = append(asked, "always "+q.Product.Name()+" "+r)
		return nil
	}
	offered, _ := upgrade.ParseList("a")
	_, fields, err := handshake.Choose([]protocol{p}, offered, "r", always, always)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Allow r", "always a r", "always a r", "Check r", "Fields r"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Field{{Name: "X", Value: "r"}}, fields); diff != "" {
		t.Error(diff)
	}

	asked = nil
	refusal := &handshake.Refusal{Status: 400}
	_, fields, err = handshake.Choose([]protocol{p}, offered, "r", func(*protocol, string) error { return refusal })
	if err != error(refusal) || fields != nil || len(asked) != 1 {
		t.Errorf("after always refused: %v, %v, asked %q", fields, err, asked)
	}
}

// The fields of a protocol that refused must not reach the 101 of the next one.
func TestChooseForgetsTheFieldsOfARefusedProtocol(t *testing.T) {
	first, second := named("a"), named("b")
	first.Fields = func(string) ([]Field, error) {
		return []Field{{Name: "X-First", Value: "1"}}, &handshake.Refusal{Status: 403}
	}
	got, fields, err := choose(t, "a, b", first, second)
	if got != "b" || fields != nil || err != nil {
		t.Errorf("%q, %v, %v", got, fields, err)
	}
}

func TestChooseRecoversPanics(t *testing.T) {
	boom := func() { panic("boom") }
	for name, p := range map[string]protocol{
		"Allow":  {Allow: func(string) bool { boom(); return true }},
		"Check":  {Check: func(string) error { boom(); return nil }},
		"Fields": {Fields: func(string) ([]Field, error) { boom(); return nil, nil }},
	} {
		p.Product = upgrade.MustParseProduct("a")
		got, fields, err := choose(t, "a, b", p, named("b"))
		var panicked *handshake.PanicError
		if got != "a" || fields != nil || !errors.As(err, &panicked) || panicked.Value != "boom" || len(panicked.Stack) == 0 {
			t.Errorf("%s: %q, %v, %v", name, got, fields, err)
		}
	}
}

// badError is an error whose Unwrap panics, as many do on a nil pointer.
type badError struct{}

func (badError) Error() string { return "bad" }
func (badError) Unwrap() error { panic("Unwrap") }

// Choose looks for a Refusal in the server's own errors, and so calls their methods.
func TestChooseRecoversPanicsOfErrors(t *testing.T) {
	for name, p := range map[string]protocol{
		"Check":  {Check: func(string) error { return badError{} }},
		"Fields": {Fields: func(string) ([]Field, error) { return nil, badError{} }},
	} {
		p.Product = upgrade.MustParseProduct("a")
		got, _, err := choose(t, "a, b", p, named("b"))
		var panicked *handshake.PanicError
		if got != "a" || !errors.As(err, &panicked) || panicked.Value != "Unwrap" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	// The errors of handshake do not panic.
	for _, err := range []error{
		(*handshake.FieldError)(nil), (*handshake.ResponseError)(nil), (*handshake.ContentError)(nil),
		(*handshake.WriteError)(nil), (*handshake.PanicError)(nil),
	} {
		if _, _, got := choose(t, "a", refuses(named("a"), err)); got != err {
			t.Errorf("%T: %v", err, got)
		}
	}
}

func TestChooseAllocatesNothing(t *testing.T) {
	disallowed := named("a")
	disallowed.Allow = func(string) bool { return false }
	disallowed.Check = func(string) error { return nil }
	protocols := []protocol{disallowed, named("b"), named("c")}
	always := func(*protocol, string) error { return nil }
	for _, offer := range []string{"a", "b", "a, c", "x"} {
		offered, err := upgrade.ParseList(offer)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { handshake.Choose(protocols, offered, "r", always) }); n != 0 {
			t.Errorf("%s: %v allocations", offer, n)
		}
	}
}

func TestSupportedNamesEachProductOnce(t *testing.T) {
	got := handshake.Supported([]protocol{named("b"), {}, named("a/1"), named("B"), named("a")})
	var names []string
	for _, p := range got {
		names = append(names, p.String())
	}
	if diff := cmp.Diff([]string{"b", "a/1", "a"}, names); diff != "" {
		t.Error(diff)
	}
	if got := handshake.Supported([]protocol(nil)); len(got) != 0 {
		t.Errorf("of no protocols: %v", got)
	}
}
