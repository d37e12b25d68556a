package upgradetest

import (
	"slices"
	"strings"
)

// This file knows what RFC 6455 lets a server choose: a subprotocol and extensions. It
// does not know what any of these means.

const (
	protocolField  = "Sec-WebSocket-Protocol"
	extensionField = "Sec-WebSocket-Extensions"
)

var negotiationChecks = []check{
	{
		id: "websocket-subprotocol", title: "the 101 names only a subprotocol that was offered",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			return chosen(r, elements(s.fieldLines(protocolField)))
		}),
	}, {
		id: "websocket-subprotocol-one", title: "the 101 names at most one of two subprotocols offered",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: forEach(func(text string) func(*session) finding {
			lines := strings.Split(text, "\n")
			return func(s *session) finding {
				r := s.offer()
				for _, line := range lines {
					r.fields = append(r.fields, protocolField+": "+line)
				}
				e := s.ask(r)
				if e.answer == nil || e.answer.status != 101 {
					return refused(e)
				}
				return chosen(e.answer, append(elements(s.fieldLines(protocolField)), elements(lines)...))
			}
		}, madeUp+", Upgrade101.made-up", madeUp+"\nUpgrade101.made-up"),
	}, {
		id: "websocket-extensions", title: "the 101 lists only extensions that were offered",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			return accepted(r, elements(s.fieldLines(extensionField)))
		}),
	}, {
		id: "websocket-extensions-known", title: "the 101 leaves out an unknown extension that was offered, and parameters that were not",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: forEach(func(text string) func(*session) finding {
			return func(s *session) finding {
				r := s.offer()
				r.fields = append(r.fields, extensionField+": "+text)
				e := s.ask(r)
				if e.answer == nil || e.answer.status != 101 {
					return refused(e)
				}
				// The made-up extension is offered, but the server must not list it.
				known := slices.DeleteFunc(append(elements(s.fieldLines(extensionField)), elements([]string{text})...),
					func(e string) bool { return extensionName(e) == madeUp })
				return accepted(e.answer, known)
			}
		}, madeUp+"; x=1, permessage-deflate", "permessage-deflate; client_max_window_bits, "+madeUp, "permessage-deflate"),
	},
}

// chosen judges the subprotocol of a 101 that answers a request with these offers.
func chosen(r *response, offered []string) finding {
	lines := r.lines(protocolField)
	switch {
	case len(lines) == 0:
		return pass("it names none")
	case len(lines) > 1:
		return fail("it has %d lines of %s", len(lines), protocolField)
	case slices.Contains(offered, lines[0]):
		return pass("it names one of %d offered", len(offered))
	case strings.Contains(lines[0], ","):
		return fail("it names a list of subprotocols, but may name only one")
	case len(offered) == 0:
		return fail("it names one, but none was offered")
	}
	return fail("it names one that was not offered")
}

// accepted judges the extensions of a 101 that may list these.
func accepted(r *response, offered []string) finding {
	listed := elements(r.lines(extensionField))
	for _, e := range listed {
		i := slices.IndexFunc(offered, func(o string) bool { return extensionName(o) == extensionName(e) })
		switch {
		case i < 0 && extensionName(e) == madeUp:
			return fail("it lists an extension that was made up for this check")
		case i < 0:
			return fail("it lists an extension that was not offered")
		case strings.Contains(e, "client_max_window_bits") && !slices.ContainsFunc(offered, func(o string) bool { return strings.Contains(o, "client_max_window_bits") }):
			return fail("it sets client_max_window_bits, which was not offered (RFC 7692, section 7.1.2.2)")
		}
	}
	if len(listed) == 0 {
		return pass("it lists none")
	}
	return pass("it lists %d of %d offered", len(listed), len(offered))
}

// elements returns the list elements of lines, without the blanks around them. A comma in
// a quoted string does not separate elements.
func elements(lines []string) []string {
	var all []string
	add := func(element string) {
		if element = strings.Trim(element, " \t"); element != "" {
			all = append(all, element)
		}
	}
	for _, line := range lines {
		quoted, from := false, 0
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case c == ',' && !quoted:
				add(line[from:i])
				from = i + 1
			}
		}
		add(line[from:])
	}
	return all
}

// extensionName returns the name of an extension, without its parameters.
func extensionName(element string) string {
	name, _, _ := strings.Cut(element, ";")
	return strings.Trim(name, " \t")
}
