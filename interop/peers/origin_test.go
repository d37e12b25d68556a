package peers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws/wsutil"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	examples "github.com/gosegue/upgrade/interop/examples/start"
	"github.com/gosegue/upgrade/netupgrade"
)

// This file has the origin, a server of ours in the tests' own process, for cases that no
// example covers. It speaks echo/1 and websocket. On /early it speaks first; on /426 it asks
// for an upgrade. Other requests get an answer in plain HTTP that says how it read them.
//
// echo/1 sends back every byte and, when the client has ended, "BYE".

// layers are the names of our two server packages.
var layers = []string{"httpupgrade", "netupgrade"}

// atBoth runs a test with an origin of each layer.
func atBoth(t *testing.T, f func(t *testing.T, tap *tap)) {
	for _, layer := range layers {
		t.Run(layer, func(t *testing.T) { f(t, newTap(t, newOrigin(t, layer))) })
	}
}

// newOrigin starts an origin and returns its address.
func newOrigin(t testing.TB, layer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	switch layer {
	case "httpupgrade":
		server := &http.Server{Handler: overHTTP(), DisableGeneralOptionsHandler: true}
		go server.Serve(listener)
		t.Cleanup(func() { server.Close() })
	case "netupgrade":
		go acceptAll(listener)
	default:
		t.Fatalf("no layer %q", layer)
	}
	return listener.Addr().String()
}

func overHTTP() http.Handler {
	webSocket := httpupgrade.WebSocket{
		Origin: func(*http.Request) bool { return true }, // a proxy may change Host
		Serve:  func(conn net.Conn, r *http.Request, _ string) { webSocketEcho(conn, r.URL.Path) },
	}.Protocol()
	webSocket.Allow = func(r *http.Request) bool { return allowed(r.URL.Path) }
	webSocket.Fields = func(r *http.Request) ([]handshake.Field, error) {
		return subprotocol(r.Header["Sec-Websocket-Protocol"]), nil
	}
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			{
				Product: echo,
				Allow:   webSocket.Allow,
				Serve:   func(conn net.Conn, r *http.Request) { echoBytes(conn, r.URL.Path) },
			},
			webSocket,
		},
		Next: http.HandlerFunc(ordinary),
	}
}

// acceptAll switches connections, and leaves an ordinary request to net/http. The connection
// then ends: a proxy could send the next offer on it, and net/http would not switch.
func acceptAll(listener net.Listener) {
	webSocket := netupgrade.WebSocket()
	webSocket.Check = func(*netupgrade.Request) error { return nil } // a proxy may change Host
	webSocket.Fields = func(r *netupgrade.Request) ([]handshake.Field, error) {
		var lines []string
		for _, line := range r.Lines(nil, "Sec-WebSocket-Protocol") {
			lines = append(lines, string(line))
		}
		return subprotocol(lines), nil
	}
	webSocket.Allow = func(r *netupgrade.Request) bool { return allowed(string(r.Target)) }
	acceptor := &netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{
			{Product: echo, Allow: webSocket.Allow},
			webSocket,
		},
		KeepHead: true,
		Decline: func(r *netupgrade.Request, _ error) {
			if !allowed(string(r.Target)) {
				r.Refuse(echo, webSocket.Product)
				return
			}
			server := &http.Server{Handler: http.HandlerFunc(ordinary), DisableGeneralOptionsHandler: true}
			server.SetKeepAlivesEnabled(false)
			examples.HTTP(r.Unread(), server)
		},
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			accepted, err := acceptor.Accept(conn)
			if err != nil {
				return
			}
			defer accepted.Conn.Close()
			speak := echoBytes
			if accepted.Product().Name() == "websocket" {
				speak = webSocketEcho
			}
			speak(accepted.Conn, string(accepted.Head.Target))
		}()
	}
}

// The products of an origin.
var (
	echo      = upgrade.MustParseProduct("echo/1")
	webSocket = upgrade.MustParseProduct("websocket")
)

func allowed(target string) bool { return !strings.HasSuffix(target, "/426") }

// subprotocol picks the subprotocol a, if it is offered.
func subprotocol(lines []string) []handshake.Field {
	list := "," + strings.ReplaceAll(strings.Join(lines, ","), " ", "") + ","
	if !strings.Contains(list, ",a,") {
		return nil
	}
	return []handshake.Field{{Name: "Sec-WebSocket-Protocol", Value: "a"}}
}

// ordinary answers in plain HTTP and says how it read the request.
func ordinary(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/426") {
		httpupgrade.Refuse(w, r, echo, webSocket)
		return
	}
	content, err := io.ReadAll(r.Body)
	offer, offerErr := httpupgrade.Offer(r)
	products := []string{}
	for p := range offer.All() {
		products = append(products, p.String())
	}
	fmt.Fprintf(w, "ordinary %s, content %q (%v), offer %q (%v)\n", r.Method, content, err, products, offerErr)
}

func echoBytes(conn net.Conn, target string) {
	defer conn.Close()
	if strings.HasSuffix(target, "/early") {
		io.WriteString(conn, "EARLY")
	}
	if _, err := io.Copy(conn, conn); err == nil {
		io.WriteString(conn, "BYE")
	}
}

func webSocketEcho(conn net.Conn, target string) {
	defer conn.Close()
	if strings.HasSuffix(target, "/early") {
		wsutil.WriteServerText(conn, []byte("EARLY"))
	}
	for {
		message, op, err := wsutil.ReadClientData(conn)
		if err != nil {
			return
		}
		if wsutil.WriteServerMessage(conn, op, message) != nil {
			return
		}
	}
}
