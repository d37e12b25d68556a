package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// kind is a proxy to measure.
type kind struct {
	name    string
	handler func(*httputil.ReverseProxy) http.Handler
}

const ours = "proxyupgrade"

// kinds begins with the proxy that the others are compared with.
var kinds = []kind{
	{"ReverseProxy", func(reverse *httputil.ReverseProxy) http.Handler { return reverse }},
	{ours, func(reverse *httputil.ReverseProxy) http.Handler {
		return &proxyupgrade.Proxy{Reverse: reverse, Products: []upgrade.Product[string]{upgrade.MustParseProduct("echo/1")}}
	}},
	{"ReverseProxy again", func(reverse *httputil.ReverseProxy) http.Handler { return reverse }},
}

// stats is what a proxy reports about itself when asked.
type stats struct {
	CPU        time.Duration // user and system
	RSS        int64         // bytes, after a collection
	Files      int64
	Goroutines int64
}

// proxy serves until its input ends. It prints its address, then its stats for every line of
// input.
func proxy(name, backend string) {
	for _, kind := range kinds {
		if kind.name != name {
			continue
		}
		reverse := &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: backend}) },
			Transport: &http.Transport{MaxIdleConnsPerHost: atOnce},
			ErrorLog:  log.New(io.Discard, "", 0),
		}
		listener := listen()
		go http.Serve(listener, kind.handler(reverse))
		fmt.Println(listener.Addr())
	}
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		out.Encode(own())
	}
}

func own() stats {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	s := stats{CPU: time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), Goroutines: int64(runtime.NumGoroutine())}
	runtime.GC()
	debug.FreeOSMemory()
	files, _ := os.ReadDir("/proc/self/fd")
	s.Files = int64(len(files))
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if n, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			fmt.Sscan(n, &s.RSS)
			s.RSS <<= 10
		}
	}
	return s
}
