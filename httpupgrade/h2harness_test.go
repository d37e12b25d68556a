package httpupgrade_test

import (
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/h2test"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// h2server is an HTTP/2 server over TLS, with a client. Its ErrorLog must be empty at the
// end.
type h2server struct {
	*httptest.Server
	*h2test.Client
}

func startH2(t testing.TB, handler http.Handler, options ...func(*http.Server)) *h2server {
	t.Helper()
	server, logged := httptest.NewUnstartedServer(handler), new(lines)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(logged, "", 0)
	for _, option := range options {
		option(server.Config)
	}
	server.StartTLS()
	t.Cleanup(func() {
		server.Close()
		if text := logged.take(); text != "" {
			t.Errorf("ErrorLog: %s", text)
		}
	})
	return &h2server{server, h2test.Dial(t, server)}
}

// connect asks for echo/1. The server must grant it.
func (s *h2server) connect() *h2test.Stream { return s.Connect("echo/1") }

// serving returns a Handler that serves echo/1 by serve, and other requests by tell.
func serving(serve func(net.Conn, *http.Request)) httpupgrade.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: echo, Serve: serve}},
		Next:      http.HandlerFunc(tell),
	}
}

// decisions collects what a Handler decides.
type decisions chan handshake.Decision

func (d decisions) add(_ *http.Request, decision handshake.Decision) { d <- decision }

func (d decisions) next(t testing.TB) handshake.Decision {
	t.Helper()
	return tcptest.Receive(t, d)
}

// after waits until the clock has passed a deadline.
func after(deadline time.Time) { <-time.After(time.Until(deadline) + time.Millisecond) }
