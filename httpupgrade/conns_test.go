package httpupgrade_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// counted returns an echoing Handler with conns.
func counted(conns *httpupgrade.Conns) httpupgrade.Handler {
	h := echoing()
	h.Conns = conns
	return h
}

// served sends an offer and reads the answer, which must be a switch.
func served(t testing.TB, s *server) *client {
	t.Helper()
	c := s.dial()
	c.Send(offerEcho)
	equal(t, "head", c.Head(), echoHead)
	equal(t, "hello", c.Octets(len(hello("", nil))), hello("", nil))
	return c
}

func wantLen(t testing.TB, conns *httpupgrade.Conns, want int) {
	t.Helper()
	if !tcptest.Eventually(func() bool { return conns.Len() == want }) {
		t.Errorf("%d connections, want %d", conns.Len(), want)
	}
}

func TestConnsLimitSwitchedConnections(t *testing.T) {
	t.Parallel()
	conns := &httpupgrade.Conns{Max: 2}
	s := start(t, counted(conns))
	first, _ := served(t, s), served(t, s)
	wantLen(t, conns, 2)
	c := s.dial()
	c.Send(offerEcho + plain)
	response, _ := c.response("GET")
	equal(t, "third", response.StatusCode, 503)
	_, text := c.response("GET") // the connection goes on
	equal(t, "next", text, told("GET", "/plain", "", nil))
	first.CloseWrite()
	first.Rest()
	wantLen(t, conns, 1)
	served(t, s)
}

// A place is given back, no matter what ends the switch.
func TestConnsGetTheirPlacesBack(t *testing.T) {
	t.Parallel()
	conns := &httpupgrade.Conns{Max: 1}
	errs := make(errorsOf, 10)
	fail := true
	h := counted(conns)
	h.Error = errs.report
	h.Protocols[0].Fields = func(r *http.Request) ([]handshake.Field, error) {
		if r.URL.Path == "/refused" {
			return nil, &httpupgrade.Refusal{Status: 403}
		}
		return nil, nil
	}
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail {
			w = withoutHijack(w)
		}
		h.ServeHTTP(w, r)
	}))
	s.exchange(offerEcho)
	errs.next(t)
	wantLen(t, conns, 0)
	fail = false
	s.exchange(strings.Replace(offerEcho, "GET /", "GET /refused", 1))
	wantLen(t, conns, 0)
	served(t, s).Close()
	wantLen(t, conns, 0)
	served(t, s)
}

// A panic does not keep the place: middleware may have a Hijack of its own.
func TestPanicDuringTheTakeOverGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	conns := &httpupgrade.Conns{Max: 1}
	h := counted(conns)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) { panic(http.ErrAbortHandler) }}, r)
	}))
	s.exchange(offerEcho)
	wantLen(t, conns, 0)
}

func TestNilConns(t *testing.T) {
	t.Parallel()
	var conns *httpupgrade.Conns
	equal(t, "Len", conns.Len(), 0)
	if err := conns.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// During many switches every Shutdown returns. Then no place is in use, and no further
// switch gets one.
func TestShutdownAmongSwitches(t *testing.T) {
	t.Parallel()
	conns := new(httpupgrade.Conns)
	h := counted(conns)
	h.Protocols[0].Serve = func(conn net.Conn, r *http.Request) {
		conn.Write([]byte{'.'})
		<-r.Context().Done()
	}
	s := start(t, h)
	var running tcptest.Group
	switched := make(chan bool, 20)
	for range 20 {
		running.Go(func() {
			c := s.dial()
			c.Send(offerEcho)
			switched <- c.Head() == echoHead
		})
	}
	if !tcptest.Eventually(func() bool { return conns.Len() > 0 }) {
		t.Error("no place was taken")
	}
	for range 3 {
		running.Go(func() {
			if err := conns.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			equal(t, "left", conns.Len(), 0)
		})
	}
	running.Wait()
	count := 0
	for range 20 {
		if <-switched {
			count++
		}
	}
	if count == 0 {
		t.Error("no client was switched")
	}
	response, _ := s.get(offerEcho)
	equal(t, "afterwards", response.StatusCode, 503)
}

// A client that is slow with its content takes no place.
func TestContentIsReadBeforeAPlaceIsTaken(t *testing.T) {
	t.Parallel()
	conns := &httpupgrade.Conns{Max: 1}
	s := start(t, counted(conns))
	slow := s.dial()
	slow.Send("POST / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	equal(t, "slow", slow.Head(), goAhead)
	equal(t, "places", conns.Len(), 0)
	served(t, s)
	slow.Send("12345")
	equal(t, "slow", slow.Head()[:12], "HTTP/1.1 503")
}

func TestShutdownTellsServeAndWaits(t *testing.T) {
	t.Parallel()
	conns := new(httpupgrade.Conns)
	h := counted(conns)
	ended := make(chan error, 1)
	h.Protocols[0].Serve = func(conn net.Conn, r *http.Request) {
		io.WriteString(conn, hello("", nil))
		<-r.Context().Done()
		ended <- r.Context().Err()
		io.WriteString(conn, "bye")
	}
	s := start(t, h)
	c := served(t, s)
	if err := conns.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := tcptest.Receive(t, ended); err != context.Canceled {
		t.Errorf("context: %v", err)
	}
	equal(t, "rest", c.Rest(), "bye")
	equal(t, "left", conns.Len(), 0)
	response, _ := s.get(offerEcho)
	equal(t, "afterwards", response.StatusCode, 503)
	if err := conns.Shutdown(context.Background()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestShutdownClosesWhatIsLeftWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	conns := new(httpupgrade.Conns)
	s := start(t, counted(conns)) // its protocol does not look at the context
	c := served(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := conns.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	equal(t, "rest", c.Rest(), "")
	wantLen(t, conns, 0)
}

func TestShutdownWithoutConnectionsReturnsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := new(httpupgrade.Conns).Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// Shutdown waits for a switch that has its place when Shutdown begins, and closes the
// connection in the end.
func TestShutdownCoversSwitchesUnderWay(t *testing.T) {
	t.Parallel()
	conns := new(httpupgrade.Conns)
	h := counted(conns)
	reached, proceed := make(chan bool), make(chan bool)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(hijackFunc{w, func() (net.Conn, *bufio.ReadWriter, error) {
			reached <- true
			<-proceed
			return w.(http.Hijacker).Hijack()
		}}, r)
	}))
	c := s.dial()
	c.Send(offerEcho)
	tcptest.Receive(t, reached)
	equal(t, "under way", conns.Len(), 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := conns.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	close(proceed)
	c.Rest()
	wantLen(t, conns, 0)
}
