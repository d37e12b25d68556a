package upgradetest

import (
	"strconv"
	"strings"
	"time"
)

// This file knows requests with content, and what comes after a request on the same
// connection: whether the server parts them where they end.

// contentPause is how long content is held back that nobody waits for, as far as we know.
const contentPause = 200 * time.Millisecond

var contentChecks = []check{
	{
		id: "content-length", title: "the content of the request is not taken for the new protocol",
		rule: must(9112, "9.3"), only: "websocket", switching: true,
		judge: contentTaken(func(r *request) {
			r.fields = append(r.fields, "Content-Length: "+strconv.Itoa(len(pingContent)))
			r.content = pingContent
		}),
	}, {
		id: "content-chunked", title: "the chunks of the request are not taken for the new protocol",
		rule: must(9112, "9.3"), only: "websocket", switching: true,
		judge: contentTaken(func(r *request) {
			r.fields = append(r.fields, "Transfer-Encoding: chunked")
			r.content = strconv.FormatInt(int64(len(pingContent)), 16) + "\r\n" + pingContent + "\r\n0\r\n\r\n"
		}),
	}, {
		id: "expect-continue", title: "with Expect: 100-continue, a 100 comes before the 101",
		rule: must(9110, "7.8"), switching: true,
		judge: expectContinue("100-continue"),
	}, {
		id: "expect-case", title: "case does not matter in 100-continue",
		rule: must(9110, "10.1.1"), switching: true,
		judge: unlessForgotten(forEach(expectContinue, "100-Continue", "100-CONTINUE")),
	}, {
		id: "expect-list", title: "100-continue is found in a list with empty elements",
		rule: should(9110, "5.6.1.2"), switching: true,
		judge: unlessForgotten(forEach(expectContinue, ", 100-continue", "100-continue,")),
	}, {
		id: "early-octets", title: "octets right after the offer are not lost",
		rule: may(6455, "4.1"), only: "websocket", switching: true,
		judge: earlyOctets,
	}, {
		id: "ignored-length", title: "the content after an offer that nobody knows is not taken for a request",
		rule: must(9112, "9.3"),
		judge: ignoredContent(func(r *request, content string) {
			r.fields = []string{"Content-Length: " + strconv.Itoa(len(content))}
			r.content = content
		}),
	}, {
		id: "ignored-chunked", title: "the chunks after an offer that nobody knows are not taken for a request",
		rule: must(9112, "9.3"),
		judge: ignoredContent(func(r *request, content string) {
			r.fields = []string{"Transfer-Encoding: chunked"}
			r.content = strconv.FormatInt(int64(len(content)), 16) + "\r\n" + content + "\r\n0\r\n\r\n"
		}),
	}, {
		id: "ignored-pipelined", title: "a request right after an offer that nobody knows is answered too",
		rule: should(9112, "9.3.2"),
		judge: func(s *session) finding {
			offer := s.bare()
			offer.connection, offer.upgrade = []string{"Upgrade"}, []string{madeUp}
			e := s.pipeline(offer)
			switch {
			case e.answer == nil:
				return note("%s", told(e))
			case e.answer.status == 101:
				return skip("it switches: see upgrade-unknown")
			case len(e.finals) > 1:
				return pass("both are answered")
			case e.answer.closes():
				return pass("the first answer says that the connection ends there")
			}
			used := s.used
			control := s.pipeline(s.bare())
			if len(control.finals) < 2 {
				return note("only one is answered, but so it is without an offer")
			}
			s.used = used
			return fail("only the offer is answered, but without one both are")
		},
	},
}

// contentTaken judges whether content that is a WebSocket frame is answered as one. It
// comes later than the head, for a server that does not wait for it may well throw away
// what comes together with that.
func contentTaken(change func(*request)) func(*session) finding {
	return func(s *session) finding {
		r := s.offer()
		change(&r)
		var answers frames
		e := s.converse(func(c *conn) {
			head, _, _ := strings.Cut(r.String(), "\r\n\r\n")
			c.send(head + "\r\n\r\n")
			c.deadline = time.Now().Add(min(contentPause, s.Timeout))
			answer := c.final()
			c.send(r.content)
			if answer == nil {
				answer = c.final()
			}
			if answer == nil || answer.status != 101 {
				return
			}
			c.send(pingAfter)
			answers = c.frames()
		})
		switch {
		case e.answer == nil && e.end == EndClosed && len(e.received) == 0:
			return pass("%s", told(e))
		case e.answer == nil:
			return note("%s", told(e))
		case e.answer.status != 101:
			return pass("no 101: %s", told(e))
		case answers.pongContent:
			return fail("a ping frame that was the content of the request is answered with a pong")
		case answers.pongAfter:
			return pass("a frame after the content is answered, and none in it")
		}
		why := s.withoutPong()
		switch {
		case why != "":
			return skip("%s", why)
		case answers.closed == 1002:
			return fail("it closes with 1002 (protocol error) over what was content, and answers a ping frame without")
		}
		return note("it answers no frame after the content, and does without content")
	}
}

// withoutPong says why no answer to a ping frame tells anything of this server, or
// nothing if one does.
func (s *session) withoutPong() string {
	switch a := s.afterwards(); {
	case a.wrong != "":
		return "what follows the 101 is no frame: see 101-nothing-after"
	case !a.pongs:
		return "the server does not answer a ping frame right after the 101 either"
	}
	return ""
}

// earlyOctets judges whether a frame right after the request is answered.
func earlyOctets(s *session) finding {
	var answers frames
	e := s.converse(func(c *conn) {
		c.send(s.offer().String() + pingAfter)
		if answer := c.final(); answer != nil && answer.status == 101 {
			answers = c.frames()
		}
	})
	switch {
	case e.answer == nil && e.end != EndClosed:
		return note("%s", told(e))
	case e.answer == nil, e.answer.status != 101:
		return pass("not taken at all: %s", told(e))
	case answers.pongAfter:
		return pass("a ping frame there is answered")
	case e.end == EndClosed || answers.closed > 0:
		return pass("it closes the connection over them")
	}
	if why := s.withoutPong(); why != "" {
		return skip("%s", why)
	}
	return fail("a ping frame there is not answered, and one after the 101 is; a client has to wait for the 101")
}

// expectContinue judges whether a 100 comes before the 101, if it is expected so. The content is held back
// until something comes.
func expectContinue(expect string) func(*session) finding {
	return func(s *session) finding { return s.expectContinue(expect) }
}

// unlessForgotten skips a check of a server that sends no 100 however it is asked.
func unlessForgotten(judge func(*session) finding) func(*session) finding {
	return func(s *session) finding {
		if plain := s.expectContinue("100-continue"); plain.verdict == Fail {
			return skip("no 100 comes anyway: see expect-continue")
		}
		s.used = nil
		return judge(s)
	}
}

func (s *session) expectContinue(expect string) finding {
	const content = "upgrade101"
	r := s.offer()
	if s.Product.Name() != "" && !is(s.Product, "websocket") {
		r.method = "POST"
	}
	r.fields = append(r.fields, "Expect: "+expect, "Content-Length: "+strconv.Itoa(len(content)))
	e := s.converse(func(c *conn) {
		c.send(r.String())
		first := c.response()
		switch {
		case first != nil && (first.status >= 200 || first.status == 101):
			c.answer, c.after = first, c.parsed
			return
		case first != nil:
			c.interim = append(c.interim, first)
		case c.end != EndTimeout:
			return
		}
		c.send(content)
		c.final()
	})
	continued := false
	for _, r := range e.interim {
		continued = continued || r.status == 100
	}
	switch {
	case e.answer == nil && e.end == EndClosed && len(e.received) == 0:
		return pass("no 101: %s", told(e))
	case e.answer == nil:
		return note("%s", told(e))
	case e.answer.status != 101:
		return pass("no 101: %s", told(e))
	case !continued:
		return fail("a 101 comes, and no 100 before it")
	}
	return pass("100, then 101")
}

// ignoredContent judges whether content that looks like a request is taken for one. All
// is sent at once: the offer, its content, and a request after it.
func ignoredContent(change func(r *request, content string)) func(*session) finding {
	return func(s *session) finding {
		r := s.bare()
		r.method = "POST"
		r.connection, r.upgrade = []string{"Upgrade"}, []string{madeUp}
		change(&r, s.bare().String())
		e := s.pipeline(r)
		switch {
		case e.answer == nil && e.end == EndClosed && len(e.received) == 0:
			return pass("%s", told(e))
		case e.answer == nil:
			return note("%s", told(e))
		case e.answer.status == 101:
			return skip("it switches: see upgrade-unknown")
		case len(e.finals) > 2:
			return fail("%d answers to two requests: one more was found in the content of the first", len(e.finals))
		case len(e.finals) == 2 && e.finals[1].status == 400 && !s.usual(400):
			return fail("the request after it gets a 400, which alone it does not: it was not found where it begins")
		}
		return pass("%d and not more than two answers to two requests", len(e.finals))
	}
}

// pipeline sends the request, and right after it a plain one that is the last of the
// connection. It reads all answers that come, but not more than one too many.
func (s *session) pipeline(r request) *exchange {
	last := s.bare()
	last.connection = []string{"close"}
	return s.converse(func(c *conn) {
		c.send(r.String() + last.String())
		for range 3 {
			answer := c.final()
			if answer == nil || answer.status == 101 || !c.content(answer) {
				return
			}
		}
	})
}
