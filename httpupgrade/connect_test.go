package httpupgrade_test

import (
	"context"
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
	"github.com/gosegue/upgrade/internal/h2test"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// TestConnect checks what a Handler answers to an extended CONNECT, and what it reports.
func TestConnect(t *testing.T) {
	t.Parallel()
	refusing := func(refusal *httpupgrade.Refusal) func(*http.Request) error {
		return func(*http.Request) error { return refusal }
	}
	decided, failed := make(decisions, 1), make(errorsOf, 1)
	product := upgrade.MustParseProduct
	s := startH2(t, httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			{Product: echo, Serve: serveEcho, Fields: func(*http.Request) ([]handshake.Field, error) {
				return []handshake.Field{{Name: "X-One", Value: "1"}, {Name: "X-One", Value: "2"}, {Name: "Keep-Alive", Value: "5"}}, nil
			}},
			httpupgrade.WebSocket{
				Subprotocols: []string{"b", "a"},
				Serve: func(conn net.Conn, r *http.Request, subprotocol string) {
					io.WriteString(conn, subprotocol)
					serveEcho(conn, r)
				},
			}.Protocol(),
			{Product: product("h2c"), Serve: serveEcho},
			{Product: product("TLS/1.2"), Serve: serveEcho},
			{Product: chat, Serve: serveEcho, Allow: func(*http.Request) bool { return false }},
			{Product: product("forbidden"), Serve: serveEcho, Check: refusing(&httpupgrade.Refusal{
				Status: 403, Content: "no", Fields: []handshake.Field{{Name: "X-Why", Value: "so"}, {Name: "Connection", Value: "close"}},
			})},
			{Product: product("required"), Serve: serveEcho, Check: refusing(&httpupgrade.Refusal{
				Status: 426, Fields: []handshake.Field{{Name: "X-Why", Value: "so"}},
			})},
			{Product: product("found"), Serve: serveEcho, Check: refusing(&httpupgrade.Refusal{Status: 200, Content: "ordinary"})},
			{Product: product("wrong"), Serve: serveEcho, Check: func(*http.Request) error { return errTest }},
			{Product: product("reserved"), Serve: serveEcho, Fields: func(*http.Request) ([]handshake.Field, error) {
				return []handshake.Field{{Name: "content-length", Value: "5"}}, nil
			}},
			{Product: product("accept/1"), Serve: serveEcho, Fields: func(*http.Request) ([]handshake.Field, error) {
				return []handshake.Field{{Name: "Sec-WebSocket-Accept", Value: "x"}}, nil
			}},
		},
		Next:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("Next saw an extended CONNECT") }),
		Decided: decided.add,
		Error:   failed.report,
	})
	version := "Sec-WebSocket-Version: 13"
	tests := []struct {
		name     string
		protocol string
		fields   []string
		status   int
		header   http.Header
		says     string // what the protocol says first, or the content
		err      any    // a target for errors.As, or an error for errors.Is; nil: no error
	}{
		{"a product", "echo/1", nil, 200, http.Header{"X-One": {"1", "2"}}, hello("", nil), nil},
		{"another spelling of it", "ECHO/1", nil, 200, http.Header{"X-One": {"1", "2"}}, hello("", nil), nil},
		{"another version of it", "echo/2", nil, 501, nil, "", handshake.ErrNotSupported},
		{"no version of it", "echo", nil, 501, nil, "", handshake.ErrNotSupported},
		{"an unknown product", "ping", nil, 501, nil, "", handshake.ErrNotSupported},
		{"two words", "echo/1 x", nil, 501, nil, "", new(*handshake.FieldError)},
		{"a list", "echo/1, chat", nil, 501, nil, "", new(*handshake.FieldError)},
		{"a comma", "echo/1,", nil, 501, nil, "", new(*handshake.FieldError)},
		{"h2c, though registered", "h2c", nil, 501, nil, "", handshake.ErrNotSupported},
		{"h2c in capitals", "H2C", nil, 501, nil, "", handshake.ErrNotSupported},
		{"TLS, registered", "TLS/1.2", nil, 200, nil, hello("", nil), nil},
		{"what Allow does not allow", "chat", nil, 501, nil, "", handshake.ErrNotSupported},
		{"a Refusal", "forbidden", nil, 403, http.Header{"X-Why": {"so"}, "Content-Type": {"text/plain; charset=utf-8"}, "Content-Length": {"2"}}, "no", new(*httpupgrade.Refusal)},
		{"a Refusal with 426", "required", nil, 400, http.Header{"X-Why": {"so"}, "Content-Length": {"0"}}, "", new(*httpupgrade.Refusal)},
		{"a Refusal that would be a switch", "found", nil, 500, nil, "", handshake.ErrStatus},
		{"an error of the server", "wrong", nil, 500, nil, "", errTest},
		{"a reserved field", "reserved", nil, 500, nil, "", handshake.ErrReserved},
		{"a field that only WebSocket reserves", "accept/1", nil, 200, http.Header{"Sec-Websocket-Accept": {"x"}}, hello("", nil), nil},

		{"WebSocket", "websocket", []string{version}, 200, nil, hello("", nil), nil},
		{"WebSocket with a key", "websocket", []string{version, "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC=="}, 200, nil, hello("", nil), nil},
		{"WebSocket with a bad key", "websocket", []string{version, "Sec-WebSocket-Key: ?"}, 200, nil, hello("", nil), nil},
		{"WebSocket in capitals", "WebSocket", []string{version}, 200, nil, hello("", nil), nil},
		{"WebSocket with a subprotocol", "websocket", []string{version, "Sec-WebSocket-Protocol: a, b"}, 200, http.Header{"Sec-Websocket-Protocol": {"b"}}, "b" + hello("", nil), nil},
		{"WebSocket, malformed subprotocol", "websocket", []string{version, "Sec-WebSocket-Protocol: a b"}, 400, nil, "", new(*httpupgrade.Refusal)},
		{"WebSocket without a version", "websocket", nil, 400, http.Header{"Sec-Websocket-Version": {"13"}}, "", new(*httpupgrade.Refusal)},
		{"WebSocket, version 12", "websocket", []string{"Sec-WebSocket-Version: 12"}, 400, http.Header{"Sec-Websocket-Version": {"13"}}, "", new(*httpupgrade.Refusal)},
		{"WebSocket, two versions", "websocket", []string{version, version}, 400, http.Header{"Sec-Websocket-Version": {"13"}}, "", new(*httpupgrade.Refusal)},
		{"WebSocket, same origin", "websocket", []string{version, "Host: test:8443", "Origin: https://test:8443"}, 200, nil, hello("", nil), nil},
		{"WebSocket, other origin", "websocket", []string{version, "Host: test:8443", "Origin: https://other"}, 403, nil, "", new(*httpupgrade.Refusal)},
	}
	for _, test := range tests {
		c := s.Request(http.MethodConnect, test.protocol, test.fields...)
		equal(t, test.name, c.StatusCode, test.status)
		c.Header.Del("Date")
		if test.header == nil {
			test.header = http.Header{}
			if test.status != 200 {
				test.header.Set("Content-Length", "0")
			}
		} else if test.status == 400 {
			test.header.Set("Content-Length", "0")
		}
		if c.Header.Get("Content-Length") == "" {
			test.header.Del("Content-Length")
		}
		equal(t, test.name, c.Header, test.header)
		if test.status == 200 {
			equal(t, test.name, c.Read(len(test.says)), test.says)
			c.Write("octets")
			c.Writer.Close()
			equal(t, test.name, c.Rest(), "octets")
		} else {
			equal(t, test.name, c.Rest(), test.says)
		}
		d := decided.next(t)
		equal(t, test.name, d.Status, test.status)
		checkError(t, test.name, d.Err, test.err)
		if test.status == 500 {
			checkError(t, test.name, failed.next(t), test.err)
		}
		if test.status != 501 && !strings.EqualFold(d.Product.String(), test.protocol) {
			t.Errorf("%s: decided on %v", test.name, d.Product)
		}
		if test.status == 501 && !d.Product.IsZero() {
			t.Errorf("%s: decided on %v", test.name, d.Product)
		}
	}
}

// checkError compares err with a target: nil, an error for errors.Is, or a pointer for
// errors.As.
func checkError(t *testing.T, what string, err error, target any) {
	t.Helper()
	var ok bool
	switch target := target.(type) {
	case nil:
		ok = err == nil
	case error:
		ok = errors.Is(err, target)
	default:
		ok = errors.As(err, target)
	}
	if !ok {
		t.Errorf("%s: %v", what, err)
	}
}

// Serve gets the CONNECT without content, and a connection that has its addresses.
func TestConnectServe(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := startH2(t, serving(func(conn net.Conn, r *http.Request) {
		defer close(done)
		equal(t, "method", r.Method, http.MethodConnect)
		equal(t, "path", r.URL.Path, "/x")
		equal(t, "length", r.ContentLength, 0)
		equal(t, "body", r.Body, io.ReadCloser(http.NoBody))
		equal(t, "local", conn.LocalAddr().String(), r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
		equal(t, "remote", conn.RemoteAddr().String(), r.RemoteAddr)
		equal(t, "network", conn.RemoteAddr().Network(), "tcp")
		if _, ok := conn.(interface{ CloseWrite() error }); ok {
			t.Error("has CloseWrite")
		}
		if n, err := conn.Read(nil); n != 0 || err != nil {
			t.Errorf("Read(nil): %d, %v", n, err)
		}
		if n, err := conn.Write(nil); n != 0 || err != nil {
			t.Errorf("Write(nil): %d, %v", n, err)
		}
	}))
	equal(t, "rest", s.connect().Rest(), "")
	tcptest.Receive(t, done)
}

// RemoteAddr returns the RemoteAddr of the request, which may be that of a proxy's
// client.
func TestConnectRemoteAddr(t *testing.T) {
	t.Parallel()
	h := serving(func(conn net.Conn, _ *http.Request) {
		io.WriteString(conn, conn.RemoteAddr().Network()+" "+conn.RemoteAddr().String())
	})
	s := startH2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = r.Header.Get("X-Real-Ip")
		h.ServeHTTP(w, r)
	}))
	for _, address := range []string{"192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "@"} {
		equal(t, address, s.Connect("echo/1", "X-Real-Ip: "+address).Rest(), "tcp "+address)
	}
}

// A stream that ends with the request has nothing to read.
func TestConnectEndedStream(t *testing.T) {
	t.Parallel()
	s := startH2(t, serving(func(conn net.Conn, _ *http.Request) {
		read, err := io.ReadAll(conn)
		io.WriteString(conn, hello(string(read), err))
	}))
	c, err := s.Send(http.MethodConnect, "echo/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "status", c.StatusCode, 200)
	equal(t, "rest", c.Rest(), hello("", nil))
}

// The same Protocol values serve both versions at one address.
func TestConnectBesideUpgrade(t *testing.T) {
	t.Parallel()
	s := startH2(t, echoing())
	config := s.Server.Client().Transport.(*http.Transport).Clone()
	config.TLSClientConfig.NextProtos = []string{"http/1.1"}
	config.ForceAttemptHTTP2 = false
	config.TLSNextProto = nil
	defer config.CloseIdleConnections()
	r := httptest.NewRequest("GET", s.URL, nil)
	conn, _, err := httpupgrade.RoundTrip(config, r, echo)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first := make([]byte, len(hello("", nil)))
	io.ReadFull(conn, first)
	equal(t, "HTTP/1.1", string(first), hello("", nil))
	equal(t, "HTTP/2", s.connect().Read(len(first)), string(first))
}

// Carry works as in HTTP/1.1, and no other field that middleware has set reaches the
// client.
func TestConnectCarry(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Carry = []string{"set-cookie"}
	s := startH2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Set-Cookie", " a=1")
		header.Add("Set-Cookie", "b=2 ")
		for _, name := range []string{"Upgrade", "Connection", "Content-Length", "Sec-Websocket-Accept", "Content-Encoding", "Trailer", "Trailer:X-Late"} {
			header.Set(name, "5")
		}
		h.ServeHTTP(w, r)
	}))
	c := s.connect()
	c.Header.Del("Date")
	equal(t, "header", c.Header, http.Header{"Set-Cookie": {"a=1", "b=2"}})
	c.Writer.Close()
	equal(t, "rest", c.Rest(), hello("", nil))
	equal(t, "trailer", c.Trailer, nil)
}

// Serve gets the fields that Fields returned, as in HTTP/1.1.
func TestConnectSwitchedFields(t *testing.T) {
	t.Parallel()
	h := serving(func(conn net.Conn, r *http.Request) {
		fields := httpupgrade.SwitchedFields(r)
		io.WriteString(conn, fields[0].Value)
	})
	h.Protocols[0].Fields = func(*http.Request) ([]handshake.Field, error) {
		return []handshake.Field{{Name: "X-One", Value: "1"}}, nil
	}
	s := startH2(t, h)
	equal(t, "rest", s.connect().Rest(), "1")
}

// A plain CONNECT offers no protocol, and :protocol in any other request means nothing.
// Next never sees :protocol.
func TestConnectOrdinary(t *testing.T) {
	t.Parallel()
	h := echoing()
	h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, has := r.Header[":protocol"]; has {
			t.Error("Next saw :protocol")
		}
		io.WriteString(w, r.Method+" "+r.Header.Get("X-One"))
	})
	gate := httpupgrade.Gate{Products: []upgrade.Product[string]{echo}, Next: h.Next}
	for _, handler := range []http.Handler{h, gate} {
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "/", nil)
			r.ProtoMajor, r.ProtoMinor, r.Proto = 2, 0, "HTTP/2.0"
			r.Header = http.Header{":protocol": {"echo/1"}, "X-One": {"1"}}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			equal(t, method, w.Body.String(), method+" 1")
			equal(t, method, r.Header, http.Header{":protocol": {"echo/1"}, "X-One": {"1"}})
		}
	}
	s := startH2(t, h)
	c := s.Request(http.MethodConnect, "")
	equal(t, "CONNECT", c.StatusCode, 200)
	equal(t, "CONNECT", c.Rest(), "CONNECT ")
}

// For an extended CONNECT, Offer, Select and Switch return ErrConnect, and Refuse answers
// 501. A Gate passes it on unchanged.
func TestConnectElsewhere(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	mux := http.NewServeMux()
	s := startH2(t, mux)
	var handler http.Handler
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) })

	handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, offer := httpupgrade.Offer(r)
		_, selected := httpupgrade.Select(r, echo)
		_, switched := httpupgrade.Switch(w, r, []upgrade.Product[string]{echo})
		for _, err := range []error{offer, selected, switched} {
			if err != httpupgrade.ErrConnect {
				t.Error(err)
			}
		}
		httpupgrade.Advertise(w, r, echo)
		httpupgrade.Refuse(w, r, echo)
	})
	c := s.Request(http.MethodConnect, "echo/1")
	equal(t, "Refuse", c.StatusCode, 501)
	equal(t, "Refuse", fields(c.Header), http.Header{})

	handler = httpupgrade.Gate{
		Products: []upgrade.Product[string]{echo},
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen <- r.Header.Get(":protocol")
			w.WriteHeader(204)
		}),
	}
	s.Request(http.MethodConnect, "echo/1")
	equal(t, "Gate", tcptest.Receive(t, seen), "echo/1")
}

// A missing authority, which net/http lets through, and a malformed one are answered with
// 400.
func TestConnectAuthority(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "a b", "a/b"} {
		r := httptest.NewRequest("CONNECT", "/", nil)
		r.Method, r.Host, r.ProtoMajor, r.ProtoMinor = "CONNECT", host, 2, 0
		r.Header[":protocol"] = []string{"echo/1"}
		w := httptest.NewRecorder()
		echoing().ServeHTTP(w, r)
		equal(t, host, w.Code, 400)
		equal(t, host, w.Header(), http.Header{})
	}
}

// Middleware neither sees nor changes what the protocol says. If its writer has no
// Unwrap, the Handler cannot get the stream, and that is an error of the server.
func TestConnectMiddleware(t *testing.T) {
	t.Parallel()
	failed := make(errorsOf, 1)
	h := echoing()
	h.Error = failed.report
	unwraps := true
	s := startH2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unwraps {
			h.ServeHTTP(shouting{w}, r)
		} else {
			h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		}
	}))
	c := s.connect()
	c.Writer.Close()
	equal(t, "unwrapped", c.Rest(), hello("", nil))

	unwraps = false
	c = s.Request(http.MethodConnect, "echo/1")
	equal(t, "not unwrapped", c.StatusCode, 500)
	if err := failed.next(t); !errors.Is(err, http.ErrNotSupported) {
		t.Error(err)
	}
}

// shouting is the writer of a middleware that changes responses.
type shouting struct{ http.ResponseWriter }

func (w shouting) Write(p []byte) (int, error) {
	return w.ResponseWriter.Write([]byte(strings.ToUpper(string(p))))
}
func (w shouting) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Conns counts streams as it counts connections.
func TestConnectConns(t *testing.T) {
	t.Parallel()
	conns := &httpupgrade.Conns{Max: 1}
	cancelled, read := make(chan error, 1), make(chan error, 1)
	h := serving(func(conn net.Conn, r *http.Request) {
		<-r.Context().Done()
		cancelled <- r.Context().Err()
		_, err := conn.Read(make([]byte, 1))
		read <- err
	})
	h.Conns = conns
	s := startH2(t, h)
	c := s.connect()
	equal(t, "conns", conns.Len(), 1)
	equal(t, "beyond Max", s.Request(http.MethodConnect, "echo/1").StatusCode, 503)
	equal(t, "conns", conns.Len(), 1)

	ctx, cancel := context.WithCancel(context.Background())
	shut := make(chan error, 1)
	go func() { shut <- conns.Shutdown(ctx) }()
	checkError(t, "context", tcptest.Receive(t, cancelled), context.Canceled)
	equal(t, "after Shutdown", s.Request(http.MethodConnect, "echo/1").StatusCode, 503)
	cancel()
	checkError(t, "Shutdown", tcptest.Receive(t, shut), context.Canceled)
	checkError(t, "Read", tcptest.Receive(t, read), net.ErrClosed)
	equal(t, "rest", c.Rest(), "")
	if !tcptest.Eventually(func() bool { return conns.Len() == 0 }) {
		t.Error("the place was kept")
	}
	if err := conns.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// A panic resets the stream, leaves the connection alone, and is reported.
func TestConnectPanic(t *testing.T) {
	t.Parallel()
	var value any
	failed := make(errorsOf, 1)
	conns := new(httpupgrade.Conns)
	h := serving(func(conn net.Conn, r *http.Request) {
		if value != nil {
			conn.Read(make([]byte, 1)) // the client has the answer
			panic(value)
		}
		serveEcho(conn, r)
	})
	h.Conns, h.Error = conns, failed.report
	s := startH2(t, h)
	for _, value = range []any{"of the test", http.ErrAbortHandler} {
		c := s.connect()
		c.Write("x")
		if err := c.Reset(); !strings.Contains(err, "INTERNAL_ERROR") {
			t.Error(err)
		}
		if value == http.ErrAbortHandler {
			continue
		}
		var panicked *httpupgrade.PanicError
		if err := failed.next(t); !errors.As(err, &panicked) || panicked.Value != value || !strings.Contains(string(panicked.Stack), "TestConnectPanic") {
			t.Error(err)
		}
	}
	value = nil
	if !tcptest.Eventually(func() bool { return conns.Len() == 0 }) {
		t.Error("a place was kept")
	}
	equal(t, "another stream", s.connect().Read(5), "hello")

	h.Decided = func(*http.Request, handshake.Decision) { panic("of Decided") }
	s = startH2(t, h)
	if c, err := s.Send(http.MethodConnect, "echo/1", nil); err == nil {
		c.Reset()
	}
	var panicked *httpupgrade.PanicError
	if err := failed.next(t); !errors.As(err, &panicked) || panicked.Value != "of Decided" {
		t.Error(err)
	}
	if len(failed) > 0 {
		t.Error(<-failed)
	}
}

// Without the GODEBUG setting, net/http does not let clients ask for a protocol.
func TestConnectWithoutSetting(t *testing.T) {
	if h2test.Without(t) {
		return
	}
	s := startH2(t, echoing())
	if _, err := s.Send(http.MethodConnect, "echo/1", nil); err == nil || !strings.Contains(err.Error(), "extended connect not supported by peer") {
		t.Error(err)
	}
}
