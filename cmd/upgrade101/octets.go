package main

import (
	"encoding/json"
	"fmt"
)

// This file knows how octets stand in JSON: one code point each, U+0000 to U+00FF, as
// testdata/README.md of the root module has it. What it writes is printable ASCII.

// octets is a string of octets, no characters.
type octets string

// MarshalJSON writes printable ASCII as it is, and everything else as \u00XX.
func (o octets) MarshalJSON() ([]byte, error) {
	dst := make([]byte, 0, len(o)+2)
	dst = append(dst, '"')
	for i := range len(o) {
		switch c := o[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case isPrintable(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
		}
	}
	return append(dst, '"'), nil
}

// UnmarshalJSON refuses code points that are no octet.
func (o *octets) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	dst := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			return fmt.Errorf("U+%04X is no octet", r)
		}
		dst = append(dst, byte(r))
	}
	*o = octets(dst)
	return nil
}

// asStrings returns the lines as the parsers want them, nil for nil.
func asStrings(lines []octets) []string {
	var all []string
	for _, line := range lines {
		all = append(all, string(line))
	}
	return all
}

// asOctets returns the lines as JSON has them, never nil.
func asOctets(lines []string) []octets {
	all := []octets{}
	for _, line := range lines {
		all = append(all, octets(line))
	}
	return all
}
