package upgradetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
)

// This file knows what a check and its result are, and which checks there are. It knows
// nothing of connections.

// Level tells how much a failed check weighs.
type Level uint8

const (
	// May is for behaviour that no rule demands, but that other servers have and
	// clients count on.
	May Level = iota + 1

	// Should is for behaviour that an RFC recommends. It is also for behaviour that one
	// sentence of an RFC demands and another seems to leave open: a server that does
	// not take an offer in an unusual spelling breaks the rules of parsing, but a
	// server may ignore any offer.
	Should

	// Must is for behaviour that an RFC demands and leaves no choice about.
	Must
)

// String returns the word of RFC 2119: "MUST", "SHOULD" or "MAY". It returns an empty
// string for any other level.
func (l Level) String() string { return word(int(l), "MAY", "SHOULD", "MUST") }

// Verdict is the outcome of a check.
type Verdict uint8

const (
	// Pass is for a server that does what the check says.
	Pass Verdict = iota + 1

	// Fail is for a server that does not, as its answer proves.
	Fail

	// Skip is for a check that was left out, or that does not apply to the product, the
	// connection or the behaviour of the server.
	Skip

	// Note is for an answer that proves nothing, or for no answer in time.
	Note
)

// String returns "pass", "fail", "skip" or "note". It returns an empty string for any
// other verdict.
func (v Verdict) String() string { return word(int(v), "pass", "fail", "skip", "note") }

// word returns the nth of words, from 1, or an empty string.
func word(n int, words ...string) string {
	if n < 1 || n > len(words) {
		return ""
	}
	return words[n-1]
}

// Check is one question to a server.
type Check struct {
	ID      string // never changes its meaning
	Title   string // what a server that passes does
	RFC     string // the number, such as "9110"
	Section string // of the RFC, such as "7.8"
	Remedy  string // what to change in a server that fails, in a sentence
	Level   Level
	Applies bool // whether the check is about the product that is offered
}

// Result is the outcome of one check.
type Result struct {
	Check
	Verdict Verdict

	// Sent and Received are the octets of the connection that the verdict rests on.
	// They are empty if there was no connection. Escape them before you show them.
	Sent, Received []byte

	// Detail is a sentence that says why. It is printable ASCII. Of the octets that the
	// server sent, it quotes only numbers and tokens.
	Detail string

	// End says why no more was read from that connection.
	End End
}

// FailedMust reports whether the check failed at the level MUST.
func (r Result) FailedMust() bool { return r.Verdict == Fail && r.Level == Must }

// Checks returns all checks, in the order that Run makes them, with the levels that they
// have for an offer of product. It includes the checks about other products, which Run
// skips.
func Checks(product upgrade.Product[string]) []Check {
	var public []Check
	for _, c := range checks() {
		public = append(public, c.public(product))
	}
	return public
}

// checks returns all checks.
func checks() []check {
	return slices.Concat(switchChecks, afterChecks, untakenChecks, takenChecks, contentChecks, answerChecks,
		framingChecks, webSocketChecks, negotiationChecks, h2cChecks, clientChecks())
}

// check is a Check, with all that is needed to make it.
type check struct {
	id, title string
	rule      rule

	// other is the rule for products other than websocket, whose RFC demands more. The
	// zero rule means that rule is for all products.
	other rule

	// only is the product that the check is about, if it is about one.
	only string

	// switching is true if an answer proves something only of a server that takes the
	// offer in its plain form.
	switching bool

	judge func(*session) finding
}

// rule is the place in an RFC that a check rests on, and how much a failure weighs.
type rule struct {
	rfc     int
	section string
	level   Level
}

func must(rfc int, section string) rule   { return rule{rfc, section, Must} }
func should(rfc int, section string) rule { return rule{rfc, section, Should} }
func may(rfc int, section string) rule    { return rule{rfc, section, May} }

// public returns the check as it is for an offer of product.
func (c check) public(product upgrade.Product[string]) Check {
	r := c.rule
	if c.other != (rule{}) && !is(product, "websocket") {
		r = c.other
	}
	return Check{c.id, c.title, fmt.Sprint(r.rfc), r.section, remedyOf(c.id), r.level, c.applies(product)}
}

// applies reports whether the check is about an offer of product.
func (c check) applies(product upgrade.Product[string]) bool {
	return c.only == "" || is(product, c.only)
}

// is reports whether product is the one that text names.
func is(product upgrade.Product[string], text string) bool {
	name, version, _ := strings.Cut(text, "/")
	return product.Version() == version && strings.EqualFold(product.Name(), name)
}

// finding is a verdict and a sentence that says why. Of the octets that the server sent,
// the sentence quotes only numbers and tokens.
type finding struct {
	verdict Verdict
	reason  string
}

func pass(format string, args ...any) finding { return finding{Pass, fmt.Sprintf(format, args...)} }
func fail(format string, args ...any) finding { return finding{Fail, fmt.Sprintf(format, args...)} }
func skip(format string, args ...any) finding { return finding{Skip, fmt.Sprintf(format, args...)} }
func note(format string, args ...any) finding { return finding{Note, fmt.Sprintf(format, args...)} }
