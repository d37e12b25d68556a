package peers

import (
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// This file puts our own proxy in front of a server, for the clients that other files test
// without it, and next to other proxies.

// throughOurs starts our proxy in front of a server and returns the proxy's address. The
// proxy passes on those products.
func throughOurs(t testing.TB, server string, products ...string) string {
	t.Helper()
	proxy := &proxyupgrade.Proxy{Reverse: &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: server}) },
		ErrorLog: log.New(io.Discard, "", 0),
	}}
	for _, p := range products {
		proxy.Products = append(proxy.Products, upgrade.MustParseProduct(p))
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	return front.Listener.Addr().String()
}

// testThroughOurs runs the client through our proxy to an origin, and for the 426 through
// another proxy to another origin.
func (c webSocketClient) testThroughOurs(t *testing.T, origin, other string) {
	tap, refusing := newTap(t, origin), newTap(t, other)
	front, back := throughOurs(t, tap.address, "websocket"), throughOurs(t, refusing.address, "websocket")
	reports := c.open(t, "ws://"+front+"/", "ws://"+front+"/early", "ws://"+back+"/426")
	equal(t, "reports", reports, []webSocketReport{
		{Protocol: "a", Messages: []string{"hi"}, Close: 1000},
		{Protocol: "a", Messages: []string{"EARLY", "hi"}, Close: 1000},
		{Error: c.upgradeRequired},
	})
	if t.Failed() {
		return
	}
	for i, talk := range tap.all() {
		talk.wait(t)
		request := talk.request(t)
		equal(t, "offer", webSocketOffer(t, request), []string{"websocket"})
		equal(t, "options of Connection", webSocketOptions(t, request), []string{"Upgrade"})
		want := []string{"text hi", "close 1000"}
		equal(t, "frames of the client", webSocketFrames(t, talk.client()), want)
		if i == 1 {
			want = append([]string{"text EARLY"}, want...)
		}
		equal(t, "frames of the server", webSocketFrames(t, talk.server()), want)
	}
}

// TestBesideOurs puts our proxy in front of another proxy, and then behind it. In front, ours
// passes on one list of the products that it knows, so the other proxy switches wherever the
// origin alone would. Behind, it changes nothing.
func TestBesideOurs(t *testing.T) {
	direct := readBattery(t, "direct")
	halfClosed := strings.NewReplacer(", BYE", "") // most close both directions at half-close
	for _, other := range proxies {
		if other.programs == nil || other.forward {
			continue
		}
		t.Run(strings.ReplaceAll(other.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			peer := other.peer(t)
			alone := readBattery(t, other.name)
			peer.scenario(t, "behind proxyupgrade: switches wherever the origin would", func(t *testing.T) {
				for _, layer := range layers {
					tap := newTap(t, newOrigin(t, layer))
					b := battery{address: throughOurs(t, other.start(t, tap.address), "websocket", "echo/1"), tap: tap}
					for _, c := range requestShapes {
						v, want := b.visit(t, c, batteryLong, "/front"), direct[layer][c.name]
						if other.name == "haproxy" && strings.HasPrefix(c.name, "post-") {
							want.verdict = "-" // it removes Upgrade from an offer with content
						}
						if v.verdict != want.verdict || v.verdict != "-" && halfClosed.Replace(v.then) != halfClosed.Replace(want.then) {
							t.Errorf("%s, %s:\n got %s\nwant %s", layer, c.name, v, want)
						}
					}
				}
			})
			peer.scenario(t, "in front of proxyupgrade: switches as it does alone", func(t *testing.T) {
				for _, layer := range layers {
					tap := newTap(t, newOrigin(t, layer))
					b := battery{address: other.start(t, throughOurs(t, tap.address, "websocket", "echo/1")), tap: tap}
					for _, c := range requestShapes {
						want := alone[layer][c.name]
						if want.verdict == "-" || strings.HasSuffix(want.then, hang) {
							continue
						}
						if v := b.visit(t, c, batteryLong, "/back"); v.verdict != want.verdict || v.then != want.then {
							t.Errorf("%s, %s:\n got %s\nwant %s", layer, c.name, v, want)
						}
					}
				}
			})
		})
	}
}
