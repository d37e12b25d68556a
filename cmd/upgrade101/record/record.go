// Package record keeps the heads of the first exchange on a connection. net/http keeps
// neither the order nor the spelling of fields, and does not show that a request had two
// lengths. The package does not know what the octets mean, except which of them are secrets.
package record

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// MaxKept is how many octets of a head are kept at most.
const MaxKept = 16 << 10

// Exchange is the head of a request and the head of its response, octet for octet.
type Exchange struct{ Request, Response Head }

// Head keeps the octets of a head, up to MaxKept. They may come in pieces.
type Head struct {
	Octets []byte
	Cut    bool // there were more

	ended   bool // the empty line has come
	started bool // a line that is not empty has begun
	inLine  bool
	name    []byte // what this line begins with, in lower case, until named
	named   bool   // it is known whether the line is a secret
	secret  bool   // its value is not kept
}

// The values of the fields in secrets are replaced by notKept.
var secrets = []string{"cookie", "authorization", "proxy-authorization", "set-cookie"}

const (
	notKept       = " (not kept)"
	longestSecret = len("proxy-authorization")
)

// add adds the octets up to the end of the head, and returns those that follow it.
func (h *Head) add(p []byte) []byte {
	for i, c := range p {
		if h.ended {
			return p[i:]
		}
		switch c {
		case '\n':
			h.keep(c)
			h.ended = h.started && !h.inLine
			h.inLine = false
		case '\r':
			h.keep(c)
		default:
			// A line that begins with a blank continues the value before it.
			begins := !h.inLine
			if begins && c != ' ' && c != '\t' {
				h.name, h.named, h.secret = h.name[:0], false, false
			}
			h.started, h.inLine = true, true
			if begins || !h.secret {
				h.keep(c)
			}
			h.look(c)
		}
	}
	return nil
}

// keep keeps an octet, if there is room.
func (h *Head) keep(c byte) {
	if len(h.Octets) == MaxKept {
		h.Cut = true
		return
	}
	h.Octets = append(h.Octets, c)
}

// look looks for the name of a secret before the first colon of a line.
func (h *Head) look(c byte) {
	switch {
	case h.named:
	case c == ':':
		h.named = true
		if h.secret = slices.Contains(secrets, string(bytes.TrimRight(h.name, " \t"))); h.secret {
			for i := range len(notKept) {
				h.keep(notKept[i])
			}
		}
	case len(h.name) > longestSecret:
		h.named = true
	default:
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h.name = append(h.name, c)
	}
}

// Listener returns a listener that keeps the first exchange of each connection, until the
// exchange is taken or turns out not to be a switch.
func Listener(listener net.Listener) net.Listener { return recording{listener} }

type recording struct{ net.Listener }

func (l recording) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	recorded := &recordedConn{Conn: conn}
	if w, ok := conn.(closeWriter); ok {
		return struct {
			*recordedConn
			closeWriter
		}{recorded, w}, nil
	}
	return recorded, nil
}

// Recorder is a connection that keeps its first exchange.
type Recorder interface {
	// Take returns the exchange and forgets it. It returns false unless the exchange is
	// still kept and its response is a whole 101.
	Take() (Exchange, bool)

	// Request returns the head of the request, or nil if it is no longer kept.
	Request() []byte
}

// Kept returns conn, which reads and writes through recorded. The result is a Recorder if
// recorded is one.
func Kept(recorded, conn net.Conn) net.Conn {
	r, ok := recorded.(Recorder)
	if !ok {
		return conn
	}
	if w, ok := conn.(closeWriter); ok {
		return struct {
			net.Conn
			closeWriter
			Recorder
		}{conn, w, r}
	}
	return struct {
		net.Conn
		Recorder
	}{conn, r}
}

type recordedConn struct {
	net.Conn
	mu   sync.Mutex
	kept Exchange
	over bool // nothing is kept from now on
}

func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.kept.Request.add(p[:n])
	}
	return n, err
}

func (c *recordedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	for p = p[:n]; !c.over && len(p) > 0 && !c.kept.Response.ended; {
		p = c.kept.Response.add(p)
		switch {
		case !c.kept.Response.ended || c.kept.Response.hasStatus("101"):
		case c.kept.Response.hasStatus("100"):
			// The response is still to come.
			c.kept.Response = Head{}
		default:
			c.drop()
		}
	}
	return n, err
}

func (h *Head) hasStatus(status string) bool {
	return bytes.HasPrefix(h.Octets, []byte("HTTP/1.1 "+status+" "))
}

func (c *recordedConn) Take() (Exchange, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.kept
	c.drop()
	return kept, kept.Response.ended
}

func (c *recordedConn) Request() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.Request.Octets
}

func (c *recordedConn) drop() { c.kept, c.over = Exchange{}, true }

// closeWriter is a connection whose writing side can be closed alone.
type closeWriter interface{ CloseWrite() error }

// connKey is the key of a request's connection in its context.
type connKey struct{}

// ConnContext is for [http.Server]: it lets Of find the connection of a request.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// Of returns the connection of a request, or nil if it is not recorded.
func Of(r *http.Request) Recorder {
	recorder, _ := r.Context().Value(connKey{}).(Recorder)
	return recorder
}
