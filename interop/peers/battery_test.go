package peers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// This file has the battery: 24 shapes of requests, for an origin of ours, and 30 shapes
// of answers, good and bad, from an origin that writes raw octets. A client that also
// writes raw octets tries each shape through a proxy. The results are in testdata/battery.

// batteryCase is a request. It also decides what the client says after a switch.
type batteryCase struct {
	name   string
	head   string // of the request: "METHOD VERSION" and field lines, separated by "|"
	behind string // octets right after the head
	path   string // of the target, after the name
}

const (
	batteryGet       = "GET HTTP/1.1|"
	batteryKey       = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Sec-WebSocket-Version: 13|"
	batteryAccept    = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // the answer to that key
	batteryEcho      = batteryGet + "Upgrade: echo/1|Connection: Upgrade"
	batteryWebSocket = batteryGet + "Upgrade: websocket|" + batteryKey + "Connection: Upgrade"
)

// request returns the octets of the request for a target.
func (c batteryCase) request(target string) string {
	lines := strings.Split(c.head, "|")
	method, version, _ := strings.Cut(lines[0], " ")
	return method + " " + target + " " + version + "\r\nHost: localhost\r\n" + strings.Join(lines[1:], "\r\n") + "\r\n\r\n" + c.behind
}

// requestShapes go to an origin of ours.
var requestShapes = []batteryCase{
	{name: "ws", head: batteryWebSocket},
	{name: "wsearly", head: batteryWebSocket, path: "/early"},
	{name: "echo", head: batteryEcho},
	{name: "echoearly", head: batteryEcho, path: "/early"},
	{name: "foo-ws", head: batteryGet + "Upgrade: foo, websocket|" + batteryKey + "Connection: Upgrade"},
	{name: "ws-foo", head: batteryGet + "Upgrade: websocket, foo|" + batteryKey + "Connection: Upgrade"},
	{name: "two-lines", head: batteryGet + "Upgrade: foo|Upgrade: echo/1|Connection: Upgrade"},
	{name: "empty-elems", head: batteryGet + "Upgrade: , echo/1 ,,|Connection: , Upgrade ,"},
	{name: "ws-upper", head: batteryGet + "UPGRADE: WebSocket|" + batteryKey + "CONNECTION: UPGRADE"},
	{name: "ka-up", head: batteryGet + "Upgrade: echo/1|Connection: keep-alive, Upgrade"},
	{name: "conn-2lines", head: batteryGet + "Upgrade: echo/1|Connection: keep-alive|Connection: Upgrade"},
	{name: "conn-x-up", head: batteryGet + "Upgrade: echo/1|X-Hop: 1|Connection: X-Hop, Upgrade"},
	{name: "close-up", head: batteryGet + "Upgrade: echo/1|Connection: close, Upgrade"},
	{name: "no-up-opt", head: batteryGet + "Upgrade: echo/1|Connection: keep-alive"},
	{name: "no-conn", head: batteryGet + "Upgrade: echo/1"},
	{name: "no-upgrade", head: batteryGet + "Connection: Upgrade"},
	{name: "unknown", head: batteryGet + "Upgrade: xyz/7|Connection: Upgrade"},
	{name: "tls", head: batteryGet + "Upgrade: TLS/1.2, TLS/1.0|Connection: Upgrade"},
	{name: "h2c", head: batteryGet + "Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AAMAAABkAAQAAP__"},
	{name: "http10", head: "GET HTTP/1.0|Upgrade: echo/1|Connection: Upgrade"},
	{name: "post-cl", head: "POST HTTP/1.1|Content-Length: 4|Upgrade: echo/1|Connection: Upgrade", behind: "body"},
	{name: "post-te", head: "POST HTTP/1.1|Transfer-Encoding: chunked|Upgrade: echo/1|Connection: Upgrade", behind: "4\r\nbody\r\n0\r\n\r\n"},
	{name: "options", head: "OPTIONS HTTP/1.1|Upgrade: echo/1|Connection: Upgrade"},
	{name: "behind", head: batteryEcho, behind: "soon"},
}

// answerShapes go to an origin that answers from batteryAnswers; the key follows the "-".
var answerShapes = []batteryCase{
	{name: "r-unoffered", head: batteryEcho},
	{name: "rw-unoffered", head: batteryWebSocket},
	{name: "r-noconn", head: batteryEcho},
	{name: "rw-noconn", head: batteryWebSocket},
	{name: "r-noup", head: batteryEcho},
	{name: "rw-noup", head: batteryWebSocket},
	{name: "r-cl0", head: batteryEcho},
	{name: "rw-cl0", head: batteryWebSocket},
	{name: "r-cl5", head: batteryEcho},
	{name: "rw-cl5", head: batteryWebSocket},
	{name: "r-te", head: batteryEcho},
	{name: "rw-te", head: batteryWebSocket},
	{name: "r-connclose", head: batteryEcho},
	{name: "r-connka", head: batteryEcho},
	{name: "r-lower", head: batteryEcho},
	{name: "r-upper", head: batteryEcho},
	{name: "rw-upper", head: batteryWebSocket},
	{name: "r-list", head: batteryEcho},
	{name: "rw-list", head: batteryWebSocket},
	{name: "r-two", head: batteryEcho},
	{name: "r-http10", head: batteryEcho},
	{name: "r-noreason", head: batteryEcho},
	{name: "r-100", head: batteryEcho},
	{name: "r-103", head: batteryEcho},
	{name: "rw-103", head: batteryWebSocket},
	{name: "r-date", head: batteryEcho},
	{name: "rw-date", head: batteryWebSocket},
	{name: "r-426", head: batteryEcho},
	{name: "rw-426", head: batteryWebSocket},
	{name: "r-200", head: batteryEcho},
}

const switching = "HTTP/1.1 101 Switching Protocols\r\n"

// batteryAnswers are heads without their last line ends. PRODUCT stands for the product that
// was offered, UPPER for the same in capitals.
var batteryAnswers = map[string]string{
	"unoffered": switching + "Upgrade: foo/9\r\nConnection: upgrade",
	"noconn":    switching + "Upgrade: PRODUCT",
	"noup":      switching + "Connection: upgrade",
	"cl0":       switching + "Upgrade: PRODUCT\r\nConnection: upgrade\r\nContent-Length: 0",
	"cl5":       switching + "Upgrade: PRODUCT\r\nConnection: upgrade\r\nContent-Length: 5",
	"te":        switching + "Upgrade: PRODUCT\r\nConnection: upgrade\r\nTransfer-Encoding: chunked",
	"connclose": switching + "Upgrade: PRODUCT\r\nConnection: close, upgrade",
	"connka":    switching + "Upgrade: PRODUCT\r\nConnection: keep-alive, Upgrade",
	"lower":     switching + "upgrade: PRODUCT\r\nconnection: upgrade",
	"upper":     switching + "UPGRADE: UPPER\r\nCONNECTION: UPGRADE",
	"list":      switching + "Upgrade: PRODUCT, foo/9\r\nConnection: upgrade",
	"two":       switching + "Upgrade: TLS/1.2, PRODUCT\r\nConnection: upgrade",
	"http10":    "HTTP/1.0 101 Switching Protocols\r\nUpgrade: PRODUCT\r\nConnection: upgrade",
	"noreason":  "HTTP/1.1 101 \r\nUpgrade: PRODUCT\r\nConnection: upgrade",
	"100":       "HTTP/1.1 100 Continue\r\n\r\n" + switching + "Upgrade: PRODUCT\r\nConnection: upgrade",
	"103":       "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + switching + "Upgrade: PRODUCT\r\nConnection: upgrade",
	"date":      switching + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: a\r\nUpgrade: PRODUCT\r\nConnection: upgrade",
	"426":       "HTTP/1.1 426 Upgrade Required\r\nUpgrade: echo/1, websocket\r\nConnection: upgrade\r\nContent-Length: 0",
	"200":       "HTTP/1.1 200 OK\r\nContent-Length: 0",
}

// newAnswers starts the origin of answerShapes and returns its address.
func newAnswers(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				stop := time.AfterFunc(time.Minute, func() { conn.Close() })
				defer stop.Stop()
				for batteryAnswer(conn) {
				}
			})
		}
	})
	return listener.Addr().String()
}

// batteryAnswer answers one request, and reports whether another may follow.
func batteryAnswer(conn net.Conn) bool {
	var buffer []byte
	var r head.Request
	octet := make([]byte, 1) // nothing after the head is read
	for n := 0; n == 0; {
		if _, err := conn.Read(octet); err != nil {
			return false
		}
		buffer = append(buffer, octet...)
		var err error
		if n, err = r.Parse(buffer, head.Limits{}); err != nil {
			return false
		}
	}
	_, kind, _ := strings.Cut(strings.Trim(string(r.Target), "/"), "-")
	kind, _, _ = strings.Cut(kind, "/")
	text, product := batteryAnswers[kind], ""
	if offer, err := handshake.Offer(r.Major, r.Minor, r.Connection, r.Upgrade); err != nil {
		// Without an offer from the proxy, nothing is switched.
		if strings.Contains(text, " 101 ") {
			text = batteryAnswers["200"]
		}
	} else {
		product = offer.Select(echo, webSocket).String()
		if product == "" {
			text = batteryAnswers["200"]
		}
	}
	switched := strings.Contains(text, " 101 ")
	text = strings.NewReplacer("PRODUCT", product, "UPPER", strings.ToUpper(product)).Replace(text)
	if switched && product == "websocket" {
		text += "\r\nSec-WebSocket-Accept: " + batteryAccept
	}
	if _, err := io.WriteString(conn, text+"\r\n\r\n"); err != nil {
		return false
	}
	switch {
	case !switched:
		return true
	case product == "websocket":
		webSocketEcho(conn, "")
	default:
		echoBytes(conn, "")
	}
	return false
}

// visit is the result of one case.
type visit struct {
	reached string // the request at the origin: method, version, and the fields that matter, in order
	got     string // the response at the client: status line and the fields that matter, in order
	verdict string // of handshake.Switched on a 101
	then    string // what followed the head of the response
}

func (v visit) String() string {
	return strings.Join([]string{v.reached, v.got, v.verdict, v.then}, " | ")
}

const (
	hang  = "hang"
	again = "/again" // in the target of a second try
)

// battery is a running origin, and the way to it: through a proxy or direct.
type battery struct {
	address string
	tap     *tap // between the proxy and the origin
	forward bool
}

// visit sends one case through the proxy. The limit applies to each wait.
func (b battery) visit(t testing.TB, c batteryCase, limit time.Duration, suffix string) visit {
	t.Helper()
	method, _, _ := strings.Cut(c.head, " ")
	target := "/" + c.name + suffix + c.path
	request := c.request(target)
	if b.forward {
		request = c.request("http://" + b.tap.address + target)
	}
	client, err := newBatteryClient(b.address, limit, request)
	if err != nil {
		t.Error(err)
		return visit{}
	}
	defer client.conn.Close()
	response, err := client.response()
	v := visit{got: response.String(), verdict: "-", then: "-"}
	switch {
	case err != nil:
		v.got = client.failure(err)
	case response.status == 101:
		v.verdict = response.verdict(t, c.head)
		v.then = client.speak(c)
	case response.status == 200:
		content, err := client.content(response)
		if text := strings.TrimSpace(content); text != "" {
			v.then = text
		}
		if err != nil {
			v.then += ", " + client.failure(err)
		}
	}
	v.reached = b.reached(t, method, target, err != nil)
	if v.verdict == "h2c" {
		// The proxy speaks HTTP/2 itself, and asks the origin when it likes.
		v.reached = "-"
	}
	return v
}

// reached returns the request as it reached the origin, or "nothing". With wait, it waits
// for the request. If the client has an answer, there is nothing to wait for.
func (b battery) reached(t testing.TB, method, target string, wait bool) string {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for _, talk := range b.tap.all() {
			octets := talk.client()
			begin := bytes.Index(octets, []byte(method+" "+target+" HTTP/"))
			if begin < 0 {
				continue
			}
			var r head.Request
			if n, err := r.Parse(octets[begin:], head.Limits{}); err != nil {
				return "a malformed request: " + err.Error()
			} else if n == 0 {
				continue
			}
			s := fmt.Sprintf("%s HTTP/%d.%d", r.Method, r.Major, r.Minor)
			for name, value := range r.All() {
				if batteryField(string(name), "Sec-WebSocket-Accept") {
					s += fmt.Sprintf("; %s: %s", name, value)
				}
			}
			return s
		}
		if !wait || time.Now().After(end) {
			return "nothing"
		}
	}
}

// batteryField reports whether name is a field that the records show, other than but.
func batteryField(name, but string) bool {
	fields := []string{"Upgrade", "Connection", "HTTP2-Settings", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-Accept"}
	return slices.ContainsFunc(fields, func(f string) bool { return f != but && strings.EqualFold(f, name) })
}

// batteryClient is a client that writes raw octets.
type batteryClient struct {
	conn  *net.TCPConn
	limit time.Duration
	r     *bufio.Reader
}

// newBatteryClient connects and writes a request. The limit applies to each wait.
func newBatteryClient(address string, limit time.Duration, request string) (*batteryClient, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &batteryClient{conn: conn.(*net.TCPConn), limit: limit}
	c.r = bufio.NewReader(c)
	if _, err := io.WriteString(conn, request); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *batteryClient) Read(p []byte) (int, error) {
	c.conn.SetReadDeadline(time.Now().Add(c.limit))
	return c.conn.Read(p)
}

// failure returns why no more came, as the records put it.
func (c *batteryClient) failure(err error) string {
	trouble := net.Error(nil)
	switch {
	case errors.As(err, &trouble) && trouble.Timeout():
		return hang
	case errors.As(err, &trouble), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	}
	return err.Error()
}

// batteryResponse is the head of a response.
type batteryResponse struct {
	interim             []int // status codes of the interim responses before it
	status              int
	major, minor        int
	line                string
	fields              [][2]string
	connection, upgrade []string
}

// response reads the head of a response, and the interim responses before it.
func (c *batteryClient) response() (batteryResponse, error) {
	var interim []int
	for {
		r := batteryResponse{interim: interim}
		for {
			line, err := c.r.ReadString('\n')
			if err != nil {
				return r, err
			}
			line = strings.TrimSuffix(line, "\r\n")
			if line == "" {
				break
			}
			if r.line == "" {
				r.line = line
				if _, err := fmt.Sscanf(line, "HTTP/%1d.%1d %3d", &r.major, &r.minor, &r.status); err != nil {
					return r, fmt.Errorf("no status line: %q", line)
				}
				continue
			}
			name, value, _ := strings.Cut(line, ":")
			value = strings.Trim(value, " \t")
			r.fields = append(r.fields, [2]string{name, value})
			switch strings.ToLower(name) {
			case "connection":
				r.connection = append(r.connection, value)
			case "upgrade":
				r.upgrade = append(r.upgrade, value)
			}
		}
		if r.status >= 200 || r.status == 101 {
			return r, nil
		}
		interim = append(interim, r.status)
	}
}

func (r batteryResponse) String() string {
	s := ""
	for _, status := range r.interim {
		s += strconv.Itoa(status) + ", "
	}
	version, rest, _ := strings.Cut(r.line, " ")
	s += version + " " + strconv.Itoa(r.status)
	if _, reason, _ := strings.Cut(rest, " "); reason == "" {
		s += " without reason"
	}
	for _, f := range r.fields {
		name, value := f[0], f[1]
		if strings.EqualFold(name, "Sec-WebSocket-Accept") {
			if value == batteryAccept {
				value = "right"
			} else {
				value = "wrong"
			}
		}
		// A length matters only in a 101, which cannot have content.
		if batteryField(name, "Content-Length") || r.status == 101 && strings.EqualFold(name, "Content-Length") {
			s += "; " + name + ": " + value
		}
	}
	return s
}

// verdict returns what handshake.Switched makes of a response to that request.
func (r batteryResponse) verdict(t testing.TB, requestHead string) string {
	t.Helper()
	var major, minor int
	var connection, offered []string
	for i, line := range strings.Split(requestHead, "|") {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case i == 0:
			if _, err := fmt.Sscanf(line[strings.Index(line, " "):], " HTTP/%d.%d", &major, &minor); err != nil {
				t.Error(err)
			}
		case strings.EqualFold(name, "Connection"):
			connection = append(connection, value)
		case strings.EqualFold(name, "Upgrade"):
			offered = append(offered, value)
		}
	}
	var offer []upgrade.Product[string]
	// If its offer does not count, the request has offered nothing.
	if list, err := handshake.Offer(major, minor, connection, offered); err == nil {
		offer = slices.Collect(list.All())
	}
	chosen, err := handshake.Switched(r.status, r.major, r.minor, r.connection, r.upgrade, offer...)
	if err != nil {
		return err.Error()
	}
	return chosen.String()
}

// content reads the content of a response.
func (c *batteryClient) content(r batteryResponse) (string, error) {
	from := io.Reader(c.r)
	for _, f := range r.fields {
		switch strings.ToLower(f[0]) {
		case "content-length":
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return "", err
			}
			from = io.LimitReader(c.r, n)
		case "transfer-encoding":
			from = httputil.NewChunkedReader(c.r)
		}
	}
	octets, err := io.ReadAll(from)
	return string(octets), err
}

// batteryStep is what the client says in a protocol, and what must come back.
type batteryStep struct{ name, send, want string }

var (
	// A text frame "hello", masked with zeros, and the same without a mask.
	webSocketHello = batteryStep{"echo", "\x81\x85\x00\x00\x00\x00hello", "\x81\x05hello"}
	webSocketClose = batteryStep{"close", "\x88\x82\x00\x00\x00\x00\x03\xe8", "\x88\x02\x03\xe8"}
	webSocketEarly = batteryStep{"early", "", "\x81\x05EARLY"}
	echoHello      = batteryStep{"echo", "hello", "hello"}
	echoEarly      = batteryStep{"early", "", "EARLY"}
)

// step makes a step. It returns what went wrong, or an empty string.
func (c *batteryClient) step(step batteryStep) string {
	if _, err := io.WriteString(c.conn, step.send); err != nil {
		return step.name + " not sent"
	}
	octets := make([]byte, len(step.want))
	n, err := io.ReadFull(c.r, octets)
	if err != nil {
		return fmt.Sprintf("%s %q, %s", step.name, octets[:n], c.failure(err))
	}
	if string(octets) != step.want {
		return fmt.Sprintf("%s %q", step.name, octets)
	}
	return ""
}

// speak speaks the protocol that was offered, and returns how far it came.
func (c *batteryClient) speak(which batteryCase) string {
	if which.name == "h2c" {
		frame := make([]byte, 9)
		if _, err := io.ReadFull(c.r, frame); err != nil || frame[3] != 4 {
			return fmt.Sprintf("%q, %v", frame, err)
		}
		return "settings of HTTP/2"
	}
	var steps []batteryStep
	webSocket := strings.Contains(which.head, batteryKey)
	if strings.HasSuffix(which.path, "/early") {
		steps = append(steps, echoEarly)
		if webSocket {
			steps[0] = webSocketEarly
		}
	}
	if webSocket {
		steps = append(steps, webSocketHello, webSocketClose)
	} else {
		hello := echoHello
		if which.name == "behind" {
			hello.want = which.behind + hello.want
		}
		steps = append(steps, hello)
	}
	var all []string
	for _, step := range steps {
		if trouble := c.step(step); trouble != "" {
			return strings.Join(append(all, trouble), ", ")
		}
		all = append(all, step.name)
	}
	if err := c.conn.CloseWrite(); err != nil {
		return strings.Join(append(all, "closed"), ", ")
	}
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 {
		all = append(all, string(rest))
	}
	end := "end"
	if err != nil && c.failure(err) == hang {
		end = hang
	}
	return strings.Join(append(all, end), ", ")
}

// The limits of a wait. If a case hangs in the records, all tries the short one first. If
// the result differs, all tries the long one: the machine may be slow.
const (
	batteryShort  = 500 * time.Millisecond
	batteryLong   = 10 * time.Second
	batteryAtOnce = 6
)

// all visits with each case, several at the same time, and returns the results.
func (b battery) all(t testing.TB, cases []batteryCase, want map[string]visit) map[string]visit {
	t.Helper()
	var (
		mu      sync.Mutex
		visits  = map[string]visit{}
		running sync.WaitGroup
		places  = make(chan struct{}, batteryAtOnce)
	)
	for _, c := range cases {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			expected, known := want[c.name]
			limit := batteryLong
			switch {
			case !known:
				limit = 3 * time.Second // -update
			case strings.HasSuffix(expected.got, hang) || strings.HasSuffix(expected.then, hang):
				limit = batteryShort
			}
			v := b.visit(t, c, limit, "")
			if limit == batteryShort && v != expected {
				v = b.visit(t, c, batteryLong, again)
			}
			mu.Lock()
			defer mu.Unlock()
			visits[c.name] = v
		})
	}
	running.Wait()
	return visits
}

// batteryRecords are the visits of one proxy: those with request shapes by layer, and those
// with answer shapes under the layer "".
type batteryRecords map[string]map[string]visit

func batteryPath(name string) string {
	return filepath.Join("testdata", "battery", strings.ReplaceAll(strings.ToLower(name), " ", "-")+".txt")
}

// String returns the records as their file has them: a line for each case, or two for a
// request shape if the layers differ.
func (r batteryRecords) String() string {
	var b strings.Builder
	for _, c := range requestShapes {
		over, raw := r[layers[0]][c.name], r[layers[1]][c.name]
		if over == raw {
			fmt.Fprintf(&b, "%s | %s\n", c.name, over)
			continue
		}
		fmt.Fprintf(&b, "%s (%s) | %s\n", c.name, layers[0], over)
		fmt.Fprintf(&b, "%s (%s) | %s\n", c.name, layers[1], raw)
	}
	for _, c := range answerShapes {
		fmt.Fprintf(&b, "%s | %s\n", c.name, r[""][c.name])
	}
	return b.String()
}

// toCompare returns the records of a proxy. With -update they are empty, since the new
// records are not compared with the old.
func toCompare(t testing.TB, name string) batteryRecords {
	if *update {
		return batteryRecords{"": {}, layers[0]: {}, layers[1]: {}}
	}
	return readBattery(t, name)
}

// readBattery reads the records of a proxy. They are empty before the first -update.
func readBattery(t testing.TB, name string) batteryRecords {
	t.Helper()
	records := batteryRecords{"": {}, layers[0]: {}, layers[1]: {}}
	text, err := os.ReadFile(batteryPath(name))
	if errors.Is(err, os.ErrNotExist) {
		return records
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), " | ")
		if len(cells) != 5 {
			t.Fatalf("%s: want 5 cells: %s", batteryPath(name), line)
		}
		v := visit{cells[1], cells[2], cells[3], cells[4]}
		for layer := range records {
			if which, only := strings.CutSuffix(cells[0], " ("+layer+")"); only {
				records[layer][which] = v
			} else if !strings.Contains(cells[0], " ") {
				records[layer][cells[0]] = v
			}
		}
	}
	return records
}

// check compares the records with the file, or with -update writes the file.
func (r batteryRecords) check(t testing.TB, name string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(batteryPath(name), []byte(r.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(batteryPath(name))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(text), "\n")
	if diff := cmp.Diff(want, strings.Split(r.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", batteryPath(name), diff)
	}
}

func TestBatteryDirect(t *testing.T) {
	t.Parallel()
	want, got := toCompare(t, "direct"), batteryRecords{}
	for _, layer := range layers {
		tap := newTap(t, newOrigin(t, layer))
		got[layer] = battery{address: tap.address, tap: tap}.all(t, requestShapes, want[layer])
	}
	tap := newTap(t, newAnswers(t))
	got[""] = battery{address: tap.address, tap: tap}.all(t, answerShapes, want[""])
	got.check(t, "direct")
}
