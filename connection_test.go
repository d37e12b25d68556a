package upgrade_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/oracle"
)

// askedOptions are the options that every Connection is asked for: those it records, and
// others.
var askedOptions = []string{"close", "keep-alive", "upgrade", "Upgrade", "CLOSE", "Keep-Alive", "HTTP2-Settings", "te", "a", "", " ", ",", "keep", "clos\u017F"}

// checkConnection compares ParseConnection, and every method of its result, with the
// oracle, for both kinds of text.
func checkConnection(tb testing.TB, lines ...string) {
	tb.Helper()
	options, wantFault := oracle.Connection(lines)
	diff(tb, fmt.Sprintf("options of %q", lines), parsed[string]{options, wantFault}, parseConnection(tb, lines))
	diff(tb, fmt.Sprintf("options of bytes %q", lines), parsed[string]{options, wantFault}, parseConnection(tb, corpus.Bytes(lines)))
	checkOptions(tb, lines, options, wantFault)
	checkOptions(tb, corpus.Bytes(lines), options, wantFault)
}

func checkOptions[S upgrade.Text](tb testing.TB, lines []S, options []string, fault oracle.Fault) {
	tb.Helper()
	connection, _ := upgrade.ParseConnection(lines...)
	named := options[:min(len(options), 10)] // the oracle takes quadratic time
	for _, asked := range slices.Concat(askedOptions, named) {
		if want := oracle.Has(options, asked); connection.Has(asked) != want {
			tb.Errorf("%q has %q: want %t", lines, asked, want)
		}
	}
	for _, version := range [][2]int{{0, 9}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {3, 0}} {
		want := fault == oracle.Fault{} && oracle.Persistent(options, version[0], version[1])
		if connection.Persistent(version[0], version[1]) != want {
			tb.Errorf("%q persistent in %d.%d: want %t", lines, version[0], version[1], want)
		}
	}
}

func TestHas(t *testing.T) {
	for _, lines := range [][]string{
		{}, {""}, {","}, {"close"}, {"Close"}, {"closed"}, {"clos"}, {"xclose"}, {"keep-alive"}, {"KEEP-ALIVE"}, {"keep_alive"},
		{"upgrade"}, {"uPGRADE"}, {"upgraded"}, {"notupgrade"}, {"upgrade-insecure-requests"}, {"http2-settings"}, {"keep-alive, upgrade"},
		{"a, b", "close"}, {"close", "a, b"}, {"keep-alive", "close"}, {"close", "keep-alive"}, {"a", "", ",", "upgrade,"},
		{"@close"}, {"close", "@"}, {"keep-alive close"},
	} {
		checkConnection(t, lines...)
	}
}

// The recorded options are compared octet by octet, and only ASCII letters are folded.
func TestHasFoldsOnlyLetters(t *testing.T) {
	for _, option := range []string{"close", "keep-alive", "upgrade", "te"} {
		for i := range len(option) {
			for c := range 256 {
				near := []byte(option)
				near[i] = byte(c)
				checkConnection(t, string(near))
			}
		}
	}
}

func TestZeroConnection(t *testing.T) {
	var c upgrade.Connection[string]
	if c.Has("close") || c.Has("") || c.Has("x") || c.Persistent(1, 0) || !c.Persistent(1, 1) {
		t.Error("the zero Connection has options")
	}
	for option := range c.All() {
		t.Errorf("the zero Connection has %q", option)
	}
}

// A malformed field has no options, whatever came before the fault, and does not keep the
// connection open.
func TestMalformedConnectionFailsSafe(t *testing.T) {
	for _, lines := range [][]string{{"close, upgrade", "x @"}, {"@"}, {"keep-alive", "keep-alive close"}, {"a=b"}, {"", "\x00"}} {
		c, err := upgrade.ParseConnection(lines...)
		if err == nil {
			t.Errorf("%q: no error", lines)
		}
		for _, option := range []string{"close", "keep-alive", "upgrade", "x", "a", ""} {
			if c.Has(option) {
				t.Errorf("%q has %q", lines, option)
			}
		}
		for option := range c.All() {
			t.Errorf("%q has %q", lines, option)
		}
		for _, version := range [][2]int{{1, 0}, {1, 1}, {1, 2}, {2, 0}} {
			if c.Persistent(version[0], version[1]) {
				t.Errorf("%q: persistent in %d.%d", lines, version[0], version[1])
			}
		}
	}
}
