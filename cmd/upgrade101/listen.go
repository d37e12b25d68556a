package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade/cmd/upgrade101/overtls"
)

// This file knows what a command that listens says before it serves.

// announce writes where the listener is found to standard output, and returns that URL. Over
// TLS it also writes to standard error what browsers need for WebSocket over HTTP/2. If the
// URL cannot be written, announce closes the listener.
func announce(cmd *cobra.Command, listener net.Listener, overTLS bool) (string, error) {
	scheme := "http"
	if overTLS {
		scheme = "https"
		if !overtls.ExtendedConnect() {
			fmt.Fprintln(cmd.ErrOrStderr(), noExtendedConnect)
		}
	}
	url := listeningURL(scheme, listener.Addr())
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), "listening on", url); err != nil {
		listener.Close()
		return "", failure{err}
	}
	return url, nil
}

// noExtendedConnect says why a browser makes WebSockets over HTTP/1.1.
const noExtendedConnect = "WebSocket uses only HTTP/1.1: for HTTP/2, set GODEBUG=http2xconnect=1 in the environment"

// listeningURL returns a URL of a server on this machine that listens on addr. If addr is
// every interface, the URL names the loopback one: no client connects to [::].
func listeningURL(scheme string, addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
		if ip.Is4() {
			host = "127.0.0.1"
		}
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}).String()
}
