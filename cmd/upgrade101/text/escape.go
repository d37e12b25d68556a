// Package text shows octets that a stranger may have sent: to people in printable ASCII,
// with colours on a terminal, and to programs in JSON. It does not know what the octets
// mean.
package text

import (
	"fmt"
	"io"
	"sync/atomic"
)

// This file escapes what a stranger sent before it reaches the terminal. A raw escape
// sequence could move the cursor, rename the window or worse.

const hexDigits = "0123456789abcdef"

// appendEscaped appends the octet c to dst in printable ASCII: itself, \t, \\ or \xNN.
// The result is unambiguous.
func appendEscaped(dst []byte, c byte) []byte {
	switch {
	case c == '\t':
		return append(dst, `\t`...)
	case c == '\\':
		return append(dst, `\\`...)
	case IsPrintable(c):
		return append(dst, c)
	}
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xF])
}

// IsPrintable reports whether c is printable ASCII.
func IsPrintable(c byte) bool { return ' ' <= c && c <= '~' }

// Escape returns s in printable ASCII: HTAB is \t, a backslash is \\, and any other octet
// that is not printable is \xNN.
func Escape(s string) string {
	var dst []byte
	for i := range len(s) {
		dst = appendEscaped(dst, s[i])
	}
	return string(dst)
}

// Quote returns the octet c for a sentence: in quotes, or by its number.
func Quote(c byte) string {
	if IsPrintable(c) {
		return "'" + string(rune(c)) + "'"
	}
	return fmt.Sprintf("the octet 0x%02x", c)
}

// Columns of an excerpt: the whole, and the part kept free for the fault and what follows.
const (
	excerptColumns = 76
	excerptAfter   = 24
)

// Excerpt returns the part of line around the octet at, escaped, and the column of that
// octet, from 0. A line that fits is shown whole. Three dots stand where octets were left
// out.
func Excerpt(line string, at int) (text string, column int) {
	from, to, columns := at, at, 0
	// First the fault and what follows it, then what comes before it. If there is room
	// left, more of what follows.
	for ; to < len(line) && columns+width(line[to]) <= excerptAfter; to++ {
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
	text += Escape(line[from:at])
	column = len(text)
	text += Escape(line[at:to])
	if to < len(line) {
		text += "..."
	}
	return text, column
}

// width returns the columns that the octet c takes when it is escaped.
func width(c byte) int { return len(appendEscaped(nil, c)) }

// Printable returns a writer that passes printable ASCII, line ends and tabs on to the
// given writer, and escapes the rest. All output of the command goes through it. So even
// the text of a library, such as an error with an unknown flag, cannot reach the terminal
// raw.
func Printable(to io.Writer) io.Writer { return &printable{to: to} }

type printable struct {
	to     io.Writer
	failed atomic.Pointer[error] // the first error of a Write
}

func (w *printable) Write(p []byte) (int, error) {
	dst := make([]byte, 0, len(p))
	for _, c := range p {
		if c == '\n' || c == '\t' || c == '\\' {
			dst = append(dst, c)
		} else {
			dst = appendEscaped(dst, c)
		}
	}
	if _, err := w.to.Write(dst); err != nil {
		w.failed.CompareAndSwap(nil, &err)
		return 0, err
	}
	return len(p), nil
}

// Failed returns the first error of a Write to w, a writer of [Printable]. Libraries may
// drop that error.
func Failed(w io.Writer) error {
	if err := w.(*printable).failed.Load(); err != nil {
		return *err
	}
	return nil
}
