package parsers_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// verdict is the right reaction to a request for WebSocket.
type verdict byte

const (
	switches verdict = iota // a valid offer: 101 is the only right answer
	ordinary                // no offer, or a malformed message
	either                  // RFC 9112, section 5.2: a server refuses a folded line, or unfolds it
)

func (v verdict) String() string { return [...]string{"switch", "no", "either"}[v] }

// input is a valid request for WebSocket, changed as its fields say.
type input struct {
	lines   []string // of Connection and Upgrade; a field without a line gets its usual one
	version string   // of HTTP; empty: 1.1
	content bool     // whether the request has content
	want    verdict
}

// usual are the lines as most clients send them.
var usual = []string{"Connection: Upgrade", "Upgrade: websocket"}

// inputs are requests that tell peers apart. Each is there for a fault that was found.
var inputs = []input{
	// Offers.
	{lines: usual},
	{lines: []string{"Connection: keep-alive, Upgrade"}},
	{lines: []string{"Connection: keep-alive", "Connection: Upgrade"}},
	{lines: []string{"Connection: Upgrade", "Connection: keep-alive"}},
	{lines: []string{"Connection: , Upgrade"}},
	{lines: []string{"Connection: keep-alive,\tUpgrade"}},
	{lines: []string{"Upgrade: WebSocket"}},
	{lines: []string{"Upgrade: websocket\t"}},
	{lines: []string{"Upgrade: h2c, websocket"}},
	{lines: []string{"Upgrade: websocket, h2c"}},
	{lines: []string{"Upgrade: h2c", "Upgrade: websocket"}},
	{lines: []string{"Upgrade: websocket", "Upgrade: evil"}},
	{lines: []string{"Upgrade: HTTP/2.0, websocket"}},
	{lines: []string{"Upgrade: , websocket"}},
	{content: true},
	// No offers.
	{want: ordinary, lines: []string{"Connection: Upgrade-Insecure-Requests"}},
	{want: ordinary, lines: []string{"Connection: notupgrade"}},
	{want: ordinary, lines: []string{"Connection: keep-alive Upgrade"}},
	{want: ordinary, lines: []string{"Connection: keep-alive;Upgrade"}},
	{want: ordinary, lines: []string{`Connection: "Upgrade"`}},
	{want: ordinary, lines: []string{"Connection: @, Upgrade"}},
	{want: ordinary, lines: []string{"Connection: Upgrade\u0085"}},
	{want: ordinary, lines: []string{"Upgrade: websoc\u212Aet"}},
	{want: ordinary, lines: []string{"Upgrade: web\u017Focket"}},
	{want: ordinary, lines: []string{"Upgrade: websocket\u00A0"}},
	{want: ordinary, lines: []string{"Upgrade: websocket/13"}},
	{want: ordinary, lines: []string{"Upgrade: @@@, websocket"}},
	{want: ordinary, lines: []string{"Upgrade: websocket, a=b"}},
	{want: ordinary, lines: []string{"Upgrade: websocket", "Upgrade: a b"}},
	{want: ordinary, version: "1.0"},
	// Faults in the message itself.
	{want: ordinary, lines: []string{"Upgrade : websocket"}},
	{want: either, lines: []string{"Upgrade:\r\n websocket"}},
}

// all returns the lines of both fields.
func (in input) all() []string {
	lines := slices.Clone(in.lines)
	for i, prefix := range []string{"Connection", "Upgrade"} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) }) {
			lines = append(lines, usual[i])
		}
	}
	return lines
}

// head returns the head of the request, with its empty line.
func (in input) head() []byte {
	version := in.version
	if version == "" {
		version = "1.1"
	}
	lines := []string{
		"GET / HTTP/" + version, "Host: 127.0.0.1",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}
	lines = append(lines, in.all()...)
	if in.content {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(content)))
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// fields returns the lines of Connection and Upgrade as the reader of a message passes them
// on. It reports whether the rest of the request is as usual, so that only these lines
// decide.
func (in input) fields() (connection, offered []string, ok bool) {
	if in.version != "" || in.content {
		return nil, nil, false
	}
	for _, line := range in.all() {
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		switch {
		case strings.Contains(line, "\n"):
			return nil, nil, false
		case name == "Connection":
			connection = append(connection, value)
		case name == "Upgrade":
			offered = append(offered, value)
		default:
			return nil, nil, false
		}
	}
	return connection, offered, true
}

// String returns how the request differs from the usual one, in Markdown.
func (in input) String() string {
	var parts []string
	if in.version != "" {
		parts = append(parts, "`HTTP/"+in.version+"`")
	}
	for _, line := range in.lines {
		parts = append(parts, "`"+visible(line)+"`")
	}
	if in.content {
		parts = append(parts, fmt.Sprintf("`Content-Length: %d` and content", len(content)))
	}
	return strings.Join(parts, " + ")
}

// visible replaces characters that cannot be seen, or are not ASCII, by their names.
func visible(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\t':
			b.WriteString("<HTAB>")
		case s[0] < ' ' || s[0] >= 0x7F && n == 1:
			fmt.Fprintf(&b, "<%02X>", s[0])
		case r > '~':
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteByte(s[0])
		}
		s = s[n:]
	}
	return b.String()
}
