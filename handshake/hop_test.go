package handshake_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

const kelvin = "\u212A" // folds to k in Unicode, but not in ASCII

// fixed are the fields that end at every hop.
var fixed = []string{
	"Connection", "Upgrade", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "HTTP2-Settings",
	"Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
}

func TestHopByHop(t *testing.T) {
	for _, test := range []struct {
		name       string
		connection []string
		keep       []string
		ends       []string // in addition to fixed
		stays      []string
		all        []string
		fault      bool
	}{
		{"Upgrade", []string{"Upgrade"}, nil, nil, []string{"X-Foo"}, []string{"Upgrade"}, false},
		{"any case", []string{"X-FOO"}, nil, []string{"X-Foo", "x-foo"}, []string{"X-Fo", "X-Fooo"}, []string{"X-FOO"}, false},
		{"empty line first", []string{"", "X-Foo"}, nil, []string{"X-Foo"}, nil, []string{"X-Foo"}, false},
		{"kept", []string{"close, X-Forwarded-For"}, []string{"x-forwarded-for"}, []string{"Close"}, []string{"X-Forwarded-For"}, []string{"close"}, false},
		{"all of it kept", []string{"Authorization, Cookie"}, []string{"Authorization", "Cookie"}, nil, []string{"Authorization", "Cookie"}, nil, false},
		{"framing and routing", []string{"Host, content-length", "Content-Encoding"}, nil, nil, []string{"Host", "Content-Length", "Content-Encoding"}, nil, false},
		{"fixed fields in keep", nil, fixed, nil, nil, nil, false},
		{"fixed fields in keep and Connection", []string{"Upgrade, TE"}, fixed, nil, nil, []string{"Upgrade", "TE"}, false},
		{"no Connection", nil, nil, nil, []string{"X-Foo", "", "Close"}, nil, false},
		{"malformed first", []string{"@@@, X-Foo"}, nil, []string{"X-Foo"}, []string{"@@@"}, []string{"X-Foo"}, true},
		{"malformed last", []string{"X-Foo,", "a b , \tX-Bar\t"}, nil, []string{"X-Foo", "X-Bar"}, []string{"a", "b", "a b"}, []string{"X-Foo", "X-Bar"}, true},
		{"malformed between", []string{"X-Foo, \"a, X-Bar\", X-Baz"}, nil, []string{"X-Foo", "X-Baz"}, []string{"a", "X-Bar"}, []string{"X-Foo", "X-Baz"}, true},
		{"Kelvin sign", []string{kelvin + "eep-Alive, X"}, nil, []string{"X"}, []string{kelvin + "eep-Alive"}, []string{"X"}, true},
		{"Kelvin sign asked for", []string{"X-Key"}, nil, nil, []string{"X-" + kelvin + "ey"}, []string{"X-Key"}, false},
		{"Kelvin sign kept", []string{"X-Key"}, []string{"X-" + kelvin + "ey"}, []string{"X-Key"}, nil, []string{"X-Key"}, false},
		{"secret of the proxy", []string{"Upgrade, x-internal-auth"}, nil, []string{"X-Internal-Auth"}, nil, []string{"Upgrade", "x-internal-auth"}, false},
		{"at sign is no backquote", []string{"a`b"}, nil, []string{"A`B"}, []string{"a@b"}, []string{"a`b"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkHop(t, test.connection, test.keep)
			hop, err := handshake.HopByHop(test.connection, test.keep...)
			if (err != nil) != test.fault {
				t.Errorf("error is %v", err)
			}
			for _, name := range slices.Concat(fixed, test.ends) {
				if !hop.Has(name) || !hop.Has(strings.ToLower(name)) || !hop.Has(strings.ToUpper(name)) {
					t.Errorf("%q does not end here", name)
				}
			}
			for _, name := range test.stays {
				if hop.Has(name) {
					t.Errorf("%q ends here", name)
				}
			}
			diff(t, "all", test.all, slices.Collect(hop.All()))
		})
	}
}

func TestZeroHop(t *testing.T) {
	var hop handshake.Hop[string]
	if !hop.Has("Connection") || hop.Has("X-Foo") || hop.Has("Content-Length") || len(slices.Collect(hop.All())) > 0 {
		t.Error("the zero Hop is not that of a message without Connection")
	}
}

// A caller need not read all names.
func TestHopAllStops(t *testing.T) {
	hop, _ := handshake.HopByHop([]string{"a, b", "c"})
	for name := range hop.All() {
		if name == "b" {
			return
		}
		if name != "a" {
			t.Fatalf("got %q", name)
		}
	}
	t.Error("b is missing")
}

// slowHop is HopByHop without regard to speed. It returns what Has reports of a name, and
// what All yields.
func slowHop(connection, keep []string) (has func(name string) bool, all []string) {
	same := func(a, b string) bool { return asciiLower(a) == asciiLower(b) }
	in := func(name string, list []string) bool {
		return slices.ContainsFunc(list, func(other string) bool { return same(name, other) })
	}
	for _, line := range connection {
		for _, element := range strings.Split(line, ",") {
			element = strings.Trim(element, " \t")
			if element == "" || strings.Trim(element, tchar) != "" {
				continue
			}
			if in(element, fixed) || !in(element, []string{"Host", "Content-Length", "Content-Encoding"}) && !in(element, keep) {
				all = append(all, element)
			}
		}
	}
	return func(name string) bool { return in(name, fixed) || in(name, all) }, all
}

const tchar = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// checkHop compares HopByHop, of strings and of bytes, with slowHop, and its error with
// that of ParseConnection.
func checkHop(tb testing.TB, connection, keep []string, names ...string) {
	tb.Helper()
	has, all := slowHop(connection, keep)
	_, wantErr := upgrade.ParseConnection(connection...)
	hop, err := handshake.HopByHop(connection, keep...)
	hopBytes, errBytes := handshake.HopByHop(corpus.Bytes(connection), keep...)
	if err != nil {
		fault(tb, err)
		malformed := err.(*handshake.FieldError)
		diff(tb, "place", wantErr, error(malformed.Err))
		if malformed.Field != "Connection" {
			tb.Errorf("the field is %q", malformed.Field)
		}
		diff(tb, "error of bytes", err, errBytes)
	} else if wantErr != nil || errBytes != nil {
		tb.Errorf("no error; want %v, of bytes %v", wantErr, errBytes)
	}
	diff(tb, "all", all, slices.Collect(hop.All()))
	var allBytes []string
	for name := range hopBytes.All() {
		allBytes = append(allBytes, string(name))
	}
	diff(tb, "all of bytes", all, allBytes)
	for _, name := range slices.Concat(all, keep, fixed, names, []string{"", "Host", "content-length", "CONTENT-ENCODING"}) {
		if want := has(name); hop.Has(name) != want || hopBytes.Has(name) != want {
			tb.Errorf("%q: want %v, got %v, of bytes %v", name, want, hop.Has(name), hopBytes.Has(name))
		}
	}
}

// FuzzHopByHop: HopByHop agrees with slowHop, however a list is split into lines.
func FuzzHopByHop(f *testing.F) {
	f.Add("close, X-Forwarded-For\n@, a b,, Host", "X-Forwarded-For\nTE", "x-forwarded-for")
	f.Add("Upgrade, HTTP2-Settings, content-length\n\t,", "", kelvin+"eep-Alive")
	f.Add("te,trailer,\"a,b\",c;d", "c", "trailer")
	f.Fuzz(func(t *testing.T, connection, keep, name string) {
		checkHop(t, lines(connection), lines(keep), name)
		many, errMany := handshake.HopByHop(lines(connection), lines(keep)...)
		one, errOne := handshake.HopByHop([]string{strings.Join(lines(connection), ",")}, lines(keep)...)
		if (errMany == nil) != (errOne == nil) {
			t.Errorf("%v, and on one line %v", errMany, errOne)
		}
		diff(t, "all on one line", slices.Collect(many.All()), slices.Collect(one.All()))
	})
}

func TestRestrict(t *testing.T) {
	for _, test := range []struct {
		name                   string
		offered, allowed, want []string
	}{
		{"client's order", []string{"foo/2, websocket"}, []string{"websocket", "tcp", "foo/2"}, []string{"foo/2", "websocket"}},
		{"our spelling", []string{"WEBSOCKET"}, []string{"websocket"}, []string{"websocket"}},
		{"once", []string{"a, b", "A, a, b"}, []string{"b", "a"}, []string{"a", "b"}},
		{"two of our spellings", []string{"a"}, []string{"A", "a"}, []string{"A"}},
		{"lines", []string{"foo", "websocket"}, []string{"websocket"}, []string{"websocket"}},
		{"version", []string{"foo, foo/1, foo/2"}, []string{"foo/2", "foo/10"}, []string{"foo/2"}},
		{"h2c is not ours", []string{"h2c, websocket"}, []string{"websocket"}, []string{"websocket"}},
		{"nothing of ours", []string{"TLS/1.2, h2c"}, []string{"websocket"}, nil},
		{"nothing allowed", []string{"websocket"}, nil, nil},
		{"zero allowed", []string{"websocket"}, []string{"", ""}, nil},
		{"nothing offered", nil, []string{"websocket"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) { checkRestrict(t, test.offered, products(t, test.allowed), products(t, test.want)) })
	}
}

func checkRestrict(tb testing.TB, offered []string, allowed, want []upgrade.Product[string]) {
	tb.Helper()
	list, err := upgrade.ParseList(offered...)
	if err != nil {
		tb.Fatal(err)
	}
	diff(tb, "restricted", asOracles(want), asOracles(handshake.Restrict(list, allowed...)))
	listBytes, err := upgrade.ParseList(corpus.Bytes(offered)...)
	if err != nil {
		tb.Fatal(err)
	}
	diff(tb, "restricted, of bytes", asOracles(want), asOracles(handshake.Restrict(listBytes, allowed...)))
}

// FuzzRestrict: Restrict agrees with a slow version, and Switched accepts a response that
// switches to the products passed on.
func FuzzRestrict(f *testing.F) {
	f.Add("a, B/1\nb/1, a", "b/1 A 0 a")
	f.Add("websocket, h2c", "websocket tcp foo/2")
	f.Fuzz(func(t *testing.T, offered, allowed string) {
		list, err := upgrade.ParseList(lines(offered)...)
		if err != nil {
			return
		}
		ours := some(allowed)
		var want []upgrade.Product[string]
		for p := range list.All() {
			i := slices.IndexFunc(ours, p.Matches)
			if i >= 0 && !slices.ContainsFunc(want, ours[i].Matches) {
				want = append(want, ours[i])
			}
		}
		checkRestrict(t, lines(offered), ours, want)
		if len(want) > 0 {
			passedOn := string(upgrade.AppendList(nil, want...))
			if _, err := handshake.Switched(101, 1, 1, []string{"Upgrade"}, []string{passedOn}, want...); err != nil {
				t.Errorf("offered %q: %v", passedOn, err)
			}
		}
	})
}

// Long lines, on which a scan of quadratic time would be slow.
func TestHopByHopIsLinear(t *testing.T) {
	for _, line := range []string{strings.Repeat(",", 64<<10), strings.Repeat("a,", 32<<10), strings.Repeat(" ", 64<<10), strings.Repeat("@,", 32<<10)} {
		hop, err := handshake.HopByHop([]string{line})
		if malformed := strings.Contains(line, "@"); malformed != (err != nil) {
			t.Errorf("%.4q: error is %v", line, err)
		}
		n := 0
		for range hop.All() {
			n++
		}
		if n != strings.Count(line, "a") {
			t.Errorf("%.4q: %d names", line, n)
		}
	}
}
