package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/url"
	"os"

	"github.com/gobwas/ws"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/netupgrade"
	rfc6455 "github.com/gosegue/upgrade/websocket"
)

// This file has the client side of a WebSocket handshake: in memory, and over loopback.

// mayAllocate has the rows that may allocate, and how often. A client may allocate the head
// and the products, which outlive the call; a Handler may allocate as often as its peer.
var mayAllocate = map[string]float64{clientInMemory: 3, clientOverLoopback: 3, handlerChrome: 2, handlerFirefox: 2}

const (
	clientInMemory     = "a WebSocket handshake of a client in memory, key and answer included / gobwas/ws Dialer"
	clientOverLoopback = "a client's offer and answer over loopback / a constant request, read to the empty line"
)

// The answer is as long as that of a server behind a proxy. The accept key goes between the
// two parts.
const (
	answer101Start = "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.27.3\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\n" +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nVia: 1.1 proxy\r\nX-Request-Id: 7b7e1c9a-6a51-4d6e-9a1c-1f6b2f0f9d35\r\nSec-WebSocket-Accept: "
	answer101End = "\r\nStrict-Transport-Security: max-age=31536000\r\n\r\n"
)

// answeringConn is a client's connection in memory. Its server answers the client's key.
type answeringConn struct {
	memoryConn
	answer []byte
}

func (c *answeringConn) Write(p []byte) (int, error) {
	_, rest, _ := bytes.Cut(p, []byte("Sec-WebSocket-Key: "))
	key, _, _ := bytes.Cut(rest, []byte("\r\n"))
	c.answer = append(c.answer[:0], answer101Start...)
	c.answer = rfc6455.AppendAccept(c.answer, key)
	c.answer = append(c.answer, answer101End...)
	c.request, c.read = c.answer, 0
	return len(p), nil
}

var (
	answering = &answeringConn{answer: make([]byte, 0, 1024)}
	client    = netupgrade.Client{Timeout: -1} // gobwas/ws sets no deadline either

	// The fields of a browser's request that are not part of the handshake.
	browserFieldsOfClient = []handshake.Field{
		{Name: "Pragma", Value: "no-cache"},
		{Name: "Cache-Control", Value: "no-cache"},
		{Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari"},
		{Name: "Origin", Value: "http://127.0.0.1:8080"},
		{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
		{Name: "Accept-Language", Value: "en-US,en;q=0.9"},
	}
	dialer = ws.Dialer{Header: ws.HandshakeHeaderString("Pragma: no-cache\r\nCache-Control: no-cache\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari\r\n" +
		"Origin: http://127.0.0.1:8080\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n")}
	chatURL = &url.URL{Scheme: "ws", Host: "127.0.0.1:8080", Path: "/chat"}
)

//go:noinline
func offerRaw() {
	var room [24]byte
	key := string(rfc6455.AppendKey(room[:0]))
	var fields [8]handshake.Field
	n := copy(fields[:], browserFieldsOfClient)
	fields[n] = handshake.Field{Name: "Sec-WebSocket-Version", Value: rfc6455.Version}
	fields[n+1] = handshake.Field{Name: "Sec-WebSocket-Key", Value: key}
	s, err := client.Upgrade(context.Background(), answering, netupgrade.Offer{
		Products: switched, Host: "127.0.0.1:8080", Target: "/chat", Fields: fields[:],
	})
	if err != nil {
		panic(err)
	}
	var lines [1][]byte
	if err := rfc6455.CheckAccept(key, s.Head.Lines(lines[:0], "Sec-WebSocket-Accept")); err != nil {
		panic(err)
	}
}

//go:noinline
func dialGobwas() {
	if _, _, err := dialer.Upgrade(answering, chatURL); err != nil {
		panic(err)
	}
}

// loopback returns a connection to a server in this program that answers every head.
var loopback = func() func() net.Conn {
	var conn net.Conn
	return func() net.Conn {
		if conn != nil {
			return conn
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			r := bufio.NewReader(conn)
			for {
				for {
					line, err := r.ReadSlice('\n')
					if err != nil {
						os.Exit(1)
					}
					if len(line) == 2 {
						break
					}
				}
				io.WriteString(conn, answer101Start+"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="+answer101End)
			}
		}()
		if conn, err = net.Dial("tcp", listener.Addr().String()); err != nil {
			log.Fatal(err)
		}
		return conn
	}
}()

var constantOffer = netupgrade.Offer{
	Products: switched, Host: "127.0.0.1:8080", Target: "/chat",
	Fields: append(browserFieldsOfClient[:6:6], handshake.Field{Name: "Sec-WebSocket-Version", Value: "13"},
		handshake.Field{Name: "Sec-WebSocket-Key", Value: "6bfcZMiWGKxykxS7tQUjTg=="}),
}

//go:noinline
func offerOverLoopback() {
	s, err := client.Upgrade(context.Background(), loopback(), constantOffer)
	if err != nil {
		panic(err)
	}
	sinkInt += s.Head.Status
}

var constantRequest, _ = handshake.AppendOffer(nil, "GET", constantOffer.Target, constantOffer.Host, switched, nil, constantOffer.Fields...)

var bareRoom = make([]byte, 4096)

//go:noinline
func bareLoop() {
	conn := loopback()
	if _, err := conn.Write(constantRequest); err != nil {
		panic(err)
	}
	for n := 0; !bytes.HasSuffix(bareRoom[:n], []byte("\r\n\r\n")); {
		m, err := conn.Read(bareRoom[n:])
		if err != nil {
			panic(err)
		}
		n += m
	}
}
