package upgradetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// patience is how long to wait for a test server that answers, haste for one that does
// not.
const (
	patience = 10 * time.Second
	haste    = time.Second
)

// options returns the Options for a test server.
func options(s *server) Options {
	return Options{Product: s.product, Target: "/path?query", Host: "127.0.0.1", Timeout: patience}
}

// dialing starts a test server and returns a function that connects to it.
func dialing(t *testing.T, s *server) func(context.Context) (net.Conn, error) {
	t.Helper()
	if s.secure {
		address := start(t, s.serve, selfSigned())
		return func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", address)
		}
	}
	return to(start(t, s.serve, nil))
}

// to returns a function that connects to an address.
func to(address string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

func mustRun(t *testing.T, dial func(context.Context) (net.Conn, error), o Options) Report {
	t.Helper()
	report, err := Run(context.Background(), dial, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		t.Logf("%s %s: %s: %s", r.Verdict, r.Level, r.ID, r.Detail)
		if printable(r.Detail) != r.Detail {
			t.Errorf("%s: %q is not printable", r.ID, r.Detail)
		}
	}
	return report
}

// A server that does everything right passes every check. Only checks that do not apply are
// skipped.
func TestRightServer(t *testing.T) {
	for product, skipped := range map[string]string{
		"websocket":  "h2c-.*|" + clientsOfOthers("websocket"),
		"h2c":        "h2c-over-tls|content-.*|early-octets|websocket-.*|upgrade-(long-s|kelvin)|" + clientsOfOthers("h2c"),
		"echo/1":     "h2c-.*|content-.*|early-octets|websocket-.*|upgrade-(long-s|kelvin)|client-.*",
		"KeyStore/2": "h2c-.*|content-.*|early-octets|websocket-.*|client-.*",
		"tcp":        "h2c-.*|content-.*|early-octets|websocket-.*|upgrade-(long-s|kelvin)|" + clientsOfOthers("tcp"),
		"SPDY/3.1":   "h2c-.*|content-.*|early-octets|websocket-.*|upgrade-kelvin|" + clientsOfOthers("SPDY/3.1"),
		"TLS/1.2":    "h2c-.*|content-.*|early-octets|websocket-.*|upgrade-kelvin|" + clientsOfOthers("TLS/1.2"),
	} {
		t.Run(strings.ReplaceAll(product, "/", " "), func(t *testing.T) {
			t.Parallel()
			report := mustRun(t, dialing(t, rightServer(product)), options(rightServer(product)))
			expected := regexp.MustCompile("^(" + skipped + ")$")
			for _, r := range report.Results {
				if want := expected.MatchString(r.ID); r.Verdict != Pass && !want || r.Verdict != Skip && want {
					t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Detail)
				}
			}
			if len(report.Results) != len(Checks(rightServer(product).product)) {
				t.Errorf("%d results", len(report.Results))
			}
		})
	}
}

// clientsOfOthers returns the IDs of the checks that are about clients of other products.
func clientsOfOthers(product string) string {
	var ids []string
	for _, c := range clientChecks() {
		if c.only != product {
			ids = append(ids, c.id)
		}
	}
	return strings.Join(ids, "|")
}

// A server that wants more fields than the plain offer has can be checked with them.
func TestFields(t *testing.T) {
	s := rightServer("websocket")
	s.takes = func(s *server, q *query) bool {
		return rightOffer(s, q) && q.one("Origin") == "https://a.example" && q.one("Sec-WebSocket-Protocol") == "chat"
	}
	s.switched = func(s *server, q *query) string {
		return strings.Replace(rightSwitch(s, q), "Upgrade: ", "Sec-WebSocket-Protocol: chat\r\nUpgrade: ", 1)
	}
	o := options(s)
	verdicts := func(report Report) map[string]Verdict {
		all := make(map[string]Verdict)
		for _, r := range report.Results {
			all[r.ID] = r.Verdict
		}
		return all
	}
	if got := verdicts(mustRun(t, dialing(t, s), o)); got["101-upgrade"] != Skip {
		t.Errorf("without fields: %v", got)
	}
	o.Fields = []handshake.Field{{Name: "Origin", Value: "https://a.example"}, {Name: "sec-websocket-protocol", Value: "chat"}}
	got := verdicts(mustRun(t, dialing(t, s), o))
	for id, v := range got {
		want := Pass
		if strings.HasPrefix(id, "h2c-") || strings.Contains("|"+clientsOfOthers("websocket")+"|", "|"+id+"|") {
			want = Skip
		}
		if v != want {
			t.Errorf("%s: %s", id, v)
		}
	}
	for _, bad := range []handshake.Field{{Name: "HOST", Value: "x"}, {Name: "upgrade", Value: "x"}, {Name: "a b", Value: "x"}, {Name: "X", Value: "y\r\nZ: z"}} {
		if CheckField(bad) == nil {
			t.Errorf("%q may be sent", bad)
		}
	}
}

// broken has a function for each check. It breaks a right server so that the check fails.
var broken = map[string]func(*server){
	"101-end":             replaced("\r\n\r\n", "\r\n"),
	"101-status-line":     replaced("HTTP/1.1 101 Switching Protocols", "HTTP/1.1 101"),
	"101-lines":           replaced("Connection: ", "Connection : "),
	"101-upgrade":         replaced("Upgrade: websocket\r\n", ""),
	"101-upgrade-valid":   replaced("Upgrade: websocket", "Upgrade: websocket 13"),
	"101-offered":         replaced("Upgrade: websocket", "Upgrade: websocket, HTTP/1.1"),
	"101-upgrade-once":    replaced("Upgrade: websocket\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n"),
	"101-connection":      replaced("Connection: Upgrade", "Connection: keep-alive"),
	"101-connection-once": replaced("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
	"101-no-length":       replaced("Connection: ", "Content-Length: 0\r\nConnection: "),
	"101-no-coding":       replaced("Connection: ", "Transfer-Encoding: chunked\r\nConnection: "),
	"101-first":           func(s *server) { s.interim = "HTTP/1.1 103 Early Hints\r\n\r\n" },
	"101-nothing-after":   replaced("\r\n\r\n", "\r\n\r\n\r\n"),
	"101-open":            func(s *server) { s.speaks = func(*server, *bufio.Reader, net.Conn) {} },

	"http-1.0": also(func(q *query) bool { return q.minor == 0 }),
	"http-2.0": func(s *server) {
		s.before = func(raw string) string { return strings.Replace(raw, "HTTP/3.0", "HTTP/1.1", 1) }
	},
	"no-upgrade":                   also(func(q *query) bool { return len(q.lines("Upgrade")) == 0 && q.one("Sec-WebSocket-Key") != "" }),
	"upgrade-blank":                also(upgradeIs(", ,")),
	"upgrade-unknown":              also(upgradeIs(madeUp)),
	"upgrade-unknown-ignored":      answering(upgradeIs(madeUp), "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
	"upgrade-echoed":               func(s *server) { s.switched = echoOffer },
	"upgrade-part":                 also(func(q *query) bool { return strings.Contains(q.one("Upgrade"), "websocketu") }),
	"upgrade-other-version":        also(upgradeIs("websocket/13")),
	"upgrade-kelvin":               also(func(q *query) bool { return strings.EqualFold(q.one("Upgrade"), "websocket") }),
	"upgrade-long-s":               also(func(q *query) bool { return strings.EqualFold(q.one("Upgrade"), "websocket") }),
	"upgrade-fullwidth":            also(func(q *query) bool { return strings.HasPrefix(q.one("Upgrade"), "\uff57") }),
	"upgrade-nbsp":                 also(func(q *query) bool { return strings.TrimSpace(q.one("Upgrade")) == "websocket" }),
	"upgrade-nel":                  also(func(q *query) bool { return strings.TrimSpace(q.one("Upgrade")) == "websocket" }),
	"upgrade-quoted":               also(func(q *query) bool { return strings.Trim(q.one("Upgrade"), `"`) == "websocket" }),
	"upgrade-parameter":            also(upgradeIs("websocket; q=1")),
	"upgrade-two-words":            also(func(q *query) bool { return strings.HasPrefix(q.one("Upgrade"), "websocket ") }),
	"upgrade-neighbour":            also(upgradeIs("a=b, websocket")),
	"upgrade-neighbour-line":       also(func(q *query) bool { return len(q.lines("Upgrade")) == 2 }),
	"connection-missing":           also(func(q *query) bool { return len(q.lines("Connection")) == 0 }),
	"connection-other":             also(connectionIs("keep-alive")),
	"connection-longer":            also(func(q *query) bool { return strings.HasPrefix(q.one("Connection"), "upgrade") }),
	"connection-prefixed":          also(func(q *query) bool { return strings.HasSuffix(q.one("Connection"), "upgrade") }),
	"connection-insecure-requests": also(func(q *query) bool { return strings.Contains(q.one("Connection"), "Upgrade") }),
	"connection-quoted":            also(connectionIs(`"Upgrade"`)),
	"connection-blank":             also(func(q *query) bool { return in("Upgrade", strings.Fields(q.one("Connection"))...) }),
	"connection-semicolon":         also(func(q *query) bool { return strings.HasSuffix(q.one("Connection"), ";Upgrade") }),
	"connection-nel":               also(func(q *query) bool { return strings.TrimSpace(q.one("Connection")) == "Upgrade" }),
	"connection-control": func(s *server) {
		s.pardons = []head.Reason{head.ErrFieldValue}
		also(func(q *query) bool { return strings.TrimSpace(q.one("Connection")) == "Upgrade" })(s)
	},
	"connection-neighbour": also(connectionIs("a=b, Upgrade")),

	"upgrade-case":          but(func(q *query) bool { return !strings.Contains(q.one("Upgrade"), "websocket") }),
	"upgrade-list-first":    but(func(q *query) bool { return strings.HasSuffix(q.one("Upgrade"), madeUp) }),
	"upgrade-list-last":     but(func(q *query) bool { return strings.HasPrefix(q.one("Upgrade"), madeUp) }),
	"upgrade-list-version":  but(func(q *query) bool { return strings.Contains(q.one("Upgrade"), "/1.0") }),
	"upgrade-line-first":    but(func(q *query) bool { return strings.HasSuffix(q.one("Upgrade"), madeUp) }),
	"upgrade-line-last":     but(func(q *query) bool { return len(q.lines("Upgrade")) > 1 }),
	"upgrade-empty":         but(func(q *query) bool { return strings.HasPrefix(q.one("Upgrade"), ",") }),
	"connection-case":       but(func(q *query) bool { return !strings.Contains(q.one("Connection"), "Upgrade") }),
	"connection-list":       but(connectionIs("keep-alive, Upgrade")),
	"connection-line-first": but(func(q *query) bool { return len(q.lines("Connection")) > 1 }),
	"connection-line-last":  but(func(q *query) bool { return len(q.lines("Connection")) > 1 }),
	"connection-empty":      but(func(q *query) bool { return strings.HasPrefix(q.one("Connection"), ",") }),
	"tabs":                  but(func(q *query) bool { return strings.Contains(q.one("Connection"), "\t") }),
	"field-name-case": func(s *server) {
		s.before = func(raw string) string { return strings.ReplaceAll(raw, "uPGRADE:", "X:") }
	},
	"http-1.2":       but(func(q *query) bool { return q.minor == 2 }),
	"absolute-form":  but(func(q *query) bool { return strings.HasPrefix(q.target, "http://") }),
	"length-zero":    but(func(q *query) bool { return q.one("Content-Length") == "0" }),
	"octet-by-octet": func(s *server) { s.hasty = true },
	"second-request": but(func(q *query) bool { return q.served > 0 }),

	"content-length":  func(s *server) { s.reads = func(*query) bool { return false } },
	"content-chunked": func(s *server) { s.reads = func(*query) bool { return false } },
	"expect-continue": func(s *server) {
		s.expects = func(*query) bool { return false }
		s.reads = func(q *query) bool { return q.one("Expect") == "" }
	},
	"expect-case": func(s *server) {
		s.expects = func(q *query) bool { return q.one("Expect") == "100-continue" }
		s.reads = func(q *query) bool { return strings.ToLower(q.one("Expect")) == q.one("Expect") }
	},
	"expect-list": func(s *server) {
		s.expects = func(q *query) bool { return strings.EqualFold(q.one("Expect"), "100-continue") }
		s.reads = func(q *query) bool { return !strings.Contains(q.one("Expect"), ",") }
	},
	"early-octets": func(s *server) {
		s.speaks = func(s *server, r *bufio.Reader, conn net.Conn) { speak(s, bufio.NewReader(conn), conn) }
	},
	"ignored-length":  func(s *server) { s.reads = func(*query) bool { return false } },
	"ignored-chunked": func(s *server) { s.reads = readsLength },
	"ignored-pipelined": func(s *server) {
		right := s.last
		s.last = func(q *query) bool { return right(q) || q.one("Upgrade") == madeUp }
	},

	"426-upgrade":           answering(connectionIs(""), "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"),
	"426-connection":        answering(connectionIs(""), "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"),
	"advertised-connection": answering(connectionIs(""), "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"),
	"advertised-valid":      answering(connectionIs(""), "HTTP/1.1 200 OK\r\nUpgrade: web socket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"),

	"both-lengths":       pardons(head.ErrFraming),
	"two-lengths":        pardons(head.ErrContentLength),
	"bad-length":         func(s *server) { s.stays = true },
	"coding-not-chunked": pardons(head.ErrTransferEncoding, head.ErrCoding),
	"coding-unknown":     pardons(head.ErrTransferEncoding, head.ErrCoding),
	"blank-before-colon": pardons(head.ErrFieldName),
	"bare-cr": func(s *server) {
		s.before = func(raw string) string {
			return strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\r"), "\r", "\r\n")
		}
	},
	"folded-line": func(s *server) {
		s.before = func(raw string) string { return strings.ReplaceAll(raw, "\r\n ", "\r\n") }
	},
	"blank-first-line": func(s *server) {
		s.before = func(raw string) string { return strings.ReplaceAll(raw, "\r\n ", "\r\n") }
	},
	"nul": func(s *server) {
		s.before = func(raw string) string { return strings.ReplaceAll(raw, "\x00"+madeUp, "") }
	},
	"host-missing": pardons(head.ErrHost),
	"host-twice":   pardons(head.ErrHost),
	"host-malformed": func(s *server) {
		s.before = func(raw string) string { return strings.Replace(raw, "Host: u@", "Host: ", 1) }
	},

	"websocket-accept":      replaced("Sec-WebSocket-Accept: s", "Sec-WebSocket-Accept: S"),
	"websocket-subprotocol": replaced("Connection: ", "Sec-WebSocket-Protocol: chat\r\nConnection: "),
	"websocket-extensions":  replaced("Connection: ", "Sec-WebSocket-Extensions: permessage-deflate\r\nConnection: "),
	"websocket-subprotocol-one": func(s *server) {
		s.switched = func(s *server, q *query) string {
			if list := q.one("Sec-WebSocket-Protocol"); list != "" {
				return strings.Replace(rightSwitch(s, q), "Connection: ", "Sec-WebSocket-Protocol: "+list+"\r\nConnection: ", 1)
			}
			return rightSwitch(s, q)
		}
	},
	"websocket-extensions-known": func(s *server) {
		s.switched = func(s *server, q *query) string {
			if list := q.one("Sec-WebSocket-Extensions"); list != "" {
				return strings.Replace(rightSwitch(s, q), "Connection: ", "Sec-WebSocket-Extensions: "+list+"\r\nConnection: ", 1)
			}
			return rightSwitch(s, q)
		}
	},
	"websocket-version":         also(func(q *query) bool { return q.one("Sec-WebSocket-Version") == "12" }),
	"websocket-version-list":    also(func(q *query) bool { return strings.HasPrefix(q.one("Sec-WebSocket-Version"), "13,") }),
	"websocket-version-told":    answering(func(q *query) bool { return q.one("Sec-WebSocket-Version") == "12" }, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
	"websocket-version-missing": also(func(q *query) bool { return q.one("Sec-WebSocket-Version") == "" && q.one("Upgrade") == "websocket" }),
	"websocket-key-missing":     also(func(q *query) bool { return q.one("Sec-WebSocket-Key") == "" && q.one("Upgrade") == "websocket" }),
	"websocket-key-short":       also(func(q *query) bool { return q.one("Sec-WebSocket-Key") != "" }),
	"websocket-key-malformed":   also(func(q *query) bool { return q.one("Sec-WebSocket-Key") != "" }),
	"websocket-keys":            also(func(q *query) bool { return len(q.lines("Sec-WebSocket-Key")) > 1 }),
	"websocket-post":            also(func(q *query) bool { return q.method == "POST" }),
	"websocket-method":          also(func(q *query) bool { return q.method == "HEAD" }),

	"h2-ignored":           also(upgradeIs("h2")),
	"h2c-settings-missing": ofH2C(also(func(q *query) bool { return q.one("HTTP2-Settings") == "" && q.one("Upgrade") == "h2c" })),
	"h2c-settings-twice":   ofH2C(also(func(q *query) bool { return len(q.lines("HTTP2-Settings")) > 1 })),
	"h2c-settings-unnamed": ofH2C(also(connectionIs("Upgrade"))),
	"h2c-preface": ofH2C(func(s *server) {
		s.speaks = func(_ *server, r *bufio.Reader, conn net.Conn) {
			io.WriteString(conn, "\x00\x00\x00\x06\x00\x00\x00\x00\x00")
			io.Copy(io.Discard, r)
		}
	}),
	"h2c-over-tls": ofH2C(func(s *server) {
		s.secure = true
		also(upgradeIs("h2c"))(s)
	}),
}

// also breaks a server so that it takes more than it may.
func also(more func(*query) bool) func(*server) {
	return func(s *server) {
		s.takes = func(s *server, q *query) bool { return rightOffer(s, q) || more(q) }
	}
}

// but breaks a server so that it takes less than it should.
func but(less func(*query) bool) func(*server) {
	return func(s *server) {
		s.takes = func(s *server, q *query) bool { return rightOffer(s, q) && !less(q) }
	}
}

// replaced breaks the 101 of a server.
func replaced(old, new string) func(*server) {
	return func(s *server) {
		s.switched = func(s *server, q *query) string { return strings.Replace(rightSwitch(s, q), old, new, 1) }
	}
}

// answering breaks the answers of a server to requests that do not switch.
func answering(to func(*query) bool, answer string) func(*server) {
	return func(s *server) {
		s.declined = func(s *server, q *query) string {
			if to(q) {
				return answer
			}
			return rightAnswer(s, q)
		}
	}
}

// pardons breaks a server so that it accepts malformed messages.
func pardons(reasons ...head.Reason) func(*server) {
	return func(s *server) { s.pardons = reasons }
}

func ofH2C(breaks func(*server)) func(*server) {
	return func(s *server) {
		s.product = upgrade.MustParseProduct("h2c")
		breaks(s)
	}
}

func upgradeIs(value string) func(*query) bool {
	return func(q *query) bool { return q.one("Upgrade") == value }
}

func connectionIs(value string) func(*query) bool {
	return func(q *query) bool { return q.one("Connection") == value }
}

// echoOffer switches to everything that was offered.
func echoOffer(s *server, q *query) string {
	return strings.Replace(rightSwitch(s, q), "Upgrade: "+s.product.String(), "Upgrade: "+q.one("Upgrade"), 1)
}

// readsLength reads only content with Content-Length.
func readsLength(q *query) bool { return q.one("Transfer-Encoding") == "" }

// Every check fails on a server that has only its fault, with the level of the check.
func TestEveryCheckFails(t *testing.T) {
	checks := Checks(upgrade.MustParseProduct("websocket"))
	if len(broken)+len(clients) != len(checks) {
		t.Errorf("%d broken servers for %d checks", len(broken), len(checks)-len(clients))
	}
	for _, check := range checks {
		t.Run(check.ID, func(t *testing.T) {
			t.Parallel()
			s := rightServer("websocket")
			if strings.HasPrefix(check.ID, "client-") {
				s = refusingClients(check.ID)
			} else if breaks := broken[check.ID]; breaks != nil {
				breaks(s)
			} else {
				t.Fatal("no broken server")
			}
			o := options(s)
			o.Only = []string{check.ID}
			if in(check.ID, "early-octets", "101-end", "expect-continue", "expect-case", "expect-list") {
				o.Timeout = haste // octets that are lost get no answer
			}
			report := mustRun(t, dialing(t, s), o)
			if len(report.Results) != 1 {
				t.Fatalf("%d results", len(report.Results))
			}
			r := report.Results[0]
			if r.ID != check.ID || r.Verdict != Fail || r.Detail == "" {
				t.Errorf("%s %s: %s", r.ID, r.Verdict, r.Detail)
			}
			if r.FailedMust() != (check.Level == Must) || report.FailedMust() > 0 != r.FailedMust() {
				t.Errorf("level %s, of %d failed MUSTs", r.Level, report.FailedMust())
			}
			if len(r.Sent) == 0 || len(r.Received) == 0 {
				t.Errorf("no proof: %+v", r)
			}
		})
	}
}

// refusingClients returns a server for the product of the check that takes only the offers
// of a probe, not those of real clients.
func refusingClients(id string) *server {
	all := checks()
	c := all[slices.IndexFunc(all, func(c check) bool { return c.id == id })]
	s := rightServer(c.only)
	but(func(q *query) bool { return q.one("User-Agent") != "upgrade101-probe" })(s)
	return s
}

// A Content-Length that is too large for the server is a number nevertheless. A server need
// not read that content, but may not serve it.
func TestHugeLength(t *testing.T) {
	for name, test := range map[string]struct {
		length string // that the server reads
		closes bool
		want   Verdict
	}{
		"refuses":            {length: hugeLength, want: Pass},
		"answers and closes": {length: "0", closes: true, want: Pass},
		"waits":              {length: "9999", want: Note},
		"overflows":          {length: "0", want: Fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rightServer("websocket")
			right := s.last
			s.before = func(raw string) string {
				return strings.Replace(raw, ": "+hugeLength, ": "+test.length+"\r\nX-Huge: yes", 1)
			}
			s.last = func(q *query) bool { return right(q) || q.one("X-Huge") != "" && test.closes }
			o := options(s)
			o.Only, o.Timeout = []string{"bad-length", "ignored-length"}, haste
			results := mustRun(t, dialing(t, s), o).Results
			if results[0].ID != "ignored-length" || results[0].Verdict != test.want || results[1].Verdict != Pass {
				t.Errorf("%+v", results)
			}
		})
	}
}

// A product may have a name that contains the name of another.
func TestTwoProducts(t *testing.T) {
	for _, other := range []string{"echo-2", "echo.x", "echox", "xecho"} {
		s := rightServer("echo")
		more := upgrade.MustParseProduct(other)
		s.takes = func(s *server, q *query) bool {
			second := *s
			second.product = more
			return rightOffer(s, q) || rightOffer(&second, q)
		}
		s.switched = func(s *server, q *query) string {
			if list, _ := upgrade.ParseList(q.lines("Upgrade")...); list.Offers(more) {
				return strings.Replace(rightSwitch(s, q), "Upgrade: echo", "Upgrade: "+other, 1)
			}
			return rightSwitch(s, q)
		}
		for _, r := range mustRun(t, dialing(t, s), options(s)).Results {
			if r.Verdict == Fail {
				t.Errorf("%s: %s: %s", other, r.ID, r.Detail)
			}
		}
	}
}

// HTTP after the head of a 101 is found. For a product whose protocol may begin like HTTP,
// the verdict is a note, unless the head or a status line is proof.
func TestNothingAfter(t *testing.T) {
	const (
		response = "HTTP/1.1 200 OK\r\n\r\n"
		docker   = "Content-Type: application/vnd.docker.raw-stream\r\n"
	)
	for _, test := range []struct {
		product, fields, rest string
		want                  Verdict
	}{
		{"websocket", "", "\n", Fail},
		{"websocket", "", "\r\n", Fail},
		{"websocket", "", "Switching Protocols\n", Fail},
		{"websocket", "", "0\r\n\r\n", Fail},
		{"websocket", "", "<html>", Fail},
		{"websocket", "", response, Fail},
		{"websocket", "", "\x81\x85abcdefghi", Fail},
		// The beginning of a compressed message, and not the chunk that it looks like.
		{"websocket", "Sec-WebSocket-Extensions: permessage-deflate\r\n", "A\x0d\x0a23456789abcd", Pass},
		{"h2c", "", "\r\n", Fail},
		{"h2c", "", "text", Fail},
		{"h2c", "", "5\r\nhello\r\n", Fail},
		{"echo/1", "", response, Fail},
		{"echo/1", "Content-Length: 5\r\n", "hello", Fail},
		{"echo/1", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", Fail},
		{"echo/1", "Content-Length: 0\r\n", "\x01\x02", Pass},
		{"echo/1", "", "\x01\x02", Pass},
		{"echo/1", "", "\r\n", Note},
		{"echo/1", "", "5\r\nhello\r\n0\r\n\r\n", Note},
		{"echo/1", "", "<!DOCTYPE html>", Note},
		{"smtp", "", "220\r\n", Note},
		{"telnet", "", "\r\nlogin:", Note},
		{"xmpp", "", "<?xml version='1.0'?>", Note},
		{"tcp", docker, "hello", Note},
		{"tcp", docker, "\x01\x00\x00\x00\x00\x00\x00\x01x", Pass},
		{"HTTP/1.1", "", response, Note},
	} {
		t.Run(fmt.Sprintf("%q after %q", test.rest, test.product), func(t *testing.T) {
			t.Parallel()
			s := rightServer(test.product)
			s.switched = func(s *server, q *query) string {
				return strings.Replace(rightSwitch(s, q), "Connection: ", test.fields+"Connection: ", 1) + test.rest
			}
			o := options(s)
			o.Only = []string{"101-nothing-after"}
			if r := mustRun(t, dialing(t, s), o).Results[0]; r.Verdict != test.want {
				t.Errorf("%s: %s", r.Verdict, r.Detail)
			}
		})
	}
}

// A server that sends back what it receives shows whether it takes the content of the
// request for octets of the protocol.
func TestContentEchoed(t *testing.T) {
	for _, test := range []struct {
		id    string
		reads bool
		want  Verdict
	}{
		{"content-length", true, Skip},
		{"content-length", false, Note},
		{"content-chunked", true, Skip},
		{"content-chunked", false, Fail},
	} {
		s := rightServer("echo/1")
		s.reads = func(*query) bool { return test.reads }
		s.speaks = func(_ *server, r *bufio.Reader, conn net.Conn) { io.Copy(conn, r) }
		o := options(s)
		o.Only = []string{test.id}
		if r := mustRun(t, dialing(t, s), o).Results[0]; r.Verdict != test.want || !r.Applies {
			t.Errorf("%s, reads %t: %s: %s", test.id, test.reads, r.Verdict, r.Detail)
		}
	}
}

// The choice of subprotocols and extensions is checked against the offer, which includes
// the fields of the caller.
func TestNegotiation(t *testing.T) {
	for _, test := range []struct {
		id, answer, offered string // offered by the caller, as a line
		want                Verdict
	}{
		{"websocket-subprotocol", "Sec-WebSocket-Protocol: b", "Sec-WebSocket-Protocol: a, b", Pass},
		{"websocket-subprotocol", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: a, b", Fail},
		{"websocket-subprotocol", "Sec-WebSocket-Protocol: B", "Sec-WebSocket-Protocol: a, b", Fail},
		{"websocket-subprotocol", "Sec-WebSocket-Protocol: c", "Sec-WebSocket-Protocol: a, b", Fail},
		{"websocket-subprotocol", "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a, b", Fail},
		{"websocket-subprotocol", "X: y", "Sec-WebSocket-Protocol: a, b", Pass},
		{"websocket-extensions", `Sec-WebSocket-Extensions: x; a="1,2"`, `Sec-WebSocket-Extensions: x; a="1,2"; b`, Pass},
		{"websocket-extensions", "Sec-WebSocket-Extensions: y", "Sec-WebSocket-Extensions: x; y", Fail},
		{"websocket-extensions", "Sec-WebSocket-Extensions: x, y", "Sec-WebSocket-Extensions: x", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate", "", Pass},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover", "", Pass},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate ;server_max_window_bits = \"10\"", "", Pass},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; foo=1", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate;", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=08", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover=1", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", "", Fail},
		{"websocket-extensions-known", "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate", "", Fail},
		{"websocket-extensions", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", Pass},
		{"websocket-extensions", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", Fail},
		{"websocket-extensions", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15", "Sec-WebSocket-Extensions: permessage-deflate, x; client_max_window_bits", Fail},
	} {
		s := rightServer("websocket")
		s.switched = func(s *server, q *query) string {
			return strings.Replace(rightSwitch(s, q), "Connection: ", test.answer+"\r\nConnection: ", 1)
		}
		o := options(s)
		o.Only = []string{test.id}
		if name, value, found := strings.Cut(test.offered, ": "); found {
			o.Fields = []handshake.Field{{Name: name, Value: value}}
		}
		if r := mustRun(t, dialing(t, s), o).Results[0]; r.Verdict != test.want {
			t.Errorf("%q to %q: %s: %s", test.answer, test.offered, r.Verdict, r.Detail)
		}
	}
}

// A server that reads the version with the parser of a programming language, or that reads
// only one line of it, fails.
func TestVersionAsNumber(t *testing.T) {
	for name, reads := range map[string]func(lines []string) bool{
		"number": func(lines []string) bool {
			n, err := strconv.Atoi(strings.Join(lines, ","))
			return n == 13 && err == nil
		},
		"digits": func(lines []string) bool {
			return len(lines) == 1 && strings.Trim(lines[0], "0123456789") == "" && strings.TrimLeft(lines[0], "0") == "13"
		},
		"same line": func(lines []string) bool {
			return len(lines) > 0 && len(slices.Compact(slices.Clone(lines))) == 1 && lines[0] == "13"
		},
		"same list": func(lines []string) bool { return slices.Equal(elements(lines), []string{"13", "13"}) },
	} {
		s := rightServer("websocket")
		s.takes = func(s *server, q *query) bool {
			version := q.lines("Sec-WebSocket-Version")
			right := slices.DeleteFunc(slices.Clone(q.fields), func(f field) bool { return f.name == "Sec-WebSocket-Version" })
			q = &query{method: q.method, minor: q.minor, fields: append(right, field{"Sec-WebSocket-Version", "13"})}
			return rightOffer(s, q) && (slices.Equal(version, []string{"13"}) || reads(version))
		}
		o := options(s)
		o.Only = []string{"websocket-version-list"}
		if report := mustRun(t, dialing(t, s), o); report.FailedMust() != 1 {
			t.Errorf("%s: %+v", name, report.Results)
		}
	}
}

// A fault that makes other checks fail too is reported once.
func TestOneFaultOnce(t *testing.T) {
	for name, test := range map[string]struct {
		breaks func(*server)
		failed string
	}{
		"takes every product": {also(func(q *query) bool { return q.minor == 1 && strings.EqualFold(q.one("Connection"), "upgrade") }),
			"upgrade-(blank|unknown)|no-upgrade|h2-ignored|websocket-.*"},
		"takes no option": {also(func(q *query) bool {
			return q.minor == 1 && q.one("Upgrade") == "websocket" && q.one("Sec-WebSocket-Key") == webSocketKey && q.one("Sec-WebSocket-Version") == "13" && q.method == "GET"
		}), "connection-(missing|other)"},
		"takes an empty offer": {also(func(q *query) bool { return len(q.lines("Upgrade")) == 0 && q.one("Sec-WebSocket-Key") != "" }), "no-upgrade"},
		"switches elsewhere":   {replaced("Upgrade: websocket", "Upgrade: TLS/1.2"), "101-offered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rightServer("websocket")
			test.breaks(s)
			expected := regexp.MustCompile("^(" + test.failed + ")$")
			failed := 0
			for _, r := range mustRun(t, dialing(t, s), options(s)).Results {
				if r.Verdict == Fail {
					failed++
					if !expected.MatchString(r.ID) {
						t.Errorf("%s fails: %s", r.ID, r.Detail)
					}
				}
			}
			if failed == 0 {
				t.Error("nothing fails")
			}
		})
	}
}

// A switch without a 101 is found too.
func TestSilentSwitch(t *testing.T) {
	for _, product := range []string{"websocket", "h2c"} {
		s := rightServer(product)
		also(func(q *query) bool { return q.minor == 0 })(s)
		s.switched = func(s *server, q *query) string {
			if q.minor == 0 {
				return ""
			}
			return rightSwitch(s, q)
		}
		o := options(s)
		o.Only, o.Timeout = []string{"http-1.0"}, haste
		if report := mustRun(t, dialing(t, s), o); report.FailedMust() != 1 {
			t.Errorf("%s: %+v", product, report.Results)
		}
	}
}

// A server that begins to refuse every offer is not blamed.
func TestRefusesLater(t *testing.T) {
	s := rightServer("websocket")
	requests := 0
	s.takes = func(s *server, q *query) bool {
		requests++
		return requests < 20 && rightOffer(s, q)
	}
	report := mustRun(t, dialing(t, s), options(s))
	if report.Count(Fail) > 0 {
		t.Errorf("%d failed", report.Count(Fail))
	}
	for _, r := range report.Results {
		if r.Verdict == Pass && switching(r.ID) && !strings.Contains(string(r.Received), "HTTP/1.1 101") {
			t.Errorf("%s passes", r.ID)
		}
	}
}

// A server that ignores every offer fails nothing, whatever it answers.
func TestIgnoringServer(t *testing.T) {
	for name, status := range map[string]int{"served": 200, "not found": 404, "forbidden": 403, "redirected": 301} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Location", "http://192.0.2.1/")
				w.WriteHeader(status)
				io.WriteString(w, "text")
			}))
			t.Cleanup(server.Close)
			for _, product := range []string{"websocket", "h2c", "any/1"} {
				report := mustRun(t, to(server.Listener.Addr().String()), Options{Product: upgrade.MustParseProduct(product), Timeout: patience})
				if report.Switched || report.First != fmt.Sprintf("it answered %d", status) {
					t.Errorf("%+v", report.First)
				}
				for _, r := range report.Results {
					// A handler need not know that net/http should have refused these.
					if want := in(r.ID, "both-lengths", "host-malformed"); (r.Verdict == Fail) != want || r.Verdict == Note {
						t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Detail)
					}
				}
			}
		})
	}
}

// Whatever a server sends, or if it sends nothing, the run ends in time and blames it only
// for what was seen.
func TestHostileServers(t *testing.T) {
	flood := func(prefix, unit string) func(net.Conn) {
		return func(conn net.Conn) {
			io.WriteString(conn, prefix)
			block := strings.Repeat(unit, 1+(4<<10)/len(unit))
			for {
				if _, err := io.WriteString(conn, block); err != nil {
					return
				}
			}
		}
	}
	for name, test := range map[string]struct {
		serve func(net.Conn)
		err   error
	}{
		"silent":          {func(conn net.Conn) { io.Copy(io.Discard, conn) }, ErrNoAnswer},
		"closing":         {func(net.Conn) {}, ErrNoAnswer},
		"not HTTP":        {func(conn net.Conn) { io.WriteString(conn, "SSH-2.0-x\r\n"); io.Copy(io.Discard, conn) }, ErrNoAnswer},
		"flood":           {flood("", "x"), ErrNoAnswer},
		"flood of fields": {flood("HTTP/1.1 101 x\r\n", "Upgrade: websocket\r\n"), nil},
		"flood of 1xx":    {flood("", "HTTP/1.1 100 x\r\n\r\n"), ErrNoAnswer},
		"flood of 101":    {flood("", "HTTP/1.1 101 x\r\n\r\n"), nil},
		"flood of 200":    {flood("", "HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\nx"), nil},
		"endless content": {flood("HTTP/1.1 200 x\r\n\r\n", "x"), nil},
		"endless chunks":  {flood("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), nil},
		"huge chunk":      {flood("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", "x"), nil},
		"huge frame":      {flood("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "x"), nil},
		"dribble": {func(conn net.Conn) {
			for {
				if _, err := io.WriteString(conn, "H"); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, ErrNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := to(start(t, test.serve, nil))
			begun := time.Now()
			report, err := Run(context.Background(), dial, Options{Product: upgrade.MustParseProduct("websocket"), Timeout: haste / 5})
			var busy net.Error
			if errors.As(err, &busy) && busy.Timeout() {
				t.Skip("this machine is too busy to connect in time")
			}
			if !errors.Is(err, test.err) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(begun); took > 2*MaxConnections*haste/5 {
				t.Errorf("took %v", took)
			}
			for _, r := range report.Results {
				if len(r.Received) > maxReceived {
					t.Errorf("%s: kept %d octets", r.ID, len(r.Received))
				}
				if err != nil && r.Verdict != Skip {
					t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Detail)
				}
			}
		})
	}
}

// The text about an answer says what came, if that is no final response.
func TestTold(t *testing.T) {
	for sent, want := range map[string]string{
		"":                                 "it closed the connection without an answer",
		"HTTP/1.1 103 Early Hints\r\n\r\n": "it sent a response with 103, but no final one, and closed the connection",
		"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK": "it sent 2 responses with 1xx, but no final one, and closed the connection",
		strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9):                            "it sent 8 responses with 1xx, but no final one",
		"HTTP/1.1 200 OK\r\nX: y\r\n":                                                    "it sent a response whose head does not end, and closed the connection",
		"SSH-2.0-x\r\n":                                                                  "it sent octets that are not an HTTP response",
		"HTTP 200 OK\r\n\r\n":                                                            "it sent octets that are not an HTTP response",
	} {
		s := &session{ctx: context.Background(), Options: Options{Timeout: patience}, dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				far.Read(make([]byte, 4<<10))
				io.WriteString(far, sent)
			}()
			return near, nil
		}}
		e := s.converse(func(c *conn) {
			c.send("GET / HTTP/1.1\r\n\r\n")
			c.final()
		})
		if got := told(e); got != want {
			t.Errorf("%q: %s", sent, got)
		}
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	report, err := Run(context.Background(), to(address), Options{Product: upgrade.MustParseProduct("x")})
	if err == nil || report.First != "" || report.Count(Skip) != len(report.Results) {
		t.Errorf("%v, %+v", err, report)
	}
}

// A server that goes away during a run fails no further check.
func TestGoesAway(t *testing.T) {
	s := rightServer("websocket")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for range 10 {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
			conn.Close()
		}
		listener.Close()
	}()
	report, err := Run(context.Background(), to(listener.Addr().String()), Options{Product: s.product, Timeout: patience})
	<-gone
	if err == nil || report.Count(Fail) > 0 || report.Count(Pass) == 0 || report.Count(Skip) == 0 {
		t.Errorf("%v: %+v", err, report)
	}
	last := ""
	for _, r := range report.Results {
		if len(r.Sent) > 0 {
			last = r.ID
		}
		if r.Verdict == Note && r.ID != last {
			t.Errorf("%s: %s", r.ID, r.Detail)
		}
	}
	if !strings.HasSuffix(err.Error(), "the last check sent before was "+last) {
		t.Errorf("%v, and not %s", err, last)
	}
	for _, r := range report.Results {
		t.Log(r.ID, r.Verdict, r.Detail)
	}
}

func TestCancelled(t *testing.T) {
	hung := start(t, func(conn net.Conn) { io.Copy(io.Discard, conn) }, nil)
	ctx, cancel := context.WithTimeout(context.Background(), haste/10)
	defer cancel()
	begun := time.Now()
	_, err := Run(ctx, to(hung), Options{Product: upgrade.MustParseProduct("x"), Timeout: time.Minute})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > patience {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

func TestTLS(t *testing.T) {
	s := rightServer("websocket")
	s.secure = true
	o := options(s)
	if report := mustRun(t, dialing(t, s), o); report.Count(Fail)+report.Count(Note) > 0 {
		t.Error("fails over TLS")
	}
}

// The documented bounds hold for the largest runs.
func TestBounds(t *testing.T) {
	most := 0
	for _, product := range []string{"websocket", "h2c"} {
		s := rightServer(product)
		// A declined offer makes the run ask again.
		s.takes = func(s *server, q *query) bool {
			return rightOffer(s, q) && q.one("Upgrade") == product && q.one("Connection") != "keep-alive, Upgrade"
		}
		o := options(s)
		o.Timeout = haste
		dial, connections := dialing(t, s), 0
		report := mustRun(t, func(ctx context.Context) (net.Conn, error) {
			connections++
			return dial(ctx)
		}, o)
		most = max(most, connections)
		for _, r := range report.Results {
			if n := strings.Count(string(r.Sent), " HTTP/1."); n > MaxRequests+1 {
				t.Errorf("%s: %d requests on a connection", r.ID, n)
			}
		}
	}
	t.Logf("%d connections", most)
	if most > MaxConnections*9/10 {
		t.Errorf("%d connections, of %d", most, MaxConnections)
	}
}

// Every check has an ID, which users rely on, and all its texts.
func TestNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(\.[0-9])?(-[a-z0-9]+(\.[0-9])?)*$`)
	seen := make(map[string]bool)
	for _, product := range []string{"websocket", "h2c", "x/1"} {
		clear(seen)
		for _, c := range Checks(upgrade.MustParseProduct(product)) {
			if !name.MatchString(c.ID) || seen[c.ID] || c.Title == "" || c.Level == 0 || c.RFC == "" || c.Section == "" || !strings.HasSuffix(c.Remedy, ".") {
				t.Errorf("%+v", c)
			}
			if strings.HasPrefix(c.ID, "client-") && !strings.Contains(c.Remedy, "A proxy that changes Host") {
				t.Errorf("%s: the remedy does not speak of Host: %s", c.ID, c.Remedy)
			}
			seen[c.ID] = true
		}
	}
}

// switching reports whether a check says something only of a server that switches.
func switching(id string) bool {
	return slices.ContainsFunc(checks(), func(c check) bool { return c.id == id && c.switching })
}

// No goroutine is left after all tests.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code) // fuzzing leaves a goroutine of package os/signal
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			var stacks [64 << 10]byte
			println(string(stacks[:runtime.Stack(stacks[:], true)]))
			code = 1
			break
		}
	}
	os.Exit(code)
}
