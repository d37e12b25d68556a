package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptest"
	"testing"
)

func TestTarget(t *testing.T) {
	for text, want := range map[string]Target{
		"http://x":                  {false, "x", "x", "80", "/"},
		"ws://x:81/a%20b?c=d%20#f":  {false, "x:81", "x", "81", "/a%20b?c=d%20"},
		"https://[::1]":             {true, "[::1]", "::1", "443", "/"},
		"wss://[fe80::1%25eth0]:1/": {true, "[fe80::1]:1", "fe80::1%eth0", "1", "/"},
		"HTTP://x/?":                {false, "x", "x", "80", "/"},
		"127.0.0.1:81":              {false, "127.0.0.1:81", "127.0.0.1", "81", "/"},
		"localhost:81/a?b":          {false, "localhost:81", "localhost", "81", "/a?b"},
		"[::1]:81":                  {false, "[::1]:81", "::1", "81", "/"},
		`http://x/"<?"<>\^|`:        {false, "x", "x", "80", "/%22%3C?%22%3C%3E%5C%5E%7C"},
	} {
		if got, err := ParseTarget(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "x:", "x:y", "ftp://x", "http:x", "http://", "http://:80", "http://u@x", "http://x/a b?c d", "http://\u00e4", "http://x\x1b", "http://x/?\u00e4", "http://x:y", "x:80 "} {
		if got, err := ParseTarget(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// Dial refuses a certificate that it cannot verify, unless told to accept any.
func TestDialTLS(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	server.Config.ErrorLog = nil
	target, err := ParseTarget(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dialer{Target: target}
	var unknown *tls.CertificateVerificationError
	if _, err := d.Dial(context.Background()); !errors.As(err, &unknown) || d.Address != "" || d.Connections != 0 {
		t.Errorf("%v, %+v", err, d)
	}
	d = &Dialer{Target: target, TLS: &tls.Config{InsecureSkipVerify: true}}
	for range 2 {
		conn, err := d.Dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if d.Address != server.Listener.Addr().String() || d.Connections != 2 {
		t.Errorf("%+v", d)
	}
}
