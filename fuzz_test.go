package upgrade_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/oracle"
)

// A fuzz input is one string. If it stands for the lines of a field, LF separates them: no
// well-formed line has that octet.
const lineSep = "\n"

func addLines(f *testing.F) {
	for _, c := range corpus.Read[corpus.Upgrade](f, "testdata", "upgrade.json") {
		f.Add(strings.Join(c.Lines.Strings(), lineSep))
	}
	for _, c := range corpus.Read[corpus.Connection](f, "testdata", "connection.json") {
		f.Add(strings.Join(c.Lines.Strings(), lineSep))
	}
}

// FuzzLexer: the lexemes, joined, are the line. Each is as long as possible, and of the
// kind that the oracle gives its octets.
func FuzzLexer(f *testing.F) {
	addLines(f)
	var kinds [256]upgrade.Kind
	for c := range kinds {
		kinds[c] = octetKind(byte(c))
	}
	f.Fuzz(func(t *testing.T, line string) {
		lexemes := lex(line)
		diff(t, "bytes", lexemes, lex([]byte(line)))
		end, before := 0, upgrade.EOF
		for _, l := range lexemes {
			if l.Offset != end || l.Text == "" || line[l.Offset:l.Offset+len(l.Text)] != l.Text {
				t.Fatalf("lexeme %v of %q is not the text at %d", l, line, end)
			}
			end += len(l.Text)
			run := l.Kind == upgrade.Token || l.Kind == upgrade.Space
			if run && l.Kind == before || !run && len(l.Text) != 1 {
				t.Fatalf("lexeme %v of %q is too short or too long", l, line)
			}
			before = l.Kind
			for i := range len(l.Text) {
				if want := kinds[l.Text[i]]; l.Kind != want {
					t.Fatalf("octet %#x is %v, want %v", l.Text[i], l.Kind, want)
				}
			}
		}
		if end != len(line) {
			t.Fatalf("%q ends at %d", line, end)
		}
	})
}

// octetKind asks the oracle for the kind of an octet. An octet that can be an option is
// part of a token. An octet that an empty list can have is a blank or a comma.
func octetKind(c byte) upgrade.Kind {
	one := string([]byte{c})
	options, fault := oracle.Connection([]string{one})
	switch {
	case c == ',':
		return upgrade.Comma
	case c == '/':
		return upgrade.Slash
	case fault != oracle.Fault{}:
		return upgrade.Illegal
	case len(options) == 1:
		return upgrade.Token
	}
	return upgrade.Space
}

// FuzzParseProduct: the result is the oracle's, for both kinds of text. A product appended
// and read again is the same. A malformed text can be repaired at the offset of its error.
func FuzzParseProduct(f *testing.F) {
	for _, text := range productTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkParseProduct(t, text)
		p, err := upgrade.ParseProduct(text)
		if err == nil {
			again, err := upgrade.ParseProduct(string(p.AppendTo(nil)))
			if err != nil || again != p {
				t.Errorf("%q read again is %q, %v", p, again, err)
			}
			return
		}
		checkErrorText(t, err, "")
		at := fault(t, err)
		if at.Error == "ErrDelimiter" {
			text = text[:at.Offset]
		} else {
			text = text[:at.Offset] + "t"
		}
		if _, err := upgrade.ParseProduct(text); err != nil {
			t.Errorf("repaired to %q: %v", text, err)
		}
	})
}

// FuzzParseList: the result is the oracle's, for both kinds of text, and splitLaw and
// repairLaw hold. AppendList writes the products as a list that parses to the same products
// and is written the same again. ParseSelect picks what the oracle picks, from the products
// offered and from the same in reverse.
func FuzzParseList(f *testing.F) {
	addLines(f)
	f.Fuzz(func(t *testing.T, input string) {
		lines := strings.Split(input, lineSep)
		got := checkList(t, lines...)
		splitLaw(t, lines, func(lines []string) []oracle.Product { return parseList(t, lines).Items })
		if got.Fault.Error != "" {
			_, err := upgrade.ParseList(lines...)
			checkErrorText(t, err, "")
			repairLaw(t, lines, got.Fault, func(lines []string) bool { return parseList(t, lines).Fault.Error == "" })
			return
		}
		list := mustList(t, lines...)
		canon := string(upgrade.AppendList(nil, slices.Collect(list.All())...))
		if got := list.String(); got != canon {
			t.Errorf("String is %q, want %q", got, canon)
		}
		diff(t, "canon", got.Items, parseList(t, []string{canon}).Items)
		again := string(upgrade.AppendList(nil, slices.Collect(mustList(t, canon).All())...))
		diff(t, "canon of canon", canon, again)
		var all []upgrade.Product[string]
		for p := range list.All() {
			all = append(all, upgrade.MustParseProduct(p.String()))
		}
		all = all[:min(len(all), 10)] // the oracle takes quadratic time
		checkSelect(t, lines, all)
		slices.Reverse(all)
		checkSelect(t, lines, all)
	})
}

// FuzzParseConnection: the result is the oracle's, for both kinds of text, and splitLaw and
// repairLaw hold. The options, joined by commas, parse to the same options.
func FuzzParseConnection(f *testing.F) {
	addLines(f)
	f.Fuzz(func(t *testing.T, input string) {
		lines := strings.Split(input, lineSep)
		checkConnection(t, lines...)
		got := parseConnection(t, lines)
		splitLaw(t, lines, func(lines []string) []string { return parseConnection(t, lines).Items })
		if got.Fault.Error != "" {
			_, err := upgrade.ParseConnection(lines...)
			checkErrorText(t, err, "")
			repairLaw(t, lines, got.Fault, func(lines []string) bool { return parseConnection(t, lines).Fault.Error == "" })
			return
		}
		diff(t, "canon", got, parseConnection(t, []string{strings.Join(got.Items, ", ")}))
	})
}

// splitLaw: a list may be split over lines anywhere. Lines joined by commas are the same
// list, and so are the two parts of that line, cut at any comma.
func splitLaw[T any](t *testing.T, lines []string, parse func([]string) []T) {
	t.Helper()
	joined := strings.Join(lines, ",")
	want := parse(lines)
	diff(t, "joined", want, parse([]string{joined}))
	if len(joined) > 100 {
		return // quadratic
	}
	for i := range len(joined) {
		if joined[i] == ',' {
			diff(t, "split", want, parse([]string{joined[:i], joined[i+1:]}))
		}
	}
}

// repairLaw: cut at the fault and given what it lacks there, the field is well-formed, so
// the offset is not too large. Cut after the octet at the fault, it is malformed whatever
// follows, so the offset is not too small.
func repairLaw(t *testing.T, lines []string, at oracle.Fault, valid func(lines []string) bool) {
	t.Helper()
	line := lines[at.Line]
	if at.Offset > len(line) {
		t.Fatalf("%q: offset %d is beyond the line", lines, at.Offset)
	}
	ending := func(end string) []string { return append(slices.Clone(lines[:at.Line]), end) }
	wanted := "t"
	if at.Error == "ErrDelimiter" {
		wanted = ","
	}
	if fixed := ending(line[:at.Offset] + wanted + "t"); !valid(fixed) {
		t.Errorf("%q repaired to %q is malformed", lines, fixed)
	}
	if at.Offset == len(line) || at.Error == "ErrNoElement" {
		return // the line ended too soon
	}
	for _, tail := range []string{"", "t", "/t", ",t", ", t/t", " ,t"} {
		if try := ending(line[:at.Offset+1] + tail); valid(try) {
			t.Errorf("%q: octet %d is not at fault, %q is well-formed", lines, at.Offset, try)
		}
	}
}
