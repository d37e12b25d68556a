package netupgrade_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
)

// ask gives one request to an Acceptor in memory and returns what was sent, in at most one
// Write, and the error.
func ask(t testing.TB, a *netupgrade.Acceptor, request string) (string, error) {
	t.Helper()
	conn := &memory{pieces: []string{request}}
	_, err := a.Accept(conn)
	if len(conn.sent) > 1 {
		t.Errorf("sent %q", conn.sent)
	}
	if closed := conn.closed > 0; closed != (err != nil) {
		t.Errorf("%v, closed %v", err, closed)
	}
	return strings.Join(conn.sent, ""), err
}

func offer(products string) string { return strings.Replace(offerEcho, "echo/1", products, 1) }

func TestServersPreference(t *testing.T) {
	t.Parallel()
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}, {}, {Product: chat}}}
	for products, want := range map[string]string{
		"echo/1":                 echoHead,
		"chat":                   chatHead,
		"chat, echo/1":           echoHead,
		"CHAT, echo/2, echo":     chatHead,
		"chat/1, echo/1, chat":   echoHead,
		"websocket, h2c,,, chat": chatHead,
	} {
		got, err := ask(t, a, offer(products))
		if got != want || err != nil {
			t.Errorf("%s: %q, %v", products, got, err)
		}
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	var seen []string
	by := func(name string, answer bool) func(*netupgrade.Request) bool {
		return func(r *netupgrade.Request) bool {
			seen = append(seen, fmt.Sprintf("%s %s %s %s %v", name, r.Method, r.Target, r.Host, r.Addr()))
			return answer
		}
	}
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{
		{Product: upgrade.MustParseProduct("h2c"), Allow: by("h2c", true)}, // which is not offered
		{Product: echo, Allow: by("first", false)},
		{Product: echo, Allow: by("second", false)},
		{Product: chat, Allow: by("chat", true)},
		{Product: chat, Allow: by("late", true)},
	}}
	got, _ := ask(t, a, offer("echo/1, chat"))
	equal(t, "sent", got, chatHead)
	equal(t, "asked", seen, []string{"first GET / test :2", "second GET / test :2", "chat GET / test :2"})

	seen = nil
	got, err := ask(t, a, offer("echo/1"))
	refused(t, got, 426)
	if !strings.Contains(got, "\r\nUpgrade: h2c, echo/1, echo/1, chat, chat\r\n") && !strings.Contains(got, "\r\nUpgrade: h2c, echo/1, chat\r\n") {
		t.Errorf("got %q", got)
	}
	if !errors.Is(err, handshake.ErrNotSupported) {
		t.Errorf("error %v", err)
	}
}

// fields returns a Protocol whose Fields returns those fields and that error.
func fields(p upgrade.Product[string], err error, fields ...handshake.Field) netupgrade.Protocol {
	return netupgrade.Protocol{Product: p, Fields: func(*netupgrade.Request) ([]handshake.Field, error) {
		return fields, err
	}}
}

func TestFields(t *testing.T) {
	t.Parallel()
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{
		fields(echo, nil, handshake.Field{Name: "X-One", Value: "1"}, handshake.Field{Name: "X-One", Value: "2\t\xC3\xA9"}),
	}}
	got, err := ask(t, a, offerEcho)
	equal(t, "sent", got, strings.TrimSuffix(echoHead, "\r\n")+"X-One: 1\r\nX-One: 2\t\xC3\xA9\r\n\r\n")
	equal(t, "error", err, nil)
}

// A field that would end the head early, or contradict it, is not sent. The answer is only
// a 500.
func TestHostileFields(t *testing.T) {
	t.Parallel()
	for _, f := range hostileFields {
		a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{
			fields(echo, nil, handshake.Field{Name: "X", Value: "y"}, f), {Product: chat},
		}}
		got, err := ask(t, a, offer("chat, echo/1"))
		refused(t, got, 500)
		noTrace(t, got)
		var bad *handshake.ResponseError
		var failed *netupgrade.Error
		if !errors.As(err, &bad) || bad.Index != 1 || !errors.As(err, &failed) || failed.Status != 500 {
			t.Errorf("%q: %v", f, err)
		}
	}
	for _, f := range hostileFields {
		for _, status := range []int{200, 403, 426} {
			a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{
				fields(echo, &netupgrade.Refusal{Status: status, Fields: []handshake.Field{f}}),
			}}
			if f.Name == "Upgrade" {
				continue // an advertisement
			}
			got, err := ask(t, a, offerEcho)
			refused(t, got, 500)
			noTrace(t, got)
			var failed *netupgrade.Error
			if !errors.As(err, &failed) || failed.Status != 500 {
				t.Errorf("%q: %v", f, err)
			}
		}
	}
}

var hostileFields = []handshake.Field{
	{Name: "X", Value: "y\r\nEvil: 1"},
	{Name: "X", Value: "y\nEvil: 1"},
	{Name: "X", Value: "y\rEvil: 1"},
	{Name: "X", Value: "\r\n\r\nEvil"},
	{Name: "X", Value: "Evil\x00"},
	{Name: "X", Value: "Evil\x7F"},
	{Name: "X", Value: " Evil"},
	{Name: "X", Value: "Evil\t"},
	{Name: "X: y\r\nEvil", Value: "1"},
	{Name: "Evil ", Value: "1"},
	{Name: "", Value: "Evil"},
	{Name: "Evil:", Value: "1"},
	{Name: "\xC3\x89vil", Value: "Evil"},
	{Name: "Content-Length", Value: "77"},
	{Name: "transfer-encoding", Value: "Evil"},
	{Name: "TRAILER", Value: "Evil"},
	{Name: "Upgrade", Value: "Evil"},
	{Name: "Connection", Value: "Evil"},
}

func noTrace(t testing.TB, got string) {
	t.Helper()
	for _, trace := range []string{"Evil", "77", "vil"} {
		if strings.Contains(got, trace) {
			t.Errorf("sent %q", got)
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	forbidden := &netupgrade.Refusal{Status: 403, Fields: []handshake.Field{{Name: "X-Why", Value: "no"}}}
	for _, test := range []struct {
		name      string
		protocols []netupgrade.Protocol
		want      string // what is sent, up to the fields
		has       string
		err       error
	}{
		{"one", []netupgrade.Protocol{fields(echo, forbidden)}, "HTTP/1.1 403 Forbidden\r\n", "\r\nX-Why: no\r\n", forbidden},
		{"wrapped", []netupgrade.Protocol{fields(echo, fmt.Errorf("test: %w", forbidden))}, "HTTP/1.1 403 Forbidden\r\n", "\r\nX-Why: no\r\n", forbidden},
		{"the first of two", []netupgrade.Protocol{fields(echo, forbidden), fields(chat, &netupgrade.Refusal{Status: 404})}, "HTTP/1.1 403 ", "\r\nX-Why: no\r\n", forbidden},
		{"an error after it", []netupgrade.Protocol{fields(echo, forbidden), fields(chat, errTest)}, "HTTP/1.1 500 ", "", errTest},
		{"an error before it", []netupgrade.Protocol{fields(echo, errTest), fields(chat, nil)}, "HTTP/1.1 500 ", "", errTest},
		{"426", []netupgrade.Protocol{fields(chat, &netupgrade.Refusal{Status: 426, Fields: []handshake.Field{{Name: "X-Version", Value: "2"}}})}, "HTTP/1.1 426 ", "\r\nUpgrade: chat\r\n", nil},
		{"426 of the first", []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{Status: 426}), fields(chat, &netupgrade.Refusal{Status: 426})}, "HTTP/1.1 426 ", "\r\nUpgrade: echo/1\r\n", nil},
		{"426 with its own", []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{Status: 426, Fields: []handshake.Field{{Name: "UPGRADE", Value: "h3"}}})}, "HTTP/1.1 426 ", "\r\nUPGRADE: h3\r\n", nil},
		{"status of an interim response", []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{Status: 101})}, "HTTP/1.1 500 ", "", nil},
		{"no status", []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{})}, "HTTP/1.1 500 ", "", nil},
		{"status of four digits", []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{Status: 4030})}, "HTTP/1.1 500 ", "", nil},
		{"unknown status", []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{Status: 599})}, "HTTP/1.1 599 ", "", nil},
	} {
		a := &netupgrade.Acceptor{Protocols: test.protocols, Decline: func(*netupgrade.Request, error) {
			t.Errorf("%s: Decline was called", test.name)
		}}
		got, err := ask(t, a, offer("chat, echo/1"))
		if !strings.HasPrefix(got, test.want) || !strings.Contains(got, test.has) {
			t.Errorf("%s: sent %q", test.name, got)
		}
		if strings.Count(strings.ToLower(got), "\r\nupgrade:") > 1 {
			t.Errorf("%s: sent %q", test.name, got)
		}
		response, content := response(t, "GET", got)
		if !response.Close || content != "" {
			t.Errorf("%s: sent %q", test.name, got)
		}
		if err == nil || test.err != nil && !errors.Is(err, test.err) {
			t.Errorf("%s: error %v", test.name, err)
		}
		var failed *netupgrade.Error
		if !errors.As(err, &failed) || failed.Status != response.StatusCode {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
	// A client that one protocol refuses may have another.
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{fields(echo, forbidden), {Product: chat}}}
	got, err := ask(t, a, offer("echo/1, chat"))
	if got != chatHead || err != nil {
		t.Errorf("sent %q, %v", got, err)
	}
	got, _ = ask(t, a, offerEcho)
	if !strings.HasPrefix(got, "HTTP/1.1 403 ") {
		t.Errorf("sent %q", got)
	}
}

// A refused request's content is neither read nor asked for.
func TestRefusalOfContent(t *testing.T) {
	t.Parallel()
	s := start(t, &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{fields(echo, &netupgrade.Refusal{Status: 403})}})
	for _, framing := range []string{"length", "chunked"} {
		refused(t, s.ask(post(framing, "content", "Expect: 100-continue")+plain), 403)
		head, _, _ := strings.Cut(post(framing, "content", "Expect: 100-continue"), "\r\n\r\n")
		refused(t, s.ask(head+"\r\n\r\n"), 403)
	}
}

// Bytes after a CONNECT may be anything, so it is refused and closed, whatever it
// offers (RFC 9931).
func TestConnect(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for i, request := range []string{
		requestLine("CONNECT test:443 HTTP/1.1"),
		"CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n",
		requestLine("CONNECT [::1]:443 HTTP/1.1"),
	} {
		got := s.ask(request + offerEcho + plain)
		refused(t, got, 501)
		status, err := s.outcome(i)
		if status != 501 || !errors.Is(err, netupgrade.ErrConnect) {
			t.Errorf("%d, %v", status, err)
		}
	}
	got, err := ask(t, echoing(), requestLine("CONNECT test:443 HTTP/1.0"))
	if response, _ := response(t, "CONNECT", got); response.StatusCode < 400 || !errors.Is(err, netupgrade.ErrConnect) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestZeroAcceptor(t *testing.T) {
	t.Parallel()
	for _, a := range []*netupgrade.Acceptor{{}, {Protocols: []netupgrade.Protocol{{}}}, {Protocols: []netupgrade.Protocol{{}, {}}}} {
		got, err := ask(t, a, offerEcho)
		refused(t, got, 501)
		if !errors.Is(err, handshake.ErrNotSupported) {
			t.Errorf("error %v", err)
		}
		got, _ = ask(t, a, plain)
		refused(t, got, 501)
		got, _ = ask(t, a, strings.Replace(offerEcho, "1.1", "1.0", 1))
		refused(t, got, 505)
	}
	// The zero Product is not named.
	got, _ := ask(t, &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{}, {Product: echo}, {}}}, plain)
	refused(t, got, 426)
	if !strings.Contains(got, "\r\nUpgrade: echo/1\r\n") {
		t.Errorf("sent %q", got)
	}
}

// A function that panics costs only its own connection. Accept runs in a goroutine that may
// have no other recover.
func TestPanicOfThePolicy(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*netupgrade.Acceptor{
		"Allow":   {Protocols: []netupgrade.Protocol{{Product: echo, Allow: func(*netupgrade.Request) bool { panic(errTest) }}}},
		"Fields":  {Protocols: []netupgrade.Protocol{{Product: echo, Fields: func(*netupgrade.Request) ([]handshake.Field, error) { panic(errTest) }}}},
		"Check":   {Protocols: []netupgrade.Protocol{{Product: echo, Check: func(*netupgrade.Request) error { panic(errTest) }}}},
		"Decline": {Decline: func(*netupgrade.Request, error) { panic(errTest) }},
	} {
		conn := &memory{pieces: []string{offerEcho}}
		func() {
			_, err := a.Accept(conn)
			var panicked *netupgrade.PanicError
			if !errors.As(err, &panicked) || panicked.Value != errTest || len(panicked.Stack) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}()
		if conn.closed != 1 || len(conn.sent) != 1 || !strings.HasPrefix(conn.sent[0], "HTTP/1.1 500 ") {
			t.Errorf("%s: closed %d times, sent %q", name, conn.closed, conn.sent)
		}
	}
}

// The example of RFC 6455, sections 1.2 and 1.3, from a page of the same server.
const exampleOfWebSocket = "GET /chat HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Origin: http://server.example.com\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Version: 13\r\n\r\n"

const acceptOfWebSocket = "HTTP/1.1 101 Switching Protocols\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

func TestWebSocket(t *testing.T) {
	t.Parallel()
	s := start(t, &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket()}})
	for cut := range exampleOfWebSocket {
		s.chop(tcptest.Limits{Cut: cut})
		equal(t, "exchange", s.exchange(exampleOfWebSocket+"\x81\x05hello"), acceptOfWebSocket+hello("")+"\x81\x05hello")
	}
}

func TestWebSocketWithFields(t *testing.T) {
	t.Parallel()
	p := netupgrade.WebSocket()
	p.Check = func(r *netupgrade.Request) error {
		if string(bytes.Join(r.Lines(nil, "Origin"), nil)) != "http://server.example.com" {
			return &netupgrade.Refusal{Status: 403, Content: "not from there\n"}
		}
		return nil
	}
	p.Fields = func(r *netupgrade.Request) ([]handshake.Field, error) {
		// If the buffers were shared by mistake, the key would change.
		if lines := r.Lines(nil, "Sec-WebSocket-Protocol"); len(lines) != 1 || string(lines[0]) != "chat, superchat" {
			t.Errorf("protocols %q", lines)
		}
		return []handshake.Field{{Name: "Sec-WebSocket-Protocol", Value: "chat"}}, nil
	}
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{p}}
	got, err := ask(t, a, exampleOfWebSocket)
	if err != nil {
		t.Fatal(err)
	}
	response, _ := response(t, "GET", got)
	equal(t, "accept", response.Header["Sec-Websocket-Accept"], []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})
	equal(t, "protocol", response.Header["Sec-Websocket-Protocol"], []string{"chat"})
	equal(t, "length", len(got), len(acceptOfWebSocket+"Sec-WebSocket-Protocol: chat\r\n"))

	got, _ = ask(t, a, strings.Replace(exampleOfWebSocket, "Origin: http", "Origin: evil", 1))
	want := "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 15\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n\r\nnot from there\n"
	equal(t, "refusal", got, want)
}

// Without a Check, only a page of the same origin may switch, or a client that is not a
// browser.
func TestWebSocketWithoutAPolicyTakesTheSameOriginAlone(t *testing.T) {
	t.Parallel()
	for _, p := range []netupgrade.Protocol{
		netupgrade.WebSocket(), {Product: upgrade.MustParseProduct("WebSocket")},
	} {
		a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{p}}
		const own = "Origin: http://server.example.com\r\n"
		for origin, want := range map[string]string{
			own:                                      "101",
			"":                                       "101",
			"Origin: https://server.example.com\r\n": "101",
			"Origin: http://example.com\r\n":         "403",
			"Origin: null\r\n":                       "403",
			own + own:                                "403",
		} {
			got, _ := ask(t, a, strings.Replace(exampleOfWebSocket, own, origin, 1))
			if !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
				t.Errorf("%q: %q", origin, got)
			}
			if want == "101" && !strings.Contains(got, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
				t.Errorf("%q: no answer to the key in %q", origin, got)
			}
		}
		// The host of the target counts, if there is one (RFC 9112, section 3.2.2).
		for origin, want := range map[string]string{own: "403", "Origin: http://other.example.com\r\n": "101"} {
			request := strings.Replace(exampleOfWebSocket, own, origin, 1)
			_, rest, _ := strings.Cut(request, " ")
			got, _ := ask(t, a, "GET http://other.example.com"+rest)
			if !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
				t.Errorf("%q for another target: %q", origin, got)
			}
		}
	}
}

func TestWebSocketAcceptIsReserved(t *testing.T) {
	t.Parallel()
	p := fields(upgrade.MustParseProduct("websocket"), nil, handshake.Field{Name: "sec-websocket-accept", Value: "x"})
	got, err := ask(t, &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{p}}, exampleOfWebSocket)
	refused(t, got, 500)
	if !errors.Is(err, handshake.ErrReserved) {
		t.Errorf("error %v", err)
	}
}

func TestZeroValuesDoNotPanic(t *testing.T) {
	t.Parallel()
	var r netupgrade.Request
	if r.Addr() != nil || r.Unread() != nil || r.Respond(200, nil) == nil || r.Refuse(echo) == nil {
		t.Error("a request without a connection has one")
	}
	if (&netupgrade.Error{}).Error() == "" || (&netupgrade.Error{}).Unwrap() != nil {
		t.Error("a zero Error has no text, or unwraps to an error")
	}
	if p := (netupgrade.Accepted{}).Product(); !p.IsZero() {
		t.Error(p)
	}
}

func TestWebSocketRefusals(t *testing.T) {
	t.Parallel()
	replaced := func(old, new string) string {
		if !strings.Contains(exampleOfWebSocket, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(exampleOfWebSocket, old, new, 1)
	}
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	asked := false
	p := netupgrade.WebSocket()
	p.Fields = func(*netupgrade.Request) ([]handshake.Field, error) { asked = true; return nil, nil }
	a := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{p}}
	for _, test := range []struct {
		name, request string
		status        int
		has           string
	}{
		{"POST", replaced("GET", "POST"), 405, "\r\nAllow: GET\r\n"},
		{"HEAD", replaced("GET", "HEAD"), 405, "\r\nAllow: GET\r\n"},
		{"get", replaced("GET", "get"), 405, "\r\nAllow: GET\r\n"},
		{"version 8", replaced(": 13", ": 8"), 426, "\r\nSec-WebSocket-Version: 13\r\n"},
		{"no version", replaced("Sec-WebSocket-Version: 13\r\n", ""), 426, "\r\nSec-WebSocket-Version: 13\r\n"},
		{"two versions", replaced(": 13", ": 13, 8"), 426, "\r\nUpgrade: websocket\r\n"},
		{"two lines of versions", replaced("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"), 426, ""},
		{"no key", replaced(key, ""), 400, ""},
		{"two keys", replaced(key, key+key), 400, ""},
		{"empty key", replaced("dGhlIHNhbXBsZSBub25jZQ==", ""), 400, ""},
		{"short key", replaced("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400, ""},
		{"long key", replaced("dGhlIHNhbXBsZSBub25jZQ==", "AAAAAGhlIHNhbXBsZSBub25jZQ=="), 400, ""},
		{"key not in base64", replaced("dGhl", "dG.l"), 400, ""},
	} {
		asked = false
		got, err := ask(t, a, test.request)
		refused(t, got, test.status)
		if !strings.Contains(got, test.has) || asked {
			t.Errorf("%s: sent %q, asked for fields: %v", test.name, got, asked)
		}
		var refusal *netupgrade.Refusal
		if !errors.As(err, &refusal) || refusal.Status != test.status {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
	// The product of RFC 6455 has no version.
	got, err := ask(t, a, replaced("Upgrade: websocket", "Upgrade: websocket/13"))
	refused(t, got, 426)
	if !errors.Is(err, handshake.ErrNotSupported) {
		t.Errorf("error %v", err)
	}
}

// The functions of a Protocol may only look at the request. If one of them answers it or
// takes the connection, nothing more is written.
func TestAnswerOfThePolicyIsTheLast(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*netupgrade.Request){
		"Respond": func(r *netupgrade.Request) { r.Respond(404, nil) },
		"Refuse":  func(r *netupgrade.Request) { r.Refuse(chat) },
		"Unread":  func(r *netupgrade.Request) { r.Unread() },
	} {
		conn := &memory{pieces: []string{offerEcho}}
		a := echoing()
		a.Protocols[0].Check = func(r *netupgrade.Request) error { act(r); return nil }
		accepted, err := a.Accept(conn)
		if err == nil || accepted.Conn != nil {
			t.Errorf("%s: accepted, %v", name, err)
		}
		for _, sent := range conn.sent {
			if strings.HasPrefix(sent, "HTTP/1.1 101") {
				t.Errorf("%s: sent %q", name, sent)
			}
		}
		if (name == "Unread") != (conn.closed == 0) {
			t.Errorf("%s: closed %d times", name, conn.closed)
		}
	}
}

// Every error text of this package. A change of one must be deliberate.
func TestTextsOfErrors(t *testing.T) {
	t.Parallel()
	again := &netupgrade.Acceptor{Decline: func(r *netupgrade.Request, _ error) {
		r.Respond(404, nil)
		if err := r.Respond(404, nil); err == nil || err.Error() != "netupgrade: answered or taken already" {
			t.Errorf("again: %v", err)
		}
	}}
	for _, test := range []struct {
		a       *netupgrade.Acceptor
		request string
		want    string
	}{
		{echoing(), plain, "netupgrade: answered 426: handshake: no Upgrade field"},
		{echoing(), "", "netupgrade: not switched: EOF"},
		{echoing(), offerEcho[:20], "netupgrade: not switched: unexpected EOF"},
		{limited(5), post("length", "longer"), "netupgrade: answered 413: content exceeds the limit"},
		{again, plain, "netupgrade: answered 404: handshake: no Upgrade field"},
	} {
		_, err := test.a.Accept(&memory{pieces: []string{test.request}})
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %q", test.request, err, test.want)
		}
	}
	equal(t, "ErrInterim", netupgrade.ErrInterim.Error(), "netupgrade: too many interim responses")
	equal(t, "Declined", (&netupgrade.Declined{}).Error(), "netupgrade: server declined the upgrade")
	equal(t, "Declined", (&netupgrade.Declined{Head: &head.Response{Status: 403}}).Error(), "netupgrade: server declined the upgrade with status 403")
	for _, err := range []*netupgrade.Error{nil, {}} {
		equal(t, "zero", err.Error(), "netupgrade: not switched")
		if err.Unwrap() != nil {
			t.Errorf("unwraps to %v", err.Unwrap())
		}
	}
}
