package text

import (
	"bytes"
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	const in, want = "a\tb\\x1b\x1b\r\n\x7f\x80\xff ~", `a\tb\\x1b\x1b\x0d\x0a\x7f\x80\xff ~`
	if got := Escape(in); got != want {
		t.Errorf("Escape(%q) = %q, want %q", in, got, want)
	}
}

// For every octet at every place, the column of the excerpt is where the octet is shown.
func TestExcerpt(t *testing.T) {
	for c := range 256 {
		octet := string([]byte{byte(c)})
		for _, n := range []int{0, 1, 20, 75, 76, 77, 500} {
			for _, filler := range []string{"-", "\x1b"} {
				before, after := strings.Repeat(filler, n), strings.Repeat(filler, 500-n)
				line := before + octet + after
				text, column := Excerpt(line, n)
				mustBePrintable(t, text)
				if !strings.HasPrefix(text[column:], Escape(octet)) {
					t.Fatalf("octet 0x%02x at %d: column %d of %q", c, n, column, text)
				}
				if len(text) > excerptColumns+2*len("...") {
					t.Fatalf("octet 0x%02x at %d: %d columns", c, n, len(text))
				}
				if cut := strings.HasPrefix(text, "..."); cut == strings.HasPrefix(text, Escape(before)+Escape(octet)) {
					t.Fatalf("octet 0x%02x at %d: %q", c, n, text)
				}
			}
		}
	}
	for _, line := range []string{"", "a", strings.Repeat("a", excerptColumns)} {
		if text, column := Excerpt(line, len(line)); text != line || column != len(line) {
			t.Errorf("excerpt of %d octets, at the end: %q, column %d", len(line), text, column)
		}
	}
}

func TestPrintable(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	var b bytes.Buffer
	if n, err := Printable(&b).Write(all); n != len(all) || err != nil {
		t.Errorf("Write returned %d, %v", n, err)
	}
	mustBePrintable(t, b.String())
	if !strings.Contains(b.String(), `\x1b`) || !strings.Contains(b.String(), "abc") {
		t.Errorf("wrote %q", b.String())
	}
}

func mustBePrintable(t *testing.T, s string) {
	t.Helper()
	for i := range len(s) {
		if c := s[i]; !IsPrintable(c) && c != '\n' && c != '\t' {
			t.Fatalf("octet 0x%02x in the output %q", c, s)
		}
	}
}
