package peers

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/head"
)

// This file tests every WebSocket client in the same way. The client sends hi and gets it
// back, also after a message that the server sends first. It offers the subprotocols a and b
// and gets a. A 426 opens no connection. A 101 that deviates is noticed; otherwise the rest
// would prove little.

// webSocketClient is a client, and what the tests know of it.
type webSocketClient struct {
	peer
	// open opens one connection after the other, sends hi on each and closes it when hi
	// comes back. A URL that ends in /early makes it wait for EARLY before it sends.
	open func(t *testing.T, urls ...string) []webSocketReport
	// The lines of its request.
	upgrade, connection string
	// What it reports of a 426, of a 101 to a protocol that it has not offered, and of a
	// 101 whose Connection names two options. If twoOptions is empty, it accepts the latter.
	upgradeRequired, unoffered, twoOptions string
	alsoCheck                              func(*testing.T, *head.Request) // nil: nothing more
}

// webSocketReport is what a client reports of a connection.
type webSocketReport struct {
	Protocol   string   // the subprotocol
	Extensions string   // if the client reports them
	Messages   []string // received
	Close      int      // the status code that the server closed with
	Error      string   // why the connection was not opened, or failed
}

func (c webSocketClient) test(t *testing.T) {
	c.scenario(t, "WebSocket: hi, early message, subprotocol, 426", func(t *testing.T) {
		for _, layer := range layers {
			t.Run(layer, func(t *testing.T) { c.testOrigin(t, newOrigin(t, layer), newOrigin(t, layer)) })
		}
	})
	c.scenario(t, "WebSocket through proxyupgrade: hi, early message, subprotocol, 426", func(t *testing.T) {
		for _, layer := range layers {
			t.Run(layer, func(t *testing.T) { c.testThroughOurs(t, newOrigin(t, layer), newOrigin(t, layer)) })
		}
	})
	accepted := webSocketReport{Protocol: "a", Messages: []string{"hi"}, Close: 1000}
	unoffered := func(t *testing.T) string { return "ws://" + deviating(t, "foo/9", "Upgrade") + "/" }
	twoOptions := func(t *testing.T) string { return "ws://" + deviating(t, "websocket", "keep-alive, Upgrade") + "/" }
	exact := func(t *testing.T) string { return "ws://" + deviating(t, "websocket", "Upgrade") + "/" }
	if c.twoOptions == "" {
		c.scenario(t, "WebSocket: refuses a 101 to another protocol, accepts two options in Connection", func(t *testing.T) {
			equal(t, "reports", c.open(t, exact(t), unoffered(t), twoOptions(t)), []webSocketReport{accepted, {Error: c.unoffered}, accepted})
		})
		return
	}
	c.scenario(t, "WebSocket: refuses a 101 to another protocol", func(t *testing.T) {
		equal(t, "reports", c.open(t, exact(t), unoffered(t)), []webSocketReport{accepted, {Error: c.unoffered}})
	})
	c.limit(t, "WebSocket: refuses a 101 with two options in Connection", func(t *testing.T) {
		equal(t, "reports", c.open(t, exact(t), twoOptions(t)), []webSocketReport{accepted, {Error: c.twoOptions}})
	})
}

// testOrigin runs the client against an origin, and for the 426 against another one:
// browsers open connections to the same address one after the other.
func (c webSocketClient) testOrigin(t *testing.T, origin, other string) {
	tap, refusing := newTap(t, origin), newTap(t, other)
	reports := c.open(t, "ws://"+tap.address+"/", "ws://"+tap.address+"/early", "ws://"+refusing.address+"/426")
	equal(t, "reports", reports, []webSocketReport{
		{Protocol: "a", Messages: []string{"hi"}, Close: 1000},
		{Protocol: "a", Messages: []string{"EARLY", "hi"}, Close: 1000},
		{Error: c.upgradeRequired},
	})
	if t.Failed() {
		return
	}
	talks := tap.all()
	equal(t, "connections", len(talks), 2)
	c.check(t, talks[0], "Sec-WebSocket-Protocol: a", "text hi", "close 1000")
	c.check(t, talks[1], "Sec-WebSocket-Protocol: a", "text EARLY", "text hi", "close 1000")
	webSocketUpgradeRequired(t, refusing)
}

// check checks both directions of a connection, from the first octet to the last.
func (c webSocketClient) check(t *testing.T, talk *talk, field string, frames ...string) {
	t.Helper()
	talk.wait(t)
	request := talk.request(t)
	equal(t, "offer", webSocketOffer(t, request), []string{c.upgrade})
	equal(t, "options of Connection", webSocketOptions(t, request), []string{c.connection})
	if c.alsoCheck != nil {
		c.alsoCheck(t, request)
	}
	want := []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + webSocketAccept(request)}
	if field != "" {
		want = append(want, field)
	}
	lines := responseHead(t, talk.server())
	if len(lines) > 3 {
		slices.Sort(lines[3:]) // the layers order these differently
	}
	equal(t, "lines of the 101", lines, want)
	equal(t, "frames of the server", webSocketFrames(t, talk.server()), frames)
	equal(t, "frames of the client", webSocketFrames(t, talk.client()), []string{"text hi", "close 1000"})
}

// webSocketUpgradeRequired checks that the only answer was a 426.
func webSocketUpgradeRequired(t *testing.T, tap *tap) {
	t.Helper()
	all := tap.all()
	if len(all) != 1 {
		t.Fatalf("%d connections, want 1", len(all))
	}
	lines := responseHead(t, all[0].server())
	equal(t, "status line", lines[0], "HTTP/1.1 426 Upgrade Required")
	// The raw layer ends the connection after it.
	for _, want := range [][]string{{"Upgrade: echo/1, websocket"}, {"Connection: Upgrade", "Connection: Upgrade, close"}} {
		if !slices.ContainsFunc(lines, func(line string) bool { return slices.Contains(want, line) }) {
			t.Errorf("%q is not in %q", want, lines)
		}
	}
}

func webSocketOffer(t testing.TB, request *head.Request) []string {
	t.Helper()
	offer, err := upgrade.ParseList(request.Upgrade...)
	if err != nil {
		t.Fatal(err)
	}
	var products []string
	for p := range offer.All() {
		products = append(products, p.String())
	}
	return products
}

func webSocketOptions(t testing.TB, request *head.Request) []string {
	t.Helper()
	connection, err := upgrade.ParseConnection(request.Connection...)
	if err != nil {
		t.Fatal(err)
	}
	var options []string
	for option := range connection.All() {
		options = append(options, string(option))
	}
	return options
}

// webSocketAccept returns the answer to the request's key, computed without our packages.
func webSocketAccept(request *head.Request) string {
	key := bytes.Join(request.Lines(nil, "Sec-WebSocket-Key"), []byte(", "))
	sum := sha1.Sum(append(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// webSocketFrames returns the frames after a head. No extension is in use.
func webSocketFrames(t testing.TB, octets []byte) []string {
	t.Helper()
	_, octets, _ = bytes.Cut(octets, []byte("\r\n\r\n"))
	var frames []string
	for r := bytes.NewReader(octets); r.Len() > 0; {
		h, payload, err := readFrame(r)
		if err != nil {
			t.Errorf("frame %d: %v: %s", len(frames), err, quote(octets))
			return frames
		}
		var text string
		switch {
		case !h.Fin || h.Rsv != 0:
			text = fmt.Sprintf("frame %+v", h)
		case h.OpCode == ws.OpText:
			text = "text " + string(payload)
		case h.OpCode == ws.OpClose:
			code, _ := ws.ParseCloseFrameData(payload)
			text = fmt.Sprintf("close %d", code)
		default:
			text = fmt.Sprintf("opcode %d %q", h.OpCode, payload)
		}
		frames = append(frames, text)
	}
	return frames
}

// readFrame reads a short frame and unmasks it.
func readFrame(r io.Reader) (ws.Header, []byte, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return h, nil, err
	}
	if h.Length > 125 {
		return h, nil, fmt.Errorf("a frame of %d octets", h.Length)
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(r, payload)
	if h.Masked {
		ws.Cipher(payload, h.Mask, 0)
	}
	return h, payload, err
}

// deviating starts a server that answers every request with a 101 of those two values, and
// ignores the offer. It then speaks websocket if the request has a key, otherwise echo/1. It
// returns the address.
func deviating(t testing.TB, upgrade, connection string) string {
	t.Helper()
	serve := func(conn net.Conn) {
		defer conn.Close()
		r := bufio.NewReader(conn)
		octets, err := readHead(r)
		if err != nil {
			return
		}
		var request head.Request
		if n, err := request.Parse(octets, head.Limits{}); err != nil || n == 0 {
			return
		}
		answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + upgrade + "\r\nConnection: " + connection + "\r\n"
		if len(request.Lines(nil, "Sec-WebSocket-Key")) == 0 {
			io.WriteString(conn, answer+"\r\n")
			echoBytes(conn, "/")
			return
		}
		answer += "Sec-WebSocket-Accept: " + webSocketAccept(&request) + "\r\n"
		if len(request.Lines(nil, "Sec-WebSocket-Protocol")) > 0 {
			answer += "Sec-WebSocket-Protocol: a\r\n" // some clients insist
		}
		io.WriteString(conn, answer+"\r\n")
		webSocketEcho(conn, "/")
	}
	return listenAndServe(t, serve)
}

func readHead(r *bufio.Reader) ([]byte, error) {
	var octets []byte
	for !bytes.HasSuffix(octets, []byte("\r\n\r\n")) {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		octets = append(octets, line...)
	}
	return octets, nil
}

// listenAndServe serves connections until the test ends and returns the address.
func listenAndServe(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		conns   []net.Conn
	)
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			running.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return listener.Addr().String()
}

// oneSegment starts a relay that holds back what the server says until it ends in those
// octets, so that the client gets them in one segment with the 101. It returns the
// address.
func oneSegment(t testing.TB, server, octets string) string {
	t.Helper()
	return listenAndServe(t, func(client net.Conn) {
		defer client.Close()
		conn, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer conn.Close()
		go func() {
			io.Copy(conn, client)
			conn.(*net.TCPConn).CloseWrite()
		}()
		var held []byte
		buffer := make([]byte, 4096)
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		for !bytes.HasSuffix(held, []byte(octets)) {
			n, err := conn.Read(buffer)
			held = append(held, buffer[:n]...)
			if err != nil {
				break
			}
		}
		conn.SetReadDeadline(time.Time{})
		client.Write(held)
		io.Copy(client, conn)
	})
}

// webSocketScript returns an open that runs a command with the URLs as arguments. The
// command prints one report a line.
func webSocketScript(cmd func(t *testing.T, urls ...string) *exec.Cmd) func(*testing.T, ...string) []webSocketReport {
	return func(t *testing.T, urls ...string) []webSocketReport {
		t.Helper()
		return printedJSON[webSocketReport](t, run(t, 20*time.Second, cmd(t, urls...)))
	}
}

// printedJSON returns what a program has printed, one value a line.
func printedJSON[T any](t testing.TB, o outcome) []T {
	t.Helper()
	if o.code != 0 {
		t.Fatal(o)
	}
	var all []T
	for line := range strings.Lines(o.stdout) {
		var one T
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&one); err != nil {
			t.Fatalf("%v\n%s", err, o)
		}
		all = append(all, one)
	}
	return all
}

// testFile returns the absolute path of a file in testdata.
func testFile(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
