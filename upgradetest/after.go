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
			case a.doubtful:
				return note("octets came that may be content of the 101 or part of the protocol")
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
	octets   int    // after the head
	wrong    string // why they do not belong to the protocol, if that is certain
	doubtful bool   // it is not certain that they belong to it
	pongs    bool   // of websocket: a ping was answered
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
		a.wrong = leftOver(octets)
		switch {
		case a.wrong != "" || octets == "":
		case is(s.Product, "websocket"):
			if seen.malformed {
				a.wrong = "the octets after the 101 are not a WebSocket frame of a server"
			}
		case is(s.Product, "h2c"):
			if n := min(len(octets), frameHeadLength); octets[min(3, n):n] != "\x04\x00\x00\x00\x00\x00"[:max(n-3, 0)] {
				a.wrong = "the octets after the 101 are not a SETTINGS frame"
			}
		case a.answer.declaresContent():
			a.wrong = "content follows the 101, as its head declares"
		default:
			a.doubtful = text(octets)
		}
	}
	s.later = a
	return a
}

// declaresContent reports whether a head has a field that only a message with content
// has.
func (r *response) declaresContent() bool {
	return len(r.lines("Content-Type"))+len(r.lines("Content-Length"))+len(r.lines("Transfer-Encoding")) > 0
}

var chunk = regexp.MustCompile(`^[0-9A-Fa-f]+[ \t]*(;[^\r\n]*)?\r\n`)

// leftOver says with which part of HTTP the octets begin. It returns "" for any other
// octets.
func leftOver(octets string) string {
	switch {
	case strings.HasPrefix(octets, "\r") || strings.HasPrefix(octets, "\n"):
		return "a line end follows the 101"
	case strings.HasPrefix(octets, "HTTP/1."):
		return "another response follows the 101"
	case chunk.MatchString(octets):
		return "a chunk follows the 101"
	case strings.HasPrefix(octets, "<"):
		return "a document follows the 101"
	}
	return ""
}

// text reports whether the first octets are printable ASCII.
func text(octets string) bool {
	first := octets[:min(len(octets), 4)]
	return printable(first) == first
}
