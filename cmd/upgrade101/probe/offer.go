package probe

import (
	"strings"

	"github.com/gosegue/upgrade"
)

// This file knows offers: what is none and must not be taken, and in how many ways the
// same one can be written.

// Rules that many of the checks share. Of a malformed field RFC 9110 leaves it to the
// server what it makes of it, and of WebSocket's handshake RFC 6455 does not.
var (
	handshakeRule = must(6455, "4.2.1")
	recoveryRule  = may(9110, "2.4")
	offeredRule   = must(9110, "7.8")
	listRule      = should(9110, "5.6.1.2")
	linesRule     = should(9110, "5.2")
)

var untakenChecks = []Check{
	{
		ID: "http-1.0", Title: "an offer in HTTP/1.0 is ignored",
		Rule: offeredRule, switching: true,
		judge: oldVersion,
	}, {
		ID: "no-upgrade", Title: "a request without Upgrade gets no 101",
		Rule: offeredRule, switching: true,
		judge: untaken(func(r *request, _ string) { r.upgrade = nil }),
	}, {
		ID: "upgrade-blank", Title: "an Upgrade that is empty, but for commas, gets no 101",
		Rule: offeredRule, switching: true,
		judge: untaken(func(r *request, _ string) { r.upgrade = []string{"", ","} }),
	}, {
		ID: "upgrade-unknown", Title: "a product that nobody knows gets no 101",
		Rule:  offeredRule,
		judge: untaken(func(r *request, _ string) { r.upgrade = []string{madeUp} }),
	}, {
		ID: "upgrade-unknown-ignored", Title: "what is served without an offer is served with one that nobody knows",
		Rule: may(9110, "7.8"),
		judge: func(s *session) finding {
			plain := s.plain()
			if plain.answer == nil || plain.answer.status >= 400 {
				return skip("not served without an offer either: %s", told(plain))
			}
			r := s.bare()
			r.connection, r.upgrade = []string{"Upgrade"}, []string{madeUp}
			e := s.ask(r)
			switch {
			case e.answer == nil && e.End != EndClosed:
				return note("%s", told(e))
			case e.answer == nil, e.answer.status >= 400:
				return fail("%s: an offer that is not taken can be ignored", told(e))
			case e.answer.status == 101:
				return skip("it switches: see upgrade-unknown")
			}
			return pass("%s", told(e))
		},
	}, {
		ID: "upgrade-echoed", Title: "a 101 to a list does not name the product in it that nobody knows",
		Rule: must(9110, "15.2.2"), switching: true,
		judge: func(s *session) finding {
			r := s.offer()
			r.upgrade = []string{madeUp + ", " + s.Product.String()}
			e := s.ask(r)
			if e.answer == nil || e.answer.status != 101 {
				return skip("no 101: %s", told(e))
			}
			list, err := upgrade.ParseList(e.answer.lines("Upgrade")...)
			switch {
			case err != nil:
				return skip("Upgrade in the 101 is malformed")
			case list.Offers(upgrade.MustParseProduct(madeUp)):
				return fail("it claims to switch to a product that was made up for this check")
			}
			return pass("%s", told(e))
		},
	}, {
		ID: "upgrade-part", Title: "a product whose name has the right one in it is another product",
		Rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{"x" + p + ", " + p + "x"} }),
	}, {
		ID: "upgrade-other-version", Title: "the product in another version is another product",
		Rule: handshakeRule, other: offeredRule, switching: true,
		judge: unless(takesAll, func(s *session) finding {
			name, version := s.Product.Name(), "13"
			if s.Product.Version() == version {
				version = "14"
			}
			r := s.offer()
			r.upgrade = []string{name + "/" + version}
			e := s.ask(r)
			if e.answer != nil && e.answer.status == 101 && !is(s.Product, "websocket") {
				list, err := upgrade.ParseList(e.answer.lines("Upgrade")...)
				if err != nil || list.IsZero() {
					return note("it switched, and does not say to what")
				}
				if list.Offers(upgrade.MustParseProduct(r.upgrade[0])) {
					return note("it may have that version: %s", told(e))
				}
			}
			return refused(e)
		}),
	}, {
		ID: "upgrade-kelvin", Title: "the Kelvin sign (U+212A) is no k in a product",
		Rule: offeredRule, switching: true,
		judge: lookAlike("k", "\u212a"),
	}, {
		ID: "upgrade-long-s", Title: "the long s (U+017F) is no s in a product",
		Rule: offeredRule, switching: true,
		judge: lookAlike("s", "\u017f"),
	}, {
		ID: "upgrade-fullwidth", Title: "fullwidth letters (from U+FF21) are no letters in a product",
		Rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{fullwidth(p)} }),
	}, {
		ID: "upgrade-nbsp", Title: "a no-break space (U+00A0) is no blank behind a product",
		Rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "\u00a0"} }),
	}, {
		ID: "upgrade-nel", Title: "a next line (U+0085) is no blank behind a product",
		Rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "\u0085"} }),
	}, {
		ID: "upgrade-quoted", Title: "a quoted string is no product",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{`"` + p + `"`} }),
	}, {
		ID: "upgrade-parameter", Title: "a product has no parameters",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "; q=1"} }),
	}, {
		ID: "upgrade-two-words", Title: "two words with a blank between them are no product",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + " " + madeUp} }),
	}, {
		ID: "upgrade-neighbour", Title: "a malformed element spoils the list: nothing is offered",
		Rule: should(6455, "4.2.1"), other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{"a=b, " + p} }),
	}, {
		ID: "upgrade-neighbour-line", Title: "a malformed Upgrade line spoils the others: nothing is offered",
		Rule: should(6455, "4.2.1"), other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p, "foo bar"} }),
	}, {
		ID: "connection-missing", Title: "Upgrade without Connection is no offer",
		Rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untaken(func(r *request, _ string) { r.connection = nil }),
	}, {
		ID: "connection-other", Title: "Upgrade without the option upgrade in Connection is no offer",
		Rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untaken(func(r *request, _ string) { r.connection = []string{"keep-alive"} }),
	}, {
		ID: "connection-longer", Title: "an option that begins with upgrade is another option",
		Rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"upgraded"} }),
	}, {
		ID: "connection-prefixed", Title: "an option that ends in upgrade is another option",
		Rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"x-upgrade"} }),
	}, {
		ID: "connection-insecure-requests", Title: "the option Upgrade-Insecure-Requests is another option",
		Rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untakenOption(func(r *request, _ string) {
			r.connection = []string{"keep-alive, Upgrade-Insecure-Requests"}
			r.fields = append(r.fields, "Upgrade-Insecure-Requests: 1")
		}),
	}, {
		ID: "connection-quoted", Title: "a quoted string is no option",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{`"Upgrade"`} }),
	}, {
		ID: "connection-blank", Title: "a blank does not part options",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"keep-alive Upgrade"} }),
	}, {
		ID: "connection-semicolon", Title: "a semicolon does not part options",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"keep-alive;Upgrade"} }),
	}, {
		ID: "connection-nel", Title: "a next line (U+0085) is no blank behind an option",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"Upgrade\u0085"} }),
	}, {
		ID: "connection-control", Title: "a control character is no blank behind an option",
		Rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"Upgrade\x0b"} }),
	}, {
		ID: "connection-neighbour", Title: "a malformed option spoils the list: nothing is offered",
		Rule: should(6455, "4.2.1"), other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"a=b, Upgrade"} }),
	},
}

var takenChecks = []Check{
	{
		ID: "upgrade-case", Title: "case does not matter in a product's name",
		Rule: should(9110, "7.8"), switching: true,
		judge: taken(func(r *request, p string) {
			name, version, found := strings.Cut(p, "/")
			r.upgrade = []string{otherCase(name)}
			if found {
				r.upgrade[0] += "/" + version
			}
		}),
	}, {
		ID: "upgrade-list-first", Title: "the product is found in front of one that nobody knows",
		Rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{p + ", " + madeUp} }),
	}, {
		ID: "upgrade-list-last", Title: "the product is found behind one that nobody knows",
		Rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{madeUp + ", " + p} }),
	}, {
		ID: "upgrade-list-version", Title: "the product is found behind one that has a version",
		Rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{madeUp + "/1.0, " + p} }),
	}, {
		ID: "upgrade-line-first", Title: "the product is found on the first of two Upgrade lines",
		Rule: linesRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{p, madeUp} }),
	}, {
		ID: "upgrade-line-last", Title: "the product is found on the last of two Upgrade lines",
		Rule: linesRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{madeUp, p} }),
	}, {
		ID: "upgrade-empty", Title: "empty elements round the product do not matter",
		Rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{", " + p + " ,,"} }),
	}, {
		ID: "connection-case", Title: "case does not matter in the option upgrade",
		Rule: should(9110, "7.6.1"), switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{"uPGRADE"} }),
	}, {
		ID: "connection-list", Title: "the option upgrade is found in a list",
		Rule: should(9110, "7.6.1"), switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{"keep-alive, Upgrade"} }),
	}, {
		ID: "connection-line-first", Title: "the option upgrade is found on the first of two Connection lines",
		Rule: linesRule, switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{"Upgrade", "keep-alive"} }),
	}, {
		ID: "connection-line-last", Title: "the option upgrade is found on the last of two Connection lines",
		Rule: linesRule, switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{"keep-alive", "Upgrade"} }),
	}, {
		ID: "connection-empty", Title: "empty elements round the option upgrade do not matter",
		Rule: listRule, switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{", Upgrade ,,"} }),
	}, {
		ID: "tabs", Title: "tabs are blanks, in both fields",
		Rule: should(9110, "5.6.3"), switching: true,
		judge: taken(func(r *request, p string) {
			r.connection = []string{"\tkeep-alive\t,\tUpgrade\t"}
			r.upgrade = []string{"\t" + p + "\t"}
		}),
	}, {
		ID: "field-name-case", Title: "case does not matter in the names of the fields",
		Rule: should(9110, "5.1"), switching: true,
		judge: taken(func(r *request, p string) {
			connection := "Upgrade"
			if len(r.settings) > 0 {
				connection += ", HTTP2-Settings"
			}
			r.connection, r.upgrade, r.unnamed = nil, nil, true
			r.first = []string{"uPGRADE: " + p, "cONNECTION: " + connection}
		}),
	}, {
		ID: "http-1.2", Title: "HTTP/1.2 is taken for HTTP/1.1",
		Rule: should(9110, "2.5"), switching: true,
		judge: taken(func(r *request, _ string) { r.version = "HTTP/1.2" }),
	}, {
		ID: "octet-by-octet", Title: "an offer that comes octet by octet is the same offer",
		Rule: may(9110, "7.8"), switching: true,
		judge: func(s *session) finding {
			return s.missed(s.converse(func(c *conn) {
				c.dribble(s.ctx, s.offer().String())
				c.final()
			}))
		},
	}, {
		ID: "second-request", Title: "an offer on a connection that served a request is the same offer",
		Rule: may(9112, "9.3"), switching: true,
		judge: func(s *session) finding {
			persistent := false
			e := s.converse(func(c *conn) {
				c.send(s.bare().String())
				first := c.final()
				persistent = first != nil && first.status != 101 && !first.closes() && c.content(first)
				if persistent {
					c.answer = nil
					c.send(s.offer().String())
					c.final()
				}
			})
			if !persistent || e.answer == nil && e.End == EndClosed {
				return skip("the server ends the connection behind the first request")
			}
			return s.missed(e)
		},
	},
}

// untaken judges what becomes of the plain offer if it is changed so that it is none.
func untaken(change func(r *request, product string)) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		change(&r, s.Product.String())
		return refused(s.ask(r))
	}
}

// untakenProduct is untaken for a change of the product. It is skipped for a server that
// takes any.
func untakenProduct(change func(r *request, product string)) func(*session) finding {
	return unless(takesAll, untaken(change))
}

// untakenOption is untaken for a change of the option. It is skipped for a server that
// asks for none.
func untakenOption(change func(r *request, product string)) func(*session) finding {
	return unless(takesWithoutOption, untaken(change))
}

// A fault that explains others.
type cause struct {
	check  string // the one that it fails
	change func(*request)
}

var (
	takesAll           = cause{"upgrade-unknown", func(r *request) { r.upgrade = []string{madeUp} }}
	takesWithoutOption = cause{"connection-other", func(r *request) { r.connection = []string{"keep-alive"} }}
	takesNothing       = cause{"no-upgrade", func(r *request) { r.upgrade = nil }}
)

// unless skips a check that a server cannot but fail because of another, so that a fault
// is told once.
func unless(c cause, judge func(*session) finding) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		c.change(&r)
		used := s.used
		e := s.ask(r)
		s.used = used
		if e.answer != nil && e.answer.status == 101 {
			return skip("it switches whatever stands there: see %s", c.check)
		}
		return judge(s)
	}
}

// oldVersion judges what becomes of an offer in HTTP/1.0. A server that knows that
// HTTP/1.0 has no 101 may leave that out, and switch nevertheless.
func oldVersion(s *session) finding {
	r := s.offer()
	r.version = "HTTP/1.0"
	e := s.ask(r)
	f := refused(e)
	switch {
	case f.verdict != Note:
	case is(s.Product, "h2c") && beginsHTTP2(string(e.Received)):
		return fail("it goes on in HTTP/2, without so much as a 101")
	case is(s.Product, "websocket") && e.End == EndTimeout:
		var answers frames
		s.converse(func(c *conn) {
			c.send(r.String())
			c.send(pingBehind)
			answers = c.frames()
		})
		if answers.pongBehind {
			return fail("it answers nothing but a ping frame: it switched without so much as a 101")
		}
	}
	return f
}

// refused judges what must not get a 101. Any other answer is right.
func refused(e *Exchange) finding {
	switch {
	case e.answer != nil && e.answer.status == 101:
		return fail("%s", told(e))
	case e.answer != nil, e.End == EndClosed && len(e.Received) == 0:
		return pass("%s", told(e))
	}
	return note("%s", told(e))
}

// lookAlike is untaken for a letter in the product that is another character, if it has
// the letter.
func lookAlike(letter, other string) func(*session) finding {
	return func(s *session) finding {
		name := s.Product.Name()
		at := strings.Index(strings.ToLower(name), letter)
		if at < 0 {
			return skip("there is no %s in the product", letter)
		}
		return untakenProduct(func(r *request, p string) { r.upgrade = []string{p[:at] + other + p[at+1:]} })(s)
	}
}

// taken judges what becomes of the plain offer if it is written in another way.
func taken(change func(r *request, product string)) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		change(&r, s.Product.String())
		return s.missed(s.ask(r))
	}
}

// missed judges what ought to get a 101 because the plain offer gets one. A server that
// has stopped to take that one too is not blamed.
func (s *session) missed(e *Exchange) finding {
	switch {
	case e.answer != nil && e.answer.status == 101:
		return pass("%s", told(e))
	case e.answer == nil && e.End != EndClosed:
		return note("%s", told(e))
	}
	used := s.used
	still := s.stillSwitches()
	s.used = used
	if !still {
		return note("%s, but by now does not take the plain offer either", told(e))
	}
	return fail("%s, and 101 to the plain offer", told(e))
}

// otherCase returns s with the case of its ASCII letters turned.
func otherCase(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			return c ^ 0x20
		}
		return c
	}, s)
}

// fullwidth returns s with its ASCII letters in the form that is as wide as a Chinese
// character.
func fullwidth(s string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c - '!' + '\uff01'
		}
		return c
	}, s)
}
