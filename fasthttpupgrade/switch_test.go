package fasthttpupgrade_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// offers are requests that every server switches.
var offers = map[string]string{
	"plain":                 "GET / HTTP/1.1\r\n" + offer + "\r\n",
	"1.2":                   "GET / HTTP/1.2\r\n" + offer + "\r\n",
	"1.2, kept alive":       "GET / HTTP/1.2\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\n\r\n",
	"two lines":             "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n",
	"empty lines":           "GET / HTTP/1.1\r\nHost: x\r\nConnection:\r\nUpgrade:\r\nConnection: ,Upgrade\r\nUpgrade: ,echo/1\r\n\r\n",
	"tabs":                  "GET / HTTP/1.1\r\nHost: x\r\nConnection:\tkeep-alive\t,\tUpgrade\t\r\nUpgrade:\th2c\t,\techo/1\t\r\n\r\n",
	"names of other case":   "GET / HTTP/1.1\r\nhost: x\r\nCONNECTION: uPGRADE\r\nuPgRaDe: ECHO/1\r\n\r\n",
	"folded":                "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive,\r\n Upgrade\r\nUpgrade: h2c,\r\n\techo/1\r\n\r\n",
	"close, Upgrade":        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: echo/1\r\n\r\n",
	"close before Upgrade":  "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n",
	"close after Upgrade":   "GET / HTTP/1.1\r\n" + offer + "Connection: close\r\n\r\n",
	"HEAD":                  "HEAD / HTTP/1.1\r\n" + offer + "\r\n",
	"OPTIONS":               "OPTIONS * HTTP/1.1\r\n" + offer + "\r\n",
	"content":               "POST / HTTP/1.1\r\n" + offer + "Content-Length: 7\r\n\r\ncontent",
	"content of a GET":      "GET / HTTP/1.1\r\n" + offer + "Content-Length: 7\r\n\r\ncontent",
	"much content":          "POST / HTTP/1.1\r\n" + offer + "Content-Length: 9000\r\n\r\n" + strings.Repeat("content..", 1000),
	"chunks":                "POST / HTTP/1.1\r\n" + offer + "Transfer-Encoding: chunked\r\n\r\n3\r\ncon\r\n4\r\ntent\r\n0\r\n\r\n",
	"chunks and trailers":   "POST / HTTP/1.1\r\n" + offer + "Transfer-Encoding: chunked\r\n\r\n7\r\ncontent\r\n0\r\nX: y\r\nUpgrade: echo/2\r\n\r\n",
	"empty form":            "POST / HTTP/1.1\r\n" + offer + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 0\r\n\r\n",
	"coded form":            "POST / HTTP/1.1\r\n" + offer + "Content-Type: multipart/form-data; boundary=b\r\nContent-Encoding: x\r\nContent-Length: 4\r\n\r\nbody",
	"CHUNKED":               "POST / HTTP/1.1\r\n" + offer + "Transfer-Encoding: CHUNKED\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
	"chunked, folded":       "POST / HTTP/1.1\r\n" + offer + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
	"form without a length": "POST / HTTP/1.1\r\n" + offer + "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n--b--\r\n0\r\n\r\n",
}

func TestSwitch(t *testing.T) {
	for kind := range servers {
		for _, step := range []int{0, 1, 7} {
			address := listenWithin(t, newServer(kind, echoHandler(t)), tcptest.Limits{Step: step})
			for name, request := range offers {
				t.Run(fmt.Sprintf("%s/%d/%s", kind, step, name), func(t *testing.T) {
					t.Parallel()
					client := dial(t, address, request+"early\x00\r\n\r\n")
					mustRead(t, client.Reader, echo101+"early\x00\r\n\r\n")
					mustEcho(t, client)
				})
			}
		}
	}
}

// The 100 comes first and only once, before the client has sent its content.
func TestExpect(t *testing.T) {
	for kind := range servers {
		address := listen(t, newServer(kind, echoHandler(t)))
		for name, framing := range map[string][2]string{
			"length": {"Content-Length: 7\r\n", "content"},
			"chunks": {"Transfer-Encoding: chunked\r\n", "7\r\ncontent\r\n0\r\n\r\n"},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				conn := dial(t, address, "POST / HTTP/1.1\r\n"+offer+"Expect: 100-continue\r\n"+framing[0]+"\r\n")
				mustRead(t, conn.Reader, "HTTP/1.1 100 Continue\r\n\r\n")
				io.WriteString(conn, framing[1]+"early")
				mustRead(t, conn.Reader, echo101+"early")
				mustEcho(t, conn)
			})
		}
	}
}

// notOffers are requests without a valid offer that is supported, with the error and
// whether the connection must be closed after the answer. fasthttp alone would not always
// close it.
var notOffers = map[string]struct {
	request string
	err     error
	close   bool
}{
	"no field":             {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", handshake.ErrNoUpgrade, false},
	"no option":            {"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: echo/1\r\nContent-Length: 4\r\n\r\nbody", handshake.ErrNoOption, false},
	"option only":          {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\nbody", handshake.ErrNoUpgrade, false},
	"1.0":                  {"POST / HTTP/1.0\r\n" + offer + "Content-Length: 4\r\n\r\nbody", handshake.ErrHTTPVersion, true},
	"1.0, kept alive":      {"POST / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\nContent-Length: 4\r\n\r\nbody", handshake.ErrHTTPVersion, false},
	"2.0":                  {"POST / HTTP/2.0\r\n" + offer + "Content-Length: 4\r\n\r\nbody", handshake.ErrHTTPVersion, true},
	"unknown":              {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c, echo\r\nContent-Length: 4\r\n\r\nbody", nil, false},
	"malformed":            {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: @, echo/1\r\nContent-Length: 4\r\n\r\nbody", upgrade.ErrToken, false},
	"not ASCII":            {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\xc2\x85\r\nUpgrade: echo/1\r\nContent-Length: 4\r\n\r\nbody", upgrade.ErrDelimiter, false},
	"in a trailer":         {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nUpgrade: echo/1\r\n\r\n", handshake.ErrNoUpgrade, false},
	"length and coding":    {"POST / HTTP/1.1\r\n" + offer + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", fasthttpupgrade.ErrContent, true},
	"coding and length":    {"POST / HTTP/1.1\r\n" + offer + "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n4\r\nbody\r\n0\r\n\r\n", fasthttpupgrade.ErrContent, true},
	"close":                {"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody", handshake.ErrNoUpgrade, true},
	"Close":                {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\nContent-Length: 4\r\n\r\nbody", handshake.ErrNoUpgrade, true},
	"close, Upgrade":       {"POST / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody", nil, true},
	"close before Upgrade": {"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody", nil, true},
	"close after Upgrade":  {"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nConnection: close\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody", nil, true},
	"close and malformed":  {"POST / HTTP/1.1\r\nHost: x\r\nConnection: close, x\r\nConnection: @\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody", upgrade.ErrToken, true},
}

// An ordinary request gets its ordinary answer, and the next request on its connection may
// be switched.
func TestNotSwitched(t *testing.T) {
	for kind := range servers {
		var why error
		handler := func(ctx *fasthttp.RequestCtx) {
			if _, err := fasthttpupgrade.Offer(ctx); string(ctx.Path()) == "/" && len(ctx.Request.Header.Peek("Next")) == 0 {
				why = err
			}
			echoHandler(t)(ctx)
		}
		server := newServer(kind, handler)
		address := listen(t, server)
		for name, test := range notOffers {
			t.Run(kind+"/"+name, func(t *testing.T) {
				conn := dial(t, address, test.request+"GET / HTTP/1.1\r\nNext: 1\r\n"+offer+"\r\nearly")
				reader := conn.Reader
				response := mustAnswer(t, reader, 200, "page body")
				if !errors.Is(why, test.err) {
					t.Errorf("%v, want %v", why, test.err)
				}
				// With StreamRequestBody fasthttp does not tell whether it found the end
				// of chunks.
				chunks := server.StreamRequestBody && strings.Contains(test.request, "chunked")
				if want := test.close || chunks || server.DisableKeepalive || server.MaxRequestsPerConn == 1; response.Close != want {
					t.Fatalf("closes %t, want %t: %v", response.Close, want, response.Header)
				}
				if response.Close {
					if rest, _ := io.ReadAll(reader); len(rest) > 0 {
						t.Fatalf("then %q", rest)
					}
					return
				}
				mustRead(t, reader, echo101+"early")
				mustEcho(t, conn)
			})
		}
	}
}

func TestConnect(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: func(net.Conn, *fasthttp.Request) { t.Error("switched") }}},
	}.Handle})
	conn := dial(t, address, "CONNECT x:1 HTTP/1.1\r\n"+offer+"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
	reader := conn.Reader
	if response := mustAnswer(t, reader, 501, ""); !response.Close {
		t.Error("does not close")
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("then %q", rest)
	}
}

// fasthttp leaves a long epilogue, after the last boundary, unread.
func TestFormWithEpilogue(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
	form := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n" + strings.Repeat(".", 20000)
	conn := dial(t, address, fmt.Sprintf("POST / HTTP/1.1\r\n%sContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s", offer, len(form), form))
	all, _ := io.ReadAll(conn.Reader)
	if !strings.HasPrefix(string(all), "HTTP/1.1 200 OK\r\n") || strings.Count(string(all), "HTTP/1.1 ") != 1 || strings.Contains(string(all), "101") {
		t.Errorf("%q", all)
	}
}

// Responses that fasthttp has buffered come before the 101.
func TestPipelined(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: echoHandler(t)})
	conn := dial(t, address, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3)+"GET / HTTP/1.1\r\n"+offer+"\r\nearly")
	reader := conn.Reader
	for range 3 {
		mustAnswer(t, reader, 200, "page ")
	}
	mustRead(t, reader, echo101+"early")
	mustEcho(t, conn)
}

// A field that a handler has removed or replaced offers nothing.
func TestHandlersBefore(t *testing.T) {
	for name, edit := range map[string]func(*fasthttp.RequestHeader){
		"removed":  func(h *fasthttp.RequestHeader) { h.Del("Upgrade") },
		"no hop":   func(h *fasthttp.RequestHeader) { h.Del("Connection") },
		"replaced": func(h *fasthttp.RequestHeader) { h.Set("Upgrade", "h2c") },
	} {
		t.Run(name, func(t *testing.T) {
			next := echoHandler(t)
			address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
				edit(&ctx.Request.Header)
				next(ctx)
			}})
			mustAnswer(t, dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n").Reader, 200, "page ")
		})
	}
}

// A request that was made, and not received, offers what its fields say.
func TestMadeRequest(t *testing.T) {
	for protocol, want := range map[string]error{
		"":          nil,
		"HTTP/1.1":  nil,
		"HTTP/1.2":  nil,
		"HTTP/1.0":  handshake.ErrHTTPVersion,
		"HTTP/2.0":  handshake.ErrHTTPVersion,
		"HTTP/2":    handshake.ErrHTTPVersion,
		"HTTP/11.1": handshake.ErrHTTPVersion,
		"x":         handshake.ErrHTTPVersion,
	} {
		var ctx fasthttp.RequestCtx
		var request fasthttp.Request
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", "echo/1")
		if protocol != "" {
			request.Header.SetProtocol(protocol)
		}
		ctx.Init(&request, nil, nil)
		if offered, err := fasthttpupgrade.Offer(&ctx); err != want || offered.Offers(echo) != (want == nil) {
			t.Errorf("%q: %v, %v", protocol, offered, err)
		}
	}
}

// Offer returns the same each time, although fasthttp unfolds lines in place.
func TestOfferAgain(t *testing.T) {
	for _, fold := range []string{"\r\n ", "\r\n\t", "\r\n \t  "} {
		address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
			for range 3 {
				if offered, err := fasthttpupgrade.Offer(ctx); err != nil || !offered.Offers(echo) {
					t.Errorf("%q: %v, %v", fold, offered, err)
				}
			}
		}})
		tcptest.Exchange(t, address, "GET / HTTP/1.1\r\nHost: x\r\nX:"+fold+"y\r\nConnection: keep-alive,"+fold+"Upgrade\r\nUpgrade: h2c,"+fold+"echo/1\r\n\r\n")
	}
}

func TestSwitchErrors(t *testing.T) {
	other := upgrade.MustParseProduct("other")
	ignored := func(net.Conn) { panic("served") }
	var fieldErr *handshake.ResponseError
	for name, test := range map[string]struct {
		call func(*fasthttp.RequestCtx) error
		want any
	}{
		"not offered": {func(ctx *fasthttp.RequestCtx) error {
			return fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo, other}, ignored)
		}, handshake.ErrNotOffered},
		"zero": {func(ctx *fasthttp.RequestCtx) error {
			return fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{{}}, ignored)
		}, handshake.ErrNotOffered},
		"none": {func(ctx *fasthttp.RequestCtx) error {
			return fasthttpupgrade.Switch(ctx, nil, ignored)
		}, handshake.ErrNoProduct},
		"reserved": {func(ctx *fasthttp.RequestCtx) error {
			return fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, ignored, handshake.Field{Name: "connection", Value: "close"})
		}, &fieldErr},
		"line end": {func(ctx *fasthttp.RequestCtx) error {
			return fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, ignored, handshake.Field{Name: "X", Value: "a\r\nb: c"})
		}, &fieldErr},
	} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
				err := test.call(ctx)
				switch want := test.want.(type) {
				case error:
					if !errors.Is(err, want) {
						t.Errorf("%v, want %v", err, want)
					}
				default:
					if !errors.As(err, want) {
						t.Errorf("%v", err)
					}
				}
				ctx.SetStatusCode(500)
			}})
			conn := dial(t, address, strings.Repeat("GET / HTTP/1.1\r\n"+offer+"\r\n", 2))
			reader := conn.Reader
			mustAnswer(t, reader, 500, "")
			mustAnswer(t, reader, 500, "")
		})
	}
}

func TestSwitchTwice(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		to := []upgrade.Product[string]{echo}
		if err := fasthttpupgrade.Switch(ctx, to, func(conn net.Conn) { io.WriteString(conn, "first") }); err != nil {
			t.Error(err)
		}
		if err := fasthttpupgrade.Switch(ctx, to, func(net.Conn) { t.Error("second") }); err != fasthttpupgrade.ErrHijacked {
			t.Error(err)
		}
		ctx.SetStatusCode(500) // is not sent
		ctx.WriteString("nor is this")
	}})
	conn := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	mustRead(t, conn.Reader, echo101+"first")
	mustEnd(t, conn.Reader)
}

// Several products are layers, and further fields follow.
func TestSwitchLayers(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		to := []upgrade.Product[string]{upgrade.MustParseProduct("HTTP/2.0"), echo}
		content := string(ctx.Request.Body())
		err := fasthttpupgrade.Switch(ctx, to, func(conn net.Conn) { io.WriteString(conn, content) }, handshake.Field{Name: "x-Y", Value: "z"})
		if err != nil {
			t.Error(err)
		}
	}})
	conn := dial(t, address, "POST / HTTP/1.1\r\n"+offer+"Content-Length: 4\r\n\r\nbody")
	mustRead(t, conn.Reader, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: HTTP/2.0, echo/1\r\nConnection: Upgrade\r\nx-Y: z\r\n\r\nbody")
	mustEnd(t, conn.Reader)
}

// A handler that timed out has no connection to switch.
func TestTimedOut(t *testing.T) {
	answered, switched := make(chan struct{}), make(chan error)
	slow := fasthttp.TimeoutHandler(func(ctx *fasthttp.RequestCtx) {
		<-answered
		switched <- fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, func(net.Conn) { t.Error("served") })
	}, time.Millisecond, "late")
	client := dial(t, listen(t, &fasthttp.Server{Handler: slow}), "GET / HTTP/1.1\r\n"+offer+"\r\n")
	mustAnswer(t, client.Reader, 408, "late")
	close(answered)
	tcptest.Receive(t, switched)

	inTime := fasthttp.TimeoutHandler(echoHandler(t), time.Hour, "late")
	client = dial(t, listen(t, &fasthttp.Server{Handler: inTime}), "GET / HTTP/1.1\r\n"+offer+"\r\nearly")
	mustRead(t, client.Reader, echo101+"early")
	mustEcho(t, client)
}

func TestStreamedContent(t *testing.T) {
	failed := make(chan error, 1)
	address := listen(t, &fasthttp.Server{
		StreamRequestBody:  true,
		MaxRequestBodySize: 1,
		Handler: fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Serve:   func(conn net.Conn, r *fasthttp.Request) { conn.Write(r.Body()) },
			}},
			MaxBody: 10000,
			Error:   func(_ net.Addr, err error) { failed <- err },
		}.Handle,
	})
	content := strings.Repeat("0123456789", 1000)
	for name, test := range map[string]struct {
		send   string
		status int
	}{
		"length":             {"Content-Length: 10000\r\n\r\n" + content, 101},
		"chunk":              {"Transfer-Encoding: chunked\r\n\r\n2710\r\n" + content + "\r\n0\r\n\r\n", 101},
		"too long":           {"Content-Length: 10001\r\n\r\n" + content, 413},
		"too long in chunks": {"Transfer-Encoding: chunked\r\n\r\n2711\r\n" + content + "0\r\n0\r\n\r\n", 413},
		"malformed":          {"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, address, "POST / HTTP/1.1\r\n"+offer+test.send)
			if test.status == 101 {
				mustRead(t, conn.Reader, echo101+content)
				mustEnd(t, conn.Reader)
				return
			}
			response := mustAnswer(t, conn.Reader, test.status, "")
			if !response.Close {
				t.Error("does not close")
			}
			if err := <-failed; test.status == 413 != errors.Is(err, fasthttp.ErrBodyTooLarge) {
				t.Error(err)
			}
		})
	}
}

// MaxBody limits content to exactly that many bytes.
func TestMaxBody(t *testing.T) {
	for name, test := range map[string]struct {
		limit int64
		size  int
		want  string
	}{
		"none, none":      {-1, 0, "101"},
		"none, one":       {-1, 1, "413"},
		"one, one":        {1, 1, "101"},
		"one, two":        {1, 2, "413"},
		"default":         {0, 2 << 20, "101"},
		"default, beyond": {0, 2<<20 + 1, "413"},
		"no limit":        {math.MaxInt64, 3 << 20, "101"},
	} {
		address := listen(t, newServer("streams, much", fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Serve:   func(conn net.Conn, r *fasthttp.Request) { fmt.Fprint(conn, len(r.Body())) },
			}},
			MaxBody: test.limit,
			Error:   func(net.Addr, error) {},
		}.Handle))
		for _, framing := range []string{"length", "chunked"} {
			sent := tcptest.Framed(framing, strings.Repeat("x", test.size))
			t.Run(name+"/"+framing, func(t *testing.T) {
				client := tcptest.Dial(t, address)
				// A server that refuses does not read all of it, and resets.
				go io.WriteString(client.TCPConn, "POST / HTTP/1.1\r\n"+offer+sent)
				head := client.Head()
				if !strings.HasPrefix(head, "HTTP/1.1 "+test.want+" ") {
					t.Errorf("%q", head)
				}
				if closes := strings.Contains(head, "\r\nConnection: close\r\n"); closes != (test.want == "413") {
					t.Errorf("%q", head)
				}
				if want := fmt.Sprint(test.size); test.want == "101" && client.Octets(len(want)) != want {
					t.Error("not all of it")
				}
			})
		}
	}
	if fasthttpupgrade.DefaultMaxBody != 2<<20 {
		t.Error(fasthttpupgrade.DefaultMaxBody)
	}
}

// The context has no content while Serve runs, since fasthttp keeps the context as long as
// the connection. Serve gets the content in its copy of the request.
func TestContentReleased(t *testing.T) {
	var ctx *fasthttp.RequestCtx
	handle := fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{
		Product: echo,
		Serve: func(conn net.Conn, r *fasthttp.Request) {
			fmt.Fprintf(conn, "%s, %q", r.Body(), ctx.Request.Body())
		},
	}}}.Handle
	for _, kind := range []string{"default", "streams"} {
		address := listen(t, newServer(kind, func(c *fasthttp.RequestCtx) { ctx = c; handle(c) }))
		answer := tcptest.Exchange(t, address, "POST / HTTP/1.1\r\n"+offer+"Content-Length: 4\r\n\r\nbody")
		if answer != echo101+`body, ""` {
			t.Errorf("%q", answer)
		}
	}
}

// Users see these texts.
func TestTexts(t *testing.T) {
	for err, want := range map[error]string{
		fasthttpupgrade.ErrConnect:  "handshake: CONNECT cannot upgrade",
		fasthttpupgrade.ErrContent:  "fasthttpupgrade: end of content in doubt",
		fasthttpupgrade.ErrHijacked: "fasthttpupgrade: connection was already taken over",
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if status := handshake.Status(fasthttpupgrade.ErrContent); status != 400 {
		t.Error(status)
	}
	for _, err := range []error{new(fasthttpupgrade.Refusal), new(fasthttpupgrade.ContentError), new(fasthttpupgrade.WriteError), new(fasthttpupgrade.PanicError)} {
		if err.Error() == "" {
			t.Errorf("%T has no text", err)
		}
	}
}
