package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
	xnet "golang.org/x/net/websocket"
)

// dialed is a WebSocket connection of a library.
type dialed interface {
	protocol() string
	send(message string) error
	receive() (string, error)
	// end sends a close frame with 1000 and returns the status code of the answer.
	end() (int, error)
}

// dial opens a connection and offers subprotocols.
type dial func(ctx context.Context, url string, subprotocols ...string) (dialed, error)

// dialTime is how long a connection may last.
const dialTime = 10 * time.Second

func TestDialers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, module string
		dial         dial
		client       webSocketClient
	}{
		// The strictest: it refuses a 101 whose Connection names a second option.
		{"gobwas/ws", "github.com/gobwas/ws", dialGobwas, webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "unexpected HTTP response status: 426",
			unoffered:       `handshake error: bad "Upgrade" header`,
			twoOptions:      `handshake error: bad "Connection" header`,
		}},
		{"gorilla/websocket", "github.com/gorilla/websocket", dialGorilla, webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "websocket: bad handshake, 426 Upgrade Required",
			unoffered:       "websocket: bad handshake, 101 Switching Protocols",
		}},
		{"coder/websocket", "github.com/coder/websocket", dialCoder, webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "failed to WebSocket dial: expected handshake response status code 101 but got 426",
			unoffered:       `failed to WebSocket dial: WebSocket protocol violation: Upgrade header "foo/9" does not contain websocket`,
		}},
		{"lxzan/gws", "github.com/lxzan/gws", dialGWS, webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "unexpected status code: 426",
			unoffered:       "missing Upgrade header",
		}},
		{"x/net/websocket", "golang.org/x/net", dialXNet, webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "bad status",
			unoffered:       "missing or bad upgrade",
			twoOptions:      "missing or bad upgrade",
		}},
	} {
		t.Run(strings.ReplaceAll(c.name, "/", "_"), func(t *testing.T) {
			t.Parallel()
			client := c.client
			client.peer = peer{c.name, moduleVersion(t, c.module)}
			client.open = func(_ *testing.T, urls ...string) []webSocketReport {
				var reports []webSocketReport
				for _, url := range urls {
					reports = append(reports, c.dial.talk(url, "a", "b"))
				}
				return reports
			}
			client.test(t)
			client.scenario(t, "WebSocket: the example", func(t *testing.T) {
				both(t, "websocket", func(t *testing.T, tap *tap) {
					equal(t, "report", c.dial.talk("ws://"+tap.address+"/"), webSocketReport{Messages: []string{"hi"}, Close: 1000})
					client.check(t, tap.only(t), "", "text hi", "close 1000")
				})
			})
		})
	}
}

// talk opens one connection and returns the report.
func (d dial) talk(url string, subprotocols ...string) webSocketReport {
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	defer cancel()
	conn, err := d(ctx, url, subprotocols...)
	if err != nil {
		return webSocketReport{Error: err.Error()}
	}
	report := webSocketReport{Protocol: conn.protocol()}
	talk := func() error {
		if strings.HasSuffix(url, "/early") {
			message, err := conn.receive()
			if err != nil {
				return err
			}
			report.Messages = append(report.Messages, message)
		}
		if err := conn.send("hi"); err != nil {
			return err
		}
		message, err := conn.receive()
		if err != nil {
			return err
		}
		report.Messages = append(report.Messages, message)
		report.Close, err = conn.end()
		return err
	}
	if err := talk(); err != nil {
		report.Error = err.Error()
	}
	return report
}

// moduleVersion returns the version of a module that the tests are built with.
func moduleVersion(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}

// gobwas/ws: frames on the bare connection, after the octets it has read ahead.

type gobwasConn struct {
	net.Conn
	r           io.Reader
	subprotocol string
}

func dialGobwas(ctx context.Context, url string, subprotocols ...string) (dialed, error) {
	conn, buffered, hello, err := gobwas.Dialer{Protocols: subprotocols}.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(dialTime))
	c := gobwasConn{conn, conn, hello.Protocol}
	if buffered != nil {
		c.r = buffered
	}
	return c, nil
}

func (c gobwasConn) protocol() string { return c.subprotocol }
func (c gobwasConn) send(message string) error {
	return wsutil.WriteClientText(c.Conn, []byte(message))
}

func (c gobwasConn) receive() (string, error) {
	_, payload, err := readFrame(c.r)
	return string(payload), err
}

func (c gobwasConn) end() (int, error) {
	defer c.Close()
	body := gobwas.NewCloseFrameBody(gobwas.StatusNormalClosure, "")
	if err := wsutil.WriteClientMessage(c.Conn, gobwas.OpClose, body); err != nil {
		return 0, err
	}
	_, payload, err := readFrame(c.r)
	if err != nil {
		return 0, err
	}
	code, _ := gobwas.ParseCloseFrameData(payload)
	return int(code), nil
}

// gorilla/websocket

type gorillaConn struct{ *gorilla.Conn }

func dialGorilla(ctx context.Context, url string, subprotocols ...string) (dialed, error) {
	dialer := gorilla.Dialer{Subprotocols: subprotocols}
	conn, response, err := dialer.DialContext(ctx, url, nil)
	if response != nil && err != nil {
		return nil, fmt.Errorf("%w, %s", err, response.Status)
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadDeadline(time.Now().Add(dialTime))
	conn.SetCloseHandler(func(int, string) error { return nil }) // or it would answer the answer
	return gorillaConn{conn}, nil
}

func (c gorillaConn) protocol() string { return c.Subprotocol() }

func (c gorillaConn) send(message string) error {
	return c.WriteMessage(gorilla.TextMessage, []byte(message))
}

func (c gorillaConn) receive() (string, error) {
	_, message, err := c.ReadMessage()
	return string(message), err
}

func (c gorillaConn) end() (int, error) {
	defer c.Close()
	if err := c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "")); err != nil {
		return 0, err
	}
	_, _, err := c.ReadMessage()
	if closed := (*gorilla.CloseError)(nil); errors.As(err, &closed) {
		return closed.Code, nil
	}
	return 0, err
}

// coder/websocket

type coderConn struct {
	*coder.Conn
	ctx context.Context
}

func dialCoder(ctx context.Context, url string, subprotocols ...string) (dialed, error) {
	conn, _, err := coder.Dial(ctx, url, &coder.DialOptions{Subprotocols: subprotocols})
	if err != nil {
		return nil, err
	}
	return coderConn{conn, ctx}, nil
}

func (c coderConn) protocol() string { return c.Subprotocol() }

func (c coderConn) send(message string) error {
	return c.Write(c.ctx, coder.MessageText, []byte(message))
}

func (c coderConn) receive() (string, error) {
	_, message, err := c.Read(c.ctx)
	return string(message), err
}

func (c coderConn) end() (int, error) {
	// Close waits for the answer, and fails if it has another status code.
	return int(coder.StatusNormalClosure), c.Close(coder.StatusNormalClosure, "")
}

// lxzan/gws: it calls a handler with each message.

type gwsConn struct {
	gws.BuiltinEventHandler
	*gws.Conn
	messages chan string
	closed   chan error
}

func dialGWS(_ context.Context, url string, subprotocols ...string) (dialed, error) {
	c := &gwsConn{messages: make(chan string, 2), closed: make(chan error, 1)}
	option := &gws.ClientOption{Addr: url, RequestHeader: http.Header{}}
	if len(subprotocols) > 0 {
		option.RequestHeader.Set("Sec-WebSocket-Protocol", strings.Join(subprotocols, ", "))
	}
	conn, _, err := gws.NewClient(c, option)
	if err != nil {
		return nil, err
	}
	c.Conn = conn
	go conn.ReadLoop()
	return c, nil
}

func (c *gwsConn) OnMessage(_ *gws.Conn, message *gws.Message) {
	c.messages <- message.Data.String()
	message.Close()
}

func (c *gwsConn) OnClose(_ *gws.Conn, err error) { c.closed <- err }

func (c *gwsConn) protocol() string          { return c.SubProtocol() }
func (c *gwsConn) send(message string) error { return c.WriteString(message) }

func (c *gwsConn) receive() (string, error) {
	select {
	case message := <-c.messages:
		return message, nil
	case err := <-c.closed:
		return "", err
	case <-time.After(dialTime):
		return "", context.DeadlineExceeded
	}
}

func (c *gwsConn) end() (int, error) {
	// It does not wait for the answer, and does not show it.
	return 1000, c.WriteClose(1000, nil)
}

// golang.org/x/net/websocket

type xnetConn struct{ *xnet.Conn }

func dialXNet(ctx context.Context, url string, subprotocols ...string) (dialed, error) {
	// It sends an Origin, which must be that of the server.
	config, err := xnet.NewConfig(url, "http"+strings.TrimPrefix(url, "ws"))
	if err != nil {
		return nil, err
	}
	config.Origin.Path = "" // an origin has no path
	config.Protocol = subprotocols
	conn, err := config.DialContext(ctx)
	if dialError := (*xnet.DialError)(nil); errors.As(err, &dialError) {
		return nil, dialError.Err // without the address
	}
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(dialTime))
	return xnetConn{conn}, nil
}

func (c xnetConn) protocol() string {
	if chosen := c.Config().Protocol; len(chosen) == 1 {
		return chosen[0]
	}
	return ""
}

func (c xnetConn) send(message string) error { return xnet.Message.Send(c.Conn, message) }

func (c xnetConn) receive() (message string, err error) {
	err = xnet.Message.Receive(c.Conn, &message)
	return message, err
}

func (c xnetConn) end() (int, error) {
	// It does not wait for the answer, and does not show it.
	return 1000, c.Close()
}

func TestNetHTTPClient(t *testing.T) {
	t.Parallel()
	p := peer{"Go net/http client", strings.TrimPrefix(runtime.Version(), "go")}
	p.scenario(t, "echo/1: Body is the connection, early bytes, half-close", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			body := netHTTPSwitch(t, "http://"+oneSegment(t, tap.address, "EARLY")+"/early", "echo/1", "echo/1")
			equal(t, "said by the server", netHTTPTalk(t, body), "EARLYhelloBYE")
			nodeCheck(t, tap.only(t), "GET", "Upgrade", "hello", "EARLYhelloBYE")
		})
	})
	p.scenario(t, "echo/1: the supported one of two products", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			body := netHTTPSwitch(t, "http://"+tap.address+"/", "foo, echo/1", "echo/1")
			equal(t, "said by the server", netHTTPTalk(t, body), "helloBYE")
			equal(t, "offer", webSocketOffer(t, tap.only(t).request(t)), []string{"foo", "echo/1"})
		})
	})
	p.limit(t, "echo/1: accepts a 101 to another protocol", func(t *testing.T) {
		body := netHTTPSwitch(t, "http://"+deviating(t, "foo/9", "Upgrade")+"/", "echo/1", "foo/9")
		equal(t, "said by the server", netHTTPTalk(t, body), "helloBYE")
	})
}

// netHTTPBody is what the body of a 101 can do.
type netHTTPBody interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// netHTTPSwitch offers those products and checks which one the 101 names.
func netHTTPSwitch(t *testing.T, url, offer, answer string) netHTTPBody {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", offer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "status", response.StatusCode, http.StatusSwitchingProtocols)
	equal(t, "fields", response.Header, http.Header{"Upgrade": {answer}, "Connection": {"Upgrade"}})
	body, ok := response.Body.(netHTTPBody)
	if !ok {
		response.Body.Close()
		t.Fatalf("a body of type %T", response.Body)
	}
	t.Cleanup(func() { body.Close() })
	return body
}

// netHTTPTalk says hello, half-closes, and returns all that the server says.
func netHTTPTalk(t *testing.T, body netHTTPBody) string {
	t.Helper()
	if _, err := io.WriteString(body, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := body.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	body.Close()
	return string(said)
}
