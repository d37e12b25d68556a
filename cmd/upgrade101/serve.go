package main

import (
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
	)
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run a server that switches to echo/1 and to websocket",
		Long: `Serve runs a server that switches to two protocols: echo/1 sends back every byte
that follows the response 101, and websocket sends back every message. A browser gets
a page on which to try both fields and to see a handshake octet for octet. Anything
else is answered with a text of commands to try.

The first line of standard output tells where it listens. Every offer and what
became of it is logged to standard error.

With --raw the first request of a connection is not read by net/http but by package
netupgrade, which is stricter: a malformed one is answered and the connection closed,
and so is CONNECT. A request that is not switched goes on to net/http octet for octet,
with the connection and all that follows on it.

A request must come within 30 seconds, with 64 KiB of head and, before a switch, 2 MiB
of content at most. An upgraded connection is closed after 2 minutes in which nothing
was received or could be sent. A WebSocket message may have 1 MiB. Of more than 16,384
connections at once, the others wait to be accepted.

The page tells everybody who can open it of the last 50 handshakes: the method, the
target without its query, what was offered and what became of it, but no address. The
heads of a handshake, 16 KiB of each at most and never the values of Cookie and
Authorization, are shown only to the page that made it.

Pages of other sites get nothing. A WebSocket with the Origin of another site is
refused with 403, and is not on the page. The page and a WebSocket need a Host that
names this server, which is localhost, 127.0.0.1, [::1] or the address it listens on,
with any port; otherwise the status is 421. --host adds a name.

Exit codes: 0 after SIGINT or SIGTERM, which close all connections; 1 if it cannot
listen; 2 if the command line is wrong.`,
		Example: `  upgrade101 serve
  upgrade101 serve --listen 127.0.0.1:0
  upgrade101 serve --raw
  upgrade101 serve --listen :8101 --host upgrade.example`,
		Args:                  cobra.NoArgs,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("--listen: %w", err)
			}
			listener, err := net.Listen("tcp", address)
			if err != nil {
				return failure{err}
			}
			url := "http://" + listener.Addr().String()
			s := serve.New(url, cmd.ErrOrStderr())
			s.Raw = raw
			host, _, _ := net.SplitHostPort(address)
			s.Names = append(hosts, host)
			fmt.Fprintln(cmd.OutOrStdout(), "listening on", url)
			if err := s.Run(cmd.Context(), listener); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	command.Flags().StringVar(&address, "listen", "127.0.0.1:8101", "address and port; port 0 takes a free one")
	command.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions)
	command.Flags().StringArrayVar(&hosts, "host", nil, "a further name of the server for the field Host; may be given several times")
	command.RegisterFlagCompletionFunc("host", cobra.NoFileCompletions)
	command.Flags().BoolVar(&raw, "raw", false, "switch on the connection itself, without net/http")
	return command
}
