package httpupgrade_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

var none upgrade.Product[string]

func refuse(supported ...upgrade.Product[string]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpupgrade.Refuse(w, r, supported...)
	})
}

// advertise sets the fields of set, calls Advertise, and answers 200 with content.
func advertise(set http.Header, supported ...upgrade.Product[string]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range set {
			w.Header()[name] = append([]string(nil), values...)
		}
		httpupgrade.Advertise(w, r, supported...)
		io.WriteString(w, "text")
	})
}

// fields returns a header without the fields that net/http adds to any response.
func fields(header http.Header) http.Header {
	header = header.Clone()
	for _, name := range []string{"Date", "Content-Length", "Content-Type"} {
		header.Del(name)
	}
	return header
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	requests := map[string]string{
		"no offer":          plain,
		"offer":             offerEcho,
		"HEAD":              strings.Replace(plain, "GET", "HEAD", 1),
		"content":           post("length", "content"),
		"chunked content":   post("chunked", "content"),
		"unknown HTTP/1.2":  strings.Replace(plain, "1.1", "1.2", 1),
		"keep-alive asked":  strings.Replace(plain, "\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n", 1),
		"malformed offer":   strings.Replace(offerEcho, "echo/1", "@", 1),
		"malformed options": strings.Replace(offerEcho, "Connection: Upgrade", "Connection: @", 1),
	}
	tests := []struct {
		supported []upgrade.Product[string]
		want      string
	}{
		{[]upgrade.Product[string]{echo}, "echo/1"},
		{[]upgrade.Product[string]{echo, chat}, "echo/1, chat"},
		{[]upgrade.Product[string]{none, chat, none, echo}, "chat, echo/1"},
	}
	for _, test := range tests {
		s := start(t, refuse(test.supported...))
		want := http.Header{"Upgrade": {test.want}, "Connection": {"Upgrade"}}
		for name, request := range requests {
			method, _, _ := strings.Cut(request, " ")
			c := s.dial()
			// The second request proves that the connection is still in order.
			c.Send(request + plain)
			for _, method := range []string{method, "GET"} {
				response, text := c.response(method)
				equal(t, name+": status", response.StatusCode, 426)
				equal(t, name+": fields", fields(response.Header), want)
				equal(t, name+": content", text, "")
			}
			c.CloseWrite()
			equal(t, name+": rest", c.Rest(), "")
		}
	}
}

// A 426 without an Upgrade field is not allowed (RFC 9110, section 15.5.22).
func TestRefuseWithoutAProduct(t *testing.T) {
	t.Parallel()
	for _, supported := range [][]upgrade.Product[string]{nil, {none}, {none, none}} {
		s := start(t, refuse(supported...))
		response, _ := s.get(offerEcho)
		if response.StatusCode == 426 || response.StatusCode < 400 {
			t.Errorf("status %d", response.StatusCode)
		}
		equal(t, "fields", fields(response.Header), http.Header{})
	}
}

// get sends one request and reads one response.
func (s *server) get(request string) (*http.Response, string) {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	method, _, _ := strings.Cut(request, " ")
	c.Send(request)
	return c.response(method)
}

func TestHTTP10GetsNoUpgrade(t *testing.T) {
	t.Parallel()
	for _, request := range []string{
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n\r\n",
		"POST / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nContent-Length: 1\r\n\r\nx",
	} {
		response, text := start(t, refuse(echo)).get(request)
		equal(t, "status", response.StatusCode, 505)
		equal(t, "Upgrade", response.Header["Upgrade"], nil)
		if strings.Contains(strings.ToLower(response.Header.Get("Connection")), "upgrade") {
			t.Errorf("Connection: %q", response.Header["Connection"])
		}
		equal(t, "content", text, "")

		response, text = start(t, advertise(nil, echo)).get(request)
		equal(t, "status", response.StatusCode, 200)
		equal(t, "Upgrade", response.Header["Upgrade"], nil)
		if strings.Contains(strings.ToLower(response.Header.Get("Connection")), "upgrade") {
			t.Errorf("Connection: %q", response.Header["Connection"])
		}
		equal(t, "content", text, "text")
	}
}

func TestAdvertise(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		set       http.Header
		supported []upgrade.Product[string]
		want      http.Header
	}{
		{"one", nil, []upgrade.Product[string]{echo}, http.Header{"Upgrade": {"echo/1"}, "Connection": {"Upgrade"}}},
		{"two", nil, []upgrade.Product[string]{chat, echo}, http.Header{"Upgrade": {"chat, echo/1"}, "Connection": {"Upgrade"}}},
		{"a zero product", nil, []upgrade.Product[string]{none, echo}, http.Header{"Upgrade": {"echo/1"}, "Connection": {"Upgrade"}}},
		{"none", nil, nil, http.Header{}},
		{"only zero products", http.Header{"Connection": {"keep-alive"}}, []upgrade.Product[string]{none, none}, http.Header{"Connection": {"keep-alive"}}},
		{"other fields", http.Header{"X": {"1", "2"}}, []upgrade.Product[string]{echo},
			http.Header{"X": {"1", "2"}, "Upgrade": {"echo/1"}, "Connection": {"Upgrade"}}},
		{"option is there", http.Header{"Connection": {"keep-alive, upgrade"}}, []upgrade.Product[string]{echo},
			http.Header{"Upgrade": {"echo/1"}, "Connection": {"keep-alive, upgrade"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, advertise(test.set, test.supported...))
			c := s.dial()
			for range 2 { // an advertisement is no reason to close
				c.Send(offerEcho)
				response, text := c.response("GET")
				equal(t, "status", response.StatusCode, 200)
				equal(t, "fields", fields(response.Header), test.want)
				equal(t, "content", text, "text")
			}
			c.CloseWrite()
			equal(t, "rest", c.Rest(), "")
		})
	}
}

// optionsOf returns which of the known options a response names, on any of its lines.
func optionsOf(t testing.TB, response *http.Response) string {
	t.Helper()
	options, err := upgrade.ParseConnection(response.Header["Connection"]...)
	if err != nil {
		t.Errorf("Connection %q: %v", response.Header["Connection"], err)
	}
	var names []string
	for _, name := range []string{"upgrade", "close", "keep-alive", "x"} {
		if options.Has(name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// The options that a handler sets stay beside the option upgrade, and
// a connection is closed exactly if the response says so.
func TestAdvertiseBesideOtherOptions(t *testing.T) {
	t.Parallel()
	closing := strings.Replace(plain, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
	closingOffer := strings.Replace(offerEcho, "Connection: Upgrade", "Connection: Upgrade\r\nConnection: close", 1)
	tests := []struct {
		name    string
		request string
		set     []string // Connection
		want    string
	}{
		{"nothing", plain, nil, "upgrade"},
		{"close", plain, []string{"close"}, "upgrade close"},
		{"keep-alive", plain, []string{"keep-alive"}, "upgrade keep-alive"},
		{"another", plain, []string{"x"}, "upgrade x"},
		{"blank", plain, []string{""}, "upgrade"},
		{"several lines", plain, []string{"x", "keep-alive"}, "upgrade keep-alive x"},
		{"upgrade", plain, []string{"upgrade"}, "upgrade"},
		{"malformed", plain, []string{"@"}, "upgrade"},

		{"nothing, closing", closing, nil, "upgrade close"},
		{"nothing, closing offer", closingOffer, nil, "upgrade close"},
		{"close, closing", closing, []string{"close"}, "upgrade close"},
		{"another, closing", closing, []string{"x"}, "upgrade close x"},
		{"upgrade, closing", closing, []string{"upgrade"}, "upgrade close"},
		{"close and upgrade, closing", closing, []string{"close, upgrade"}, "upgrade close"},
		{"malformed, closing", closing, []string{"@"}, "upgrade close"},
		{"close in the second line, closing", closing, []string{"x", "close"}, "upgrade close x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set := http.Header{}
			if test.set != nil {
				set["Connection"] = test.set
			}
			s := start(t, advertise(set, echo))
			c := s.dial()
			c.Send(test.request + plain)
			response, text := c.response("GET")
			equal(t, "Upgrade", response.Header["Upgrade"], []string{"echo/1"})
			equal(t, "options", optionsOf(t, response), test.want)
			equal(t, "content", text, "text")
			closes(t, c, strings.Contains(test.want, "close"))
		})
	}
}

// closes checks that the second of two requests is answered, or that it is not if
// closing.
func closes(t testing.TB, c *client, closing bool) {
	t.Helper()
	c.CloseWrite()
	rest := c.Rest()
	if closing && rest != "" {
		t.Errorf("after a response that closes: %q", rest)
	}
	if !closing && !strings.HasPrefix(rest, "HTTP/1.1 ") {
		t.Errorf("second answer: %q", rest)
	}
}

func TestRefuseSaysThatItCloses(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"close", "close, Upgrade", "Upgrade, CLOSE", "Upgrade\r\nConnection: close"} {
		s := start(t, refuse(echo))
		c := s.dial()
		c.Send(strings.Replace(offerEcho, "Connection: Upgrade", "Connection: "+options, 1) + plain)
		response, _ := c.response("GET")
		equal(t, "status", response.StatusCode, 426)
		equal(t, "fields", fields(response.Header), http.Header{"Upgrade": {"echo/1"}, "Connection": {"Upgrade, close"}})
		closes(t, c, true)
	}
}

// The client waits for permission to send its content and is refused without it. It may
// send the content anyway, so nothing more on the connection is a request.
func TestRefuseOfContentThatWaits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		framing string
		set     []string // Connection
	}{{"length", nil}, {"chunked", nil}, {"length", []string{"@"}}, {"length", []string{"close"}}, {"length", []string{"keep-alive"}}, {"length", []string{"x"}}} {
		s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if test.set != nil {
				w.Header()["Connection"] = append([]string(nil), test.set...)
			}
			httpupgrade.Refuse(w, r, echo)
		}))
		head, content, _ := strings.Cut(post(test.framing, "content", "Expect: 100-continue"), "\r\n\r\n")
		c := s.dial()
		c.Send(head + "\r\n\r\n")
		response, _ := c.response("POST")
		equal(t, "status", response.StatusCode, 426)
		equal(t, "Upgrade", response.Header["Upgrade"], []string{"echo/1"})
		if options := optionsOf(t, response); !strings.HasPrefix(options, "upgrade close") {
			t.Errorf("Connection %q: options %q", test.set, options)
		} else if test.set != nil && test.set[0] != "@" && !strings.Contains(options, test.set[0]) {
			t.Errorf("%q is lost from options %q", test.set, options)
		}
		c.Send(content + plain)
		closes(t, c, true)
	}
}

// A handler that has read the content has given that permission. The connection goes on,
// unless the response says close: then it must be closed (RFC 9112, section 9.6).
func TestRefuseAfterContentThatWaited(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"length", "chunked"} {
		s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			httpupgrade.Refuse(w, r, echo)
		}))
		c := s.dial()
		c.Send(post(framing, "content", "Expect: 100-continue") + plain)
		equal(t, "first answer", c.Head(), goAhead)
		response, _ := c.response("POST")
		equal(t, "status", response.StatusCode, 426)
		closes(t, c, strings.Contains(optionsOf(t, response), "close"))
	}
}

// If the handler leaves much content unread, net/http closes the connection. It says so
// in its own Connection field, which replaces ours.
func TestMuchUnreadContent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		framing string
		size    int
		want    string
	}{
		{"length", 1000, "upgrade"},
		{"length", 256<<10 - 1, "upgrade"},
		{"length", 256 << 10, "close"},
		{"chunked", 1000, "upgrade"},
		{"chunked", 512 << 10, "close"},
	}
	for _, test := range tests {
		for _, handler := range []http.Handler{refuse(echo), advertise(nil, echo)} {
			s := start(t, handler)
			c := s.dial()
			go func() {
				// The server may close before it has read all.
				io.WriteString(c.TCPConn, post(test.framing, strings.Repeat("c", test.size)))
			}()
			response, _ := c.response("POST")
			equal(t, "Upgrade", response.Header["Upgrade"], []string{"echo/1"})
			equal(t, "options", optionsOf(t, response), test.want)
		}
	}
}

// net/http does the same while it shuts down, and if keep-alives are disabled.
func TestServerThatClosesEveryConnection(t *testing.T) {
	t.Parallel()
	want := http.Header{"Upgrade": {"echo/1"}, "Connection": {"close"}}
	for _, handler := range []http.Handler{refuse(echo), advertise(nil, echo)} {
		s := start(t, handler)
		s.SetKeepAlivesEnabled(false)
		response, _ := s.get(offerEcho)
		equal(t, "keep-alives disabled", fields(response.Header), want)

		down := make(chan struct{})
		s = start(t, nil, func(s *server) {
			s.RegisterOnShutdown(func() { close(down) })
			s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				go s.Shutdown(context.Background())
				tcptest.Receive(t, down)
				handler.ServeHTTP(w, r)
			})
		})
		response, _ = s.get(offerEcho)
		equal(t, "shutting down", fields(response.Header), want)
	}
}

// Versions 2 and 3 have neither the field nor the option, and a message that has them
// is malformed (RFC 9113, section 8.2.2).
func TestLaterVersionsGetNoUpgrade(t *testing.T) {
	t.Parallel()
	for _, major := range []int{2, 3} {
		request := func() *http.Request {
			r := httptest.NewRequest("GET", "/x", nil)
			r.ProtoMajor, r.ProtoMinor = major, 0
			// No client may send this, but a faulty proxy that translates may.
			r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo/1"}}
			return r
		}
		w := httptest.NewRecorder()
		refuse(echo).ServeHTTP(w, request())
		equal(t, "Refuse", w.Code, 505)
		equal(t, "Refuse", fields(w.Header()), http.Header{})

		w = httptest.NewRecorder()
		advertise(nil, echo).ServeHTTP(w, request())
		equal(t, "Advertise", w.Code, 200)
		equal(t, "Advertise", fields(w.Header()), http.Header{})

		w = httptest.NewRecorder()
		echoing().ServeHTTP(w, request())
		equal(t, "Handler", w.Code, 200)
		equal(t, "Handler", fields(w.Header()), http.Header{})
		equal(t, "Handler", w.Body.String(), told("GET", "/x", "", nil))
	}
}

// Bytes that are not HTTP may follow a CONNECT, so the connection is closed after its
// refusal (RFC 9931).
func TestRefuseOfConnectCloses(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{named(echo, nil)}})
	c := s.dial()
	c.Send("CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n" + plain)
	response, _ := c.response("CONNECT")
	equal(t, "status", response.StatusCode, 501)
	equal(t, "options", optionsOf(t, response), "close")
	closes(t, c, true)
}
