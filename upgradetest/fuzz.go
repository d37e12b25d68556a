package upgradetest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows the law that fuzzing tests: when the rules allow a switch. It knows
// nothing of servers.

// FuzzOffer fuzzes a stack with the octets of requests. It calls switches with a head, with
// or without octets after it. switches reports whether the stack answers that head with a
// switch to product; it must not keep the slice. The test fails if the stack switches
// although the rules forbid it. A valid offer that the stack declines is only logged,
// because a server may decline any.
//
// The seeds are the test cases and the captured heads of this module, and valid offers that
// were given one fault each: in lengths, codings and line ends, and in what websocket and
// h2c demand. `go test` tries only the seeds, and `go test -fuzz` looks for more. To add a
// seed of your own, such as one with a field that your stack demands, call f.Add with it
// before FuzzOffer.
//
// The rules are those of [head.Request.Parse], [handshake.Select] and, for websocket,
// [websocket.Check]; h2c must have one HTTP2-Settings. A stack may be lenient where an
// RFC says so: with a line that ends in LF without CR, blanks around the parts of the
// request line, folded lines, controls in values, repeated equal Content-Lengths, a
// Content-Length beside Transfer-Encoding, the form of a target, and expectations that it
// does not know. Two things are not judged, because many stacks leave them to the server
// below them, and [Server] checks them: Host, and that a connection ends after a request
// with both lengths.
//
// [net/http.ReadRequest] is not all that a server of net/http checks: the server also
// refuses a field name that is not a token, such as one with a blank before the colon.
func FuzzOffer(f *testing.F, product upgrade.Product[string], switches func(head []byte) bool) {
	f.Helper()
	if product.IsZero() {
		f.Fatal("upgradetest: no product to offer")
	}
	for _, seed := range seeds(product) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		err := forbids(octets, product)
		switch switched := switches(bytes.Clone(octets)); {
		case switched && err != nil:
			t.Errorf("the stack switches to %s, and must not: %v\nreceived: %s", product, err, quoted(octets))
		case !switched && err == nil:
			t.Logf("the stack declines a valid offer of %s\nreceived: %s", product, quoted(octets))
		}
	})
}

// forbids returns nil if a server may switch to product when it receives the octets.
// Otherwise the error says why not. A server may switch if the strict reading allows it,
// or the reading with every leniency of RFC 9112.
func forbids(octets []byte, product upgrade.Product[string]) error {
	strict := strictlyForbids(octets, product)
	if strict == nil {
		return nil
	}
	err := strictlyForbids(lenient(octets), product)
	var reason, same head.Reason
	if errors.As(err, &reason) {
		if errors.As(strict, &same) && reason == same {
			return strict
		}
		return reason // without the offset, which is one in the lenient reading
	}
	return err
}

var (
	errUnended  = errors.New("the head does not end")
	errSettings = errors.New("want exactly one HTTP2-Settings")
)

func strictlyForbids(octets []byte, product upgrade.Product[string]) error {
	var r head.Request
	n, err := r.Parse(octets, head.Limits{Bytes: head.NoLimit, Fields: head.NoLimit, Target: head.NoLimit})
	switch {
	case err != nil && !errors.Is(err, head.ErrExpect): // a server may ignore Expect
		return err
	case err != nil:
		return strictlyForbids(withoutExpect(octets), product)
	case n == 0:
		return errUnended
	}
	if _, err := handshake.Select(r.Major, r.Minor, r.Connection, r.Upgrade, product); err != nil {
		return err
	}
	switch {
	case is(product, "websocket"):
		return websocket.Check(r.Method, r.Lines(nil, "Sec-WebSocket-Version"), r.Lines(nil, "Sec-WebSocket-Key"))
	case is(product, "h2c") && len(r.Lines(nil, "HTTP2-Settings")) != 1:
		return errSettings
	}
	return nil
}

// withoutExpect returns the octets with the Expect lines under another name.
func withoutExpect(octets []byte) []byte {
	head, rest, _ := bytes.Cut(octets, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	for i, line := range lines {
		if name, value, found := strings.Cut(line, ":"); found && strings.EqualFold(name, "Expect") {
			lines[i] = "X-Ignored:" + value
		}
	}
	return append([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), rest...)
}

// lenient returns the head as the most lenient server reads it that RFC 9112 and RFC 9110
// permit. Content after the head is cut off.
func lenient(octets []byte) []byte {
	text := strings.ReplaceAll(string(octets), "\r\n", "\n") // section 2.2: LF may end a line
	text = strings.TrimLeft(text, "\n")
	text, _, ended := strings.Cut(text, "\n\n")
	if !ended {
		return octets
	}
	lines := strings.Split(text, "\n")
	lines[0] = lenientRequestLine(lines[0])
	read := []string{lines[0], "Host: x"}
	var lengths []string
	for _, line := range lines[1:] {
		line = strings.Map(control, line)
		if len(read) > 2 && line != "" && (line[0] == ' ' || line[0] == '\t') { // section 5.2: obs-fold
			read[len(read)-1] += " " + strings.Trim(line, " \t")
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Host") {
			line = "X-Ignored:" + value
		}
		if strings.EqualFold(name, "Content-Length") { // section 6.3: a list of equal ones
			value = strings.Trim(value, " \t")
			if first, _, found := strings.Cut(value, ","); found && strings.Trim(strings.ReplaceAll(value, first, ""), ", \t") == "" {
				value = first
			}
			if slices.Contains(lengths, value) {
				continue
			}
			lengths = append(lengths, value)
			line = "Content-Length: " + value
		}
		read = append(read, line)
	}
	if slices.ContainsFunc(read, func(line string) bool { return named(line, "Transfer-Encoding") }) {
		// section 6.1: the coding alone may count
		read = slices.DeleteFunc(read, func(line string) bool { return named(line, "Content-Length") })
	}
	return []byte(strings.Join(read, "\r\n") + "\r\n\r\n")
}

// named reports whether a field line has that name.
func named(line, name string) bool {
	found, _, colon := strings.Cut(line, ":")
	return colon && strings.EqualFold(found, name)
}

// lenientRequestLine returns a request line as a server that splits it into words reads it
// (section 3), with a valid target.
func lenientRequestLine(line string) string {
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\v\f\r", r) })
	if len(words) != 3 {
		return line
	}
	if words[0] != "CONNECT" {
		words[1] = "/"
	}
	return strings.Join(words, " ")
}

// control returns the character that a control in a value may be read as: a space for CR
// and NUL, and for others one that no token has (RFC 9110, section 5.5).
func control(c rune) rune {
	switch {
	case c == '\r' || c == 0:
		return ' '
	case c < ' ' && c != '\t' || c == 0x7F:
		return '\u0080'
	}
	return c
}
