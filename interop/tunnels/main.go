// Command tunnels compares proxyupgrade.Proxy with the httputil.ReverseProxy that it is built
// on: what an idle tunnel holds, and the CPU time that bytes, handshakes and ordinary
// requests take.
//
//	tunnels run [IDLE [MIB [REQUESTS]]]   print the table, by default of 2000 tunnels,
//	                                      512 MiB and 4000 requests
//	tunnels json [IDLE [MIB [REQUESTS]]]  print the same as JSON, for ../plot
//
// The proxy is a separate process, so that the figures are those of the proxy alone; clients
// and backend are in this process. ReverseProxy is measured twice: its two columns differ
// only by noise. Everything listens on 127.0.0.1.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	rounds = 5
	atOnce = 16
)

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
		run(number(1, 2000), number(2, 512), number(3, 4000)).print()
	case len(args) >= 1 && args[0] == "json":
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", " ")
		if err := encoder.Encode(run(number(1, 2000), number(2, 512), number(3, 4000))); err != nil {
			log.Fatal(err)
		}
	case len(args) == 3 && args[0] == "proxy":
		proxy(args[1], args[2])
	default:
		log.Fatal("usage: tunnels run|json [IDLE [MIB [REQUESTS]]]")
	}
}

// figures are the results of one proxy in each round, by what was measured.
type figures map[string][]float64

var measured = []string{
	"RSS per idle tunnel, KiB", "descriptors", "goroutines",
	"CPU-s/GiB to the client", "CPU-s/GiB to the backend", "CPU-s/GiB both at once",
	"CPU us per handshake", "CPU us per request",
}

// summary is the result: medians of the rounds.
type summary struct {
	About string
	Kinds []string
	Rows  []row
}

type row struct {
	What   string
	Values []float64 // one for each kind
	Ratio  float64   // ours / the first kind's
}

func (s summary) print() {
	fmt.Printf("%s\n\n| |", s.About)
	for _, kind := range s.Kinds {
		fmt.Printf(" %s |", kind)
	}
	fmt.Println(" of ReverseProxy |\n|---" + strings.Repeat("|---", len(s.Kinds)) + "|---|")
	for _, r := range s.Rows {
		fmt.Printf("| %s |", r.What)
		for _, value := range r.Values {
			fmt.Printf(" %.2f |", value)
		}
		fmt.Printf(" %.2f |\n", r.Ratio)
	}
}

func run(idle, mib, requests int) summary {
	backend := listen()
	go http.Serve(backend, http.HandlerFunc(serveBackend))
	all := map[string]figures{}
	for range rounds {
		for _, kind := range kinds {
			f := all[kind.name]
			if f == nil {
				f = figures{}
				all[kind.name] = f
			}
			measure(f, kind.name, backend.Addr().String(), idle, mib, requests)
		}
	}
	s := summary{About: fmt.Sprintf("%s %s/%s, medians of %d rounds: %d idle tunnels, %d MiB each way, %d handshakes and requests, %s",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, rounds, idle, mib, requests, time.Now().Format(time.DateOnly))}
	for _, kind := range kinds {
		s.Kinds = append(s.Kinds, kind.name)
	}
	for _, what := range measured {
		r := row{What: what, Ratio: ratio(all[ours][what], all[kinds[0].name][what])}
		for _, kind := range kinds {
			r.Values = append(r.Values, median(all[kind.name][what]))
		}
		s.Rows = append(s.Rows, r)
	}
	return s
}

// measure adds the results of one round to f.
func measure(f figures, kind, backend string, idle, mib, requests int) {
	add := func(i int, value float64) { f[measured[i]] = append(f[measured[i]], value) }
	p := start(kind, backend)
	defer p.end()
	tunnels := func(path string, n int) []net.Conn {
		var conns []net.Conn
		for range n {
			conns = append(conns, open(p.addr, path))
		}
		return conns
	}
	closeAll(tunnels("/hold", 100))
	before := p.stats()
	held := tunnels("/hold", idle)
	after := p.stats()
	each := func(now, before int64) float64 { return float64(now-before) / float64(idle) }
	add(0, each(after.RSS, before.RSS)/1024)
	add(1, each(after.Files, before.Files))
	add(2, each(after.Goroutines, before.Goroutines))
	closeAll(held)

	bytes := int64(mib) << 20
	gib := func(n int64, before, after stats) float64 {
		return (after.CPU - before.CPU).Seconds() / (float64(n) / (1 << 30))
	}
	for i, direction := range []func(){
		func() { receive(open(p.addr, "/source"), bytes) },
		func() { send(open(p.addr, "/sink"), bytes) },
		func() {
			var both sync.WaitGroup
			both.Go(func() { receive(open(p.addr, "/source"), bytes/2) })
			both.Go(func() { send(open(p.addr, "/sink"), bytes/2) })
			both.Wait()
		},
	} {
		before = p.stats()
		direction()
		add(3+i, gib(bytes, before, p.stats()))
	}

	for i, one := range []func(*http.Client){
		func(*http.Client) { open(p.addr, "/hold").Close() },
		func(c *http.Client) { get(c, p.addr) },
	} {
		many := func(n int) {
			var group sync.WaitGroup
			for range atOnce {
				group.Go(func() {
					client := &http.Client{Transport: &http.Transport{}}
					defer client.CloseIdleConnections()
					for range n / atOnce {
						one(client)
					}
				})
			}
			group.Wait()
		}
		many(requests / 4)
		before = p.stats()
		many(requests)
		add(6+i, float64((p.stats().CPU-before.CPU).Microseconds())/float64(requests))
	}
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

// open opens a tunnel to a path of the backend.
func open(addr, path string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n", path)
	var head []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, one[0]) {
		if _, err := conn.Read(one); err != nil {
			log.Fatalf("%v after %q", err, head)
		}
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 101 ") {
		log.Fatalf("got %q", head)
	}
	return conn
}

func closeAll(conns []net.Conn) {
	for _, conn := range conns {
		conn.Close()
	}
}

var megabyte = make([]byte, 1<<20)

func receive(conn net.Conn, n int64) {
	defer conn.Close()
	if got, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(conn, n), make([]byte, 1<<20)); got < n {
		log.Fatal(got, err)
	}
}

// send sends n bytes and waits until the backend has them.
func send(conn net.Conn, n int64) {
	defer conn.Close()
	for ; n > 0; n -= int64(len(megabyte)) {
		if _, err := conn.Write(megabyte); err != nil {
			log.Fatal(err)
		}
	}
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn)
}

func get(client *http.Client, addr string) {
	answer, err := client.Get("http://" + addr + "/")
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

// serveBackend switches for every offer, and answers other requests with 200.
func serveBackend(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		io.WriteString(w, "ok")
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		log.Fatal(err)
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n")
	path := r.URL.Path
	go func() {
		defer conn.Close()
		switch path {
		case "/hold":
			conn.Read(make([]byte, 1))
		case "/source":
			for {
				if _, err := conn.Write(megabyte); err != nil {
					return
				}
			}
		case "/sink":
			io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 1<<20))
		}
	}()
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

// child is the process of a proxy.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	addr string
}

func start(kind, backend string) *child {
	c := &child{cmd: exec.Command(os.Args[0], "proxy", kind, backend)}
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
	c.addr = c.line()
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

func (c *child) stats() stats {
	fmt.Fprintln(c.in)
	var s stats
	if err := json.Unmarshal([]byte(c.line()), &s); err != nil {
		log.Fatal(err)
	}
	return s
}
