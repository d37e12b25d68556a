package peers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// This file tests two examples behind a balancer; one of them ends in mid-run. That is how
// to outgrow one machine: handshakes share nothing, so any server may answer any of them.

// balanced is a protocol of an example.
type balanced struct {
	example string
	request batteryCase
	open    func(*batteryClient) (hello func() error, err error) // begins the protocol after the 101
}

var balancedProtocols = []balanced{
	{"websocket", batteryCase{head: batteryWebSocket}, func(c *batteryClient) (func() error, error) {
		return func() error {
			switch trouble := c.step(webSocketHello); {
			case trouble == "":
				return nil
			case strings.HasSuffix(trouble, hang):
				return os.ErrDeadlineExceeded
			default:
				return errors.New(trouble)
			}
		}, nil
	}},
	{"h2c", batteryCase{head: batteryGet + "Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AAMAAABkAAQAAP__"}, balancedHTTP2},
}

// balancedHTTP2 begins HTTP/2 and reads the answer to the request that was upgraded;
// hello sends a PING and waits for the answer.
func balancedHTTP2(c *batteryClient) (hello func() error, err error) {
	if _, err := io.WriteString(c.conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	framer := http2.NewFramer(c.conn, c.r)
	if err := framer.WriteSettings(); err != nil {
		return nil, err
	}
	content := ""
	for ended := false; !ended; {
		frame, err := framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = framer.WriteSettingsAck()
			}
		case *http2.DataFrame:
			content += string(frame.Data())
			ended = frame.StreamID == 1 && frame.StreamEnded()
		}
		if err != nil {
			return nil, err
		}
	}
	if content != "HTTP/2.0 hello GET / 0 octets\n" {
		return nil, fmt.Errorf("content %q", content)
	}
	said := [8]byte{'h', 'e', 'l', 'l', 'o'}
	return func() error {
		if err := framer.WritePing(false, said); err != nil {
			return err
		}
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return err
			}
			if ping, ok := frame.(*http2.PingFrame); ok && ping.IsAck() && ping.Data == said {
				return nil
			}
		}
	}, nil
}

// balancedConn is a connection that was switched.
type balancedConn struct {
	*batteryClient
	server string // that switched it: its name in the balancer
	hello  func() error
}

// dial connects and switches. The error is that of the handshake; the next hello returns
// a later one.
func (b balanced) dial(t testing.TB, address string) (balancedConn, error) {
	client, err := newBatteryClient(address, 10*time.Second, b.request.request("/"))
	if err != nil {
		return balancedConn{}, err
	}
	response, err := client.response()
	if err != nil {
		client.conn.Close()
		return balancedConn{}, err
	}
	if verdict := response.verdict(t, b.request.head); response.status != 101 || verdict != b.example {
		client.conn.Close()
		return balancedConn{}, fmt.Errorf("%s: %s", response.line, verdict)
	}
	c := balancedConn{batteryClient: client}
	for _, f := range response.fields {
		if f[0] == "server-name" {
			c.server = f[1]
		}
	}
	c.hello, err = b.open(client)
	if err != nil {
		c.hello = func() error { return err }
	}
	return c, nil
}

func TestBalance(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(proxies, func(p proxy) bool { return p.name == "haproxy" })
	haproxy := proxies[i]
	haproxy.config = "balance.cfg"
	peer := haproxy.peer(t)
	for _, b := range balancedProtocols {
		peer.scenario(t, "balances two "+b.example+" servers, one stopped", func(t *testing.T) {
			for _, stopped := range layers {
				t.Run(stopped, func(t *testing.T) {
					over, first := startExample(t, b.example)
					raw, second := startExample(t, b.example, "-raw")
					servers := map[string]*daemon{layers[0]: over, layers[1]: raw}
					b.stopOne(t, haproxy.startTwo(t, first, second), stopped, servers[stopped])
				})
			}
		})
	}
}

const (
	balancedHeld    = 8  // connections that stay
	balancedClients = 4  // others come and go
	balancedRounds  = 10 // of each, before the stop and after it
)

// stopOne stops one of two servers that switch connections.
func (b balanced) stopOne(t *testing.T, address, name string, server *daemon) {
	held := map[string][]balancedConn{}
	for range balancedHeld {
		c, err := b.dial(t, address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.Close()
		if err := c.hello(); err != nil {
			t.Fatal(err)
		}
		held[c.server] = append(held[c.server], c)
	}
	for _, layer := range layers {
		if len(held[layer]) != balancedHeld/2 {
			t.Fatalf("%s has %d connections, want %d", layer, len(held[layer]), balancedHeld/2)
		}
	}

	// The other clients come and go meanwhile, without a pause.
	var before, clients sync.WaitGroup
	stopped := make(chan struct{})
	before.Add(balancedClients)
	for range balancedClients {
		clients.Go(func() {
			var enough sync.Once
			defer enough.Do(before.Done)
			seen, after := 0, 0
			for end := time.Now().Add(30 * time.Second); after < balancedRounds; {
				if time.Now().After(end) {
					t.Error("too few handshakes")
					return
				}
				gone := false
				select {
				case <-stopped:
					gone = true
				default:
				}
				c, err := b.dial(t, address)
				if err != nil {
					t.Errorf("handshake: %v", err)
					return
				}
				if gone && c.server == name {
					t.Errorf("%s has switched a connection after it was stopped", name)
				}
				// Only a connection of the stopped server may end, and it must end at once.
				if err := c.hello(); err != nil && (c.server != name || c.failure(err) == hang) {
					t.Errorf("%s: %v", c.server, err)
				}
				c.conn.Close()
				if seen++; seen == balancedRounds {
					enough.Do(before.Done)
				}
				if gone {
					after++
				}
			}
		})
	}
	before.Wait()
	server.stop()
	close(stopped)
	clients.Wait()

	for layer, conns := range held {
		for _, c := range conns {
			err := c.hello()
			switch {
			case layer != name && err != nil:
				t.Errorf("a connection of %s, which goes on: %v", layer, err)
			case layer == name && (err == nil || c.failure(err) == hang):
				t.Errorf("a connection of %s, which was stopped: %v", layer, err)
			}
		}
	}
}
