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
)

// exampleRequest is that of RFC 6455, section 1.2.
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
			httpupgrade.WebSocket(func(conn net.Conn, r *http.Request) { io.Copy(conn, conn) }),
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
			// The connection is where the next request begins.
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

// Who negotiates a subprotocol wraps Fields, and keeps the answer to the key.
func TestWebSocketWithMoreFields(t *testing.T) {
	t.Parallel()
	protocol := httpupgrade.WebSocket(func(net.Conn, *http.Request) {})
	inner := protocol.Fields
	protocol.Fields = func(r *http.Request) ([]handshake.Field, error) {
		fields, err := inner(r)
		return append(fields, handshake.Field{Name: "Sec-WebSocket-Protocol", Value: "chat"}), err
	}
	if !protocol.Product.Matches(upgrade.MustParseProduct("websocket")) {
		t.Errorf("Product %q", protocol.Product)
	}
	s := start(t, httpupgrade.Handler{Protocols: []httpupgrade.Protocol{protocol}})
	equal(t, "exchange", s.exchange(exampleRequest),
		strings.TrimSuffix(exampleHead, "\r\n")+"Sec-WebSocket-Protocol: chat\r\n\r\n")
	response, _ := s.get(strings.Replace(exampleRequest, "Version: 13", "Version: 8", 1))
	equal(t, "status", response.StatusCode, 426)
	equal(t, "Sec-WebSocket-Protocol", response.Header["Sec-Websocket-Protocol"], nil)
}
