package fixes

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
)

func client(conn net.Conn, r *http.Request) (*bufio.Reader, error) {
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 101 || !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") || // want `whole-value`
		!strings.EqualFold(resp.Header.Get("Connection"), "Upgrade") { // want `whole-value`
		return nil, errors.New("no switch")
	}
	return br, nil
}

func tunnel(w http.ResponseWriter, backend net.Conn) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `early-bytes`
	if err != nil {
		return
	}
	go io.Copy(conn, backend)
	io.Copy(backend, conn)
}

func answer(conn net.Conn) {
	resp := http.Response{StatusCode: http.StatusSwitchingProtocols}
	resp.Write(conn) // want `response-version`
}

func tunnelOnSuccess(w http.ResponseWriter, backend net.Conn) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `early-bytes`
	if err == nil {
		io.Copy(backend, conn)
		return
	}
	log.Print(err)
}

func tunnelIfOther(w http.ResponseWriter, backend net.Conn, failed bool) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `early-bytes`
	if failed && err != nil {
		return
	}
	io.Copy(backend, conn)
}

func tunnelTCP(w http.ResponseWriter, backend net.Conn) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `early-bytes`
	if err != nil {
		return
	}
	conn.(*net.TCPConn).SetLinger(0)
	io.Copy(backend, conn)
}

func tunnelAny(w http.ResponseWriter, backend net.Conn) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `early-bytes`
	if err != nil {
		return
	}
	linger(conn)
	io.Copy(backend, conn)
}

func linger(c net.Conn) {
	switch c := c.(type) {
	case *net.TCPConn:
		c.SetLinger(0)
	default:
		panic("no TCP")
	}
}

// Both findings have the same fix.
func answers(conn net.Conn) {
	resp := http.Response{StatusCode: http.StatusSwitchingProtocols, ProtoMinor: 1}
	resp.Write(conn) // want `response-version`
	resp.Write(conn) // want `response-version`
}
