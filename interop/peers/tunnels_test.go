package peers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
)

// This file has what the tests of docker, kubectl and CUPS share: clients with several
// connections, some of which switch to a protocol that carries octets.

// tunnel is a connection that was switched. The request that switched it need not be its first.
type tunnel struct {
	*talk
	request head.Request
	client  string // what the client said after the head, its content first
	answer  []string
	server  string // what the server said after the 101
}

// tunnels waits for the connections that were switched to end, and returns them in order.
func tunnels(t testing.TB, tap *tap) []*tunnel {
	t.Helper()
	const switching = "HTTP/1.1 101 "
	var all []*tunnel
	for _, talk := range tap.all() {
		if !bytes.Contains(talk.server(), []byte(switching)) {
			continue
		}
		talk.wait(t)
		tunnel := &tunnel{talk: talk}
		_, said, _ := strings.Cut(string(talk.server()), switching)
		tunnel.answer = responseHead(t, []byte(switching+said))
		_, tunnel.server, _ = strings.Cut(said, "\r\n\r\n")
		octets := talk.client()
		for len(tunnel.request.Upgrade) == 0 {
			octets = octets[max(tunnel.request.ContentLength, 0):]
			n, err := tunnel.request.Parse(octets, head.Limits{})
			if n == 0 || err != nil {
				t.Fatalf("no request head (%v): %s", err, quote(octets))
			}
			octets = octets[n:]
		}
		tunnel.client = string(octets)
		all = append(all, tunnel)
	}
	return all
}

// onlyTunnel returns the one connection that was switched.
func onlyTunnel(t testing.TB, tap *tap) *tunnel {
	t.Helper()
	all := tunnels(t, tap)
	if len(all) != 1 {
		t.Fatalf("%d connections were switched, want 1", len(all))
	}
	return all[0]
}

// offer returns the products that the request offers, and the options of its connection,
// as spelled.
func (t *tunnel) offer(tb testing.TB) (products, options []string) {
	tb.Helper()
	r := &t.request
	list, err := handshake.Offer(r.Major, r.Minor, r.Connection, r.Upgrade)
	if err != nil {
		tb.Fatal(err)
	}
	for product := range list.All() {
		products = append(products, product.String())
	}
	connection, err := upgrade.ParseConnection(r.Connection...)
	if err != nil {
		tb.Fatal(err)
	}
	for option := range connection.All() {
		options = append(options, string(option))
	}
	return products, options
}

// behindEnd returns what the server said after the client's end.
func (t *tunnel) behindEnd(tb testing.TB) []byte {
	tb.Helper()
	order := t.order()
	end := slices.IndexFunc(order, func(s said) bool { return s.byClient && s.octets == nil })
	if end < 0 {
		tb.Fatal("the client does not end")
	}
	var behind []byte
	for _, s := range order[end:] {
		behind = append(behind, s.octets...)
	}
	return behind
}

// tunnelInput returns about 300 KB: every octet, and then lines that all differ.
func tunnelInput() string {
	var b strings.Builder
	for octet := range 256 {
		b.WriteByte(byte(octet))
	}
	for line := range 30_000 {
		fmt.Fprintf(&b, "%09d\n", line)
	}
	return b.String()
}

// tunnelEqual is equal for texts that are too long to print.
func tunnelEqual(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	edges := func(text string) string {
		if len(text) <= 200 {
			return quote([]byte(text))
		}
		return quote([]byte(text[:100])) + " ... " + quote([]byte(text[len(text)-100:]))
	}
	t.Errorf("%s: %d octets %s\nwant %d octets %s", what, len(got), edges(got), len(want), edges(want))
}
