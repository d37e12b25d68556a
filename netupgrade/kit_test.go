package netupgrade_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// The acceptor passes the checks that it makes others pass, on pipes that buffer nothing.
func TestKit(t *testing.T) {
	echo := upgrade.MustParseProduct("echo/1")
	acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: echo}}}
	upgradetest.Server(t, func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			accepted, err := acceptor.Accept(far)
			if err != nil {
				return // it has been answered and closed
			}
			defer accepted.Conn.Close()
			io.Copy(accepted.Conn, accepted.Conn)
		}()
		return near, nil
	}, upgradetest.Options{Product: echo})
}
