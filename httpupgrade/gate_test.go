package httpupgrade_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

var (
	socket = upgrade.MustParseProduct("websocket")
	h2c    = upgrade.MustParseProduct("h2c")
)

// careless is a handler that reads Upgrade itself, as libraries do: it compares the first
// lines, ignores content, and drops the reader of Hijack.
func careless(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "echo/1" || r.Header.Get("Connection") != "Upgrade" {
		for _, name := range []string{"Connection", "Upgrade", "Http2-Settings"} {
			if lines, ok := r.Header[name]; ok {
				fmt.Fprintf(w, "%s %q\n", name, lines)
			}
		}
		tell(w, r)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	io.WriteString(conn, echoHead)
	content, err := io.ReadAll(r.Body)
	io.WriteString(conn, hello(string(content), err))
	io.Copy(conn, conn)
}

func gated(products ...upgrade.Product[string]) httpupgrade.Gate {
	return httpupgrade.Gate{Products: products, Next: http.HandlerFunc(careless), MaxBody: 10}
}

func TestGatePassesOnOffersInOneSpelling(t *testing.T) {
	t.Parallel()
	s := start(t, gated(echo, chat))
	for _, fields := range []string{
		"Connection: Upgrade\r\nUpgrade: echo/1\r\n",
		"connection: keep-alive, UPGRADE\r\nUpgrade: h2c, , Echo/1\r\n",
		"Connection: keep-alive\r\nConnection: , upgrade\r\nUpgrade: \r\nUpgrade: chat\r\nUpgrade: ECHO/1\r\n",
		"Connection: close, Upgrade\r\nUpgrade: echo/1\r\n",
	} {
		got := s.exchange("GET / HTTP/1.1\r\nHost: test\r\n" + fields + "\r\nearly")
		equal(t, fields, got, echoHead+hello("", nil)+"early")
	}
}

func TestGateHidesWhatIsNoOffer(t *testing.T) {
	t.Parallel()
	s := start(t, gated(echo))
	const connection = "Connection: Upgrade\r\n"
	for request, want := range map[string]string{
		" HTTP/1.1\r\n" + connection + "Upgrade: @@@, echo/1\r\n":                                        "",
		" HTTP/1.1\r\n" + connection + "Upgrade: echo/1 x\r\n":                                           "",
		" HTTP/1.1\r\n" + connection + "Upgrade: echo/2\r\n":                                             "",
		" HTTP/1.1\r\nUpgrade: echo/1\r\n":                                                               "",
		" HTTP/1.1\r\nConnection: a b, Upgrade\r\nUpgrade: echo/1\r\n":                                   "",
		" HTTP/1.1\r\nConnection: TE, Upgrade, x\r\nUpgrade: h2c\r\n":                                    "Connection [\"TE, x\"]\n",
		" HTTP/1.0\r\nConnection: Upgrade, keep-alive\r\nUpgrade: echo/1\r\n":                            "Connection [\"keep-alive\"]\n",
		" HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAA\r\n": "",
	} {
		c := s.dial()
		c.Send("GET /x" + strings.Replace(request, "\r\n", "\r\nHost: test\r\n", 1) + "\r\n")
		response, text := c.response("GET")
		equal(t, request, response.StatusCode, 200)
		equal(t, request, text, want+told("GET", "/x", "", nil))
	}
}

// A request without Upgrade reaches the handler as it came.
func TestGateLeavesOthersUntouched(t *testing.T) {
	var seen *http.Request
	var writer http.ResponseWriter
	g := httpupgrade.Gate{Products: []upgrade.Product[string]{echo}, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, writer = r, w
	})}
	requests := []*http.Request{
		httptest.NewRequest("GET", "/", nil),
		httptest.NewRequest("POST", "/", strings.NewReader("content")),
		{Method: "CONNECT", ProtoMajor: 2, Header: http.Header{":protocol": {"websocket"}}},
	}
	requests[1].Header["Connection"] = []string{"a b, Upgrade"}
	for _, r := range requests {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if seen != r || writer != w {
			t.Errorf("%s: another request or writer", r.Method)
		}
		if n := testing.AllocsPerRun(100, func() { g.ServeHTTP(w, r) }); n != 0 {
			t.Errorf("%s: %v allocations", r.Method, n)
		}
	}
}

func TestGateReadsTheContentFirst(t *testing.T) {
	t.Parallel()
	g := gated(echo)
	g.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The Gate has read the content, so a library must not ask for it.
		if r.ContentLength < 0 || r.TransferEncoding != nil || r.Header["Expect"] != nil {
			t.Errorf("length %d, %q, Expect %q", r.ContentLength, r.TransferEncoding, r.Header["Expect"])
		}
		careless(w, r)
	})
	s := start(t, g)
	for _, framing := range []string{"length", "chunked"} {
		c := s.dial()
		c.Send(post(framing, "0123456789") + "early")
		c.CloseWrite()
		equal(t, framing, c.Rest(), echoHead+hello("0123456789", nil)+"early")

		c = s.dial()
		c.Send(post(framing, "0123456789A") + plain)
		response, _ := c.response("POST")
		equal(t, framing, response.StatusCode, 413)
		equal(t, framing, c.Rest(), "")
	}
	c := s.dial()
	c.Send("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	equal(t, "first", c.Head(), goAhead)
	c.Send("ok")
	c.CloseWrite()
	equal(t, "then", c.Rest(), echoHead+hello("ok", nil))
}

func TestGateOffersOneProductWithItsSettings(t *testing.T) {
	t.Parallel()
	var seen http.Header
	g := httpupgrade.Gate{Products: []upgrade.Product[string]{h2c, echo}, Next: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header
	})}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{
		"Connection":     {"Upgrade, HTTP2-Settings, x"},
		"Upgrade":        {"echo/1", "H2C"},
		"Http2-Settings": {"AAMAAA"},
		"X":              {"1"},
	}
	before := r.Header.Clone()
	g.ServeHTTP(httptest.NewRecorder(), r)
	equal(t, "h2c", seen, http.Header{
		"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"h2c"}, "Http2-Settings": {"AAMAAA"}, "X": {"1"},
	})
	equal(t, "request", r.Header, before)
	g.Products = g.Products[1:]
	g.ServeHTTP(httptest.NewRecorder(), r)
	equal(t, "echo", seen, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}, "X": {"1"}})
	equal(t, "request", r.Header, before)
}

func TestGateAnswersWhatNoLibraryShouldSee(t *testing.T) {
	t.Parallel()
	s := start(t, gated(socket, echo))
	for change, want := range map[[2]string]int{
		{"GET", "POST"}:                            405,
		{"Version: 13", "Version: 8"}:              426,
		{"dGhl", ""}:                               400,
		{"Host: server.example.com", "Host: a::b"}: 400,
	} {
		response, _ := s.get(strings.Replace(sameOrigin, change[0], change[1], 1))
		equal(t, change[1], response.StatusCode, want)
		if want == 426 {
			equal(t, "Upgrade", response.Header["Upgrade"], []string{"websocket"})
			equal(t, "Connection", response.Header["Connection"], []string{"Upgrade"})
		}
	}
}

// Some libraries answer HTTP/1.0 with a 426 that does not say which protocol is required.
func TestGateNamesWhatIsRequired(t *testing.T) {
	t.Parallel()
	own := ""
	for offer, want := range map[string]string{
		"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n":            "echo/1",
		"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n": "echo/1",
		"GET / HTTP/1.1\r\nHost: test\r\nUpgrade: own\r\n":                        "own",
	} {
		own = want
		s := start(t, httpupgrade.Gate{Products: []upgrade.Product[string]{echo, echo}, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if own == "own" {
				w.Header()["Upgrade"] = []string{own}
			}
			w.WriteHeader(http.StatusUpgradeRequired)
		})})
		response, _ := s.get(offer + "\r\n")
		equal(t, offer, response.StatusCode, 426)
		equal(t, offer, response.Header["Upgrade"], []string{want})
	}
}

// The writer has an Unwrap. It has a Flush exactly if the server's writer has one.
func TestGateWriter(t *testing.T) {
	t.Parallel()
	check := func(w http.ResponseWriter, flushes bool) {
		t.Helper()
		if _, ok := w.(http.Flusher); ok != flushes {
			t.Errorf("%T: Flush %v", w, ok)
		}
		if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); !ok {
			t.Errorf("%T: no Unwrap", w)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}}
	var seen http.ResponseWriter
	g := httpupgrade.Gate{Products: []upgrade.Product[string]{echo}, Next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { seen = w })}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	check(seen, true)
	if _, _, err := seen.(http.Hijacker).Hijack(); err == nil {
		t.Error("a recorder was hijacked")
	}
	g.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	check(seen, false)
}

// A library that keeps the reader gets every octet from it exactly once.
func TestGateGivesEarlyOctetsOnce(t *testing.T) {
	t.Parallel()
	readers := map[string]func(io.Reader, *bufio.Reader) io.Reader{
		"connection": func(conn io.Reader, _ *bufio.Reader) io.Reader { return conn },
		"reader":     func(_ io.Reader, b *bufio.Reader) io.Reader { return b },
	}
	for name, choose := range readers {
		s := start(t, httpupgrade.Gate{Products: []upgrade.Product[string]{echo}, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, b, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			if b.Reader.Buffered() != 0 {
				t.Errorf("%s: %d octets buffered", name, b.Reader.Buffered())
			}
			io.Copy(conn, choose(conn, b.Reader))
		})})
		pieces := []string{offerEcho + "ear", "ly", " late"}
		c := s.dial()
		c.Send(slices.Clone(pieces)...)
		c.CloseWrite()
		equal(t, name, c.Rest(), "early late")
	}
}

// Middleware may spell a field as it likes. A library that folds names must not find a
// second offer, or one that the Gate has hidden.
func TestGateLeavesNoOtherSpelling(t *testing.T) {
	t.Parallel()
	var seen http.Header
	g := httpupgrade.Gate{Products: []upgrade.Product[string]{echo}, Next: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header
	})}
	for upgrade, want := range map[string]http.Header{
		"echo/1": {"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}, "x-spelled": {"1"}},
		"h2c":    {"x-spelled": {"1"}},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{
			"Connection": {"Upgrade"}, "connection": {"upgrade"},
			"Upgrade": {upgrade}, "UPGRADE": {"websocket"},
			"HTTP2-Settings": {"AAMAAA"}, "expect": {"100-continue"}, "x-spelled": {"1"},
		}
		g.ServeHTTP(httptest.NewRecorder(), r)
		equal(t, upgrade, seen, want)
	}
}

// A copy of a request must not lose the trailers that come with the end of its content,
// announced or not.
func TestGatePassesOnTrailers(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	s := start(t, httpupgrade.Gate{Products: []upgrade.Product[string]{echo}, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		seen <- r.Trailer
		if len(r.TransferEncoding) > 0 && r.Header["Upgrade"] != nil {
			t.Errorf("content that was read still has the coding %q", r.TransferEncoding)
		}
	})})
	for _, product := range []string{"echo/1", "h2c"} {
		for _, announced := range []string{"", "Trailer: X-Sum\r\n"} {
			c := s.dial()
			c.Send("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: " + product + "\r\n" + announced +
				"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n")
			response, _ := c.response("POST")
			equal(t, "status", response.StatusCode, 200)
			equal(t, product+" "+announced, <-seen, http.Header{"X-Sum": {"1"}})
		}
	}
}

// What follows an offer may not be HTTP, so the connection closes if the library tried to
// switch and could not.
func TestGateClosesAfterAFailedHijack(t *testing.T) {
	t.Parallel()
	g := gated(echo)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.ServeHTTP(withoutHijack(w), r) }))
	c := s.dial()
	c.Send(offerEcho + plain)
	response, _ := c.response("GET")
	equal(t, "status", response.StatusCode, 500)
	equal(t, "rest", c.Rest(), "")
}

func TestGateZero(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Gate{})
	for _, head := range []string{plain, offerEcho} {
		c := s.dial()
		c.Send(head)
		response, _ := c.response("GET")
		equal(t, head, response.StatusCode, 404)
	}
}

// If the client still waits for a 100, the connection has to close. A 426 that the Gate
// completes keeps the upgrade option even then.
func TestGateCompletesA426OfContentThatWaits(t *testing.T) {
	t.Parallel()
	g := gated(echo)
	g.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUpgradeRequired) })
	s := start(t, g)
	c := s.dial()
	head, _, _ := strings.Cut(post("length", "content", "Expect: 100-continue"), "\r\n\r\n")
	c.Send(strings.Replace(head, "echo/1", "h2c", 1) + "\r\n\r\n")
	response, _ := c.response("POST")
	equal(t, "status", response.StatusCode, 426)
	equal(t, "Upgrade", response.Header["Upgrade"], []string{"echo/1"})
	equal(t, "options", optionsOf(t, response), "upgrade close")
	closes(t, c, true)
}
