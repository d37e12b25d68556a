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
heads of a handshake, 16 KiB of each at most, are shown to the page that made it
alone. Pages of other sites may open a WebSocket here as well: the Origin is not looked
at, for there is nothing to be had but an echo.

Exit codes: 0 after SIGINT or SIGTERM, which close all connections; 1 if it cannot
listen; 2 if the command line is wrong.`,
		Example: `  upgrade101 serve
  upgrade101 serve --listen 127.0.0.1:0
  upgrade101 serve --raw`,
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
			fmt.Fprintln(cmd.OutOrStdout(), "listening on", url)
			if err := s.Run(cmd.Context(), listener); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	command.Flags().StringVar(&address, "listen", "127.0.0.1:8101", "address and port; port 0 takes a free one")
	command.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions)
	command.Flags().BoolVar(&raw, "raw", false, "switch on the connection itself, without net/http")
	return command
}
