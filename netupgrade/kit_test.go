package netupgrade_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// An Acceptor passes the checks of package upgradetest, on pipes without buffers.
func TestKit(t *testing.T) {
	for product, speak := range map[string]func(net.Conn){
		"echo/1": func(conn net.Conn) {
			defer conn.Close()
			io.Copy(conn, conn)
		},
		"websocket": tcptest.AnswerPings,
	} {
		t.Run(strings.ReplaceAll(product, "/", " "), func(t *testing.T) {
			product := upgrade.MustParseProduct(product)
			acceptor := &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{{Product: product}}}
			upgradetest.Server(t, func(context.Context) (net.Conn, error) {
				near, far := net.Pipe()
				go func() {
					if accepted, err := acceptor.Accept(far); err == nil { // otherwise it has been answered and closed
						speak(accepted.Conn)
					}
				}()
				return near, nil
			}, upgradetest.Options{Product: product})
		})
	}
}
