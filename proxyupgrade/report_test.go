package proxyupgrade_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// Without Error, the log of Reverse gets each failure once, without the backend's bytes.
func TestLog(t *testing.T) {
	logger, logged := newLog(t)
	p := newProxy(t, newBackend(t, func(p *peer) { p.head(); p.send(switching("evil")); p.rest() }), func(p *proxyupgrade.Proxy) {
		p.Error = nil
		p.Reverse.ErrorLog = logger
	})
	c := tcptest.Dial(t, p.addr)
	c.Send(request("websocket"))
	if got := statusOf(c.Head()); got != "502" {
		t.Errorf("status is %s", got)
	}
	if got := tcptest.Receive(t, logged); got != "proxyupgrade: backend answered 101: protocol was not offered\n" {
		t.Errorf("logged %q", got)
	}
	c.CloseWrite()
	c.Rest()
	if len(logged) > 0 {
		t.Errorf("logged again: %q", <-logged)
	}
}

// newLog returns a logger, and the texts that it logs.
func newLog(t *testing.T) (*log.Logger, <-chan string) {
	reader, writer := io.Pipe()
	t.Cleanup(func() { writer.Close() })
	logged := make(chan string, 10)
	go func() {
		p := make([]byte, 10_000)
		for {
			n, err := reader.Read(p)
			if err != nil {
				return
			}
			logged <- string(p[:n])
		}
	}()
	return log.New(writer, "", 0), logged
}

// A panic of Error in the goroutine of a tunnel is logged, and ends only that tunnel.
func TestErrorPanics(t *testing.T) {
	for name, relay := range map[string]func(*proxyupgrade.Tunnel){"Copy": nil, "Relay": func(*proxyupgrade.Tunnel) { panic("Relay") }} {
		t.Run(name, func(t *testing.T) {
			logger, logged := newLog(t)
			p := newProxy(t, newBackend(t, func(p *peer) {
				p.head()
				p.send(switching("websocket"))
				p.Read(make([]byte, 1))
				p.Conn.(*net.TCPConn).SetLinger(0)
			}), func(p *proxyupgrade.Proxy) {
				p.Relay = relay
				p.Error = func(*http.Request, error) { panic("Error") }
				p.Reverse.ErrorLog = logger
			})
			c := tcptest.Dial(t, p.addr)
			c.Send(request("websocket"))
			c.Head()
			if relay == nil {
				c.Send("x")
			}
			if got := tcptest.Receive(t, logged); !strings.Contains(got, "panic: Error") {
				t.Errorf("logged %q", got)
			}
			c.Rest()
		})
	}
}

func TestBackendErrorText(t *testing.T) {
	for want, err := range map[string]*proxyupgrade.BackendError{
		"proxyupgrade: backend answered 0":                      {},
		"proxyupgrade: backend answered 426: no product":        {Status: 426, Err: handshake.ErrNoProduct},
		"proxyupgrade: backend answered 101: malformed Upgrade": {Status: 101, Err: &handshake.FieldError{Field: "Upgrade"}},
		"proxyupgrade: backend answered 101: no Upgrade field":  {Status: 101, Err: handshake.ErrNoUpgrade},
		"proxyupgrade: backend answered 101: unexpected EOF":    {Status: 101, Err: io.ErrUnexpectedEOF},
	} {
		if err.Error() != want || err.Unwrap() != err.Err {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}
