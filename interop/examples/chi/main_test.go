package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func TestChat(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- run(ctx, listener) }()

	dial := func(origin string) (net.Conn, error) {
		dialer := ws.Dialer{
			Header:    ws.HandshakeHeaderHTTP{"Origin": {origin}},
			Protocols: []string{"chat.v1", "chat.v2"},
			Timeout:   10 * time.Second,
		}
		conn, _, _, err := dialer.Dial(context.Background(), "ws://"+listener.Addr().String()+"/chat")
		return conn, err
	}
	if _, err := dial("https://evil.example"); !errors.Is(err, ws.StatusError(403)) {
		t.Errorf("foreign origin: %v", err)
	}
	conn, err := dial("https://example.com")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	wsutil.WriteClientText(conn, []byte("hello"))
	if text, err := wsutil.ReadServerText(conn); err != nil || string(text) != "chat.v2: hello" {
		t.Errorf("%q, %v", text, err)
	}
	if got := upgrades.String(); got != `{"Forbidden": 1, "Switching Protocols": 1}` {
		t.Errorf("metrics: %s", got)
	}
	stop()
	var closed wsutil.ClosedError
	if _, err := wsutil.ReadServerText(conn); !errors.As(err, &closed) || closed.Code != ws.StatusGoingAway {
		t.Errorf("at shutdown: %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// The whole program, imports included, stays under 60 lines of code.
func TestShort(t *testing.T) {
	file, err := os.Open("main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if line := strings.TrimSpace(scanner.Text()); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if lines >= 60 {
		t.Errorf("%d lines", lines)
	}
}
