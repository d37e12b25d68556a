package httpupgrade_test

import (
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// limited returns echoing with a limit. It reports errors to errs.
func limited(maxBody int64, errs errorsOf) httpupgrade.Handler {
	h := echoing()
	h.MaxBody, h.Error = maxBody, errs.report
	return h
}

func TestContentIsReadBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	long := strings.Repeat("content ", 1<<15)
	for i, content := range []string{"", "x", "content", "0\r\n\r\n", long} {
		for _, framing := range []string{"length", "chunked"} {
			c := s.dial()
			go func() {
				c.Send(post(framing, content) + early)
				c.CloseWrite()
			}()
			if got, want := c.Rest(), echoHead+hello(content, nil)+early; got != want {
				t.Errorf("content %d, framing %s: got %.200q...", i, framing, got)
			}
		}
	}
}

func TestBodyHasTheContentAfterSwitch(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"length", "chunked"} {
		got := make(chan string, 1)
		s := start(t, take(t, func(conn net.Conn, r *http.Request) {
			content, err := io.ReadAll(r.Body)
			if err == nil {
				err = r.Body.Close()
			}
			got <- told(r.Method, r.URL.Path, string(content), err)
			io.Copy(conn, conn)
		}))
		equal(t, "exchange", s.exchange(post(framing, "content")+early), echoHead+early)
		equal(t, "request", tcptest.Receive(t, got), told("POST", "/post", "content", nil))
	}
}

// Trailers belong neither to the content nor to the new protocol. Serve finds them in the
// request.
func TestTrailersOfTheContent(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: echo,
		Serve: func(conn net.Conn, r *http.Request) {
			io.WriteString(conn, r.Trailer.Get("X-Sum"))
			io.Copy(conn, conn)
		},
	}}})
	equal(t, "exchange", s.exchange(post("chunked", "content")+early), echoHead+"7"+early)
}

// Fields in a trailer are not fields of the head (RFC 9110, section 6.5.1).
func TestUpgradeInTrailersOffersNothing(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	c := s.dial()
	c.Send("POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"1\r\nx\r\n0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n" + plain)
	_, text := c.response("POST")
	equal(t, "first answer", text, told("POST", "/a", "x", nil))
	_, text = c.response("GET")
	equal(t, "second answer", text, told("GET", "/plain", "", nil))
}

func TestContentLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		maxBody int64
		size    int
		ok      bool
	}{
		{"below the limit", 10, 9, true},
		{"at the limit", 10, 10, true},
		{"over the limit", 10, 11, false},
		{"at the limit of one", 1, 1, true},
		{"over the limit of one", 1, 2, false},
		{"no content allowed, no content sent", -1, 0, true},
		{"no content allowed", -1, 1, false},
		{"no content allowed, least number", math.MinInt64, 1, false},
		{"no limit", math.MaxInt64, 10, true},
		{"default", 0, 1, true},
		{"at the default", 0, httpupgrade.DefaultMaxBody, true},
		{"over the default", 0, httpupgrade.DefaultMaxBody + 1, false},
	}
	for _, test := range tests {
		for _, framing := range []string{"length", "chunked"} {
			t.Run(test.name+"/"+framing, func(t *testing.T) {
				t.Parallel()
				errs := make(errorsOf, 1)
				s := start(t, limited(test.maxBody, errs))
				content := strings.Repeat("c", test.size)
				c := s.dial()
				go func() {
					// The server may well close before it has read all.
					io.WriteString(c.TCPConn, post(framing, content)+"early")
					c.CloseWrite()
				}()
				if test.ok {
					if got, want := c.Rest(), echoHead+hello(content, nil)+"early"; got != want {
						t.Errorf("got %.300q, want %.300q", got, want)
					}
					return
				}
				refusedContent(t, c, http.StatusRequestEntityTooLarge)
				var large *http.MaxBytesError
				limit := test.maxBody
				if limit == 0 {
					limit = httpupgrade.DefaultMaxBody
				}
				if err := errs.next(t); !errors.As(err, &large) || large.Limit != max(limit, 0) {
					t.Errorf("reported %v", err)
				}
			})
		}
	}
}

// refusedContent reads an answer and checks that the connection is closed after it, since
// the rest may be content.
func refusedContent(t testing.TB, c *client, want int) {
	t.Helper()
	response, _ := c.response("POST")
	equal(t, "status", response.StatusCode, want)
	equal(t, "Connection", response.Header["Connection"], []string{"close"})
	equal(t, "Upgrade", response.Header["Upgrade"], nil)
	if rest, _ := io.ReadAll(c.Reader); len(rest) > 0 {
		t.Errorf("after the answer: %q", rest)
	}
}

// The documentation promises that DefaultMaxBody is 2 MiB.
func TestDefaultMaxBody(t *testing.T) {
	t.Parallel()
	equal(t, "DefaultMaxBody", httpupgrade.DefaultMaxBody, 2<<20)
}

func TestLongContentLengthIsRefusedUnread(t *testing.T) {
	t.Parallel()
	for _, expect := range []string{"X-Nothing: 0", "Expect: 100-continue"} {
		errs := make(errorsOf, 1)
		s := start(t, limited(10, errs))
		c := s.dial()
		// The content is never sent, so the server must not wait for it.
		c.Send("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" +
			expect + "\r\nContent-Length: 9223372036854775807\r\n\r\n")
		if head := c.Head(); status(t, head) != "413" {
			t.Errorf("%s: %q", expect, head)
		}
		equal(t, "rest", c.Rest(), "")
		for _, write := range s.conn(0).Written() {
			if strings.Contains(write, "HTTP/1.1 1") {
				t.Errorf("%s: wrote %q", expect, write)
			}
		}
		errs.next(t)
	}
}

func TestSlowContent(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for i, framing := range []string{"length", "chunked"} {
		c := s.dial()
		message := post(framing, "content")
		sent := int64(0)
		for _, piece := range []string{message[:len(message)-20], message[len(message)-20 : len(message)-1], message[len(message)-1:]} {
			if got := s.conn(i).Written(); len(got) > 0 {
				t.Errorf("written before all content was sent: %q", got)
			}
			c.Send(piece)
			sent += int64(len(piece))
			if !tcptest.Eventually(func() bool { return s.conn(i).Received() == sent }) {
				t.Fatalf("%d octets were received, %d sent", s.conn(i).Received(), sent)
			}
		}
		c.Send("early")
		c.CloseWrite()
		equal(t, "exchange", c.Rest(), echoHead+hello("content", nil)+"early")
	}
}

// A request is not switched if its content does not match its framing.
func TestBrokenContent(t *testing.T) {
	t.Parallel()
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct{ name, rest string }{
		{"length, cut off", "Content-Length: 7\r\n\r\nconte"},
		{"length, missing", "Content-Length: 7\r\n\r\n"},
		{"chunked, missing", chunked},
		{"chunked, cut off in a size", chunked + "7"},
		{"chunked, cut off in a chunk", chunked + "7\r\nconte"},
		{"chunked, cut off after a chunk", chunked + "7\r\ncontent\r\n"},
		{"chunked, without an end of trailers", chunked + "7\r\ncontent\r\n0\r\n"},
		{"chunked, no size", chunked + "zz\r\ncontent\r\n0\r\n\r\n"},
		{"chunked, negative size", chunked + "-1\r\nc\r\n0\r\n\r\n"},
		{"chunked, huge size", chunked + "ffffffffffffffffff\r\nc\r\n0\r\n\r\n"},
		{"chunked, longer than its size", chunked + "3\r\ncontent\r\n0\r\n\r\n"},
		{"chunked, no line end after a chunk", chunked + "7\r\ncontent0\r\n\r\n"},
		{"chunked, malformed trailer", chunked + "0\r\nno colon\r\n\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			errs := make(errorsOf, 1)
			s := start(t, limited(0, errs))
			c := s.dial()
			c.Send("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n" + test.rest)
			c.CloseWrite()
			refusedContent(t, c, http.StatusBadRequest)
			var content *httpupgrade.ContentError
			if err := errs.next(t); !errors.As(err, &content) || content.Unwrap() == nil {
				t.Errorf("reported %v, want a *ContentError", err)
			}
		})
	}
}

func TestClientVanishesWithinContent(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"length", "chunked"} {
		errs := make(errorsOf, 1)
		s := start(t, limited(0, errs))
		c := s.dial()
		message := post(framing, "content")
		c.Send(message[:strings.LastIndex(message, "ent")])
		if !tcptest.Eventually(func() bool { return s.conn(0).Received() > 0 }) {
			t.Fatal("nothing received")
		}
		c.SetLinger(0) // a reset instead of an end
		c.Close()
		var content *httpupgrade.ContentError
		if err := errs.next(t); !errors.As(err, &content) {
			t.Errorf("reported %v, want a *ContentError", err)
		}
		for _, write := range s.conn(0).Written() {
			if strings.Contains(write, " 101 ") {
				t.Errorf("wrote %q", write)
			}
		}
	}
}

func TestContentTimeout(t *testing.T) {
	t.Parallel()
	errs := make(errorsOf, 1)
	s := start(t, limited(0, errs), func(s *server) { s.ReadTimeout = 50 * time.Millisecond })
	c := s.dial()
	message := post("length", "content")
	c.Send(message[:len(message)-1])
	if head := c.Head(); !strings.HasPrefix(head, "HTTP/1.1 4") {
		t.Errorf("head %q", head)
	}
	equal(t, "rest", c.Rest(), "")
	var timeout net.Error
	if err := errs.next(t); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("reported %v", err)
	}
}

// Content above a limit that middleware sets is also too much.
func TestContentLimitOfMiddleware(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"length", "chunked"} {
		errs := make(errorsOf, 1)
		h := limited(0, errs)
		s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 3)
			h.ServeHTTP(w, r)
		}))
		c := s.dial()
		c.Send(post(framing, "content"))
		refusedContent(t, c, http.StatusRequestEntityTooLarge)
		errs.next(t)
	}
}

func TestBodyYieldsAllContentAfterAnError(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789abcdef", httpupgrade.DefaultMaxBody/16) + "!"
	tests := []struct {
		name    string
		content string
		to      upgrade.Product[string]
		fields  []handshake.Field
		wrap    func(http.ResponseWriter) http.ResponseWriter
	}{
		{name: "not offered", content: "content", to: chat},
		{name: "reserved field", content: "content", to: echo, fields: []handshake.Field{{Name: "Upgrade", Value: "x"}}},
		{name: "too much content", content: content, to: echo},
		{name: "no Hijacker", content: "content", to: echo, wrap: withoutHijack},
	}
	for _, test := range tests {
		for _, framing := range []string{"length", "chunked"} {
			t.Run(test.name+"/"+framing, func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 1)
				s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "GET" {
						return
					}
					to := w
					if test.wrap != nil {
						to = test.wrap(w)
					}
					if _, err := httpupgrade.Switch(to, r, []upgrade.Product[string]{test.to}, test.fields...); err == nil {
						t.Error("switched")
					}
					content, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					got <- string(content)
				}))
				c := s.dial()
				go c.Send(post(framing, test.content) + plain)
				if tcptest.Receive(t, got) != test.content {
					t.Error("r.Body yields other content than was sent")
				}
				// All content was read, so the connection is at the next request.
				response, _ := c.response("POST")
				equal(t, "status", response.StatusCode, http.StatusOK)
				response, _ = c.response("GET")
				equal(t, "next status", response.StatusCode, http.StatusOK)
			})
		}
	}
}

func withoutHijack(w http.ResponseWriter) http.ResponseWriter {
	return struct{ http.ResponseWriter }{w}
}

// A request that a Handler does not switch is like any other: Next gets all of its
// content, and the next request follows.
func TestDeclinedOffersReachNextWhole(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.MaxBody = 1 // which does not concern Next
	h.Protocols = append(h.Protocols, httpupgrade.Protocol{
		Product: chat,
		Allow:   func(*http.Request) bool { return false },
		Fields:  func(*http.Request) ([]handshake.Field, error) { panic("Fields without Allow") },
		Serve:   serveEcho,
	})
	s := start(t, h)
	const connection = "Connection: Upgrade\r\n"
	tests := []struct{ name, line, fields string }{
		{"no option", "POST /x HTTP/1.1", "Upgrade: echo/1\r\n"},
		{"another option", "POST /x HTTP/1.1", "Connection: keep-alive\r\nUpgrade: echo/1\r\n"},
		{"no Upgrade", "POST /x HTTP/1.1", connection},
		{"blank Upgrade", "POST /x HTTP/1.1", connection + "Upgrade: , ,\r\n"},
		{"malformed Upgrade", "POST /x HTTP/1.1", connection + "Upgrade: echo/1, @@@\r\n"},
		{"malformed Connection", "POST /x HTTP/1.1", "Connection: Upgrade, @@@\r\nUpgrade: echo/1\r\n"},
		{"unsupported", "POST /x HTTP/1.1", connection + "Upgrade: h2c\r\n"},
		{"TLS", "POST /x HTTP/1.1", connection + "Upgrade: TLS/1.3\r\n"},
		{"not allowed", "POST /x HTTP/1.1", connection + "Upgrade: chat\r\n"},
		{"HTTP/1.0", "POST /x HTTP/1.0", "Connection: Upgrade, keep-alive\r\nUpgrade: echo/1\r\n"},
	}
	for _, test := range tests {
		for _, framing := range []string{"length", "chunked"} {
			if test.name == "HTTP/1.0" && framing == "chunked" {
				continue // which HTTP/1.0 does not have
			}
			t.Run(test.name+"/"+framing, func(t *testing.T) {
				c := s.dial()
				c.Send(test.line + "\r\nHost: test\r\n" + test.fields + tcptest.Framed(framing, "content") + plain)
				response, text := c.response("POST")
				equal(t, "status", response.StatusCode, http.StatusOK)
				equal(t, "content", text, told("POST", "/x", "content", nil))
				equal(t, "Upgrade", response.Header["Upgrade"], nil)
				if test.name == "HTTP/1.0" {
					return
				}
				_, text = c.response("GET")
				equal(t, "next answer", text, told("GET", "/plain", "", nil))
				c.CloseWrite()
				equal(t, "rest", c.Rest(), "")
			})
		}
	}
}

func TestContinueBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for i, framing := range []string{"length", "chunked"} {
		message := post(framing, "content", "Expect: 100-continue")
		head, content, _ := strings.Cut(message, "\r\n\r\n")
		c := s.dial()
		c.Send(head + "\r\n\r\n")
		// The content is sent only when it is asked for.
		equal(t, "first answer", c.Head(), goAhead)
		c.Send(content + early)
		c.CloseWrite()
		equal(t, "second answer", c.Rest(), echoHead+hello("content", nil)+early)
		equal(t, "first Writes", s.conn(i).Written()[:2], []string{goAhead, echoHead})
	}
}

// A client that does not wait for the 100 still gets both answers: it may have waited
// long enough and then sent the content.
func TestContinueForContentSentAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, framing := range []string{"length", "chunked"} {
		equal(t, framing, s.exchange(post(framing, "content", "Expect: 100-continue")+early),
			goAhead+echoHead+hello("content", nil)+early)
	}
}

func TestNoContinueWithoutContent(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, message := range []string{
		post("none", "", "Expect: 100-continue"),
		post("length", "", "Expect: 100-continue"),
		strings.Replace(offerEcho, "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1),
	} {
		equal(t, "exchange", s.exchange(message+early), echoHead+hello("", nil)+early)
	}
}

func TestNoContinueUnlessAsked(t *testing.T) {
	t.Parallel()
	s := start(t, echoing())
	for _, framing := range []string{"length", "chunked"} {
		equal(t, framing, s.exchange(post(framing, "content")), echoHead+hello("content", nil))
	}
}

// After a declined offer, Next decides whether the server asks for the content.
func TestNextDecidesOnContinue(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			tell(w, r)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	})
	s := start(t, h)
	request := func(path string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" +
			"Expect: 100-continue\r\nContent-Length: 7\r\n\r\n"
	}
	c := s.dial()
	c.Send(request("/read"))
	equal(t, "first answer", c.Head(), goAhead)
	c.Send("content")
	_, text := c.response("POST")
	equal(t, "content", text, told("POST", "/read", "content", nil))

	c.Send(request("/refuse"))
	equal(t, "status", status(t, c.Head()), "403")
}

// A refusal by Fields comes before the content is asked for.
func TestNoContinueBeforeARefusal(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: echo,
		Fields: func(*http.Request) ([]handshake.Field, error) {
			return nil, &httpupgrade.Refusal{Status: http.StatusUnauthorized}
		},
		Serve: serveEcho,
	}}})
	c := s.dial()
	c.Send("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n")
	equal(t, "status", status(t, c.Head()), "401")
	c.CloseWrite() // net/http waits for that or the content
	equal(t, "rest", c.Rest(), "")
}
