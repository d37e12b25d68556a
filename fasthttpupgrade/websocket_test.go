package fasthttpupgrade_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/fasthttpupgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
)

const (
	wsHost = "Host: example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
	wsKey  = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	ws13   = "Sec-WebSocket-Version: 13\r\n"
	ws101  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)

// webSockets returns Protocols for WebSocket, made in different ways. A Handler checks the
// handshake of all of them, answers the key, and applies a policy on Origin.
func webSockets() map[string]fasthttpupgrade.Protocol {
	serve := func(conn net.Conn, r *fasthttp.Request, subprotocol string) {
		fmt.Fprintf(conn, "serves %q", subprotocol)
	}
	served := func(conn net.Conn, r *fasthttp.Request) { serve(conn, r, "") }
	none := func(*fasthttp.RequestCtx) ([]handshake.Field, error) { return nil, nil }
	overwritten := fasthttpupgrade.WebSocket{Serve: serve}.Protocol()
	overwritten.Fields = none
	return map[string]fasthttpupgrade.Protocol{
		"WebSocket":        fasthttpupgrade.WebSocket{Serve: serve}.Protocol(),
		"Fields":           fasthttpupgrade.WebSocket{Serve: serve, Fields: none}.Protocol(),
		"Fields set":       overwritten,
		"Protocol":         {Product: upgrade.MustParseProduct("websocket"), Serve: served},
		"spelled":          {Product: upgrade.MustParseProduct("WebSocket"), Serve: served},
		"Protocol, Fields": {Product: upgrade.MustParseProduct("websocket"), Serve: served, Fields: none},
	}
}

func TestWebSocket(t *testing.T) {
	for way, protocol := range webSockets() {
		address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{Protocols: []fasthttpupgrade.Protocol{protocol}}.Handle})
		for name, test := range map[string]struct {
			request string
			status  int
			has     string
		}{
			"plain":          {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13, 101, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"},
			"method":         {"PUT / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Content-Length: 0\r\n", 405, "\r\nAllow: GET\r\n"},
			"HEAD":           {"HEAD / HTTP/1.1\r\n" + wsHost + wsKey + ws13, 405, "\r\nAllow: GET\r\n"},
			"version":        {"GET / HTTP/1.1\r\n" + wsHost + wsKey + "Sec-WebSocket-Version: 8\r\n", 426, "\r\nSec-Websocket-Version: 13\r\n"},
			"no version":     {"GET / HTTP/1.1\r\n" + wsHost + wsKey, 426, "\r\nUpgrade: "},
			"two versions":   {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + ws13, 426, "\r\nConnection: Upgrade\r\n"},
			"no key":         {"GET / HTTP/1.1\r\n" + wsHost + ws13, 400, ""},
			"short key":      {"GET / HTTP/1.1\r\n" + wsHost + ws13 + "Sec-WebSocket-Key: dGhl\r\n", 400, ""},
			"two keys":       {"GET / HTTP/1.1\r\n" + wsHost + ws13 + wsKey + wsKey, 400, ""},
			"same origin":    {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: http://EXAMPLE.com:80\r\n", 101, ""},
			"of the target":  {"GET http://example.org/ HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: http://example.org\r\n", 101, ""},
			"not the target": {"GET http://example.org/ HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: http://example.com\r\n", 403, ""},
			"other origin":   {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: http://example.org\r\n", 403, ""},
			"other port":     {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: http://example.com:8080\r\n", 403, ""},
			"null":           {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: null\r\n", 403, ""},
			"two origins":    {"GET / HTTP/1.1\r\n" + wsHost + wsKey + ws13 + "Origin: http://example.com\r\nOrigin: http://example.com\r\n", 403, ""},
		} {
			t.Run(way+"/"+name, func(t *testing.T) {
				answer := tcptest.Exchange(t, address, test.request+"\r\n")
				if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", test.status)) || !strings.Contains(answer, test.has) {
					t.Errorf("%q", answer)
				}
			})
		}
	}
}

func TestWebSocketDecides(t *testing.T) {
	luck := errors.New("no luck")
	var failure error
	address := listen(t, &fasthttp.Server{Handler: fasthttpupgrade.Handler{
		Protocols: []fasthttpupgrade.Protocol{fasthttpupgrade.WebSocket{
			Origin:       func(ctx *fasthttp.RequestCtx) bool { return string(ctx.Request.Header.Peek("Origin")) != "http://bad" },
			Subprotocols: []string{"v2", "v1"},
			Fields: func(ctx *fasthttp.RequestCtx) ([]handshake.Field, error) {
				switch string(ctx.Path()) {
				case "/accept":
					return []handshake.Field{{Name: "sec-websocket-ACCEPT", Value: "x"}}, nil
				case "/fail":
					return nil, luck
				case "/forget":
					ctx.Request.Header.Del("Sec-WebSocket-Key")
				}
				return []handshake.Field{{Name: "X", Value: "y"}}, nil
			},
			Serve: func(conn net.Conn, r *fasthttp.Request, subprotocol string) {
				fmt.Fprintf(conn, "%s %s", r.URI().Path(), subprotocol)
			},
		}.Protocol()},
		Error: func(_ net.Addr, err error) { failure = err },
	}.Handle})
	const plain = wsHost + wsKey + ws13
	for name, test := range map[string]struct{ request, want string }{
		"none offered":   {"GET /a HTTP/1.1\r\n" + plain + "Origin: http://good\r\n", ws101 + "X: y\r\n\r\n/a "},
		"server's order": {"GET /a HTTP/1.1\r\n" + plain + "Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v2\r\n", ws101 + "X: y\r\nSec-WebSocket-Protocol: v2\r\n\r\n/a v2"},
		"exact case":     {"GET /a HTTP/1.1\r\n" + plain + "Sec-WebSocket-Protocol: V1\r\n", ws101 + "X: y\r\n\r\n/a "},
		"malformed":      {"GET /a HTTP/1.1\r\n" + plain + "Sec-WebSocket-Protocol: v1, @@ x\r\n", "HTTP/1.1 400 "},
		"origin":         {"GET /a HTTP/1.1\r\n" + plain + "Origin: http://bad\r\n", "HTTP/1.1 403 "},
		"accept":         {"GET /accept HTTP/1.1\r\n" + plain, "HTTP/1.1 500 "},
		"fail":           {"GET /fail HTTP/1.1\r\n" + plain, "HTTP/1.1 500 "},
		"key removed":    {"GET /forget HTTP/1.1\r\n" + plain, "HTTP/1.1 500 "},
	} {
		t.Run(name, func(t *testing.T) {
			answer := tcptest.Exchange(t, address, test.request+"\r\n")
			if strings.HasPrefix(test.want, ws101) && answer != test.want || !strings.HasPrefix(answer, test.want) {
				t.Errorf("%q, want %q", answer, test.want)
			}
			if name == "accept" && !errors.Is(failure, handshake.ErrReserved) {
				t.Error(failure)
			}
		})
	}
}
