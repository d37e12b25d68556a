package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/interop/examples/eventloop/loop"
	"github.com/gosegue/upgrade/netupgrade"
)

// server is a server to measure. floor names the server that it is compared with.
type server struct {
	name, floor, request string
	start                func() (net.Addr, error) // begins to serve
}

var servers = []server{
	{"bare goroutine, constant 101", "bare goroutine, constant 101", browser, each(bare)},
	{"netupgrade", "bare goroutine, constant 101", browser, each(raw)},
	{"gobwas/ws Upgrader", "bare goroutine, constant 101", browser, each(gobwas)},
	{"gnet's loop, handshake by head and handshake", "bare goroutine, constant 101", browser, eventLoop},
	{"net/http, hijack, constant 101", "net/http, hijack, constant 101", echo, overHTTP(http.HandlerFunc(hijack))},
	{"httpupgrade", "net/http, hijack, constant 101", echo, overHTTP(httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: upgrade.MustParseProduct("echo/1"), Serve: func(conn net.Conn, _ *http.Request) { waitOpen(conn) }}},
	})},
}

const (
	constantBrowser = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	constantEcho    = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n"
)

// each serves every connection in a goroutine of its own.
func each(serve func(net.Conn)) func() (net.Addr, error) {
	return listening(func(listener net.Listener) {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	})
}

func overHTTP(handler http.Handler) func() (net.Addr, error) {
	return listening(func(listener net.Listener) { http.Serve(listener, handler) })
}

func listening(serve func(net.Listener)) func() (net.Addr, error) {
	return func() (net.Addr, error) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go serve(listener)
		return listener.Addr(), nil
	}
}

// eventLoop starts the example ../examples/eventloop, which has no goroutine per connection.
func eventLoop() (net.Addr, error) {
	server, err := loop.Start("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return server.Addr(), nil
}

// wait is the protocol: it sends nothing, and closes when the client does.
func wait(conn net.Conn) {
	waitOpen(conn)
	conn.Close()
}

// waitOpen is wait without the close, for a protocol whose caller closes the connection: a
// second Close returns an error.
func waitOpen(conn net.Conn) {
	var one [1]byte
	conn.Read(one[:])
}

var buffers = make(chan []byte, 64)

// bare reads to the empty line and answers with a constant.
func bare(conn net.Conn) {
	var b []byte
	select {
	case b = <-buffers:
	default:
		b = make([]byte, 4096)
	}
	for n := 0; !bytes.HasSuffix(b[:n], []byte("\r\n\r\n")); {
		m, err := conn.Read(b[n:])
		if err != nil {
			conn.Close()
			return
		}
		n += m
	}
	conn.Write(constantBrowserBytes)
	select {
	case buffers <- b:
	default:
	}
	wait(conn)
}

var (
	constantBrowserBytes = []byte(constantBrowser)
	constantEchoBytes    = []byte(constantEcho)
)

var acceptor = &netupgrade.Acceptor{Protocols: []netupgrade.Protocol{netupgrade.WebSocket()}}

func raw(conn net.Conn) {
	accepted, err := acceptor.Accept(conn)
	if err != nil {
		return
	}
	wait(accepted.Conn)
}

func gobwas(conn net.Conn) {
	if _, err := ws.Upgrade(conn); err != nil {
		conn.Close()
		return
	}
	wait(conn)
}

func hijack(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	conn.Write(constantEchoBytes)
	go wait(conn)
}

// serve runs a server until its input ends. It prints its address, then its stats for
// every line of input.
func serve(name string) {
	for _, s := range servers {
		if s.name != name {
			continue
		}
		addr, err := s.start()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(addr)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		json.NewEncoder(os.Stdout).Encode(ownStats())
	}
}

func ownStats() stats {
	// Let the work under way end.
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	statm, err := os.Open("/proc/self/statm")
	if err != nil {
		log.Fatal(err)
	}
	defer statm.Close()
	line, err := io.ReadAll(statm)
	if err != nil {
		log.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(line))[1], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	return stats{
		CPU:     time.Duration(usage.Utime.Nano() + usage.Stime.Nano()),
		Mallocs: memory.Mallocs,
		RSS:     pages * int64(os.Getpagesize()),
	}
}
