package explain

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows what a message means for a switch, and how to say it to people.

// Report is everything there is to say about a message. It holds the octets as they came.
// Its methods escape them.
type Report struct {
	assumed    string   // what was assumed because it was not given
	start      string   // the start line; empty if only fields were given
	connection []string // the values of the lines
	upgrade    []string
	products   []product
	options    []option
	checked    []string // names of further fields that were checked
	ignored    []string // names of fields that do not matter here
	faults     []fault
	verdict    string
	why        string
}

type product struct {
	upgrade.Product[string]
	place
}

type option struct {
	name string
	place
}

// Malformed reports whether anything in the message is malformed.
func (r Report) Malformed() bool { return len(r.faults) > 0 }

// Head reports on the message with these lines, its start line and its field lines. There
// must be at least one line.
func Head(lines []string) Report {
	// A method is a token and has no slash.
	return headOf(lines, strings.HasPrefix(lines[0], "HTTP/"))
}

// Response reports on the response with these lines, as Head does.
func Response(lines []string) Report { return headOf(lines, true) }

func headOf(lines []string, response bool) Report {
	m, f := parseHead(lines, response)
	if f != nil {
		return reject(m, *f)
	}
	r := judge(m)
	if offersWebSocket(r) {
		r.check(webSocketFields...)
		if refused := websocket.Error(0); errors.As(m.webSocket, &refused) {
			r.why += fmt.Sprintf("; refuse websocket with %d: %s",
				refused.Refusal().Status, strings.TrimPrefix(refused.Error(), "websocket: "))
		}
	}
	return r
}

// offersWebSocket reports whether a report is on a request that offers websocket.
func offersWebSocket(r Report) bool {
	return r.verdict == "offer" && slices.ContainsFunc(r.products, func(p product) bool { return p.Matches(webSocket) })
}

var webSocket = upgrade.MustParseProduct("websocket")

// check notes that the fields with these names were checked, and so not ignored.
func (r *Report) check(names ...string) {
	r.ignored = slices.DeleteFunc(r.ignored, func(name string) bool {
		is := slices.ContainsFunc(names, func(other string) bool { return octet.EqualFold(name, other) })
		if is {
			r.checked = append(r.checked, name)
		}
		return is
	})
}

// Switched reports on a 101 with these lines, as Head does, for a client that found its
// offer in the answer. checked names further fields that the client has checked.
func Switched(lines []string, checked ...string) Report {
	r := Response(lines)
	if r.verdict == "switch" {
		r.why = "from here on the server speaks what the Upgrade field names, and the client offered it"
	}
	r.check(checked...)
	return r
}

// Refused reports on a response with these lines, as Response does, for a client that has
// refused it because of err. checked names further fields that the client has checked.
func Refused(lines []string, err error, checked ...string) Report {
	r := Response(lines)
	r.verdict, r.why = "no switch", err.Error()
	r.check(checked...)
	return r
}

// Arguments reports on a request that is given by its fields alone: an argument with a
// colon is a field line, and any other is the value of an Upgrade line.
func Arguments(args []string) Report {
	lines, indices := []string{"GET / HTTP/1.1"}, []int{-1}
	hasHost := false
	for i, arg := range args {
		if !strings.Contains(arg, ":") {
			continue
		}
		hasHost = hasHost || isNamed(arg, "Host")
		// An argument is one line. Package head would read CR LF as the end of the line.
		if before, _, found := strings.Cut(arg, "\r\n"); found {
			arg = before + "\r"
		}
		lines, indices = append(lines, arg), append(indices, i)
	}
	if !hasHost {
		lines = append(lines, "Host: x")
	}
	m, f := parseHead(lines, false)
	m.start = ""
	if f != nil {
		f.place.line = indices[f.place.line]
		f.line = args[f.place.line]
		m.addValues(args[:f.place.line])
		return reject(m, *f)
	}
	m.addValues(args)
	if !hasHost {
		m.ignored = m.ignored[:len(m.ignored)-1]
	}
	assumed := "HTTP/1.1"
	if len(indices) == 1 {
		assumed += " with Connection: Upgrade"
		m.connection = []fieldLine{{value: "Upgrade"}}
	}
	r := judge(m)
	r.assumed = assumed
	return r
}

// addValues adds the arguments that are values of Upgrade lines, in their order among the
// whole lines.
func (m *message) addValues(args []string) {
	whole := m.upgrade
	m.upgrade = nil
	for _, arg := range args {
		switch {
		case !strings.Contains(arg, ":"):
			m.upgrade = append(m.upgrade, fieldLine{arg, 0, arg})
		case isNamed(arg, "Upgrade"):
			m.upgrade, whole = append(m.upgrade, whole[0]), whole[1:]
		}
	}
}

// Fields reports on a request of HTTP/1.1 with these lines of Connection and Upgrade.
func Fields(connection, offered []string) Report {
	return judge(message{major: 1, minor: 1, connection: fieldLines(connection), upgrade: fieldLines(offered)})
}

func fieldLines(values []string) []fieldLine {
	var lines []fieldLine
	for _, value := range values {
		lines = append(lines, fieldLine{value, 0, value})
	}
	return lines
}

// judge reports on a message whose lines are well-formed. The fields Connection and Upgrade
// may be malformed.
func judge(m message) Report {
	connection, offered := values(m.connection), values(m.upgrade)
	r := Report{start: m.start, connection: connection, upgrade: offered, ignored: m.ignored}

	list, err := upgrade.ParseList(offered...)
	r.addFault("Upgrade", m.upgrade, err)
	next, stop := iter.Pull(elements(offered))
	defer stop()
	for p := range list.All() {
		at, _ := next()
		r.products = append(r.products, product{p, at})
	}
	options, err := upgrade.ParseConnection(connection...)
	r.addFault("Connection", m.connection, err)
	next, stop = iter.Pull(elements(connection))
	defer stop()
	for name := range options.All() {
		at, _ := next()
		r.options = append(r.options, option{name, at})
	}

	// The rules that make a 101 a switch are those that make a request an offer. The
	// message does not say whether the client offered the product.
	_, err = handshake.Offer(m.major, m.minor, connection, offered)
	if m.connect {
		err = handshake.ErrConnect
	}
	switch {
	case !m.response:
		r.verdict = "offer"
		r.why = fmt.Sprintf("HTTP/%d.%d, and Connection names the option upgrade: the server may switch to one of these products", m.major, m.minor)
		if err != nil {
			r.verdict = "no offer"
			r.why = because(m, err) + ": serve the request without a switch"
		}
	case m.status == 101:
		r.verdict = "switch"
		r.why = "from here on the server speaks what the Upgrade field names, provided that the client offered it"
		if err != nil {
			r.verdict = "no switch"
			r.why = because(m, err) + ": the client must close the connection"
		}
	default:
		r.verdict = "no switch"
		r.why = fmt.Sprintf("the status is %d, not 101", m.status)
		if err == nil {
			r.why += ": the server advertises what it could switch to"
		} else if len(m.upgrade) > 0 {
			r.why += ", and " + because(m, err) + ", so the server advertises nothing"
		}
	}
	return r
}

// because explains an error of handshake.Offer.
func because(m message, err error) string {
	var field *handshake.FieldError
	switch {
	case errors.As(err, &field):
		return "the " + field.Field + " field is malformed"
	case errors.Is(err, handshake.ErrConnect):
		return "a CONNECT asks for a tunnel and cannot upgrade"
	case errors.Is(err, handshake.ErrHTTPVersion):
		return fmt.Sprintf("HTTP/%d.%d cannot upgrade, only HTTP/1.1 can", m.major, m.minor)
	case errors.Is(err, handshake.ErrNoOption) && len(m.connection) == 0:
		return "there is no Connection field"
	case errors.Is(err, handshake.ErrNoOption):
		return "Connection does not name the option upgrade"
	case errors.Is(err, handshake.ErrNoUpgrade) && len(m.upgrade) == 0:
		return "there is no Upgrade field"
	case errors.Is(err, handshake.ErrNoUpgrade):
		return "the Upgrade field is empty"
	}
	return err.Error()
}

// reject reports on a malformed message, in which nothing counts.
func reject(m message, f fault) Report {
	r := Report{
		start: m.start, connection: values(m.connection), upgrade: values(m.upgrade), faults: []fault{f},
		verdict: "no offer", why: "the message is malformed, so nothing in it counts",
	}
	if m.response {
		r.verdict = "no switch"
	}
	return r
}

// addFault adds the fault in err, an error of a parser of package upgrade. It does nothing
// if err is nil.
func (r *Report) addFault(name string, lines []fieldLine, err error) {
	var syntax *upgrade.SyntaxError
	if !errors.As(err, &syntax) {
		return
	}
	l := lines[syntax.Line]
	reason := strings.TrimPrefix(syntax.Reason.Error(), "upgrade: ")
	if syntax.Offset < len(l.value) {
		reason += ", not " + text.Quote(l.value[syntax.Offset])
	}
	r.faults = append(r.faults, fault{
		where:  name,
		syntax: syntax.Reason,
		place:  place{syntax.Line, syntax.Offset},
		line:   l.line,
		at:     l.from + syntax.Offset,
		reason: reason,
	})
}

// Text returns the report as lines for people.
func (r Report) Text() []byte {
	var b bytes.Buffer
	if r.assumed != "" {
		fmt.Fprintf(&b, "assumed: %s\n", r.assumed)
	}
	if r.start != "" {
		start, _ := text.Excerpt(r.start, 0)
		fmt.Fprintf(&b, "start: %s\n", start)
	}
	for _, name := range r.checked {
		name, _ = text.Excerpt(name, 0)
		fmt.Fprintf(&b, "checked: %s\n", name)
	}
	for _, name := range r.ignored {
		name, _ = text.Excerpt(name, 0)
		fmt.Fprintf(&b, "ignored: %s\n", name)
	}
	for _, o := range r.options {
		fmt.Fprintf(&b, "option: %s\n", text.Escape(o.name))
	}
	for _, p := range r.products {
		fmt.Fprintf(&b, "product: %s", text.Escape(p.Name()))
		if p.Version() != "" {
			fmt.Fprintf(&b, ", version %s", text.Escape(p.Version()))
		}
		b.WriteByte('\n')
	}
	for _, f := range r.faults {
		line, column := text.Excerpt(f.line, f.at)
		where := f.where
		if f.syntax != 0 {
			where = fmt.Sprintf("%s, line %d, offset %d", f.where, f.place.line, f.offset)
		}
		fmt.Fprintf(&b, "malformed: %s: %s\n", where, f.reason)
		fmt.Fprintf(&b, "    %s\n    %*s\n", line, column+1, "^")
	}
	fmt.Fprintf(&b, "verdict: %s\nwhy: %s\n", r.verdict, r.why)
	return b.Bytes()
}

// ColourOf returns the colour of a line of Text, or an empty string for none. A line quotes
// the message only after a label or four blanks, so that the message cannot fake a label.
func ColourOf(line string) string {
	label, value, _ := strings.Cut(line, ": ")
	switch {
	case label == "malformed" || strings.HasPrefix(line, "    ") && strings.TrimLeft(line, " ") == "^":
		return text.Red
	case label == "verdict" && strings.HasPrefix(value, "no "):
		return text.Yellow
	case label == "verdict":
		return text.Green
	case label == "product":
		return text.Bold
	}
	return ""
}
