// Package explain tells what the fields Upgrade and Connection of a message mean for a
// switch, and why. It does not know where the message came from, nor how the command line
// asks for it.
package explain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows messages: where the head ends, what a start line and a field line
// are. It knows nothing of what the fields Connection and Upgrade mean.

// MaxHead is how long the head of a message may be. The fields of real ones take a
// few kilobytes.
const MaxHead = 1 << 20

// message is what parse was given: the parts of a head that an upgrade rests on.
type message struct {
	start        string // the start line; empty if only fields were given
	response     bool
	status       int // of a response
	major, minor int // of HTTP
	connection   []fieldLine
	upgrade      []fieldLine
	ignored      []string // the names of all other fields
}

// fieldLine is a line as it was given and the part of it that is the field's value.
type fieldLine struct {
	line  string
	from  int // the value begins here
	value string
}

// fault is an octet of a line that must not be there, and why.
type fault struct {
	where  string         // the field, or what line it is
	syntax upgrade.Reason // of a malformed field; 0 if the message itself is malformed
	place                 // in the lines of the field, or else in those of the message
	line   string
	at     int    // offset in line, from 0
	reason string // for people
}

// values returns the values of the lines, for the parsers of package upgrade.
func values(lines []fieldLine) []string {
	var values []string
	for _, l := range lines {
		values = append(values, l.value)
	}
	return values
}

// ReadHead reads the head of a message, up to the empty line or the end of r. It
// returns the lines without their ends. Empty lines before the head are skipped, as
// RFC 9112, section 2.2, advises.
func ReadHead(r io.Reader) ([]string, error) {
	limited := &io.LimitedReader{R: r, N: MaxHead}
	buffered := bufio.NewReader(limited)
	var lines []string
	for {
		line, err := buffered.ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("reading the head: %w", err)
		}
		if err == io.EOF && limited.N == 0 {
			return nil, errors.New("the head does not end within 1 MiB")
		}
		line = strings.TrimSuffix(line, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line != "" {
			lines = append(lines, line)
		}
		if err == io.EOF || line == "" && len(lines) > 0 {
			return lines, nil
		}
	}
}

// parseHead reads the start line and the field lines of a head. It stops at the
// first fault, in the line that it returns the index of: what follows could only be
// guessed.
func parseHead(lines []string) (m message, f *fault, index int) {
	m, f = parseStart(lines[0])
	for f == nil && index+1 < len(lines) {
		index++
		f = m.addLine(lines[index])
	}
	return m, f, index
}

// parseStart reads the first line of a message.
//
//	request-line = method SP request-target SP HTTP-version
//	status-line  = HTTP-version SP status-code SP [ reason-phrase ]
//	HTTP-version = HTTP-name "/" DIGIT "." DIGIT
func parseStart(line string) (message, *fault) {
	// A method is a token and has no slash.
	if strings.HasPrefix(line, "HTTP/") {
		return parseStatusLine(line)
	}
	return parseRequestLine(line)
}

func parseRequestLine(line string) (message, *fault) {
	m := message{start: line}
	bad := func(at int, reason string) (message, *fault) {
		return m, &fault{where: "request line", line: line, at: at, reason: reason}
	}
	method := tokenLen(line)
	if method == 0 || !hasAt(line, method, ' ') {
		return bad(method, "want a method and one space")
	}
	target := method + 1
	end := target
	for end < len(line) && text.IsPrintable(line[end]) && line[end] != ' ' {
		end++
	}
	if end == target || !hasAt(line, end, ' ') {
		return bad(end, "want a request target and one space")
	}
	version := line[end+1:]
	if n := matchLen(version, "HTTP/0.0"); n < len("HTTP/0.0") || n < len(version) {
		return bad(end+1+n, "want an HTTP version such as HTTP/1.1, and nothing after it")
	}
	m.major, m.minor = digits(version[5:6]), digits(version[7:8])
	return m, nil
}

func parseStatusLine(line string) (message, *fault) {
	m := message{start: line, response: true}
	bad := func(at int, reason string) (message, *fault) {
		return m, &fault{where: "status line", line: line, at: at, reason: reason}
	}
	n := matchLen(line, "HTTP/0.0 000")
	// The space belongs to the line even before an empty phrase, but is easily
	// lost when a head is copied.
	if n < len("HTTP/0.0 000") || n < len(line) && line[n] != ' ' {
		return bad(n, "want an HTTP version, one space, a status code of three digits and one space")
	}
	for i := n; i < len(line); i++ {
		if octet.IsControl(line[i]) {
			return bad(i, "want no control character in the reason phrase")
		}
	}
	m.major, m.minor, m.status = digits(line[5:6]), digits(line[7:8]), digits(line[9:12])
	return m, nil
}

// matchLen returns how far s is as pattern, in which 0 stands for any digit.
func matchLen(s, pattern string) int {
	for i := range len(pattern) {
		if i == len(s) || s[i] != pattern[i] && !(pattern[i] == '0' && '0' <= s[i] && s[i] <= '9') {
			return i
		}
	}
	return len(pattern)
}

// digits returns the number that s is, which has digits alone.
func digits(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// addLine adds a field line to the message.
//
//	field-line = field-name ":" OWS field-value OWS
func (m *message) addLine(line string) *fault {
	bad := func(at int, reason string) *fault {
		return &fault{where: "field line", line: line, at: at, reason: reason}
	}
	name := tokenLen(line)
	switch {
	case name == 0 && (hasAt(line, 0, ' ') || hasAt(line, 0, '\t')):
		return bad(0, "want a field name: a line that continues the one before it (obs-fold) is obsolete (RFC 9112, section 5.2)")
	case name == 0:
		return bad(0, "want a field name, which is a token")
	case hasAt(line, name, ' ') || hasAt(line, name, '\t'):
		return bad(name, "want a colon: no blank may stand before it (RFC 9112, section 5.1)")
	case !hasAt(line, name, ':'):
		return bad(name, "want a colon after the field name")
	}
	rest := strings.TrimLeft(line[name+1:], " \t")
	field := fieldLine{line, len(line) - len(rest), strings.TrimRight(rest, " \t")}
	switch {
	// EqualFold cannot find a look-alike: a token is ASCII.
	case strings.EqualFold(line[:name], "Connection"):
		m.connection = append(m.connection, field)
	case strings.EqualFold(line[:name], "Upgrade"):
		m.upgrade = append(m.upgrade, field)
	default:
		for i := field.from; i < len(line); i++ {
			if octet.IsControl(line[i]) {
				return bad(i, "want no control character in a field value (RFC 9110, section 5.5)")
			}
		}
		m.ignored = append(m.ignored, line[:name])
	}
	return nil
}

// tokenLen returns the length of the token that s begins with.
func tokenLen(s string) int {
	lexer := upgrade.NewLexer(s)
	if lexer.Next() != upgrade.Token {
		return 0
	}
	return len(lexer.Text())
}

func hasAt(s string, i int, c byte) bool { return i < len(s) && s[i] == c }
