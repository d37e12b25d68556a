package httpupgrade_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// exampleRequest is the request of RFC 6455, section 1.2.
const exampleRequest = "GET /chat HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Origin: http://example.com\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

const exampleHead = "HTTP/1.1 101 Switching Protocols\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
	"\r\n"

func webSocketEcho() httpupgrade.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			httpupgrade.WebSocket{
				Origin: func(r *http.Request) bool { return r.Header.Get("Origin") == "http://example.com" },
				Serve:  func(conn net.Conn, r *http.Request, _ string) { io.Copy(conn, conn) },
			}.Protocol(),
		},
		Next: http.HandlerFunc(tell),
	}
}

func TestWebSocketExampleOfTheRFC(t *testing.T) {
	t.Parallel()
	s := start(t, webSocketEcho())
	// A masked text frame, "Hello", of section 5.7.
	const frame = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
	for i, request := range []string{
		exampleRequest,
		strings.NewReplacer("Upgrade: websocket", "UPGRADE: WebSocket", "Connection: Upgrade", "connection: keep-alive, UPGRADE").Replace(exampleRequest),
		strings.Replace(exampleRequest, "Upgrade: websocket", "Upgrade: h2c, websocket", 1),
		strings.NewReplacer("Key: ", "Key: \t ", "Version: 13", "version:\t13 ").Replace(exampleRequest),
	} {
		equal(t, "exchange", s.exchange(request+frame), exampleHead+frame)
		equal(t, "first Write", s.conn(i).Written()[0], exampleHead)
	}
}

func TestWebSocketRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, webSocketEcho())
	const (
		version = "Sec-WebSocket-Version: 13\r\n"
		key     = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	)
	var (
		badMethod  = http.Header{"Allow": {"GET"}}
		badVersion = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}}
		badKey     = http.Header{}
	)
	tests := []struct {
		name     string
		old, new string
		status   int
		fields   http.Header
	}{
		{"POST", "GET", "POST", 405, badMethod},
		{"HEAD", "GET", "HEAD", 405, badMethod},
		{"OPTIONS", "GET", "OPTIONS", 405, badMethod},
		{"get", "GET", "get", 405, badMethod},
		{"no version", version, "", 426, badVersion},
		{"empty version", version, "Sec-WebSocket-Version:\r\n", 426, badVersion},
		{"old version", ": 13", ": 8", 426, badVersion},
		{"later version", ": 13", ": 14", 426, badVersion},
		{"version with a zero", ": 13", ": 013", 426, badVersion},
		{"list of versions", ": 13", ": 13, 8", 426, badVersion},
		{"version twice", version, version + version, 426, badVersion},
		{"no key", key, "", 400, badKey},
		{"empty key", key, "Sec-WebSocket-Key:\r\n", 400, badKey},
		{"key twice", key, key + key, 400, badKey},
		{"short key", "dGhl", "", 400, badKey},
		{"long key", "dGhl", "dGhldGhl", 400, badKey},
		{"key of 17 bytes", "jZQ==", "jZQA=", 400, badKey},
		{"key of another alphabet", "dGhl", "d-_l", 400, badKey},
		{"key with a blank", "dGhl", "d hl", 400, badKey},
		{"key without padding", "ZQ==", "ZQ", 400, badKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := strings.Replace(exampleRequest, test.old, test.new, 1)
			method, _, _ := strings.Cut(request, " ")
			c := s.dial()
			c.Send(request + exampleRequest + "frames")
			c.CloseWrite()
			response, text := c.response(method)
			equal(t, "status", response.StatusCode, test.status)
			equal(t, "fields", fields(response.Header), test.fields)
			equal(t, "content", text, "")
			// The connection is at the next request.
			equal(t, "next", c.Rest(), exampleHead+"frames")
		})
	}
}

func TestWebSocketIsNotOfferedByItsFieldsAlone(t *testing.T) {
	t.Parallel()
	s := start(t, webSocketEcho())
	for _, request := range []string{
		strings.Replace(exampleRequest, "Upgrade: websocket\r\n", "", 1),
		strings.Replace(exampleRequest, "Connection: Upgrade\r\n", "", 1),
		strings.Replace(exampleRequest, "websocket", "websocket/13", 1),
		strings.Replace(exampleRequest, "HTTP/1.1", "HTTP/1.0", 1),
	} {
		response, text := s.get(request)
		equal(t, "status", response.StatusCode, 200)
		equal(t, "content", text, told("GET", "/chat", "", nil))
	}
}

// No matter what Fields is set to, the request is checked and its key is answered.
func TestWebSocketFieldsDoNotReplaceTheChecks(t *testing.T) {
	t.Parallel()
	more := func(*http.Request) ([]handshake.Field, error) {
		return []handshake.Field{{Name: "X-More", Value: "1"}}, nil
	}
	serve := func(net.Conn, *http.Request) {}
	set := httpupgrade.WebSocket{Serve: func(net.Conn, *http.Request, string) {}}.Protocol()
	set.Fields = more
	for name, protocol := range map[string]httpupgrade.Protocol{
		"by hand":          {Product: upgrade.MustParseProduct("websocket"), Fields: more, Serve: serve},
		"other spelling":   {Product: upgrade.MustParseProduct("WebSocket"), Fields: more, Serve: serve},
		"set afterwards":   set,
		"WebSocket.Fields": httpupgrade.WebSocket{Fields: more, Serve: func(net.Conn, *http.Request, string) {}}.Protocol(),
	} {
		s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{protocol}})
		equal(t, name, s.exchange(sameOrigin), strings.Replace(strings.TrimSuffix(exampleHead, "\r\n")+"X-More: 1\r\n\r\n",
			"Upgrade: websocket", "Upgrade: "+protocol.Product.String(), 1))
		for change, want := range map[[2]string]int{
			{"GET", "POST"}:                405,
			{"Version: 13", "Version: 8"}:  426,
			{"dGhl", ""}:                   400,
			{"server.example.com", "else"}: 403,
		} {
			response, _ := s.get(strings.Replace(sameOrigin, change[0], change[1], 1))
			equal(t, name, response.StatusCode, want)
			equal(t, name, response.Header["X-More"], nil)
		}
	}
}

// sameOrigin is the request from a page of the same server.
var sameOrigin = strings.Replace(exampleRequest, "http://example.com", "http://SERVER.example.com:80", 1)

func TestWebSocketWithoutAPolicyTakesTheSameOriginAlone(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{
		httpupgrade.WebSocket{Serve: func(conn net.Conn, r *http.Request, _ string) { io.Copy(conn, conn) }}.Protocol(),
	}})
	const origin = "Origin: http://example.com\r\n"
	for other, want := range map[string]int{
		origin:                                  403, // RFC 6455's own example comes from another site
		"":                                      101, // this one comes from no page
		"Origin: null\r\n":                      403,
		"Origin: http://server.example.com\r\n": 101,
		"Origin: https://server.example.com:443\r\n":     101, // the default port of the origin's scheme
		"Origin: http://server.example.com:8080\r\n":     403,
		"Origin: http://server.example.com.evil\r\n":     403,
		"Origin: http://server.example.com\r\n" + origin: 403,
	} {
		c := s.dial()
		c.Send(strings.Replace(exampleRequest, origin, other, 1))
		c.CloseWrite()
		response, _ := c.response("GET")
		equal(t, other, response.StatusCode, want)
	}
	// The host of the target counts, if there is one (RFC 9112, section 3.2.2).
	for other, want := range map[string]int{"Origin: http://server.example.com\r\n": 403, origin: 101} {
		c := s.dial()
		_, rest, _ := strings.Cut(strings.Replace(exampleRequest, origin, other, 1), " ")
		c.Send("GET http://example.com" + rest)
		c.CloseWrite()
		response, _ := c.response("GET")
		equal(t, other+"for another target", response.StatusCode, want)
	}
}

func TestWebSocketSelectsASubprotocol(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{
		Subprotocols: []string{"superchat", "chat"},
		Fields: func(*http.Request) ([]handshake.Field, error) {
			return []handshake.Field{{Name: "X-More", Value: "1"}}, nil
		},
		Serve: func(_ net.Conn, _ *http.Request, subprotocol string) { got <- subprotocol },
	}.Protocol()}})
	head := strings.TrimSuffix(exampleHead, "\r\n") + "X-More: 1\r\n"
	for offered, want := range map[string]string{
		"Sec-WebSocket-Protocol: chat, superchat\r\n":                                    "superchat",
		"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: other, , superchat\r\n": "superchat",
		"Sec-WebSocket-Protocol: Superchat, chat\r\n":                                    "chat",
		"Sec-WebSocket-Protocol: other\r\n":                                              "",
		"":                                                                               "",
	} {
		answer := head
		if want != "" {
			answer += "Sec-WebSocket-Protocol: " + want + "\r\n"
		}
		equal(t, offered, s.exchange(strings.Replace(sameOrigin, "Sec-WebSocket-Protocol: chat, superchat\r\n", offered, 1)), answer+"\r\n")
		equal(t, offered, <-got, want)
	}
	response, _ := s.get(strings.Replace(sameOrigin, "chat, superchat", "chat super", 1))
	equal(t, "malformed", response.StatusCode, 400)
}

// Fields must not return the answer to the key.
func TestWebSocketAcceptIsReserved(t *testing.T) {
	t.Parallel()
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{
		Fields: func(*http.Request) ([]handshake.Field, error) {
			return []handshake.Field{{Name: "sec-websocket-accept", Value: "x"}}, nil
		},
		Serve: func(net.Conn, *http.Request, string) {},
	}.Protocol()}})
	response, _ := s.get(sameOrigin)
	equal(t, "status", response.StatusCode, 500)
	equal(t, "log", s.log.take(), "handshake: field 0 (sec-websocket-accept): reserved field\n")
}

// A function of the server that removes the key makes the switch impossible. That is the
// server's own fault, and not a panic.
func TestWebSocketKeyRemovedByTheServer(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	h := httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("websocket"),
			Check:   func(r *http.Request) error { r.Header.Del("Sec-WebSocket-Key"); return nil },
			Serve:   func(net.Conn, *http.Request) {},
		}},
		Error: func(_ *http.Request, err error) { failed <- err },
	}
	s := start(t, h)
	equal(t, "status", status(t, s.exchange(exampleRequest)), "500")
	if err := tcptest.Receive(t, failed); !strings.Contains(err.Error(), "has removed Sec-WebSocket-Key") {
		t.Error(err)
	}
}
