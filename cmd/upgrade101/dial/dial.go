// Package dial asks a server for a switch of protocols, and copies octets or messages after
// the switch. It knows URLs, proxies, TLS and WebSocket. It knows nothing of the command
// line.
package dial

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/netupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// WebSocket is the product that ws and wss URLs stand for.
var WebSocket = upgrade.MustParseProduct("websocket")

// Options say what to offer, and to which server.
type Options struct {
	Target   *url.URL                  // http or https, from ParseTarget
	Host     string                    // the value of the field Host; empty: the host of Target
	Products []upgrade.Product[string] // what to offer, in this order
	Fields   []handshake.Field         // further fields of the request
	Proxy    *url.URL                  // to tunnel through with CONNECT; nil: none
	TLS      *tls.Config               // nil: the defaults
	Timeout  time.Duration             // for the connection, and for the answer
}

// ParseTarget parses an http, https, ws or wss URL. For ws and wss, the scheme of target is
// http or https, and webSocket is true.
func ParseTarget(text string) (target *url.URL, webSocket bool, err error) {
	if !strings.Contains(text, "://") {
		return nil, false, errScheme // a host and a port, perhaps
	}
	target, err = url.Parse(text)
	if err != nil {
		// The error of url.Parse quotes the text.
		return nil, false, errors.New("the URL is malformed")
	}
	switch target.Scheme {
	case "http", "https":
	case "ws", "wss":
		target.Scheme = map[string]string{"ws": "http", "wss": "https"}[target.Scheme]
		webSocket = true
	default:
		return nil, false, errScheme
	}
	switch {
	case target.Hostname() == "":
		return nil, false, errors.New("the URL has no host")
	case target.User != nil:
		return nil, false, errors.New("want no user in the URL: use --header for Authorization")
	case webSocket && target.Fragment != "":
		return nil, false, errors.New("a ws or wss URL has no fragment") // RFC 6455, section 3
	}
	return target, webSocket, nil
}

var errScheme = errors.New("want a URL that begins with http://, https://, ws:// or wss://")

// Check returns nil if the request can be sent. Otherwise it returns an error of
// [handshake.AppendOffer].
func (o Options) Check() error {
	offer := o.offer()
	_, err := handshake.AppendOffer(nil, http.MethodGet, offer.Target, offer.Host, offer.Products, nil, offer.Fields...)
	return err
}

// offer returns the request without the fields of a WebSocket.
func (o Options) offer() netupgrade.Offer {
	host := o.Host
	if host == "" {
		host = hostOf(o.Target)
	}
	return netupgrade.Offer{Products: o.Products, Host: host, Target: o.Target.RequestURI(), Fields: slices.Clip(o.Fields)}
}

// ProxyFromEnvironment returns the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for
// target, as net/http reads them. It returns nil if they name no proxy or the target is on
// this machine.
func ProxyFromEnvironment(target *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: target})
}

// Dial connects to the target and makes the offer. For a WebSocket it sends a key and
// checks the answer to the key. If the server declines, the error is a
// [*netupgrade.Declined].
//
// answer has the octets of the server from the status line on, interim responses left out.
// It may have octets that follow the head. After an error it has what came, if anything. If
// the check of a WebSocket fails, switched is the connection, which is closed.
func Dial(ctx context.Context, o Options) (switched netupgrade.Switched, answer []byte, err error) {
	conn, err := connect(ctx, o)
	if err != nil {
		return netupgrade.Switched{}, nil, err
	}
	kept := &keeper{connection: conn, keeps: true}
	var key string
	offer := o.offer()
	for _, p := range o.Products {
		if p.Matches(WebSocket) {
			key = string(websocket.AppendKey(nil))
			offer.Fields = append(offer.Fields,
				handshake.Field{Name: "Sec-WebSocket-Version", Value: websocket.Version},
				handshake.Field{Name: "Sec-WebSocket-Key", Value: key})
			break
		}
	}
	client := netupgrade.Client{Timeout: o.Timeout, Interim: func(*head.Response) error {
		kept.skipHead()
		return nil
	}}
	switched, err = client.Upgrade(ctx, kept, offer)
	answer, kept.octets, kept.keeps = kept.octets, nil, false
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && len(answer) == 0:
		err = errNoAnswer
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errPartOfAnswer
	case err == nil && Speaks(switched, WebSocket):
		if err = checkWebSocket(switched.Head, key, o.Fields); err != nil {
			switched.Conn.Close()
		}
	}
	return switched, answer, err
}

// How a server can leave before its answer is whole.
var (
	errNoAnswer     = errors.New("the server closed the connection without an answer")
	errPartOfAnswer = errors.New("the server closed the connection before the end of the head of its answer")
	errNoTLS        = errors.New("the server closed the connection before the end of the TLS handshake")
)

// connection is a connection whose writing side can be closed alone.
type connection interface {
	net.Conn
	CloseWrite() error
}

// keeper keeps what it reads from a connection.
type keeper struct {
	connection
	octets []byte
	keeps  bool
}

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.connection.Read(p)
	if k.keeps {
		k.octets = append(k.octets, p[:n]...)
	}
	return n, err
}

// skipHead forgets the first head.
func (k *keeper) skipHead() {
	n, _ := new(head.Response).Parse(k.octets, head.Limits{})
	k.octets = k.octets[n:]
}

// checkWebSocket returns nil if a 101 answers the key and chooses nothing that sent, the
// fields of the request, did not offer. It does not look into extensions that were offered.
func checkWebSocket(h *head.Response, key string, sent []handshake.Field) error {
	if err := websocket.CheckAccept(key, h.Lines(nil, "Sec-WebSocket-Accept")); err != nil {
		return err
	}
	var subprotocols []string
	for _, f := range sent {
		if octet.EqualFold(f.Name, "Sec-WebSocket-Protocol") {
			names, err := upgrade.ParseConnection(f.Value) // a list of tokens as well
			if err != nil {
				return &handshake.FieldError{Field: f.Name, Err: err.(*upgrade.SyntaxError)}
			}
			subprotocols = slices.AppendSeq(subprotocols, names.All())
		}
	}
	if !offersExtensions(sent) && len(h.Lines(nil, "Sec-WebSocket-Extensions")) > 0 {
		return errExtension
	}
	_, err := websocket.CheckSubprotocol(h.Lines(nil, "Sec-WebSocket-Protocol"), subprotocols...)
	return err
}

// Checked returns the names of the fields of a 101 that Dial checks for a WebSocket.
func Checked(o Options) []string {
	names := []string{"Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"}
	if !offersExtensions(o.Fields) {
		names = append(names, "Sec-WebSocket-Extensions")
	}
	return names
}

func offersExtensions(sent []handshake.Field) bool {
	return slices.ContainsFunc(sent, func(f handshake.Field) bool { return octet.EqualFold(f.Name, "Sec-WebSocket-Extensions") })
}

// errExtension is the reason to leave a server that chooses what was not offered.
var errExtension = errors.New("the server chose an extension, and none was offered")

// Speaks reports whether a connection was switched to p alone.
func Speaks(switched netupgrade.Switched, p upgrade.Product[string]) bool {
	return len(switched.Products) == 1 && switched.Products[0].Matches(p)
}

// connect returns a connection on which the request can be sent.
func connect(ctx context.Context, o Options) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	var (
		conn connection
		err  error
	)
	if o.Proxy == nil {
		conn, err = dialTCP(ctx, addressOf(o.Target))
	} else {
		conn, err = tunnel(ctx, o, addressOf(withoutZone(o.Target)))
	}
	if err != nil || o.Target.Scheme != "https" {
		return conn, err
	}
	return overTLS(ctx, conn, o.TLS, withoutZone(o.Target).Hostname())
}

func dialTCP(ctx context.Context, address string) (connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// tunnel returns a connection to address through the proxy, with CONNECT ([RFC 9110,
// section 9.3.6]).
//
// [RFC 9110, section 9.3.6]: https://httpwg.org/specs/rfc9110.html#rfc.section.9.3.6
func tunnel(ctx context.Context, o Options, address string) (connection, error) {
	if o.Proxy.Scheme != "http" && o.Proxy.Scheme != "https" || o.Proxy.Hostname() == "" {
		return nil, errors.New("want an http or https proxy")
	}
	conn, err := dialTCP(ctx, addressOf(o.Proxy))
	if err != nil {
		return nil, err
	}
	if o.Proxy.Scheme == "https" {
		if conn, err = overTLS(ctx, conn, o.TLS, withoutZone(o.Proxy).Hostname()); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = ask(conn, o.Proxy.User, address)
	if !stop() && err == nil || err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return conn, nil
}

// The limits of a proxy's answer: its heads in octets, and how many of them are interim
// responses.
const (
	maxAnswer  = 64 << 10
	maxInterim = 16
)

// ask asks the proxy for a tunnel.
func ask(conn net.Conn, user *url.Userinfo, address string) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	// Read octet by octet: what follows the head comes from the target.
	reader := bufio.NewReader(io.LimitReader(oneByOne{conn}, maxAnswer))
	for range 1 + maxInterim {
		response, err := http.ReadResponse(reader, request)
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("closed the connection without an answer")
		case err != nil:
			return err
		case response.StatusCode/100 == 2:
			return nil
		case response.StatusCode/100 != 1 || response.StatusCode == http.StatusSwitchingProtocols:
			return fmt.Errorf("answered with status %d", response.StatusCode)
		}
	}
	return netupgrade.ErrInterim
}

// oneByOne reads one octet at a time, so that a bufio.Reader reads no further than it must.
type oneByOne struct{ io.Reader }

func (r oneByOne) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

// overTLS returns a TLS connection over conn that speaks HTTP/1.1.
func overTLS(ctx context.Context, conn connection, config *tls.Config, name string) (connection, error) {
	config = config.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	config.ServerName = name
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		if errors.Is(err, io.EOF) {
			err = errNoTLS
		}
		return nil, err
	}
	return secure, nil
}

// ports are the default ports of the schemes.
var ports = map[string]string{"http": "80", "https": "443"}

// addressOf returns the host and port of a URL.
func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// hostOf returns the value of Host for a URL: without a default port.
func hostOf(u *url.URL) string {
	u = withoutZone(u)
	if u.Port() == "" || u.Port() == ports[u.Scheme] {
		return strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	return u.Host
}

// withoutZone returns a URL without the zone of its address. A zone has a meaning only on
// this side (RFC 6874, section 1).
func withoutZone(u *url.URL) *url.URL {
	before, after, zoned := strings.Cut(u.Host, "%")
	end := strings.IndexByte(after, ']')
	if !zoned || end < 0 {
		return u
	}
	without := *u
	without.Host = before + after[end:]
	return &without
}
