package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"github.com/gobwas/httphead"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	rfc6455 "github.com/gosegue/upgrade/websocket"
	"golang.org/x/net/http/httpguts"
)

// All operations store a result here, so that the compiler cannot optimise them away.
var (
	sinkInt  int
	sinkBool bool
)

var (
	websocket = upgrade.MustParseProduct("websocket")
	switched  = []upgrade.Product[string]{websocket}
)

// field is an input: the lines of Connection and Upgrade, as strings and as bytes.
type field struct {
	connection, upgrade           []string
	connectionBytes, upgradeBytes [][]byte
}

func newField(connection, upgrade []string) *field {
	f := &field{connection: connection, upgrade: upgrade}
	for _, s := range connection {
		f.connectionBytes = append(f.connectionBytes, []byte(s))
	}
	for _, s := range upgrade {
		f.upgradeBytes = append(f.upgradeBytes, []byte(s))
	}
	return f
}

// The operations. Each is a separate function that is not inlined.

//go:noinline
func selectStrings(f *field) {
	p, err := handshake.Select(1, 1, f.connection, f.upgrade, websocket)
	sinkBool = err == nil && !p.IsZero()
}

//go:noinline
func selectBytes(f *field) {
	p, err := handshake.Select(1, 1, f.connectionBytes, f.upgradeBytes, websocket)
	sinkBool = err == nil && !p.IsZero()
}

//go:noinline
func httpgutsTokens(f *field) {
	sinkBool = httpguts.HeaderValuesContainsToken(f.connection, "Upgrade") &&
		httpguts.HeaderValuesContainsToken(f.upgrade, "websocket")
}

//go:noinline
func selectHeader(h http.Header) {
	p, err := handshake.Select(1, 1, h["Connection"], h["Upgrade"], websocket)
	sinkBool = err == nil && !p.IsZero()
}

//go:noinline
func lookups(h http.Header) {
	sinkInt += len(h["Connection"]) + len(h["Upgrade"])
}

//go:noinline
func iterateString(line string) {
	list, err := upgrade.ParseList(line)
	if err != nil {
		panic(err)
	}
	n := 0
	for p := range list.All() {
		n += len(p.Name()) + len(p.Version())
	}
	sinkInt += n
}

//go:noinline
func iterateBytes(line []byte) {
	list, err := upgrade.ParseList(line)
	if err != nil {
		panic(err)
	}
	n := 0
	for p := range list.All() {
		n += len(p.Name()) + len(p.Version())
	}
	sinkInt += n
}

//go:noinline
func scanHead(line []byte) {
	scanner := httphead.NewScanner(line)
	n := 0
	for scanner.Next() {
		if scanner.Type() == httphead.ItemToken {
			n += len(scanner.Bytes())
		}
	}
	sinkInt += n
}

//go:noinline
func parseString(line string) {
	list, err := upgrade.ParseList(line)
	sinkBool = err == nil && !list.IsZero()
}

//go:noinline
func parseBytes(line []byte) {
	list, err := upgrade.ParseList(line)
	sinkBool = err == nil && !list.IsZero()
}

var table [256]byte

//go:noinline
func tableSum(line string) {
	sum := 0
	for i := 0; i < len(line); i++ {
		sum += int(table[line[i]])
	}
	sinkInt += sum
}

var (
	room = make([]byte, 0, 1024)
	head = func() []byte {
		b, err := handshake.AppendSwitchingProtocols(nil, switched)
		if err != nil {
			panic(err)
		}
		return b
	}()
)

//go:noinline
func appendHead() {
	b, err := handshake.AppendSwitchingProtocols(room, switched)
	sinkBool = err == nil
	sinkInt += len(b)
}

//go:noinline
func copyHead() {
	b := append(room, head...)
	sinkInt += len(b)
}

// connection stands in for a net.Conn: it has a Write and no WriteString.
type connection struct{ written int }

func (c *connection) Write(p []byte) (int, error) {
	c.written += len(p)
	return len(p), nil
}

var writer io.Writer = &connection{}

//go:noinline
func writeHead() {
	sinkBool = handshake.WriteSwitchingProtocols(writer, switched) == nil
}

//go:noinline
func writeHeader(h http.Header) {
	sinkBool = h.Write(writer) == nil
}

const key = "6bfcZMiWGKxykxS7tQUjTg=="

//go:noinline
func writeAnswer() {
	var answer [28]byte
	b, err := handshake.BeginSwitchingProtocols(room, websocket)
	if err == nil {
		b, err = handshake.AppendField(b, "Sec-WebSocket-Accept", rfc6455.AppendAccept(answer[:0], key))
	}
	b = append(b, "\r\n"...)
	writer.Write(b)
	sinkBool = err == nil
}

var buffered = bufio.NewWriterSize(writer, 512)

// bufferAnswer makes the calls with which gobwas/ws writes a 101, because that code cannot
// be called alone. It does not check names or values.
//
//go:noinline
func bufferAnswer() {
	buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
	buffered.WriteString("Sec-WebSocket-Accept")
	buffered.WriteString(": ")
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	answer := make([]byte, 28)
	base64.StdEncoding.Encode(answer, sum[:])
	buffered.WriteString(string(answer))
	buffered.WriteString("\r\n")
	buffered.WriteString("\r\n")
	sinkBool = buffered.Flush() == nil
}

// browserFields returns twelve fields as a browser sends them.
func browserFields(connection string) http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		"Host": "example.com", "Connection": connection, "Upgrade": "websocket", "Pragma": "no-cache",
		"Cache-Control": "no-cache", "User-Agent": "Mozilla/5.0", "Origin": "http://example.com",
		"Sec-WebSocket-Version": "13", "Accept-Encoding": "gzip, deflate", "Accept-Language": "en-US,en;q=0.9",
		"Sec-WebSocket-Key": "6bfcZMiWGKxykxS7tQUjTg==", "Sec-WebSocket-Extensions": "permessage-deflate",
	} {
		h.Set(name, value)
	}
	return h
}

// list returns a list of about size octets, of products of which about a third have a version.
func list(size int) string {
	names := []string{"websocket", "HTTP/2.0", "connect-udp", "h2c", "example-protocol-1", "IRC/6.9", "tailscale-control-protocol", "RTA/x11"}
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(names[(i*5+i/8)%len(names)])
	}
	return b.String()
}

var h2c = upgrade.MustParseProduct("h2c")

//go:noinline
func selectUnsupported(f *field) {
	_, err := handshake.Select(1, 1, f.connection, f.upgrade, h2c)
	sinkBool = err == handshake.ErrNotSupported
}

//go:noinline
func httpgutsUpgrade(f *field) { sinkBool = httpguts.HeaderValuesContainsToken(f.upgrade, "h2c") }

//go:noinline
func httpgutsConnection(f *field) {
	sinkBool = httpguts.HeaderValuesContainsToken(f.connection, "Upgrade")
}

func rows() []row {
	plain := newField([]string{"Upgrade"}, []string{"websocket"})
	firefox := newField([]string{"keep-alive, Upgrade"}, []string{"websocket"})
	four := "HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11"
	lines := newField([]string{"keep-alive", "Upgrade"}, []string{four, "websocket"})
	plainHeader, firefoxHeader := browserFields("Upgrade"), browserFields("keep-alive, Upgrade")
	var many []string
	for _, p := range strings.Split(list(4096), ", ") {
		if many = append(many, p); len(many) == 64 {
			break
		}
	}
	sixtyFour := strings.Join(many, ", ")
	long := list(8192)
	blanks := strings.Repeat(", \t", 8192/3) + "x"
	token := strings.Repeat("a", 8192)
	fields := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}

	var all []row
	decision := func(name string, f *field, target float64) {
		all = append(all,
			row{"decision, strings, " + name + " / two httpguts calls", func() { selectStrings(f) }, func() { httpgutsTokens(f) }, target},
			row{"decision, bytes, " + name + " / the same of strings", func() { selectBytes(f) }, func() { selectStrings(f) }, 1.25})
	}
	iterate := func(name, line string, target float64) {
		b := bytes.Clone([]byte(line))
		all = append(all,
			row{"ParseList and All, string, " + name + " / httphead.Scanner", func() { iterateString(line) }, func() { scanHead(b) }, target},
			row{"ParseList and All, bytes, " + name + " / httphead.Scanner", func() { iterateBytes(b) }, func() { scanHead(b) }, target})
	}
	parse := func(name, line string, target float64) {
		b := bytes.Clone([]byte(line))
		all = append(all,
			row{"ParseList, string, " + name + " / table sum", func() { parseString(line) }, func() { tableSum(line) }, target},
			row{"ParseList, bytes, " + name + " / table sum", func() { parseBytes(b) }, func() { tableSum(line) }, target})
	}

	decision("`Upgrade` and `websocket`", plain, 0.20)
	decision("`keep-alive, Upgrade` and `websocket`", firefox, 0.20)
	decision("two and two lines, five products", lines, 1.00)
	refused := newField([]string{"keep-alive"}, []string{"websocket"})
	all = append(all,
		row{"decision, strings, `websocket` of a server of h2c, `Upgrade` / one httpguts call on Upgrade", func() { selectUnsupported(plain) }, func() { httpgutsUpgrade(plain) }, 1.60},
		row{"decision, strings, `websocket` of a server of h2c, `keep-alive, Upgrade` / one httpguts call on Upgrade", func() { selectUnsupported(firefox) }, func() { httpgutsUpgrade(firefox) }, 1.60},
		row{"refusal, strings, `keep-alive` / one httpguts call on Connection", func() { selectStrings(refused) }, func() { httpgutsConnection(refused) }, 1.50})
	all = append(all,
		row{"decision, http.Header of 12, `Upgrade` / two map lookups", func() { selectHeader(plainHeader) }, func() { lookups(plainHeader) }, 1.35},
		row{"decision, http.Header of 12, `keep-alive, Upgrade` / two map lookups", func() { selectHeader(firefoxHeader) }, func() { lookups(firefoxHeader) }, 1.35})
	iterate("`websocket`", "websocket", 0.60)
	iterate("four products", four, 0.45)
	iterate("64 products", sixtyFour, 0.50)
	parse("four products", four, 1.75)
	parse("8 KiB list", long, 1.75)
	parse("8 KiB of commas and blanks", blanks, 1.50)
	parse("8 KiB token", token, 1.00)
	all = append(all,
		row{"AppendSwitchingProtocols / copy of the finished head", appendHead, copyHead, 1.80},
		row{"a 101 with Sec-WebSocket-Accept, field by field, key answered / the calls of gobwas/ws on a bufio.Writer", writeAnswer, bufferAnswer, 1.00},
		row{"WriteSwitchingProtocols / http.Header.Write", writeHead, func() { writeHeader(fields) }, 0.14},
		row{"a browser's WebSocket handshake in memory / gobwas/ws Upgrader", acceptRaw, upgradeGobwas, 0.65},
		row{clientInMemory, offerRaw, dialGobwas, 0.90},
		row{clientOverLoopback, offerOverLoopback, bareLoop, 1.05})
	chrome, firefoxRequest, w := webSocketRequest("Upgrade"), webSocketRequest("keep-alive, Upgrade"), newTaken()
	var d http.ResponseWriter = discards{http.Header{}}
	all = append(all,
		row{handlerChrome, func() { switchHandler(w, chrome) }, func() { switchGobwas(w, chrome) }, 1.00},
		row{handlerFirefox, func() { switchHandler(w, firefoxRequest) }, func() { switchGobwas(w, firefoxRequest) }, 1.00},
		row{"Gate, request without Upgrade / the handler without it", func() { throughGate(d) }, func() { withoutGate(d) }, 8})
	return all
}
