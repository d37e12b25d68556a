// Command connections measures handshakes over loopback TCP, and idle connections. It shows
// what this module adds to a server that reads to the empty line and writes a constant.
//
//	connections run [HANDSHAKES [IDLE]]   print the table, by default of 4000 handshakes
//	                                      per round and 10000 idle connections
//	connections json [HANDSHAKES [IDLE]]  print the same as JSON, for ../plot
//
// It runs server and client as separate processes, so that the figures are those of the
// server alone. Everything listens on 127.0.0.1.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// browser is a browser's request for a WebSocket.
const browser = "GET /chat HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: Upgrade\r\nPragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\nOrigin: http://127.0.0.1:8080\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: 6bfcZMiWGKxykxS7tQUjTg==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// echo is a request for a protocol that adds no field to the 101.
const echo = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"

func main() {
	log.SetFlags(0)
	args := os.Args[1:]
	number := func(i, otherwise int) int {
		if i >= len(args) {
			return otherwise
		}
		n, err := strconv.Atoi(args[i])
		if err != nil {
			log.Fatal(err)
		}
		return n
	}
	switch {
	case len(args) >= 1 && args[0] == "run":
		run(number(1, 4000), number(2, 10000)).print()
	case len(args) >= 1 && args[0] == "json":
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", " ")
		if err := encoder.Encode(run(number(1, 4000), number(2, 10000))); err != nil {
			log.Fatal(err)
		}
	case len(args) == 2 && args[0] == "serve":
		serve(args[1])
	case len(args) == 4 && args[0] == "load":
		load(args[1], args[2], number(3, 0))
	case len(args) == 4 && args[0] == "hold":
		hold(args[1], args[2], number(3, 0))
	default:
		log.Fatal("usage: connections run|json [HANDSHAKES [IDLE]]")
	}
}

// child is another process of this program.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(args ...string) *child {
	c := &child{cmd: exec.Command(os.Args[0], args...)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		log.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		log.Fatal(err)
	}
	return c
}

// line returns the next line that the process prints.
func (c *child) line() string {
	if !c.out.Scan() {
		log.Fatalf("%v has ended", c.cmd.Args)
	}
	return c.out.Text()
}

// end ends the process by closing its input.
func (c *child) end() {
	c.in.Close()
	c.cmd.Wait()
}

// stats is what a server reports about itself when asked.
type stats struct {
	CPU     time.Duration // user and system
	Mallocs uint64
	RSS     int64 // bytes, after a collection
}

func (c *child) stats() stats {
	fmt.Fprintln(c.in)
	var s stats
	if err := json.Unmarshal([]byte(c.line()), &s); err != nil {
		log.Fatal(err)
	}
	return s
}

const rounds = 5

// summary is the result: medians of the rounds.
type summary struct {
	About string
	Rows  []row
}

type row struct {
	Server                  string
	CPU, CPUOfFloor, Allocs float64 // per handshake; CPU in microseconds
	RSS, RSSOfFloor         float64 // bytes per idle connection
	RSSLow, RSSHigh         float64 // the extremes of the rounds
}

func (s summary) print() {
	fmt.Printf("%s\n\n", s.About)
	fmt.Println("| server | CPU us per handshake | of its floor | allocations per handshake | RSS per idle connection | of its floor |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, r := range s.Rows {
		fmt.Printf("| %s | %.1f | %.2f | %.1f | %.0f | %.2f |\n", r.Server, r.CPU, r.CPUOfFloor, r.Allocs, r.RSS, r.RSSOfFloor)
	}
}

func run(handshakes, idle int) summary {
	type figures struct{ cpu, allocs, rss []float64 }
	all := map[string]*figures{}
	for range rounds {
		for _, s := range servers {
			f := all[s.name]
			if f == nil {
				f = &figures{}
				all[s.name] = f
			}
			server := start("serve", s.name)
			addr := server.line()
			load := func(n int) { start("load", addr, s.name, strconv.Itoa(n)).cmd.Wait() }
			load(handshakes / 4)
			before := server.stats()
			load(handshakes)
			after := server.stats()
			f.cpu = append(f.cpu, float64(after.CPU-before.CPU)/float64(handshakes)/1e3)
			f.allocs = append(f.allocs, float64(after.Mallocs-before.Mallocs)/float64(handshakes))
			server.end()

			server = start("serve", s.name)
			addr = server.line()
			before = server.stats()
			client := start("hold", addr, s.name, strconv.Itoa(idle))
			client.line()
			after = server.stats()
			f.rss = append(f.rss, float64(after.RSS-before.RSS)/float64(idle))
			client.end()
			server.end()
		}
	}
	s := summary{About: fmt.Sprintf("%s %s/%s, medians of %d rounds, %d handshakes and %d idle connections each, %s",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, rounds, handshakes, idle, time.Now().Format(time.DateOnly))}
	for _, server := range servers {
		f, floor := all[server.name], all[server.floor]
		s.Rows = append(s.Rows, row{server.name, median(f.cpu), ratio(f.cpu, floor.cpu), median(f.allocs),
			median(f.rss), ratio(f.rss, floor.rss), slices.Min(f.rss), slices.Max(f.rss)})
	}
	return s
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}

// ratio returns the median over the rounds of x/y.
func ratio(x, y []float64) float64 {
	r := make([]float64, len(x))
	for i := range x {
		r[i] = x[i] / y[i]
	}
	return median(r)
}

// shake opens a connection and makes the handshake that the named server expects.
func shake(addr, server string) net.Conn {
	request := echo
	for _, s := range servers {
		if s.name == server {
			request = s.request
		}
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		log.Fatal(err)
	}
	var head [1024]byte
	n := 0
	for !strings.HasSuffix(string(head[:n]), "\r\n\r\n") {
		m, err := conn.Read(head[n:])
		if err != nil {
			log.Fatal(err)
		}
		n += m
	}
	if !strings.HasPrefix(string(head[:n]), "HTTP/1.1 101 ") {
		log.Fatalf("%s answered %q", server, head[:n])
	}
	return conn
}

// load makes n handshakes, 16 at a time, and closes each connection.
func load(addr, server string, n int) {
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for range (n + i) / 16 {
				shake(addr, server).Close()
			}
		})
	}
	group.Wait()
}

// hold makes n handshakes, prints "held", and holds the connections until its input ends.
func hold(addr, server string, n int) {
	conns := make([]net.Conn, 0, n)
	for range n {
		conns = append(conns, shake(addr, server))
	}
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(conns)
}
