package httpupgrade_test

import (
	"bufio"
	"errors"
	"fmt"
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

func TestOffersOnTheWire(t *testing.T) {
	t.Parallel()
	h := httpupgrade.Handler{Next: http.HandlerFunc(tell)}
	for _, product := range []string{"chat", "echo/1", "tcp", "websocket", "irc/6.9a"} {
		h.Protocols = append(h.Protocols, httpupgrade.Protocol{
			Product: upgrade.MustParseProduct(product),
			Serve:   func(net.Conn, *http.Request) {},
		})
	}
	s := start(t, h, func(s *server) { s.DisableGeneralOptionsHandler = true })
	const (
		get        = "GET / HTTP/1.1"
		connection = "Connection: Upgrade\r\n"
		offer      = "Upgrade: echo/1\r\n"
	)
	tests := []struct {
		line, fields string
		want         string // product; empty: no switch
	}{
		{get, connection + offer, "echo/1"},
		{get, "CONNECTION: upgrade\r\nUPGRADE: echo/1\r\n", "echo/1"},

		// Connection
		{get, "Connection: UPGRADE\r\n" + offer, "echo/1"},
		{get, "Connection: keep-alive, Upgrade\r\n" + offer, "echo/1"},
		{get, "Connection: Upgrade,Keep-Alive\r\n" + offer, "echo/1"},
		{get, "Connection: close, Upgrade\r\n" + offer, "echo/1"},
		{get, "Connection: , Upgrade\r\n" + offer, "echo/1"},
		{get, "Connection: keep-alive,,Upgrade ,\r\n" + offer, "echo/1"},
		{get, "Connection: \tUpgrade\t,x\r\n" + offer, "echo/1"},
		{get, "Connection: foo'bar, Upgrade\r\n" + offer, "echo/1"},
		{get, "Connection: keep-alive\r\nConnection: Upgrade\r\n" + offer, "echo/1"},
		{get, "Connection: Upgrade\r\nConnection: keep-alive\r\n" + offer, "echo/1"},
		{get, "Connection:\r\nConnection: Upgrade\r\n" + offer, "echo/1"},
		{get, "Connection: Upgrade, HTTP2-Settings\r\n" + offer, "echo/1"},
		{get, offer, ""},
		{get, "Connection:\r\n" + offer, ""},
		{get, "Connection: keep-alive\r\n" + offer, ""},
		{get, "Connection: notupgrade\r\n" + offer, ""},
		{get, "Connection: xupgrade, upgradex\r\n" + offer, ""},
		{get, "Connection: Upgrade-Insecure-Requests\r\n" + offer, ""},
		{get, "Connection: keep-alive Upgrade\r\n" + offer, ""},
		{get, "Connection: keep-alive;Upgrade\r\n" + offer, ""},
		{get, "Connection: \"Upgrade\"\r\n" + offer, ""},
		{get, "Connection: Upgrade/1\r\n" + offer, ""},
		{get, "Connection: Upgrade\xC2\x85\r\n" + offer, ""},
		{get, "Connection: \xC2\xA0Upgrade\r\n" + offer, ""},
		{get, "Connection: Upgrade, @@@\r\n" + offer, ""},
		{get, "Connection: Upgrade\r\nConnection: @@@\r\n" + offer, ""},

		// Upgrade
		{get, connection, ""},
		{get, connection + "Upgrade:\r\n", ""},
		{get, connection + "Upgrade: ,\r\n", ""},
		{get, connection + "Upgrade:\r\n" + offer, "echo/1"},
		{get, connection + "Upgrade: ECHO/1\r\n", "echo/1"},
		{get, connection + "Upgrade: h2c, echo/1\r\n", "echo/1"},
		{get, connection + "Upgrade: HTTP/2.0, echo/1\r\n", "echo/1"},
		{get, connection + "Upgrade: echo/1, h2c\r\n", "echo/1"},
		{get, connection + "Upgrade: h2c\r\n" + offer, "echo/1"},
		{get, connection + offer + "Upgrade: h2c\r\n", "echo/1"},
		{get, connection + offer + offer, "echo/1"},
		{get, connection + "Upgrade: echo/1, echo/1\r\n", "echo/1"},
		{get, connection + "Upgrade: , echo/1\r\n", "echo/1"},
		{get, connection + "Upgrade: echo/1,\r\n", "echo/1"},
		{get, connection + "Upgrade: a,, ,\t, echo/1\r\n", "echo/1"},
		{get, connection + "Upgrade: \techo/1\t\r\n", "echo/1"},
		{get, connection + "Upgrade: a\t,\techo/1\r\n", "echo/1"},
		{get, connection + "Upgrade: IRC/6.9a\r\n", "irc/6.9a"},
		{get, connection + "Upgrade: irc/6.9A\r\n", ""},
		{get, connection + "Upgrade: echo\r\n", ""},
		{get, connection + "Upgrade: echo/2, echo/1.0, echo/11\r\n", ""},
		{get, connection + "Upgrade: chat/1\r\n", ""},
		{get, connection + "Upgrade: xecho/1, echox/1, cha, chatt, chat-14\r\n", ""},
		{get, connection + "Upgrade: echo/\r\n", ""},
		{get, connection + "Upgrade: echo/1/1\r\n", ""},
		{get, connection + "Upgrade: echo / 1\r\n", ""},
		{get, connection + "Upgrade: echo/1 chat\r\n", ""},
		{get, connection + "Upgrade: \"echo/1\"\r\n", ""},
		{get, connection + "Upgrade: echo/1;v=1\r\n", ""},
		{get, connection + "Upgrade: echo/1; q=0.5\r\n", ""},
		{get, connection + "Upgrade: @@@, echo/1\r\n", ""},
		{get, connection + "Upgrade: echo/1, @@@\r\n", ""},
		{get, connection + offer + "Upgrade: @@@\r\n", ""},
		{get, connection + "Upgrade: echo/1\xC2\xA0\r\n", ""},
		{get, connection + "Upgrade: websoc\xE2\x84\xAAet\r\n", ""}, // KELVIN SIGN
		{get, connection + "Upgrade: web\xC5\xBFocket\r\n", ""},     // LATIN SMALL LETTER LONG S
		{get, connection + "Upgrade: websocket/13\r\n", ""},
		{get, connection + "Upgrade: tcp\r\n", "tcp"},

		// The server's order counts, not the client's.
		{get, connection + "Upgrade: tcp, echo/1, chat\r\n", "chat"},
		{get, connection + "Upgrade: tcp\r\nUpgrade: echo/1\r\n", "echo/1"},

		// Request line
		{"HEAD / HTTP/1.1", connection + offer, "echo/1"},
		{"POST / HTTP/1.1", connection + offer, "echo/1"},
		{"SUBSCRIBE / HTTP/1.1", connection + offer, "echo/1"},
		{"OPTIONS / HTTP/1.1", connection + offer, "echo/1"},
		{"OPTIONS * HTTP/1.1", connection + offer, "echo/1"},
		{"CONNECT test:80 HTTP/1.1", connection + offer, ""},
		{"GET / HTTP/1.2", connection + offer, "echo/1"},
		{"GET / HTTP/1.0", connection + offer, ""},
		{"GET / HTTP/1.0", "Connection: Upgrade, keep-alive\r\n" + offer, ""},
	}
	for _, test := range tests {
		got := s.exchange(test.line + "\r\nHost: test\r\n" + test.fields + "\r\n")
		if test.want != "" {
			want := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + test.want + "\r\nConnection: Upgrade\r\n\r\n"
			equal(t, fmt.Sprintf("%s %q", test.line, test.fields), got, want)
			continue
		}
		head, _, _ := strings.Cut(got, "\r\n\r\n")
		if status(t, got) != "200" || strings.Contains(strings.ToLower(head), "upgrade") {
			t.Errorf("%s %q: got %q", test.line, test.fields, got)
		}
	}
}

// net/http answers "OPTIONS *" itself, unless the server disables that.
func TestGeneralOptionsDoNotReachTheHandler(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	c := s.dial()
	c.Send(strings.Replace(offerEcho, "GET /", "OPTIONS *", 1) + offerEcho)
	response, _ := c.response("OPTIONS")
	equal(t, "status", response.StatusCode, 200)
	equal(t, "Upgrade", response.Header["Upgrade"], nil)
	equal(t, "next", c.Head(), echoHead)
}

func TestOfferSaysWhyThereIsNoOffer(t *testing.T) {
	t.Parallel()
	good := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"h2c", "echo/1"}}
	tests := []struct {
		name         string
		method       string
		major, minor int
		header       http.Header
		want         error
	}{
		{"CONNECT", "CONNECT", 1, 1, good, httpupgrade.ErrConnect},
		{"HTTP/0.9", "GET", 0, 9, good, handshake.ErrHTTPVersion},
		{"HTTP/1.0", "GET", 1, 0, good, handshake.ErrHTTPVersion},
		{"HTTP/2", "GET", 2, 0, good, handshake.ErrHTTPVersion},
		{"HTTP/3", "GET", 3, 0, good, handshake.ErrHTTPVersion},
		{"no fields", "GET", 1, 1, nil, handshake.ErrNoUpgrade},
		{"no option", "GET", 1, 1, http.Header{"Upgrade": {"echo/1"}}, handshake.ErrNoOption},
		{"malformed", "GET", 1, 1, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1", "a b"}}, upgrade.ErrDelimiter},
	}
	for _, test := range tests {
		r := &http.Request{Method: test.method, ProtoMajor: test.major, ProtoMinor: test.minor, Header: test.header}
		list, err := httpupgrade.Offer(r)
		if !errors.Is(err, test.want) || !list.IsZero() {
			t.Errorf("%s: Offer: %v, %v", test.name, list, err)
		}
		// Switch refuses for the same reason and does not use the writer.
		if conn, err := httpupgrade.Switch(nil, r, []upgrade.Product[string]{echo}); conn != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: Switch: %v, %v", test.name, conn, err)
		}
	}
	r := &http.Request{Method: "GET", ProtoMajor: 1, ProtoMinor: 1, Header: good}
	list, err := httpupgrade.Offer(r)
	if err != nil || !list.Offers(echo) || list.Offers(chat) {
		t.Errorf("Offer: %v, %v", list, err)
	}
}

// switching switches to products with fields, and answers 500 if that fails.
func switching(errs errorsOf, to []upgrade.Product[string], fields ...handshake.Field) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From", "w.Header")
		conn, err := httpupgrade.Switch(w, r, to, fields...)
		if err != nil {
			errs <- err
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		conn.Close()
	})
}

func TestHeadOctetForOctet(t *testing.T) {
	t.Parallel()
	layers := []upgrade.Product[string]{upgrade.MustParseProduct("TLS/1.2"), upgrade.MustParseProduct("HTTP/1.1")}
	tests := []struct {
		name   string
		to     []upgrade.Product[string]
		fields []handshake.Field
		want   string
	}{
		{"one product", layers[:1], nil, "Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n\r\n"},
		{"layers", layers, nil, "Upgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"},
		{"fields", layers[:1],
			[]handshake.Field{{Name: "X-a", Value: "1"}, {Name: "x-A", Value: "b\tc \xE9"}, {Name: "X-Empty", Value: ""}},
			"Upgrade: TLS/1.2\r\nConnection: Upgrade\r\nX-a: 1\r\nx-A: b\tc \xE9\r\nX-Empty: \r\n\r\n"},
	}
	for _, test := range tests {
		s := start(t, switching(nil, test.to, test.fields...))
		want := "HTTP/1.1 101 Switching Protocols\r\n" + test.want
		request := "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: http/1.1, tls/1.2\r\n\r\n"
		equal(t, test.name, s.exchange(request), want)
		equal(t, test.name+": Writes", s.conn(0).Written(), []string{want})
	}
}

// Heads are built in pooled buffers. Two switches must not share one at the same time.
func TestConcurrentSwitches(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: echo,
		Fields: func(r *http.Request) ([]handshake.Field, error) {
			return []handshake.Field{{Name: "X-Path", Value: r.URL.Path}}, nil
		},
		Serve: func(conn net.Conn, r *http.Request) { io.Copy(conn, conn) },
	}}})
	var wg tcptest.Group
	for i := range 8 {
		wg.Go(func() {
			for j := range 25 {
				path := "/" + strings.Repeat(fmt.Sprint(i), i*j)
				message := strings.Replace(offerEcho, "/", path, 1) + path
				want := strings.TrimSuffix(echoHead, "\r\n") + "X-Path: " + path + "\r\n\r\n" + path
				equal(t, "exchange", s.exchange(message), want)
			}
		})
	}
	wg.Wait()
}

// A handler that goes on to use w after the switch cannot reach the connection with it.
func TestNoHTTPAfterTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Connection", "close")
		conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		w.Header().Set("X-Late", "1")
		w.WriteHeader(http.StatusOK)
		if _, err := io.WriteString(w, "text"); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("Write to the ResponseWriter: %v", err)
		}
		io.Copy(conn, conn)
	}))
	equal(t, "exchange", s.exchange(offerEcho+early), echoHead+early)
	s.log.take() // net/http complains about the WriteHeader
}

func TestSwitchRefusesWhatItCannotName(t *testing.T) {
	t.Parallel()
	var zero upgrade.Product[string]
	tests := []struct {
		name string
		to   []upgrade.Product[string]
		want error // nil: any error
	}{
		{"nothing", nil, handshake.ErrNoProduct},
		{"zero product", []upgrade.Product[string]{zero}, nil},
		{"zero product after one that was offered", []upgrade.Product[string]{echo, zero}, nil},
		{"not offered", []upgrade.Product[string]{chat}, handshake.ErrNotOffered},
		{"one of two not offered", []upgrade.Product[string]{echo, chat}, handshake.ErrNotOffered},
		{"another version", []upgrade.Product[string]{upgrade.MustParseProduct("echo/2")}, handshake.ErrNotOffered},
		{"no version", []upgrade.Product[string]{upgrade.MustParseProduct("echo")}, handshake.ErrNotOffered},
	}
	for _, test := range tests {
		errs := make(errorsOf, 1)
		s := start(t, switching(errs, test.to))
		c := s.dial()
		c.Send(offerEcho)
		response, _ := c.response("GET")
		equal(t, test.name, response.StatusCode, 500)
		if err := errs.next(t); test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// hostile are fields that a 101 must not have.
var hostile = []struct {
	field handshake.Field
	want  error
}{
	{handshake.Field{Name: "X", Value: "a\r\nX-Injected: 1"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: "a\r\n\r\ninjected"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: "a\nX-Injected: 1"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: "a\rX-Injected: 1"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: "a\x00X-Injected: 1"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: "X-Injected\x7F"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: " X-Injected"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X", Value: "X-Injected\t"}, handshake.ErrFieldValue},
	{handshake.Field{Name: "X-Injected: 1\r\nX", Value: "a"}, handshake.ErrFieldName},
	{handshake.Field{Name: "X-Injected ", Value: "a"}, handshake.ErrFieldName},
	{handshake.Field{Name: "X-Injected:", Value: "a"}, handshake.ErrFieldName},
	{handshake.Field{Name: "X-Injected\xC3\xA9", Value: "a"}, handshake.ErrFieldName},
	{handshake.Field{Name: "", Value: "X-Injected"}, handshake.ErrFieldName},
}

// reserved are fields that only the switch itself may set.
var reserved = []handshake.Field{
	{Name: "Upgrade", Value: "h2c"},
	{Name: "upgrade", Value: "echo/1"},
	{Name: "Connection", Value: "close"},
	{Name: "CONNECTION", Value: "Upgrade"},
	{Name: "Content-Length", Value: "0"},
	{Name: "content-length", Value: "5"},
	{Name: "Transfer-Encoding", Value: "chunked"},
	{Name: "Trailer", Value: "X-Sum"},
}

func TestSwitchRefusesHostileFields(t *testing.T) {
	t.Parallel()
	tests := hostile
	for _, field := range reserved {
		tests = append(tests, struct {
			field handshake.Field
			want  error
		}{field, handshake.ErrReserved})
	}
	for _, test := range tests {
		errs := make(errorsOf, 1)
		s := start(t, switching(errs, []upgrade.Product[string]{echo}, handshake.Field{Name: "X-Good", Value: "1"}, test.field))
		c := s.dial()
		c.Send(offerEcho)
		if head := c.Head(); status(t, head) != "500" || strings.Contains(head, "X-Good") || strings.Contains(head, "Injected") || strings.Contains(head, "Upgrade") {
			t.Errorf("%q: answered %q", test.field, head)
		}
		var response *handshake.ResponseError
		if err := errs.next(t); !errors.As(err, &response) || response.Index != 1 || !errors.Is(err, test.want) {
			t.Errorf("%q: %v, want field 1, %v", test.field, err, test.want)
		}
	}
}

// unwrapping is a ResponseWriter of middleware as it should be: with Unwrap.
type unwrapping struct{ http.ResponseWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// hiding is a ResponseWriter of middleware without Unwrap: it hides what it wraps.
type hiding struct{ http.ResponseWriter }

func TestWrappedResponseWriters(t *testing.T) {
	t.Parallel()
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var wrapped http.ResponseWriter = unwrapping{hijackFunc{unwrapping{w}, http.NewResponseController(w).Hijack}}
		if r.URL.Path == "/unwrap" {
			wrapped = unwrapping{unwrapping{w}}
		}
		wrapped.Header().Set("X-From", "w.Header")
		echoing().ServeHTTP(wrapped, r)
	}))
	for _, path := range []string{"/unwrap", "/hijack"} {
		equal(t, path, s.exchange(strings.Replace(offerEcho, "/", path, 1)+early), echoHead+hello("", nil)+early)
	}
}

func TestWriterWithoutHijack(t *testing.T) {
	t.Parallel()
	for _, m := range messages {
		errs := make(errorsOf, 1)
		h := echoing()
		h.Error = errs.report
		s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" && r.URL.Path == "/plain" {
				tell(w, r)
				return
			}
			h.ServeHTTP(unwrapping{hiding{w}}, r)
		}))
		c := s.dial()
		c.Send(post(m.framing, m.content) + plain)
		response, text := c.response("POST")
		equal(t, "status", response.StatusCode, 500)
		equal(t, "content", text, "")
		equal(t, "Upgrade", response.Header["Upgrade"], nil)
		if err := errs.next(t); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("reported %v", err)
		}
		// What follows may not be HTTP, so it is not served.
		equal(t, "Connection", response.Header["Connection"], []string{"close"})
		equal(t, "rest", c.Rest(), "")
	}
}

func TestRecorderIsNoConnection(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo/1")
	conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
	if conn != nil || !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Switch: %v, %v", conn, err)
	}
	if w.Body.Len() > 0 || len(w.Header()) > 0 || w.Flushed {
		t.Errorf("written: %q %q", w.Header(), w.Body)
	}
}

func TestFailingHijack(t *testing.T) {
	t.Parallel()
	errs := make(errorsOf, 1)
	h := echoing()
	h.Error = errs.report
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errTest }}, r)
	}))
	for _, framing := range []string{"length", "chunked"} {
		c := s.dial()
		c.Send(post(framing, "content") + plain)
		response, text := c.response("POST")
		equal(t, "status", response.StatusCode, 500)
		equal(t, "content", text, "")
		equal(t, "rest", c.Rest(), "") // what follows may not be HTTP
		if err := errs.next(t); !errors.Is(err, errTest) {
			t.Errorf("reported %v", err)
		}
	}
}

// failingConn is a connection whose Writes do not write everything.
type failingConn struct {
	net.Conn
	write func(net.Conn, []byte) (int, error)
}

func (c failingConn) Write(p []byte) (int, error) { return c.write(c.Conn, p) }

func TestFailingWriteClosesTheConnection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		write func(net.Conn, []byte) (int, error)
		want  error
		seen  string
	}{
		{"nothing", func(net.Conn, []byte) (int, error) { return 0, errTest }, errTest, ""},
		{"a part", func(conn net.Conn, p []byte) (int, error) {
			n, _ := conn.Write(p[:9])
			return n, errTest
		}, errTest, "HTTP/1.1 "},
		{"a part, without an error", func(conn net.Conn, p []byte) (int, error) {
			return conn.Write(p[:9])
		}, io.ErrShortWrite, "HTTP/1.1 "},
	}
	for _, test := range tests {
		for _, framing := range []string{"none", "length", "chunked"} {
			t.Run(test.name+"/"+framing, func(t *testing.T) {
				t.Parallel()
				errs := make(errorsOf, 1)
				h := httpupgrade.Handler{
					Protocols: []httpupgrade.Protocol{{
						Product: echo,
						Serve:   func(net.Conn, *http.Request) { t.Error("served") },
					}},
					Error: errs.report,
				}
				s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					h.ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) {
						conn, buffered, err := http.NewResponseController(w).Hijack()
						return failingConn{conn, test.write}, buffered, err
					}}, r)
				}))
				content := "content"
				if framing == "none" {
					content = ""
				}
				c := s.dial()
				c.Send(post(framing, content))
				equal(t, "answer", c.Rest(), test.seen)
				var write *httpupgrade.WriteError
				if err := errs.next(t); !errors.As(err, &write) || !errors.Is(err, test.want) {
					t.Errorf("reported %v, want a *WriteError of %v", err, test.want)
				}
			})
		}
	}
}

// A Hijack that has nothing buffered need not return a reader.
func TestHijackWithoutAReader(t *testing.T) {
	t.Parallel()
	for name, buffered := range map[string]*bufio.ReadWriter{
		"no ReadWriter":  nil,
		"an empty one":   {},
		"a Writer alone": bufio.NewReadWriter(nil, bufio.NewWriter(io.Discard)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				echoing().ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) {
					conn, _, err := http.NewResponseController(w).Hijack()
					return conn, buffered, err
				}}, r)
			}))
			c := s.dial()
			c.Send(offerEcho)
			equal(t, "head", c.Head(), echoHead)
			c.Send("word")
			equal(t, "echo", c.Octets(len(hello("", nil))+4), hello("", nil)+"word")
		})
	}
}
