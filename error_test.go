package upgrade_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
)

func TestSyntaxError(t *testing.T) {
	tests := map[upgrade.Reason]string{
		upgrade.ErrToken:     "want token",
		upgrade.ErrVersion:   "want version after slash",
		upgrade.ErrDelimiter: "want comma or end of line",
		upgrade.ErrNoElement: "want at least one element",
		upgrade.Reason(0):    "malformed",
		upgrade.Reason(200):  "malformed",
	}
	for reason, want := range tests {
		diff(t, "reason", "upgrade: "+want, reason.Error())
		err := error(&upgrade.SyntaxError{Line: 2, Offset: 31, Reason: reason})
		diff(t, "error", "upgrade: line 2, offset 31: "+want, err.Error())
		if !errors.Is(err, reason) {
			t.Errorf("%v does not unwrap to its reason", err)
		}
	}
	diff(t, "zero", "upgrade: line 0, offset 0: malformed", new(upgrade.SyntaxError).Error())
	if errors.Is(&upgrade.SyntaxError{Reason: upgrade.ErrToken}, upgrade.ErrVersion) {
		t.Error("ErrToken is also ErrVersion")
	}
}

// An error never quotes its input, so that it is safe in logs and on terminals.
func TestErrorsQuoteNothing(t *testing.T) {
	for c := range 256 {
		marked := "zq" + strings.Repeat(string([]byte{byte(c)}), 3) + "zq"
		for _, line := range []string{marked, "a, " + marked, "a/" + marked, marked + " " + marked} {
			_, err1 := upgrade.ParseList(line)
			_, err2 := upgrade.ParseConnection([]byte(line))
			_, err3 := upgrade.ParseProduct(line)
			for _, err := range []error{err1, err2, err3} {
				if err != nil {
					checkErrorText(t, err, "zq")
				}
			}
		}
	}
}

// checkErrorText fails if the text of err is not printable ASCII, or quotes input.
func checkErrorText(tb testing.TB, err error, input string) {
	tb.Helper()
	text := err.Error()
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			tb.Errorf("error text %q is not printable ASCII", text)
		}
	}
	if input != "" && strings.Contains(text, input) {
		tb.Errorf("error text %q quotes %q", text, input)
	}
}
