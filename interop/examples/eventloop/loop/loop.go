// Package loop is a WebSocket echo server on an event loop. The loop calls it when octets
// have come, and it answers what it can without ever waiting. A connection has no
// goroutine, no blocked read, and after the switch no memory of its own.
//
//   - loop.go handles gnet's events and keeps the state of each connection.
//   - handshake.go handles requests: octets in, octets out.
//   - frames.go handles WebSocket frames.
package loop

import (
	"context"
	"log"
	"net"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2"
)

const (
	// patience is how long a client has for its request.
	patience = 10 * time.Second

	// maxUnsent is how many octets a client may leave unread before it loses the
	// connection: the loop cannot wait for it.
	maxUnsent = 1 << 20
)

// Server is a running server.
type Server struct {
	engine gnet.Engine
	addr   net.Addr
}

// Start starts a server.
func Start(address string) (*Server, error) {
	events := &events{booted: make(chan *Server, 1)}
	failed := make(chan error, 1)
	go func() {
		failed <- gnet.Run(events, "tcp://"+address, gnet.WithLogger(logger{}))
	}()
	select {
	case s := <-events.booted:
		return s, nil
	case err := <-failed:
		return nil, err
	}
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.addr }

// Close ends the server and its connections.
func (s *Server) Close() error { return s.engine.Stop(context.Background()) }

// events is what the loop calls.
type events struct {
	gnet.BuiltinEventEngine
	booted chan *Server
}

func (e *events) OnBoot(engine gnet.Engine) gnet.Action {
	fd, err := engine.Dup()
	if err != nil {
		return gnet.Shutdown
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return gnet.Shutdown
	}
	defer listener.Close()
	e.booted <- &Server{engine, listener.Addr()}
	return gnet.None
}

// The context of a connection is a *request until the switch, and then a phase.

func (*events) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	r := newRequest()
	r.timer = time.AfterFunc(patience, func() { c.Close() })
	c.SetContext(r)
	return nil, gnet.None
}

func (*events) OnClose(c gnet.Conn, _ error) gnet.Action {
	if r, ok := c.Context().(*request); ok {
		r.free()
	}
	return gnet.None
}

// OnTraffic uses the input that is whole. The rest stays with gnet.
func (*events) OnTraffic(c gnet.Conn) gnet.Action {
	for c.InboundBuffered() > 0 {
		input, err := c.Peek(-1)
		if err != nil {
			return gnet.Close
		}
		var n int
		var end bool
		switch state := c.Context().(type) {
		case *request:
			var switched bool
			if n, switched, end = state.read(c, input); switched {
				state.free()
				c.SetContext(between)
			}
		case phase:
			n, state, end = echo(c, state, input)
			c.SetContext(state)
		}
		if n > 0 { // for gnet 0 means all
			c.Discard(n)
		}
		switch {
		case end, c.OutboundBuffered() > maxUnsent:
			return gnet.Close
		case n == 0:
			return gnet.None
		}
	}
	return gnet.None
}

// logger logs warnings and errors. gnet's own logger writes to standard output.
type logger struct{}

func (logger) Debugf(string, ...any)             {}
func (logger) Infof(string, ...any)              {}
func (logger) Warnf(format string, args ...any)  { log.Printf(format, args...) }
func (logger) Errorf(format string, args ...any) { log.Printf(format, args...) }
func (logger) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
