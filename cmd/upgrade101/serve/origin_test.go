package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

const (
	ipv4 = "192.0.2.7"
	ipv6 = "2001:db8::7"
)

func TestNamed(t *testing.T) {
	s := New("", io.Discard)
	s.Names = []string{"Upgrade.Example:8101", ""}
	for host, want := range map[string]bool{
		"localhost":               true,
		"LocalHost:8101":          true,
		"127.0.0.1":               true,
		"127.0.0.1:9":             true, // through a proxy
		"127.8.9.1:8101":          true,
		"[::1]:8101":              true,
		"[::1]":                   true,
		ipv4 + ":8101":            true,
		"upgrade.example:80":      true,
		"":                        true, // HTTP/1.0
		"192.0.2.8:8101":          false,
		"[" + ipv6 + "]":          false,
		"evil.example":            false,
		"evil.example:8101":       false,
		"127.0.0.1.evil.example":  false,
		"localhost.evil.example":  false,
		"evil.localhost:8101":     false,
		"localhost.:8101":         false,
		":8101":                   false,
		"localho\u017ft:8101":     false,
		"x@localhost":             false,
		"0.0.0.0:8101":            false,
		"2130706433":              false,
		"upgrade.example.evil":    false,
		"notupgrade.example:8101": false,
	} {
		if got := s.named(host, &net.TCPAddr{IP: net.ParseIP(ipv4), Port: 8101}); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
	if !s.named("["+ipv6+"]:8101", &net.TCPAddr{IP: net.ParseIP(ipv6)}) || s.named(ipv4, nil) {
		t.Error("the address of the connection")
	}
}

// A name may be an address, in any spelling.
func TestNamedByAddress(t *testing.T) {
	for _, name := range []string{ipv4, ipv4 + ":8101", ipv6, "[" + ipv6 + "]", "[2001:DB8:0::7]:8101"} {
		s := New("", io.Discard)
		s.Names = []string{name}
		for host, want := range map[string]bool{
			ipv4:                   strings.HasPrefix(name, ipv4),
			ipv4 + ":80":           strings.HasPrefix(name, ipv4),
			"[" + ipv6 + "]:80":    !strings.HasPrefix(name, ipv4),
			"[2001:0db8::0007]:80": !strings.HasPrefix(name, ipv4),
			"192.0.2.70":           false,
			"[2001:db8::70]":       false,
		} {
			if got := s.named(host, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8101}); got != want {
				t.Errorf("%q of the server %q: %t", host, name, got)
			}
			if got := IsName(host); !got {
				t.Errorf("%q is no name", host)
			}
		}
	}
}

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"upgrade.example":       true,
		"upgrade.example:8101":  true,
		"localhost":             true,
		ipv4:                    true,
		ipv4 + ":8101":          true,
		ipv6:                    true,
		"[" + ipv6 + "]":        true,
		"[" + ipv6 + "]:8101":   true,
		"":                      false,
		":8101":                 false,
		"a b":                   false,
		"a:b":                   false,
		"x@localhost":           false,
		"http://localhost":      false,
		"localhost/":            false,
		"b\u00fccher.example":   false,
		"[" + ipv6:              false,
		"[" + ipv4 + "]x":       false,
		"[dead:beef]":           false,
		"[::1%eth0]":            false,
		"fe80::1%eth0":          false,
		"upgrade.example:8101 ": false,
	} {
		if got := IsName(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

// exchangeWith sends a request as it is, and returns the response and its content.
func exchangeWith(t *testing.T, address, request string) (*http.Response, string) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(dial(t, address, request)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response, ""
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// A site whose name resolves to the address of this server gets nothing from it.
func TestForeignHost(t *testing.T) { inBothModes(t, testForeignHost) }

func testForeignHost(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	_, port, _ := net.SplitHostPort(address)
	const socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, path := range []string{"/", "/handshakes", "/handshake?key=x", "/script.js", "/elsewhere"} {
		for _, fields := range []string{"", "Accept: text/html\r\n", "Origin: http://evil.example:" + port + "\r\n" + socket} {
			response, body := exchangeWith(t, address, "GET "+path+" HTTP/1.1\r\nHost: evil.example:"+port+"\r\n"+fields+"\r\n")
			if response.StatusCode != http.StatusMisdirectedRequest || body != wrongHost || response.Header.Get("Upgrade") != "" {
				t.Errorf("%s: %s, %v\n%s", path, response.Status, response.Header, body)
			}
			response, _ = exchangeWith(t, address, "GET "+path+" HTTP/1.1\r\nHost: localhost:"+port+"\r\n\r\n")
			if response.StatusCode == http.StatusMisdirectedRequest {
				t.Errorf("%s by our own name: %s", path, response.Status)
			}
		}
	}
	log.mustLog(t, `offers "websocket": not switched: the field Host does not name this server`)
	// Not even an offer that switches, with an Origin of the same name.
	if response, _ := exchangeWith(t, address, "GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"); response.StatusCode != http.StatusSwitchingProtocols {
		t.Error(response.Status)
	}
	log.mustLog(t, `offers "echo/1": switched to echo/1`)
	if _, notes, text := lastOf(t, address, "0"); len(notes) > 0 {
		t.Errorf("the page lists %s", text)
	}
	for _, host := range []string{"fd00:10:0:0::1:8101", "[::1%eth0]", "[::1", "a:b", "localhost:8101:1"} {
		response, _ := exchangeWith(t, address, "GET / HTTP/1.1\r\nHost: "+host+"\r\n"+socket+"\r\n")
		if response.StatusCode != http.StatusBadRequest || !response.Close {
			t.Errorf("Host %q: %s", host, response.Status)
		}
	}
	response, _ := exchangeWith(t, address, "POST /key HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Error(response.Status)
	}
}

// A page of another site cannot open a WebSocket, and our page does not list its attempt.
func TestForeignOrigin(t *testing.T) { inBothModes(t, testForeignOrigin) }

func testForeignOrigin(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	offer := func(key string, origins ...string) int {
		request := getWithID + key + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: a=secret\r\n"
		for _, origin := range origins {
			request += "Origin: " + origin + "\r\n"
		}
		response, _ := exchangeWith(t, address, request+"\r\n")
		return response.StatusCode
	}
	for _, origins := range [][]string{
		{"http://evil.example"}, {"null"}, {"http://localhost"}, {"https://" + address + ".evil.example"},
		{"http://" + address, "http://evil.example"}, {""},
	} {
		key := freshKey(t, address)
		if status := offer(key, origins...); status != http.StatusForbidden {
			t.Errorf("%q: status %d", origins, status)
		}
		if response, _ := fetch(t, "GET", "http://"+address+"/handshake?key="+key, ""); response.StatusCode != 404 {
			t.Errorf("%q: %s", origins, response.Status)
		}
	}
	log.mustLog(t, "refused with status 403")
	if _, notes, text := lastOf(t, address, "0"); len(notes) > 0 {
		t.Error(text)
	}
	for _, origins := range [][]string{nil, {"http://" + address}} {
		key := freshKey(t, address)
		if status := offer(key, origins...); status != http.StatusSwitchingProtocols {
			t.Errorf("%q: status %d", origins, status)
		}
		got, ok := heads(t, address, key)
		if !ok || !strings.Contains(string(got.Request), "\r\nCookie: (not kept)\r\n") || strings.Contains(string(got.Request), "secret") {
			t.Errorf("%q: %t, %q", origins, ok, got.Request)
		}
	}
	// A key that the server did not make shows nothing.
	key := strings.Repeat("0123456789abcdef", 4)
	if status := offer(key); status != http.StatusSwitchingProtocols {
		t.Errorf("status %d", status)
	}
	if response, _ := fetch(t, "GET", "http://"+address+"/handshake?key="+key, ""); response.StatusCode != 404 {
		t.Error(response.Status)
	}
}
