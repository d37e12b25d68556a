package head_test

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// wholeTest is a head without a fault.
type wholeTest struct {
	name string
	head string
	want result // without N, Major and Fields
}

func (test wholeTest) run(t *testing.T, kind kind) {
	// Whatever follows is not part of the head.
	for _, rest := range []string{"", "\r", "DATA", "\x00\r\n\r\n", get + "\r\n"} {
		got, fault := parseAs(t, kind.zero(), test.head+rest, head.Limits{})
		if fault.Reason != 0 {
			t.Fatalf("offset %d: %v", fault.Offset, fault.Reason)
		}
		got.Fields = nil
		want := test.want
		want.N, want.Major = len(test.head), 1
		diff(t, "result", want, got)
	}
	checkOracle(t, test.head, kind)
	checkPieces(t, test.head, head.Limits{}, kind)
}

// refusedTest is a head with a fault at the mark. It ends where the fault becomes certain.
type refusedTest struct {
	name   string
	head   string
	reason head.Reason
	rule   string
}

func (test refusedTest) run(t *testing.T, kind kind) {
	text, at := marked(t, test.head)
	want := fault{at, test.reason}
	// It is refused there, whatever follows.
	for _, rest := range []string{"", "\r\n", "\r\n\r\n", "\x00"} {
		if _, got := parseAs(t, kind.zero(), text+rest, head.Limits{}); got != want {
			t.Errorf("got %v at %d, want %v at %d (%s)", got.Reason, got.Offset, want.Reason, want.Offset, test.rule)
		}
	}
	// It is not refused before that.
	res, got := parseAs(t, kind.zero(), text[:len(text)-1], head.Limits{})
	if got != (fault{}) || res.N != 0 {
		t.Errorf("got %v at %d without the last octet", got.Reason, got.Offset)
	}
	checkOracle(t, text, kind)
	checkPieces(t, text, head.Limits{}, kind)
}

// limitTest is a head within its limits, or beyond them at the mark.
type limitTest struct {
	name   string
	limits head.Limits
	head   string
	want   head.Reason // or 0, and then the head is whole
}

func (test limitTest) run(t *testing.T, kind kind) {
	if strings.Contains(test.head, "§") == (test.want == 0) {
		t.Fatal("want a mark exactly if there is a fault")
	}
	if test.want == 0 {
		if res, fault := parseAs(t, kind.zero(), test.head, test.limits); res.N != len(test.head) {
			t.Errorf("got %d, %v at %d", res.N, fault.Reason, fault.Offset)
		}
		return
	}
	text, at := marked(t, test.head)
	want := fault{at, test.want}
	if _, got := parseAs(t, kind.zero(), text, test.limits); got != want {
		t.Errorf("got %v at %d, want %v at %d", got.Reason, got.Offset, want.Reason, want.Offset)
	}
}
