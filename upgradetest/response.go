package upgradetest

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/gosegue/upgrade"
)

// This file knows the head of a response: it also reads a malformed head, and says what is
// wrong with it. It knows nothing of connections, or of what a head should say.

// response is the head of a response.
type response struct {
	status       int
	major, minor int
	faults       []string // of lines; empty if all lines are as RFC 9112 demands
	badStatus    string   // what is wrong with the status line
	cut          string   // how the head of a 101 is cut off; empty if it ends
	fields       []field
}

type field struct{ name, value string }

// headEnd returns the length of the head that b begins with, with the empty line, or 0
// if it does not end in b. The first searched octets of b were searched before.
func headEnd(b []byte, searched int) int {
	// The empty line may end in LF alone, and so may the line before it.
	for i := max(searched-2, 0); i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		switch rest := b[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return 0
}

// parseResponse reads a whole head. It returns nil if the head is not HTTP/1.
func parseResponse(head []byte) *response {
	r := new(response)
	text := string(head)
	if trimmed := strings.TrimLeft(text, "\r\n \t"); trimmed != text {
		r.faults = append(r.faults, "blanks or empty lines come before the status line")
		text = trimmed
	}
	line, text := r.cutLine(text)
	if !r.parseStatusLine(line) {
		return nil
	}
	for {
		line, text = r.cutLine(text)
		if line == "" {
			return r
		}
		r.addLine(line)
	}
}

// cutLine returns the first line, without its end, and the rest.
func (r *response) cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	if !strings.HasSuffix(line, "\r") {
		r.fault("a line ends in LF alone")
	}
	return strings.TrimSuffix(line, "\r"), rest
}

// fault records what is wrong with a line, once.
func (r *response) fault(what string) {
	for _, f := range r.faults {
		if f == what {
			return
		}
	}
	r.faults = append(r.faults, what)
}

// parseStatusLine reports whether the line has a version and a status.
//
//	status-line = HTTP-version SP status-code SP [ reason-phrase ]
func (r *response) parseStatusLine(line string) bool {
	const form = "HTTP/1.1 101"
	if len(line) < len(form) || !strings.HasPrefix(line, "HTTP/") || line[6] != '.' || line[8] != ' ' ||
		!isDigit(line[5]) || !isDigit(line[7]) || !isDigit(line[9]) {
		return r.guessStatusLine(line)
	}
	status, err := strconv.ParseUint(line[9:12], 10, 16)
	if err != nil || status < 100 {
		return false
	}
	r.major, r.minor, r.status = int(line[5]-'0'), int(line[7]-'0'), int(status)
	switch phrase := line[len(form):]; {
	case phrase == "":
		r.badStatus = "no blank follows the status code"
	case phrase[0] != ' ':
		r.badStatus = "the status code is not three digits with a blank after them"
	case hasControl(phrase):
		r.badStatus = "the reason phrase has a control character"
	}
	return true
}

// guessStatusLine reports whether a malformed line was meant to be the status line of a
// 101: a switch that cannot be read is a fault, not an ignored offer.
func (r *response) guessStatusLine(line string) bool {
	words := strings.Fields(line)
	if len(words) < 2 || len(words[0]) < len("HTTP") || !strings.EqualFold(words[0][:len("HTTP")], "HTTP") || words[1] != "101" {
		return false
	}
	r.major, r.minor, r.status = 1, 1, 101
	r.badStatus = "it is not the version, one space and three digits"
	return true
}

// addLine adds a field line.
//
//	field-line = field-name ":" OWS field-value OWS
func (r *response) addLine(line string) {
	name, value, found := strings.Cut(line, ":")
	trimmed := strings.TrimRight(name, " \t")
	switch {
	case line[0] == ' ' || line[0] == '\t':
		r.fault("a line begins with a blank (obs-fold)")
		return
	case !found:
		r.fault("a line has no colon")
		return
	case trimmed != name:
		r.fault("a blank comes before the colon")
	}
	if lexer := upgrade.NewLexer(trimmed); lexer.Next() != upgrade.Token || lexer.Next() != upgrade.EOF {
		r.fault("a field name is not a token")
	}
	if hasControl(value) {
		r.fault("a field value has a control character")
	}
	r.fields = append(r.fields, field{trimmed, strings.Trim(value, " \t")})
}

// lines returns the values of the field lines of that name.
func (r *response) lines(name string) []string {
	var values []string
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// has reports whether Connection has the option. A malformed Connection has no options.
func (r *response) has(option string) bool {
	options, err := upgrade.ParseConnection(r.lines("Connection")...)
	return err == nil && options.Has(option)
}

// closes reports whether the response says that the connection ends after it.
func (r *response) closes() bool {
	options, err := upgrade.ParseConnection(r.lines("Connection")...)
	return err == nil && !options.Persistent(r.major, r.minor)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7F {
			return true
		}
	}
	return false
}
