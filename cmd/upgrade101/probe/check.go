// Package probe checks how a server that somebody runs handles Upgrade: it sends the
// requests that tell servers apart, over TCP or TLS, and judges what comes back by the
// rules of RFC 9110, RFC 9112, RFC 6455 and RFC 7540.
//
// A server may ignore any offer ([RFC 9110, section 7.8]). So one that never switches
// fails nothing that needs a switch: such checks are skipped. And a verdict rests on
// what came back, never on what did not come in time; where only a guess is possible,
// it is a note.
//
// It knows nothing of command lines and terminals: results hold the octets as they came,
// and whoever shows them escapes them.
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
)

// This file knows what a check and its result are, and which checks there are. It knows
// nothing of connections.

// Level tells how much a check that fails weighs.
type Level uint8

const (
	// May is for what no rule asks of the server, but others do and clients count on.
	May Level = iota + 1

	// Should is for what an RFC recommends to the server. So is what it demands, if
	// another sentence can be read as leave to do otherwise: a server that does not
	// take an offer in another spelling breaks the rules of parsing, but may ignore
	// any offer.
	Should

	// Must is for what an RFC demands of the server, and leaves no choice.
	Must
)

// String returns the word of RFC 2119: "MUST", "SHOULD" or "MAY".
func (l Level) String() string { return [...]string{"", "MAY", "SHOULD", "MUST"}[l] }

// Verdict is what came out of a check.
type Verdict uint8

const (
	Pass Verdict = iota + 1
	Fail

	// Skip is for a check that does not apply to the product, the scheme or what the
	// server does.
	Skip

	// Note is for an answer that cannot be judged.
	Note
)

// String returns "pass", "fail", "skip" or "note".
func (v Verdict) String() string { return [...]string{"", "pass", "fail", "skip", "note"}[v] }

// Rule is where an RFC says what a check is about, and how much that weighs.
type Rule struct {
	RFC     int
	Section string
	Level   Level
}

// String returns a text such as "RFC 9110, 7.8".
func (r Rule) String() string { return fmt.Sprintf("RFC %d, %s", r.RFC, r.Section) }

// Check is one question to a server.
type Check struct {
	ID    string // never changes its meaning
	Title string // what a server that passes does
	Rule  Rule

	// other is the rule for products other than websocket, whose RFC asks more; the
	// zero Rule if it is the same.
	other Rule

	// only is the product that it is about, if it is about one.
	only string

	// switching tells that an answer says something only if the server takes the
	// offer in its plain form.
	switching bool

	judge func(*session) finding
}

// finding is a verdict and a sentence of why. Of what the server sent, the sentence
// holds numbers and tokens alone.
type finding struct {
	verdict Verdict
	reason  string
}

func pass(format string, args ...any) finding { return finding{Pass, fmt.Sprintf(format, args...)} }
func fail(format string, args ...any) finding { return finding{Fail, fmt.Sprintf(format, args...)} }
func skip(format string, args ...any) finding { return finding{Skip, fmt.Sprintf(format, args...)} }
func note(format string, args ...any) finding { return finding{Note, fmt.Sprintf(format, args...)} }

// Result is what came out of one check.
type Result struct {
	Check   Check
	Verdict Verdict
	Reason  string // a sentence; printable ASCII

	// Exchanges are what the verdict rests on, the one that it is about last. Several
	// results may share one.
	Exchanges []*Exchange
}

// FailedMust reports whether the server broke a demand.
func (r Result) FailedMust() bool { return r.Verdict == Fail && r.Check.Rule.Level == Must }

// Checks returns all checks, with the rules as they stand for an offer of product.
func Checks(product upgrade.Product[string]) []Check {
	all := slices.Concat(switchChecks, untakenChecks, takenChecks, contentChecks, answerChecks, framingChecks, webSocketChecks, h2cChecks)
	for i, c := range all {
		if c.other != (Rule{}) && !is(product, "websocket") {
			all[i].Rule = c.other
		}
	}
	return all
}

// Applies reports whether the check is about an offer of product.
func (c Check) Applies(product upgrade.Product[string]) bool {
	return c.only == "" || is(product, c.only)
}

// is reports whether a product has that name and no version.
func is(product upgrade.Product[string], name string) bool {
	return product.Version() == "" && strings.EqualFold(product.Name(), name)
}

func must(rfc int, section string) Rule   { return Rule{rfc, section, Must} }
func should(rfc int, section string) Rule { return Rule{rfc, section, Should} }
func may(rfc int, section string) Rule    { return Rule{rfc, section, May} }
