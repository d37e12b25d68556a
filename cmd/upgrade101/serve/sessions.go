package serve

import (
	"net"
	"sync"
)

// sessions is the upgraded connections that are open, so that they can be closed when
// the server stops: net/http has given them away. The zero value has none.
type sessions struct {
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	closed  bool
	running sync.WaitGroup
}

// add notes a connection. It returns false if all are to be closed already.
func (s *sessions) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.conns == nil {
		s.conns = make(map[net.Conn]struct{})
	}
	s.conns[conn] = struct{}{}
	s.running.Add(1)
	return true
}

// remove forgets a connection that add returned true for.
func (s *sessions) remove(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	s.running.Done()
}

// close closes all connections and waits until they are removed.
func (s *sessions) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
