// Package start has what the example servers share: the command line, the shutdown, and
// HTTP on a single connection.
package start

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// Server runs an example until SIGINT or SIGTERM: handler in a server of net/http, or
// with -raw the function connection, in a new goroutine for each connection. The first
// line that it prints says where it listens.
func Server(handler http.Handler, connection func(net.Conn)) {
	listen := flag.String("listen", "127.0.0.1:8080", "address and port; port 0 takes a free one")
	raw := flag.Bool("raw", false, "switch on the connection itself, without net/http")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	fmt.Println("listening on", listener.Addr())
	if *raw {
		err = each(listener, connection)
	} else {
		// Some clients upgrade with "OPTIONS *", which net/http answers itself unless told not to.
		server := &http.Server{Handler: handler, DisableGeneralOptionsHandler: true}
		err = server.Serve(listener)
	}
	if ctx.Err() == nil {
		log.Fatal(err)
	}
}

func each(listener net.Listener, connection func(net.Conn)) error {
	for {
		conn, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			// For example, no file descriptor is left. Connections that end free some.
			time.Sleep(10 * time.Millisecond)
		default:
			go connection(conn)
		}
	}
}
