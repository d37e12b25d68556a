// Command websocket sends back every WebSocket message. The handshake is ours, the
// frames are those of gobwas/ws, which runs on a connection already switched.
//
//	go run ./examples/websocket
//	go run ./examples/websocket -raw
package main

import (
	"net"
	"net/http"

	"github.com/gobwas/ws/wsutil"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/interop/examples/start"
	"github.com/gosegue/upgrade/netupgrade"
)

func main() {
	overHTTP := httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			httpupgrade.WebSocket{Serve: func(conn net.Conn, _ *http.Request, _ string) { echo(conn) }}.Protocol(),
		},
	}
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket()}}
	start.Server(overHTTP, func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered and closed
		}
		defer accepted.Conn.Close()
		echo(accepted.Conn)
	})
}

// echo sends back every message until the client closes the connection.
func echo(conn net.Conn) {
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
