package serve

import (
	"strings"
	"sync"
	"time"

	"github.com/gosegue/upgrade/cmd/upgrade101/record"
)

// This file knows the last handshakes. It holds the octets as they came. The code that
// shows them must escape them.

const (
	maxLast   = 50      // handshakes
	maxQuoted = 200     // octets of what a stranger sent, in the log and in a note
	maxLines  = 4 << 10 // octets of the two fields, in a note
)

// note is a handshake and what became of it.
type note struct {
	number   int // from 1
	time     time.Time
	offer    offer
	decision string
	switched bool
	key      string // of the page that made the handshake; may be empty
	exchange record.Exchange
}

// lastHandshakes holds the last handshakes. The zero value has none.
type lastHandshakes struct {
	mu    sync.Mutex
	count int
	notes []note // at most maxLast, the oldest first
}

// add adds a note, which gets the next number.
func (l *lastHandshakes) add(n note) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	n.number = l.count
	if len(l.notes) == maxLast {
		copy(l.notes, l.notes[1:])
		l.notes[maxLast-1] = n
		return
	}
	l.notes = append(l.notes, n)
}

// after returns the notes with a number above the given one, in order, and the highest
// number.
func (l *lastHandshakes) after(number int) (notes []note, last int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.notes {
		if n.number > number {
			notes = append(notes, n)
		}
	}
	return notes, l.count
}

// find returns the note with that key.
func (l *lastHandshakes) find(key string) (note, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.notes {
		if n.key == key && key != "" {
			return n, true
		}
	}
	return note{}, false
}

// public returns the part of a request target that everybody may see.
func public(target string) string {
	path, _, found := strings.Cut(target, "?")
	if found {
		path += "?..."
	}
	return path
}
