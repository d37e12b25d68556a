package fasthttpupgrade_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// A panic ends only its own connection.
func TestPanic(t *testing.T) {
	failed := make(chan error, 1)
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Serve: func(conn net.Conn, r *fasthttp.Request) {
				if string(r.URI().Path()) == "/panic" {
					panic("on purpose")
				}
				io.Copy(conn, conn)
			},
		}},
		Error: func(from net.Addr, err error) { failed <- fmt.Errorf("%v: %w", from, err) },
	}.Handle})
	other := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	mustRead(t, other.Reader, echo101)
	conn := dial(t, address, "GET /panic HTTP/1.1\r\n"+offer+"\r\n")
	mustRead(t, conn.Reader, echo101)
	mustEnd(t, conn.Reader)
	err := <-failed
	var panicked *fasthttpupgrade.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "on purpose" || !strings.HasPrefix(err.Error(), conn.LocalAddr().String()+": handshake: panic: on purpose\n") {
		t.Error(err)
	}
	mustEcho(t, other)
}

// Without Error, failures are logged.
func TestLogged(t *testing.T) {
	logged := new(lockedBuffer)
	log.SetOutput(logged)
	defer log.SetOutput(os.Stderr)
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Fields:  func(*fasthttp.RequestCtx) ([]handshake.Field, error) { return nil, errors.New("no luck") },
			Serve:   serveNothing(t),
		}},
	}.Handle})
	mustAnswer(t, dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n").Reader, 500, "")
	if !strings.HasSuffix(logged.String(), ": no luck\n") {
		t.Error(logged.String())
	}
}

// Each Serve gets its own copy of the request.
func TestServeRequest(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			address := listen(t, newServer(kind, fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Serve: func(conn net.Conn, r *fasthttp.Request) {
					io.ReadAll(conn)
					fmt.Fprintf(conn, "%s %s %s %s", r.Header.Method(), r.URI().Path(), r.Header.Peek("X"), r.Body())
				},
			}}}.Handle))
			var conns []*tcptest.Client
			for i := range 10 {
				content := strings.Repeat(fmt.Sprint(i), i)
				conns = append(conns, dial(t, address, fmt.Sprintf("POST /%d HTTP/1.1\r\nX: %d\r\n%sContent-Length: %d\r\n\r\n%s", i, i, offer, i, content)))
				mustRead(t, conns[i].Reader, echo101)
			}
			for i, conn := range conns {
				conn.CloseWrite()
				mustRead(t, conn.Reader, fmt.Sprintf("POST /%d %d %s", i, i, strings.Repeat(fmt.Sprint(i), i)))
				mustEnd(t, conn.Reader)
			}
		})
	}
}

// The decisions of a protocol show on the wire; package handshake tests the rules themselves.
func TestProtocols(t *testing.T) {
	type fields = []handshake.Field
	refuse := func(r fasthttpupgrade.Refusal) fasthttpupgrade.Protocol {
		return fasthttpupgrade.Protocol{Check: func(*fasthttp.RequestCtx) error { return fmt.Errorf("wrapped: %w", &r) }}
	}
	give := func(f ...handshake.Field) fasthttpupgrade.Protocol {
		return fasthttpupgrade.Protocol{Fields: func(*fasthttp.RequestCtx) (fields, error) { return f, nil }}
	}
	plain := fasthttpupgrade.Protocol{}
	never := fasthttpupgrade.Protocol{Allow: func(*fasthttp.RequestCtx) bool { return false }}
	always := fasthttpupgrade.Protocol{Allow: func(*fasthttp.RequestCtx) bool { return true }}
	var nilRefusal *fasthttpupgrade.Refusal
	for name, test := range map[string]struct {
		protocols []fasthttpupgrade.Protocol // a, b
		offers    string
		status    int
		has       string // lines in the head, each with | after it
		content   string
		fails     bool
	}{
		"server's order":    {[]fasthttpupgrade.Protocol{plain, plain}, "b, a", 101, "Upgrade: A|Connection: Upgrade|", "", false},
		"allowed":           {[]fasthttpupgrade.Protocol{always, plain}, "b, a", 101, "Upgrade: A|", "", false},
		"not allowed":       {[]fasthttpupgrade.Protocol{never, plain}, "a, b", 101, "Upgrade: b|", "", false},
		"refused, another":  {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 403}), give(handshake.Field{Name: "X", Value: "y"})}, "a, b", 101, "Upgrade: b|Connection: Upgrade|X: y|", "", false},
		"first refusal":     {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 403}), refuse(fasthttpupgrade.Refusal{Status: 426})}, "a, b", 403, "", "", false},
		"426":               {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 426})}, "a", 426, "Upgrade: A|Connection: Upgrade|", "", false},
		"content":           {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 401, Content: "who?"})}, "a", 401, "Content-Type: text/plain; charset=utf-8|Content-Length: 4|", "who?", false},
		"content of a type": {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 401, Fields: fields{{Name: "content-type", Value: "text/html"}}, Content: "<p>who?"})}, "a", 401, "Content-Type: text/html|", "<p>who?", false},
		"204":               {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 204, Content: "none"})}, "a", 204, "", "", false},
		"close":             {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 403, Fields: fields{{Name: "connection", Value: "CLOSE"}}})}, "a", 403, "Connection: close|", "", false},
		"426, close":        {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 426, Fields: fields{{Name: "Connection", Value: "close"}}})}, "a", 426, "Upgrade: A|Connection: Upgrade|Connection: close|", "", false},
		"none supported":    {[]fasthttpupgrade.Protocol{plain}, "b", 426, "Upgrade: A|Connection: Upgrade|", "", false},
		"none named":        {nil, "a", 501, "", "", false},
		"nil refusal":       {[]fasthttpupgrade.Protocol{{Check: func(*fasthttp.RequestCtx) error { return nilRefusal }}}, "a", 500, "", "", true},
		"no final status":   {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 101})}, "a", 500, "", "", true},
		"reserved":          {[]fasthttpupgrade.Protocol{refuse(fasthttpupgrade.Refusal{Status: 403, Fields: fields{{Name: "trailer", Value: "X"}}})}, "a", 500, "", "", true},
		"fails":             {[]fasthttpupgrade.Protocol{{Fields: func(*fasthttp.RequestCtx) (fields, error) { return nil, errors.New("no luck") }}}, "a", 500, "", "", true},
		"fails as fasthttp": {[]fasthttpupgrade.Protocol{{Fields: func(*fasthttp.RequestCtx) (fields, error) { return nil, fasthttp.ErrBodyTooLarge }}}, "a", 500, "", "", true},
		"Allow panics":      {[]fasthttpupgrade.Protocol{{Allow: func(*fasthttp.RequestCtx) bool { panic(1) }}}, "a", 500, "", "", true},
		"Check panics":      {[]fasthttpupgrade.Protocol{{Check: func(*fasthttp.RequestCtx) error { panic(1) }}}, "a", 500, "", "", true},
		"Fields panics":     {[]fasthttpupgrade.Protocol{{Fields: func(*fasthttp.RequestCtx) (fields, error) { panic(1) }}}, "a", 500, "", "", true},
		"101 not built":     {[]fasthttpupgrade.Protocol{give(handshake.Field{Name: "Upgrade"})}, "a", 500, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			for i, product := range []string{"A", "b"} {
				if i < len(test.protocols) {
					test.protocols[i].Product = upgrade.MustParseProduct(product)
					test.protocols[i].Serve = func(net.Conn, *fasthttp.Request) {}
				}
			}
			failed := make(chan error, 1)
			address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
				Protocols: test.protocols,
				Error:     func(_ net.Addr, err error) { failed <- err },
			}.Handle})
			request := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + test.offers + "\r\n\r\n"
			client := dial(t, address, request)
			head := client.Head()
			if !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
				t.Errorf("%q", head)
			}
			rest := head
			for line := range strings.SplitSeq(strings.TrimSuffix(test.has, "|"), "|") {
				_, after, found := strings.Cut(rest, line+"\r\n")
				if !found {
					t.Errorf("no %q in this place: %q", line, head)
				}
				rest = after
			}
			if strings.Contains(head, "Upgrade: ") != strings.Contains(test.has, "Upgrade: ") {
				t.Errorf("%q", head)
			}
			if got := client.Octets(len(test.content)); got != test.content {
				t.Errorf("%q", got)
			}
			if test.fails {
				tcptest.Receive(t, failed)
			}
			if test.status == 101 || strings.Contains(head, "close") {
				mustEnd(t, client.Reader)
				return
			}
			client.Send(request)
			if again := client.Head(); statusLine(again) != statusLine(head) {
				t.Errorf("then %q", again)
			}
		})
	}
}

func statusLine(head string) string { return strings.SplitN(head, "\r\n", 2)[0] }

// A response to HEAD has no content.
func TestRefuseHead(t *testing.T) {
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{
		Product: echo,
		Check:   func(*fasthttp.RequestCtx) error { return &fasthttpupgrade.Refusal{Status: 403, Content: "no"} },
		Serve:   serveNothing(t),
	}}}.Handle})
	answer := tcptest.Exchange(t, address, "HEAD / HTTP/1.1\r\n"+offer+"\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 403 ") || !strings.HasSuffix(answer, "\r\n\r\n") {
		t.Errorf("%q", answer)
	}
}

// A refusal replaces content that middleware has written, and keeps fields.
func TestRefuseAfterMiddleware(t *testing.T) {
	handle := fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{
		Product: echo,
		Check:   func(*fasthttp.RequestCtx) error { return &fasthttpupgrade.Refusal{Status: 403} },
		Serve:   serveNothing(t),
	}}}.Handle
	address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.WriteString("begun")
		ctx.Response.Header.Set("X", "y")
		handle(ctx)
	}})
	client := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	if response := mustAnswer(t, client.Reader, 403, ""); response.Header.Get("X") != "y" {
		t.Error(response.Header)
	}
}

// A panic in a hook costs only its own connection, though fasthttp recovers no panic.
func TestHookPanics(t *testing.T) {
	logged := new(lockedBuffer)
	log.SetOutput(logged)
	defer log.SetOutput(os.Stderr)
	raise := func(net.Addr, error) { panic("in Error") }
	for name, handler := range map[string]fasthttpupgrade.Handler{
		"Decided, switched": {Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t)}}},
		"Decided, refused": {Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t), Check: func(*fasthttp.RequestCtx) error {
			return &fasthttpupgrade.Refusal{Status: 403}
		}}}},
		"Decided, failed": {Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t), Check: func(*fasthttp.RequestCtx) error {
			return errors.New("no luck")
		}}}},
		"Decided, declined": {Next: func(*fasthttp.RequestCtx) { t.Error("Next") }},
		"Error":             {Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: func(net.Conn, *fasthttp.Request) { panic("in Serve") }}}, Error: raise},
		"both":              {Next: func(*fasthttp.RequestCtx) { t.Error("Next") }, Error: raise},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "Error" {
				handler.Decided = func(*fasthttp.RequestCtx, handshake.Decision) { panic("in Decided") }
			}
			address := listen(t, &fasthttp.Server{Handler: handler.Handle})
			client := dial(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n"+smuggled)
			if head, want := client.Head(), map[bool]string{true: "HTTP/1.1 101 ", false: "HTTP/1.1 500 "}[name == "Decided, switched" || name == "Error"]; !strings.HasPrefix(head, want) {
				t.Errorf("%q", head)
			}
			mustEnd(t, client.Reader)
		})
	}
	for _, want := range []string{"in Decided", "in Error"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("no %q in the log", want)
		}
	}
}

// A Handler that can never work panics at its first request, whatever the request is.
func TestFirstUse(t *testing.T) {
	good := fasthttpupgrade.Protocol{Product: echo, Serve: serveEcho}
	for name, test := range map[string]struct {
		handler fasthttpupgrade.Handler
		want    string
	}{
		"no Serve":           {fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{good, {Product: echo}}}, "fasthttpupgrade: Protocol 1 (echo/1) has no Serve"},
		"WebSocket no Serve": {fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{fasthttpupgrade.WebSocket{}.Protocol()}}, "fasthttpupgrade: Protocol 0 (websocket) has no Serve"},
		"Upgrade":            {fasthttpupgrade.Handler{Carry: []string{"X", "uPGRADE"}}, "fasthttpupgrade: Carry cannot name uPGRADE: handshake: reserved field"},
		"Accept":             {fasthttpupgrade.Handler{Carry: []string{"sec-websocket-accept"}}, "fasthttpupgrade: Carry cannot name sec-websocket-accept: handshake: reserved field"},
		"no token":           {fasthttpupgrade.Handler{Carry: []string{"X Y"}}, "fasthttpupgrade: Carry cannot name X Y: handshake: field name is not a token"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != test.want {
					t.Errorf("%v, want %s", v, test.want)
				}
			}()
			test.handler.Handle(new(fasthttp.RequestCtx))
			t.Error("no panic")
		})
	}
	// Nothing offers the zero Product.
	fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{{}, good}}.Handle(new(fasthttp.RequestCtx))
}

// Decided is called once for each request with an Upgrade field, and for no other.
func TestDecided(t *testing.T) {
	websocket := upgrade.MustParseProduct("websocket")
	refusal := &fasthttpupgrade.Refusal{Status: 403}
	luck := errors.New("no luck")
	type told struct {
		path string
		handshake.Decision
	}
	for name, test := range map[string]struct {
		request string
		next    bool
		want    *handshake.Decision
	}{
		"switched":         {"GET /a HTTP/1.1\r\n" + offer + "\r\n", true, &handshake.Decision{Product: echo, Status: 101}},
		"refused":          {"GET /refuse HTTP/1.1\r\n" + offer + "\r\n", true, &handshake.Decision{Product: echo, Status: 403, Err: refusal}},
		"failed":           {"GET /fail HTTP/1.1\r\n" + offer + "\r\n", true, &handshake.Decision{Product: echo, Status: 500, Err: luck}},
		"unsupported":      {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true, &handshake.Decision{Err: handshake.ErrNotSupported}},
		"unsupported, 426": {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", false, &handshake.Decision{Status: 426, Err: handshake.ErrNotSupported}},
		"no option":        {"GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: echo/1\r\n\r\n", true, &handshake.Decision{Err: handshake.ErrNoOption}},
		"1.0":              {"GET /a HTTP/1.0\r\n" + offer + "\r\n", false, &handshake.Decision{Status: 505, Err: handshake.ErrHTTPVersion}},
		"blank":            {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade:\r\n\r\n", true, &handshake.Decision{Err: handshake.ErrNoUpgrade}},
		"in doubt":         {"POST /a HTTP/1.1\r\n" + offer + "Transfer-Encoding: identity\r\n\r\n", true, &handshake.Decision{Status: 400, Err: fasthttpupgrade.ErrContent}},
		"length, coding":   {"POST /a HTTP/1.1\r\n" + offer + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, &handshake.Decision{Err: fasthttpupgrade.ErrContent}},
		"CONNECT":          {"CONNECT x:1 HTTP/1.1\r\n" + offer + "\r\n", false, &handshake.Decision{Status: 501, Err: handshake.ErrConnect}},
		"content":          {"POST /a HTTP/1.1\r\n" + offer + "Content-Length: 11\r\n\r\nsome body..", true, &handshake.Decision{Product: echo, Status: 413, Err: fasthttp.ErrBodyTooLarge}},
		"no key":           {"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", true, &handshake.Decision{Product: websocket, Status: 400}},
		"no field":         {"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", true, nil},
		"in a trailer":     {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nUpgrade: echo/1\r\n\r\n", true, nil},
		"another field":    {"GET /a HTTP/1.1\r\nHost: x\r\nUpgrade-Insecure-Requests: 1\r\n\r\n", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			decisions := make(chan told, 10)
			handler := fasthttpupgrade.Handler{
				Protocols: []fasthttpupgrade.Protocol{{
					Product: echo,
					Check: func(ctx *fasthttp.RequestCtx) error {
						switch string(ctx.Path()) {
						case "/refuse":
							return refusal
						case "/fail":
							return luck
						}
						return nil
					},
					Serve: func(conn net.Conn, _ *fasthttp.Request) {
						if len(decisions) != 1 {
							t.Error("Serve was called before Decided")
						}
					},
				}, fasthttpupgrade.WebSocket{Serve: func(net.Conn, *fasthttp.Request, string) {}}.Protocol()},
				MaxBody: 10,
				Decided: func(ctx *fasthttp.RequestCtx, d handshake.Decision) { decisions <- told{string(ctx.Path()), d} },
				Error:   func(net.Addr, error) {},
			}
			if test.next {
				handler.Next = func(*fasthttp.RequestCtx) {
					if len(decisions) != 1 && test.want != nil {
						t.Error("Next was called before Decided")
					}
				}
			}
			address := listen(t, newServer("streams", handler.Handle))
			client := dial(t, address, test.request)
			client.CloseWrite()
			status := decode(t, client.Rest()).StatusCode
			if test.want == nil {
				if len(decisions) > 0 {
					t.Error(<-decisions)
				}
				return
			}
			got := tcptest.Receive(t, decisions)
			if got.Product != test.want.Product || got.Status != test.want.Status || test.want.Err != nil && !errors.Is(got.Err, test.want.Err) || (got.Err == nil) != (got.Status == 101) {
				t.Errorf("%+v, want %+v", got.Decision, *test.want)
			}
			if got.Status != 0 && got.Status != status {
				t.Errorf("told %d, answered %d", got.Status, status)
			}
			if len(decisions) > 0 || !strings.Contains(test.request, strings.TrimPrefix(got.path, "/")) {
				t.Errorf("%d more, path %s", len(decisions), got.path)
			}
		})
	}
}

// A 101 that could not be written is no switch.
func TestDecidedUnwritten(t *testing.T) {
	decisions := make(chan handshake.Decision, 2)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	server := &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t)}},
		Decided:   func(_ *fasthttp.RequestCtx, d handshake.Decision) { decisions <- d },
		Error:     func(net.Addr, error) {},
	}.Handle}
	go server.ServeConn(&pipeConn{Conn: ours, fail: errors.New("broken")})
	go io.WriteString(theirs, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	d := tcptest.Receive(t, decisions)
	var write *fasthttpupgrade.WriteError
	if d.Product != echo || d.Status != 0 || !errors.As(d.Err, &write) {
		t.Errorf("%+v", d)
	}
	mustEnd(t, theirs)
}

// If Next or middleware takes over the connection, a Handler leaves it alone.
func TestOthersTakeOver(t *testing.T) {
	take := func(ctx *fasthttp.RequestCtx) {
		ctx.Hijack(func(conn net.Conn) { io.WriteString(conn, "taken") })
	}
	failed := make(chan error, 1)
	handle := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t)}},
		Next:      take,
		Error:     func(_ net.Addr, err error) { failed <- err },
	}.Handle
	address := listen(t, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/first" {
			take(ctx)
		}
		handle(ctx)
	}})
	for _, request := range []string{
		"GET /first HTTP/1.1\r\n" + offer + "\r\n",
		"GET /next HTTP/1.1\r\nHost: x\r\nConnection: close, x\r\n\r\n",
		"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		if answer := tcptest.Exchange(t, address, request); !strings.HasSuffix(answer, "taken") || strings.Contains(answer, " 101 ") {
			t.Errorf("%q", answer)
		}
	}
	if err := tcptest.Receive(t, failed); err != fasthttpupgrade.ErrHijacked {
		t.Error(err)
	}
}

// Carry adds fields of the response to the 101, after those of the protocol.
func TestCarry(t *testing.T) {
	shared := []handshake.Field{{Name: "X-Own", Value: "1"}, {Name: "X-Shared", Value: "2"}}
	handle := fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{{
			Product: echo,
			Fields:  func(*fasthttp.RequestCtx) ([]handshake.Field, error) { return shared[:1], nil },
			Serve:   func(conn net.Conn, r *fasthttp.Request) { fmt.Fprint(conn, fasthttpupgrade.SwitchedFields(r)) },
		}},
		Carry: []string{"set-cookie", "X-Request-ID", "X-REQUEST-id", "X-Absent", "SET-COOKIE"},
	}.Handle
	address := listen(t, &fasthttp.Server{Name: "mine", Handler: func(ctx *fasthttp.RequestCtx) {
		header := &ctx.Response.Header
		header.Add("Set-Cookie", "a=1; Path=/")
		header.Add("X-Other", "no")
		header.Add("X-Request-Id", " 7\t")
		header.Add("Set-Cookie", "b=2")
		header.Add("X-Request-Id", "8")
		handle(ctx)
	}})
	answer := tcptest.Exchange(t, address, "GET / HTTP/1.1\r\n"+offer+"\r\n")
	want := strings.TrimSuffix(echo101, "\r\n") + "X-Own: 1\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Request-Id: 7\r\nX-Request-Id: 8\r\n\r\n[{X-Own 1}]"
	if answer != want {
		t.Errorf("%q, want %q", answer, want)
	}
	if shared[1].Name != "X-Shared" {
		t.Errorf("%v: the caller's array was changed", shared)
	}
}

// fasthttp lets any Host through, and requests without Host. We check it before a switch.
func TestHost(t *testing.T) {
	// The log can tell why.
	mustNameHost := func(err error) {
		if !errors.Is(err, handshake.ErrHost) || handshake.FieldName(err) != "Host" {
			t.Errorf("the reason is %v", err)
		}
	}
	for kind, handler := range map[string]fasthttp.RequestHandler{
		"Handler": fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: func(net.Conn, *fasthttp.Request) {}}},
			Decided: func(_ *fasthttp.RequestCtx, d handshake.Decision) {
				if d.Status == 400 {
					mustNameHost(d.Err)
				}
			},
		}.Handle,
		"Switch": func(ctx *fasthttp.RequestCtx) {
			if err := fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, func(net.Conn) {}); err != nil {
				mustNameHost(err)
				ctx.Error("", handshake.Status(err))
			}
		},
	} {
		address := listen(t, &fasthttp.Server{Handler: handler})
		for host, status := range map[string]string{
			"Host: x\r\n":                   "101",
			"Host: [::1]:80\r\n":            "101",
			"":                              "400",
			"Host: u:p@x\r\n":               "400",
			"Host: a b\r\n":                 "400",
			"Host: fd00:10:0:0::1:8081\r\n": "400",
			"Host: x:a\r\n":                 "400",
			"Host: [fe80::1%25eth0]\r\n":    "400",
			"Host: x/y\r\n":                 "400",
		} {
			t.Run(kind+"/"+host, func(t *testing.T) {
				answer := tcptest.Exchange(t, address, "GET / HTTP/1.1\r\n"+host+"Connection: Upgrade\r\nUpgrade: echo/1\r\n\r\n")
				if !strings.HasPrefix(answer, "HTTP/1.1 "+status+" ") {
					t.Errorf("%q", answer)
				}
			})
		}
	}
}

// Refuse and Advertise set Upgrade and its option, and keep the other options.
func TestRefuseAndAdvertise(t *testing.T) {
	h2c := upgrade.MustParseProduct("h2c")
	handlers := map[string]fasthttp.RequestHandler{
		"refuse":      func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo, h2c) },
		"advertise":   func(ctx *fasthttp.RequestCtx) { page(ctx); fasthttpupgrade.Advertise(ctx, echo, h2c) },
		"no product":  func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, upgrade.Product[string]{}) },
		"nothing":     func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Advertise(ctx) },
		"closing":     func(ctx *fasthttp.RequestCtx) { ctx.SetConnectionClose(); fasthttpupgrade.Refuse(ctx, echo, h2c) },
		"closes then": func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo, h2c); ctx.SetConnectionClose() },
		"option": func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.Set("Connection", "x")
			fasthttpupgrade.Refuse(ctx, echo, h2c)
		},
		"option, malformed": func(ctx *fasthttp.RequestCtx) {
			ctx.Response.Header.Set("Connection", "@")
			fasthttpupgrade.Refuse(ctx, echo, h2c)
		},
		"twice": func(ctx *fasthttp.RequestCtx) {
			fasthttpupgrade.Refuse(ctx, echo, h2c)
			fasthttpupgrade.Refuse(ctx, echo, h2c)
		},
	}
	const (
		plain = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		close = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\n\r\n"
		exact = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		old   = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
		v12   = "GET / HTTP/1.2\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
		full  = "echo/1, h2c"
	)
	for _, test := range []struct {
		handler, request    string
		status              int
		upgrade, connection string
	}{
		{"refuse", plain, 426, full, "Upgrade"},
		{"refuse", close, 426, full, "Upgrade, close"},
		{"refuse", exact, 426, full, "Upgrade, close"},
		{"refuse", v12, 426, full, "Upgrade, close"},
		{"refuse", old, 505, "", "keep-alive"},
		{"refuse", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501, "", "close"},
		{"advertise", plain, 200, full, "Upgrade"},
		{"advertise", exact, 200, full, "Upgrade, close"},
		{"advertise", v12, 200, full, "Upgrade, close"},
		{"advertise", old, 200, "", "keep-alive"},
		{"no product", plain, 501, "", ""},
		{"nothing", plain, 200, "", ""},
		{"closing", plain, 426, full, "Upgrade, close"},
		{"closes then", plain, 426, full, "Upgrade, close"},
		{"option", plain, 426, full, "x, Upgrade"},
		{"option, malformed", plain, 426, full, "Upgrade"},
		{"twice", plain, 426, full, "Upgrade"},
	} {
		t.Run(fmt.Sprintf("%s/%q", test.handler, test.request), func(t *testing.T) {
			address := listen(t, &fasthttp.Server{Handler: handlers[test.handler]})
			conn := dial(t, address, test.request)
			conn.CloseWrite()
			all, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(all), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			if !strings.HasPrefix(lines[0], fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
				t.Error(lines[0])
			}
			values := map[string][]string{}
			for _, line := range lines[1:] {
				name, value, _ := strings.Cut(line, ": ")
				values[name] = append(values[name], value)
			}
			if got := strings.Join(values["Upgrade"], "|"); got != test.upgrade {
				t.Errorf("Upgrade: %s", got)
			}
			if got := strings.Join(values["Connection"], ", "); got != test.connection {
				t.Errorf("Connection: %s", got)
			}
		})
	}
}
