package upgradetest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// This file knows tests: how a run becomes subtests. It knows nothing of the checks.

// Server makes the checks on a server under test. Each check that is about the product is
// a subtest, named by its ID. A failed MUST fails its subtest, and a failed SHOULD or MAY
// is logged there, with the octets that prove it. A check that cannot be made on this
// server, or that Options.Skip leaves out, is a skipped subtest. A server that never
// switches fails the test, unless Options.NoSwitch is set.
//
// Server calls dial for each connection, one at a time, as [Run] does. dial may connect to
// an address, over TLS or to a Unix socket, or return one end of a net.Pipe. No goroutine
// of Server runs after it returns.
func Server(t *testing.T, dial func(context.Context) (net.Conn, error), o Options) {
	t.Helper()
	serve(t, dial, o, false)
}

// serve is Server. If handler is true, it judges only the handler of a server of net/http.
func serve(t *testing.T, dial func(context.Context) (net.Conn, error), o Options, handler bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := begin(ctx, dial, o)
	switch {
	case err != nil:
		t.Fatal(err)
	case s.err != nil:
		t.Fatalf("upgradetest: %v", s.err)
	}
	s.handler = handler
	if r := s.report(); !r.Switched && !o.NoSwitch {
		t.Errorf("the server never switched to %s: %s; the checks that need a switch are skipped; set Target, Host or Fields, or set NoSwitch if it need not switch", o.Product, r.First)
	} else if !r.Switched {
		t.Logf("the server does not switch to %s: %s; the checks that need a switch are skipped", o.Product, r.First)
	}
	for _, c := range s.checks {
		if !c.applies(o.Product) {
			continue
		}
		t.Run(c.id, func(t *testing.T) { tell(t, s.make(c)) })
	}
	s.doubt()
	switch {
	case s.err != nil:
		t.Errorf("the run ended early: %v", s.err)
	case s.doubted:
		t.Errorf("at the end the server no longer takes the plain offer: the checks that passed without a switch prove nothing")
	}
}

// tell makes r the result of a subtest.
func tell(t *testing.T, r Result) {
	t.Helper()
	switch {
	case r.FailedMust():
		t.Error(report(r))
	case r.Verdict == Fail:
		t.Log(report(r))
	case r.Verdict == Skip:
		t.Skip(r.Detail)
	default:
		t.Logf("%s: %s", r.Verdict, r.Detail)
	}
}

// report returns everything that is known about a failed check.
func report(r Result) string {
	return fmt.Sprintf("%s: %s (RFC %s, section %s)\nfound:    %s\nremedy:   %s\nsent:     %s\nreceived: %s",
		r.Level, r.Title, r.RFC, r.Section, r.Detail, r.Remedy, quoted(r.Sent), quoted(r.Received))
}

// quoted returns the beginning of octets as Go strings, one for each line.
func quoted(octets []byte) string {
	const most = 1 << 10
	rest := ""
	if len(octets) > most {
		rest = fmt.Sprintf("\n          and %d more octets", len(octets)-most)
		octets = octets[:most]
	}
	var lines []string
	for _, line := range strings.SplitAfter(string(octets), "\n") {
		if line != "" {
			lines = append(lines, fmt.Sprintf("%+q", line))
		}
	}
	return strings.Join(lines, "\n          ") + rest
}

// Handler is [Server] for a handler of net/http, which it serves on 127.0.0.1 until the
// test ends. It judges the handler, not net/http, and differs from Server in two checks. It
// skips both-lengths, because no handler sees that there were two lengths. net/http refuses
// some malformed values of Host and passes others to the handler, such as a:8x; with these,
// host-malformed fails only a handler that switches. To judge the whole server, call Server.
func Handler(t *testing.T, h http.Handler, o Options) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	address := listener.Addr().String()
	if o.Host == "" {
		o.Host = address
	}
	o.Skip = append([]string{unseen}, o.Skip...)
	serve(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}, o, true)
}

// unseen is the check that net/http itself fails: no handler sees the fault.
const unseen = "both-lengths: net/http reads such a request by its coding, and keeps the connection open"
