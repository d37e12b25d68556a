package tcptest

import (
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for an event that must happen. Only broken code takes
// that long.
const Patience = 20 * time.Second

// Eventually waits until is returns true, and reports whether that happens in time.
func Eventually(is func() bool) bool {
	for deadline := time.Now().Add(Patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// Receive returns the next value from c. It stops the test if none comes in time.
func Receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// Group is a [sync.WaitGroup] with the method Go, which that type has since Go 1.25.
type Group struct{ sync.WaitGroup }

// Go runs f in a goroutine that Wait waits for.
func (g *Group) Go(f func()) {
	g.Add(1)
	go func() {
		defer g.Done()
		f()
	}()
}
