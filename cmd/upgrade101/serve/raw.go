package serve

import (
	"bytes"
	"errors"
	"net"
	"time"

	"github.com/gosegue/upgrade/cmd/upgrade101/record"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows how to read the first request of a connection without net/http. It
// leaves every request that does not switch to net/http.

// The shortest and the longest pause after a connection could not be accepted, for example
// because no file descriptor was left.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// acceptAll accepts connections until the listener is closed or fails permanently. It
// passes connections that do not switch to serveHTTP.
func (s *Server) acceptAll(listener net.Listener, serveHTTP func(net.Conn)) error {
	var pause time.Duration
	for {
		conn, err := listener.Accept()
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 0
			go s.accept(conn, serveHTTP)
		case errors.As(err, &passing) && passing.Temporary():
			pause = min(max(2*pause, minPause), maxPause)
			s.log.Printf("%v; trying again in %v", err, pause)
			time.Sleep(pause)
		default:
			return err
		}
	}
}

// accept reads the first request of a connection. If the request switches, it speaks the
// protocol until that ends.
func (s *Server) accept(conn net.Conn, serveHTTP func(net.Conn)) {
	if !s.sessions.add(conn) {
		conn.Close() // the server is stopping
		return
	}
	defer s.sessions.remove(conn)

	var offered *offer // of the request, if the server was about to switch
	note := func(r *netupgrade.Request) bool {
		o := s.rawOfferOf(r, conn)
		offered = &o
		return true
	}
	socket := netupgrade.WebSocket()
	socket.Allow = func(r *netupgrade.Request) bool {
		return s.named(string(r.Authority()), conn.LocalAddr()) && note(r)
	}
	socket.Fields = func(r *netupgrade.Request) ([]handshake.Field, error) {
		if offered.foreign {
			return nil, &netupgrade.Refusal{Status: 403}
		}
		return nil, nil
	}
	acceptor := netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{{Product: echo, Allow: note}, socket},
		Limits:    head.Limits{Bytes: maxHeader},
		Timeout:   readTimeout,
		Decline: func(r *netupgrade.Request, err error) {
			if errors.Is(err, netupgrade.ErrConnect) {
				s.logOffer(s.rawOfferOf(r, conn), "not switched", err)
				r.Respond(501, nil)
				return
			}
			// The handler of net/http logs the offer.
			serveHTTP(record.Kept(conn, r.Unread()))
			offered = nil
		},
	}
	accepted, err := acceptor.Accept(conn)
	if err != nil {
		s.logUnswitched(conn.RemoteAddr(), offered, err)
		return
	}
	defer accepted.Conn.Close()
	speak := echoBytes
	if accepted.Product() == webSocket {
		speak = echoMessages
	}
	s.speak(accepted.Conn, accepted.Product(), *offered, speak)
}

// logUnswitched logs why a request did not switch, unless that is in the log already.
func (s *Server) logUnswitched(from net.Addr, offered *offer, err error) {
	var (
		failed  *netupgrade.Error
		refusal *netupgrade.Refusal
	)
	switch {
	case offered != nil && errors.As(err, &failed) && errors.As(err, &refusal):
		s.logOffer(*offered, "not switched", failed.Err) // which has the reason
	case offered != nil:
		s.logOffer(*offered, "failed", err)
	case errors.As(err, &failed) && failed.Status == 0 || errors.Is(err, netupgrade.ErrConnect):
		// The request went on to net/http, the client left without a request, or the
		// log has it already.
	default:
		s.log.Printf("%v no request: %v", from, err)
	}
}

func (s *Server) rawOfferOf(r *netupgrade.Request, conn net.Conn) offer {
	recorder, _ := conn.(record.Recorder)
	return offer{
		from:       r.Addr().String(),
		method:     string(r.Method),
		target:     string(r.Target),
		products:   string(bytes.Join(r.Upgrade, []byte(", "))),
		connection: copies(r.Connection),
		upgrades:   copies(r.Upgrade),
		foreign:    !s.named(string(r.Authority()), conn.LocalAddr()) || !websocket.SameOrigin(r.Lines(nil, "Origin"), [][]byte{r.Authority()}),
		recorder:   recorder,
	}
}

// copies returns the lines as strings, which outlive the head.
func copies(lines [][]byte) (all []string) {
	for _, line := range lines {
		all = append(all, string(line))
	}
	return all
}
