package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/websocket"
)

// Dial talks to our own server, in both modes. Octets pass unchanged, messages as lines.
func TestDialServe(t *testing.T) { inBothModes(t, testDialServe) }

func testDialServe(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	const octets = "hello\x00\x1b\xff\r\n"
	code, stdout, stderr := try(octets, "dial", "--quiet", "1ms", "--product", "nope", "--product", "echo/1", "http://"+address)
	if code != exitOK || stdout != octets || !strings.Contains(stderr, "product: echo, version 1\nverdict: switch\n") ||
		!strings.HasSuffix(stderr, ", and the client offered it\n") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	for _, args := range [][]string{{"ws://" + address + "/x?y"}, {"--product", "websocket", "http://" + address}} {
		code, stdout, stderr = try("one\n\ntwo", append([]string{"dial"}, args...)...)
		if code != exitOK || stdout != "one\n\ntwo\n" || !strings.Contains(stderr, "product: websocket\nverdict: switch\n") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
		if !strings.Contains(stderr, "checked: Sec-WebSocket-Accept\n") || strings.Contains(stderr, "ignored: Sec-WebSocket-Accept") {
			t.Errorf("%q: %q", args, stderr)
		}
	}
	code, stdout, stderr = try("", "dial", "--product", "nope", "http://"+address)
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "verdict: no switch\n") ||
		!strings.Contains(stderr, "\nThis server switches to echo/1") || !strings.HasSuffix(stderr, "upgrade101: the server did not switch\n") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// Dial does not believe a wrong answer, and writes nothing to standard output.
func TestDialRefuses(t *testing.T) {
	const head101 = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
	for name, test := range map[string]struct{ answer, want string }{
		"another product":  {head101 + "Upgrade: other\r\n\r\n", "not offered"},
		"no Upgrade":       {head101 + "\r\n", "Upgrade"},
		"no option":        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", "option"},
		"no accept":        {head101 + "Upgrade: websocket\r\n\r\n", "websocket: "},
		"a wrong accept":   {head101 + "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", "websocket: "},
		"a malformed head": {"HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n", "head: "},
		"hostile content":  {"HTTP/1.1 403 x\r\nContent-Length: 5\r\n\r\n\x1b[2J\a", `\x1b[2J\x07`},
		"not HTTP":         {"SSH-2.0-x\r\n\r\n", "malformed: status line: "},
	} {
		t.Run(name, func(t *testing.T) {
			// What is shown is what came, and no part of an interim response.
			const interim = "HTTP/1.1 103 Early Hints\r\nX-Interim: x\r\n\r\n"
			for _, answer := range []string{test.answer, interim + interim + test.answer} {
				code, stdout, stderr := try("secret\n", "dial", answerAll(t, answer))
				if code != exitFailure || stdout != "" || !strings.Contains(stderr, test.want) {
					t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
				}
				start, _, _ := strings.Cut(test.answer, "\r\n")
				if !strings.HasPrefix(stderr, "start: "+start+"\n") || !strings.Contains(stderr, "\nverdict: no switch\nwhy: ") || strings.Contains(stderr, "X-Interim") {
					t.Errorf("%q", stderr)
				}
				mustBePrintable(t, stderr)
			}
		})
	}
}

// A WebSocket client must leave a server that chooses what was not offered (RFC 6455,
// section 4.1).
func TestDialChecksWhatTheServerChose(t *testing.T) {
	offers := []string{"--header", "Sec-WebSocket-Protocol: chat", "--header", "sec-websocket-protocol: v2, v3"}
	for name, test := range map[string]struct {
		chosen string // lines of the 101
		args   []string
		want   string // in standard error, if the switch is refused
	}{
		"nothing":                       {"", offers, ""},
		"a subprotocol":                 {"Sec-WebSocket-Protocol: v3\r\n", offers, ""},
		"another subprotocol":           {"Sec-WebSocket-Protocol: v4\r\n", offers, "names none that was offered"},
		"a subprotocol, none offered":   {"Sec-WebSocket-Protocol: chat\r\n", nil, "names none that was offered"},
		"two subprotocols":              {"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: v2\r\n", offers, "names none that was offered"},
		"an extension, none offered":    {"Sec-WebSocket-Extensions: x\r\n", offers, "extension"},
		"an extension":                  {"Sec-WebSocket-Extensions: x\r\n", []string{"--header", "Sec-WebSocket-Extensions: x"}, ""},
		"the offer itself is malformed": {"Sec-WebSocket-Protocol: chat\r\n", []string{"--header", "Sec-WebSocket-Protocol: chat chat"}, "malformed Sec-WebSocket-Protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			address := tcptest.Serve(t, func(server *tcptest.Peer) {
				_, after, _ := strings.Cut(server.Head(), "Sec-WebSocket-Key: ")
				key, _, _ := strings.Cut(after, "\r\n")
				server.Send("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + websocket.Accept(key) + "\r\n" + test.chosen + "\r\n")
			})
			code, _, stderr := try("", append(append([]string{"dial", "--quiet", "1ms"}, test.args...), "ws://"+address)...)
			want := test.want
			if want == "" {
				want = "verdict: switch\n"
			}
			// This server ends without a close frame, so that every try fails in the end.
			if code != exitFailure || !strings.Contains(stderr, want) || strings.Contains(stderr, "verdict: switch\n") != (test.want == "") {
				t.Errorf("exit code %d, %s", code, stderr)
			}
			if strings.Contains(stderr, "ignored: Sec-WebSocket-Protocol") || strings.Contains(stderr, "ignored: Sec-WebSocket-Extensions") && name != "an extension" {
				t.Errorf("not said to be checked: %s", stderr)
			}
		})
	}
}

func TestDialNothing(t *testing.T) {
	url := "ws://" + listenHere(t, func(net.Conn) {})
	if code, stdout, stderr := try("", "dial", url); code != exitFailure || stdout != "" || stderr == "" {
		t.Errorf("closed: exit code %d, %q, %q", code, stdout, stderr)
	}
	for answer, want := range map[string]string{
		"":                                 "upgrade101: the server closed the connection without an answer\n",
		"HTTP/1.1 101 x\r\nConnection: up": "upgrade101: the server closed the connection before the end of the head of its answer\n",
	} {
		url := "ws://" + tcptest.Serve(t, func(server *tcptest.Peer) {
			server.Head()
			server.Send(answer)
		})
		if code, stdout, stderr := try("", "dial", url); code != exitFailure || stdout != "" || !strings.HasSuffix(stderr, want) ||
			strings.Contains(stderr, "start: HTTP/1.1 101 x\n") != (answer != "") {
			t.Errorf("%q: exit code %d, %q, %q", answer, code, stdout, stderr)
		}
	}
	noTLS := "wss://" + tcptest.Serve(t, func(server *tcptest.Peer) { server.Read(make([]byte, 1<<14)) })
	if code, _, stderr := try("", "dial", noTLS); code != exitFailure || !strings.Contains(stderr, "the server closed the connection before the end of the TLS") {
		t.Errorf("no TLS: exit code %d, %q", code, stderr)
	}
	if code, _, stderr := try("", "dial", "--timeout", "10ms", answerAll(t, "HTTP/1.1 ")); code != exitFailure || !strings.Contains(stderr, "timeout") {
		t.Errorf("silent: exit code %d, %q", code, stderr)
	}
}

func TestDialUsage(t *testing.T) {
	for _, args := range []string{
		"", "http://127.0.0.1:1/", "--product x", "--product x http://127.0.0.1:1/ http://127.0.0.1:1/",
		"--product @ http://127.0.0.1:1/", "--product x ws://127.0.0.1:1/", "ftp://127.0.0.1:1/", "127.0.0.1:1",
		"ws://", "ws://user:secret@127.0.0.1:1/", "ws://127.0.0.1:1/#fragment", "ws://[/",
		"--header x ws://127.0.0.1:1/", "--header Upgrade:x ws://127.0.0.1:1/",
		"--header Host: ws://127.0.0.1:1/", "--header Host:u@x ws://127.0.0.1:1/", "--header Host:x --header host:y ws://127.0.0.1:1/",
		"localhost:1", "--proxy x ws://127.0.0.1:1/",
		"--proxy socks5://127.0.0.1:1 ws://127.0.0.1:1/", "--timeout 0s ws://127.0.0.1:1/", "--quiet -1s ws://127.0.0.1:1/",
	} {
		code, stdout, stderr := try("", append([]string{"dial"}, strings.Fields(args)...)...)
		if code != exitUsage || stdout != "" || !strings.HasSuffix(stderr, "\nSee upgrade101 dial --help.\n") || strings.Contains(stderr, "secret") {
			t.Errorf("%s: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// echoHandler switches to "tcp" and sends back every octet.
func echoHandler() http.Handler {
	return httpupgrade.Handler{Protocols: []httpupgrade.Protocol{{
		Product: upgrade.MustParseProduct("tcp"),
		Allow:   func(r *http.Request) bool { return r.Header.Get("X-Secret") == "yes" },
		Serve:   func(conn net.Conn, _ *http.Request) { io.Copy(conn, conn) },
	}}}
}

func TestDialTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(echoHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	args := []string{"dial", "--quiet", "1ms", "--product", "tcp", "--header", "X-Secret: yes", server.URL}
	if code, stdout, stderr := try("x", args...); code != exitFailure || stdout != "" || !strings.HasSuffix(stderr, " (--insecure accepts any certificate)\n") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, stderr := try("x", append(args, "--insecure")...); code != exitOK || stdout != "x" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// connectProxy is a proxy for tunnels that wants a password. It counts the tunnels.
func connectProxy(t *testing.T) (url string, tunnels *atomic.Int32) {
	t.Helper()
	tunnels = new(atomic.Int32)
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:secret"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		target, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer target.Close()
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		tunnels.Add(1)
		io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(target, client)
			target.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(client, target)
	}))
	t.Cleanup(server.Close)
	return server.URL, tunnels
}

func TestDialProxy(t *testing.T) {
	plain := httptest.NewServer(echoHandler())
	secure := httptest.NewTLSServer(echoHandler())
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	proxy, tunnels := connectProxy(t)
	allowed := strings.Replace(proxy, "http://", "http://user:secret@", 1)
	for i, url := range []string{plain.URL, secure.URL} {
		args := []string{"dial", "--insecure", "--quiet", "1ms", "--product", "tcp", "--header", "X-Secret: yes", url, "--proxy"}
		if code, stdout, stderr := try("x", append(args, allowed)...); code != exitOK || stdout != "x" || int(tunnels.Load()) != i+1 {
			t.Errorf("%s: exit code %d, %q, %q; %d tunnels", url, code, stdout, stderr, tunnels.Load())
		}
		if code, stdout, stderr := try("x", append(args, proxy)...); code != exitFailure || stdout != "" ||
			!strings.Contains(stderr, "proxy: answered with status 407") || strings.Contains(stderr, "secret") {
			t.Errorf("%s: exit code %d, %q, %q", url, code, stdout, stderr)
		}
	}
	// For a server on this machine, the proxy of the environment is not used.
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	args := []string{"dial", "--quiet", "1ms", "--product", "tcp", "--header", "X-Secret: yes", plain.URL}
	if code, stdout, stderr := try("x", args...); code != exitOK || stdout != "x" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// --header can replace the Host. The zone of an address is not sent.
func TestDialHost(t *testing.T) {
	heads := make(chan string, 1)
	address := tcptest.Serve(t, func(server *tcptest.Peer) { heads <- server.Head() })
	for host, args := range map[string][]string{
		address:         {},
		"x.example:1":   {"--header", "host: \tx.example:1 "},
		"xn--x.example": {"--header", "X: y", "--header", "Host:xn--x.example"},
		"[2001:db8::1]": {"--header", "Host: [2001:db8::1]"},
	} {
		try("", append(append([]string{"dial"}, args...), "ws://"+address)...)
		if head := tcptest.Receive(t, heads); !strings.Contains(head, "\r\nHost: "+host+"\r\n") || strings.Count(strings.ToLower(head), "\r\nhost:") != 1 {
			t.Errorf("%q: %q", args, head)
		}
	}
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			heads <- tcptest.NewPeer(conn).Head()
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if _, _, stderr := try("", "dial", "ws://[::1%25lo]:"+port); !strings.Contains(stderr, "without an answer") {
		t.Error(stderr)
	} else if head := tcptest.Receive(t, heads); !strings.Contains(head, "\r\nHost: [::1]:"+port+"\r\n") {
		t.Errorf("%q", head)
	}
}

// A proxy may send interim responses before its answer, but not forever.
func TestDialProxyInterim(t *testing.T) {
	const interim = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"
	for want, answer := range map[string]string{
		"without an answer": interim + "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"status 403":        interim + "HTTP/1.1 403 x\r\n\r\n",
		"status 101":        "HTTP/1.1 101 x\r\n\r\n",
		"too many interim":  strings.Repeat(interim, 17) + "HTTP/1.1 200 OK\r\n\r\n",
		"proxy: closed the connection without an answer": interim,
	} {
		tunneled := make(chan string, 1)
		proxy := tcptest.Serve(t, func(server *tcptest.Peer) {
			server.Head()
			server.Send(answer)
			if answer != interim {
				tunneled <- server.Head()
			}
		})
		code, _, stderr := try("", "dial", "--proxy", "http://"+proxy, "ws://192.0.2.1")
		if code != exitFailure || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, %s", answer, code, stderr)
		}
		if want == "without an answer" {
			if head := tcptest.Receive(t, tunneled); !strings.HasPrefix(head, "GET / HTTP/1.1\r\n") {
				t.Errorf("in the tunnel: %q", head)
			}
		}
	}
}

// A server that does not answer the close frame does not hold dial.
func TestDialClose(t *testing.T) {
	for name, test := range map[string]struct {
		after func(*tcptest.Peer) // the switch
		want  string
	}{
		"silent": {func(server *tcptest.Peer) { io.Copy(io.Discard, server.Reader) }, "did not answer the close frame in time"},
		"pings": {func(server *tcptest.Peer) {
			for {
				if _, err := server.Write([]byte{0x89, 0}); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, "did not answer the close frame in time"},
		"ends":    {func(*tcptest.Peer) {}, "ended the connection without a close frame"},
		"answers": {func(server *tcptest.Peer) { server.Send("\x88\x02\x03\xe8") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			address := tcptest.Serve(t, func(server *tcptest.Peer) {
				_, after, _ := strings.Cut(server.Head(), "Sec-WebSocket-Key: ")
				key, _, _ := strings.Cut(after, "\r\n")
				server.Send("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + websocket.Accept(key) + "\r\n\r\n")
				server.Reader.Peek(1) // the close frame
				server.Reader.Discard(server.Reader.Buffered())
				test.after(server)
			})
			code, _, stderr := try("", "dial", "--timeout", "300ms", "ws://"+address)
			if (code == exitOK) != (test.want == "") || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, %s", code, stderr)
			}
		})
	}
}

// The content of an answer that declines is shown as it comes, and a signal ends it.
func TestDialDeclinedStopped(t *testing.T) {
	address := tcptest.Serve(t, func(server *tcptest.Peer) {
		server.Head()
		server.Send("HTTP/1.1 403 Wrong-Realm\r\nContent-Length: 9\r\n\r\npart")
		server.Reader.ReadByte()
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	shown, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"dial", "--timeout", "1h", "ws://" + address}, strings.NewReader(""), io.Discard, stderr)
		stderr.Close()
	}()
	reader := bufio.NewReader(shown)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "why: ") {
			break
		}
	}
	if part, err := reader.Peek(len("part")); string(part) != "part" {
		t.Errorf("%q, %v", part, err)
	}
	cancel()
	if rest, _ := io.ReadAll(reader); string(rest) != "part\nupgrade101: the server did not switch\n" {
		t.Errorf("%q", rest)
	}
	if got := tcptest.Receive(t, code); got != exitFailure {
		t.Errorf("exit code %d", got)
	}
}

// A signal ends an open connection, and the exit code is 0.
func TestDialStopped(t *testing.T) {
	address, _ := serveHere(t)
	for _, args := range [][]string{{"--product", "echo/1", "http://" + address}, {"ws://" + address}} {
		ctx, cancel := context.WithCancel(context.Background())
		in, typed := io.Pipe()
		shown, out := io.Pipe()
		code := make(chan int, 1)
		var stderr bytes.Buffer
		go func() { code <- run(ctx, append([]string{"dial"}, args...), in, out, &stderr) }()
		fmt.Fprintln(typed, "hello")
		got := make([]byte, len("hello\n"))
		if _, err := io.ReadFull(shown, got); err != nil || string(got) != "hello\n" {
			t.Errorf("%q: %q, %v", args, got, err)
		}
		cancel()
		if got := tcptest.Receive(t, code); got != exitOK {
			t.Errorf("%q: exit code %d, %s", args, got, &stderr)
		}
		typed.Close()
	}
}
