package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/dial"
	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/netupgrade"
)

// This file knows the command line of dial. Package dial makes the connection.

// shownContent is how much content of a response that declines is shown, in octets.
const shownContent = 4 << 10

func dialCommand() *cobra.Command {
	var (
		products []string
		headers  []string
		proxy    string
		insecure bool
		timeout  time.Duration
		quiet    time.Duration
	)
	command := &cobra.Command{
		Use:   "dial [--product NAME[/VERSION]]... [--header LINE]... [--proxy URL] [--insecure] [--timeout DURATION] [--quiet DURATION] URL",
		Short: "Switch protocols with a server, and talk to it",
		Long: `Dial offers a switch of protocols to a server. If the server switches, standard input
goes to the server, and what the server sends goes to standard output, octet for octet,
as openssl s_client does for TLS. On a terminal, octets that are not printable are
escaped.

The URL begins with http://, https://, ws:// or wss://. The last two offer websocket.
With the first two, --product says what to offer. It may be given several times, with
the preferred product first. After a switch to websocket, each line of standard input
is a text message, and each message of the server is a line of standard output.

Dial shows the answer of the server on standard error, as "upgrade101 parse" does. If
the server declines, dial also shows the first 4 KiB of the content. Dial accepts a 101
only if its fields are right, it names what was offered and, for websocket,
Sec-WebSocket-Accept answers the key.

After the end of standard input, dial waits until the server has been silent for the
time of --quiet, and then ends its side of the connection. Dial exits when the server
ends the other side. For websocket, dial does not wait: it sends a close frame at once.
It exits when the server has answered that, or after the time of --timeout.

--header adds a field line to the request. A Host line replaces the host of the URL: it
asks for a virtual host at an address. TLS still checks the host of the URL.

The environment variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY name a proxy for servers
on other machines. --proxy names one for all servers. Dial asks the proxy for a tunnel
with CONNECT.

Exit codes: 0 if the server switched and the connection ended well, or SIGINT or SIGTERM
ended it; 1 if the server did not switch or the connection failed; 2 if the command line
is wrong.`,
		Example: `  upgrade101 dial --product echo/1 http://127.0.0.1:8101/
  upgrade101 dial ws://127.0.0.1:8101/
  upgrade101 dial --header 'Authorization: Bearer secret' wss://example.com/chat
  upgrade101 dial --header 'Host: example.com' ws://127.0.0.1:8080/chat
  upgrade101 dial --proxy http://127.0.0.1:3128 --product foo/2 --product foo https://example.com/`,
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("want one URL")
			}
			if timeout <= 0 || quiet < 0 {
				return errors.New("--timeout and --quiet: want a duration, such as 10s")
			}
			target, webSocket, err := dial.ParseTarget(args[0])
			if err != nil {
				return err
			}
			o := dial.Options{Target: target, TLS: &tls.Config{InsecureSkipVerify: insecure}, Timeout: timeout}
			if o.Products, err = parseProducts(products, webSocket); err != nil {
				return err
			}
			if o.Host, headers, err = cutHost(headers); err != nil {
				return err
			}
			if o.Fields, err = parseHeaders(headers); err != nil {
				return fmt.Errorf("--header: %w", err)
			}
			if err := o.Check(); err != nil {
				return err
			}
			if o.Proxy, err = proxyOf(proxy, target); err != nil {
				return err
			}
			return talk(cmd, o, quiet)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&products, "product", nil, "offer this product; may be given several times")
	flags.StringArrayVar(&headers, "header", nil, "a field line for the request, as NAME: VALUE; may be given several times")
	flags.StringVar(&proxy, "proxy", "", "the URL of an HTTP proxy to go through")
	flags.BoolVar(&insecure, "insecure", false, "accept any certificate")
	flags.DurationVar(&timeout, "timeout", netupgrade.DefaultTimeout, "how long to wait for the connection, for the answer and for a close frame")
	flags.DurationVar(&quiet, "quiet", time.Second, "how long the server must be silent after the end of standard input")
	for _, name := range []string{"product", "header", "proxy", "timeout", "quiet"} {
		command.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return command
}

// parseProducts returns the products to offer.
func parseProducts(names []string, webSocket bool) ([]upgrade.Product[string], error) {
	if len(names) == 0 && webSocket {
		return []upgrade.Product[string]{dial.WebSocket}, nil
	}
	switch {
	case len(names) == 0:
		return nil, errors.New("want --product, or a ws or wss URL")
	case webSocket:
		return nil, errors.New("--product: a ws or wss URL offers only websocket")
	}
	var products []upgrade.Product[string]
	for _, name := range names {
		p, err := upgrade.ParseProduct(name)
		if err != nil {
			return nil, fmt.Errorf("--product: %w", err)
		}
		products = append(products, p)
	}
	return products, nil
}

// cutHost returns the value of the Host line among lines, and the other lines. host is
// empty if there is no such line.
func cutHost(lines []string) (host string, others []string, err error) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		if !octet.EqualFold(name, "Host") {
			others = append(others, line)
			continue
		}
		value = strings.Trim(value, " \t")
		if host != "" || value == "" {
			return "", nil, errors.New("--header: want one Host, with a value")
		}
		host = value
	}
	return host, others, nil
}

// proxyOf returns the proxy to go through, or nil.
func proxyOf(proxy string, target *url.URL) (*url.URL, error) {
	if proxy == "" {
		u, err := dial.ProxyFromEnvironment(target)
		if err != nil {
			return nil, failure{errors.New("the proxy in the environment is malformed")}
		}
		return u, nil
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("--proxy: want an http or https URL")
	}
	return u, nil
}

// talk makes the offer, shows the answer, and after a switch copies in both directions.
func talk(cmd *cobra.Command, o dial.Options, quiet time.Duration) error {
	ctx := cmd.Context()
	switched, answer, err := dial.Dial(ctx, o)
	lines, _ := explain.ReadHead(bytes.NewReader(answer)) // reading from memory cannot fail
	if declined := (*netupgrade.Declined)(nil); errors.As(err, &declined) {
		return tellDeclined(cmd, lines, declined.Conn, o.Timeout)
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return failure{errors.New("interrupted")}
	case errors.As(err, &certificate):
		return failure{fmt.Errorf("%w (--insecure accepts any certificate)", err)}
	}
	webSocket := dial.Speaks(switched, dial.WebSocket)
	var checked []string
	if webSocket {
		checked = dial.Checked(o)
	}
	if err != nil {
		if len(lines) > 0 {
			err = cmp.Or(tell(cmd, explain.Refused(lines, err, checked...)), err)
		}
		return failure{err}
	}
	if err := tell(cmd, explain.Switched(lines, checked...)); err != nil {
		switched.Conn.Close()
		return failure{err}
	}
	out := text.Raw(cmd.OutOrStdout())
	if webSocket {
		err = dial.CopyMessages(ctx, switched.Conn, cmd.InOrStdin(), out, o.Timeout)
	} else {
		err = dial.Copy(ctx, switched.Conn, cmd.InOrStdin(), out, quiet)
	}
	if err != nil {
		return failure{err}
	}
	return nil
}

// tell shows a report on a response.
func tell(cmd *cobra.Command, r explain.Report) error {
	_, err := text.Coloured(cmd.ErrOrStderr(), explain.ColourOf).Write(r.Text())
	return err
}

// tellDeclined shows a response that declines, with the beginning of its content. lines is
// its head, and conn yields the whole response. It always returns an error.
func tellDeclined(cmd *cobra.Command, lines []string, conn net.Conn, timeout time.Duration) error {
	defer conn.Close()
	defer context.AfterFunc(cmd.Context(), func() { conn.Close() })()
	if err := tell(cmd, explain.Response(lines)); err != nil {
		return failure{err}
	}
	conn.SetReadDeadline(time.Now().Add(timeout))
	if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		content := new(bytes.Buffer)
		io.Copy(cmd.ErrOrStderr(), io.TeeReader(io.LimitReader(response.Body, shownContent), content))
		if content.Len() > 0 && !bytes.HasSuffix(content.Bytes(), []byte("\n")) {
			fmt.Fprintln(cmd.ErrOrStderr())
		}
	}
	return failure{errors.New("the server did not switch")}
}
