package upgradetest

// This file knows the switch to HTTP/2 without TLS, as RFC 7540 defined it. RFC 9113
// gave it up, but servers still do it.

var h2cChecks = []check{
	{
		id: "h2-ignored", title: "the product h2 is ignored",
		rule: must(7540, "3.2"),
		judge: func(s *session) finding {
			r := s.bare()
			r.connection, r.upgrade = []string{"Upgrade"}, []string{"h2"}
			r.settings = []string{http2Settings}
			return refused(s.ask(r))
		},
	}, {
		id: "h2c-settings-missing", title: "h2c without HTTP2-Settings is not taken",
		rule: must(7540, "3.2.1"), only: "h2c", switching: true,
		judge: untaken(func(r *request, _ string) { r.settings = nil }),
	}, {
		id: "h2c-settings-twice", title: "h2c with two HTTP2-Settings is not taken",
		rule: must(7540, "3.2.1"), only: "h2c", switching: true,
		judge: untaken(func(r *request, _ string) { r.settings = append(r.settings, http2Settings) }),
	}, {
		id: "h2c-settings-unnamed", title: "h2c is not taken unless Connection names HTTP2-Settings",
		rule: should(7540, "3.2.1"), only: "h2c", switching: true,
		judge: untaken(func(r *request, _ string) { r.unnamed = true }),
	}, {
		id: "h2c-preface", title: "the first frame after the 101 is SETTINGS",
		rule: must(7540, "3.2"), only: "h2c", switching: true,
		judge: func(s *session) finding {
			var head string
			e := s.converse(func(c *conn) {
				c.send(s.offer().String())
				if answer := c.final(); answer == nil || answer.status != 101 {
					return
				}
				// The client's own preface, with settings that change nothing.
				c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
				if from := c.parsed; c.skip(frameHeadLength) {
					head = string(c.received[from:c.parsed])
				}
			})
			switch {
			case e.answer == nil || e.answer.status != 101:
				return note("%s", told(e))
			case head == "":
				return note("no frame came")
			case !beginsHTTP2(head):
				return fail("the first frame is not SETTINGS")
			}
			return pass("it is")
		},
	}, {
		id: "h2c-over-tls", title: "h2c is not taken over TLS",
		rule: must(7540, "3.3"), only: "h2c",
		judge: func(s *session) finding {
			if !s.secure {
				return skip("not over TLS")
			}
			return refused(s.baseline())
		},
	},
}

// frameHeadLength is the length of the head of a frame (RFC 7540, section 4.1).
const frameHeadLength = 9

// beginsHTTP2 reports whether octets begin with a SETTINGS frame that is not an
// acknowledgement.
func beginsHTTP2(octets string) bool {
	return len(octets) >= frameHeadLength && octets[3:frameHeadLength] == "\x04\x00\x00\x00\x00\x00"
}

// mayBecomeSettings reports whether octets begin like a SETTINGS frame. Before the client
// permits more, a frame has at most 16 KiB, so the first octet of its length is zero.
func mayBecomeSettings(octets string) bool {
	const head = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // but for the length
	n := min(len(octets), frameHeadLength)
	return octets[0] == 0 && octets[min(3, n):n] == head[min(3, n):n]
}
