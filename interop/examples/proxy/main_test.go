package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The proxy asks the engine to switch only where it allows a switch. The engine sees the
// user that the proxy names, and its last words arrive.
func TestProxy(t *testing.T) {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "tcp" {
			io.WriteString(w, "ordinary for "+r.Header.Get("X-User"))
			return
		}
		io.Copy(io.Discard, r.Body)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		input, _ := io.ReadAll(buffered)
		io.WriteString(conn, string(input)+" of "+r.Header.Get("X-User")+", bye")
	}))
	defer engine.Close()
	proxy, err := newProxy(engine.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(authenticated(proxy))
	defer server.Close()
	for _, test := range []struct{ target, offered, status, want string }{
		{"/v1.47/exec/1/start", "tcp", "101", "input of 127.0.0.1, bye"},
		{"/containers/c1/attach", "h2c, tcp", "101", "input of 127.0.0.1, bye"},
		{"/session", "h2c", "200", "ordinary for 127.0.0.1"},
		{"/containers/create", "tcp", "200", "ordinary for 127.0.0.1"},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(conn, "POST "+test.target+" HTTP/1.1\r\nHost: x\r\nX-User: root\r\nConnection: Upgrade, X-User\r\nUpgrade: "+test.offered+"\r\nContent-Length: 2\r\n\r\n{}")
		in := bufio.NewReader(conn)
		status, err := in.ReadString('\n')
		if err != nil || !strings.HasPrefix(status, "HTTP/1.1 "+test.status) {
			t.Errorf("%s: %q, %v", test.target, status, err)
		}
		for line := ""; line != "\r\n" && err == nil; {
			line, err = in.ReadString('\n')
		}
		if test.status == "101" {
			io.WriteString(conn, "input")
		}
		conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(in); string(got) != test.want || err != nil {
			t.Errorf("%s: %q, %v", test.target, got, err)
		}
		conn.Close()
	}
}
