package proxyupgrade

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// idleTimer cuts a tunnel off when no byte has been delivered for some time. It is a timer
// and not a deadline: each direction of a connection has its own deadline, but a byte in
// either direction keeps the tunnel open. A nil idleTimer never cuts off.
type idleTimer struct {
	after time.Duration
	cut   func(error)
	start time.Time
	last  atomic.Int64 // when bytes were delivered last, since start

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

var errIdle = fmt.Errorf("proxyupgrade: tunnel is idle: %w", os.ErrDeadlineExceeded)

func newIdleTimer(after time.Duration, cut func(error)) *idleTimer {
	i := &idleTimer{after: after, cut: cut, start: time.Now()}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.timer = time.AfterFunc(after, i.check)
	return i
}

// touch notes that bytes were delivered.
func (i *idleTimer) touch() {
	if i != nil {
		i.last.Store(int64(time.Since(i.start)))
	}
}

func (i *idleTimer) check() {
	if i.isIdle() {
		i.cut(errIdle) // without the lock: to close a TLS connection can take seconds
	}
}

// isIdle reports whether the time is over. If it is not, isIdle resets the timer.
func (i *idleTimer) isIdle() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped {
		return false
	}
	left := i.after - (time.Since(i.start) - time.Duration(i.last.Load()))
	if left > 0 {
		i.timer.Reset(left)
	}
	return left <= 0
}

func (i *idleTimer) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
	i.timer.Stop()
}
