package handshake_test

import (
	"fmt"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// The decisions of a proxy with its own HTTP stack: which part of an offer goes to the
// backend, which fields end here, and what the proxy answers the client.
func Example_proxy() {
	allowed := []upgrade.Product[string]{upgrade.MustParseProduct("websocket"), upgrade.MustParseProduct("tcp")}

	// The client's request. Its Connection must not remove the field that the proxy
	// authenticates by.
	request := []handshake.Field{
		{"Host", "example.com"},
		{"Connection", "Upgrade, HTTP2-Settings, Authorization, X-Trace"},
		{"Upgrade", "h2c, TCP, WebSocket"},
		{"HTTP2-Settings", "AAMAAABk"},
		{"Authorization", "Basic eDp5"},
		{"X-Trace", "1"},
	}
	connection, offered := lineOf(request, "Connection"), lineOf(request, "Upgrade")
	hop, err := handshake.HopByHop(connection, "Authorization")
	if err != nil {
		return // answer 400
	}
	var passedOn []upgrade.Product[string]
	if list, err := handshake.Offer(1, 1, connection, offered); err == nil {
		passedOn = handshake.Restrict(list, allowed...)
	} // else the request is passed on without an offer

	forward := []byte("GET / HTTP/1.1\r\n")
	for _, f := range request {
		if !hop.Has(f.Name) {
			forward = append(forward, f.Name+": "+f.Value+"\r\n"...)
		}
	}
	if len(passedOn) > 0 {
		forward = append(forward, "Connection: Upgrade\r\nUpgrade: "...)
		forward = upgrade.AppendList(forward, passedOn...)
		forward = append(forward, "\r\n"...)
	}
	forward = append(forward, "\r\n"...)
	fmt.Print("to the backend:\n", visible(forward))

	// The backend's answer. Only a valid 101 makes a tunnel; after any other 101 the
	// client gets a 502, and the backend's connection is closed.
	answers := []struct {
		status   int
		response []handshake.Field
	}{
		{101, []handshake.Field{{"Connection", "Upgrade, X-Hop"}, {"Upgrade", "tcp"}, {"X-Hop", "1"}, {"X-Id", "7"}}},
		{101, []handshake.Field{{"Connection", "Upgrade"}, {"Upgrade", "tcp, evil"}}},
		{426, []handshake.Field{{"Connection", "Upgrade"}, {"Upgrade", "secret/1, websocket"}}},
	}
	for _, a := range answers {
		connection, chosen := lineOf(a.response, "Connection"), lineOf(a.response, "Upgrade")
		hop, err := handshake.HopByHop(connection)
		if err != nil {
			continue // answer 502
		}
		var fields []handshake.Field
		for _, f := range a.response {
			if !hop.Has(f.Name) {
				fields = append(fields, f)
			}
		}
		var head []byte
		switch a.status {
		case 101:
			var list upgrade.List[string]
			if list, err = handshake.Switched(a.status, 1, 1, connection, chosen, passedOn...); err == nil {
				head, err = handshake.AppendSwitchingProtocols(nil, handshake.Restrict(list, passedOn...), fields...)
			}
		case 426:
			var list upgrade.List[string]
			if list, err = upgrade.ParseList(chosen...); err == nil {
				head, err = handshake.AppendUpgradeRequired(nil, handshake.Restrict(list, allowed...), fields...)
			}
		}
		if err != nil {
			head = []byte("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		}
		fmt.Print("to the client:\n", visible(head))
	}
	// Output:
	// to the backend:
	// GET / HTTP/1.1|
	// Host: example.com|
	// Authorization: Basic eDp5|
	// Connection: Upgrade|
	// Upgrade: tcp, websocket|
	// |
	// to the client:
	// HTTP/1.1 101 Switching Protocols|
	// Upgrade: tcp|
	// Connection: Upgrade|
	// X-Id: 7|
	// |
	// to the client:
	// HTTP/1.1 502 Bad Gateway|
	// Content-Length: 0|
	// |
	// to the client:
	// HTTP/1.1 426 Upgrade Required|
	// Upgrade: websocket|
	// Connection: Upgrade|
	// Content-Length: 0|
	// |
}

func lineOf(fields []handshake.Field, name string) (lines []string) {
	for _, f := range fields {
		if f.Name == name {
			lines = append(lines, f.Value)
		}
	}
	return lines
}

func visible(head []byte) string { return strings.ReplaceAll(string(head), "\r\n", "|\n") }

// A proxy passes on the products that it knows, in the order in which the client prefers
// them.
func ExampleRestrict() {
	offered, _ := upgrade.ParseList("h2c, TCP, WebSocket")
	fmt.Println(handshake.Restrict(offered, upgrade.MustParseProduct("websocket"), upgrade.MustParseProduct("tcp")))
	// Output: [tcp websocket]
}

// A field that Connection names is only for this connection.
func ExampleHopByHop() {
	hop, err := handshake.HopByHop([]string{"close, X-Trace, Authorization"}, "Authorization")
	for _, name := range []string{"Connection", "x-trace", "Authorization", "Accept"} {
		fmt.Println(name, hop.Has(name))
	}
	fmt.Println(err)
	// Output:
	// Connection true
	// x-trace true
	// Authorization false
	// Accept false
	// <nil>
}
