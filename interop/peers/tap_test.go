package peers

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosegue/upgrade/head"
)

// tap stands between clients and a server. It passes everything on as it comes, half-closes
// included, and records it.
type tap struct {
	address string // that clients connect to
	mu      sync.Mutex
	talks   []*talk
}

// talk is what was said on one connection.
type talk struct {
	mu    sync.Mutex
	said  []said
	ended chan struct{}
}

// said is some octets of one side, as the tap read them; nil octets are the side's end.
type said struct {
	byClient bool
	octets   []byte
}

func newTap(t testing.TB, server string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := &tap{address: listener.Addr().String()}
	var running sync.WaitGroup
	stop := make(chan struct{})
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { tap.join(client, server, stop) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		close(stop)
		running.Wait()
		tap.keepHeads(t)
		if t.Failed() {
			for i, talk := range tap.all() {
				t.Logf("connection %d:\n%s", i, talk)
			}
		}
	})
	return tap
}

var heads = flag.String("heads", "", "a folder to write the heads of requests with an Upgrade field to")

// keepHeads writes the heads that may be of use in testdata/captures.
func (t *tap) keepHeads(tb testing.TB) {
	if *heads == "" {
		return
	}
	for i, talk := range t.all() {
		text, _, whole := bytes.Cut(talk.client(), []byte("\r\n\r\n"))
		if !whole || !bytes.Contains(bytes.ToLower(text), []byte("\nupgrade:")) {
			continue
		}
		name := strings.ReplaceAll(fmt.Sprintf("%s-%d.req", tb.Name(), i), "/", "-")
		if err := os.WriteFile(filepath.Join(*heads, name), append(text, "\r\n\r\n"...), 0o644); err != nil {
			tb.Error(err)
		}
	}
}

// join passes on what two sides say until both have ended, or stop is closed.
func (t *tap) join(client net.Conn, server string, stop <-chan struct{}) {
	defer client.Close()
	talk := &talk{ended: make(chan struct{})}
	defer close(talk.ended)
	t.mu.Lock()
	t.talks = append(t.talks, talk)
	t.mu.Unlock()
	origin, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer origin.Close()
	var both sync.WaitGroup
	both.Go(func() { talk.pass(origin, client, true) })
	both.Go(func() { talk.pass(client, origin, false) })
	done := make(chan struct{})
	go func() { both.Wait(); close(done) }()
	select {
	case <-done:
	case <-stop:
		client.Close()
		origin.Close()
		<-done
	}
}

// pass passes on one direction to its end, and a reset as a reset.
func (t *talk) pass(to, from net.Conn, byClient bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			t.add(said{byClient, bytes.Clone(buffer[:n])})
			if _, err := to.Write(buffer[:n]); err != nil {
				from.Close()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			t.add(said{byClient, nil})
			to.(*net.TCPConn).CloseWrite()
			return
		}
		if err != nil {
			to.(*net.TCPConn).SetLinger(0)
			to.Close()
			return
		}
	}
}

func (t *talk) add(s said) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, s)
}

// order returns what was said so far, in order.
func (t *talk) order() []said {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said[:len(t.said):len(t.said)]
}

func (t *talk) by(client bool) []byte {
	var all []byte
	for _, s := range t.order() {
		if s.byClient == client {
			all = append(all, s.octets...)
		}
	}
	return all
}

// client returns what the client has said, server what the server has.
func (t *talk) client() []byte { return t.by(true) }
func (t *talk) server() []byte { return t.by(false) }

// String returns what was said, shortened for the log of a failed test.
func (t *talk) String() string {
	var b bytes.Buffer
	for _, s := range t.order() {
		who := "server"
		if s.byClient {
			who = "client"
		}
		octets := s.octets
		if len(octets) > 200 {
			octets = octets[:200]
		}
		if s.octets == nil {
			b.WriteString(who + " ends\n")
			continue
		}
		b.WriteString(who + ": " + quote(octets) + "\n")
	}
	return b.String()
}

// all returns the connections so far.
func (t *tap) all() []*talk {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.talks[:len(t.talks):len(t.talks)]
}

// only waits for the only connection to end and returns it. If there are more or fewer, it
// fails the test.
func (t *tap) only(tb testing.TB) *talk {
	tb.Helper()
	all := t.all()
	if len(all) != 1 {
		tb.Fatalf("%d connections, want 1", len(all))
	}
	all[0].wait(tb)
	return all[0]
}

// wait waits until both sides have ended.
func (t *talk) wait(tb testing.TB) {
	tb.Helper()
	select {
	case <-t.ended:
	case <-time.After(10 * time.Second):
		tb.Fatalf("the connection does not end:\n%s", t)
	}
}

// request returns the head of the first request, as package head reads it.
func (t *talk) request(tb testing.TB) *head.Request {
	tb.Helper()
	return parseHead(tb, t.client())
}

func parseHead(tb testing.TB, octets []byte) *head.Request {
	tb.Helper()
	var r head.Request
	if n, err := r.Parse(octets, head.Limits{}); err != nil || n == 0 {
		tb.Fatalf("no request head (%v): %s", err, quote(octets))
	}
	return &r
}

// responseHead returns the lines of the head that octets begin with.
func responseHead(tb testing.TB, octets []byte) []string {
	tb.Helper()
	text, _, ok := bytes.Cut(octets, []byte("\r\n\r\n"))
	if !ok {
		tb.Fatalf("no response head: %s", quote(octets))
	}
	return splitLines(string(text))
}
