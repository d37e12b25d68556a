//lint:file-ignore SA1019 deprecated packages still have users

package peers

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	fasthttpwebsocket "github.com/fasthttp/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"
	"github.com/lxzan/gws"
	"github.com/moby/spdystream"
	"github.com/valyala/fasthttp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
	xnet "golang.org/x/net/websocket"
)

// This file tries our clients at servers that are not ours, through proxies that are not
// ours, and at our examples.

// ourClient offers a switch with one of our two clients. It returns the connection, and a
// function for the fields of the 101 by name. If the server declines, the error is a declined.
type ourClient func(t *testing.T, addr string, o netupgrade.Offer) (net.Conn, func(name string) []string, error)

type declined struct {
	status  int
	content string
}

func (d declined) Error() string { return fmt.Sprintf("declined: %d %q", d.status, d.content) }

func byClient(t *testing.T, addr string, o netupgrade.Offer) (net.Conn, func(string) []string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	o.Host = addr
	client := netupgrade.Client{Timeout: 10 * time.Second}
	switched, err := client.Upgrade(context.Background(), conn, o)
	var no *netupgrade.Declined
	if errors.As(err, &no) {
		resp, err := http.ReadResponse(bufio.NewReader(no.Conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return nil, nil, whole(t, resp)
	}
	if err != nil {
		return nil, nil, err
	}
	return switched.Conn, func(name string) (lines []string) {
		for _, line := range switched.Head.Lines(nil, name) {
			lines = append(lines, string(line))
		}
		return lines
	}, nil
}

func byRoundTrip(t *testing.T, addr string, o netupgrade.Offer) (net.Conn, func(string) []string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var body io.Reader
	if o.Content != nil {
		body = bytes.NewReader(o.Content)
	}
	r, err := http.NewRequestWithContext(ctx, o.Method, "http://"+addr+o.Target, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range o.Fields {
		r.Header.Add(f.Name, f.Value)
	}
	if len(o.Options) > 0 {
		r.Header["Connection"] = o.Options
	}
	conn, resp, err := httpupgrade.RoundTrip(nil, r, o.Products...)
	if errors.Is(err, httpupgrade.ErrDeclined) {
		return nil, nil, whole(t, resp)
	}
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { conn.Close() })
	return conn, resp.Header.Values, nil
}

func whole(t *testing.T, resp *http.Response) declined {
	t.Helper()
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return declined{resp.StatusCode, string(content)}
}

// byBoth runs a test with each of our clients.
func byBoth(t *testing.T, p peer, scenario string, test func(*testing.T, ourClient)) {
	p.scenario(t, "netupgrade.Client: "+scenario, func(t *testing.T) { test(t, byClient) })
	p.scenario(t, "httpupgrade.RoundTrip: "+scenario, func(t *testing.T) { test(t, byRoundTrip) })
}

// dialWebSocket switches to WebSocket.
func (c ourClient) dialWebSocket(t *testing.T, addr, target string) net.Conn {
	t.Helper()
	key := string(websocket.AppendKey(nil))
	conn, fields, err := c(t, addr, netupgrade.Offer{
		Products: []upgrade.Product[string]{webSocket}, Target: target,
		Fields: []handshake.Field{{Name: "Sec-WebSocket-Version", Value: websocket.Version}, {Name: "Sec-WebSocket-Key", Value: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := websocket.CheckAccept(key, fields("Sec-WebSocket-Accept")); err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// echoes sends messages and expects them back.
func echoes(t *testing.T, conn net.Conn) {
	t.Helper()
	for _, text := range []string{"hello", strings.Repeat("long", 20_000), "good bye"} {
		if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
			t.Fatal(err)
		}
		answer, err := wsutil.ReadServerText(conn)
		if string(answer) != text || err != nil {
			t.Fatalf("%.20q came back as %.20q, %v", text, answer, err)
		}
	}
}

func TestOurClientsAtLibraries(t *testing.T) {
	t.Parallel()
	go1 := strings.TrimPrefix(runtime.Version(), "go")
	over := func(h http.HandlerFunc) func(net.Listener) {
		return func(l net.Listener) { http.Serve(l, h) }
	}
	for name, serve := range map[string]func(net.Listener){
		"gorilla/websocket": over(func(w http.ResponseWriter, r *http.Request) {
			var upgrader gorilla.Upgrader
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer conn.Close()
			for {
				kind, message, err := conn.ReadMessage()
				if err != nil || conn.WriteMessage(kind, message) != nil {
					return
				}
			}
		}),
		"coder/websocket": over(func(w http.ResponseWriter, r *http.Request) {
			conn, err := coder.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer conn.CloseNow()
			conn.SetReadLimit(1 << 20)
			for {
				kind, message, err := conn.Read(r.Context())
				if err != nil || conn.Write(r.Context(), kind, message) != nil {
					return
				}
			}
		}),
		"gobwas/ws": func(l net.Listener) {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					if _, err := ws.Upgrade(conn); err == nil {
						webSocketEcho(conn, "")
					}
					conn.Close()
				}()
			}
		},
		"lxzan/gws": over(func(w http.ResponseWriter, r *http.Request) {
			conn, err := gws.NewUpgrader(gwsServer{}, nil).Upgrade(w, r)
			if err == nil {
				conn.ReadLoop()
			}
		}),
		"x/net/websocket": over(xnet.Server{Handler: func(conn *xnet.Conn) {
			for {
				var message string
				if xnet.Message.Receive(conn, &message) != nil || xnet.Message.Send(conn, message) != nil {
					return
				}
			}
		}}.ServeHTTP),
		"fasthttp/websocket": func(l net.Listener) {
			var upgrader fasthttpwebsocket.FastHTTPUpgrader
			fasthttp.Serve(l, func(ctx *fasthttp.RequestCtx) {
				upgrader.Upgrade(ctx, func(conn *fasthttpwebsocket.Conn) {
					for {
						kind, message, err := conn.ReadMessage()
						if err != nil || conn.WriteMessage(kind, message) != nil {
							return
						}
					}
				})
			})
		},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		go serve(listener)
		byBoth(t, peer{"server of " + name, go1}, "WebSocket", func(t *testing.T, c ourClient) {
			echoes(t, c.dialWebSocket(t, listener.Addr().String(), "/"))
		})
	}
}

type gwsServer struct{ gws.BuiltinEventHandler }

func (gwsServer) OnMessage(conn *gws.Conn, m *gws.Message) {
	defer m.Close()
	conn.WriteMessage(m.Opcode, m.Bytes())
}

func TestOurClientsAtPython(t *testing.T) {
	t.Parallel()
	for _, module := range []string{"websockets", "aiohttp"} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			p := peer{"server of Python " + module, pythonModule(t, module, "python3-"+module)}
			d := start(t, command(t, debianPython, testFile(t, module+"_server.py")))
			addr := d.firstLine(t)
			byBoth(t, p, "WebSocket", func(t *testing.T, c ourClient) { echoes(t, c.dialWebSocket(t, addr, "/")) })
		})
	}
}

// The origin is ours, the proxy in front is not.
func TestOurClientsThroughProxies(t *testing.T) {
	t.Parallel()
	for _, p := range proxies {
		if !slices.Contains([]string{"nginx", "haproxy", "Apache", "ReverseProxy"}, p.name) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			found := p.peer(t)
			found.name += ", in front"
			addr := p.start(t, newOrigin(t, "httpupgrade"))
			byBoth(t, found, "WebSocket", func(t *testing.T, c ourClient) { echoes(t, c.dialWebSocket(t, addr, "/")) })
			byBoth(t, found, "WebSocket, the server speaks first", func(t *testing.T, c ourClient) {
				conn := c.dialWebSocket(t, addr, "/early")
				if message, err := wsutil.ReadServerText(conn); string(message) != "EARLY" || err != nil {
					t.Errorf("%q, %v", message, err)
				}
				echoes(t, conn)
			})
			byBoth(t, found, "declined", func(t *testing.T, c ourClient) {
				// A proxy may remove Upgrade from a 426, or give an answer of its own.
				_, _, err := c(t, addr, netupgrade.Offer{Products: []upgrade.Product[string]{webSocket}, Target: "/426"})
				var no declined
				if !errors.As(err, &no) || no.status < 400 {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestOurClientsAtNode(t *testing.T) {
	t.Parallel()
	node := need(t, "apt-get install nodejs", "node")
	p := peer{"server of Node http", version(t, node, "--version")}
	d := start(t, command(t, node, testFile(t, "upgrade_server.cjs")))
	addr := d.firstLine(t)
	byBoth(t, p, "a private protocol, early bytes, half-close", func(t *testing.T, c ourClient) {
		// Node's server drops the content of a request that offers a switch.
		conn, _, err := c(t, addr, netupgrade.Offer{Products: []upgrade.Product[string]{webSocket, echo}, Target: "/"})
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "hello")
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); string(got) != "EARLYhelloBYE" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	proxy := throughOurs(t, addr, "websocket", "echo/1")
	byBoth(t, p, "through proxyupgrade: early bytes, half-close, refused, a product that was not offered", func(t *testing.T, c ourClient) {
		conn, _, err := c(t, proxy, netupgrade.Offer{Products: []upgrade.Product[string]{webSocket, echo}, Target: "/"})
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "hello")
		conn.(interface{ CloseWrite() error }).CloseWrite()
		if got, err := io.ReadAll(conn); string(got) != "EARLYhelloBYE" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, _, err := c(t, proxy, netupgrade.Offer{Products: []upgrade.Product[string]{echo}, Target: "/403"}); err != error(declined{403, "no\n"}) {
			t.Error(err)
		}
		if _, _, err := c(t, proxy, netupgrade.Offer{Products: []upgrade.Product[string]{webSocket}, Target: "/"}); err != error(declined{502, ""}) {
			t.Error(err)
		}
	})
	byBoth(t, p, "a product that was not offered", func(t *testing.T, c ourClient) {
		if _, _, err := c(t, addr, netupgrade.Offer{Products: []upgrade.Product[string]{webSocket}, Target: "/"}); err != handshake.ErrNotOffered {
			t.Error(err)
		}
	})
	byBoth(t, p, "refused", func(t *testing.T, c ourClient) {
		_, _, err := c(t, addr, netupgrade.Offer{Products: []upgrade.Product[string]{echo}, Target: "/403"})
		if err != error(declined{403, "no\n"}) {
			t.Error(err)
		}
	})
}

// offerOfH2C is the offer of RFC 7540, section 3.2, with one setting:
// SETTINGS_MAX_CONCURRENT_STREAMS is 100.
func offerOfH2C() netupgrade.Offer {
	return netupgrade.Offer{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("h2c")}, Target: "/",
		Options: []string{"HTTP2-Settings"}, Fields: []handshake.Field{{Name: "HTTP2-Settings", Value: "AAMAAABk"}},
	}
}

// speaksHTTP2 switches to HTTP/2 and reads the answer to the request that made the offer,
// on stream 1.
func speaksHTTP2(t *testing.T, c ourClient, addr string) {
	t.Helper()
	conn, _, err := c(t, addr, offerOfH2C())
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.WriteSettings()
	for first := true; ; first = false {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := frame.(*http2.SettingsFrame); first && !ok {
			t.Fatalf("the first frame is %v", frame)
		}
		if data, ok := frame.(*http2.DataFrame); ok {
			if data.StreamID != 1 || string(data.Data()) != "text\n" {
				t.Errorf("%v: %q", data, data.Data())
			}
			return
		}
	}
}

func TestOurClientsAtH2C(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(h2c.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "text\n")
	}), &http2.Server{}))
	t.Cleanup(server.Close)
	byBoth(t, peer{"server of x/net h2c", strings.TrimPrefix(runtime.Version(), "go")}, "h2c", func(t *testing.T, c ourClient) {
		speaksHTTP2(t, c, server.Listener.Addr().String())
	})

	t.Run("Apache", func(t *testing.T) {
		t.Parallel()
		apache := proxy{
			name: "Apache", install: "apt-get install apache2", programs: []string{"apache2", "/usr/sbin/apache2"},
			version: []string{"-v"}, config: "apache-h2c.conf", args: []string{"-DFOREGROUND", "-f", "{{.Config}}"},
		}
		p := apache.peer(t)
		p.name = "server of Apache"
		text := filepath.Join(apache.dir(t), "text")
		if err := os.WriteFile(text, []byte("text\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		addr := apache.start(t, text)
		byBoth(t, p, "h2c", func(t *testing.T, c ourClient) { speaksHTTP2(t, c, addr) })
		byBoth(t, p, "declined, content whole", func(t *testing.T, c ourClient) {
			_, _, err := c(t, addr, netupgrade.Offer{Products: []upgrade.Product[string]{webSocket}, Target: "/"})
			if err != error(declined{200, "text\n"}) {
				t.Error(err)
			}
		})
	})
}

// cupsd answers an offer of TLS with a 101 without the upgrade option, which our clients
// must not take for a switch (RFC 9110, section 7.8).
func TestOurClientsAtCUPS(t *testing.T) {
	t.Parallel()
	cupsd := need(t, "apt-get install cups-daemon", "cupsd", "/usr/sbin/cupsd")
	p := peer{"cupsd", "2.4"}
	dir := t.TempDir()
	addr := freeAddress(t)
	data := proxyData{Listen: addr, Dir: dir}
	for _, sub := range []string{"spool/tmp", "cache", "state", "ssl"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"cupsd.conf": "Listen {{.Listen}}\nDefaultEncryption IfRequested\n<Location />\nAllow 127.0.0.1\n</Location>\n",
		"cups-files.conf": "ServerRoot {{.Dir}}\nRequestRoot {{.Dir}}/spool\nCacheDir {{.Dir}}/cache\nStateDir {{.Dir}}/state\n" +
			"TempDir {{.Dir}}/spool/tmp\nServerKeychain {{.Dir}}/ssl\nErrorLog {{.Dir}}/error.log\nAccessLog {{.Dir}}/access.log\nPageLog {{.Dir}}/page.log\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data.fill(t, text)), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	d := start(t, command(t, cupsd, "-f", "-c", filepath.Join(dir, "cupsd.conf"), "-s", filepath.Join(dir, "cups-files.conf")))
	d.listening(t, addr)
	p.limit(t, "netupgrade.Client: its 101 has no upgrade option", func(t *testing.T) {
		var products []upgrade.Product[string]
		for _, text := range []string{"TLS/1.2", "TLS/1.1", "TLS/1.0"} {
			products = append(products, upgrade.MustParseProduct(text))
		}
		_, _, err := byClient(t, addr, netupgrade.Offer{Products: products, Method: "OPTIONS", Target: "*"})
		if err != handshake.ErrNoOption {
			t.Error(err)
		}
	})
}

// The servers are our examples. The engine and the API server answer as those of Docker
// and Kubernetes do.
func TestOurClientsAtExamples(t *testing.T) {
	t.Parallel()
	p := peer{"examples, by our clients", strings.TrimPrefix(runtime.Version(), "go")}
	p.scenario(t, "netupgrade.Client: RFC 2817, TLS on the same connection", func(t *testing.T) {
		both(t, "tls", func(t *testing.T, tap *tap) {
			var products []upgrade.Product[string]
			for _, text := range []string{"TLS/1.3", "TLS/1.2"} {
				products = append(products, upgrade.MustParseProduct(text))
			}
			conn, _, err := byClient(t, tap.address, netupgrade.Offer{Products: products, Method: "OPTIONS", Target: "*"})
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // the example signs its own certificate
			defer secure.Close()
			// The answer to the OPTIONS comes inside TLS (RFC 2817, section 3.3).
			resp, err := http.ReadResponse(bufio.NewReader(secure), nil)
			if err != nil || resp.StatusCode != 200 {
				t.Fatal(resp, err)
			}
		})
	})
	byBoth(t, p, "docker exec", func(t *testing.T, c ourClient) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			conn, fields, err := c(t, tap.address, netupgrade.Offer{
				Products: []upgrade.Product[string]{upgrade.MustParseProduct("tcp")}, Method: "POST", Target: "/v1.47/exec/e1/start",
				Fields: []handshake.Field{{Name: "Content-Type", Value: "application/json"}}, Content: []byte(`{"Tty":false}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "type", strings.Join(fields("Content-Type"), " "), "application/vnd.docker.multiplexed-stream")
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			io.WriteString(conn, "input\n")
			conn.(interface{ CloseWrite() error }).CloseWrite()
			var streams [3]string
			for {
				var frame [8]byte
				if _, err := io.ReadFull(conn, frame[:]); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				content := make([]byte, binary.BigEndian.Uint32(frame[4:]))
				if _, err := io.ReadFull(conn, content); err != nil {
					t.Fatal(err)
				}
				streams[frame[0]] += string(content)
			}
			equal(t, "output", streams[1], "hello\ninput\nbye\n")
			equal(t, "errors", streams[2], "content \"{\\\"Tty\\\":false}\"\n")
		})
	})
	byBoth(t, p, "kubectl port-forward over SPDY", func(t *testing.T, c ourClient) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			conn, fields, err := c(t, tap.address, netupgrade.Offer{
				Products: []upgrade.Product[string]{upgrade.MustParseProduct("SPDY/3.1")}, Method: "POST",
				Target: "/api/v1/namespaces/default/pods/p/portforward",
				Fields: []handshake.Field{{Name: "X-Stream-Protocol-Version", Value: "portforward.k8s.io"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "dialect", strings.Join(fields("X-Stream-Protocol-Version"), " "), "portforward.k8s.io")
			spdy, err := spdystream.NewConnection(conn, false)
			if err != nil {
				t.Fatal(err)
			}
			defer spdy.Close()
			go spdy.Serve(spdystream.NoOpStreamHandler)
			var data *spdystream.Stream
			for _, kind := range []string{"error", "data"} {
				stream, err := spdy.CreateStream(http.Header{"Streamtype": {kind}, "Port": {"80"}, "Requestid": {"0"}}, nil, kind == "error")
				if err != nil {
					t.Fatal(err)
				}
				if err := stream.WaitTimeout(10 * time.Second); err != nil {
					t.Fatal(err)
				}
				data = stream
			}
			io.WriteString(data, "input\n")
			data.Close()
			output, err := io.ReadAll(data)
			if !strings.Contains(string(output), "input\n") || err != nil {
				t.Errorf("%q, %v", output, err)
			}
		})
	})
}
