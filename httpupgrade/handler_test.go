package httpupgrade_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

const offerBoth = "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1, chat\r\n\r\n"

// named returns a protocol whose Serve sends the name of p.
func named(p upgrade.Product[string], allow func(*http.Request) bool) httpupgrade.Protocol {
	return httpupgrade.Protocol{Product: p, Allow: allow, Serve: func(conn net.Conn, r *http.Request) {
		io.WriteString(conn, p.String())
	}}
}

func TestAllowByMethodAndPath(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			named(chat, func(r *http.Request) bool { return r.Method == "POST" }),
			named(echo, func(r *http.Request) bool { return r.URL.Path != "/no" }),
		},
		Next: http.HandlerFunc(tell),
	})
	tests := []struct{ line, want string }{
		{"POST /x", chatHead + "chat"},
		{"POST /no", chatHead + "chat"},
		{"GET /x", echoHead + "echo/1"},
		{"GET /no", ""},
	}
	for _, test := range tests {
		got := s.exchange(strings.Replace(offerBoth, "GET /", test.line, 1))
		if test.want != "" {
			equal(t, test.line, got, test.want)
		} else if status(t, got) != "200" {
			t.Errorf("%s: %q", test.line, got)
		}
	}
}

func TestZeroProductIsNeverSwitchedTo(t *testing.T) {
	t.Parallel()
	var zero upgrade.Product[string]
	h := httpupgrade.Handler{Protocols: []httpupgrade.Protocol{named(zero, func(*http.Request) bool {
		t.Error("Allow was asked")
		return true
	})}}
	h.Next = http.HandlerFunc(tell)
	s := start(t, h)
	for _, offer := range []string{"echo/1", "", ",", "/", "@"} {
		if got := s.exchange(strings.Replace(offerEcho, "echo/1", offer, 1)); status(t, got) != "200" {
			t.Errorf("Upgrade: %s: %q", offer, got)
		}
	}
}

// A server switches to h2c and TLS only if it registers them.
func TestNoProtocolByDefault(t *testing.T) {
	t.Parallel()
	offer := "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \r\nUpgrade: h2c, TLS/1.2\r\n\r\n"
	next := http.HandlerFunc(tell)
	s := start(t, httpupgrade.Handler{Next: next})
	if got := s.exchange(offer); status(t, got) != "200" {
		t.Errorf("got %q", got)
	}
	s = start(t, httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{named(upgrade.MustParseProduct("TLS/1.2"), nil)},
		Next:      next,
	})
	equal(t, "registered", s.exchange(offer), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade\r\n\r\nTLS/1.2")
}

// The steps come in the order that the documentation of Handler gives.
func TestOrderOfSteps(t *testing.T) {
	t.Parallel()
	var steps []string // of the one request
	done := make(chan string, 1)
	note := func(step string) { steps = append(steps, step) }
	h := httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: echo,
		Allow:   func(*http.Request) bool { note("Allow"); return true },
		Fields:  func(*http.Request) ([]handshake.Field, error) { note("Fields"); return nil, nil },
		Serve: func(conn net.Conn, r *http.Request) {
			note("Serve")
			done <- strings.Join(steps, " ")
		},
	}}}
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &firstRead{ReadCloser: r.Body, note: func() { note("content") }}
		h.ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) {
			note("Hijack")
			return http.NewResponseController(w).Hijack()
		}}, r)
	}))
	s.exchange(post("length", "content"))
	equal(t, "steps", tcptest.Receive(t, done), "Allow Fields content Hijack Serve")
}

type firstRead struct {
	io.ReadCloser
	note func()
}

func (f *firstRead) Read(p []byte) (int, error) {
	if f.note != nil {
		f.note()
		f.note = nil
	}
	return f.ReadCloser.Read(p)
}

// refusing returns a Handler for echo/1 with the given Fields. It reports errors to errs.
func refusing(errs errorsOf, fields func(*http.Request) ([]handshake.Field, error)) httpupgrade.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: echo, Fields: fields, Serve: serveEcho}},
		Next:      http.HandlerFunc(tell),
		Error:     errs.report,
	}
}

func returning(fields []handshake.Field, err error) func(*http.Request) ([]handshake.Field, error) {
	return func(*http.Request) ([]handshake.Field, error) { return fields, err }
}

func TestFieldsAreInTheHead(t *testing.T) {
	t.Parallel()
	for _, fields := range [][]handshake.Field{
		nil,
		{},
		{{Name: "X-One", Value: "1"}},
		{{Name: "X-One", Value: "1"}, {Name: "Set-Cookie", Value: "a=b; Path=/"}, {Name: "Set-Cookie", Value: "c=d"}},
	} {
		s := start(t, refusing(nil, returning(fields, nil)))
		want := strings.TrimSuffix(echoHead, "\r\n")
		for _, f := range fields {
			want += f.Name + ": " + f.Value + "\r\n"
		}
		want += "\r\n"
		equal(t, "exchange", s.exchange(offerEcho+early), want+hello("", nil)+early)
		equal(t, "first Write", s.conn(0).Written()[0], want)
	}
}

// answersAndGoesOn sends an offer and an ordinary request at once, checks that the second
// is answered too, and returns the answer to the first.
func answersAndGoesOn(t testing.TB, s *server, offer string) (*http.Response, string) {
	t.Helper()
	c := s.dial()
	c.Send(offer + plain)
	response, text := c.response("GET")
	next, nextText := c.response("GET")
	equal(t, "next status", next.StatusCode, 200)
	equal(t, "next answer", nextText, told("GET", "/plain", "", nil))
	c.CloseWrite()
	equal(t, "rest", c.Rest(), "")
	return response, text
}

func TestHostileFieldsAreNeverSent(t *testing.T) {
	t.Parallel()
	check := func(field handshake.Field, want error) {
		errs := make(errorsOf, 1)
		good := handshake.Field{Name: "X-Good", Value: "1"}
		s := start(t, refusing(errs, returning([]handshake.Field{good, good, field}, nil)))
		response, text := answersAndGoesOn(t, s, offerEcho)
		equal(t, "status", response.StatusCode, 500)
		equal(t, "content", text, "")
		for name := range response.Header {
			if name != "Date" && name != "Content-Length" {
				t.Errorf("%q: answered with %q", field, response.Header)
			}
		}
		var wrong *handshake.ResponseError
		if err := errs.next(t); !errors.As(err, &wrong) || wrong.Index != 2 || !errors.Is(err, want) {
			t.Errorf("%q: reported %v, want field 2, %v", field, err, want)
		}
	}
	for _, h := range hostile {
		check(h.field, h.want)
	}
	for _, field := range reserved {
		check(field, handshake.ErrReserved)
	}
}

// An error of Fields is the server's own fault, no matter what it wraps: a read or write
// elsewhere has nothing to do with the content of this request or its answer.
func TestErrorOfFieldsIs500(t *testing.T) {
	t.Parallel()
	for _, want := range []error{
		errTest,
		fmt.Errorf("lookup: %w", errTest),
		fmt.Errorf("lookup: %w", &http.MaxBytesError{Limit: 1}),
		fmt.Errorf("lookup: %w", &httpupgrade.ContentError{Err: errTest}),
		fmt.Errorf("lookup: %w", &httpupgrade.WriteError{Err: errTest}),
	} {
		errs := make(errorsOf, 1)
		s := start(t, refusing(errs, returning([]handshake.Field{{Name: "X-Unused", Value: "1"}}, want)))
		c := s.dial()
		c.Send(offerEcho)
		response, text := c.response("GET")
		if response.StatusCode != 500 || text != "" || response.Header["X-Unused"] != nil {
			t.Errorf("%T: answered %d %q %q", errors.Unwrap(want), response.StatusCode, response.Header, text)
		}
		if err := errs.next(t); !errors.Is(err, want) {
			t.Errorf("reported %v, want %v", err, want)
		}
	}
}

func TestRefusalIsTheAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		refusal httpupgrade.Refusal
		want    http.Header // in addition to Date and Content-Length
	}{
		{httpupgrade.Refusal{Status: 401, Fields: []handshake.Field{{Name: "WWW-Authenticate", Value: "Basic"}}},
			http.Header{"Www-Authenticate": {"Basic"}}},
		{httpupgrade.Refusal{Status: 403}, http.Header{}},
		{httpupgrade.Refusal{Status: 200}, http.Header{}},
		{httpupgrade.Refusal{Status: 302, Fields: []handshake.Field{{Name: "Location", Value: "/"}}}, http.Header{"Location": {"/"}}},
		{httpupgrade.Refusal{Status: 503, Fields: []handshake.Field{{Name: "X", Value: "1"}, {Name: "x", Value: "2"}}},
			http.Header{"X": {"1", "2"}}},
		{httpupgrade.Refusal{Status: 599}, http.Header{}},
		{httpupgrade.Refusal{Status: 403, Fields: []handshake.Field{{Name: "Upgrade", Value: "echo/2"}}},
			http.Header{"Upgrade": {"echo/2"}, "Connection": {"Upgrade"}}},
		{httpupgrade.Refusal{Status: 426}, http.Header{"Upgrade": {"echo/1"}, "Connection": {"Upgrade"}}},
		{httpupgrade.Refusal{Status: 426, Fields: []handshake.Field{{Name: "upgrade", Value: "echo/2, echo/3"}}},
			http.Header{"Upgrade": {"echo/2, echo/3"}, "Connection": {"Upgrade"}}},
		{httpupgrade.Refusal{Status: 426, Fields: []handshake.Field{{Name: "X-Version", Value: "2"}}},
			http.Header{"Upgrade": {"echo/1"}, "Connection": {"Upgrade"}, "X-Version": {"2"}}},
	}
	for _, test := range tests {
		for _, wrapped := range []bool{false, true} {
			var err error = &test.refusal
			if wrapped {
				err = fmt.Errorf("no user: %w", err)
			}
			// A Refusal is not a failure, so it is not reported.
			s := start(t, refusing(nil, returning(nil, err)))
			response, text := answersAndGoesOn(t, s, offerEcho)
			equal(t, "status", response.StatusCode, test.refusal.Status)
			equal(t, "content", text, "")
			response.Header.Del("Date")
			equal(t, "Content-Length", response.Header.Get("Content-Length"), "0")
			response.Header.Del("Content-Length")
			equal(t, "fields", response.Header, test.want)
		}
	}
}

// A refusal of one protocol does not refuse the next.
func TestRefusalTriesTheNextProtocol(t *testing.T) {
	t.Parallel()
	refuse := func(p upgrade.Product[string], err error) httpupgrade.Protocol {
		return httpupgrade.Protocol{Product: p, Fields: returning(nil, err), Serve: serveEcho}
	}
	teapot, forbidden := &httpupgrade.Refusal{Status: 418}, &httpupgrade.Refusal{Status: 403}
	never := named(echo, func(*http.Request) bool { return false })
	unsupported := named(upgrade.MustParseProduct("h2c"), nil)
	tests := []struct {
		name      string
		protocols []httpupgrade.Protocol
		want      string // product or status
	}{
		{"refused, then switched", []httpupgrade.Protocol{refuse(chat, teapot), named(echo, nil)}, "echo/1"},
		{"switched, without a refusal", []httpupgrade.Protocol{named(echo, nil), refuse(chat, teapot)}, "echo/1"},
		{"two refusals of one product, then switched",
			[]httpupgrade.Protocol{refuse(chat, teapot), refuse(chat, forbidden), named(chat, nil)}, "chat"},
		{"impossible refusal, then switched", []httpupgrade.Protocol{refuse(chat, &httpupgrade.Refusal{}), named(echo, nil)}, "echo/1"},
		{"two refusals", []httpupgrade.Protocol{refuse(chat, teapot), refuse(echo, forbidden)}, "418"},
		{"refused, then not allowed", []httpupgrade.Protocol{refuse(chat, teapot), never}, "418"},
		{"not allowed, then refused", []httpupgrade.Protocol{never, refuse(chat, teapot)}, "418"},
		{"refused, then not offered", []httpupgrade.Protocol{refuse(chat, teapot), unsupported}, "418"},
		{"refused, then an error", []httpupgrade.Protocol{refuse(chat, teapot), refuse(echo, errTest)}, "500"},
		{"an error, then no further try", []httpupgrade.Protocol{refuse(chat, errTest), named(echo, nil)}, "500"},
		{"no protocol allowed", []httpupgrade.Protocol{never, unsupported}, "200"},
	}
	for _, test := range tests {
		errs := make(errorsOf, 1)
		s := start(t, httpupgrade.Handler{Protocols: test.protocols, Next: http.HandlerFunc(tell), Error: errs.report})
		got := s.exchange(strings.Replace(offerBoth, "\r\n\r\n", "\r\nExpect: 100-continue\r\n"+tcptest.Framed("length", "content"), 1))
		// The server asks for the content only before a switch.
		got = strings.TrimPrefix(got, goAhead)
		head, rest, _ := strings.Cut(got, "\r\n\r\n")
		if status(t, got) == "101" {
			equal(t, test.name, rest, test.want)
		} else {
			equal(t, test.name, status(t, head), test.want)
		}
	}
}

// The server skips the content of a refused request, and HTTP follows.
func TestRefusalOfARequestWithContent(t *testing.T) {
	t.Parallel()
	s := start(t, refusing(nil, returning(nil, &httpupgrade.Refusal{Status: 403})))
	for _, m := range messages {
		response, _ := answersAndGoesOn(t, s, post(m.framing, m.content))
		equal(t, "status", response.StatusCode, 403)
	}
}

func TestRefusalThatCloses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 426} {
		s := start(t, refusing(nil, returning(nil, &httpupgrade.Refusal{
			Status: status,
			Fields: []handshake.Field{{Name: "Connection", Value: "close"}},
		})))
		c := s.dial()
		c.Send(offerEcho + plain)
		response, _ := c.response("GET")
		equal(t, "status", response.StatusCode, status)
		options, err := upgrade.ParseConnection(response.Header["Connection"]...)
		if err != nil || !options.Has("close") || options.Has("upgrade") != (status == 426) {
			t.Errorf("%d: Connection: %q", status, response.Header["Connection"])
		}
		equal(t, "rest", c.Rest(), "")
	}
}

func TestRefusalWithAnImpossibleStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{-1, 0, 1, 99, 100, 101, 103, 199, 600, 700, 1000} {
		errs := make(errorsOf, 1)
		s := start(t, refusing(errs, returning(nil, &httpupgrade.Refusal{
			Status: status,
			Fields: []handshake.Field{{Name: "X-Unused", Value: "1"}},
		})))
		response, _ := answersAndGoesOn(t, s, offerEcho)
		equal(t, "status", response.StatusCode, 500)
		equal(t, "X-Unused", response.Header["X-Unused"], nil)
		errs.next(t)
	}
}

func TestRefusalWithHostileFields(t *testing.T) {
	t.Parallel()
	for _, test := range hostile {
		errs := make(errorsOf, 1)
		s := start(t, refusing(errs, returning(nil, &httpupgrade.Refusal{
			Status: 403,
			Fields: []handshake.Field{{Name: "X-Good", Value: "1"}, test.field},
		})))
		response, _ := answersAndGoesOn(t, s, offerEcho)
		equal(t, "status", response.StatusCode, 500)
		for name := range response.Header {
			if name != "Date" && name != "Content-Length" {
				t.Errorf("%q: answered with %q", test.field, response.Header)
			}
		}
		var wrong *handshake.ResponseError
		if err := errs.next(t); !errors.As(err, &wrong) || wrong.Index != 1 || !errors.Is(err, test.want) {
			t.Errorf("%q: reported %v, want field 1, %v", test.field, err, test.want)
		}
	}
}

// A Refusal is a response without content: fields that say otherwise would leave the
// client waiting, or reading the next response as content.
func TestRefusalWithFieldsOfTheFraming(t *testing.T) {
	t.Parallel()
	for _, field := range []handshake.Field{
		{Name: "Content-Length", Value: "0"},
		{Name: "Content-Length", Value: "5"},
		{Name: "content-length", Value: "-1"},
		{Name: "Transfer-Encoding", Value: "chunked"},
		{Name: "Transfer-Encoding", Value: "gzip"},
		{Name: "Trailer", Value: "X-Sum"},
	} {
		t.Run(field.Name+" "+field.Value, func(t *testing.T) {
			errs := make(errorsOf, 1)
			s := start(t, refusing(errs, returning(nil, &httpupgrade.Refusal{Status: 403, Fields: []handshake.Field{field}})))
			_, text := answersAndGoesOn(t, s, offerEcho)
			equal(t, "content", text, "")
		})
	}
}

// After an answer other than 101 the connection still speaks HTTP: the client's next
// octets are a request.
func TestPipelinedRequestsAfterOffers(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			httpupgrade.Refuse(w, r, echo)
			return
		}
		tell(w, r)
	})
	s := start(t, h)
	declined := strings.Replace(offerEcho, "echo/1", "h2c", 1)
	refused := strings.Replace(declined, "GET /", "GET /refuse", 1)
	for _, framing := range []string{"length", "chunked"} {
		c := s.dial()
		c.Send(declined + plain + refused +
			strings.Replace(post(framing, "content"), "Upgrade: echo/1", "Upgrade: h2c", 1) +
			post(framing, "more") + early)
		c.CloseWrite()
		_, text := c.response("GET")
		equal(t, "declined", text, told("GET", "/", "", nil))
		_, text = c.response("GET")
		equal(t, "plain", text, told("GET", "/plain", "", nil))
		response, _ := c.response("GET")
		equal(t, "refused", response.StatusCode, 426)
		_, text = c.response("POST")
		equal(t, "declined with content", text, told("POST", "/post", "content", nil))
		equal(t, "switched at last", c.Rest(), echoHead+hello("more", nil)+early)
	}
}

func TestOfferOnALaterRequest(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for before := 1; before <= 3; before++ {
		c := s.dial()
		for range before {
			c.Send(plain)
			_, text := c.response("GET")
			equal(t, "plain", text, told("GET", "/plain", "", nil))
		}
		c.Send(offerEcho + early)
		c.CloseWrite()
		equal(t, "switched", c.Rest(), echoHead+hello("", nil)+early)
	}
}

func TestCloseBesideUpgrade(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Next = nil
	s := start(t, h)
	both := strings.Replace(offerEcho, "Connection: Upgrade", "Connection: close, Upgrade", 1)
	equal(t, "switched", s.exchange(both+early), echoHead+hello("", nil)+early)

	c := s.dial()
	c.Send(strings.Replace(both, "echo/1", "chat", 1) + plain)
	response, _ := c.response("GET")
	equal(t, "status", response.StatusCode, 426)
	equal(t, "Connection", response.Header["Connection"], []string{"Upgrade, close"})
	equal(t, "rest", c.Rest(), "")
}

// Without Next, a request that is not switched gets an answer that names the products.
func TestHandlerWithoutNext(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{
		named(echo, nil), {}, named(chat, func(*http.Request) bool { return false }),
	}})
	for _, request := range []string{plain, strings.Replace(offerEcho, "echo/1", "chat", 1)} {
		c := s.dial()
		c.Send(request)
		response, text := c.response("GET")
		equal(t, "status", response.StatusCode, 426)
		equal(t, "Upgrade", response.Header["Upgrade"], []string{"echo/1, chat"})
		equal(t, "Connection", response.Header["Connection"], []string{"Upgrade"})
		equal(t, "content", text, "")
	}
	if got := s.exchange("GET / HTTP/1.0\r\n\r\n"); status(t, got) != "505" {
		t.Errorf("HTTP/1.0: %q", got)
	}
}

func TestConnectionIsClosedWhenServeEnds(t *testing.T) {
	t.Parallel()
	ends := map[string]func(){
		"return":          func() {},
		"Goexit":          runtime.Goexit,
		"ErrAbortHandler": func() { panic(http.ErrAbortHandler) },
	}
	for name, end := range ends {
		for _, early := range []string{"", early} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				// These ends are not failures, so the server's log must stay empty too.
				h := httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
					Product: echo,
					Serve: func(conn net.Conn, r *http.Request) {
						io.ReadFull(conn, make([]byte, len(early)))
						io.WriteString(conn, "bye")
						end()
					},
				}}}
				s := start(t, h)
				c := s.dial()
				c.Send(offerEcho + early)
				equal(t, "answer", c.Rest(), echoHead+"bye")
			})
		}
	}
}

func TestPanicInServe(t *testing.T) {
	t.Parallel()
	for _, value := range []any{errTest, "text", 7} {
		h := httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
			Product: echo,
			Serve:   func(net.Conn, *http.Request) { panicOfTheTest(value) },
		}}}
		check := func(text string) {
			t.Helper()
			if !strings.Contains(text, fmt.Sprint(value)) || !strings.Contains(text, "panicOfTheTest") {
				t.Errorf("no value or stack in %q", text)
			}
		}

		errs := make(errorsOf, 1)
		reporting := h
		reporting.Error = func(r *http.Request, err error) {
			if r == nil || r.URL.Path != "/" {
				t.Errorf("reported with request %v", r)
			}
			errs <- err
		}
		s := start(t, reporting)
		equal(t, "exchange", s.exchange(offerEcho+early), echoHead)
		var panicked *httpupgrade.PanicError
		err := errs.next(t)
		if !errors.As(err, &panicked) || panicked.Value != value || !strings.Contains(string(panicked.Stack), "panicOfTheTest") {
			t.Errorf("reported %v", err)
		} else {
			check(err.Error())
		}

		s = start(t, h)
		equal(t, "exchange", s.exchange(offerEcho+early), echoHead)
		var text string
		tcptest.Eventually(func() bool { text += s.log.take(); return text != "" })
		check(text)
	}
}

//go:noinline
func panicOfTheTest(value any) { panic(value) }

// Without Error, failures go to the log of the server.
func TestFailuresGoToTheServersLog(t *testing.T) {
	t.Parallel()
	s := start(t, refusing(nil, returning(nil, errTest)), func(s *server) {
		h := s.Handler.(httpupgrade.Handler)
		h.Error = nil
		s.Handler = h
	})
	answersAndGoesOn(t, s, offerEcho)
	if text := s.log.take(); !strings.Contains(text, errTest.Error()) {
		t.Errorf("ErrorLog: %q", text)
	}
}

// As in any handler, panicking with ErrAbortHandler reports nothing. Only Decided is
// called, because it counts.
func TestAbortHandlerIsNotReported(t *testing.T) {
	t.Parallel()
	errs := make(errorsOf, 1)
	decisions := make(chan handshake.Decision, 1)
	abort := func() { panic(http.ErrAbortHandler) }
	for _, test := range []struct {
		p      httpupgrade.Protocol
		answer string
		status int
	}{
		{httpupgrade.Protocol{Serve: func(net.Conn, *http.Request) { abort() }}, echoHead, 101},
		{httpupgrade.Protocol{Serve: serveEcho, Allow: func(*http.Request) bool { abort(); return true }}, "", 0},
		{httpupgrade.Protocol{Serve: serveEcho, Check: func(*http.Request) error { abort(); return nil }}, "", 0},
		{httpupgrade.Protocol{Serve: serveEcho, Fields: func(*http.Request) ([]handshake.Field, error) { abort(); return nil, nil }}, "", 0},
	} {
		test.p.Product = echo
		h := httpupgrade.Handler{
			Protocols: []httpupgrade.Protocol{test.p}, Error: errs.report,
			Decided: func(_ *http.Request, d handshake.Decision) { decisions <- d },
		}
		s := start(t, h) // which checks its ErrorLog
		equal(t, "exchange", s.exchange(offerEcho), test.answer)
		d := tcptest.Receive(t, decisions)
		equal(t, "status", d.Status, test.status)
		if (d.Err == nil) != (test.status == 101) {
			t.Errorf("decided: %v", d.Err)
		}
	}
	if len(errs) > 0 {
		t.Errorf("reported %v", <-errs)
	}
}

// A server without an ErrorLog uses the default of package log, as net/http does.
func TestFailuresGoToTheDefaultLog(t *testing.T) {
	var text lines
	log.SetOutput(&text)
	defer log.SetOutput(os.Stderr)
	s := start(t, refusing(nil, returning(nil, errTest)), func(s *server) {
		h := s.Handler.(httpupgrade.Handler)
		h.Error = nil
		s.Handler, s.ErrorLog = h, nil
	})
	s.exchange(offerEcho)
	if text := text.take(); !strings.Contains(text, errTest.Error()) {
		t.Errorf("logged %q", text)
	}
}

// Serve outlives the handler, so that net/http can free what it holds for a request. The
// context that Serve gets outlives that of the server's request.
func TestServeOutlivesTheHandler(t *testing.T) {
	t.Parallel()
	type key struct{}
	var outer atomic.Value // context of the server's request
	done := make(chan struct{})
	h := httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: echo,
		Serve: func(conn net.Conn, r *http.Request) {
			defer close(done)
			tcptest.Receive(t, outer.Load().(context.Context).Done())
			if err := r.Context().Err(); err != nil {
				t.Errorf("context: %v", err)
			}
			if r.Context().Value(key{}) != "value" || r.Context().Value(http.ServerContextKey) == nil {
				t.Error("context has lost its values")
			}
			content, err := io.ReadAll(r.Body)
			equal(t, "request", told(r.Method, r.URL.Path, string(content), err), told("POST", "/post", "content", nil))
			equal(t, "field", r.Header["Upgrade"], []string{"echo/1"})
		},
	}}}
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer.Store(r.Context())
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "value")))
	}))
	c := s.dial()
	c.Send(post("chunked", "content"))
	equal(t, "head", c.Head(), echoHead)
	tcptest.Receive(t, done)
}

// The server no longer owns a switched connection.
func TestServerStopsWithoutSwitchedConnections(t *testing.T) {
	t.Parallel()
	stops := map[string]func(*server) error{
		"Shutdown": func(s *server) error { return s.Shutdown(context.Background()) },
		"Close":    func(s *server) error { return s.Close() },
	}
	for name, stop := range stops {
		s := start(t, echoing())
		c := s.dial()
		c.Send(offerEcho)
		equal(t, "head", c.Head(), echoHead)
		equal(t, "hello", c.Octets(len(hello("", nil))), hello("", nil))
		if err := stop(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.Send("still there")
		c.CloseWrite()
		equal(t, name, c.Rest(), "still there")
	}
}
