//go:build !race

package netupgrade_test

import (
	"context"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/netupgrade"
)

var switchedSink netupgrade.Switched

// P52: a switch allocates only what outlives it: one block for the head of the 101 and the
// products, and one for the places of the fields. Early bytes cost the connection around
// them, with its CloseWrite.
func TestClientAllocations(t *testing.T) {
	o := netupgrade.Offer{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}, Host: "example.com", Target: "/chat",
		Fields: []handshake.Field{{Name: "Sec-WebSocket-Version", Value: "13"}, {Name: "Sec-WebSocket-Key", Value: "dGhlIHNhbXBsZSBub25jZQ=="}},
	}
	const webSocket = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	var c netupgrade.Client
	for name, test := range map[string]struct {
		answer string
		want   float64
	}{
		"WebSocket":               {webSocket, 2},
		"after an interim one":    {"HTTP/1.1 103 E\r\n\r\n" + webSocket, 2},
		"WebSocket, early bytes":  {webSocket + early, 4},
		"declined":                {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 5},
		"refused, without a head": {"HTTP/1.1 101 S\r\n\r\n", 2},
	} {
		conn := &still{}
		got := testing.AllocsPerRun(1000, func() {
			conn.unread = test.answer
			switchedSink, errSink = c.Upgrade(context.Background(), conn, o)
		})
		if got > test.want {
			t.Errorf("%s: %v allocations, want %v", name, got, test.want)
		}
	}
}

var errSink error
