package upgradetest

import (
	"github.com/gosegue/upgrade"
)

// This file knows Upgrade in responses other than 101. Its checks look at the answers to
// requests that other checks send too.

var answerChecks = []check{
	{
		id: "426-upgrade", title: "a 426 has an Upgrade that names what the server wants",
		rule: must(9110, "15.5.22"),
		judge: ofAnswers("no answer was a 426", wanting, func(r *response) string {
			list, err := upgrade.ParseList(r.lines("Upgrade")...)
			switch {
			case len(r.lines("Upgrade")) == 0:
				return "a 426 has no Upgrade"
			case err != nil:
				return "Upgrade in a 426 is malformed: " + err.Error()
			case list.IsZero():
				return "Upgrade in a 426 names nothing"
			}
			return ""
		}),
	}, {
		id: "426-connection", title: "a 426 has the option upgrade in Connection",
		rule: must(9110, "7.8"),
		judge: ofAnswers("no answer was a 426 with Upgrade", func(r *response) bool { return wanting(r) && len(r.lines("Upgrade")) > 0 }, func(r *response) string {
			if !r.has("upgrade") {
				return "a 426 has Upgrade, but Connection does not name it"
			}
			return ""
		}),
	}, {
		id: "advertised-connection", title: "an answer that advertises products in Upgrade has the option upgrade in Connection",
		rule: must(9110, "7.8"),
		judge: ofAnswers("no answer advertised a product", advertising, func(r *response) string {
			if !r.has("upgrade") {
				return "an answer has Upgrade, but Connection does not name it"
			}
			return ""
		}),
	}, {
		id: "advertised-valid", title: "Upgrade in an answer that advertises products is well-formed",
		rule: must(9110, "2.2"),
		judge: ofAnswers("no answer advertised a product", advertising, func(r *response) string {
			if _, err := upgrade.ParseList(r.lines("Upgrade")...); err != nil {
				return "Upgrade in an answer is malformed: " + err.Error()
			}
			return ""
		}),
	},
}

func wanting(r *response) bool { return r.status == 426 }

// advertising reports whether a response has Upgrade but need not have it.
func advertising(r *response) bool {
	return r.status != 101 && r.status != 426 && len(r.lines("Upgrade")) > 0
}

// ofAnswers sends a few requests, and judges the answers for which about returns true.
// broken returns what is wrong with an answer, or "". none is the reason to skip the check
// if there is no such answer.
func ofAnswers(none string, about func(*response) bool, broken func(*response) string) func(*session) finding {
	return func(s *session) finding {
		unknown, without, old := s.offer(), s.offer(), s.offer()
		unknown.upgrade = []string{madeUp}
		without.connection = nil
		old.version = "HTTP/1.0"
		requests := []request{s.bare(), s.offer(), unknown, without, old}
		if is(s.Product, "websocket") {
			requests = append(requests, s.ofVersions("12"))
		}
		var seen []*exchange
		for _, r := range requests {
			e := s.ask(r)
			if e.answer == nil || !about(e.answer) {
				continue
			}
			if wrong := broken(e.answer); wrong != "" {
				s.used = []*exchange{e}
				return fail("%s", wrong)
			}
			seen = append(seen, e)
		}
		s.used = seen
		if len(seen) == 0 {
			return skip("%s", none)
		}
		return pass("right in all %d answers to which the check applies; requests: %d", len(seen), len(requests))
	}
}
