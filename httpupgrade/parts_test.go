package httpupgrade_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

func contextWithServer(s *http.Server) context.Context {
	return context.WithValue(context.Background(), http.ServerContextKey, s)
}

// made returns a request that is made by hand: without a version.
func made(fields http.Header) *http.Request { return &http.Request{Method: "GET", Header: fields} }

func TestRequestsMadeByHandCountAs11(t *testing.T) {
	t.Parallel()
	r := made(http.Header{"Connection": {"keep-alive", "Upgrade"}, "Upgrade": {"a, echo/1"}})
	if list, err := httpupgrade.Offer(r); err != nil || !list.Offers(echo) {
		t.Errorf("Offer: %v", err)
	}
	if p, err := httpupgrade.Select(r, chat, echo); err != nil || p != echo {
		t.Errorf("Select: %v, %v", p, err)
	}
	response := &http.Response{StatusCode: 101, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"ECHO/1"}}}
	if list, err := httpupgrade.Switched(response, chat, echo); err != nil || !list.Offers(echo) {
		t.Errorf("Switched: %v", err)
	}
	// A message that was received as 0.0 says so.
	r.Proto, response.Proto = "HTTP/0.0", "HTTP/0.0"
	if _, err := httpupgrade.Offer(r); err != handshake.ErrHTTPVersion {
		t.Errorf("Offer of 0.0: %v", err)
	}
	if _, err := httpupgrade.Select(r, echo); err != handshake.ErrHTTPVersion {
		t.Errorf("Select of 0.0: %v", err)
	}
	if _, err := httpupgrade.Switched(response, echo); err != handshake.ErrHTTPVersion {
		t.Errorf("Switched of 0.0: %v", err)
	}
}

func TestSelectSaysWhyThereIsNoProduct(t *testing.T) {
	t.Parallel()
	connect := made(http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}})
	connect.Method = "CONNECT"
	for _, test := range []struct {
		r    *http.Request
		want error
	}{
		{connect, httpupgrade.ErrConnect},
		{made(nil), handshake.ErrNoUpgrade},
		{made(http.Header{"Upgrade": {"echo/1"}}), handshake.ErrNoOption},
		{made(http.Header{"Upgrade": {"other"}, "Connection": {"Upgrade"}}), handshake.ErrNotSupported},
		{made(http.Header{"Upgrade": {"echo/1", "@"}, "Connection": {"Upgrade"}}), upgrade.ErrToken},
	} {
		if p, err := httpupgrade.Select(test.r, echo); !p.IsZero() || !errors.Is(err, test.want) {
			t.Errorf("%v: %v, %v, want %v", test.r.Header, p, err, test.want)
		}
	}
}

func TestSwitchedSaysWhyItIsNoSwitch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		response http.Response
		want     error
	}{
		{http.Response{}, handshake.ErrStatus},
		{http.Response{StatusCode: 200, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}}}, handshake.ErrStatus},
		{http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"echo/1"}}}, handshake.ErrNoOption},
		{http.Response{StatusCode: 101, Header: http.Header{"Connection": {"Upgrade"}}}, handshake.ErrNoUpgrade},
		{http.Response{StatusCode: 101, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1", "evil"}}}, handshake.ErrNotOffered},
		{http.Response{StatusCode: 101, ProtoMajor: 1, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}}}, handshake.ErrHTTPVersion},
	} {
		if _, err := httpupgrade.Switched(&test.response, echo); err != test.want {
			t.Errorf("%v: %v, want %v", test.response.Header, err, test.want)
		}
	}
}

func TestFieldsOfAHeaderMap(t *testing.T) {
	t.Parallel()
	got := httpupgrade.FieldsOf(http.Header{
		"Set-Cookie":           {"b=2", " a=1\t"},
		"X-Empty":              {""},
		"X-None":               {},
		"A":                    {"\x80"},
		"Upgrade":              {"x"},
		"connection":           {"close"},
		"Content-Length":       {"0"},
		"Transfer-Encoding":    {"chunked"},
		"Trailer":              {"X"},
		"Bad Name":             {"x"},
		"X-Bad":                {"x\r\ny: z", "good"},
		"Sec-Websocket-Accept": {"x="},
	})
	equal(t, "fields", got, []handshake.Field{
		{Name: "A", Value: "\x80"},
		{Name: "Sec-Websocket-Accept", Value: "x="},
		{Name: "Set-Cookie", Value: "b=2"},
		{Name: "Set-Cookie", Value: "a=1"},
		{Name: "X-Bad", Value: "good"},
		{Name: "X-Empty", Value: ""},
	})
	if got := httpupgrade.FieldsOf(nil); len(got) != 0 {
		t.Errorf("FieldsOf(nil): %v", got)
	}
}

func TestSetSwitchingProtocols(t *testing.T) {
	t.Parallel()
	h := http.Header{"Set-Cookie": {"a=1"}, "Connection": {"close"}, "content-length": {"3"}, "Transfer-Encoding": {"x"}, "Trailer": {"x"}}
	before := h.Clone()
	for _, bad := range []handshake.Field{{Name: "Upgrade", Value: "x"}, {Name: "A", Value: "b\n"}, {Name: "a b", Value: ""}} {
		err := httpupgrade.SetSwitchingProtocols(h, []upgrade.Product[string]{echo}, handshake.Field{Name: "X", Value: "1"}, bad)
		if wrong, ok := err.(*handshake.ResponseError); !ok || wrong.Index != 1 {
			t.Errorf("%q: %v", bad, err)
		}
		equal(t, "after an error", h, before)
	}
	if err := httpupgrade.SetSwitchingProtocols(h, nil); err != handshake.ErrNoProduct {
		t.Errorf("no product: %v", err)
	}
	err := httpupgrade.SetSwitchingProtocols(h, []upgrade.Product[string]{echo, chat},
		handshake.Field{Name: "set-cookie", Value: "b=2"}, handshake.Field{Name: "X", Value: "1"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "header", h, http.Header{
		"Upgrade": {"echo/1, chat"}, "Connection": {"Upgrade"}, "Set-Cookie": {"a=1", "b=2"}, "X": {"1"},
	})
}

func TestEarlyGivesBackWhatWasRead(t *testing.T) {
	t.Parallel()
	conn, other := net.Pipe()
	defer conn.Close()
	for _, b := range []*bufio.Reader{nil, bufio.NewReader(conn)} {
		if got := httpupgrade.Early(conn, b); got != conn {
			t.Errorf("nothing was read, but Early returned a %T", got)
		}
	}
	go func() {
		io.WriteString(other, "later")
		other.Close()
	}()
	b := bufio.NewReader(strings.NewReader("request early "))
	b.Discard(len("request "))
	b.Peek(1)
	text, err := io.ReadAll(httpupgrade.Early(conn, b))
	if err != nil || string(text) != "early later" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestReadContentOnce(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/", strings.NewReader("0123456789"))
	var tooMuch *http.MaxBytesError
	if err := httpupgrade.ReadContent(r, 9); handshake.Status(err) != 413 || !errors.As(err, &tooMuch) || tooMuch.Limit != 9 {
		t.Errorf("limit of 9: %v", err)
	}
	for _, limit := range []int64{10, 1, 0, -1} { // content that was read is not measured again
		if err := httpupgrade.ReadContent(r, limit); err != nil {
			t.Errorf("limit of %d: %v", limit, err)
		}
	}
	if content, err := io.ReadAll(r.Body); err != nil || string(content) != "0123456789" {
		t.Errorf("%q, %v", content, err)
	}
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		r.Body = body
		if err := httpupgrade.ReadContent(r, 0); err != nil || r.Body != body {
			t.Errorf("%v: %v", body, err)
		}
	}
}

// The errors do not quote the client.
func TestContentErrorsDoNotQuote(t *testing.T) {
	t.Parallel()
	errs := make(errorsOf, 1)
	h := echoing()
	h.Error = errs.report
	s := start(t, h)
	for _, end := range []string{"0\r\nsecret\r\n\r\n", "secret\r\n", "1\r\nxsecret"} {
		s.exchange("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nTransfer-Encoding: chunked\r\n\r\n" + end)
		for err := errs.next(t); err != nil; err = errors.Unwrap(err) {
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", end, err)
			}
		}
	}
}

// The test holds the texts of errors and panics of this package, so that they do not
// change by accident.
func TestTextsOfErrors(t *testing.T) {
	t.Parallel()
	offer := func() *http.Request {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}}
		return r
	}
	content := offer()
	content.Body = io.NopCloser(iotest.ErrReader(errTest))
	_, takeOver := httpupgrade.Switch(httptest.NewRecorder(), offer(), []upgrade.Product[string]{echo})
	for _, test := range []struct {
		err  error
		want string
	}{
		{httpupgrade.ErrDeclined, "httpupgrade: server declined the upgrade"},
		{httpupgrade.ErrConnect, "handshake: CONNECT cannot upgrade"},
		{errors.Unwrap(httpupgrade.ReadContent(content, 10)), "httpupgrade: malformed content"},
		{takeOver, "httpupgrade: take over connection: feature not supported"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("%v, want %q", test.err, test.want)
		}
	}
	for want, h := range map[string]httpupgrade.Handler{
		"httpupgrade: Protocol 1 (chat) has no Serve":                              {Protocols: []httpupgrade.Protocol{{}, {Product: chat}}},
		"httpupgrade: Carry cannot name Trailer: handshake: reserved field":        {Carry: []string{"Trailer"}},
		"httpupgrade: Carry cannot name a b: handshake: field name is not a token": {Carry: []string{"a b"}},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), offer())
		}()
	}
}

// Zero values are harmless, and so are requests and responses made by hand.
func TestZeroValuesDoNotPanic(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Handler{"Handler": httpupgrade.Handler{}, "Gate": httpupgrade.Gate{}} {
		for _, r := range []*http.Request{{}, {Header: http.Header{"Upgrade": {"echo/1"}, "Connection": {"Upgrade"}}}} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := map[string]int{"Handler": 501, "Gate": 404}[name]
			equal(t, name, w.Code, want)
		}
	}
	r, w := new(http.Request), httptest.NewRecorder()
	_, offerErr := httpupgrade.Offer(r)
	_, selectErr := httpupgrade.Select(r)
	_, switchedErr := httpupgrade.Switched(new(http.Response))
	_, switchErr := httpupgrade.Switch(w, r, nil)
	equal(t, "errors", []string{fmt.Sprint(offerErr), fmt.Sprint(selectErr), fmt.Sprint(switchErr), fmt.Sprint(switchedErr)}, []string{
		handshake.ErrNoUpgrade.Error(), handshake.ErrNoUpgrade.Error(), handshake.ErrNoUpgrade.Error(), handshake.ErrStatus.Error(),
	})
	if err := httpupgrade.ReadContent(r, 0); err != nil {
		t.Error(err)
	}
	httpupgrade.Advertise(w, r)
	equal(t, "advertised", w.Header(), http.Header{})
	httpupgrade.Refuse(w, r)
	equal(t, "refused", w.Code, 501)
	if conn := httpupgrade.Early(nil, nil); conn != nil {
		t.Errorf("early: %v", conn)
	}
	if fields := httpupgrade.SwitchedFields(r); fields != nil {
		t.Errorf("fields: %v", fields)
	}
	equal(t, "fields of nil", len(httpupgrade.FieldsOf(nil)), 0)
	if httpupgrade.SetSwitchingProtocols(nil, nil) == nil {
		t.Error("a 101 that switches to nothing")
	}
	if p := (httpupgrade.WebSocket{}).Protocol(); p.Serve != nil {
		t.Error("Serve is not nil")
	}
}

// A product that is named twice is sent once, in its first spelling.
func TestRefuseAndAdvertiseNameEachProductOnce(t *testing.T) {
	t.Parallel()
	list := []upgrade.Product[string]{echo, {}, upgrade.MustParseProduct("ECHO/1"), chat, echo}
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, ...upgrade.Product[string]){
		"Refuse": httpupgrade.Refuse, "Advertise": httpupgrade.Advertise,
	} {
		w := httptest.NewRecorder()
		answer(w, httptest.NewRequest("GET", "/", nil), list...)
		equal(t, name, w.Header()["Upgrade"], []string{"echo/1, chat"})
		equal(t, name, w.Header()["Connection"], []string{"Upgrade"})
	}
}
