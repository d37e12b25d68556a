package upgradetest

import (
	"strings"

	"github.com/gosegue/upgrade/websocket"
)

// This file knows what RFC 6455 adds to a switch, and just enough of frames to see
// whether the server reads any.

// The faults of the checks. Each line of a version is the value of a field line.
var (
	otherVersions = []string{"12", "8", "7", "0", "14", "255"}
	nearVersions  = []string{"13, 8, 7", "8, 13", "13\n8", "8\n13", "130", "13.0", "013", "+13", "13, 13", "13\n13"}
	otherMethods  = []string{"HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "get", "UPGRADE101"}
	shortKeys     = []string{"c2hvcnQ=", "", "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAA"} // of 5, 0, 15, 17 and 18 octets
	badKeys       = []string{"~!@$%^&*()~!@$%^&*()~!==", "dGhlIHNhbXBsZSBub2_-ZQ==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBs ZSBub25jZQ==", webSocketKey + ","}
)

var webSocketChecks = []check{
	{
		id: "websocket-accept", title: "the 101 has one Sec-WebSocket-Accept, which answers the key",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			lines := r.lines("Sec-WebSocket-Accept")
			switch {
			case len(lines) == 0:
				return fail("the 101 has no Sec-WebSocket-Accept")
			case len(lines) > 1:
				return fail("the 101 has %d lines of Sec-WebSocket-Accept", len(lines))
			case lines[0] != string(websocket.AppendAccept(nil, webSocketKey)):
				return fail("Sec-WebSocket-Accept does not answer the key")
			}
			return pass("it has")
		}),
	}, {
		id: "websocket-version", title: "a version other than 13 gets no 101",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: forEach(func(version string) func(*session) finding {
			return func(s *session) finding { return refused(s.ask(s.ofVersions(version))) }
		}, otherVersions...),
	}, {
		id: "websocket-version-list", title: "a Sec-WebSocket-Version that contains 13 but is not exactly 13 gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: forEach(func(text string) func(*session) finding {
			return func(s *session) finding { return refused(s.ask(s.ofVersions(strings.Split(text, "\n")...))) }
		}, nearVersions...),
	}, {
		id: "websocket-version-told", title: "the answer to an unknown version has Sec-WebSocket-Version",
		rule: must(6455, "4.4"), only: "websocket", switching: true,
		judge: forEach(func(version string) func(*session) finding {
			return func(s *session) finding {
				e := s.ask(s.ofVersions(version))
				switch {
				case e.answer == nil:
					return note("%s", told(e))
				case e.answer.status == 101:
					return skip("it switches: see websocket-version")
				case strings.Trim(strings.Join(e.answer.lines("Sec-WebSocket-Version"), ""), ", \t") == "":
					return fail("%s without Sec-WebSocket-Version", told(e))
				}
				return pass("%s with Sec-WebSocket-Version", told(e))
			}
		}, "12", "8"),
	}, {
		id: "websocket-version-missing", title: "a handshake without Sec-WebSocket-Version gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: untaken(func(r *request, _ string) { r.fields = without(r.fields, "Sec-WebSocket-Version") }),
	}, {
		id: "websocket-key-missing", title: "a handshake without Sec-WebSocket-Key gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: untaken(func(r *request, _ string) { r.fields = without(r.fields, "Sec-WebSocket-Key") }),
	}, {
		// A server need not decode the key. Some read this as leave not to look at it.
		id: "websocket-key-short", title: "a key that does not decode to 16 octets gets no 101",
		rule: should(6455, "4.2.1"), only: "websocket", switching: true,
		judge: forEach(func(key string) func(*session) finding { return untakenKeys(key) },
			shortKeys...),
	}, {
		id: "websocket-key-malformed", title: "a key that is not base64 gets no 101",
		rule: should(6455, "4.2.1"), only: "websocket", switching: true,
		judge: forEach(func(key string) func(*session) finding { return untakenKeys(key) },
			badKeys...),
	}, {
		id: "websocket-keys", title: "a handshake with two keys gets no 101",
		rule: should(6455, "11.3.1"), only: "websocket", switching: true,
		judge: forEach(func(second string) func(*session) finding { return untakenKeys(webSocketKey, second) },
			"eHl6IHNhbXBsZSBub25jZQ==", webSocketKey),
	}, {
		id: "websocket-post", title: "a POST gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: untaken(func(r *request, _ string) {
			r.method = "POST"
			r.fields = append(r.fields, "Content-Length: 0")
		}),
	}, {
		id: "websocket-method", title: "a method other than GET gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: forEach(func(method string) func(*session) finding {
			return untaken(func(r *request, _ string) { r.method = method })
		}, otherMethods...),
	},
}

// ofVersions returns a handshake with these lines of Sec-WebSocket-Version only.
func (s *session) ofVersions(lines ...string) request {
	r := s.offer()
	r.fields = without(r.fields, "Sec-WebSocket-Version")
	for _, line := range lines {
		r.fields = append(r.fields, "Sec-WebSocket-Version: "+line)
	}
	return r
}

// withKeys makes a request one with these keys.
func withKeys(keys ...string) func(*request) {
	return func(r *request) {
		r.fields = without(r.fields, "Sec-WebSocket-Key")
		for _, k := range keys {
			r.fields = append(r.fields, "Sec-WebSocket-Key: "+k)
		}
	}
}

// untakenKeys is untaken for a handshake with these keys.
func untakenKeys(keys ...string) func(*session) finding {
	change := withKeys(keys...)
	return untaken(func(r *request, _ string) { change(r) })
}

// Two ping frames of a client, masked with zeros, and their payloads.
const (
	contentPayload = "upgrade101 in"
	afterPayload   = "upgrade101 after"
	pingContent    = "\x89\x8d\x00\x00\x00\x00" + contentPayload
	pingAfter      = "\x89\x90\x00\x00\x00\x00" + afterPayload
)

// frames tells which frames of a server came.
type frames struct {
	pongContent, pongAfter bool
	malformed              bool // something came that is not a frame of a server
	closed                 int  // the status of a close frame; 1005 if it has none; 0 if none came
}

// frames reads frames until the ping after the request is answered, the server closes
// or nothing more comes.
func (c *conn) frames() frames {
	var seen frames
	for !seen.pongAfter && seen.closed == 0 {
		kind, payload, ok := c.frame()
		if !ok {
			seen.malformed = kind == notAFrame
			break
		}
		switch kind {
		case 0xA:
			seen.pongContent = seen.pongContent || payload == contentPayload
			seen.pongAfter = payload == afterPayload
		case 0x8:
			seen.closed = 1005
			if len(payload) >= 2 {
				seen.closed = int(payload[0])<<8 | int(payload[1])
			}
		}
	}
	return seen
}

// frame reads one frame of a server (RFC 6455, section 5.2).
func (c *conn) frame() (kind byte, payload string, ok bool) {
	take := func(n int) string {
		if from := c.parsed; ok && c.skip(n) {
			return string(c.received[from:c.parsed])
		}
		ok = false
		return strings.Repeat("\x00", min(n, 8))
	}
	ok = true
	first := take(1)
	if !ok {
		return 0, "", false
	}
	if !c.mayBegin(first[0]) {
		return notAFrame, "", false
	}
	second := take(1)
	if second[0]&0x80 != 0 {
		return notAFrame, "", false // masked, as only frames of clients are
	}
	kind = first[0] & 0xF
	n := int(second[0] & 0x7F)
	switch n {
	case 126:
		b := take(2)
		n = int(b[0])<<8 | int(b[1])
	case 127:
		b := take(8)
		if n = int(b[5])<<16 | int(b[6])<<8 | int(b[7]); b[:5] != "\x00\x00\x00\x00\x00" {
			n = maxReceived + 1
		}
	}
	payload = take(n)
	return kind, payload, ok
}

// notAFrame is the kind of octets that are not a frame. The kinds of frames have four bits.
const notAFrame = 0xFF

// mayBegin reports whether a frame can begin with that octet: the kind must exist, a
// control frame must be in one piece, and reserved bits need an extension that may use
// them.
func (c *conn) mayBegin(octet byte) bool {
	final, reserved, kind := octet&0x80 != 0, octet&0x70 != 0, octet&0xF
	switch {
	case reserved && (c.answer == nil || len(c.answer.lines(extensionField)) == 0):
		return false
	case kind >= 8:
		return final && kind <= 0xA
	}
	return kind <= 2
}
