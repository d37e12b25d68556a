package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/proxy"
)

// This file knows the command line of proxy. Package proxy is the proxy.

func proxyCommand() *cobra.Command {
	var (
		address  string
		backend  string
		allow    []string
		overTLS  bool
		insecure bool
	)
	command := &cobra.Command{
		Use:   "proxy --backend URL [--allow NAME[/VERSION],...] [--listen ADDRESS] [--tls] [--insecure]",
		Short: "Run a reverse proxy that passes on only the switches it allows",
		Long: `Proxy runs a reverse proxy in front of a server. From an offer to switch protocols, it
passes on only the products that --allow names, as --allow spells them. It passes on
any other request without Upgrade. It accepts a 101 from the server only if the 101
names what the proxy passed on. After a switch it passes on the octets of both sides.

The first line of standard output is "listening on" and the URL of the proxy. If the
proxy listens on all interfaces, the URL has localhost or 127.0.0.1. To standard error,
the proxy logs every offer, what became of it, and why.

The URL of the server begins with http:// or https://. The proxy speaks HTTP/1.1 to the
server, because HTTP/2 has no Upgrade. The server gets the Host that the client sent.
The proxy waits 30 seconds for the answer to an offer, and closes a switched connection
after 2 minutes in which it passed nothing on.

With --insecure, the proxy accepts any certificate of the server, such as that of
"upgrade101 serve --tls".

With --tls, the proxy speaks TLS to clients, and HTTP/2 as well as HTTP/1.1. Its
certificate is self-signed and valid for a day. A browser uses HTTP/2 for WebSocket if
GODEBUG=http2xconnect=1 is in the environment of the proxy; the server gets an offer of
HTTP/1.1.

Exit codes: 0 after SIGINT or SIGTERM, which close all connections; 1 if it cannot
listen or write where it listens; 2 if the command line is wrong.`,
		Example: `  upgrade101 proxy --backend http://127.0.0.1:8101 --allow websocket,echo/1
  upgrade101 proxy --backend https://example.com --allow websocket --listen 127.0.0.1:0
  GODEBUG=http2xconnect=1 upgrade101 proxy --backend http://127.0.0.1:8101 --allow websocket --tls`,
		Args:                  cobra.NoArgs,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			to, err := url.Parse(backend)
			if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" || to.User != nil {
				return errors.New("--backend: want an http or https URL")
			}
			var allowed []upgrade.Product[string]
			for _, name := range allow {
				p, err := upgrade.ParseProduct(strings.Trim(name, " \t"))
				if err != nil {
					return fmt.Errorf("--allow: %w", err)
				}
				allowed = append(allowed, p)
			}
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("--listen: %w", err)
			}
			listener, err := net.Listen("tcp", address)
			if err != nil {
				return failure{err}
			}
			p := proxy.New(to, allowed, cmd.ErrOrStderr())
			p.Insecure, p.TLS = insecure, overTLS
			if _, err := announce(cmd, listener, overTLS); err != nil {
				return err
			}
			if err := p.Run(cmd.Context(), listener); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&address, "listen", "127.0.0.1:8102", "address and port; port 0 takes a free one")
	flags.StringVar(&backend, "backend", "", "the URL of the server")
	flags.StringSliceVar(&allow, "allow", nil, "the products to pass on, separated by commas; may be given several times")
	flags.BoolVar(&overTLS, "tls", false, "speak TLS to clients, and HTTP/2 as well as HTTP/1.1")
	flags.BoolVar(&insecure, "insecure", false, "accept any certificate of the server")
	for _, name := range []string{"listen", "backend", "allow"} {
		command.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return command
}
