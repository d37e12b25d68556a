// Package examples shows servers and clients that need libraries, as a user would write them.
package examples

import (
	"context"
	"fmt"
	"net"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/gosegue/upgrade/netupgrade"
)

// A complete WebSocket server without net/http: the handshake is netupgrade's, the
// frames are those of gobwas/ws, which runs on a connection already switched.
func Example_webSocketServer() {
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket()}}
	echo := func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered and closed
		}
		defer accepted.Conn.Close()
		for {
			message, op, err := wsutil.ReadClientData(accepted.Conn)
			if err != nil {
				return // closed, with or without a close frame
			}
			if wsutil.WriteServerMessage(accepted.Conn, op, message) != nil {
				return
			}
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go echo(conn)
		}
	}()

	// The library's own client.
	conn, buffered, hello, err := ws.Dial(context.Background(), "ws://"+listener.Addr().String()+"/")
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Println("early bytes:", buffered != nil, "subprotocol:", hello.Protocol != "")
	for _, text := range []string{"hello", "", "good bye"} {
		if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
			panic(err)
		}
		answer, err := wsutil.ReadServerText(conn)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%q\n", answer)
	}
	// Output:
	// early bytes: false subprotocol: false
	// "hello"
	// ""
	// "good bye"
}
