package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file knows how people type octets that no keyboard has.

// EscapeError says where in a text an escape is malformed: the line, and the octet in that
// line, both from 0.
type EscapeError struct{ Line, Offset int }

func (e EscapeError) Error() string {
	return fmt.Sprintf(`line %d, offset %d: want \t, \r, \n, \\, \xNN, \uNNNN or \u{N} after a backslash`, e.Line, e.Offset)
}

// Unescape returns the lines of text, with each escape replaced by its octets: \t, \r,
// \n, \\, \xNN for one octet, \uNNNN and \u{N} for a code point in UTF-8. An escaped
// line end does not end the line. An empty text has no lines. Every error is an
// [EscapeError].
func Unescape(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var lines []string
	for i, line := range strings.Split(text, "\n") {
		var octets []byte
		for at := 0; at < len(line); {
			if line[at] != '\\' {
				octets = append(octets, line[at])
				at++
				continue
			}
			n := 0
			octets, n = appendUnescaped(octets, line[at+1:])
			if n == 0 {
				return nil, EscapeError{i, at}
			}
			at += 1 + n
		}
		lines = append(lines, string(octets))
	}
	return lines, nil
}

// appendUnescaped appends the octets of an escape to dst. s begins after its backslash. It
// returns the length of the escape in s, or 0 if the escape is malformed.
func appendUnescaped(dst []byte, s string) ([]byte, int) {
	if s == "" {
		return dst, 0
	}
	switch s[0] {
	case 't':
		return append(dst, '\t'), 1
	case 'r':
		return append(dst, '\r'), 1
	case 'n':
		return append(dst, '\n'), 1
	case '\\':
		return append(dst, '\\'), 1
	case 'x':
		if c, ok := hexNumber(s[1:min(3, len(s))], 2); ok {
			return append(dst, byte(c)), 3
		}
	case 'u':
		if braced, found := strings.CutPrefix(s[1:], "{"); found {
			digits, _, found := strings.Cut(braced[:min(len(braced), 7)], "}")
			if c, ok := hexNumber(digits, len(digits)); found && ok && utf8.ValidRune(c) {
				return utf8.AppendRune(dst, c), len("u{}") + len(digits)
			}
		} else if c, ok := hexNumber(s[1:min(5, len(s))], 4); ok && utf8.ValidRune(c) {
			return utf8.AppendRune(dst, c), 5
		}
	}
	return dst, 0
}

// hexNumber parses s, which must be n hexadecimal digits.
func hexNumber(s string, n int) (rune, bool) {
	if len(s) != n || strings.Trim(s, hexDigits+"ABCDEF") != "" {
		return 0, false
	}
	c, err := strconv.ParseUint(s, 16, 32)
	return rune(c), err == nil
}
