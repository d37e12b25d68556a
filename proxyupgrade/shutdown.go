package proxyupgrade

import (
	"context"
	"net/http"
	"sync"
)

// This file knows what is open, and how to end it.

// sessions are the offers that the backend has not answered yet, and the tunnels.
type sessions struct {
	mu      sync.Mutex
	open    map[*session]struct{}
	closing bool          // no further offer is accepted
	cut     bool          // no tunnel is accepted either
	empty   chan struct{} // closed if closing is set and the last session has ended
}

// session is one offer, and then perhaps its tunnel.
type session struct {
	cut  func(error)        // ends it at once
	quit context.CancelFunc // tells Relay that it should end; nil: there is no Relay
}

// begin notes an offer. It returns nil if Shutdown was called.
func (s *sessions) begin(cut func(error)) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil
	}
	if s.open == nil {
		s.open = map[*session]struct{}{}
	}
	session := &session{cut: cut}
	s.open[session] = struct{}{}
	return session
}

// grow notes that the session becomes a tunnel. It reports false if the session must not,
// because Shutdown has closed the others.
func (s *sessions) grow(session *session, cut func(error), quit context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return false
	}
	session.cut, session.quit = cut, quit
	if s.closing && quit != nil {
		quit()
	}
	return true
}

// end notes that the session has ended.
func (s *sessions) end(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, session)
	if session.quit != nil {
		session.quit()
	}
	s.isEmpty()
}

// isEmpty closes s.empty if Shutdown was called and no session is open.
func (s *sessions) isEmpty() {
	if s.closing && len(s.open) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

func (s *sessions) shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for session := range s.open {
		if session.quit != nil {
			session.quit()
		}
	}
	if len(s.open) == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
	for session := range s.open {
		// To close a TLS connection can take seconds, if its peer does not read.
		go session.cut(http.ErrServerClosed)
	}
	return ctx.Err()
}
