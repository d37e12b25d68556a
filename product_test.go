package upgrade_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/oracle"
)

// productTexts are well-formed products and malformed ones.
var productTexts = []string{
	"", "a", "a/1", "websocket", "HTTP/2.0", "/", "/1", "a/", "a//1", "a/1/", "a/1/2", "a/1 ", " a", "a ", "a b", "a,b", "a,",
	"\t", ",", "a\x00", "a/\x00", "a/1\x00", "\x00", "\u212A", "a\u212A", "a/\u212A", "a/1\u212A", "!#$%&'*+-.^_`|~/!#$%&'*+-.^_`|~",
}

func TestParseProduct(t *testing.T) {
	for _, text := range productTexts {
		checkParseProduct(t, text)
	}
}

func checkParseProduct(tb testing.TB, text string) {
	tb.Helper()
	wantProduct, wantFault := oracle.ProductOnly(text)
	p, err := upgrade.ParseProduct(text)
	diff(tb, fmt.Sprintf("product of %q", text), wantProduct, asOracle(p))
	diff(tb, fmt.Sprintf("fault of %q", text), wantFault, fault(tb, err))
	q, err := upgrade.ParseProduct([]byte(text))
	diff(tb, fmt.Sprintf("product of bytes %q", text), wantProduct, asOracle(q))
	diff(tb, fmt.Sprintf("fault of bytes %q", text), wantFault, fault(tb, err))
	valid := text
	if wantFault != (oracle.Fault{}) {
		valid = "" // a failed parse gives the zero Product
	}
	if p.String() != valid || q.String() != valid || p.IsZero() != (valid == "") || q.IsZero() != (valid == "") {
		tb.Errorf("%q: String %q and %q, IsZero %t and %t", text, p, q, p.IsZero(), q.IsZero())
	}
	const before = "x: "
	if got := string(p.AppendTo([]byte(before))); got != before+valid {
		tb.Errorf("%q: AppendTo gives %q", text, got)
	}
	if got := string(q.AppendTo([]byte(before))); got != before+valid {
		tb.Errorf("bytes %q: AppendTo gives %q", text, got)
	}
	if p.Matches(p) != (valid != "") || q.Matches(p) != (valid != "") {
		tb.Errorf("%q: matches itself %t, its bytes %t", text, p.Matches(p), q.Matches(p))
	}
}

// Every octet at the start, in the middle and at the end of a name, a version and an
// option, for both kinds of text. An octet of a token is part of it; any other ends it.
func TestEveryOctetEveryPlace(t *testing.T) {
	for c := range 256 {
		octet := string([]byte{byte(c)})
		for _, template := range []string{"%sbc", "a%sc", "ab%s", "%s", "%sbc/1", "a%sc/1", "ab%s/1", "a/%s23", "a/1%s3", "a/12%s", "a/%s"} {
			text := fmt.Sprintf(template, octet)
			checkParseProduct(t, text)
			checkList(t, text)
			checkList(t, "x/1 ,", "y, "+text+", z")
			checkConnection(t, text)
			checkConnection(t, "x", "\ty,"+text+" ")
			if isToken(byte(c)) {
				p, err := upgrade.ParseProduct(text)
				if err != nil || p.String() != text {
					t.Errorf("%q: %v", text, err)
				}
			}
		}
	}
}

func TestProductMatches(t *testing.T) {
	tests := []struct {
		p, q string
		want bool
	}{
		{"websocket", "websocket", true},
		{"WebSocket", "websocket", true},
		{"WEBSOCKET", "websocket", true},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", true},
		{"h2c", "h2c-14", false},
		{"h2c-14", "h2c", false},
		{"websocket/13", "websocket", false},
		{"websocket", "websocket/13", false},
		{"websocket/13", "WebSocket/13", true},
		{"TLS/1.2", "TLS/1.0", false},
		{"TLS/1.2", "TLS/1.20", false},
		{"XRPL/2.0", "xrpl/2.0", true},
		{"RTA/x11", "RTA/X11", false}, // versions respect case
		{"a/b", "ab", false},
		{"a/bc", "ab/c", false}, // the same octets with the slash elsewhere
		{"ab/c", "a/bc", false},
		{"", "", false},
		{"a", "", false},
		{"", "a", false},
		// Octets that differ only in bit 0x20 and are not letters.
		{"^", "~", false},
		{"`", "_", false},
		{"a-b", "a_b", false},
		{"a^b", "a~b", false},
	}
	for _, test := range tests {
		p, _ := upgrade.ParseProduct(test.p)
		q, _ := upgrade.ParseProduct(test.q)
		b, _ := upgrade.ParseProduct([]byte(test.p))
		if p.Matches(q) != test.want || b.Matches(q) != test.want || q.Matches(p) != test.want {
			t.Errorf("%q matches %q: want %t", test.p, test.q, test.want)
		}
	}
}

// Two octets match as names if they are equal, or the same letter in two cases.
func TestProductMatchesEveryPair(t *testing.T) {
	for c := range 256 {
		p, err := upgrade.ParseProduct([]byte{byte(c)})
		if err != nil {
			continue
		}
		for d := range 256 {
			q, err := upgrade.ParseProduct(string([]byte{byte(d)}))
			if err != nil {
				continue
			}
			want := oracle.Fold(string(p.Name())) == oracle.Fold(q.Name())
			if p.Matches(q) != want {
				t.Errorf("%q matches %q: want %t", p, q, want)
			}
		}
	}
}

func TestProductIsComparable(t *testing.T) {
	a, b := upgrade.MustParseProduct("a/1"), upgrade.MustParseProduct("xa/1"[1:])
	if a != b || a == upgrade.MustParseProduct("A/1") || a == (upgrade.Product[string]{}) {
		t.Error("== is not equality of spelling")
	}
}

func TestZeroProduct(t *testing.T) {
	var p upgrade.Product[[]byte]
	if p.Name() != nil || len(p.Version()) != 0 || p.String() != "" || !p.IsZero() || p.Matches(upgrade.Product[string]{}) {
		t.Errorf("zero Product is %q", p)
	}
}

func TestMustParseProductPanics(t *testing.T) {
	defer func() {
		err, _ := recover().(error)
		diff(t, "panic", oracle.Fault{Error: "ErrVersion", Offset: 4}, fault(t, err))
		diff(t, "text", `upgrade: line 0, offset 4: want version after slash: MustParseProduct("foo/")`, err.Error())
	}()
	upgrade.MustParseProduct("foo/")
	t.Error("no panic")
}

func TestCloneIsIndependent(t *testing.T) {
	for _, text := range []string{"a", "websocket", "IRC/6.9", strings.Repeat("a", 100) + "/" + strings.Repeat("1", 100)} {
		buffer := []byte(text)
		p, err := upgrade.ParseProduct(buffer)
		if err != nil {
			t.Fatal(err)
		}
		clone := p.Clone()
		for i := range buffer {
			buffer[i] = 'x'
		}
		if want := upgrade.MustParseProduct(text); clone != want || clone.Name() != want.Name() || clone.Version() != want.Version() {
			t.Errorf("the clone of %q is %q", text, clone)
		}
		// A clone of a string is a copy too: the original may be part of a long one.
		if q := upgrade.MustParseProduct(text); unsafe.StringData(q.Clone().String()) == unsafe.StringData(text) {
			t.Errorf("the clone of %q aliases it", text)
		}
	}
	if !(upgrade.Product[string]{}).Clone().IsZero() || !(upgrade.Product[[]byte]{}).Clone().IsZero() {
		t.Error("the clone of the zero Product is not zero")
	}
}
