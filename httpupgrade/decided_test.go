package httpupgrade_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// decision is a Decision with the text of its error.
type decision struct {
	Product string
	Status  int
	Err     string
}

func TestDecidedIsCalledOnceForEachOffer(t *testing.T) {
	t.Parallel()
	decisions := make(chan decision, 10)
	errs := make(errorsOf, 10)
	h := echoing()
	h.Decided = func(_ *http.Request, d handshake.Decision) {
		text := ""
		if d.Err != nil {
			text = d.Err.Error()
		}
		decisions <- decision{d.Product.String(), d.Status, text}
	}
	h.Error = errs.report
	h.MaxBody = 5
	h.Protocols = append(h.Protocols, httpupgrade.Protocol{
		Product: chat,
		Check: func(r *http.Request) error {
			if r.URL.Path == "/own" {
				return errTest
			}
			return &httpupgrade.Refusal{Status: 403}
		},
		Serve: serveEcho,
	})
	s := start(t, h)
	noNext := h
	noNext.Next = nil
	other := start(t, noNext)
	for _, test := range []struct {
		s       *server
		request string
		want    decision
		failed  bool
	}{
		{s, offerEcho, decision{"echo/1", 101, ""}, false},
		{s, strings.Replace(offerEcho, "echo/1", "chat", 1), decision{"chat", 403, "handshake: refused with status 403"}, false},
		{s, strings.NewReplacer("echo/1", "chat", "GET /", "GET /own").Replace(offerEcho), decision{"chat", 500, errTest.Error()}, true},
		{s, strings.Replace(offerEcho, "echo/1", "h2c", 1), decision{"", 0, "handshake: no supported protocol offered"}, false},
		{s, strings.Replace(offerEcho, "echo/1", "a b", 1), decision{"", 0, "handshake: malformed Upgrade: line 0, offset 2: want comma or end of line"}, false},
		{s, strings.Replace(offerEcho, "Connection: Upgrade\r\n", "", 1), decision{"", 0, "handshake: no upgrade option in Connection"}, false},
		{s, post("length", "longer than five") + plain, decision{"echo/1", 413, "handshake: content exceeds the limit"}, true},
		{other, strings.Replace(offerEcho, "echo/1", "h2c", 1), decision{"", 426, "handshake: no supported protocol offered"}, false},
		{other, "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n", decision{"", 505, "handshake: HTTP version cannot upgrade"}, false},
	} {
		test.s.exchange(test.request)
		equal(t, test.request, tcptest.Receive(t, decisions), test.want)
		if test.failed {
			errs.next(t)
		}
	}
	s.exchange(plain)
	other.exchange(plain)
	if len(decisions) > 0 || len(errs) > 0 {
		t.Errorf("%d decisions and %d errors too many", len(decisions), len(errs))
	}
}

// Serve must not run before Decided has returned, or after Decided has panicked.
func TestDecidedThatPanicsClosesTheConnection(t *testing.T) {
	t.Parallel()
	errs := make(errorsOf, 1)
	conns := new(httpupgrade.Conns)
	h := counted(conns)
	h.Error = errs.report
	h.Decided = func(*http.Request, handshake.Decision) { panicOfTheTest("boom") }
	h.Protocols[0].Serve = func(net.Conn, *http.Request) { t.Error("served") }
	s := start(t, h)
	equal(t, "exchange", s.exchange(offerEcho), echoHead)
	var panicked *httpupgrade.PanicError
	if err := errs.next(t); !errors.As(err, &panicked) || panicked.Value != "boom" {
		t.Errorf("reported %v", err)
	}
	wantLen(t, conns, 0)
}

func TestHooksThatPanicCostOneRequest(t *testing.T) {
	t.Parallel()
	boom := func() { panicOfTheTest("boom") }
	for name, p := range map[string]httpupgrade.Protocol{
		"Allow":  {Allow: func(*http.Request) bool { boom(); return true }},
		"Check":  {Check: func(*http.Request) error { boom(); return nil }},
		"Fields": {Fields: func(*http.Request) ([]handshake.Field, error) { boom(); return nil, nil }},
	} {
		p.Product, p.Serve = echo, serveEcho
		errs := make(errorsOf, 1)
		s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{p}, Next: http.HandlerFunc(tell), Error: errs.report})
		response, _ := answersAndGoesOn(t, s, offerEcho)
		equal(t, name, response.StatusCode, 500)
		var panicked *httpupgrade.PanicError
		if err := errs.next(t); !errors.As(err, &panicked) || panicked.Value != "boom" {
			t.Errorf("%s: reported %v", name, err)
		}
	}
}

// Outside of a handler only this package recovers such a panic.
func TestErrorHookThatPanicsIsLogged(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Error = func(*http.Request, error) { panicOfTheTest("boom in Error") }
	h.Protocols[0].Serve = func(net.Conn, *http.Request) { panicOfTheTest("boom in Serve") }
	s := start(t, h)
	equal(t, "exchange", s.exchange(offerEcho), echoHead)
	var text string
	if !tcptest.Eventually(func() bool { text += s.log.take(); return strings.Contains(text, "boom in Error") }) {
		t.Errorf("log: %q", text)
	}
}

func TestNilServePanicsAtFirstUse(t *testing.T) {
	t.Parallel()
	h := httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{Product: echo, Serve: serveEcho}, {Product: chat}}}
	defer func() {
		if v := recover(); v != "httpupgrade: Protocol 1 (chat) has no Serve" {
			t.Errorf("panic: %v", v)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	t.Error("no panic")
}

func TestCarryTakesFieldsOfMiddleware(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Carry = []string{"set-cookie", "X-Request-ID", "Set-Cookie", "X-Absent", "etag"}
	h.Protocols[0].Fields = returning([]handshake.Field{{Name: "X-Own", Value: "1"}}, nil)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"b=2 ", "\ta=1"}
		w.Header().Set("X-Request-Id", "7")
		w.Header().Set("X-Not-Carried", "1")
		w.Header()["ETag"] = []string{`"e"`} // not as http.Header spells it
		h.ServeHTTP(w, r)
	}))
	equal(t, "exchange", s.exchange(offerEcho), strings.TrimSuffix(echoHead, "\r\n")+
		"X-Own: 1\r\nSet-Cookie: b=2\r\nSet-Cookie: a=1\r\nX-Request-Id: 7\r\nETag: \"e\"\r\n\r\n"+hello("", nil))
}

func TestCarryOfAReservedFieldPanicsAtFirstUse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"connection", "Upgrade", "CONTENT-LENGTH", "Transfer-Encoding", "Trailer", "a b", ""} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "httpupgrade: Carry cannot name "+name) {
					t.Errorf("%q: panic %q", name, text)
				}
			}()
			h := echoing()
			h.Carry = []string{"Set-Cookie", name}
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			t.Errorf("%q: no panic", name)
		}()
	}
}

func TestRefusalWithContent(t *testing.T) {
	t.Parallel()
	s := start(t, refusing(nil, returning(nil, &httpupgrade.Refusal{
		Status:  401,
		Fields:  []handshake.Field{{Name: "WWW-Authenticate", Value: "Basic"}},
		Content: "who are you?\n",
	})))
	c := s.dial()
	c.Send(offerEcho + strings.Replace(offerEcho, "GET", "HEAD", 1) + plain)
	response, text := c.response("GET")
	equal(t, "status", response.StatusCode, 401)
	equal(t, "Content-Type", response.Header["Content-Type"], []string{"text/plain; charset=utf-8"})
	equal(t, "content", text, "who are you?\n")
	response, text = c.response("HEAD")
	equal(t, "status of HEAD", response.StatusCode, 401)
	equal(t, "content of HEAD", text, "")
	_, text = c.response("GET")
	equal(t, "next", text, told("GET", "/plain", "", nil))
}

// net/http lets a malformed Host through.
func TestMalformedHostIsNotSwitched(t *testing.T) {
	t.Parallel()
	decided := make(chan handshake.Decision, 10)
	reached := 0
	h := echoing()
	h.Decided = func(_ *http.Request, d handshake.Decision) { decided <- d }
	s := start(t, h)
	for _, host := range []string{"fd00:10:0:0::1:8081", "[fe80::1%25eth0]", "a:b", "u@h", "a b"} {
		got := s.exchange(strings.Replace(offerEcho, "Host: test", "Host: "+host, 1))
		equal(t, host, status(t, got), "400")
		if strings.Contains(got, "malformed Host header") {
			continue // net/http's own answer
		}
		reached++
		// The log can tell why.
		if d := tcptest.Receive(t, decided); !errors.Is(d.Err, handshake.ErrHost) || handshake.FieldName(d.Err) != "Host" || d.Status != 400 {
			t.Errorf("%s: %+v", host, d)
		}
	}
	if reached < 3 {
		t.Errorf("only %d of them reached the handler", reached)
	}
	for _, host := range []string{"", "[fd00::1]:8081", "test:", "test:80"} {
		got := s.exchange(strings.Replace(offerEcho, "Host: test", "Host: "+host, 1))
		equal(t, host, status(t, got), "101")
	}
}

// A client that does not read must not hold a goroutine forever.
func TestWriteOfThe101EndsAtTheServersTimeout(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}}
	r = r.WithContext(contextWithServer(&http.Server{WriteTimeout: 1}))
	w := hijackFunc{httptest.NewRecorder(), func() (net.Conn, *bufio.ReadWriter, error) { return ours, nil, nil }}
	conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
	var write *httpupgrade.WriteError
	var timeout net.Error
	if conn != nil || !errors.As(err, &write) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v, %v", conn, err)
	}
	if _, err := ours.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Errorf("the connection is open: %v", err)
	}
}

// http.TimeoutHandler hides Hijack, and passes on the 500 that says close.
func TestFailedTakeOverClosesThroughTimeoutHandler(t *testing.T) {
	t.Parallel()
	errs := make(errorsOf, 1)
	h := echoing()
	h.Error = errs.report
	s := start(t, http.TimeoutHandler(h, patience, ""))
	c := s.dial()
	c.Send(offerEcho + "DELETE /x HTTP/1.1\r\nHost: test\r\n\r\n")
	response, _ := c.response("GET")
	equal(t, "status", response.StatusCode, 500)
	equal(t, "rest", c.Rest(), "")
	errs.next(t)
}
