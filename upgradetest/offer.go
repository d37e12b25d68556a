package upgradetest

import (
	"strings"

	"github.com/gosegue/upgrade"
)

// This file knows offers: the requests that are not valid offers and must not be taken,
// and the ways to write a valid one.

// Rules that many of the checks share. RFC 9110 lets a server decide what to do with a
// malformed field; RFC 6455 does not for the WebSocket handshake.
var (
	handshakeRule = must(6455, "4.2.1")
	recoveryRule  = may(9110, "2.4")
	offeredRule   = must(9110, "7.8")
	listRule      = should(9110, "5.6.1.2")
	linesRule     = should(9110, "5.2")
)

// partForms are values in which P stands for the product. All their names are made up: a
// server may well serve both echo and echo-2.
var partForms = []string{madeUp + "P, P" + madeUp, madeUp + "P", "P" + madeUp, "P-" + madeUp, "P." + madeUp}

var untakenChecks = []check{
	{
		id: "http-1.0", title: "an offer in HTTP/1.0 is ignored",
		rule: offeredRule, switching: true,
		judge: oldVersion,
	}, {
		id: "http-2.0", title: "an offer with HTTP/2.0 or HTTP/3.0 in the request line gets no 101",
		rule: should(9110, "15.6.6"), switching: true,
		judge: forEach(func(version string) func(*session) finding {
			return untaken(func(r *request, _ string) { r.version = version })
		}, "HTTP/2.0", "HTTP/3.0"),
	}, {
		id: "no-upgrade", title: "a request without Upgrade gets no 101",
		rule: offeredRule, switching: true,
		judge: untaken(func(r *request, _ string) { r.upgrade = nil }),
	}, {
		id: "upgrade-blank", title: "an Upgrade that is empty except for commas gets no 101",
		rule: offeredRule, switching: true,
		judge: untaken(func(r *request, _ string) { r.upgrade = []string{"", ","} }),
	}, {
		id: "upgrade-unknown", title: "an unknown product gets no 101",
		rule:  offeredRule,
		judge: untaken(func(r *request, _ string) { r.upgrade = []string{madeUp} }),
	}, {
		id: "upgrade-unknown-ignored", title: "a request that offers an unknown product is served like one without an offer",
		rule: may(9110, "7.8"),
		judge: func(s *session) finding {
			plain := s.plain()
			if plain.answer == nil || plain.answer.status >= 400 {
				return skip("not served without an offer either: %s", told(plain))
			}
			r := s.bare()
			r.connection, r.upgrade = []string{"Upgrade"}, []string{madeUp}
			e := s.ask(r)
			switch {
			case e.answer == nil && e.end != EndClosed:
				return note("%s", told(e))
			case e.answer == nil, e.answer.status >= 400:
				return fail("%s: an offer that is not taken can be ignored", told(e))
			case e.answer.status == 101:
				return skip("it switches: see upgrade-unknown")
			}
			return pass("%s", told(e))
		},
	}, {
		id: "upgrade-echoed", title: "the 101 to a list of products names no unknown product",
		rule: must(9110, "15.2.2"), switching: true,
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
		id: "upgrade-part", title: "a name that contains the product's name is another product",
		rule: offeredRule, switching: true,
		judge: forEach(func(form string) func(*session) finding {
			return untakenProduct(func(r *request, p string) { r.upgrade = []string{strings.ReplaceAll(form, "P", p)} })
		}, partForms...),
	}, {
		id: "upgrade-other-version", title: "the product in another version is another product",
		rule: handshakeRule, other: offeredRule, switching: true,
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
					return note("it switched, but does not say to what")
				}
				if list.Offers(upgrade.MustParseProduct(r.upgrade[0])) {
					return note("it may have that version: %s", told(e))
				}
			}
			return refused(e)
		}),
	}, {
		id: "upgrade-kelvin", title: "the Kelvin sign (U+212A) is not a k in a product",
		rule: offeredRule, switching: true,
		judge: lookAlike("k", "\u212a"),
	}, {
		id: "upgrade-long-s", title: "the long s (U+017F) is not an s in a product",
		rule: offeredRule, switching: true,
		judge: lookAlike("s", "\u017f"),
	}, {
		id: "upgrade-fullwidth", title: "fullwidth letters (from U+FF21) are not letters in a product",
		rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{fullwidth(p)} }),
	}, {
		id: "upgrade-nbsp", title: "a no-break space (U+00A0) is not a blank after a product",
		rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "\u00a0"} }),
	}, {
		id: "upgrade-nel", title: "the control NEL (U+0085) is not a blank after a product",
		rule: offeredRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "\u0085"} }),
	}, {
		id: "upgrade-quoted", title: "a quoted string is not a product",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{`"` + p + `"`} }),
	}, {
		id: "upgrade-parameter", title: "a product has no parameters",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "; q=1"} }),
	}, {
		id: "upgrade-two-words", title: "two words with a blank between them are not a product",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + " " + madeUp} }),
	}, {
		id: "upgrade-neighbour", title: "a malformed element spoils the list: nothing is offered",
		rule: should(6455, "4.2.1"), other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{"a=b, " + p} }),
	}, {
		id: "upgrade-neighbour-line", title: "a malformed Upgrade line spoils the others: nothing is offered",
		rule: should(6455, "4.2.1"), other: recoveryRule, switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p, "foo bar"} }),
	}, {
		id: "connection-missing", title: "Upgrade without Connection is not an offer",
		rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untaken(func(r *request, _ string) { r.connection = nil }),
	}, {
		id: "connection-other", title: "Upgrade without the option upgrade in Connection is not an offer",
		rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untaken(func(r *request, _ string) { r.connection = []string{"keep-alive"} }),
	}, {
		id: "connection-longer", title: "an option that begins with upgrade is another option",
		rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: forEach(func(option string) func(*session) finding {
			return untakenOption(func(r *request, _ string) { r.connection = []string{option} })
		}, "upgraded", "Upgrade2", "upgrade-x"),
	}, {
		id: "connection-prefixed", title: "an option that ends in upgrade is another option",
		rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: forEach(func(option string) func(*session) finding {
			return untakenOption(func(r *request, _ string) { r.connection = []string{option} })
		}, "x-upgrade", "notupgrade", "xUpgrade"),
	}, {
		id: "connection-insecure-requests", title: "the option Upgrade-Insecure-Requests is another option",
		rule: handshakeRule, other: may(9110, "7.8"), switching: true,
		judge: untakenOption(func(r *request, _ string) {
			r.connection = []string{"keep-alive, Upgrade-Insecure-Requests"}
			r.fields = append(r.fields, "Upgrade-Insecure-Requests: 1")
		}),
	}, {
		id: "connection-quoted", title: "a quoted string is not an option",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{`"Upgrade"`} }),
	}, {
		id: "connection-blank", title: "a blank does not separate options",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"keep-alive Upgrade"} }),
	}, {
		id: "connection-semicolon", title: "a semicolon does not separate options",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"keep-alive;Upgrade"} }),
	}, {
		id: "connection-nel", title: "the control NEL (U+0085) is not a blank after an option",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"Upgrade\u0085"} }),
	}, {
		id: "connection-control", title: "the control VT (U+000B) is not a blank after an option",
		rule: handshakeRule, other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"Upgrade\x0b"} }),
	}, {
		id: "connection-neighbour", title: "a malformed option spoils the list: nothing is offered",
		rule: should(6455, "4.2.1"), other: recoveryRule, switching: true,
		judge: untakenOption(func(r *request, _ string) { r.connection = []string{"a=b, Upgrade"} }),
	},
}

var takenChecks = []check{
	{
		id: "upgrade-case", title: "case does not matter in a product's name",
		rule: should(9110, "7.8"), switching: true,
		judge: forEach(func(which string) func(*session) finding {
			return taken(func(r *request, p string) {
				name, version, found := strings.Cut(p, "/")
				r.upgrade = []string{map[string]func(string) string{
					"case reversed": otherCase, "upper case": strings.ToUpper, "lower case": strings.ToLower,
				}[which](name)}
				if found {
					r.upgrade[0] += "/" + version
				}
			})
		}, "case reversed", "upper case", "lower case"),
	}, {
		id: "upgrade-list-first", title: "the product is found before an unknown one",
		rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{p + ", " + madeUp} }),
	}, {
		id: "upgrade-list-last", title: "the product is found after an unknown one",
		rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{madeUp + ", " + p} }),
	}, {
		id: "upgrade-list-version", title: "the product is found after one that has a version",
		rule: listRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{madeUp + "/1.0, " + p} }),
	}, {
		id: "upgrade-line-first", title: "the product is found on the first of two Upgrade lines",
		rule: linesRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{p, madeUp} }),
	}, {
		id: "upgrade-line-last", title: "the product is found on the last of two Upgrade lines",
		rule: linesRule, switching: true,
		judge: taken(func(r *request, p string) { r.upgrade = []string{madeUp, p} }),
	}, {
		id: "upgrade-empty", title: "empty elements around the product do not matter",
		rule: listRule, switching: true,
		judge: forEach(func(form string) func(*session) finding {
			return taken(func(r *request, p string) { r.upgrade = []string{strings.ReplaceAll(form, "P", p)} })
		}, ", P ,,", ",P", "P,", " , ,P"),
	}, {
		id: "connection-case", title: "case does not matter in the option upgrade",
		rule: should(9110, "7.6.1"), switching: true,
		judge: forEach(func(option string) func(*session) finding {
			return taken(func(r *request, _ string) { r.connection = []string{option} })
		}, "uPGRADE", "upgrade", "UPGRADE"),
	}, {
		id: "connection-list", title: "the option upgrade is found in a list",
		rule: should(9110, "7.6.1"), switching: true,
		judge: forEach(func(value string) func(*session) finding {
			return taken(func(r *request, _ string) { r.connection = []string{value} })
		}, "keep-alive, Upgrade", "Upgrade, keep-alive", "keep-alive,Upgrade"),
	}, {
		id: "connection-line-first", title: "the option upgrade is found on the first of two Connection lines",
		rule: linesRule, switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{"Upgrade", "keep-alive"} }),
	}, {
		id: "connection-line-last", title: "the option upgrade is found on the last of two Connection lines",
		rule: linesRule, switching: true,
		judge: taken(func(r *request, _ string) { r.connection = []string{"keep-alive", "Upgrade"} }),
	}, {
		id: "connection-empty", title: "empty elements around the option upgrade do not matter",
		rule: listRule, switching: true,
		judge: forEach(func(value string) func(*session) finding {
			return taken(func(r *request, _ string) { r.connection = []string{value} })
		}, ", Upgrade ,,", ",Upgrade", "Upgrade,"),
	}, {
		id: "tabs", title: "tabs are blanks, in both fields",
		rule: should(9110, "5.6.3"), switching: true,
		judge: taken(func(r *request, p string) {
			r.connection = []string{"\tkeep-alive\t,\tUpgrade\t"}
			r.upgrade = []string{"\t" + p + "\t"}
		}),
	}, {
		id: "field-name-case", title: "case does not matter in the names of the fields",
		rule: should(9110, "5.1"), switching: true,
		judge: taken(func(r *request, p string) {
			connection := "Upgrade"
			if len(r.settings) > 0 {
				connection += ", HTTP2-Settings"
			}
			r.connection, r.upgrade, r.unnamed = nil, nil, true
			r.first = []string{"uPGRADE: " + p, "cONNECTION: " + connection}
		}),
	}, {
		id: "http-1.2", title: "HTTP/1.2 is read as HTTP/1.1",
		rule: should(9110, "2.5"), switching: true,
		judge: taken(func(r *request, _ string) { r.version = "HTTP/1.2" }),
	}, {
		id: "absolute-form", title: "an offer with its target in absolute-form is taken",
		rule: should(9112, "3.2.2"), switching: true,
		judge: func(s *session) finding {
			r := s.offer()
			r.target = "http://" + s.Host + s.Target
			if s.secure {
				r.target = "https://" + s.Host + s.Target
			}
			return s.missed(s.ask(r))
		},
	}, {
		id: "length-zero", title: "an offer with Content-Length: 0 is taken",
		rule: should(9110, "8.6"), switching: true,
		judge: taken(func(r *request, _ string) { r.fields = append(r.fields, "Content-Length: 0") }),
	}, {
		id: "octet-by-octet", title: "an offer that comes octet by octet is taken",
		rule: may(9110, "7.8"), switching: true,
		judge: func(s *session) finding {
			return s.missed(s.converse(func(c *conn) {
				c.dribble(s.ctx, s.offer().String())
				c.final()
			}))
		},
	}, {
		id: "second-request", title: "an offer is taken on a connection that has served a request",
		rule: may(9112, "9.3"), switching: true,
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
			if !persistent || e.answer == nil && e.end == EndClosed {
				return skip("the server ends the connection after the first request")
			}
			return s.missed(e)
		},
	},
}

// untaken judges the answer to the plain offer, changed so that it is not a valid offer.
func untaken(change func(r *request, product string)) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		change(&r, s.Product.String())
		return refused(s.ask(r))
	}
}

// untakenProduct is untaken for a change of the product. It is skipped for a server that
// takes any product.
func untakenProduct(change func(r *request, product string)) func(*session) finding {
	return unless(takesAll, untaken(change))
}

// untakenOption is untaken for a change of the option. It is skipped for a server that
// does not require the option.
func untakenOption(change func(r *request, product string)) func(*session) finding {
	return unless(takesWithoutOption, untaken(change))
}

// cause is a fault that explains others.
type cause struct {
	check  string // the ID of the check that it fails
	change func(*request)
}

var (
	takesAll           = cause{"upgrade-unknown", func(r *request) { r.upgrade = []string{madeUp} }}
	takesWithoutOption = cause{"connection-other", func(r *request) { r.connection = []string{"keep-alive"} }}
	takesNothing       = cause{"no-upgrade", func(r *request) { r.upgrade = nil }}
)

// unless skips a check that a server with the fault c always fails, so that each fault is
// reported once.
func unless(c cause, judge func(*session) finding) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		c.change(&r)
		used := s.used
		e := s.ask(r)
		s.used = used
		if e.answer != nil && e.answer.status == 101 {
			return skip("it switches anyway: see %s", c.check)
		}
		return judge(s)
	}
}

// oldVersion judges the answer to an offer in HTTP/1.0. A server that knows that HTTP/1.0
// has no 101 may leave the 101 out, and switch nevertheless.
func oldVersion(s *session) finding {
	r := s.offer()
	r.version = "HTTP/1.0"
	e := s.ask(r)
	f := refused(e)
	switch {
	case f.verdict != Note:
	case is(s.Product, "h2c") && beginsHTTP2(string(e.received)):
		return fail("it goes on in HTTP/2 without even a 101")
	case is(s.Product, "websocket") && e.end == EndTimeout:
		var answers frames
		s.converse(func(c *conn) {
			c.send(r.String())
			c.send(pingAfter)
			answers = c.frames()
		})
		if answers.pongAfter {
			return fail("it answers only a ping frame: it switched without even a 101")
		}
	}
	return f
}

// refused judges the answer to a request that must not get a 101. Any other answer is
// right.
func refused(e *exchange) finding {
	switch {
	case e.answer != nil && e.answer.status == 101:
		return fail("%s", told(e))
	case e.answer != nil, e.end == EndClosed && len(e.received) == 0:
		return pass("%s", told(e))
	}
	return note("%s", told(e))
}

// lookAlike is untaken for a product in which another character replaces the letter. It is
// skipped if the product does not have the letter.
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

// taken judges the answer to the plain offer, written in another way.
func taken(change func(r *request, product string)) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		change(&r, s.Product.String())
		return s.missed(s.ask(r))
	}
}

// missed judges the answer to a request that should get a 101 because the plain offer gets
// one. A server that no longer takes the plain offer is not blamed.
func (s *session) missed(e *exchange) finding {
	switch {
	case e.answer != nil && e.answer.status == 101:
		return pass("%s", told(e))
	case e.answer == nil && e.end != EndClosed:
		return note("%s", told(e))
	}
	used := s.used
	still := s.stillSwitches()
	s.used = used
	if !still {
		return note("%s, but by now it does not take the plain offer either", told(e))
	}
	return fail("%s, but 101 to the plain offer", told(e))
}

// otherCase returns s with the case of its ASCII letters reversed.
func otherCase(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			return c ^ 0x20
		}
		return c
	}, s)
}

// fullwidth returns s with its ASCII letters in their fullwidth form, as wide as a Chinese
// character.
func fullwidth(s string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c - '!' + '\uff01'
		}
		return c
	}, s)
}
