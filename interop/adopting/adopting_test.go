package adopting

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/gosegue/upgrade/upgradetest"
)

// echo sends back the WebSocket messages of a switched connection.
func echo(conn net.Conn, err error) {
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		message, op, err := wsutil.ReadClientData(conn)
		if err != nil || wsutil.WriteServerMessage(conn, op, message) != nil {
			return
		}
	}
}

// The code that the page recommends passes every MUST, except that only Switch refuses a
// malformed Host.
func TestAfter(t *testing.T) {
	hostless := []string{"host-malformed: net/http and this code do not parse Host"}
	for name, after := range map[string]struct {
		handler http.HandlerFunc
		skip    []string
	}{
		"gorilla": {handler: func(w http.ResponseWriter, r *http.Request) { echo(gorillaAfter(w, r, nil)) }},
		"coder":   {func(w http.ResponseWriter, r *http.Request) { echo(coderAfter(w, r)) }, hostless},
		"gws":     {func(w http.ResponseWriter, r *http.Request) { echo(gwsAfter(w, r)) }, hostless},
	} {
		t.Run(name, func(t *testing.T) {
			upgradetest.Handler(t, after.handler, upgradetest.Options{Product: webSocket, Skip: after.skip})
		})
	}
	t.Run("acceptor", func(t *testing.T) {
		upgradetest.Server(t, func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { echo(withAcceptor(far)) }()
			return near, nil
		}, upgradetest.Options{Product: webSocket})
	})
	t.Run("h2c", func(t *testing.T) {
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "next") })
		handler := h2cAfter(next, func(conn net.Conn, _ *http.Request) { io.WriteString(conn, "HTTP/2") })
		for settings, want := range map[string]string{
			"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n": "HTTP/2",
			"Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n":          "next",
			"Connection: Upgrade\r\n": "next",
		} {
			if got := ask(t, handler, "GET", settings+"Upgrade: h2c\r\n"); !strings.HasSuffix(got, want) {
				t.Errorf("%q: %q, want %s", settings, got, want)
			}
		}
	})
}

const handshakeFields = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// ask sends a request to a handler and returns everything that comes back.
func ask(t *testing.T, handler http.Handler, method, fields string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, method+" / HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n")
	reader := bufio.NewReader(conn)
	reader.Peek(1) // an end before the answer would cancel the request
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// The code that stacks have today, as the page shows it, has the faults that the page
// describes. A Gate in front of it corrects them.
func TestBefore(t *testing.T) {
	const upgrade, offer = "Connection: Upgrade\r\n", "Upgrade: websocket\r\n"
	handlers := map[string]http.HandlerFunc{
		"gorilla": func(w http.ResponseWriter, r *http.Request) { echo(gorillaBefore(w, r, nil)) },
		"coder":   func(w http.ResponseWriter, r *http.Request) { coderBefore(w, r) },
		"gws": func(w http.ResponseWriter, r *http.Request) {
			if conn, err := gwsBefore(w, r); err == nil {
				io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
				conn.Close()
			}
		},
	}
	for _, test := range []struct {
		name, fields string
		switches     bool // whether it should
	}{
		{"gorilla", "Connection: , Upgrade\r\n" + offer, true},
		{"gorilla", upgrade + "Upgrade: HTTP/2.0, websocket\r\n", true},
		{"gorilla", upgrade + "Upgrade: websocket, a=b\r\n", false},
		{"coder", upgrade + "Upgrade: websoc\u212Aet\r\n", false},
		{"gws", "Connection: Upgrade-Insecure-Requests\r\n" + offer, false},
	} {
		got := strings.HasPrefix(ask(t, handlers[test.name], "GET", test.fields+handshakeFields), "HTTP/1.1 101 ")
		if got == test.switches {
			t.Errorf("%s decides correctly", test.name)
		}
		got = strings.HasPrefix(ask(t, gate(handlers[test.name]), "GET", test.fields+handshakeFields), "HTTP/1.1 101 ")
		if got != test.switches {
			t.Errorf("%s decides wrongly behind a Gate", test.name)
		}
	}
	if !h2cBefore(&http.Request{Header: http.Header{"Connection": {"HTTP2-Settings"}, "Upgrade": {"a=b, h2c"}}}) {
		t.Error("h2c decides correctly")
	}
	near, far := net.Pipe()
	go io.WriteString(far, "GET / HTTP/1.1\r\n"+upgrade+"Connection: keep-alive\r\n"+offer+"\r\n")
	if gobwasBefore(near) == nil {
		t.Error("gobwas decides correctly")
	}
}

// The head is read, and the octets after it stay in the reader.
func TestGobwasAfter(t *testing.T) {
	for fields, want := range map[string]bool{
		"Connection: Upgrade\r\nConnection: keep-alive\r\nUpgrade: h2c, websocket\r\n": true,
		"Connection: keep-alive Upgrade\r\nUpgrade: websocket\r\n":                     false,
		"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n":           false,
	} {
		near, far := net.Pipe()
		reader := bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\n" + fields + handshakeFields + "\r\nearly"))
		answer := make(chan []byte)
		go func() {
			all, _ := io.ReadAll(far)
			answer <- all
		}()
		err := gobwasAfter(near, reader)
		near.Close()
		if got := bytes.HasPrefix(<-answer, []byte("HTTP/1.1 101 ")); got != want || got != (err == nil) {
			t.Errorf("%q: switched %v, %v", fields, got, err)
		}
		if rest, _ := io.ReadAll(reader); want && string(rest) != "early" {
			t.Errorf("%q", rest)
		}
	}
}

// The content is read to its end before the 101, and the octets after it stay in the
// reader.
func TestSwitchAfterContent(t *testing.T) {
	const (
		goOn     = "HTTP/1.1 100 Continue\r\n\r\n"
		switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: log/1\r\nConnection: Upgrade\r\n\r\n"
	)
	for _, test := range []struct{ request, content, answer string }{
		{"\r\n", "", switched},
		{"Content-Length: 7\r\n\r\none two", "one two", switched},
		{"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n", "one two", switched},
		{"Expect: 100-continue\r\nContent-Length: 3\r\n\r\none", "one", goOn + switched},
		{"Transfer-Encoding: chunked\r\n\r\n0x3\r\n", "", ""},
		{"Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n", "", ""},
		{"Transfer-Encoding: chunked\r\n\r\n10001\r\n", "", ""},
	} {
		near, far := net.Pipe()
		answer := make(chan string)
		go func() {
			all, _ := io.ReadAll(far)
			answer <- string(all)
		}()
		octets := strings.NewReader("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: log/1\r\n" + test.request + "early")
		reader := bufio.NewReader(iotest.OneByteReader(octets)) // which splits every line
		content, err := switchAfterContent(near, reader)
		near.Close()
		if got := <-answer; string(content) != test.content || got != test.answer || (err == nil) != (got != "") {
			t.Errorf("%q: content %q, answer %q, %v", test.request, content, got, err)
		}
		if rest, _ := io.ReadAll(reader); err == nil && string(rest) != "early" {
			t.Errorf("%q: %q follows", test.request, rest)
		}
	}
}

// ReverseProxy forwards an offer of two products, then refuses the answer. Proxy forwards
// only the product that it knows.
func TestProxies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(gorillaAfter(w, r, nil)) }))
	defer server.Close()
	backend, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	const fields = "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n" + handshakeFields
	before := proxyBefore(backend)
	before.ErrorLog = log.New(io.Discard, "", 0)
	if got := ask(t, before, "GET", fields); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
		t.Errorf("ReverseProxy: %q", got)
	}
	if got := ask(t, proxyAfter(backend), "GET", fields); !strings.HasPrefix(got, "HTTP/1.1 101 ") {
		t.Errorf("Proxy: %q", got)
	}
}

// Each block of Go on the page is in compiled code, word for word, and every example that
// the page names exists.
func TestPage(t *testing.T) {
	page := read(t, "../../docs/adopting.md")
	var code strings.Builder
	for _, pattern := range []string{"*.go", "../examples/eventloop/loop/*.go", "../../httpupgrade/example*_test.go",
		"../../handshake/*_test.go", "../../fasthttpupgrade/example_test.go", "../../*/example*_test.go", "../../example_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			code.WriteString(read(t, file))
		}
	}
	blocks := strings.Split(page, "```go\n")[1:]
	if len(blocks) < 12 {
		t.Errorf("only %d blocks", len(blocks))
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if !strings.Contains(code.String(), block) {
			t.Errorf("not in compiled code:\n%s", block)
		}
	}
	words := strings.FieldsFunc(page, func(r rune) bool { return strings.ContainsRune(" `|,.()\n", r) })
	for _, word := range words {
		if strings.HasPrefix(word, "Example") && len(word) > len("Examples") && !strings.Contains(code.String(), "func "+word+"() {") {
			t.Errorf("%s is not an example", word)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
