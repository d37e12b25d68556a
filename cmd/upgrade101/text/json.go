package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/gosegue/upgrade/internal/corpus"
)

// This file knows JSON in printable ASCII. An octet is one code point there, U+0000 to
// U+00FF, as in testdata/README.md of the root module.

// Octets is a string of octets, not of characters.
type Octets string

// MarshalJSON writes printable ASCII as it is, and everything else as \u00XX.
func (o Octets) MarshalJSON() ([]byte, error) {
	dst := make([]byte, 0, len(o)+2)
	dst = append(dst, '"')
	for i := range len(o) {
		switch c := o[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case IsPrintable(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
		}
	}
	return append(dst, '"'), nil
}

// UnmarshalJSON refuses code points that are not octets.
func (o *Octets) UnmarshalJSON(data []byte) error { return (*corpus.Text)(o).UnmarshalJSON(data) }

// AllOctets returns the texts as octets. It never returns nil.
func AllOctets[T ~string](texts []T) []Octets {
	all := []Octets{}
	for _, text := range texts {
		all = append(all, Octets(text))
	}
	return all
}

// WriteJSON writes v as indented JSON in printable ASCII, with a line end.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(ASCII(b.Bytes()))
	return err
}

// ASCII returns a JSON text with every code point above ~ escaped. Such code points occur
// only in strings.
func ASCII(text []byte) []byte {
	dst := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r <= '~' {
			dst = append(dst, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			dst = fmt.Appendf(dst, `\u%04X`, unit)
		}
	}
	return dst
}
