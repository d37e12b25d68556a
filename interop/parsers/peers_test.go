// Package parsers tests how WebSocket libraries and field parsers, ours included, answer
// requests on which they differ. It has only tests.
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

// peer is a server or a parser that reads Upgrade and Connection.
type peer struct {
	name   string // as in the table
	module string // its version is shown; empty: this module or the standard library
	what   string // the function or type that is asked
	start  func(testing.TB) ask
	sure   bool // every answer must be right
}

// ask returns a peer's answer to a request. It is zero if the request does not apply to the
// peer.
type ask func(testing.TB, input) answer

// answer is a peer's reaction to a request.
type answer struct {
	text     string // as in the table: a status, "yes", or "no"
	switched bool   // or would, if this peer alone decided
	unread   bool   // the content was not read before the switch, but taken for the new protocol
}

func yesOrNo(yes bool) answer {
	if yes {
		return answer{text: "yes", switched: true}
	}
	return answer{text: "no"}
}

// right reports whether the answer follows the grammar and the rules.
func (a answer) right(want verdict) bool {
	return !a.unread && (want == either || a.switched == (want == switches))
}

// peers are our servers, then the upgraders, then the parsers, which only read a field. The
// table has the answers of all of them.
var peers = []peer{
	{"ours", "", "`httpupgrade.Handler`", overHTTP(ours), true},
	{"ours, bytes", "", "`handshake.Select` in a hand-written server", overTCP(serveBytes), true},
	library("gorilla"),
	library("coder"),
	library("gobwas"),
	{"gobwas, raw", "github.com/gobwas/ws", "`Upgrader`", overTCP(serveGobwas), false},
	library("gws"),
	library("x/net"),
	{"ReverseProxy", "", "`httputil.ReverseProxy`, in front of ours", startProxy, false},
	{"fasthttp", "github.com/valyala/fasthttp", "`RequestHeader.ConnectionUpgrade`", parser(askFasthttp), false},
	{"httpguts", "golang.org/x/net", "`http/httpguts.HeaderValuesContainsToken`, of both fields", parser(askHTTPGuts), false},
	{"httphead", "github.com/gobwas/httphead", "`ScanTokens`, of all lines of both fields", parser(askHTTPHead), false},
}

// The upgraders. Each sends one message back.

var ours = httpupgrade.Handler{Protocols: []httpupgrade.Protocol{
	httpupgrade.WebSocket{Origin: func(*http.Request) bool { return true }, Serve: func(conn net.Conn, _ *http.Request, _ string) { echo(conn) }}.Protocol(),
}}

// echo sends one message back, for upgraders that have no frames of their own.
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

// overHTTP starts a net/http server and asks it.
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

// overTCP starts a server that gets bare connections, and asks it.
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
					// A close with unread input would reset the connection and lose the answer.
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
	// A peer that has not answered by then is waiting for the content of the request.
	early = 300 * time.Millisecond
)

// overLoopback asks the server at addr. If the server answers 101, it must have switched.
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
			// The content is a frame, so that a server that takes it for one answers
			// it. It is sent apart from the head, to be in no buffer that a server drops.
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

// content is the content of the requests that have some.
var content = frame("content")

// frame returns a message as a client sends it.
func frame(text string) []byte {
	return gobwas.MustCompileFrame(gobwas.MaskFrame(gobwas.NewTextFrame([]byte(text))))
}

// The parsers. They see the fields, not the request.

func parser(a ask) func(testing.TB) ask { return func(testing.TB) ask { return a } }

// askFasthttp asks only about Connection. Of the requests that differ elsewhere, it answers
// only those that fasthttp refuses to read.
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

// scan asks httphead whether a list has a token. httphead scans one line, so the lines are
// joined.
func scan(lines []string, token string) bool {
	found := false
	valid := httphead.ScanTokens([]byte(strings.Join(lines, ",")), func(b []byte) bool {
		found = found || bytes.EqualFold(b, []byte(token))
		return true
	})
	return valid && found
}

// product is the product that all peers are asked for.
var product = upgrade.MustParseProduct("websocket")
