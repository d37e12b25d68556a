package main

import (
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"
	"github.com/gosegue/upgrade/netupgrade"
)

// browser is a browser's request for a WebSocket.
const browser = "GET /chat HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: Upgrade\r\nPragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari\r\n" +
	"Upgrade: websocket\r\nOrigin: http://127.0.0.1:8080\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: 6bfcZMiWGKxykxS7tQUjTg==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max\r\n\r\n"

// memoryConn is a connection that has received one request.
type memoryConn struct {
	request []byte
	read    int
}

func (c *memoryConn) Read(p []byte) (int, error) {
	n := copy(p, c.request[c.read:])
	if c.read += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (c *memoryConn) Write(p []byte) (int, error)      { sinkInt += len(p); return len(p), nil }
func (c *memoryConn) Close() error                     { return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return nil }
func (c *memoryConn) RemoteAddr() net.Addr             { return nil }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

var (
	memory = &memoryConn{request: []byte(browser)}
	// No deadline: gobwas/ws does not set one either.
	acceptor = &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket()}, Timeout: -1}
	upgrader ws.Upgrader
)

//go:noinline
func acceptRaw() {
	memory.read = 0
	_, err := acceptor.Accept(memory)
	if err != nil {
		panic(err)
	}
}

//go:noinline
func upgradeGobwas() {
	memory.read = 0
	_, err := upgrader.Upgrade(memory)
	if err != nil {
		panic(err)
	}
}
