package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// patience is how long a test waits for anything.
const patience = 20 * time.Second

// lockedBuffer may be written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// mustLog waits until the log holds text.
func (l *lockedBuffer) mustLog(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s in the log:\n%s", text, l.String())
		}
	}
}

// inBothModes runs a test twice: net/http or package netupgrade reads the first request.
func inBothModes(t *testing.T, test func(t *testing.T, flags ...string)) {
	t.Run("net/http", func(t *testing.T) { test(t) })
	t.Run("raw", func(t *testing.T) { test(t, "--raw") })
}

// serveHere runs a server on a free port until the test ends.
func serveHere(t *testing.T, flags ...string) (address string, log *lockedBuffer) {
	t.Helper()
	return serveOn(t, listen(t), func(s *Server) { s.Raw = len(flags) > 0 })
}

// serveOn runs a server on a listener until the test ends.
func serveOn(t *testing.T, listener net.Listener, set func(*Server)) (address string, log *lockedBuffer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log = new(lockedBuffer)
	address = listener.Addr().String()
	s := New("http://"+address, log)
	set(s)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("ended with %v\n%s", err, log)
			}
		case <-time.After(patience):
			t.Error("does not stop")
		}
	})
	return address, log
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// dial opens a connection and writes to it at once.
func dial(t *testing.T, address, text string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// mustRead reads want, octet for octet.
func mustRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(r, got)
	if string(got[:n]) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

const (
	offerEcho = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0, echo/1\r\n"
	echo101   = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n"
)

func TestEcho(t *testing.T) { inBothModes(t, testEcho) }

func testEcho(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	for name, test := range map[string]struct{ send, want string }{
		"nothing":         {"GET / HTTP/1.1\r\n" + offerEcho + "\r\n", ""},
		"early bytes":     {"GET / HTTP/1.1\r\n" + offerEcho + "\r\nearly\x00\xff\r\n\r\n", "early\x00\xff\r\n\r\n"},
		"content":         {"POST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 7\r\n\r\ncontentecho", "echo"},
		"chunked content": {"POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: chunked\r\n\r\n7\r\ncontent\r\n0\r\n\r\necho", "echo"},
		"two Connection":  {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\necho", "echo"},
		"asterisk":        {"OPTIONS * HTTP/1.1\r\n" + offerEcho + "\r\necho", "echo"},
		"looks like HTTP": {"GET / HTTP/1.1\r\n" + offerEcho + "\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, address, test.send)
			mustRead(t, conn, echo101+test.want)
			io.WriteString(conn, "later")
			mustRead(t, conn, "later")
			conn.CloseWrite()
			if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
				t.Errorf("then %q, %v", rest, err)
			}
		})
	}
	log.mustLog(t, `GET "/" offers "HTTP/2.0, echo/1": switched to echo/1`)
	log.mustLog(t, "echo/1 closed\n")
}

func TestEchoExpect(t *testing.T) { inBothModes(t, testEchoExpect) }

func testEchoExpect(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	conn := dial(t, address, "POST / HTTP/1.1\r\n"+offerEcho+"Expect: 100-continue\r\nContent-Length: 7\r\n\r\n")
	mustRead(t, conn, "HTTP/1.1 100 Continue\r\n\r\n")
	io.WriteString(conn, "contentecho")
	mustRead(t, conn, echo101+"echo")
}

// The server sends back all that it received, also after the client has ended its side.
func TestEchoHalfClose(t *testing.T) { inBothModes(t, testEchoHalfClose) }

func testEchoHalfClose(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	conn := dial(t, address, "GET / HTTP/1.1\r\n"+offerEcho+"\r\n")
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		conn.Write(sent)
		conn.CloseWrite()
	}()
	mustRead(t, conn, echo101)
	got, err := io.ReadAll(conn)
	if !bytes.Equal(got, sent) || err != nil {
		t.Errorf("sent %d bytes, got %d, %v", len(sent), len(got), err)
	}
}

// The head of a connection's first request has the same limit in both modes.
func TestLongHead(t *testing.T) { inBothModes(t, testLongHead) }

func testLongHead(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	const begin = "GET / HTTP/1.1\r\n" + offerEcho + "X: "
	fill := strings.Repeat("x", maxHeader-len(begin)-len("\r\n\r\n"))
	mustRead(t, dial(t, address, begin+fill+"\r\n\r\n"), echo101)
	mustRead(t, dial(t, address, begin+fill+"x\r\n\r\n"), "HTTP/1.1 431 ")
}

// Neither the log nor the page shows a password in a target.
func TestUserinfoIsHidden(t *testing.T) {
	address, log := serveHere(t)
	mustRead(t, dial(t, address, "GET http://user:secret@localhost/x HTTP/1.1\r\n"+offerEcho+"\r\n"), echo101)
	mustRead(t, dial(t, address, "GET http://user:secret@localhost/y HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\n\r\n"), "HTTP/1.1 200 ")
	log.mustLog(t, `GET "http://...@localhost/x" offers`)
	log.mustLog(t, `GET "http://...@localhost/y" offers`)
	_, notes, text := lastOf(t, address, "0")
	if len(notes) != 2 || strings.Contains(log.String()+text, "secret") {
		t.Errorf("the page lists %s\nthe log is\n%s", text, log)
	}
}

func TestTooMuchContent(t *testing.T) { inBothModes(t, testTooMuchContent) }

func testTooMuchContent(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	conn := dial(t, address, "POST / HTTP/1.1\r\n"+offerEcho+"Content-Length: 99999999\r\n\r\n")
	mustRead(t, conn, "HTTP/1.1 413 ")
	log.mustLog(t, "failed: ")
}

func TestPage(t *testing.T) { inBothModes(t, testPage) }

func testPage(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	for _, test := range []struct{ request, logged string }{
		{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ""},
		{"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n", "not switched: handshake: HTTP version cannot upgrade"},
		{"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: echo/1\r\n\r\n", "not switched: handshake: no upgrade option in Connection"},
		{"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo/2, h2c\r\n\r\n", `offers "echo/2, h2c": not switched: no offered product is served here`},
		{"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: @@@, echo/1\r\n\r\n", "not switched: handshake: malformed Upgrade: line 0, offset 0: want token"},
		{"GET /?%1b HTTP/1.1\r\nHost: localhost\r\nUpgrade: \xff\xc2\x9b\r\n\r\n", `"/?%1b" offers "\xff\u009b"`},
		{"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nbody", `offers "h2c": not switched: no offered product is served here`},
		{"POST / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo/1\r\nContent-Length: 4\r\n\r\nbody", `POST "/" offers "echo/1": not switched: handshake: HTTP version cannot upgrade`},
	} {
		conn := dial(t, address, test.request)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", test.request, err)
		}
		body, err := io.ReadAll(response.Body)
		if response.StatusCode != 200 || err != nil || !strings.Contains(string(body), "curl -D - -H 'Connection: Upgrade' -H 'Upgrade: HTTP/2.0, echo/1' http://"+address+"/\n") {
			t.Errorf("%q: %s, %v\n%s", test.request, response.Status, err, body)
		}
		if got := response.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("Content-Type: %s", got)
		}
		wantUpgrade := ""
		if response.ProtoMinor > 0 && !strings.Contains(test.request, "HTTP/1.0") {
			wantUpgrade = "echo/1, websocket"
		}
		if got := response.Header.Get("Upgrade"); got != wantUpgrade {
			t.Errorf("%q: Upgrade: %q", test.request, got)
		}
		log.mustLog(t, test.logged)
	}
	mustBePrintable(t, log.String())
}

// net/http passes on targets that package head refuses.
func TestTargetIsQuoted(t *testing.T) {
	address, log := serveHere(t)
	dial(t, address, "GET /\xff\xc2\x9b HTTP/1.1\r\nHost: localhost\r\nUpgrade: echo/1\r\n\r\n")
	log.mustLog(t, `"/\xff\u009b" offers "echo/1"`)
	mustBePrintable(t, log.String())
}

// After an offer is declined, the connection stays open for further requests.
func TestRequestsAfterDeclinedOffer(t *testing.T) { inBothModes(t, testRequestsAfterDeclinedOffer) }

func testRequestsAfterDeclinedOffer(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	const declined = "Host: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c, echo/2\r\n"
	for name, first := range map[string]string{
		"plain":             "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"declined":          "GET / HTTP/1.1\r\n" + declined + "\r\n",
		"with content":      "POST / HTTP/1.1\r\n" + declined + "Content-Length: 4\r\n\r\nbody",
		"with chunks":       "POST / HTTP/1.1\r\n" + declined + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"kept alive by 1.0": "POST / HTTP/1.0\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo/1\r\nContent-Length: 4\r\n\r\nbody",
	} {
		for _, step := range []int{1, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d at a time", name, step), func(t *testing.T) {
				t.Parallel()
				conn := dial(t, address, "")
				sent := first + "GET / HTTP/1.1\r\n" + declined + "\r\nPOST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 4\r\n\r\nbodyearly"
				go func() {
					for piece := range slices.Chunk([]byte(sent), step) {
						conn.Write(piece)
					}
				}()
				reader := bufio.NewReader(conn)
				for range 2 {
					response, err := http.ReadResponse(reader, nil)
					if err != nil || response.StatusCode != 200 || response.Close {
						t.Fatalf("%+v, %v", response, err)
					}
					if _, err := io.Copy(io.Discard, response.Body); err != nil {
						t.Fatal(err)
					}
				}
				mustRead(t, reader, echo101+"early")
				io.WriteString(conn, "later")
				mustRead(t, reader, "later")
				conn.CloseWrite()
				if rest, err := io.ReadAll(reader); len(rest) > 0 || err != nil {
					t.Errorf("then %q, %v", rest, err)
				}
			})
		}
	}
}

// The page promises that its commands work.
func TestPageCommands(t *testing.T) { inBothModes(t, testPageCommands) }

func testPageCommands(t *testing.T, flags ...string) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	address, _ := serveHere(t, flags...)
	_, port, _ := net.SplitHostPort(address)
	out, err := exec.Command("curl", "-s", "http://"+address+"/").Output()
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "  ") {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	want := []string{"101", "101", "101", "hello", "200", "200", "200"}
	if len(commands) != len(want) {
		t.Fatalf("%d commands on the page, want %d:\n%s", len(commands), len(want), out)
	}
	for i, command := range commands {
		t.Run(want[i], func(t *testing.T) {
			t.Parallel()
			// The commands that wait for Ctrl-C are killed. Curl must have written by then,
			// although it does not write to a terminal.
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			if strings.HasPrefix(command, "curl ") {
				command = "exec " + command
			}
			got, _ := exec.CommandContext(ctx, "sh", "-c", command).Output()
			head, rest, _ := strings.Cut(string(got), "\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 "+want[i]) && rest != want[i]+"\n" || !strings.Contains(command, port) {
				t.Errorf("%s\n%s", command, got)
			}
		})
	}
}

func TestWebSocket(t *testing.T) { inBothModes(t, testWebSocket) }

func testWebSocket(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	conn := dialWebSocket(t, address)
	for _, message := range []string{"text", "", "\u00fc", strings.Repeat("long ", maxMessage/5)} {
		go wsutil.WriteClientText(conn, []byte(message))
		got, err := wsutil.ReadServerText(conn)
		if string(got) != message || err != nil {
			t.Fatalf("sent %d bytes, got %d, %v", len(message), len(got), err)
		}
	}
	if err := wsutil.WriteClientBinary(conn, []byte{0, 0xff}); err != nil {
		t.Fatal(err)
	}
	if got, err := wsutil.ReadServerBinary(conn); string(got) != "\x00\xff" || err != nil {
		t.Fatalf("got % x, %v", got, err)
	}
	// A message in two frames, with a ping between them.
	for _, frame := range []ws.Frame{
		ws.NewFrame(ws.OpText, false, []byte("in ")), ws.NewPingFrame([]byte("ping")),
		ws.NewFrame(ws.OpContinuation, true, []byte("parts")),
	} {
		if err := ws.WriteFrame(conn, ws.MaskFrame(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if pong, err := ws.ReadFrame(conn); pong.Header.OpCode != ws.OpPong || string(pong.Payload) != "ping" || err != nil {
		t.Fatalf("%+v, %v", pong, err)
	}
	if got, err := wsutil.ReadServerText(conn); string(got) != "in parts" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	mustCloseWith(t, conn, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")), ws.StatusNormalClosure)
	log.mustLog(t, `GET "/" offers "websocket": switched to websocket`)
	log.mustLog(t, "websocket closed\n")
}

func TestWebSocketViolations(t *testing.T) { inBothModes(t, testWebSocketViolations) }

func testWebSocketViolations(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	tooLong := ws.NewTextFrame(nil)
	tooLong.Header.Length = maxMessage + 1
	for name, test := range map[string]struct {
		frame ws.Frame
		want  ws.StatusCode
	}{
		"not UTF-8":          {ws.NewTextFrame([]byte("\xff")), ws.StatusInvalidFramePayloadData},
		"reserved opcode":    {ws.NewFrame(3, true, nil), ws.StatusProtocolError},
		"stray continuation": {ws.NewFrame(ws.OpContinuation, true, nil), ws.StatusProtocolError},
		"too long":           {tooLong, ws.StatusMessageTooBig},
		"malformed close":    {ws.NewCloseFrame([]byte{1}), ws.StatusProtocolError},
		"close without code": {ws.NewCloseFrame(nil), 0},
	} {
		t.Run(name, func(t *testing.T) {
			mustCloseWith(t, dialWebSocket(t, address), test.frame, test.want)
		})
	}
}

// A message that is too long is refused, also in many frames.
func TestWebSocketManyFrames(t *testing.T) { inBothModes(t, testWebSocketManyFrames) }

func testWebSocketManyFrames(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	conn := dialWebSocket(t, address)
	part := ws.MaskFrame(ws.NewFrame(ws.OpText, false, make([]byte, maxMessage/2)))
	ws.WriteFrame(conn, part)
	part.Header.OpCode = ws.OpContinuation
	ws.WriteFrame(conn, part)
	mustCloseWith(t, conn, ws.NewFrame(ws.OpContinuation, true, []byte{0}), ws.StatusMessageTooBig)
}

func TestWebSocketRefused(t *testing.T) { inBothModes(t, testWebSocketRefused) }

func testWebSocketRefused(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	const offer = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\n" + offer + "Sec-WebSocket-Version: 13\r\n\r\n":                                               "400",
		"GET / HTTP/1.1\r\n" + offer + "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n": "426",
		"PUT / HTTP/1.1\r\n" + offer + "Content-Length: 0\r\n\r\n":                                                       "405",
	} {
		mustRead(t, dial(t, address, request), "HTTP/1.1 "+want+" ")
		log.mustLog(t, `offers "websocket": not switched: handshake: refused with status `+want)
	}
}

func dialWebSocket(t *testing.T, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	conn, _, _, err := ws.Dial(ctx, "ws://"+address+"/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// mustCloseWith sends a frame, and expects one close frame with that status and then
// the end.
func mustCloseWith(t *testing.T, conn net.Conn, frame ws.Frame, want ws.StatusCode) {
	t.Helper()
	if err := ws.WriteFrame(conn, ws.MaskFrame(frame)); err != nil {
		t.Fatal(err)
	}
	answer, err := ws.ReadFrame(conn)
	if err != nil || answer.Header.OpCode != ws.OpClose {
		t.Fatalf("%+v, %v", answer, err)
	}
	code, _ := ws.ParseCloseFrameData(answer.Payload)
	if code != want {
		t.Errorf("closed with %d, want %d", code, want)
	}
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("read %d bytes after the close frame, %v", n, err)
	}
}

func TestIdle(t *testing.T) { inBothModes(t, testIdle) }

func testIdle(t *testing.T, flags ...string) {
	address, log := serveOn(t, listen(t), func(s *Server) {
		s.idle = 50 * time.Millisecond
		s.Raw = len(flags) > 0
	})
	silent := dial(t, address, "GET / HTTP/1.1\r\n"+offerEcho+"\r\n")
	mustRead(t, silent, echo101)
	if n, err := silent.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("silent: read %d, %v", n, err)
	}
	log.mustLog(t, "i/o timeout")

	// A client that sends and never reads.
	deaf := dial(t, address, "GET / HTTP/1.1\r\n"+offerEcho+"\r\n")
	_, err := io.Copy(deaf, zeros{})
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deaf: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func mustBePrintable(t *testing.T, s string) {
	t.Helper()
	for i := range len(s) {
		if c := s[i]; !text.IsPrintable(c) && c != '\n' && c != '\t' {
			t.Fatalf("octet 0x%02x in the output %q", c, s)
		}
	}
}
