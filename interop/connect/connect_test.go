//lint:file-ignore SA1019 x/net has its own client of extended CONNECT, deprecated or not

// Package connect tests our servers of extended CONNECT (RFC 8441) with foreign clients:
// hand-written frames, golang.org/x/net/http2, and node.
package connect

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/h2test"
	"github.com/gosegue/upgrade/internal/tcptest"
)

func TestMain(m *testing.M) { h2test.Main(m) }

// handler serves echo and websocket, and has h2c, which extended CONNECT cannot select.
// A request passed on to Next is answered with its method and :protocol in X-Next.
func handler() httpupgrade.Handler {
	echo := func(conn net.Conn, _ *http.Request) { io.Copy(conn, conn) }
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			{Product: upgrade.MustParseProduct("echo"), Serve: echo},
			{Product: upgrade.MustParseProduct("h2c"), Serve: echo},
			httpupgrade.WebSocket{Serve: func(conn net.Conn, r *http.Request, _ string) { echo(conn, r) }}.Protocol(),
		},
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Next", fmt.Sprint(r.Method, r.Header[":protocol"]))
		}),
	}
}

// serve serves HTTP/2 without TLS, by prior knowledge, and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// client sends and receives frames.
type client struct {
	*http2.Framer
	t        *testing.T
	settings map[http2.SettingID]uint32 // of the server
}

func dial(t *testing.T, addr string, settings ...http2.Setting) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(4 * tcptest.Patience))
	c := &client{http2.NewFramer(conn, conn), t, map[http2.SettingID]uint32{}}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	io.WriteString(conn, http2.ClientPreface)
	c.WriteSettings(settings...)
	for len(c.settings) == 0 {
		frame, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := frame.(*http2.SettingsFrame); ok && !f.IsAck() {
			f.ForeachSetting(func(s http2.Setting) error { c.settings[s.ID] = s.Val; return nil })
			c.WriteSettingsAck()
		}
	}
	return c
}

// headers sends the fields ("name value", pseudo-header fields included) on stream 1.
func (c *client) headers(ends bool, fields ...string) {
	c.t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, " ")
		encoder.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: ends}); err != nil {
		c.t.Fatal(err)
	}
}

// next returns as text the next frame that is about stream 1 or ends the connection. It
// leaves out Date.
func (c *client) next() string {
	c.t.Helper()
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return "end"
		}
		var ends string
		if frame.Header().Flags.Has(http2.FlagDataEndStream) {
			ends = " END_STREAM"
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			var fields []string
			for _, field := range f.Fields {
				if field.Name != "date" {
					fields = append(fields, field.Name+" "+field.Value)
				}
			}
			return strings.Join(fields, ", ") + ends
		case *http2.DataFrame:
			return fmt.Sprintf("DATA %s%s", f.Data(), ends)
		case *http2.RSTStreamFrame:
			return "RST " + f.ErrCode.String()
		case *http2.GoAwayFrame:
			return "GOAWAY " + f.ErrCode.String()
		}
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// The handler answers the first frame of a stream. Answers of net/http itself are pinned
// too, and so are requests whose fault net/http hides from the handler.
func TestHeaders(t *testing.T) {
	t.Parallel()
	addr := serve(t, handler())
	const scheme, path, authority = ":scheme http", ":path /x", ":authority test"
	for _, test := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"extended CONNECT", []string{":method CONNECT", ":protocol echo", scheme, path, authority}, ":status 200"},
		{"another spelling", []string{":method CONNECT", ":protocol ECHO", scheme, path, authority}, ":status 200"},
		{"host instead of :authority", []string{":method CONNECT", ":protocol echo", scheme, path, "host test"}, ":status 200"},
		{"no :path", []string{":method CONNECT", ":protocol echo", scheme, authority}, "RST PROTOCOL_ERROR"},
		{"no :scheme, which no handler can see", []string{":method CONNECT", ":protocol echo", path, authority}, ":status 200"},
		{"no :authority", []string{":method CONNECT", ":protocol echo", scheme, path}, ":status 400, content-length 0 END_STREAM"},
		{"empty :authority", []string{":method CONNECT", ":protocol echo", scheme, path, ":authority "}, ":status 400, content-length 0 END_STREAM"},
		{"empty :protocol", []string{":method CONNECT", ":protocol ", scheme, path, authority}, "RST PROTOCOL_ERROR"},
		{":protocol twice", []string{":method CONNECT", ":protocol echo", ":protocol echo", scheme, path, authority}, "RST PROTOCOL_ERROR"},
		{":protocol after a field", []string{":method CONNECT", scheme, path, authority, "x-one 1", ":protocol echo"}, "RST PROTOCOL_ERROR"},
		{":protocol with GET", []string{":method GET", ":protocol echo", scheme, path, authority}, ":status 200, x-next GET[], content-length 0 END_STREAM"},
		{":protocol with POST", []string{":method POST", ":protocol echo", scheme, path, authority}, ":status 200, x-next POST[], content-length 0 END_STREAM"},
		{"two words", []string{":method CONNECT", ":protocol echo x", scheme, path, authority}, ":status 501, content-length 0 END_STREAM"},
		{"a list", []string{":method CONNECT", ":protocol echo, websocket", scheme, path, authority}, ":status 501, content-length 0 END_STREAM"},
		{"TLS", []string{":method CONNECT", ":protocol TLS/1.2", scheme, path, authority}, ":status 501, content-length 0 END_STREAM"},
		{"h2c, though registered", []string{":method CONNECT", ":protocol h2c", scheme, path, authority}, ":status 501, content-length 0 END_STREAM"},
		{"unknown", []string{":method CONNECT", ":protocol connect-udp", scheme, path, authority}, ":status 501, content-length 0 END_STREAM"},
		{"Connection", []string{":method CONNECT", ":protocol echo", scheme, path, authority, "connection upgrade"}, "400"},
		{"Upgrade", []string{":method CONNECT", ":protocol echo", scheme, path, authority, "upgrade echo"}, "400"},
		{"Transfer-Encoding", []string{":method CONNECT", ":protocol echo", scheme, path, authority, "transfer-encoding chunked"}, "400"},
		{"plain CONNECT", []string{":method CONNECT", ":authority test:1"}, ":status 200, x-next CONNECT[], content-length 0 END_STREAM"},
		{"WebSocket, as Chromium and node ask", []string{":method CONNECT", ":protocol websocket", scheme, path, authority, "sec-websocket-version 13", "origin http://test"}, ":status 200"},
		{"WebSocket, foreign origin", []string{":method CONNECT", ":protocol websocket", scheme, path, authority, "sec-websocket-version 13", "origin http://other"}, ":status 403, content-length 0 END_STREAM"},
		{"WebSocket, version 12", []string{":method CONNECT", ":protocol websocket", scheme, path, authority, "sec-websocket-version 12"}, ":status 400, sec-websocket-version 13, content-length 0 END_STREAM"},
	} {
		c := dial(t, addr)
		equal(t, "SETTINGS_ENABLE_CONNECT_PROTOCOL", c.settings[http2.SettingEnableConnectProtocol], 1)
		c.headers(false, test.fields...)
		got := c.next()
		if test.want == "400" {
			// net/http itself answers, with a text of its own.
			got, _, _ = strings.Cut(strings.TrimPrefix(got, ":status "), ",")
		}
		equal(t, test.name, got, test.want)
		if got != ":status 200" {
			continue
		}
		c.WriteData(1, false, []byte("abc"))
		equal(t, test.name, c.next(), "DATA abc")
		c.WriteData(1, true, nil)
		equal(t, test.name, c.next(), "DATA  END_STREAM")
	}
}

// A stream ends with these frames.
func TestEnds(t *testing.T) {
	t.Parallel()
	offer := []string{":method CONNECT", ":protocol echo", ":scheme http", ":path /x", ":authority test"}
	for _, test := range []struct {
		name  string
		ends  bool // the request ends the stream
		serve func(net.Conn)
		want  []string // after the 200
	}{
		{"ended with the request", true, func(conn net.Conn) { fmt.Fprint(conn, read(conn)) }, []string{"DATA EOF", "DATA  END_STREAM"}},
		{"the server returns first", false, func(conn net.Conn) { io.WriteString(conn, "BYE") }, []string{"DATA BYE", "DATA  END_STREAM", "RST NO_ERROR"}},
		{"the server closes first", false, func(conn net.Conn) { io.WriteString(conn, "BYE"); conn.Close() }, []string{"DATA BYE", "DATA  END_STREAM", "RST NO_ERROR"}},
		{"a panic", false, func(net.Conn) { panic("of the test") }, []string{"RST INTERNAL_ERROR"}},
		{"a Write that waits", false, func(conn net.Conn) {
			go conn.Write(make([]byte, 1<<20))
			for !isWriting() {
				time.Sleep(time.Millisecond)
			}
		}, []string{"RST INTERNAL_ERROR"}},
	} {
		h := httpupgrade.Handler{
			Protocols: []httpupgrade.Protocol{{
				Product: upgrade.MustParseProduct("echo"),
				Serve:   func(conn net.Conn, _ *http.Request) { test.serve(conn) },
			}},
			Error: func(*http.Request, error) {},
		}
		c := dial(t, serve(t, h), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3})
		c.headers(test.ends, offer...)
		got := []string{c.next()}
		for !strings.HasPrefix(got[len(got)-1], "RST") && (!test.ends || !strings.HasSuffix(got[len(got)-1], "END_STREAM")) && got[len(got)-1] != "end" {
			got = append(got, c.next())
		}
		// Leave out the octets that the window let through.
		got = slices.DeleteFunc(got, func(s string) bool { return s == "DATA \x00\x00\x00" })
		equal(t, test.name, got, append([]string{":status 200"}, test.want...))
	}
}

func read(conn net.Conn) error {
	_, err := conn.Read(make([]byte, 1))
	return err
}

// isWriting reports whether a goroutine waits in net/http for the window.
func isWriting() bool {
	stacks := make([]byte, 1<<20)
	return bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("writeDataFromHandler"))
}

// Without the setting, net/http neither announces nor serves extended CONNECT.
func TestWithoutSetting(t *testing.T) {
	if h2test.Without(t) {
		return
	}
	c := dial(t, serve(t, handler()))
	if _, has := c.settings[http2.SettingEnableConnectProtocol]; has {
		t.Error("SETTINGS_ENABLE_CONNECT_PROTOCOL was sent")
	}
	c.headers(false, ":method CONNECT", ":protocol echo", ":scheme http", ":path /x", ":authority test")
	equal(t, "answer", c.next(), "RST PROTOCOL_ERROR")
}

// The client of golang.org/x/net switches.
func TestXNet(t *testing.T) {
	t.Parallel()
	addr := serve(t, handler())
	transport := &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, _ string, _ *tls.Config) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	defer transport.CloseIdleConnections()
	body, w := io.Pipe()
	r, err := http.NewRequest(http.MethodConnect, "http://test/x", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header[":protocol"] = []string{"echo"}
	response, err := transport.RoundTrip(r)
	if err != nil && strings.Contains(err.Error(), "invalid header field name") {
		t.Skip(err) // from Go 1.27 on this client is net/http's
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	equal(t, "status", response.StatusCode, 200)
	io.WriteString(w, "octets")
	w.Close()
	rest, err := io.ReadAll(response.Body)
	equal(t, "rest", string(rest), "octets")
	if err != nil {
		t.Error(err)
	}
}

// The client of node switches. It gives its caller the bare stream.
func TestNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("INTEROP") == "required" {
			t.Fatal(err)
		}
		t.Skip("node is not installed")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	script := `
const session = require("http2").connect("http://" + process.argv[1]);
session.once("remoteSettings", (settings) => {
	const stream = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/x", "sec-websocket-version": "13" }, { endStream: false });
	stream.on("response", (h) => console.log(settings.enableConnectProtocol, h[":status"], h["sec-websocket-accept"]));
	stream.setEncoding("utf8").on("data", (text) => { console.log(text); stream.end(); });
	stream.on("close", () => { console.log("close", stream.rstCode); session.close(); });
	stream.write("octets");
});`
	command := exec.CommandContext(ctx, node, "-e", script, serve(t, handler()))
	said, err := command.Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		t.Errorf("%v: %s", err, ended.Stderr)
	}
	equal(t, "node", string(said), "true 200 undefined\noctets\nclose 0\n")
}
