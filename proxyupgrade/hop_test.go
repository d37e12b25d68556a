package proxyupgrade_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/proxyupgrade"
)

func TestRemoveHopByHop(t *testing.T) {
	h1 := func(names ...string) http.Header {
		h := http.Header{}
		for _, name := range names {
			h[name] = []string{"v"}
		}
		return h
	}
	with := func(h http.Header, connection ...string) http.Header {
		h["Connection"] = connection
		return h
	}
	always := []string{
		"Upgrade", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Http2-Settings",
		"Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
	}
	lower := h1()
	for _, name := range always {
		lower[strings.ToLower(name)] = nil
	}
	for _, test := range []struct {
		name   string
		header http.Header
		keep   []string
		want   http.Header
		fault  bool
	}{
		{"Upgrade", with(h1("Upgrade", "Accept"), "Upgrade"), nil, h1("Accept"), false},
		{"any spelling", with(h1("X-Foo", "x-foo", "x-FOO"), "X-foO"), nil, h1(), false},
		{"empty line first", with(h1("X-Foo"), "", "X-Foo"), nil, h1(), false},
		{"kept", with(h1("X-Forwarded-For"), "close, X-Forwarded-For"), []string{"X-Forwarded-For"}, h1("X-Forwarded-For"), false},
		{"kept in any spelling", with(h1("Authorization", "cookie"), "authorization, Cookie"), []string{"AUTHORIZATION", "cookie"}, h1("Authorization", "cookie"), false},
		{"framing", with(h1("Host", "Content-Length", "Content-Encoding"), "Host, Content-Length", "Content-Encoding"), nil, h1("Host", "Content-Length", "Content-Encoding"), false},
		{"keep of Upgrade", h1("Upgrade"), []string{"Upgrade"}, h1(), false},
		{"no Connection", h1(append(always, "X-Foo")...), nil, h1("X-Foo"), false},
		{"no Connection, other spelling", lower, nil, h1(), false},
		{"malformed", with(h1("X-Foo", "X-Bar"), "@@@, X-Foo"), nil, h1("X-Bar"), true},
		{"Kelvin sign", with(h1("Keep-Alive", "X-Key"), "X-\u212Aey"), nil, h1("X-Key"), true},
		{"secret of the proxy", with(h1("X-Internal-Auth"), "Upgrade, x-internal-auth"), nil, h1(), false},
		{"nothing", h1("Accept", "x-any", "X--"), nil, h1("Accept", "x-any", "X--"), false},
		{"nil", nil, nil, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := proxyupgrade.RemoveHopByHop(test.header, test.keep...)
			if d := cmp.Diff(test.want, test.header); d != "" {
				t.Errorf("header (-want +got):\n%s", d)
			}
			var malformed *handshake.FieldError
			if got := errors.As(err, &malformed); got != test.fault || !got && err != nil {
				t.Errorf("error is %v", err)
			}
			if test.fault && (malformed.Field != "Connection" || !errors.Is(err, upgrade.ErrToken) && !errors.Is(err, upgrade.ErrDelimiter)) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// Thousands of names and options take time in proportion to their sum. In proportion to
// their product they would take minutes.
func TestRemoveHopByHopIsLinear(t *testing.T) {
	const many = 50_000
	h, want := http.Header{}, http.Header{}
	var connection []string
	for i := range many {
		x, y := "X-"+strconv.Itoa(i), "Y-"+strconv.Itoa(i)
		h[x], h[y], want[y] = nil, nil, nil
		connection = append(connection, x)
	}
	h["Connection"] = []string{strings.Join(connection, ","), strings.Repeat(",", 64<<10)}
	if err := proxyupgrade.RemoveHopByHop(h); err != nil {
		t.Error(err)
	}
	if !maps.EqualFunc(want, h, slices.Equal) {
		t.Errorf("%d fields are left, want %d", len(h), len(want))
	}
}

func TestRemoveHopByHopAllocatesNothing(t *testing.T) {
	h := http.Header{"Accept": {"*/*"}, "Content-Length": {"3"}, "x-odd": {"y"}, "Cookie": {"a=b"}}
	want := h.Clone()
	if got := testing.AllocsPerRun(100, func() {
		if proxyupgrade.RemoveHopByHop(h, "Authorization") != nil {
			t.Error("malformed")
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
	if d := cmp.Diff(want, h); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
}
