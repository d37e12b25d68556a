package main

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// This file knows colours. They are added behind the escaping of all output, so that an
// escape sequence on a terminal is always one of these.

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// coloured returns to with a colour for each line that colour knows one for, if somebody
// looks at it: to is the output of run, on a terminal, and the environment does not say
// NO_COLOR, whatever its value, or that the terminal is dumb.
func coloured(to io.Writer, colour func(line string) string) io.Writer {
	escaped, ok := to.(printable)
	if !ok || !isTerminal(escaped.to) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return to
	}
	return printable{&painter{to: escaped.to, colour: colour}}
}

// isTerminal reports whether f is a terminal, as far as a character device is one: the
// others, such as /dev/null, do not mind a colour or a word too many.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// painter colours whole lines.
type painter struct {
	to     io.Writer
	colour func(line string) string
}

// Write wants lines that are whole.
func (p *painter) Write(lines []byte) (int, error) {
	var dst bytes.Buffer
	for line := range strings.Lines(string(lines)) {
		text, ended := strings.CutSuffix(line, "\n")
		if c := p.colour(text); c != "" {
			text = c + text + plain
		}
		dst.WriteString(text)
		if ended {
			dst.WriteByte('\n')
		}
	}
	if _, err := p.to.Write(dst.Bytes()); err != nil {
		return 0, err
	}
	return len(lines), nil
}
