package upgradetest

import (
	"slices"
	"strings"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows what RFC 6455 adds to a switch, and just enough of frames to see
// whether the server reads any.

var webSocketChecks = []check{
	{
		id: "websocket-accept", title: "the 101 has the one Sec-WebSocket-Accept that answers the key",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: ofSwitch(func(s *session, r *response) finding {
			lines := r.lines("Sec-WebSocket-Accept")
			switch {
			case len(lines) == 0:
				return fail("it has none")
			case len(lines) > 1:
				return fail("it has %d lines of it", len(lines))
			case lines[0] != string(websocket.AppendAccept(nil, webSocketKey)):
				return fail("it does not answer the key")
			}
			return pass("it has")
		}),
	}, {
		id: "websocket-subprotocol", title: "the 101 has no Sec-WebSocket-Protocol, for none was offered",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: absent("Sec-WebSocket-Protocol"),
	}, {
		id: "websocket-extensions", title: "the 101 lists no extension, for none was offered",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: absent("Sec-WebSocket-Extensions"),
	}, {
		id: "websocket-version", title: "version 12, which never was, gets no 101",
		rule: must(6455, "4.2.2"), only: "websocket", switching: true,
		judge: func(s *session) finding { return refused(s.ask(versionTwelve(s))) },
	}, {
		id: "websocket-version-told", title: "the answer to an unknown version has Sec-WebSocket-Version",
		rule: must(6455, "4.4"), only: "websocket", switching: true,
		judge: func(s *session) finding {
			e := s.ask(versionTwelve(s))
			switch {
			case e.answer == nil:
				return note("%s", told(e))
			case e.answer.status == 101:
				return skip("it switches: see websocket-version")
			case strings.Trim(strings.Join(e.answer.lines("Sec-WebSocket-Version"), ""), ", \t") == "":
				return fail("%s without it", told(e))
			}
			return pass("%s with it", told(e))
		},
	}, {
		id: "websocket-version-missing", title: "a handshake without Sec-WebSocket-Version gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: untaken(func(r *request, _ string) { r.fields = without(r.fields, "Sec-WebSocket-Version") }),
	}, {
		id: "websocket-key-missing", title: "a handshake without Sec-WebSocket-Key gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: untaken(func(r *request, _ string) { r.fields = without(r.fields, "Sec-WebSocket-Key") }),
	}, {
		// That a server need not decode the key can be read as leave not to look at it.
		id: "websocket-key-short", title: "a key that is not of 16 bytes gets no 101",
		rule: should(6455, "4.2.1"), only: "websocket", switching: true,
		judge: withKeys("c2hvcnQ="),
	}, {
		id: "websocket-key-malformed", title: "a key that is not base64 gets no 101",
		rule: should(6455, "4.2.1"), only: "websocket", switching: true,
		judge: withKeys("~!@$%^&*()~!@$%^&*()~!=="),
	}, {
		id: "websocket-keys", title: "two keys get no 101",
		rule: should(6455, "11.3.1"), only: "websocket", switching: true,
		judge: withKeys(webSocketKey, "eHl6IHNhbXBsZSBub25jZQ=="),
	}, {
		id: "websocket-post", title: "a POST gets no 101",
		rule: handshakeRule, only: "websocket", switching: true,
		judge: untaken(func(r *request, _ string) {
			r.method = "POST"
			r.fields = append(r.fields, "Content-Length: 0")
		}),
	},
}

// versionTwelve returns a handshake of a version that was never more than a draft's.
func versionTwelve(s *session) request {
	r := s.offer()
	r.fields = append(without(r.fields, "Sec-WebSocket-Version"), "Sec-WebSocket-Version: 12")
	return r
}

// absent judges a field that the 101 must not have.
func absent(name string) func(*session) finding {
	return ofSwitch(func(s *session, r *response) finding {
		if slices.ContainsFunc(s.Fields, func(f handshake.Field) bool { return strings.EqualFold(f.Name, name) }) {
			return skip("it was offered")
		}
		if len(r.lines(name)) > 0 {
			return fail("it has")
		}
		return pass("it has not")
	})
}

// withKeys is untaken for a handshake with these keys.
func withKeys(keys ...string) func(*session) finding {
	return untaken(func(r *request, _ string) {
		r.fields = without(r.fields, "Sec-WebSocket-Key")
		for _, k := range keys {
			r.fields = append(r.fields, "Sec-WebSocket-Key: "+k)
		}
	})
}

// Two ping frames of a client, masked with zeros, and what they carry.
const (
	contentPayload = "upgrade101 in"
	afterPayload   = "upgrade101 after"
	pingContent    = "\x89\x8d\x00\x00\x00\x00" + contentPayload
	pingAfter      = "\x89\x90\x00\x00\x00\x00" + afterPayload
)

// frames is what frames of a server told.
type frames struct {
	pongContent, pongAfter bool
	closed                 int // the status of a close frame; 1005 if it has none; 0 if none came
}

// frames reads frames until the ping after the request is answered, the server closes
// or nothing more comes.
func (c *conn) frames() frames {
	var seen frames
	for !seen.pongAfter && seen.closed == 0 {
		kind, payload, ok := c.frame()
		if !ok {
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
	head := take(2)
	kind = head[0] & 0xF
	n := int(head[1] & 0x7F)
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
