package examples

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/gobwas/ws/wsutil"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"

	gorilla "github.com/gorilla/websocket"
)

// A complete WebSocket client without net/http: the handshake is netupgrade's, the frames
// are those of gobwas/ws, which runs on a connection that is already switched.
func Example_webSocketClient() {
	// Somebody else's server.
	var upgrader gorilla.Upgrader
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}))
	defer server.Close()

	addr := server.Listener.Addr().String()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		panic(err)
	}
	key := string(websocket.AppendKey(nil))
	var client netupgrade.Client
	switched, err := client.Upgrade(context.Background(), conn, netupgrade.Offer{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
		Host:     addr,
		Fields: []handshake.Field{
			{Name: "Sec-WebSocket-Version", Value: websocket.Version},
			{Name: "Sec-WebSocket-Key", Value: key},
		},
	})
	if err != nil {
		panic(err) // the connection is closed, unless the error is a *netupgrade.Declined
	}
	defer switched.Conn.Close()
	if err := websocket.CheckAccept(key, switched.Head.Lines(nil, "Sec-WebSocket-Accept")); err != nil {
		panic(err)
	}
	for _, text := range []string{"hello", "", "good bye"} {
		if err := wsutil.WriteClientText(switched.Conn, []byte(text)); err != nil {
			panic(err)
		}
		answer, err := wsutil.ReadServerText(switched.Conn)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%q\n", answer)
	}
	// Output:
	// "hello"
	// ""
	// "good bye"
}
