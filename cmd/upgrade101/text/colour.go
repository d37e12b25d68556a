package text

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// This file knows terminals and colours. Colours are added after all output is escaped,
// so every escape sequence on a terminal is one of these.

// Colours of a line.
const (
	Red    = "\x1b[31m"
	Green  = "\x1b[32m"
	Yellow = "\x1b[33m"
	Bold   = "\x1b[1m"
	Plain  = "\x1b[0m"
)

// Terminal returns the terminal below w, a writer of [Printable], for output that must not
// be escaped. It returns nil if w does not write to a terminal, or if the terminal is dumb.
func Terminal(w io.Writer) io.Writer {
	escaped, ok := w.(*printable)
	if !ok || !IsTerminal(escaped.to) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return escaped.to
}

// Raw returns the writer below w, a writer of [Printable], for octets that are the result
// of a command. If the writer below is a terminal, Raw returns w, which escapes the octets.
func Raw(w io.Writer) io.Writer {
	escaped, ok := w.(*printable)
	if !ok || IsTerminal(escaped.to) {
		return w
	}
	return escaped.to
}

// Coloured returns a writer that gives each line the colour that colour returns for it.
// An empty string is no colour. Coloured returns w itself if w does not write to a
// terminal, or if the environment variable NO_COLOR is not empty. Each Write must have
// whole lines.
func Coloured(w io.Writer, colour func(line string) string) io.Writer {
	terminal := Terminal(w)
	if terminal == nil || os.Getenv("NO_COLOR") != "" {
		return w
	}
	return Printable(&painter{to: terminal, colour: colour})
}

// IsTerminal reports whether f is a character device. Some character devices, such as
// /dev/null, are not terminals, but a colour does no harm there.
func IsTerminal(f any) bool {
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

func (p *painter) Write(lines []byte) (int, error) {
	var dst bytes.Buffer
	for line := range strings.Lines(string(lines)) {
		text, ended := strings.CutSuffix(line, "\n")
		if c := p.colour(text); c != "" {
			text = c + text + Plain
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
