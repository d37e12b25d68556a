package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
)

// startProxy starts "proxy" in front of a server, an address or a URL. The test or ended
// stops it, and ended returns its log.
func startProxy(t *testing.T, backend string, flags ...string) (address string, ended func() string) {
	t.Helper()
	if !strings.Contains(backend, "://") {
		backend = "http://" + backend
	}
	var log strings.Builder
	cmd, address := startListener(t, append([]string{"proxy", "--listen", "127.0.0.1:0", "--backend", backend}, flags...),
		func(cmd *exec.Cmd) { cmd.Stderr = &log })
	done := false
	ended = func() string {
		if !done {
			done = true
			cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, &log)
			}
		}
		return log.String()
	}
	t.Cleanup(func() { ended() })
	return address, ended
}

// Only allowed products switch, and the log says why.
func TestProxy(t *testing.T) { inBothModes(t, testProxy) }

func testProxy(t *testing.T, flags ...string) {
	backend, _ := serveHere(t, flags...)
	address, ended := startProxy(t, backend, "--allow", "websocket, tcp", "--allow", "echo/1")
	const octets = "octets\x00\xff"
	code, stdout, stderr := try(octets, "dial", "--quiet", "1ms", "--product", "foo", "--product", "echo/1", "http://"+address)
	if code != exitOK || stdout != octets {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, stderr := try("message", "dial", "ws://"+address); code != exitOK || stdout != "message\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	for _, product := range []string{"h2c", "echo/2", "tcp"} {
		if code, stdout, _ := try("", "dial", "--product", product, "http://"+address); code != exitFailure || stdout != "" {
			t.Errorf("%s: exit code %d, %q", product, code, stdout)
		}
	}
	// Only a page of the proxy's origin may open a WebSocket.
	for origin, want := range map[string]int{"http://" + address: exitOK, "http://" + backend: exitFailure, "http://evil.example": exitFailure} {
		if code, _, stderr := try("", "dial", "--header", "Origin: "+origin, "ws://"+address); code != want {
			t.Errorf("Origin %s: exit code %d, %s", origin, code, stderr)
		}
	}
	// The page works through the proxy.
	response, err := http.Get("http://" + address + "/script.js")
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(content), "new WebSocket") {
		t.Errorf("%s, %v", response.Status, err)
	}
	both := tcptest.Dial(t, address)
	both.Send("POST / HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	if all := both.Rest(); !strings.HasPrefix(all, "HTTP/1.1 ") || strings.HasPrefix(all, "HTTP/1.1 101 ") {
		t.Errorf("two lengths: %q", all)
	}
	malformed := tcptest.Dial(t, address)
	malformed.Send("GET /?\x7f%1b HTTP/1.1\r\nHost: " + address + "\r\nConnection: close, upgrade\r\nUpgrade: \x80, websocket\r\n\r\n")
	malformed.Rest()

	log := ended()
	mustBePrintable(t, log)
	for _, want := range []string{
		`GET "/" offers "foo, echo/1": switched to echo/1`,
		"echo/1 closed after 8 octets to the backend and 8 to the client\n",
		`GET "/" offers "websocket": switched to websocket`,
		`GET "/" offers "h2c": not passed on: no offered product is allowed; answered 200`,
		`GET "/" offers "echo/2": not passed on: no offered product is allowed; answered 200`,
		`GET "/" offers "tcp": passed on "tcp": not switched: answered 200`,
		`GET "/" offers "websocket": passed on "websocket": not switched: answered 403`,
		`POST "/" offers "echo/1": not passed on: the request may have two lengths`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
}

// An offer that fails has one line in the log, which names the reason and the answer.
func TestProxyLogsAFailedOfferOnce(t *testing.T) {
	backend := tcptest.Serve(t, func(server *tcptest.Peer) {
		server.Head()
		server.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
	})
	address, ended := startProxy(t, backend, "--allow", "echo/1")
	if code, _, stderr := try("", "dial", "--product", "echo/1", "http://"+address); code != exitFailure || !strings.Contains(stderr, "502") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	log := ended()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `offers "echo/1": passed on "echo/1": failed: `) ||
		!strings.Contains(log, "not offered") || !strings.HasSuffix(log, "; answered 502\n") {
		t.Errorf("the log:\n%s", log)
	}
}

// The log of the proxy shows no password in a target.
func TestProxyHidesUserinfo(t *testing.T) {
	backend, _ := serveHere(t)
	address, ended := startProxy(t, backend, "--allow", "echo/1")
	client := tcptest.Dial(t, address)
	client.Send("GET http://user:secret@localhost/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	client.Head()
	if log := ended(); !strings.Contains(log, `"http://...@localhost/" offers`) || strings.Contains(log, "secret") {
		t.Errorf("the log is\n%s", log)
	}
}

// No check fails on the backend, and no check fails through the proxy.
func TestProxyProbe(t *testing.T) { inBothModes(t, testProxyProbe) }

func testProxyProbe(t *testing.T, flags ...string) {
	backend, _ := serveHere(t, flags...)
	address, _ := startProxy(t, backend, "--allow", "websocket,echo/1")
	for _, product := range []string{"websocket", "echo/1"} {
		code, stdout, stderr := try("", "probe", "--product", product, "http://"+address)
		if code != exitOK || !strings.Contains(stdout, " 0 failed ") {
			t.Errorf("%s: exit code %d, %s\n%s", product, code, stderr, stdout)
		}
	}
}

// With --tls, clients speak TLS to the proxy and get either version of HTTP.
func TestProxyTLS(t *testing.T) {
	backend, _ := serveHere(t)
	address, ended := startProxy(t, backend, "--allow", "echo/1", "--tls")
	if code, stdout, stderr := try("octets", "dial", "--insecure", "--product", "echo/1", "https://"+address); code != exitOK || stdout != "octets" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := try("", "dial", "--product", "echo/1", "https://"+address); code != exitFailure || !strings.Contains(stderr, "certificate") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Get("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 2 || response.StatusCode != 200 || !strings.HasPrefix(string(content), "This server switches to echo/1") {
		t.Errorf("%s %s, %q, %v", response.Proto, response.Status, content, err)
	}
	if log := ended(); !strings.Contains(log, `GET "/" offers "echo/1": switched to echo/1`) {
		t.Errorf("the log:\n%s", log)
	}
}

// A backend over TLS gets every offer, even if it also speaks HTTP/2.
func TestProxyToTLS(t *testing.T) {
	backend, _ := serveHere(t, "--tls")
	address, ended := startProxy(t, "https://"+backend, "--allow", "websocket,echo/1", "--insecure")
	if code, stdout, stderr := try("octets", "dial", "--product", "echo/1", "http://"+address); code != exitOK || stdout != "octets" {
		t.Errorf("echo/1: exit code %d, %q, %q", code, stdout, stderr)
	}
	for _, args := range [][]string{{"ws://" + address}, {"--product", "websocket", "--product", "echo/1", "http://" + address}} {
		if code, stdout, stderr := try("message", append([]string{"dial"}, args...)...); code != exitOK || stdout != "message\n" && stdout != "message" {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	if log := ended(); strings.Contains(log, "failed") {
		t.Errorf("the log:\n%s", log)
	}
}

// Without --insecure, the proxy checks the certificate of the backend.
func TestProxyChecksTheCertificate(t *testing.T) {
	backend, _ := serveHere(t, "--tls")
	address, ended := startProxy(t, "https://"+backend, "--allow", "echo/1")
	if code, _, stderr := try("", "dial", "--product", "echo/1", "http://"+address); code != exitFailure || !strings.Contains(stderr, "502") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	if log := ended(); !strings.Contains(log, "certificate") {
		t.Errorf("the log:\n%s", log)
	}
}

// An offer has its line in the log even if the answer to it is cut short.
func TestProxyLogsAnAnswerCutShort(t *testing.T) {
	backend := tcptest.Serve(t, func(server *tcptest.Peer) {
		head := server.Head()
		server.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
		if strings.HasPrefix(head, "GET /leave ") {
			// The proxy ends the connection after it has noticed that the client is gone.
			io.Copy(io.Discard, server)
		}
	})
	address, ended := startProxy(t, backend, "--allow", "echo/1")
	for _, path := range []string{"/break", "/leave"} {
		for _, product := range []string{"echo/1", "h2c"} {
			client := tcptest.Dial(t, address)
			client.Send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + product + "\r\n\r\n")
			client.Head()
			client.Octets(len("4\r\npart\r\n"))
			if path == "/break" {
				client.Rest()
			}
			client.Close()
		}
	}
	log := ended()
	for _, want := range []string{
		`"/break" offers "echo/1": passed on "echo/1": not switched: answered 200, cut short by the backend`,
		`"/break" offers "h2c": not passed on: no offered product is allowed; answered 200, cut short by the backend`,
		`"/leave" offers "echo/1": passed on "echo/1": not switched: answered 200, cut short by the client`,
		`"/leave" offers "h2c": not passed on: no offered product is allowed; answered 200, cut short by the client`,
	} {
		if !strings.Contains(log, want+"\n") {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
}

// An offer that is not passed on has the reason in its line if the request fails.
func TestProxyLogsWhyAnOrdinaryRequestFailed(t *testing.T) {
	address, ended := startProxy(t, listenHere(t, func(net.Conn) {}), "--allow", "echo/1")
	if code, _, stderr := try("", "dial", "--product", "h2c", "http://"+address); code != exitFailure || !strings.Contains(stderr, "502") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if log := ended(); !strings.Contains(log, "not passed on: no offered product is allowed; failed: ") || !strings.Contains(log, "; answered 502\n") {
		t.Errorf("the log:\n%s", log)
	}
}

// A signal ends the tunnels within seconds.
func TestProxyStops(t *testing.T) {
	backend, _ := serveHere(t)
	address, ended := startProxy(t, backend, "--allow", "echo/1")
	client := tcptest.Dial(t, address)
	client.Send("GET / HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\nx")
	client.Head()
	client.Octets(1)
	ended()
	if rest := client.Rest(); rest != "" {
		t.Errorf("then %q", rest)
	}
}

func TestProxyUsage(t *testing.T) {
	for _, args := range []string{
		"", "--backend x", "--backend ws://127.0.0.1:1", "--backend http://", "--backend http://u@127.0.0.1:1",
		"--backend http://127.0.0.1:1 --allow @", "--backend http://127.0.0.1:1 --listen x", "--backend http://127.0.0.1:1 x",
	} {
		code, stdout, stderr := try("", append([]string{"proxy"}, strings.Fields(args)...)...)
		if code != exitUsage || stdout != "" || !strings.HasSuffix(stderr, "\nSee upgrade101 proxy --help.\n") {
			t.Errorf("%s: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}
