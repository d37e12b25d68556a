package text

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnescape(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              nil,
		"a":                             {"a"},
		"a\n\nb":                        {"a", "", "b"},
		"\n":                            {"", ""},
		`\t\r\n\\`:                      {"\t\r\n\\"},
		`\x00\x7F\xff`:                  {"\x00\x7f\xff"},
		`\u212A`:                        {"\u212a"},
		`\u{41}\u{1F600}\u{0}\u{00e9}1`: {"A\U0001f600\x00\u00e91"},
		"\u00e9":                        {"\xc3\xa9"},
		`\\x41`:                         {`\x41`},
	} {
		got, err := Unescape(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for text, want := range map[string]EscapeError{
		`\`:           {0, 0},
		"a\nb\\":      {1, 1},
		`\a`:          {0, 0},
		`ab\x`:        {0, 2},
		`\x1`:         {0, 0},
		`\xg0`:        {0, 0},
		`\x+1`:        {0, 0},
		`\u212`:       {0, 0},
		`\uD800`:      {0, 0},
		`\u{}`:        {0, 0},
		`\u{110000}`:  {0, 0},
		`\u{D800}`:    {0, 0},
		`\u{0000041}`: {0, 0},
		`\u{41`:       {0, 0},
		"\\\n":        {0, 0},
	} {
		_, err := Unescape(text)
		if got, ok := err.(EscapeError); !ok || got != want {
			t.Errorf("%q: %v, want an error at %v", text, err, want)
		}
	}
}
