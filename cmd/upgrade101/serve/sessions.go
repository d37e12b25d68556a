package serve

import (
	"net"
	"sync"
)

// sessions holds the open connections that net/http does not close when the server stops.
// The zero value is empty.
type sessions struct {
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	closed  bool
	running sync.WaitGroup
}

// add adds a connection. It returns false if the server is stopping.
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

// remove removes a connection for which add returned true.
func (s *sessions) remove(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	s.running.Done()
}

// close closes all connections, and waits until they have been removed.
func (s *sessions) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
