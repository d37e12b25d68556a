package proxyupgrade_test

import (
	"io"
	"log"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/tcptest"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// Without Error, what failed is logged by Reverse, once, and without what the backend
// sent.
func TestLog(t *testing.T) {
	reader, writer := io.Pipe()
	logged := make(chan string, 10)
	go func() {
		p := make([]byte, 1000)
		for {
			n, err := reader.Read(p)
			if err != nil {
				return
			}
			logged <- string(p[:n])
		}
	}()
	defer writer.Close()
	p := newProxy(t, newBackend(t, func(p *peer) { p.head(); p.send(switching("evil")); p.rest() }), func(p *proxyupgrade.Proxy) {
		p.Error = nil
		p.Reverse.ErrorLog = log.New(writer, "", 0)
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
