package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade/cmd/upgrade101/serve"
)

// This file knows the command line of serve. Package serve is the server.

func serveCommand() *cobra.Command {
	var (
		address string
		hosts   []string
		raw     bool
		overTLS bool
	)
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run a server that switches to echo/1 and to websocket",
		Long: `Serve runs a server that switches to two protocols: echo/1 sends back every byte
that follows the 101 response, and websocket sends back every message. A browser gets
a page to try both fields and to see a handshake octet for octet. Other clients, such
as curl, get a text with commands to try.

The first line of standard output is "listening on" and the URL of the server. If the
server listens on all interfaces, the URL has localhost or 127.0.0.1. To standard error,
the server logs every offer and what became of it, except those of the page's comparison.

With --raw, package netupgrade instead of net/http reads the first request of each
connection. It is stricter: it refuses a malformed request or a CONNECT, and closes the
connection. Any other request that does not switch goes on to net/http octet for octet,
with the connection and everything that follows on it.

With --tls, the server speaks TLS, and HTTP/2 as well as HTTP/1.1. Its certificate is
self-signed and valid for a day; a browser must be told to accept it. A browser uses
HTTP/2 for WebSocket if GODEBUG=http2xconnect=1 is in the environment of the server.
The page shows which version its own WebSocket uses. With --tls, the server records no
heads, so the page shows none.

A request must arrive within 30 seconds, with about 64 KiB of head at most and, before a
switch, at most 2 MiB of content. The server closes a switched connection after 2
minutes in which it could neither receive nor send. A WebSocket message may be up to
1 MiB long. While 16,384 connections are open, the server accepts no more.

The page shows the last 50 handshakes to everybody who can open it: the method, the
target without its query and userinfo, what was offered and what became of it, but no
address. The heads of a handshake are shown only to the page that made it: at most 16
KiB of each, and never the values of fields that hold cookies or credentials.

Pages of other sites get nothing. The server refuses a WebSocket with the Origin of
another site with 403, and does not list it on the page. The page and a WebSocket need
a Host that names this server: localhost, 127.0.0.1, [::1] or the address it listens
on, with any port. Otherwise the status is 421. --host adds a host name or an IP address.
The page does not list an offer whose Host does not name this server.

Exit codes: 0 after SIGINT or SIGTERM, which close all connections; 1 if it cannot
listen or write where it listens; 2 if the command line is wrong.`,
		Example: `  upgrade101 serve
  upgrade101 serve --listen 127.0.0.1:0
  upgrade101 serve --raw
  GODEBUG=http2xconnect=1 upgrade101 serve --tls
  upgrade101 serve --listen :8101 --host upgrade.example`,
		Args:                  cobra.NoArgs,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("--listen: %w", err)
			}
			if raw && overTLS {
				return errors.New("--raw and --tls exclude each other")
			}
			for _, host := range hosts {
				if !serve.IsName(host) {
					return errors.New("--host: want a host name in ASCII or an IP address")
				}
			}
			listener, err := net.Listen("tcp", address)
			if err != nil {
				return failure{err}
			}
			url, err := announce(cmd, listener, overTLS)
			if err != nil {
				return err
			}
			s := serve.New(url, cmd.ErrOrStderr())
			s.Raw, s.TLS = raw, overTLS
			host, _, _ := net.SplitHostPort(address)
			s.Names = append(hosts, host)
			if err := s.Run(cmd.Context(), listener); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	command.Flags().StringVar(&address, "listen", "127.0.0.1:8101", "address and port; port 0 takes a free one")
	command.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions)
	command.Flags().StringArrayVar(&hosts, "host", nil, "another name of the server for the field Host; may be given several times")
	command.RegisterFlagCompletionFunc("host", cobra.NoFileCompletions)
	command.Flags().BoolVar(&raw, "raw", false, "read the first request of a connection without net/http")
	command.Flags().BoolVar(&overTLS, "tls", false, "speak TLS, and HTTP/2 as well as HTTP/1.1")
	return command
}
