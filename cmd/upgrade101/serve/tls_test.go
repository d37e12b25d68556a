package serve

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// One certificate and one address serve both versions of HTTP, and the page learns the
// version of its WebSocket.
func TestTLS(t *testing.T) {
	listener := listen(t)
	address, log := serveOn(t, listener, func(s *Server) {
		s.TLS, s.Names, s.url = true, []string{"upgrade.example"}, "https://"+listener.Addr().String()
	})
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	ask := func(method, path string) []byte {
		t.Helper()
		r, err := http.NewRequest(method, "https://"+address+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 || response.ProtoMajor != 2 {
			t.Errorf("%s: %s %s, %v", path, response.Proto, response.Status, err)
		}
		for _, name := range []string{"localhost", "upgrade.example", "127.0.0.1", "::1"} {
			if err := response.TLS.PeerCertificates[0].VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
		return content
	}
	text := string(ask("GET", "/"))
	if !strings.Contains(text, "curl -k --http1.1 -D - -H 'Connection: Upgrade' -H 'Upgrade: websocket'") || strings.Contains(text, "telnet") ||
		strings.Count(text, "\n  curl ") != strings.Count(text, "curl -k --http1.1 ") || !strings.Contains(text, "\n\nThese requests do not switch") {
		t.Errorf("the text is\n%s", text)
	}
	var key struct{ Key string }
	if err := json.Unmarshal(ask("POST", "/key"), &key); err != nil {
		t.Fatal(err)
	}

	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "GET /?handshake="+key.Key+" HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatal(response, err)
	}
	if err := wsutil.WriteClientText(conn, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	echoed, _, err := wsutil.ReadServerData(struct {
		io.Reader
		io.Writer
	}{reader, conn})
	if err != nil || string(echoed) != "hello" {
		t.Fatalf("%q, %v", echoed, err)
	}
	log.mustLog(t, `offers "websocket": switched to websocket`)
	var exchange struct{ Version, Request string }
	if err := json.Unmarshal(ask("GET", "/handshake?key="+key.Key), &exchange); err != nil || exchange.Version != "1.1" || exchange.Request != "" {
		t.Errorf("%+v, %v", exchange, err)
	}
	ws.WriteFrame(conn, ws.MaskFrame(ws.NewCloseFrame(nil)))
	if rest, err := io.ReadAll(reader); err != nil || len(rest) == 0 {
		t.Errorf("after the close frame: %q, %v", rest, err)
	}
}
