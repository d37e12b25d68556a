package upgradetest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// A test of a server that is not of net/http, without a port.
func ExampleServer() {
	_ = func(t *testing.T) { // func TestUpgrade(t *testing.T)
		upgradetest.Server(t, func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go serveEcho(far) // the server under test
			return near, nil
		}, upgradetest.Options{
			Product: upgrade.MustParseProduct("echo/1"),
			Skip:    []string{"expect-list: issue 17"}, // a known fault
		})
	}
}

// A fuzz test of a stack of http.ReadRequest and httpupgrade.Select.
func ExampleFuzzOffer() {
	_ = func(f *testing.F) { // func FuzzUpgrade(f *testing.F)
		f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X\r\nUpgrade: echo/1\r\nX: y\r\n\r\n"))
		upgradetest.FuzzOffer(f, upgrade.MustParseProduct("echo/1"), switches)
	}
}

// A server that takes any request for an offer, and answers it wrongly.
func ExampleRun() {
	dial := func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			far.Read(make([]byte, 4<<10))
			io.WriteString(far, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: close\r\n\r\n")
			io.Copy(far, far)
		}()
		return near, nil
	}
	report, err := upgradetest.Run(context.Background(), dial, upgradetest.Options{
		Product: upgrade.MustParseProduct("echo/1"),
		Only:    []string{"101-offered", "101-connection", "no-upgrade"},
	})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(report.First)
	for _, r := range report.Results {
		fmt.Printf("%s %s %s: %s\n", r.Verdict, r.Level, r.ID, r.Detail)
	}
	// Output:
	// it answered 101 naming echo/1
	// pass MUST 101-offered: it names echo/1
	// fail MUST 101-connection: Connection does not name upgrade, so a proxy may pass Upgrade on unchanged
	// fail MUST no-upgrade: it answered 101 naming echo/1
}

// serveEcho serves one connection with the protocol echo/1.
func serveEcho(conn net.Conn) {
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: upgrade.MustParseProduct("echo/1")}}}
	accepted, err := acceptor.Accept(conn)
	if err != nil {
		return // it has been answered and closed
	}
	defer accepted.Conn.Close()
	io.Copy(accepted.Conn, accepted.Conn)
}

// switches reports whether the stack answers head with a switch.
func switches(head []byte) bool {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return false
	}
	for name := range r.Header { // a server of net/http checks this after ReadRequest
		if (handshake.Field{Name: name}).Check() != nil {
			return false
		}
	}
	_, err = httpupgrade.Select(r, upgrade.MustParseProduct("echo/1"))
	return err == nil
}

// What the examples check passes.
func TestExampleServer(t *testing.T) {
	upgradetest.Server(t, func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go serveEcho(far)
		return near, nil
	}, upgradetest.Options{Product: upgrade.MustParseProduct("echo/1")})
}

func FuzzExample(f *testing.F) {
	upgradetest.FuzzOffer(f, upgrade.MustParseProduct("echo/1"), switches)
}
