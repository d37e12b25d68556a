package upgradetest

import (
	"strings"

	"github.com/gosegue/upgrade"
)

// This file knows what a 101 looks like. All its checks look at the same 101: the answer
// to the plain offer.

var switchChecks = []check{
	{
		id: "101-end", title: "the head of the 101 ends within 64 KiB",
		rule: must(9112, "2.1"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if r.cut != "" {
				return fail("%s", r.cut)
			}
			return pass("it does")
		}),
	}, {
		id: "101-status-line", title: "the 101 begins with a well-formed status line of HTTP/1.1",
		rule: must(9112, "4"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			switch {
			case r.badStatus != "":
				return fail("%s", r.badStatus)
			case r.major != 1 || r.minor < 1:
				return fail("the version is HTTP/%d.%d, which has no 101", r.major, r.minor)
			}
			return pass("HTTP/%d.%d 101", r.major, r.minor)
		}),
	}, {
		id: "101-lines", title: "the lines of the 101 are well-formed and end in CRLF",
		rule: must(9112, "2.1"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if len(r.faults) > 0 {
				return fail("%s", strings.Join(r.faults, "; "))
			}
			return pass("%d field lines", len(r.fields))
		}),
	}, {
		id: "101-upgrade", title: "the 101 names a product in Upgrade",
		rule: must(9110, "15.2.2"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if strings.Trim(strings.Join(r.lines("Upgrade"), ""), ", \t") == "" {
				return fail("the 101 does not name the protocol that follows it")
			}
			return pass("it has")
		}),
	}, {
		id: "101-upgrade-valid", title: "Upgrade in the 101 is well-formed",
		rule: must(9110, "2.2"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if len(r.lines("Upgrade")) == 0 {
				return skip("the 101 has no Upgrade")
			}
			if _, err := upgrade.ParseList(r.lines("Upgrade")...); err != nil {
				return fail("malformed: %v", err)
			}
			return pass("it is")
		}),
	}, {
		id: "101-offered", title: "the 101 names only a product that was offered",
		rule: must(9110, "7.8"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			list, err := upgrade.ParseList(r.lines("Upgrade")...)
			if err != nil || list.IsZero() {
				return skip("the 101 has no well-formed Upgrade")
			}
			for p := range list.All() {
				if !p.Matches(s.Product) {
					return fail("it names %s, but only %s was offered", shortened(p.String()), s.Product)
				}
			}
			return pass("it names %s", s.Product)
		}),
	}, {
		id: "101-upgrade-once", title: "the 101 has one Upgrade line, with one product",
		rule: must(6455, "4.2.2"), other: may(9110, "15.2.2"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			lines := r.lines("Upgrade")
			list, err := upgrade.ParseList(lines...)
			switch {
			case err != nil || list.IsZero():
				return skip("the 101 has no well-formed Upgrade")
			case !list.Offers(s.Product):
				return skip("it switches to something else: see 101-offered")
			}
			products := 0
			for range list.All() {
				products++
			}
			if len(lines) > 1 || products > 1 {
				return fail("Upgrade lines: %d, products: %d; several clients compare the whole value", len(lines), products)
			}
			return pass("one line, one product")
		}),
	}, {
		id: "101-connection", title: "the 101 has the option upgrade in Connection",
		rule: must(9110, "7.8"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			options, err := upgrade.ParseConnection(r.lines("Connection")...)
			switch {
			case len(r.lines("Connection")) == 0:
				return fail("the 101 has no Connection")
			case err != nil:
				return fail("Connection is malformed: %v", err)
			case !options.Has("upgrade"):
				return fail("Connection does not name upgrade, so a proxy may pass Upgrade on unchanged")
			}
			return pass("it has")
		}),
	}, {
		id: "101-connection-once", title: "Connection in the 101 has only the option upgrade",
		rule: should(6455, "4.2.2"), other: may(9110, "7.6.1"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			options, err := upgrade.ParseConnection(r.lines("Connection")...)
			if err != nil || !options.Has("upgrade") {
				return skip("the 101 has no option upgrade")
			}
			count := 0
			for range options.All() {
				count++
			}
			if count > 1 || len(r.lines("Connection")) > 1 {
				return fail("Connection lines: %d, options: %d; several clients compare the whole value", len(r.lines("Connection")), count)
			}
			return pass("one line, one option")
		}),
	}, {
		id: "101-no-length", title: "the 101 has no Content-Length",
		rule: must(9110, "8.6"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if len(r.lines("Content-Length")) > 0 {
				return fail("the 101 has a Content-Length: a client may wait for content, or read the protocol as content")
			}
			return pass("it has none")
		}),
	}, {
		id: "101-no-coding", title: "the 101 has no Transfer-Encoding",
		rule: must(9112, "6.1"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if len(r.lines("Transfer-Encoding")) > 0 {
				return fail("the 101 has a Transfer-Encoding: a client may read the protocol as coded content")
			}
			return pass("it has none")
		}),
	}, {
		id: "101-first", title: "no other 1xx comes unasked before the 101",
		rule: may(9110, "15.2"), switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			if before := s.baseline().interim; len(before) > 0 {
				return fail("a %d comes first, which many clients do not expect here", before[0].status)
			}
			return pass("none does")
		}),
	},
}

// ofSwitch judges the 101 that the plain offer got.
func ofSwitch(judge func(*session, *response) finding) func(*session) finding {
	return func(s *session) finding { return judge(s, s.baseline().answer) }
}
