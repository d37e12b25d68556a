// Command proxy stands in front of a Docker engine: it lets clients attach to containers
// and run commands in them, tells the engine who they are, and counts the bytes in each
// tunnel.
//
//	go run ./examples/docker -listen 127.0.0.1:8081
//	go run ./examples/proxy -backend http://127.0.0.1:8081
//	docker -H tcp://127.0.0.1:8080 exec -i c1 cat
//	curl http://127.0.0.1:8080/debug/vars
//
// The engine is usually on a socket: -backend unix:/var/run/docker.sock.
package main

import (
	"context"
	"errors"
	"expvar"
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

var (
	open      = expvar.NewInt("tunnels_open")
	toBackend = expvar.NewInt("bytes_to_backend")
	toClient  = expvar.NewInt("bytes_to_client")
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	backend := flag.String("backend", "unix:/var/run/docker.sock", "URL of the engine, or unix: and the path of its socket")
	flag.Parse()

	proxy, err := newProxy(*backend)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/debug/vars", expvar.Handler())
	mux.Handle("/", authenticated(proxy))
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := errors.Join(server.Shutdown(ctx), proxy.Shutdown(ctx)); err != nil {
		log.Print(err)
	}
}

// newProxy returns a proxy for one engine.
func newProxy(backend string) (*proxyupgrade.Proxy, error) {
	transport := &http.Transport{}
	target := &url.URL{Scheme: "http", Host: "docker"}
	if path, ok := strings.CutPrefix(backend, "unix:"); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", path)
		}
	} else {
		var err error
		if target, err = url.Parse(backend); err != nil {
			return nil, err
		}
	}
	return &proxyupgrade.Proxy{
		Reverse: &httputil.ReverseProxy{
			Transport: transport,
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		},
		// An engine switches to tcp for attach and exec. Its clients also offer h2c,
		// for builds: inside h2c they could send any request past this proxy.
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("tcp")},
		Allow: func(r *http.Request, _ upgrade.Product[string]) bool {
			return r.Method == http.MethodPost &&
				(strings.HasSuffix(r.URL.Path, "/attach") || strings.Contains(r.URL.Path, "/exec/") && strings.HasSuffix(r.URL.Path, "/start"))
		},
		// A client must not remove X-User with "Connection: X-User".
		Keep:    []string{"X-User"},
		Timeout: 30 * time.Second,
		Idle:    time.Hour,
		Relay:   count,
		Error: func(r *http.Request, err error) {
			log.Printf("%s %q: %v", r.Method, r.URL.Path, err)
		},
	}, nil
}

// authenticated names the client in X-User, and replaces what the client sent there. Here
// the name is the client's address.
func authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		r.Header.Set("X-User", host)
		next.ServeHTTP(w, r)
	})
}

// count copies, and updates the counters meanwhile. It does not wrap the connections: that
// would keep the kernel from moving the bytes.
func count(t *proxyupgrade.Tunnel) {
	open.Add(1)
	defer open.Add(-1)
	var lastUp, lastDown int64
	update := func() {
		up, down := t.Bytes()
		toBackend.Add(up - lastUp)
		toClient.Add(down - lastDown)
		lastUp, lastDown = up, down
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := t.Copy()
		done <- err
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			update()
		case err := <-done:
			update()
			up, down := t.Bytes()
			log.Printf("%s %q: %d bytes to the engine, %d to the client, %v", t.Request.RemoteAddr, t.Request.URL.Path, up, down, err)
			return
		}
	}
}
