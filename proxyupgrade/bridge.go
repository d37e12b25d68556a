package proxyupgrade

import (
	"errors"
	"net"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/extended"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows a client that asks for a protocol by the extended CONNECT of HTTP/2
// (RFC 8441), and how to ask the backend, which speaks HTTP/1.1, on its behalf. The rest is
// as for any other client.

var (
	errAuthority = errors.New("proxyupgrade: extended CONNECT without an authority")

	// errNotSwitched: to an HTTP/2 client any 2xx means that the protocol has switched,
	// but the backend did not mean that.
	errNotSwitched = errors.New("proxyupgrade: not an answer to an extended CONNECT")
)

var webSocket = upgrade.MustParseProduct("websocket")

// isBridged reports whether the client asks by an extended CONNECT.
func (x *exchange) isBridged() bool {
	return extended.Is(x.in.ProtoMajor, x.in.Method, x.in.Header[extended.Field])
}

// bridge asks the backend for the protocol of the client's extended CONNECT, which must not
// itself reach the backend.
func (x *exchange) bridge(out *http.Request) {
	list, err := extended.Offer(x.in.Header[extended.Field])
	if err == nil {
		x.offered = x.proxy.allowed(x.in, list)
	}
	switch {
	case x.offered == nil:
		x.client.WriteHeader(http.StatusNotImplemented)
		return
	case x.in.Host == "":
		x.refuse(http.StatusBadRequest, errAuthority)
		return
	}
	if x.offered[0].Matches(webSocket) {
		if err := websocket.CheckConnect(x.in.Method, x.in.Header["Sec-Websocket-Version"]); err != nil {
			x.client.Header().Set("Sec-WebSocket-Version", websocket.Version)
			x.refuse(http.StatusBadRequest, err)
			return
		}
		x.key = string(websocket.AppendKey(nil))
	}
	out.Method = http.MethodGet
	// The stream carries the new protocol, and waits for the switch.
	out.Body, out.ContentLength = http.NoBody, 0
	x.offer(out)
}

// checkAccept returns nil if the backend's 101 answers the Proxy's own key, or if there is
// no such key. The answer ends here, because HTTP/2 has none.
func (x *exchange) checkAccept(answer *http.Response) error {
	if x.key == "" {
		return nil
	}
	accept := answer.Header["Sec-Websocket-Accept"]
	delete(answer.Header, "Sec-Websocket-Accept")
	return websocket.CheckAccept(x.key, accept)
}

// checkRelayed returns nil if a response that is not a switch may go to the client.
func (x *exchange) checkRelayed(answer *http.Response) error {
	if x.isBridged() && answer.StatusCode/100 == 2 {
		return errNotSwitched
	}
	return nil
}

// switchStream is the rest of switchTo for an HTTP/2 client. The answer is a 200, and the
// tunnel is served here, because the stream ends when the handler returns.
func (x *exchange) switchStream(in *http.Request, backend net.Conn, fields []handshake.Field) error {
	var failure error
	served := false
	httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: x.to[0],
			Check:   func(*http.Request) error { return nil }, // the backend has checked
			Fields:  func(*http.Request) ([]handshake.Field, error) { return fields, nil },
			Serve: func(client net.Conn, _ *http.Request) {
				served = true
				x.start(in, client, backend)
			},
		}},
		Error: func(_ *http.Request, err error) { failure = err },
	}.ServeHTTP(x.client, x.in)
	if !served {
		backend.Close()
	}
	if failure != nil {
		x.report(failure) // Handler has answered
	}
	return nil
}
