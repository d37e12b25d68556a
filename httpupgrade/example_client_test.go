package httpupgrade_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

var spdy = upgrade.MustParseProduct("SPDY/3.1")

// streamDialer opens connections for streams to a pod, through a Transport that has the
// cluster's certificates and proxies.
type streamDialer struct {
	transport *http.Transport
	url       string
}

// newStreamDialer returns a streamDialer that speaks only HTTP/1.1: HTTP/2 has no
// Upgrade.
func newStreamDialer(config *http.Transport, url string) *streamDialer {
	transport := config.Clone()
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return &streamDialer{transport, url}
}

// Dial offers SPDY/3.1 and the stream protocols, and returns the connection and the stream
// protocol that the server chose.
func (d *streamDialer) Dial(ctx context.Context, protocols ...string) (net.Conn, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, nil)
	if err != nil {
		return nil, "", err
	}
	r.Header["X-Stream-Protocol-Version"] = protocols
	conn, resp, err := httpupgrade.RoundTrip(d.transport, r, spdy)
	if errors.Is(err, httpupgrade.ErrDeclined) {
		defer resp.Body.Close()
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return nil, "", fmt.Errorf("%s: %s", resp.Status, reason)
	}
	if err != nil {
		return nil, "", err
	}
	return conn, resp.Header.Get("X-Stream-Protocol-Version"), nil
}

// This dialer opens connections for streams, as for port-forward and exec in Kubernetes.
// Another library would run SPDY on them.
func ExampleRoundTrip() {
	server := httptest.NewUnstartedServer(&httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: spdy,
			Fields: func(*http.Request) ([]handshake.Field, error) {
				return []handshake.Field{{Name: "X-Stream-Protocol-Version", Value: "v4.channel.k8s.io"}}, nil
			},
			Serve: func(conn net.Conn, _ *http.Request) { conn.Close() },
		}},
	})
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	dialer := newStreamDialer(server.Client().Transport.(*http.Transport), server.URL)
	conn, protocol, err := dialer.Dial(context.Background(), "v5.channel.k8s.io", "v4.channel.k8s.io")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(protocol)
	// Output: v4.channel.k8s.io
}
