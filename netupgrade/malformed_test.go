package netupgrade_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// requestLine returns an offer with that request line.
func requestLine(line string) string {
	_, rest, _ := strings.Cut(offerEcho, "\r\n")
	return line + "\r\n" + rest
}

// host returns an offer with those lines in place of its Host line.
func host(version string, lines ...string) string {
	return "GET / HTTP/" + version + "\r\n" + joined(lines) + "Connection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"
}

// lengthy returns a POST with those lines for its framing, and content that fits any of
// them.
func lengthy(version string, lines ...string) string {
	return "POST / HTTP/" + version + "\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" + joined(lines) + "\r\n5\r\nhello\r\n0\r\n\r\n"
}

type attack struct {
	name, request string
	status        int
}

// attacks returns requests that two servers in a row have read differently. No such request
// switches, whatever it offers.
func attacks() []attack {
	list := []attack{
		{"space before the colon", "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade : echo/1\r\n\r\n", 400},
		{"tab before the colon", offering("X\t: y"), 400},
		{"fold by space", "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade:\r\n echo/1\r\n\r\n", 400},
		{"fold by tab", offering("X: y", "\tz"), 400},
		{"fold in front", "GET / HTTP/1.1\r\n X: y\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n", 400},
		{"line of a space", offering(" "), 400},
		{"LF alone at every line", strings.ReplaceAll(offerEcho, "\r\n", "\n"), 400},
		{"LF alone at the request line", strings.Replace(offerEcho, "\r\n", "\n", 1), 400},
		{"LF alone at a field", offering("X: y\nY: z"), 400},
		{"LF alone at the end", strings.TrimSuffix(offerEcho, "\r\n") + "\n", 400},
		{"CR alone at every line", strings.ReplaceAll(offerEcho, "\r\n", "\r") + "\r\r", 400},
		{"CR alone at a field", offering("X: y\rY: z"), 400},
		{"CR in a value", offering("X: y\rz"), 400},
		{"CR before CR and LF", offering("X: y\r"), 400},
		{"CR before the empty line", strings.TrimSuffix(offerEcho, "\r\n") + "\r\r\n", 400},
		{"two empty lines in front", "\r\n\r\n" + offerEcho, 400},
		{"LF alone in front", "\n" + offerEcho, 400},
		{"CR alone in front", "\r" + offerEcho, 400},
		{"space in front", " " + offerEcho, 400},

		{"no name", offering(": y"), 400},
		{"no colon", offering("X"), 400},
		{"space in a name", offering("X Y: z"), 400},
		{"quote in a name", offering(`"X": y`), 400},
		{"parenthesis in a name", offering("X(: y"), 400},
		{"slash in a name", offering("X/Y: z"), 400},
		{"octets outside ASCII in a name", offering("X\xC3\xA9: y"), 400},
		{"NUL in a name", offering("X\x00: y"), 400},
		{"NUL in the target", requestLine("GET /\x00 HTTP/1.1"), 400},
		{"NUL in the method", requestLine("G\x00ET / HTTP/1.1"), 400},

		{"two Hosts", host("1.1", "Host: a", "Host: b"), 400},
		{"the same Host twice", host("1.1", "Host: a", "host: a"), 400},
		{"two Hosts in 1.0", host("1.0", "Host: a", "Host: b"), 400},
		{"an empty Host and another", host("1.1", "Host:", "Host: a"), 400},
		{"no Host", host("1.1"), 400},
		{"no Host in 1.2", host("1.2"), 400},
		{"Host with a space", host("1.1", "Host: a b"), 400},
		{"Host with a slash", host("1.1", "Host: a/b"), 400},
		{"Host with a user", host("1.1", "Host: a@b"), 400},
		{"Host with a scheme", host("1.1", "Host: http://a"), 400},
		{"Host with a bad escape", host("1.1", "Host: a%zz"), 400},
		{"Host with a bad port", host("1.1", "Host: a:b"), 400},
		{"Host with two ports", host("1.1", "Host: a:1:2"), 400},
		{"Host with half a bracket", host("1.1", "Host: [::1"), 400},
		{"Host outside ASCII", host("1.1", "Host: \xC3\xA9"), 400},
		{"malformed Host in 1.0", host("1.0", "Host: a b"), 400},

		{"length and coding", lengthy("1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), 400},
		{"coding and length", lengthy("1.1", "Transfer-Encoding: chunked", "Content-Length: 5"), 400},
		{"coding and length of 0", lengthy("1.1", "Transfer-Encoding: chunked", "Content-Length: 0"), 400},
		{"two lengths", lengthy("1.1", "Content-Length: 5", "Content-Length: 6"), 400},
		{"the same length twice", lengthy("1.1", "Content-Length: 5", "content-length: 5"), 400},
		{"a list of lengths", lengthy("1.1", "Content-Length: 5, 5"), 400},
		{"two lengths in 1.0", lengthy("1.0", "Content-Length: 5", "Content-Length: 6"), 400},
		{"coding in 1.0", lengthy("1.0", "Transfer-Encoding: chunked"), 400},
		{"two codings in two lines", lengthy("1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400},
		{"chunked twice", lengthy("1.1", "Transfer-Encoding: chunked, chunked"), 400},
		{"chunked and then another", lengthy("1.1", "Transfer-Encoding: chunked, gzip"), 400},
		{"chunked with a parameter", lengthy("1.1", "Transfer-Encoding: chunked;q=1"), 400},
		{"chunked and another word", lengthy("1.1", "Transfer-Encoding: chunked x"), 400},
		{"quoted coding", lengthy("1.1", `Transfer-Encoding: "chunked"`), 400},
		{"no coding", lengthy("1.1", "Transfer-Encoding:"), 400},
		{"vertical tab before the coding", lengthy("1.1", "Transfer-Encoding: \x0bchunked"), 400},
		{"unknown coding", lengthy("1.1", "Transfer-Encoding: xchunked"), 501},
		{"unknown coding first", lengthy("1.1", "Transfer-Encoding: gzip, chunked"), 501},
		{"identity", lengthy("1.1", "Transfer-Encoding: identity"), 501},

		{"version 2.0", requestLine("GET / HTTP/2.0"), 505},
		{"preface of version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"version 3.0", requestLine("GET / HTTP/3.0"), 505},
		{"version 0.9 by name", requestLine("GET / HTTP/0.9"), 505},
		{"version 0.9", "GET /\r\n", 400},
		{"no version", requestLine("GET / "), 400},
		{"version in lower case", requestLine("GET / http/1.1"), 400},
		{"version and a space", requestLine("GET / HTTP/1.1 "), 400},
		{"version 1.10", requestLine("GET / HTTP/1.10"), 400},
		{"version 11.1", requestLine("GET / HTTP/11.1"), 400},
		{"version 1", requestLine("GET / HTTP/1"), 400},
		{"another protocol", requestLine("GET / HTTPS/1.1"), 400},
		{"two spaces before the target", requestLine("GET  / HTTP/1.1"), 400},
		{"two spaces after the target", requestLine("GET /  HTTP/1.1"), 400},
		{"tab before the target", requestLine("GET\t/ HTTP/1.1"), 400},
		{"space in the target", requestLine("GET /a b HTTP/1.1"), 400},
		{"relative target", requestLine("GET a HTTP/1.1"), 400},
		{"asterisk for GET", requestLine("GET * HTTP/1.1"), 400},
		{"fragment", requestLine("GET /a#b HTTP/1.1"), 400},
		{"target outside ASCII", requestLine("GET /\xC3\xA9 HTTP/1.1"), 400},
		{"user in the target", requestLine("GET http://a@b/ HTTP/1.1"), 400},
		{"malformed method", requestLine("G(T / HTTP/1.1"), 400},
		{"no method", requestLine("/ HTTP/1.1"), 400},
		{"CONNECT without an authority", requestLine("CONNECT / HTTP/1.1"), 400},
		{"a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 100), 400},

		{"long target", requestLine("GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1"), 414},
		{"target longer than a head", requestLine("GET /" + strings.Repeat("a", 80<<10) + " HTTP/1.1"), 414},
		{"101 fields", offering(slicesOf("X: y", 98)...), 431},
		{"big head", offering(slicesOf("X: "+strings.Repeat("y", 1<<10), 70)...), 431},
		{"long field", offering("X: " + strings.Repeat("y", 64<<10)), 431},
		{"long field name", offering(strings.Repeat("x", 64<<10) + ": y"), 431},
		{"head one octet too big", offering("X: " + strings.Repeat("x", 64<<10+1-len(offering("X: ")))), 431},

		{"another expectation", offering("Expect: 200-ok"), 417},
		{"two expectations", offering("Expect: 100-continue, x=y"), 417},
		{"two lines of expectations", offering("Expect: 100-continue", "Expect: x"), 417},
	}
	for _, length := range []string{
		"+5", "-5", "-0", "0x5", "5 5", "", "5;", "5.0", "1e3", "five", `"5"`, "\xC2\xA05",
		"9223372036854775808", "18446744073709551621", "99999999999999999999999999",
	} {
		list = append(list, attack{"length " + length, lengthy("1.1", "Content-Length: "+length), 400})
	}
	for c := range 0x20 {
		if c != '\t' && c != '\r' && c != '\n' {
			list = append(list, attack{fmt.Sprintf("control %#x in a value", c), offering("X: y" + string(rune(c)) + "z"), 400})
		}
	}
	return append(list, attack{"DEL in a value", offering("X: y\x7Fz"), 400})
}

func slicesOf(line string, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = line
	}
	return lines
}

// Each is answered with only its status, and the connection is closed. A client that goes
// on sending, as an attacker will, can still read the answer.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, attack := range attacks() {
		t.Run(attack.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoing())
			for i, behind := range []string{"", offerEcho, strings.Repeat(plain, 1000)} {
				refused(t, s.ask(attack.request+behind), attack.status)
				status, err := s.outcome(i)
				equal(t, "status", status, attack.status)
				var malformed *head.Error
				if !errors.As(err, &malformed) || malformed.Status() != attack.status {
					t.Errorf("%v is not a *head.Error of %d", err, attack.status)
				}
			}
			s.chop(tcptest.Limits{Step: 1 + len(attack.request)/100})
			refused(t, s.ask(attack.request), attack.status)
		})
	}
}

// A fault is answered when its line is whole, before the rest of the head comes.
func TestAttacksAreAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, attack := range []attack{
		{"version", "GET / HTTP/2.0\r\n", 505},
		{"fold", "GET / HTTP/1.1\r\nHost: test\r\n X: y\r\n", 400},
		{"codings", "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
		{"expectation", "GET / HTTP/1.1\r\nExpect: x\r\n", 417},
	} {
		refused(t, s.ask(attack.request), attack.status)
	}
}

// The answer and its reason are the same at every split, in memory.
func TestAttacksAtEverySplit(t *testing.T) {
	t.Parallel()
	acceptor := echoing()
	for _, attack := range attacks() {
		if len(attack.request) > 1000 {
			continue
		}
		_, want := acceptor.Accept(&memory{pieces: []string{attack.request}})
		for cut := range len(attack.request) + 1 {
			conn := &memory{pieces: []string{attack.request[:cut], attack.request[cut:]}}
			_, err := acceptor.Accept(conn)
			if err == nil || err.Error() != want.Error() {
				t.Fatalf("%s at %d: %v, want %v", attack.name, cut, err, want)
			}
			if len(conn.sent) != 1 || conn.closed != 1 {
				t.Fatalf("%s at %d: sent %q, closed %d times", attack.name, cut, conn.sent, conn.closed)
			}
			refused(t, conn.sent[0], attack.status)
		}
	}
}

// Odd but legal requests switch.
func TestLegalRequests(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"empty Host":             host("1.1", "Host:"),
		"blank Host":             host("1.1", "Host: \t "),
		"Host with a port":       host("1.1", "Host: a:80"),
		"Host with empty port":   host("1.1", "Host: a:"),
		"Host of IPv6":           host("1.1", "Host: [::1]:80"),
		"empty line in front":    "\r\n" + offerEcho,
		"version 1.2":            host("1.2", "Host: test"),
		"version 1.9":            host("1.9", "Host: test"),
		"absolute target":        requestLine("GET http://test/ HTTP/1.1"),
		"absolute target, WS":    requestLine("GET ws://test/ HTTP/1.1"),
		"OPTIONS of the server":  requestLine("OPTIONS * HTTP/1.1"),
		"any method":             requestLine("M-SEARCH / HTTP/1.1"),
		"query":                  requestLine("GET /?a={\"b\":|c|}"[:6] + "{b}|c|^ HTTP/1.1"),
		"value outside ASCII":    offering("X: \xC3\xA9\xFF\x80"),
		"tab in a value":         offering("X:\ty\tz\t"),
		"empty value":            offering("X:", "Y: \t "),
		"all of tchar":           offering("a!#$%&'*+-.^_`|~0: y"),
		"100 fields":             offering(slicesOf("X: y", 97)...),
		"longest target":         requestLine("GET /" + strings.Repeat("a", 8<<10-1) + " HTTP/1.1"),
		"biggest head":           offering("X: " + strings.Repeat("x", 64<<10-len(offering("X: ")))),
		"Firefox":                strings.Replace(offerEcho, ": Upgrade", ": keep-alive, Upgrade", 1),
		"two lines of options":   offering("Connection: keep-alive"),
		"close as well":          offering("Connection: close"),
		"empty elements":         strings.Replace(offerEcho, ": Upgrade", ": ,, keep-alive,,Upgrade ,", 1),
		"other case":             strings.ToLower(offerEcho[:1]) + offerEcho[1:],
		"fields in lower case":   "GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: ECHO/1\r\n\r\n",
		"fields in upper case":   "GET / HTTP/1.1\r\nHOST: test\r\nCONNECTION: UPGRADE\r\nUPGRADE: Echo/1\r\n\r\n",
		"several products":       strings.Replace(offerEcho, "echo/1", "HTTP/2.0, SHTTP/1.3,\techo/1, echo/1", 1),
		"several lines":          offering("Upgrade: h2c", "Upgrade:"),
		"length of 0":            offering("Content-Length: 0"),
		"length with zeros":      lengthy("1.1", "Content-Length: 0000000000000000000000000000015"),
		"chunked in capitals":    strings.Replace(post("chunked", "content"), ": chunked", ": CHUNKED", 1),
		"chunked, empty element": strings.Replace(post("chunked", "content"), ": chunked", ": , chunked ,", 1),
		"100-continue, no need":  offering("Expect: 100-continue"),
		"GET with content":       offering("Content-Length: 2")[:0] + strings.Replace(post("length", "ab"), "POST", "GET", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoing(), serving(func(netupgrade.Accepted) {}))
			got := s.exchange(request)
			equal(t, "answer", got, echoHead)
		})
	}
}

// A request without an offer that counts is an ordinary request. It is declined with the
// reason, and by default the answer says what to offer.
func TestOffersThatDoNotCount(t *testing.T) {
	t.Parallel()
	const (
		option = "Connection: Upgrade"
		offer  = "Upgrade: echo/1"
	)
	malformed := func(field string) func(error) bool {
		return func(err error) bool {
			var e *handshake.FieldError
			return errors.As(err, &e) && e.Field == field
		}
	}
	is := func(want error) func(error) bool {
		return func(err error) bool { return errors.Is(err, want) }
	}
	for _, test := range []struct {
		name, version string
		lines         []string
		want          func(error) bool
		status        int
	}{
		{"nothing", "1.1", nil, is(handshake.ErrNoUpgrade), 426},
		{"option alone", "1.1", []string{option}, is(handshake.ErrNoUpgrade), 426},
		{"empty Upgrade", "1.1", []string{option, "Upgrade:"}, is(handshake.ErrNoUpgrade), 426},
		{"comma", "1.1", []string{option, "Upgrade: ,"}, is(handshake.ErrNoUpgrade), 426},
		{"no option", "1.1", []string{offer}, is(handshake.ErrNoOption), 426},
		{"another option", "1.1", []string{"Connection: keep-alive", offer}, is(handshake.ErrNoOption), 426},
		{"longer option", "1.1", []string{"Connection: Upgrade-Insecure-Requests", offer}, is(handshake.ErrNoOption), 426},
		{"option in another field", "1.1", []string{"Proxy-Connection: Upgrade", offer}, is(handshake.ErrNoOption), 426},
		{"options without comma", "1.1", []string{"Connection: keep-alive Upgrade", offer}, malformed("Connection"), 426},
		{"quoted option", "1.1", []string{`Connection: "Upgrade"`, offer}, malformed("Connection"), 426},
		{"option and U+0085", "1.1", []string{"Connection: Upgrade\xC2\x85", offer}, malformed("Connection"), 426},
		{"malformed neighbour", "1.1", []string{option, "Upgrade: a b, echo/1"}, malformed("Upgrade"), 426},
		{"space around the slash", "1.1", []string{option, "Upgrade: echo / 1"}, malformed("Upgrade"), 426},
		{"parameter", "1.1", []string{option, "Upgrade: echo/1;q=1"}, malformed("Upgrade"), 426},
		{"Kelvin sign", "1.1", []string{option, "Upgrade: ec\xE2\x84\xAAho/1"}, malformed("Upgrade"), 426},
		{"another product", "1.1", []string{option, "Upgrade: h2c"}, is(handshake.ErrNotSupported), 426},
		{"no version", "1.1", []string{option, "Upgrade: echo"}, is(handshake.ErrNotSupported), 426},
		{"another version", "1.1", []string{option, "Upgrade: echo/1.0, echo/11"}, is(handshake.ErrNotSupported), 426},
		{"1.0", "1.0", []string{option, offer}, is(handshake.ErrHTTPVersion), 505},
		{"1.0 and nothing", "1.0", nil, is(handshake.ErrHTTPVersion), 505},
		{"1.0 and an expectation", "1.0", []string{option, offer, "Content-Length: 1", "Expect: 100-continue"}, is(handshake.ErrHTTPVersion), 505},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoing())
			got := s.ask("GET / HTTP/" + test.version + "\r\nHost: test\r\n" + joined(test.lines) + "\r\n" + plain)
			refused(t, got, test.status)
			status, err := s.outcome(0)
			equal(t, "status", status, test.status)
			if !test.want(err) {
				t.Errorf("error %v", err)
			}
			if upgrade := strings.Contains(got, "\r\nUpgrade: echo/1\r\nConnection: Upgrade, close\r\n"); upgrade != (test.status == 426) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limits  head.Limits
		request string
		status  int // 0: switched
	}{
		{head.Limits{Bytes: len(offerEcho)}, offerEcho, 0},
		{head.Limits{Bytes: len(offerEcho) - 1}, offerEcho, 431},
		{head.Limits{Fields: 3}, offerEcho, 0},
		{head.Limits{Fields: 2}, offerEcho, 431},
		{head.Limits{Target: 1}, offerEcho, 0},
		{head.Limits{Target: 1}, requestLine("GET /a HTTP/1.1"), 414},
		{head.Limits{Bytes: 1 << 20, Fields: 1 << 20}, offering(slicesOf("X: "+strings.Repeat("y", 1000), 200)...), 0},
	} {
		a := echoing()
		a.Limits, a.KeepHead = test.limits, true
		s := start(t, a)
		got := s.exchange(test.request)
		if test.status != 0 {
			refused(t, got, test.status)
		} else {
			equal(t, "exchange", got, echoHead+hello(""))
		}
	}
}
