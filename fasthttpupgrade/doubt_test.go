package fasthttpupgrade_test

import (
	"errors"
	"fmt"
	"io"
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

// smuggled is a request that the servers below must never serve.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

// mustAnswerOnce sends a request and octets after it, and expects one final response and
// then the end of the connection.
func mustAnswerOnce(t *testing.T, address, sent string) {
	t.Helper()
	once(t, tcptest.Exchange(t, address, sent))
}

func once(t *testing.T, answer string) {
	t.Helper()
	if n := strings.Count(answer, "HTTP/1.1 "); n != 1 || strings.HasPrefix(answer, "HTTP/1.1 101 ") {
		t.Errorf("%d responses: %q", n, answer)
	}
	if strings.Contains(answer, "smuggled") {
		t.Errorf("served octets that are no request: %q", answer)
	}
}

// path is a handler that answers with the path of the request.
func path(ctx *fasthttp.RequestCtx) { ctx.WriteString(string(ctx.Path())) }

// answering returns handlers that answer without a switch, each in its way.
func answering(t *testing.T) map[string]fasthttp.RequestHandler {
	failing := func(err error) fasthttp.RequestHandler {
		return fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Fields:  func(*fasthttp.RequestCtx) ([]handshake.Field, error) { return nil, err },
				Serve:   serveNothing(t),
			}},
			Next:  path,
			Error: func(net.Addr, error) {},
		}.Handle
	}
	declining := func(next fasthttp.RequestHandler) fasthttp.RequestHandler {
		return fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Allow:   func(*fasthttp.RequestCtx) bool { return false },
				Serve:   serveNothing(t),
			}},
			Next: next,
		}.Handle
	}
	return map[string]fasthttp.RequestHandler{
		"Refuse":           func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo) },
		"no Next":          declining(nil),
		"Next":             declining(path),
		"Next, Error":      declining(func(ctx *fasthttp.RequestCtx) { ctx.Error(string(ctx.Path()), 404) }),
		"Next, keep-alive": declining(func(ctx *fasthttp.RequestCtx) { path(ctx); ctx.Response.Header.Set("Connection", "keep-alive") }),
		"Next, dropping":   declining(func(ctx *fasthttp.RequestCtx) { path(ctx); ctx.Request.ResetBody() }),
		"Next, replacing":  declining(func(ctx *fasthttp.RequestCtx) { path(ctx); ctx.Request.SetBodyString("other") }),
		"Next, a part": declining(func(ctx *fasthttp.RequestCtx) {
			if stream := ctx.RequestBodyStream(); stream != nil {
				io.ReadFull(stream, make([]byte, 3))
			}
			path(ctx)
		}),
		"Next, too late":    declining(fasthttp.TimeoutHandler(func(ctx *fasthttp.RequestCtx) { <-ctx.Done() }, time.Millisecond, "late")),
		"Fields fail":       failing(errors.New("no luck")),
		"Fields, too large": failing(fasthttp.ErrBodyTooLarge),
		"Refusal":           failing(&fasthttpupgrade.Refusal{Status: 403}),
		"Refusal, unsent":   failing(&fasthttpupgrade.Refusal{Status: 99}),
		"Switch, Error": func(ctx *fasthttp.RequestCtx) {
			err := fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{upgrade.MustParseProduct("other")}, func(net.Conn) { t.Error("served") })
			if err == nil {
				t.Error("switched")
			}
			ctx.Error("cannot switch", 500)
		},
	}
}

// inDoubt are requests whose end fasthttp and others may see in different places.
var inDoubt = map[string]string{
	"identity":            "POST / HTTP/1.1\r\n%sTransfer-Encoding: identity\r\n\r\n",
	"Identity":            "POST / HTTP/1.1\r\n%sTransfer-Encoding: Identity\r\n\r\n",
	"IDENTITY of a GET":   "GET / HTTP/1.1\r\n%sTransfer-Encoding: IDENTITY\r\n\r\n",
	"identity and length": "POST / HTTP/1.1\r\n%sTransfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
	"length and identity": "POST / HTTP/1.1\r\n%sContent-Length: 4\r\nTRANSFER-ENCODING: identity\r\n\r\nbody",
	"blanks":              "POST / HTTP/1.1\r\n%sTransfer-Encoding: \t identity \t\r\n\r\n",
	"folded":              "POST / HTTP/1.1\r\n%sTransfer-Encoding:\r\n identity\r\n\r\n",
	"gzip":                "POST / HTTP/1.1\r\n%sTransfer-Encoding: gzip\r\n\r\n",
	"gzip, chunked":       "POST / HTTP/1.1\r\n%sTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"chunked, chunked":    "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
	"chunked, empty":      "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
	"chunked, identity":   "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	"a parameter":         "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
	"quoted":              "POST / HTTP/1.1\r\n%sTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
	"look-alike":          "POST / HTTP/1.1\r\n%sTransfer-Encoding: chun\u212Aed\r\n\r\n0\r\n\r\n",
	"xchunked":            "POST / HTTP/1.1\r\n%sTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"empty":               "POST / HTTP/1.1\r\n%sTransfer-Encoding:\r\n\r\n",
	"two lines":           "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"two lines, identity": "POST / HTTP/1.1\r\n%sTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"chunks and length":   "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	"length and chunks":   "POST / HTTP/1.1\r\n%sContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"chunks in 1.0":       "POST / HTTP/1.0\r\nConnection: keep-alive\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"identity in 1.0":     "POST / HTTP/1.0\r\nConnection: keep-alive\r\n%sTransfer-Encoding: identity\r\n\r\n",
	"two lengths":         "POST / HTTP/1.1\r\n%sContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
	"list of lengths":     "POST / HTTP/1.1\r\n%sContent-Length: 0, 0\r\n\r\n",
	"signed length":       "POST / HTTP/1.1\r\n%sContent-Length: +0\r\n\r\n",
	"empty length":        "POST / HTTP/1.1\r\n%sContent-Length:\r\n\r\n",
	"bare LF":             "POST / HTTP/1.1\r\n%sX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"bare LF at the end":  "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\n0\r\n\r\n",
	"LF and LF":           "POST / HTTP/1.1\r\n%sX: y\n\n",
	"bare CR":             "POST / HTTP/1.1\r\n%sX: y\rTransfer-Encoding: chunked\r\n\r\n",
	"blank in the name":   "POST / HTTP/1.1\r\n%sTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"blank within a name": "POST / HTTP/1.1\r\n%sTransfer-Encoding x: chunked\r\n\r\n0\r\n\r\n",
	"blank for a hyphen":  "POST / HTTP/1.1\r\n%sContent Length: 5\r\n\r\n",
	"form":                "POST / HTTP/1.1\r\n%sContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 10\r\n\r\n--b--\r\n...",
	"CONNECT":             "CONNECT x:1 HTTP/1.1\r\n%s\r\n",
}

// If the end of a request is in doubt, fasthttp or we refuse the request, or the connection
// is closed after the answer, with and without an offer.
func TestEndInDoubt(t *testing.T) {
	for _, kind := range []string{"default", "keep hijacked", "streams"} {
		for way, handler := range answering(t) {
			address := listen(t, newServer(kind, handler))
			for name, request := range inDoubt {
				for _, head := range []string{"Host: x\r\n", offer} {
					t.Run(fmt.Sprintf("%s/%s/%s/%d", kind, way, name, len(head)), func(t *testing.T) {
						mustAnswerOnce(t, address, fmt.Sprintf(request, head)+smuggled)
					})
				}
			}
		}
		address := listen(t, newServer(kind, fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{Product: echo, Serve: serveNothing(t)}},
			Next:      path,
		}.Handle))
		for name, request := range inDoubt {
			t.Run(fmt.Sprintf("%s/switching/%s", kind, name), func(t *testing.T) {
				mustAnswerOnce(t, address, fmt.Sprintf(request, offer)+smuggled)
			})
		}
	}
}

// A coding that is not chunked must be answered with 400, by fasthttp or by us. Next never
// gets the request.
func TestBadCoding(t *testing.T) {
	for way, handler := range map[string]fasthttp.RequestHandler{
		"Handler": fasthttpupgrade.Handler{Next: func(*fasthttp.RequestCtx) { t.Error("Next") }}.Handle,
		"Refuse":  func(ctx *fasthttp.RequestCtx) { fasthttpupgrade.Refuse(ctx, echo) },
		"Switch": func(ctx *fasthttp.RequestCtx) {
			err := fasthttpupgrade.Switch(ctx, []upgrade.Product[string]{echo}, func(net.Conn) { t.Error("served") })
			ctx.Error("", handshake.Status(err))
		},
	} {
		address := listen(t, &fasthttp.Server{Handler: handler})
		for name, request := range inDoubt {
			if !strings.Contains(strings.ToLower(request), "identity") {
				continue
			}
			for _, head := range []string{"Host: x\r\n", offer} {
				if way == "Switch" && (head != offer || strings.Contains(request, "1.0")) {
					continue // Switch reports that there is no offer
				}
				t.Run(fmt.Sprintf("%s/%s/%d", way, name, len(head)), func(t *testing.T) {
					answer := tcptest.Exchange(t, address, fmt.Sprintf(request, head)+smuggled)
					once(t, answer)
					if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
						t.Errorf("%q", answer)
					}
				})
			}
		}
	}
}

// Content that was not read, or may not have been read, is never served as the next request.
func TestContentLeft(t *testing.T) {
	// The content fits into the buffers of fasthttp. If the client sent more than was
	// read, its connection would be reset.
	content := strings.Repeat(smuggled, 90)
	requests := map[string]string{
		"length":           fmt.Sprintf("POST / HTTP/1.1\r\n%%sContent-Length: %d\r\n\r\n%s", len(content), content),
		"little":           fmt.Sprintf("POST / HTTP/1.1\r\n%%sContent-Length: %d\r\n\r\n%s", len(smuggled), smuggled),
		"chunks":           fmt.Sprintf("POST / HTTP/1.1\r\n%%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(content), content),
		"malformed chunks": "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n3\r\nabcX" + smuggled,
		"malformed size":   "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\nx" + smuggled,
		"chunks, again":    "POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n0\r\n\r\n" + smuggled,
		"expected":         fmt.Sprintf("POST / HTTP/1.1\r\n%%sExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", len(content), content),
	}
	for _, kind := range []string{"streams", "streams, little"} {
		ways := answering(t)
		ways["Next, Body"] = fasthttpupgrade.Handler{Next: func(ctx *fasthttp.RequestCtx) { ctx.Request.Body(); path(ctx) }}.Handle
		ways["Next, stream"] = fasthttpupgrade.Handler{Next: func(ctx *fasthttp.RequestCtx) {
			io.Copy(io.Discard, ctx.RequestBodyStream())
			path(ctx)
		}}.Handle
		for way, handler := range ways {
			address := listen(t, newServer(kind, handler))
			for name, request := range requests {
				for _, head := range []string{"Host: x\r\n", offer} {
					t.Run(fmt.Sprintf("%s/%s/%s/%d", kind, way, name, len(head)), func(t *testing.T) {
						answer := tcptest.Exchange(t, address, fmt.Sprintf(request, head))
						answer = strings.TrimPrefix(answer, "HTTP/1.1 100 Continue\r\n\r\n")
						once(t, answer)
					})
				}
			}
		}
	}
}

// If the content was read, and fasthttp tells so, the connection stays open.
func TestContentRead(t *testing.T) {
	content := strings.Repeat("content.", 2000)
	for way, next := range map[string]fasthttp.RequestHandler{
		"Body":   func(ctx *fasthttp.RequestCtx) { ctx.Request.Body() },
		"stream": func(ctx *fasthttp.RequestCtx) { io.Copy(io.Discard, ctx.RequestBodyStream()) },
	} {
		t.Run(way, func(t *testing.T) {
			address := listen(t, newServer("streams", fasthttpupgrade.Handler{Next: next}.Handle))
			client := tcptest.Dial(t, address)
			for range 3 {
				client.Send(fmt.Sprintf("POST / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", offer, len(content), content))
				if head := client.Head(); !strings.HasPrefix(head, "HTTP/1.1 200 ") || strings.Contains(head, "close") {
					t.Errorf("%q", head)
				}
			}
		})
	}
}

// Without content the connection stays open.
func TestNoContentLeft(t *testing.T) {
	for way, handler := range answering(t) {
		if way == "Next, too late" {
			continue // it gets another answer
		}
		t.Run(way, func(t *testing.T) {
			address := listen(t, newServer("streams", handler))
			request := "POST / HTTP/1.1\r\n" + offer + "Content-Length: 0\r\n\r\n"
			if answer := tcptest.Exchange(t, address, request+request); strings.Count(answer, "HTTP/1.1 ") != 2 {
				t.Errorf("%q", answer)
			}
		})
	}
}

// streamEnds are contents with StreamRequestBody, and what is served of each: the content,
// a bar, and the octets after the content; or "" if the content is malformed.
var streamEnds = map[string]struct{ sent, served string }{
	"length":              {"Content-Length: 9\r\n\r\nsome body\r\n\n", "some body|\r\n\n"},
	"last chunk":          {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "|"},
	"chunks":              {"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n5\r\n body\r\n0\r\n\r\nearly", "some body|early"},
	"then LF":             {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n\n", "|\n"},
	"then a chunk":        {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n\r\n", "|0\r\n\r\n"},
	"zeros":               {"Transfer-Encoding: chunked\r\n\r\n004\r\nbody\r\n000\r\n\r\nearly", "body|early"},
	"extensions":          {"Transfer-Encoding: chunked\r\n\r\n4;a=b\r\nbody\r\n0;c\r\n\r\nearly", "body|early"},
	"trailers":            {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y\r\nZ:\r\n\r\nearly", "body|early"},
	"last line of LF":     {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\n", ""},
	"LF, then a request":  {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\n" + smuggled, ""},
	"LF after the size":   {"Transfer-Encoding: chunked\r\n\r\n4\nbody\r\n0\r\n\r\n", ""},
	"LF after the last":   {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\n\r\n", ""},
	"LF after the data":   {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\n0\r\n\r\n", ""},
	"LF after a trailer":  {"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n", ""},
	"LF, LF":              {"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\n" + smuggled, ""},
	"cut before CR LF":    {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n", ""},
	"cut before LF":       {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r", ""},
	"CR, X":               {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\rX", ""},
	"cut in a trailer":    {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y", ""},
	"cut after a trailer": {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y\r\n", ""},
	"cut in the size":     {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0", ""},
	"cut in the data":     {"Transfer-Encoding: chunked\r\n\r\n4\r\nbo", ""},
	"cut after the data":  {"Transfer-Encoding: chunked\r\n\r\n4\r\nbody", ""},
	"no chunk":            {"Transfer-Encoding: chunked\r\n\r\n", ""},
	"no trailer":          {"Transfer-Encoding: chunked\r\n\r\n0\r\n" + smuggled, ""},
	"folded trailer":      {"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n z\r\n\r\n", ""},
	"blank in a trailer":  {"Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n", ""},
	"prefix of a size":    {"Transfer-Encoding: chunked\r\n\r\n0x4\r\nbody\r\n0\r\n\r\n", ""},
	"negative size":       {"Transfer-Encoding: chunked\r\n\r\n-4\r\nbody\r\n0\r\n\r\n", ""},
	"cut length":          {"Content-Length: 9\r\n\r\nsome", ""},
	"long, cut length":    {"Content-Length: 9000\r\n\r\n" + strings.Repeat("s", 8999), ""},
}

// With StreamRequestBody the protocol begins exactly after the content, or the answer is
// 400.
func TestStreamEnds(t *testing.T) {
	for _, kind := range []string{"streams", "streams, little", "streams, much"} {
		address := listen(t, newServer(kind, fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Serve: func(conn net.Conn, r *fasthttp.Request) {
					if n := r.Header.ContentLength(); n >= 0 && n != len(r.Body()) {
						t.Errorf("%d octets of content, and a length of %d", len(r.Body()), n)
					}
					fmt.Fprintf(conn, "%s|", r.Body())
					io.Copy(conn, conn)
				},
			}},
			Error: func(_ net.Addr, err error) {
				if text := err.Error(); text != "handshake: content cannot be read" {
					t.Error(text)
				}
			},
		}.Handle))
		for name, test := range streamEnds {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				answer := tcptest.Exchange(t, address, "POST / HTTP/1.1\r\n"+offer+test.sent)
				if test.served != "" {
					if answer != echo101+test.served {
						t.Errorf("%q", answer)
					}
					return
				}
				once(t, answer)
				if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
					t.Errorf("%q", answer)
				}
			})
		}
	}
}

// A hook that reads the content does not change where the protocol begins.
func TestHookReadsStream(t *testing.T) {
	for hook, read := range map[string]func(*fasthttp.RequestCtx){
		"Body": func(ctx *fasthttp.RequestCtx) { ctx.Request.Body() },
		"drop": func(ctx *fasthttp.RequestCtx) { ctx.Request.ResetBody() },
	} {
		address := listen(t, newServer("streams", fasthttpupgrade.Handler{
			Protocols: []fasthttpupgrade.Protocol{{
				Product: echo,
				Allow:   func(ctx *fasthttp.RequestCtx) bool { read(ctx); return true },
				Serve:   serveEcho,
			}},
			Error: func(net.Addr, error) {},
		}.Handle))
		for name, content := range map[string]string{
			"length":    "Content-Length: 4\r\n\r\nbody",
			"chunks":    "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
			"malformed": "Transfer-Encoding: chunked\r\n\r\n4\r\nbodyX",
		} {
			t.Run(hook+"/"+name, func(t *testing.T) {
				answer := tcptest.Exchange(t, address, "POST / HTTP/1.1\r\n"+offer+content+smuggled)
				if hook == "Body" && name == "length" {
					if answer != echo101+smuggled {
						t.Errorf("%q", answer)
					}
					return
				}
				once(t, answer)
			})
		}
	}
}
