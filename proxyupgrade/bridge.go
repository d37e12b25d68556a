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
// (RFC 8441), and how the backend, which speaks HTTP/1.1, is asked on its behalf. The
// rest is as for any other client.

var (
	errAuthority = errors.New("proxyupgrade: extended CONNECT without an authority")

	// errNotSwitched: to a client of HTTP/2 any 2xx says that the protocol was
	// switched, which the backend did not mean.
	errNotSwitched = errors.New("proxyupgrade: no answer to an extended CONNECT")
)

var webSocket = upgrade.MustParseProduct("websocket")

// isBridged reports whether the client asks by an extended CONNECT.
func (x *exchange) isBridged() bool {
	return extended.Is(x.in.ProtoMajor, x.in.Method, x.in.Header[extended.Field])
}

// bridge asks the backend for what the client asks for by an extended CONNECT, which must
// not reach it as it is.
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
	// What comes on the stream is of the new protocol and waits for the switch.
	out.Body, out.ContentLength = http.NoBody, 0
	x.offer(out)
}

// checkAccept returns nil if the backend's 101 answers the key of the Proxy's own, if
// there is one. The answer ends here: HTTP/2 has none.
func (x *exchange) checkAccept(answer *http.Response) error {
	if x.key == "" {
		return nil
	}
	accept := answer.Header["Sec-Websocket-Accept"]
	delete(answer.Header, "Sec-Websocket-Accept")
	return websocket.CheckAccept(x.key, accept)
}

// checkRelayed returns nil if a response that is no switch may go to the client.
func (x *exchange) checkRelayed(answer *http.Response) error {
	if x.isBridged() && answer.StatusCode/100 == 2 {
		return errNotSwitched
	}
	return nil
}

// switchStream is the rest of switchTo for a client of HTTP/2, where the answer is a 200
// and the tunnel is served here: the stream ends when the handler returns.
func (x *exchange) switchStream(in *http.Request, backend net.Conn, fields []handshake.Field) error {
	var failure error
	served := false
	httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: x.to[0],
			Check:   func(*http.Request) error { return nil }, // the backend has
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
		x.report(failure) // it is answered
	}
	return nil
}
