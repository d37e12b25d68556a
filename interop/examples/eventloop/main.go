// Command eventloop sends back every WebSocket message from an event loop, without a
// goroutine for each connection. The loop is that of gnet, the handshake is ours, and the
// frames are those of gobwas/ws.
//
//	go run ./examples/eventloop
//
// To build on it, copy package loop.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/gosegue/upgrade/interop/examples/eventloop/loop"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address and port; port 0 takes a free one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	server, err := loop.Start(*listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", server.Addr())
	<-ctx.Done()
	server.Close()
}
