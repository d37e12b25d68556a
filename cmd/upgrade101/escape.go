package main

import "io"

// This file keeps what a stranger sent from reaching the terminal as it is: an
// escape sequence there can move the cursor, rename the window or worse.

const hexDigits = "0123456789abcdef"

// appendEscaped appends the octet c to dst in printable ASCII: itself, or \t, \\
// or \xNN. What was escaped can be told from what was not.
func appendEscaped(dst []byte, c byte) []byte {
	switch {
	case c == '\t':
		return append(dst, `\t`...)
	case c == '\\':
		return append(dst, `\\`...)
	case isPrintable(c):
		return append(dst, c)
	}
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xF])
}

func isPrintable(c byte) bool { return ' ' <= c && c <= '~' }

// escape returns s with every octet as appendEscaped writes it.
func escape(s string) string {
	var dst []byte
	for i := range len(s) {
		dst = appendEscaped(dst, s[i])
	}
	return string(dst)
}

// Columns of an excerpt: all of it, and those kept free for what follows the fault.
const (
	excerptColumns = 76
	excerptBehind  = 24
)

// excerpt returns the part of line around the octet at, escaped, and the column in
// which that octet stands, from 0. A line that fits is shown whole; where something
// was left out stand three dots.
func excerpt(line string, at int) (text string, column int) {
	from, to, columns := at, at, 0
	// Behind the fault first, then in front of it, then what room is left.
	for ; to < len(line) && columns+width(line[to]) <= excerptBehind; to++ {
		columns += width(line[to])
	}
	for ; from > 0 && columns+width(line[from-1]) <= excerptColumns; from-- {
		columns += width(line[from-1])
	}
	for ; to < len(line) && columns+width(line[to]) <= excerptColumns; to++ {
		columns += width(line[to])
	}
	if from > 0 {
		text = "..."
	}
	text += escape(line[from:at])
	column = len(text)
	text += escape(line[at:to])
	if to < len(line) {
		text += "..."
	}
	return text, column
}

// width returns the columns that the octet c takes when it is escaped.
func width(c byte) int { return len(appendEscaped(nil, c)) }

// printable lets only printable ASCII, line ends and tabs through to the writer
// behind it, and escapes the rest. All output passes it, so that also what others
// print for us, such as an unknown flag in an error, cannot reach the terminal raw.
type printable struct{ to io.Writer }

func (w printable) Write(p []byte) (int, error) {
	dst := make([]byte, 0, len(p))
	for _, c := range p {
		if c == '\n' || c == '\t' || c == '\\' {
			dst = append(dst, c)
		} else {
			dst = appendEscaped(dst, c)
		}
	}
	if _, err := w.to.Write(dst); err != nil {
		return 0, err
	}
	return len(p), nil
}
