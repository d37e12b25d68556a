package netupgrade_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/websocket"
)

// People copy dialWebSocket. No single right field may hide a wrong one.
func TestExampleDialWebSocketBelievesNothingWrong(t *testing.T) {
	const (
		right    = "Sec-WebSocket-Accept: RIGHT\r\n"
		wrong    = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		chosen   = "Sec-WebSocket-Protocol: v2\r\n"
		unknown  = "Sec-WebSocket-Protocol: v3\r\n"
		extended = "Sec-WebSocket-Extensions: x\r\n"
	)
	for fields, want := range map[string]string{
		right:                                  "switched",
		right + chosen:                         "switched to v2",
		wrong:                                  "refused",
		wrong + chosen:                         "refused",
		chosen:                                 "refused",
		right + unknown:                        "refused",
		right + chosen + chosen:                "refused",
		right + chosen + extended:              "refused",
		right + "Sec-WebSocket-Protocol: \r\n": "refused",
	} {
		address := tcptest.Serve(t, func(server *tcptest.Peer) {
			_, after, _ := strings.Cut(server.Head(), "Sec-WebSocket-Key: ")
			key, _, _ := strings.Cut(after, "\r\n")
			server.Send("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + strings.Replace(fields, "RIGHT", websocket.Accept(key), 1) + "\r\n")
		})
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		got := "refused"
		switched, subprotocol, err := dialWebSocket(context.Background(), conn, address, "/", "v1", "v2")
		if err == nil {
			if got = "switched"; subprotocol != "" {
				got += " to " + subprotocol
			}
			switched.Close()
		}
		if got != want {
			t.Errorf("%q: %s, %v, want %s", fields, got, err, want)
		}
	}
}
