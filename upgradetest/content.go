package upgradetest

import (
	"strconv"
	"strings"
	"time"
)

// This file knows requests with content, and what comes after a request on the same
// connection: whether the server finds where each request ends.

// contentPause is how long content is held back for a server that may or may not wait for it.
const contentPause = 200 * time.Millisecond

var contentChecks = []check{
	{
		id: "content-length", title: "the content of the request is not read as the new protocol",
		rule: must(9112, "9.3"), switching: true,
		judge: contentTaken(func(r *request) {
			r.fields = append(r.fields, "Content-Length: "+strconv.Itoa(len(pingContent)))
			r.content = pingContent
		}),
	}, {
		id: "content-chunked", title: "the chunks of the request are not read as the new protocol",
		rule: must(9112, "9.3"), switching: true,
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
		id: "ignored-length", title: "the content after an offer of an unknown product is not read as a request",
		rule: must(9112, "9.3"),
		judge: forEach(func(which string) func(*session) finding {
			if which == hugeLength {
				return endlessContent
			}
			return ignoredContent(func(r *request, content string) {
				r.fields = []string{"Content-Length: " + strconv.Itoa(len(content))}
				r.content = content
			})
		}, "all of the content", hugeLength),
	}, {
		id: "ignored-chunked", title: "the chunks after an offer of an unknown product are not read as a request",
		rule: must(9112, "9.3"),
		judge: ignoredContent(func(r *request, content string) {
			r.fields = []string{"Transfer-Encoding: chunked"}
			r.content = strconv.FormatInt(int64(len(content)), 16) + "\r\n" + content + "\r\n0\r\n\r\n"
		}),
	}, {
		id: "ignored-pipelined", title: "a request right after an offer of an unknown product is answered too",
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
				return note("only one is answered, but that is so without an offer too")
			}
			s.used = used
			return fail("only the request with the offer is answered; without the offer, both are")
		},
	},
}

// contentTaken judges whether content that is a WebSocket frame is answered as one. Of other
// products it only knows that some servers send back what they receive: it judges whether
// the content comes back as it was sent. The content is sent later than the head: a server
// that does not wait for the content may throw away octets that come together with the head.
func contentTaken(change func(*request)) func(*session) finding {
	return func(s *session) finding {
		switch {
		case s.switchesElsewhere():
			return skip("it switches to something else: see 101-offered")
		case is(s.Product, "h2c"):
			return skip("HTTP/2 begins with the answer to the request, which may have its content")
		}
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
			if !is(s.Product, "websocket") {
				c.deadline = time.Now().Add(min(afterPause, s.Timeout))
				for c.fill() {
				}
				return
			}
			c.send(pingAfter)
			answers = c.frames()
		})
		switch {
		case e.answer == nil:
			return refused(e)
		case e.answer.status != 101:
			return pass("no 101: %s", told(e))
		case !is(s.Product, "websocket"):
			return returned(r, e)
		case answers.pongContent:
			return fail("a ping frame that was the content of the request is answered with a pong")
		case answers.pongAfter:
			return pass("a frame after the content is answered, and one inside it is not")
		}
		why := s.withoutPong()
		switch {
		case why != "":
			return skip("%s", why)
		case answers.closed == 1002:
			return fail("it closes with 1002 (protocol error) because of the content; without content, it answers a ping frame")
		}
		return note("it does not answer a frame after the content; without content, it does")
	}
}

// returned judges whether the content of r comes back after the 101. The new protocol may
// begin with an answer to the request, which may have the content, but not its chunks.
func returned(r request, e *exchange) finding {
	switch back := strings.Contains(string(e.received[e.after:]), r.content); {
	case back && r.content != pingContent:
		return fail("the chunks of the request come back after the 101")
	case back:
		return note("the content of the request comes back after the 101, which may be an answer to the request")
	}
	return skip("the content does not come back after the 101, which proves nothing")
}

// withoutPong says why a missing answer to a ping frame proves nothing about this server.
// It returns "" if a missing answer is proof.
func (s *session) withoutPong() string {
	switch a := s.afterwards(); {
	case a.wrong != "":
		return "the octets after the 101 are not a frame: see 101-nothing-after"
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
		return pass("it closes the connection because of them")
	}
	if why := s.withoutPong(); why != "" {
		return skip("%s", why)
	}
	return fail("a ping frame there is not answered, but one after the 101 is: a client must wait for the 101")
}

// expectContinue judges whether a 100 comes before the 101, if the value of Expect is
// expect. The content is held back until the server sends something or the time is up.
func expectContinue(expect string) func(*session) finding {
	return func(s *session) finding { return s.expectContinue(expect) }
}

// unlessForgotten skips a check of a server that sends no 100 for the usual spelling.
func unlessForgotten(judge func(*session) finding) func(*session) finding {
	return func(s *session) finding {
		if plain := s.expectContinue("100-continue"); plain.verdict == Fail {
			return skip("no 100 comes for the usual spelling either: see expect-continue")
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
		return fail("a 101 comes without a 100 before it")
	}
	return pass("100, then 101")
}

// ignoredContent judges whether content that looks like a request is read as one.
// Everything is sent at once: the offer, its content, and a request after it.
func ignoredContent(change func(r *request, content string)) func(*session) finding {
	return func(s *session) finding {
		e := s.pipelineIgnored(func(r *request) { change(r, s.bare().String()) })
		switch {
		case e.answer == nil:
			return refused(e)
		case e.answer.status == 101:
			return skip("it switches: see upgrade-unknown")
		case len(e.finals) > 2:
			return fail("%d answers to two requests: the server found another request in the content of the first", len(e.finals))
		case len(e.finals) == 2 && e.finals[1].status == 400 && !s.usual(400):
			return fail("the second request gets a 400, but not if it is sent alone: the server did not find where it begins")
		}
		return pass("%d answers to two requests, and no more", len(e.finals))
	}
}

// hugeLength is a valid Content-Length that fits no integer of 64 bits.
const hugeLength = "99999999999999999999"

// endlessContent judges whether content that never ends is read as a request.
func endlessContent(s *session) finding {
	e := s.pipelineIgnored(func(r *request) { r.fields = []string{"Content-Length: " + hugeLength} })
	switch {
	case e.answer == nil:
		return refused(e)
	case e.answer.status == 101:
		return skip("it switches: see upgrade-unknown")
	case len(e.finals) > 1 && (e.finals[1].status < 400 || s.usual(e.finals[1].status)):
		return fail("two answers to one request: the server found another request in its content")
	}
	return pass("%s", told(e))
}

// pipelineIgnored is pipeline for an offer of an unknown product with the content that change
// gives it.
func (s *session) pipelineIgnored(change func(*request)) *exchange {
	r := s.bare()
	r.method = "POST"
	r.connection, r.upgrade = []string{"Upgrade"}, []string{madeUp}
	change(&r)
	return s.pipeline(r)
}

// pipeline sends the request, and right after it a plain one that is the last of the
// connection. It reads the answers, up to one too many.
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
