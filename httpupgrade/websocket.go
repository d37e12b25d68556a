package httpupgrade

import (
	"net"
	"net/http"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/websocket"
)

var webSocket = upgrade.MustParseProduct("websocket")

// WebSocket returns the Protocol for WebSocket, which checks the request and answers
// its key by package websocket. serve is given the connection at its first frame: it
// is for a library that runs on a connection already switched.
//
// A request by another method than GET is refused with 405, of another version of the
// protocol than 13 with 426 and that version, and without a well-formed key with 400.
// Subprotocols and extensions are not negotiated, which the client takes for a server
// without any. Who has some wraps Fields; who looks at Origin sets Allow or wraps
// Fields as well.
func WebSocket(serve func(net.Conn, *http.Request)) Protocol {
	return Protocol{Product: webSocket, Fields: webSocketFields, Serve: serve}
}

func webSocketFields(r *http.Request) ([]handshake.Field, error) {
	// The spelling of the names is that of http.Header.
	key := r.Header["Sec-Websocket-Key"]
	switch websocket.Check(r.Method, r.Header["Sec-Websocket-Version"], key) {
	case nil:
		accept := websocket.AppendAccept(nil, key[0])
		return []handshake.Field{{Name: "Sec-WebSocket-Accept", Value: string(accept)}}, nil
	case websocket.ErrMethod:
		return nil, &Refusal{http.StatusMethodNotAllowed, []handshake.Field{{Name: "Allow", Value: http.MethodGet}}}
	case websocket.ErrVersion:
		return nil, &Refusal{http.StatusUpgradeRequired, []handshake.Field{{Name: "Sec-WebSocket-Version", Value: websocket.Version}}}
	default:
		return nil, &Refusal{http.StatusBadRequest, nil}
	}
}
