package upgradetest

import "strings"

// This file knows messages that two readers could read differently, which is how requests
// get smuggled past a proxy. Each is an offer that would be taken but for one fault.

// The faults of three checks. Each line of a text is the value of a field line.
var (
	twoLengths = []string{"4\n5", "5\n4", "4, 5", "0\n5"}
	badLengths = []string{"0x0", "+0", "-1", "0 0", "0.0", "none"}
	badCodings = []string{"chunked, identity", "identity", "Identity", "gzip", "chunked, gzip", "xchunked"}
)

var framingChecks = []check{
	{
		id: "both-lengths", title: "the connection ends after a request with Content-Length and Transfer-Encoding",
		rule: must(9112, "6.1"),
		judge: func(s *session) finding {
			const content = "0\r\n\r\n" // five octets, so both fields agree on its end
			r := s.offer()
			r.fields = append(r.fields, "Content-Length: 5", "Transfer-Encoding: chunked")
			r.content = content
			e, open := s.followed(r)
			switch {
			case e.answer == nil:
				return refused(e)
			case e.answer.status == 101:
				return fail("it switches, so the connection goes on")
			}
			return ending(e, open)
		},
	}, {
		id: "two-lengths", title: "two different Content-Lengths get a 400, and the connection ends",
		rule: must(9112, "6.3"),
		judge: forEach(func(text string) func(*session) finding {
			return rejected(true, func(r *request) {
				for _, line := range strings.Split(text, "\n") {
					r.fields = append(r.fields, "Content-Length: "+line)
				}
				r.content = "12345"
			})
		}, twoLengths...),
	}, {
		id: "bad-length", title: "a Content-Length that is not a number gets a 400, and the connection ends",
		rule: must(9112, "6.3"),
		judge: forEach(func(length string) func(*session) finding {
			return rejected(true, func(r *request) { r.fields = append(r.fields, "Content-Length: "+length) })
		}, badLengths...),
	}, {
		id: "coding-not-chunked", title: "a Transfer-Encoding that does not end in chunked is refused",
		rule: must(9112, "6.3"),
		judge: forEach(func(coding string) func(*session) finding {
			return rejected(true, func(r *request) {
				r.fields = append(r.fields, "Transfer-Encoding: "+coding)
				r.content = "0\r\n\r\n"
			}, 501) // from a server that does not know the coding (RFC 9112, section 6.1)
		}, badCodings...),
	}, {
		id: "coding-unknown", title: "an unknown transfer coding is refused, and the connection ends",
		rule: should(9112, "6.1"),
		judge: rejected(true, func(r *request) {
			r.fields = append(r.fields, "Transfer-Encoding: "+madeUp+", chunked")
			r.content = "0\r\n\r\n"
		}, 501),
	}, {
		id: "blank-before-colon", title: "a blank between field name and colon gets a 400",
		rule: must(9112, "5.1"),
		judge: func(s *session) finding {
			product := s.Product.String()
			return rejected(false, func(r *request) {
				r.upgrade = nil
				r.fields = append(r.fields, "Upgrade : "+product)
			})(s)
		},
	}, {
		id: "bare-cr", title: "a CR alone does not end a line",
		rule: must(9112, "2.2"), switching: true,
		judge: unless(takesNothing, untaken(func(r *request, p string) {
			r.upgrade = nil
			r.fields = append(r.fields, "X: y\rUpgrade: "+p)
		})),
	}, {
		id: "folded-line", title: "a line that begins with a blank is not a field line",
		rule: must(9112, "5.2"), switching: true,
		judge: unless(takesNothing, untaken(func(r *request, p string) {
			r.upgrade = nil
			r.fields = append(r.fields, "X: y", " Upgrade: "+p)
		})),
	}, {
		id: "blank-first-line", title: "a line right after the request line is not a field line if it begins with a blank",
		rule: must(9112, "2.2"), switching: true,
		judge: unless(takesNothing, untaken(func(r *request, p string) {
			r.upgrade = nil
			r.first = []string{" Upgrade: " + p}
		})),
	}, {
		id: "nul", title: "a NUL does not end a value",
		rule: must(9110, "5.5"), switching: true,
		judge: untakenProduct(func(r *request, p string) { r.upgrade = []string{p + "\x00" + madeUp} }),
	}, {
		id: "host-missing", title: "a request without Host gets a 400",
		rule:  must(9112, "3.2"),
		judge: rejected(false, func(r *request) { r.hosts = nil }),
	}, {
		id: "host-twice", title: "a request with two Host lines gets a 400",
		rule: must(9112, "3.2"),
		judge: forEach(func(which string) func(*session) finding {
			return rejected(false, func(r *request) {
				second := "upgrade101.invalid"
				if which == "the same value" {
					second = r.hosts[0]
				}
				r.hosts = append(r.hosts, second)
			})
		}, "another value", "the same value"),
	}, {
		id: "host-malformed", title: "a request with a malformed Host gets a 400",
		rule: must(9112, "3.2"),
		judge: forEach(func(host string) func(*session) finding {
			return unlessPassedOn(rejected(false, func(r *request) { r.hosts = []string{host} }))
		}, "a b", "fd00:10:0:0::1:8081", "[::1", "a:8x", "u@a", "http://a", "a/b", "a?b"),
	},
}

// rejected judges whether a message with that fault gets a 400, or one of the statuses in
// also. If ends is true, it also judges whether the connection ends after the answer.
func rejected(ends bool, fault func(*request), also ...int) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		fault(&r)
		var e *exchange
		open := unknown
		if ends {
			e, open = s.followed(r)
		} else {
			e = s.ask(r)
		}
		right := e.answer != nil && e.answer.status == 400
		for _, status := range also {
			right = right || e.answer != nil && e.answer.status == status
		}
		switch {
		case e.answer == nil && e.end == EndClosed && len(e.received) == 0:
			return note("%s, but a 400 is required", told(e))
		case e.answer == nil:
			return note("%s", told(e))
		case right && ends:
			return ending(e, open)
		case right:
			return pass("%s", told(e))
		case e.answer.status < 400 || s.usual(e.answer.status):
			return fail("%s, as if nothing were wrong", told(e))
		}
		return note("%s, but a 400 is required", told(e))
	}
}

// unlessPassedOn skips a failure without a switch if only a handler is judged: the server
// should have refused the request before it called the handler.
func unlessPassedOn(judge func(*session) finding) func(*session) finding {
	return func(s *session) finding {
		f := judge(s)
		if e := s.used[len(s.used)-1]; s.handler && f.verdict == Fail && e.answer.status != 101 {
			return skip("net/http passes the request to the handler, which does not switch: %s", told(e))
		}
		return f
	}
}

// usual reports whether requests without a fault get that status.
func (s *session) usual(status int) bool {
	used := s.used
	plain, offer := s.plain(), s.baseline()
	s.used = used
	return plain.answer != nil && plain.answer.status == status || offer.answer != nil && offer.answer.status == status
}

// openness tells whether a connection goes on after an answer.
type openness uint8

const (
	unknown openness = iota
	open
	closed
)

// followed sends a request. After the answer it sends a plain request, to see whether the
// connection is still open.
func (s *session) followed(r request) (*exchange, openness) {
	state := unknown
	e := s.converse(func(c *conn) {
		c.send(r.String())
		first := c.final()
		if first == nil || first.status == 101 {
			return
		}
		if c.content(first) {
			c.send(s.bare().String())
			if c.final() != nil {
				state = open
				return
			}
		}
		if c.dead && c.end == EndClosed {
			state = closed
		}
	})
	return e, state
}

// ending judges whether the connection ended after the answer.
func ending(e *exchange, state openness) finding {
	switch state {
	case open:
		return fail("%s, and then it answered the next request on the connection", told(e))
	case closed:
		return pass("%s, and the connection ended", told(e))
	}
	return note("%s; whether the connection ended did not show in time", told(e))
}
