package upgradetest

import (
	"slices"
	"strings"
)

// This file knows what RFC 6455 lets a server choose: a subprotocol and extensions. It
// does not know what any of these means. Of permessage-deflate it knows the parameters.

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
		id: "websocket-extensions-known", title: "the 101 leaves out an unknown extension that was offered, and parameters that are not allowed",
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
	deflates := 0
	for _, e := range listed {
		name := extensionName(e)
		offers := slices.DeleteFunc(slices.Clone(offered), func(o string) bool { return extensionName(o) != name })
		switch {
		case len(offers) == 0 && name == madeUp:
			return fail("it lists an extension that was made up for this check")
		case len(offers) == 0:
			return fail("it lists an extension that was not offered")
		case name != deflate:
			continue
		}
		if wrong := deflateFault(e, offers); wrong != "" {
			return fail("%s", wrong)
		}
		if deflates++; deflates > 1 {
			return fail("it lists permessage-deflate twice (RFC 7692, section 5)")
		}
	}
	if len(listed) == 0 {
		return pass("it lists none")
	}
	return pass("it lists %d of %d offered", len(listed), len(offered))
}

const deflate = "permessage-deflate"

// deflateFault returns what is wrong with the parameters of permessage-deflate in a 101
// (RFC 7692, section 7.1), or "". offers are the elements of the request that offer it.
func deflateFault(element string, offers []string) string {
	seen := make(map[string]bool)
	for _, parameter := range split(element, ';')[1:] {
		name, value, valued := strings.Cut(parameter, "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if valued {
				return "it gives " + name + " a value, but the parameter has none (RFC 7692, section 7.1.1)"
			}
		case "server_max_window_bits", "client_max_window_bits":
			if !slices.Contains([]string{"8", "9", "10", "11", "12", "13", "14", "15"}, value) {
				return "it sets " + name + " to a value that is not a number from 8 to 15 (RFC 7692, section 7.1.2)"
			}
			if name[0] == 'c' && !slices.ContainsFunc(offers, func(o string) bool { return strings.Contains(o, name) }) {
				return "it sets client_max_window_bits, which was not offered (RFC 7692, section 7.1.2.2)"
			}
		default:
			return "it sets a parameter that permessage-deflate does not have (RFC 7692, section 7.1)"
		}
		if seen[name] {
			return "it sets " + name + " twice (RFC 7692, section 7.1)"
		}
		seen[name] = true
	}
	return ""
}

// elements returns the list elements of lines, without the blanks around them.
func elements(lines []string) []string {
	var all []string
	for _, line := range lines {
		for _, element := range split(line, ',') {
			if element != "" {
				all = append(all, element)
			}
		}
	}
	return all
}

// split returns the parts of s between separators, without the blanks around them. A
// separator in a quoted string does not count.
func split(s string, separator byte) []string {
	var parts []string
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			parts = append(parts, strings.Trim(s[from:i], " \t"))
			from = i + 1
		}
	}
	return append(parts, strings.Trim(s[from:], " \t"))
}

// extensionName returns the name of an extension, without its parameters.
func extensionName(element string) string {
	name, _, _ := strings.Cut(element, ";")
	return strings.Trim(name, " \t")
}
