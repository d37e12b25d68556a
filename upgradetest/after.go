package upgradetest

import (
	"regexp"
	"strings"
	"time"
)

// This file knows what follows the empty line of a 101: the new protocol, and no HTTP.

// afterPause is how long a check listens after the 101, if the client does not speak
// first.
const afterPause = 150 * time.Millisecond

var afterChecks = []check{
	{
		id: "101-nothing-after", title: "no HTTP follows the head of the 101",
		rule: must(9110, "15.2.2"), switching: true,
		judge: func(s *session) finding {
			a := s.afterwards()
			s.use(a.exchange)
			switch {
			case a.answer == nil || a.answer.status != 101:
				return note("%s", told(a.exchange))
			case a.wrong != "":
				return fail("%s", a.wrong)
			case a.doubt != "":
				return note("%s follows the 101, or the protocol begins like that", a.doubt)
			case a.octets == 0:
				return pass("nothing came unasked")
			}
			return pass("the octets that came belong to the protocol")
		},
	}, {
		// The server may have a reason, but the client sees none.
		id: "101-open", title: "the connection stays open after the 101, or the server says why not",
		rule: should(9110, "15.2.2"), switching: true,
		judge: func(s *session) finding {
			a := s.afterwards()
			s.use(a.exchange)
			switch {
			case a.answer == nil || a.answer.status != 101:
				return note("%s", told(a.exchange))
			case a.wrong != "":
				return skip("the octets after the 101 do not belong to the protocol: see 101-nothing-after")
			case a.end == EndClosed && a.octets == 0:
				return fail("the connection ended right after the head of the 101")
			}
			return pass("it does")
		},
	},
}

// afterwards tells what came after the 101 to the plain offer.
type afterwards struct {
	*exchange
	octets int    // after the head
	wrong  string // why they do not belong to the protocol, if that is certain
	doubt  string // what they may be instead, if neither is certain
	pongs  bool   // of websocket: a ping was answered
}

// afterwards sends the plain offer and listens, once for all checks.
func (s *session) afterwards() *afterwards {
	if s.later != nil {
		return s.later
	}
	used := s.used
	defer func() { s.used = used }()
	a := new(afterwards)
	var seen frames
	a.exchange = s.converse(func(c *conn) {
		c.send(s.offer().String())
		if answer := c.final(); answer == nil || answer.status != 101 {
			return
		}
		if is(s.Product, "websocket") {
			c.send(pingAfter)
			seen = c.frames()
			return
		}
		c.deadline = time.Now().Add(min(afterPause, s.Timeout))
		for c.fill() {
		}
	})
	if a.answer != nil {
		octets := string(a.received[a.after:])
		a.octets, a.pongs = len(octets), seen.pongAfter
		if octets != "" {
			a.wrong, a.doubt = s.leftOver(a.answer, octets, seen.malformed)
		}
	}
	s.later = a
	return a
}

// leftOver judges the octets after a 101. There is at least one. wrong says why they do
// not belong to the new protocol, if that is certain; doubt says what they may be
// instead. malformed tells whether they were read as WebSocket frames and are not.
//
// A protocol that this package does not know may begin with any text: many servers greet
// their clients. Only a status line of HTTP/1 is proof.
func (s *session) leftOver(answer *response, octets string, malformed bool) (wrong, doubt string) {
	form := formOf(octets)
	follows := func(otherwise string) string {
		if form != "" {
			return form + " follows the 101"
		}
		return "the octets after the 101 are not " + otherwise
	}
	switch {
	case is(s.Product, "websocket"):
		if malformed {
			return follows("a WebSocket frame of a server"), ""
		}
		return "", ""
	case is(s.Product, "h2c"):
		if !mayBecomeSettings(octets) {
			return follows("a SETTINGS frame"), ""
		}
		return "", ""
	case answer.declaresContent():
		return "content follows the 101, as its head declares", ""
	case statusLine.MatchString(octets) && !strings.EqualFold(s.Product.Name(), "HTTP"):
		return follows("of the protocol"), ""
	}
	if form == "" && text(octets) {
		form = "text"
	}
	return "", form
}

// declaresContent reports whether a head says that content follows it. Content-Type alone
// does not: Docker sends it in a 101, for the stream.
func (r *response) declaresContent() bool {
	for _, length := range r.lines("Content-Length") {
		if strings.Trim(length, "0") != "" {
			return true
		}
	}
	return len(r.lines("Transfer-Encoding")) > 0
}

var (
	statusLine = regexp.MustCompile(`^HTTP/1\.[0-9] [1-5][0-9][0-9][ \r\n]`)
	chunk      = regexp.MustCompile(`^[0-9A-Fa-f]+[ \t]*(;[^\r\n]*)?\r\n`)
)

// formOf names the part of HTTP that octets begin like, or returns "".
func formOf(octets string) string {
	switch {
	case strings.HasPrefix(octets, "\r") || strings.HasPrefix(octets, "\n"):
		return "a line end"
	case statusLine.MatchString(octets):
		return "another response"
	case chunk.MatchString(octets):
		return "a chunk"
	case strings.HasPrefix(octets, "<"):
		return "a document"
	}
	return ""
}

// text reports whether the first octets are printable ASCII.
func text(octets string) bool {
	first := octets[:min(len(octets), 4)]
	return printable(first) == first
}
