// Package explain says what the fields Upgrade and Connection of a message mean for a
// switch, and why. It does not know where the message comes from, and it does not know the
// command line.
package explain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows the lines of a message, and finds the one that is at fault. Package head
// reads the head, and package websocket checks it. This file does not know what the fields
// Connection and Upgrade mean.

// MaxHead is how long the head of a message may be, in octets. Real heads have a few
// kilobytes.
const MaxHead = 1 << 20

// message is the part of a head that matters for a switch.
type message struct {
	start        string // the start line; empty if only fields were given
	response     bool
	status       int   // of a response
	connect      bool  // the method is CONNECT
	webSocket    error // of package websocket, about a request that offers websocket
	major, minor int   // of HTTP
	connection   []fieldLine
	upgrade      []fieldLine
	ignored      []string // the names of all other fields
}

// fieldLine is a line as it was given, and the value of the field in it.
type fieldLine struct {
	line  string
	from  int // where in the line the value begins
	value string
}

// fault is the place of an octet that is wrong, and why.
type fault struct {
	where  string         // the field, or the kind of line
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

// ReadHead reads the head of a message that somebody may have typed, up to the empty line
// or the end of r. It returns the lines without their ends, which may be LF alone. It
// skips empty lines before the head.
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

// webSocketFields are the fields that [websocket.Check] looks at.
var webSocketFields = []string{"Sec-WebSocket-Version", "Sec-WebSocket-Key"}

// parseHead reads the head of a request or a response with package head. If there is a
// fault, the message has only the lines before it.
func parseHead(lines []string, response bool) (message, *fault) {
	m := message{start: lines[0], response: response}
	octets := []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
	noLimits := head.Limits{Bytes: head.NoLimit, Fields: head.NoLimit, Target: head.NoLimit}
	var err error
	if response {
		var r head.Response
		_, err = r.Parse(octets, noLimits)
		m.major, m.minor, m.status = r.Major, r.Minor, r.Status
	} else {
		var request head.Request
		_, err = request.Parse(octets, noLimits)
		m.major, m.minor = request.Major, request.Minor
		m.connect = string(request.Method) == "CONNECT"
		m.webSocket = websocket.Check(request.Method, request.Lines(nil, webSocketFields[0]), request.Lines(nil, webSocketFields[1]))
	}
	var f *fault
	if refused := (*head.Error)(nil); errors.As(err, &refused) {
		f = m.faultOf(lines, refused)
		lines = lines[:min(max(f.place.line, 1), len(lines))]
	}
	for _, line := range lines[1:] {
		m.addLine(line)
	}
	return m, f
}

// faultOf returns the fault that package head found, placed in its line.
func (m *message) faultOf(lines []string, refused *head.Error) *fault {
	at := refused.Offset
	for i, line := range lines {
		// A fault in a line end is shown at the end of the line.
		if at < len(line)+len("\r\n") {
			at = min(at, len(line))
			return &fault{where: m.nameOf(i), place: place{i, at}, line: line, at: at, reason: reasonOf(refused.Reason)}
		}
		at -= len(line) + len("\r\n")
	}
	return &fault{where: "empty line", place: place{len(lines), 0}, reason: reasonOf(refused.Reason)}
}

// nameOf returns the kind of line i.
func (m *message) nameOf(i int) string {
	switch {
	case i > 0:
		return "field line"
	case m.response:
		return "status line"
	}
	return "request line"
}

// reasonOf returns why package head refuses a head, and by which rule.
func reasonOf(reason head.Reason) string {
	text := strings.TrimPrefix(reason.Error(), "head: ")
	if rule := rules[reason]; rule != "" {
		text += " (" + rule + ")"
	}
	return text
}

// rules holds the section of an RFC for each reason.
var rules = map[head.Reason]string{
	head.ErrMethod:           "RFC 9112, section 3",
	head.ErrTarget:           "RFC 9112, section 3.2",
	head.ErrVersion:          "RFC 9112, section 2.3",
	head.ErrLineEnd:          "RFC 9112, section 2.2",
	head.ErrFold:             "RFC 9112, section 5.2",
	head.ErrFieldName:        "RFC 9112, section 5.1",
	head.ErrFieldValue:       "RFC 9110, section 5.5",
	head.ErrHost:             "RFC 9112, section 3.2",
	head.ErrContentLength:    "RFC 9112, section 6.3",
	head.ErrTransferEncoding: "RFC 9112, section 6.1",
	head.ErrCoding:           "RFC 9112, section 6.1",
	head.ErrFraming:          "RFC 9112, section 6.1",
	head.ErrExpect:           "RFC 9110, section 10.1.1",
	head.ErrStatus:           "RFC 9112, section 4",
}

// addLine adds a field line that package head has accepted.
func (m *message) addLine(line string) {
	name, rest, _ := strings.Cut(line, ":")
	rest = strings.TrimLeft(rest, " \t")
	field := fieldLine{line, len(line) - len(rest), strings.TrimRight(rest, " \t")}
	switch {
	case isNamed(line, "Connection"):
		m.connection = append(m.connection, field)
	case isNamed(line, "Upgrade"):
		m.upgrade = append(m.upgrade, field)
	default:
		m.ignored = append(m.ignored, name)
	}
}

// isNamed reports whether line belongs to the field with that name.
func isNamed(line, name string) bool {
	spelled, _, _ := strings.Cut(line, ":")
	return octet.EqualFold(spelled, name)
}
