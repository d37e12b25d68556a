package octet_test

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/octet"
)

const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	small    = "abcdefghijklmnopqrstuvwxyz"
)

func TestEveryOctet(t *testing.T) {
	for c := range 256 {
		c := byte(c)
		lower := c
		if i := strings.IndexByte(capitals, c); i >= 0 {
			lower = small[i]
		}
		if got := octet.Lower(c); got != lower {
			t.Errorf("Lower(%#x) is %#x, want %#x", c, got, lower)
		}
		if got := octet.IsBlank(c); got != strings.Contains(" \t", string(rune(c))) {
			t.Errorf("IsBlank(%#x) is %t", c, got)
		}
		control := c != '\t' && strings.IndexByte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0A\x0B\x0C\x0D\x0E\x0F"+
			"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F\x7F", c) >= 0
		if got := octet.IsControl(c); got != control {
			t.Errorf("IsControl(%#x) is %t", c, got)
		}
		for d := range 256 {
			d := byte(d)
			want := c == d || strings.IndexByte(capitals, c) >= 0 && small[strings.IndexByte(capitals, c)] == d ||
				strings.IndexByte(small, c) >= 0 && capitals[strings.IndexByte(small, c)] == d
			if got := octet.EqualFold([]byte{'x', c}, string([]byte{'X', d})); got != want {
				t.Errorf("EqualFold of %#x and %#x is %t", c, d, got)
			}
		}
	}
}

func TestEqualFoldLengths(t *testing.T) {
	for _, pair := range [][2]string{{"", "a"}, {"a", ""}, {"a", "aa"}, {"k", "\u212A"}, {"\u212A", "k"}, {"s", "\u017F"}} {
		if octet.EqualFold(pair[0], pair[1]) {
			t.Errorf("%q is %q", pair[0], pair[1])
		}
	}
	if !octet.EqualFold("", []byte(nil)) || !octet.EqualFold("Content-Length", []byte("cONTENT-lENGTH")) {
		t.Error("equal texts do not match")
	}
}

func TestHasControl(t *testing.T) {
	for n := range 20 {
		for place := range n {
			for c := range 256 {
				text := []byte(strings.Repeat("a\xFF \t", 5)[:n])
				text[place] = byte(c)
				want := octet.IsControl(byte(c))
				if octet.HasControl(text) != want || octet.HasControl(string(text)) != want {
					t.Fatalf("%q: want %t", text, want)
				}
			}
		}
	}
	if octet.HasControl("") {
		t.Error("the empty text has a control")
	}
}

func TestTokenEnd(t *testing.T) {
	const tchars = "!#$%&'*+-.^_`|~0123456789" + capitals + small
	for n := range 14 {
		for place := range n {
			for c := range 256 {
				text := []byte("abcdefghijklmn"[:n])
				text[place] = byte(c)
				for i := range n + 2 {
					want := max(i, n)
					if i <= place && strings.IndexByte(tchars, byte(c)) < 0 {
						want = place
					}
					if got := octet.TokenEnd(text, uint(i)); got != uint(want) || octet.TokenEnd(string(text), uint(i)) != got {
						t.Fatalf("%q from %d: %d, want %d", text, i, got, want)
					}
				}
				want := strings.IndexByte(tchars, byte(c)) >= 0
				if octet.IsToken(text) != want || octet.IsToken(string(text)) != want {
					t.Fatalf("%q: want %t", text, want)
				}
			}
		}
	}
	if octet.IsToken("") {
		t.Error("the empty text is a token")
	}
}
