package httpupgrade

import (
	"context"
	"net"
	"sync"
)

// This file counts the connections that were switched.

// Conns counts the connections that a [Handler] has switched, limits their number, and
// ends them at shutdown. http.Server does not do that. The zero Conns is ready for use
// and sets no limit; a nil *Conns counts nothing. Several Handlers may share one Conns. A
// Conns must not be copied.
//
//	conns := &httpupgrade.Conns{Max: 10_000}
//	server := &http.Server{Handler: httpupgrade.Handler{Protocols: protocols, Conns: conns}}
//	...
//	go conns.Shutdown(ctx) // the connections begin to end
//	err := errors.Join(server.Shutdown(ctx), conns.Shutdown(ctx))
//
// Both begin at the same time, because in HTTP/2 Server.Shutdown waits for the streams that
// were switched.
type Conns struct {
	// Max is how many connections may be switched at a time. If it is 0 or less, there is
	// no limit. A request beyond the limit is refused with 503 (Service Unavailable). Max
	// must not change while the Conns is in use.
	Max int

	mu     sync.Mutex
	places map[*place]struct{}
	ended  bool          // no further switch begins
	empty  chan struct{} // closed when ended and no place is taken; nil before ended
}

// place is the place of one connection. Without a Conns it is nil, and its methods do
// nothing.
type place struct {
	conns  *Conns
	cancel context.CancelFunc
	conn   net.Conn // nil until the switch is done
	closed bool     // hold must close conn
}

// Len returns how many connections are switched or being switched now.
func (c *Conns) Len() int {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.places)
}

// Shutdown ends the connections, including those that are being switched. It lets no
// further switch begin: requests are refused with 503 (Service Unavailable). It cancels
// the contexts of the requests that Serve functions got, and waits until these functions
// have returned. If ctx ends first, Shutdown closes the remaining connections and returns
// the error of ctx. A Serve that blocks in Read does not notice that its context is
// cancelled: let it set a read deadline with [context.AfterFunc].
//
// Shutdown may be called more than once and from several goroutines. A Conns cannot be
// used again after it.
func (c *Conns) Shutdown(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	if !c.ended {
		c.ended = true
		c.empty = make(chan struct{})
		if len(c.places) == 0 {
			close(c.empty)
		}
	}
	for p := range c.places {
		p.cancel()
	}
	c.mu.Unlock()
	select {
	case <-c.empty:
		return nil
	default:
	}
	select {
	case <-c.empty:
		return nil
	case <-ctx.Done():
	}
	var left []net.Conn
	c.mu.Lock()
	for p := range c.places {
		if p.closed = true; p.conn != nil {
			left = append(left, p.conn)
		}
	}
	c.mu.Unlock()
	// Each in a goroutine: closing TLS takes 5 s if the client does not read.
	var closing sync.WaitGroup
	closing.Add(len(left))
	for _, conn := range left {
		go func() {
			defer closing.Done()
			conn.Close()
		}()
	}
	closing.Wait()
	return ctx.Err()
}

// enter takes a place and returns it, with a context that Shutdown cancels. It reports
// whether there was a place. A nil Conns always has one: nil.
func (c *Conns) enter(ctx context.Context) (*place, context.Context, bool) {
	if c == nil {
		return nil, ctx, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.Max > 0 && len(c.places) >= c.Max {
		return nil, ctx, false
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &place{conns: c, cancel: cancel}
	if c.places == nil {
		c.places = make(map[*place]struct{})
	}
	c.places[p] = struct{}{}
	return p, ctx, true
}

// hold gives the place its connection.
func (p *place) hold(conn net.Conn) {
	if p == nil {
		return
	}
	p.conns.mu.Lock()
	p.conn = conn
	closed := p.closed
	p.conns.mu.Unlock()
	if closed {
		conn.Close() // not under the lock: it may take long
	}
}

// leave gives the place back.
func (p *place) leave() {
	if p == nil {
		return
	}
	p.cancel()
	c := p.conns
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.places, p)
	if c.ended && len(c.places) == 0 {
		close(c.empty)
	}
}
