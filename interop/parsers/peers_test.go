// Package parsers asks WebSocket libraries and field parsers in use, and ourselves, what
// they make of requests that tell them apart. It has nothing but tests.
package parsers_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/gobwas/httphead"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/lxzan/gws"
	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
	xnet "golang.org/x/net/websocket"
)

// peer is somebody who reads Upgrade and Connection.
type peer struct {
	name   string // as in the table
	module string // whose version counts; empty: this one or the standard library
	what   string // is asked
	start  func(testing.TB) ask
	sure   bool // has to be right everywhere
}

// ask returns what a peer answers to a request. The zero answer: it is not for this peer.
type ask func(testing.TB, input) answer

// answer is what a peer made of a request.
type answer struct {
	text     string // as in the table: a status, or "yes" and "no"
	switched bool   // or would be, if it were for this peer alone
	unread   bool   // the content of the request was, and then taken for the new protocol
}

func yesOrNo(yes bool) answer {
	if yes {
		return answer{text: "yes", switched: true}
	}
	return answer{text: "no"}
}

// right reports whether the answer is what the grammar and the rules ask for.
func (a answer) right(want verdict) bool {
	return !a.unread && (want == either || a.switched == (want == switches))
}

// peers are ourselves, then the upgraders, then those who read a field and no more. None
// stands here whose answers are not in the table.
var peers = []peer{
	{"ours", "", "`httpupgrade.Handler`", overHTTP(ours), true},
	{"ours, bytes", "", "`handshake.Select` on a head of one's own", overTCP(serveBytes), true},
	library("gorilla"),
	library("coder"),
	library("gobwas"),
	{"gobwas, raw", "github.com/gobwas/ws", "`Upgrader`", overTCP(serveGobwas), false},
	library("gws"),
	library("x/net"),
	{"ReverseProxy", "", "`httputil.ReverseProxy` of Go's library, in front of ours", startProxy, false},
	{"fasthttp", "github.com/valyala/fasthttp", "`RequestHeader.ConnectionUpgrade`", parser(askFasthttp), false},
	{"httpguts", "golang.org/x/net", "`http/httpguts.HeaderValuesContainsToken`, of both fields", parser(askHTTPGuts), false},
	{"httphead", "github.com/gobwas/httphead", "`ScanTokens`, of all lines of both fields", parser(askHTTPHead), false},
}

// The upgraders: each answers one message with itself.

var ours = httpupgrade.Handler{Protocols: []httpupgrade.Protocol{
	httpupgrade.WebSocket{Origin: func(*http.Request) bool { return true }, Serve: func(conn net.Conn, _ *http.Request, _ string) { echo(conn) }}.Protocol(),
}}

// echo is for those who bring no frames.
func echo(rw io.ReadWriter) {
	if text, err := wsutil.ReadClientText(rw); err == nil {
		wsutil.WriteServerText(rw, text)
	}
}

func serveGorilla(w http.ResponseWriter, r *http.Request) {
	var upgrader gorilla.Upgrader
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	if kind, message, err := conn.ReadMessage(); err == nil {
		conn.WriteMessage(kind, message)
	}
}

func serveCoder(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	if kind, message, err := conn.Read(context.Background()); err == nil {
		conn.Write(context.Background(), kind, message)
	}
}

func serveGobwasHTTP(w http.ResponseWriter, r *http.Request) {
	conn, buffered, _, err := gobwas.HTTPUpgrader{}.Upgrade(r, w)
	if conn == nil {
		return
	}
	defer conn.Close()
	if err == nil {
		echo(struct {
			io.Reader
			io.Writer
		}{buffered, conn})
	}
}

func serveGobwas(conn net.Conn) {
	if _, err := (gobwas.Upgrader{}).Upgrade(conn); err == nil {
		echo(conn)
	}
}

type gwsHandler struct{ gws.BuiltinEventHandler }

func (gwsHandler) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	conn.WriteMessage(message.Opcode, message.Bytes())
}

func serveGWS(w http.ResponseWriter, r *http.Request) {
	conn, err := gws.NewUpgrader(gwsHandler{}, nil).Upgrade(w, r)
	if err == nil {
		go conn.ReadLoop()
	}
}

func serveXNet(conn *xnet.Conn) {
	var text string
	if xnet.Message.Receive(conn, &text) == nil {
		xnet.Message.Send(conn, text)
	}
}

// overHTTP starts a server of net/http.
func overHTTP(handler http.Handler) func(testing.TB) ask {
	return func(tb testing.TB) ask { return overLoopback(serveHTTP(tb, handler)) }
}

func serveHTTP(tb testing.TB, handler http.Handler) net.Addr {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	tb.Cleanup(server.Close)
	return server.Listener.Addr()
}

func startProxy(tb testing.TB) ask {
	backend := &url.URL{Scheme: "http", Host: serveHTTP(tb, ours).String()}
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return overHTTP(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(backend) },
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	})(tb)
}

// overTCP starts a server that has the bare connection.
func overTCP(serve func(net.Conn)) func(testing.TB) ask {
	return func(tb testing.TB) ask {
		tb.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					conn.SetDeadline(time.Now().Add(patience))
					serve(conn)
					// A close with something unread would take the answer along.
					conn.(*net.TCPConn).CloseWrite()
					io.Copy(io.Discard, conn)
				}()
			}
		}()
		return overLoopback(listener.Addr())
	}
}

const (
	patience = 5 * time.Second
	// A peer that waits for the content of a request has not answered by then.
	early = 300 * time.Millisecond
)

// overLoopback asks the server at addr, and sees to it that what says 101 has switched.
func overLoopback(addr net.Addr) ask {
	return func(tb testing.TB, in input) answer {
		tb.Helper()
		conn, err := net.DialTimeout(addr.Network(), addr.String(), patience)
		if err != nil {
			tb.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		send := func(data []byte) {
			if _, err := conn.Write(data); err != nil {
				tb.Fatalf("%s: %v", in, err)
			}
		}
		send(in.head())
		reader := bufio.NewReader(conn)
		if in.content {
			// It is a frame, so that it is answered if taken for one. It comes
			// behind the head by itself, so that no buffer with it can be lost.
			conn.SetReadDeadline(time.Now().Add(early))
			reader.Peek(1)
			conn.SetReadDeadline(time.Now().Add(patience))
			send(content)
		}
		response, err := http.ReadResponse(reader, &http.Request{Method: "GET"})
		if err != nil {
			tb.Fatalf("%s: %v", in, err)
		}
		status := strconv.Itoa(response.StatusCode)
		if response.StatusCode != http.StatusSwitchingProtocols {
			return answer{text: status}
		}
		send(frame("frame"))
		text, err := wsutil.ReadServerText(struct {
			io.Reader
			io.Writer
		}{reader, conn})
		switch {
		case err != nil:
			tb.Fatalf("%s: %s, but then %v", in, status, err)
		case in.content && string(text) == "content":
			return answer{text: status + ", unread", switched: true, unread: true}
		case string(text) != "frame":
			tb.Fatalf("%s: %s, but then %q", in, status, text)
		}
		return answer{text: status, switched: true}
	}
}

// content is what a request has behind its head.
var content = frame("content")

// frame returns a message as a client sends it.
func frame(text string) []byte {
	return gobwas.MustCompileFrame(gobwas.MaskFrame(gobwas.NewTextFrame([]byte(text))))
}

// The parsers: what they know is the field, and not the request.

func parser(a ask) func(testing.TB) ask { return func(testing.TB) ask { return a } }

// askFasthttp asks about Connection alone, so that of the requests which differ in
// something else it can answer those that it does not even read.
func askFasthttp(_ testing.TB, in input) answer {
	var head fasthttp.RequestHeader
	if err := head.Read(bufio.NewReader(bytes.NewReader(in.head()))); err != nil {
		return answer{text: "400"}
	}
	_, lines, ok := in.fields()
	if !ok || len(lines) != 1 || lines[0] != "websocket" {
		return answer{}
	}
	return yesOrNo(head.ConnectionUpgrade())
}

func askHTTPGuts(_ testing.TB, in input) answer {
	connection, offered, ok := in.fields()
	if !ok {
		return answer{}
	}
	return yesOrNo(httpguts.HeaderValuesContainsToken(connection, "Upgrade") &&
		httpguts.HeaderValuesContainsToken(offered, "websocket"))
}

func askHTTPHead(_ testing.TB, in input) answer {
	connection, offered, ok := in.fields()
	if !ok {
		return answer{}
	}
	return yesOrNo(scan(connection, "Upgrade") && scan(offered, "websocket"))
}

// scan asks httphead for a token in a list. It scans one line, and several are one list.
func scan(lines []string, token string) bool {
	found := false
	valid := httphead.ScanTokens([]byte(strings.Join(lines, ",")), func(b []byte) bool {
		found = found || bytes.EqualFold(b, []byte(token))
		return true
	})
	return valid && found
}

// product is what all are asked for.
var product = upgrade.MustParseProduct("websocket")
