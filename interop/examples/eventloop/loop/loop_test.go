package loop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosegue/upgrade/upgradetest"
)

const timeout = 10 * time.Second

func startServer(t *testing.T) *Server {
	t.Helper()
	server, err := Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// All checks that upgradetest has for a WebSocket server.
func TestChecks(t *testing.T) {
	addr := startServer(t).Addr().String()
	upgradetest.Server(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}, upgradetest.Options{Product: product, Host: addr})
}

// The client is that of gobwas/ws, which also provides the server's frames.
func TestGobwasClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, _, _, err := ws.Dial(ctx, "ws://"+startServer(t).Addr().String()+"/")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(timeout))
	for _, text := range []string{"hello", "", strings.Repeat("long", maxFrame/4), "good bye"} {
		if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
			t.Fatal(err)
		}
		answer, err := wsutil.ReadServerText(conn)
		if err != nil || string(answer) != text {
			t.Fatalf("%.20q, want %.20q: %v", answer, text, err)
		}
	}
	wsutil.WriteClientMessage(conn, ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
	if _, err := wsutil.ReadServerText(conn); !isClosed(err, ws.StatusNormalClosure) {
		t.Error(err)
	}
}

func isClosed(err error, code ws.StatusCode) bool {
	closed, ok := err.(wsutil.ClosedError)
	return ok && closed.Code == code
}

const offer = "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// The request may come in any pieces. So may frames, with the request or after it.
func TestPieces(t *testing.T) {
	frame := func(op ws.OpCode, fin bool, text string) []byte {
		return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, fin, []byte(text))))
	}
	answer := func(op ws.OpCode, fin bool, text string) []byte {
		return ws.MustCompileFrame(ws.NewFrame(op, fin, []byte(text)))
	}
	request := slices.Concat([]byte(offer+"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
		frame(ws.OpText, false, "one"), frame(ws.OpPing, true, "ping"), frame(ws.OpContinuation, true, "two"),
		frame(ws.OpBinary, true, "three"), frame(ws.OpClose, true, "\x03\xe8"))
	want := string(slices.Concat([]byte(switched),
		answer(ws.OpText, false, "one"), answer(ws.OpPong, true, "ping"), answer(ws.OpContinuation, true, "two"),
		answer(ws.OpBinary, true, "three"), answer(ws.OpClose, true, "\x03\xe8")))
	addr := startServer(t).Addr().String()
	for _, size := range []int{1, 7, len(request)} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(timeout))
		for rest := request; len(rest) > 0; {
			n, err := conn.Write(rest[:min(size, len(rest))])
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		got, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || string(got) != want {
			t.Errorf("in pieces of %d: %q, %v, want %q", size, got, err, want)
		}
	}
}

// read gets one octet more each time, without a network that could join pieces.
func TestRequestInPieces(t *testing.T) {
	input := []byte(offer + "Content-Length: 3\r\n\r\nabcrest")
	r := newRequest()
	r.timer = time.NewTimer(timeout)
	defer r.free()
	var out bytes.Buffer
	from := 0
	for to := range len(input) + 1 {
		n, done, end := r.read(&out, input[from:to])
		if from += n; end {
			t.Fatalf("closed: %s", out.String())
		}
		if done {
			break
		}
	}
	if rest := string(input[from:]); rest != "rest" || out.String() != switched {
		t.Errorf("%q %q", out.String(), rest)
	}
}

func TestRefusals(t *testing.T) {
	addr := startServer(t).Addr().String()
	for request, want := range map[string]string{
		offer + "Origin: http://evil.example\r\n\r\n":       "403 ",
		strings.Replace(offer, "13", "8", 1) + "\r\n":       "426 this server speaks only WebSocket\n",
		offer + "Content-Length: 1000000\r\n\r\n":           "413 ",
		"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n":       "426 this server speaks only WebSocket\n",
		"GET / HTTP/1.1\r\nHost : example.com\r\n\r\n":      "400 ",
		offer + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n": "400 ",
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(timeout))
		io.WriteString(conn, request)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		if told := response.Header.Get("Sec-Websocket-Version") == "13"; told != strings.Contains(request, "Version: 8") {
			t.Errorf("%q: %v", request, response.Header)
		}
		content, err := io.ReadAll(response.Body)
		conn.Close()
		if got := fmt.Sprint(response.StatusCode, " ", string(content)); got != want || err != nil || !response.Close {
			t.Errorf("%q: %q, close %v, want %q", request, got, response.Close, want)
		}
	}
}

func TestFramesThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		frame ws.Frame
		code  ws.StatusCode
	}{
		"unmasked":     {ws.NewTextFrame([]byte("a")), ws.StatusProtocolError},
		"continuation": {ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte("a"))), ws.StatusProtocolError},
		"too long":     {ws.MaskFrame(ws.NewBinaryFrame(make([]byte, maxFrame+1))), ws.StatusMessageTooBig},
		"not UTF-8":    {ws.MaskFrame(ws.NewTextFrame([]byte("\xff"))), ws.StatusInvalidFramePayloadData},
	} {
		var out bytes.Buffer
		_, _, end := echo(&out, between, ws.MustCompileFrame(test.frame))
		if _, err := wsutil.ReadServerText(&out); !end || !isClosed(err, test.code) {
			t.Errorf("%s: %v, %v", name, end, err)
		}
	}
}
