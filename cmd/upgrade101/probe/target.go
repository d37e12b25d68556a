// Package probe knows how to connect to the server to probe, and which settings make a
// server pass a check. The checks themselves are in package upgradetest.
package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
)

// This file knows addresses and how to connect to them. It knows nothing of what is sent.

// Target is the server to probe and the resource to ask it for.
type Target struct {
	secure  bool
	host    string // as in Host
	name    string // without the port and brackets
	port    string
	request string // the request target: path and query
}

// ParseTarget parses an http, https, ws or wss URL. A host and a port without a scheme
// stand for an http URL. The errors do not quote the text.
func ParseTarget(text string) (Target, error) {
	if isHostPort(text) {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, errors.New("malformed URL")
	}
	var t Target
	switch u.Scheme {
	case "http", "ws":
		t.port = "80"
	case "https", "wss":
		t.port, t.secure = "443", true
	default:
		return Target{}, errors.New("want a URL that begins with http://, https://, ws:// or wss://")
	}
	t.host, t.name = u.Host, u.Hostname()
	if u.Port() != "" {
		t.port = u.Port()
	}
	t.request = u.EscapedPath()
	if t.request == "" {
		t.request = "/"
	}
	if u.RawQuery != "" {
		t.request += "?" + u.RawQuery
	}
	switch {
	case u.Opaque != "" || t.name == "":
		return Target{}, errors.New("want a URL with a host")
	case u.User != nil:
		return Target{}, errors.New("want a URL without a user")
	case !visible(t.host):
		return Target{}, errors.New("want a host in ASCII")
	case !visible(t.request):
		return Target{}, errors.New("want a path and a query in ASCII, without blanks")
	}
	t.request = markup.Replace(t.request)
	// The zone of an address has a meaning only on this side (RFC 6874, section 1).
	if before, after, zoned := strings.Cut(t.host, "%"); zoned {
		if at := strings.IndexByte(after, ']'); at >= 0 {
			t.host = before + after[at:]
		}
	}
	return t, nil
}

// isHostPort reports whether text begins with a host, a colon and a port, and not with a
// scheme.
func isHostPort(text string) bool {
	authority, _, _ := strings.Cut(text, "/")
	_, port, err := net.SplitHostPort(authority)
	return err == nil && port != "" && strings.Trim(port, "0123456789") == ""
}

// markup percent-encodes the characters that a request target cannot hold but package url
// leaves in a query (RFC 3986, section 3.4).
var markup = strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E", `\`, "%5C", "^", "%5E", "`", "%60", "{", "%7B", "|", "%7C", "}", "%7D")

// Host returns the value of the field Host.
func (t Target) Host() string { return t.host }

// Request returns the request target: path and query.
func (t Target) Request() string { return t.request }

// Dialer connects to a Target. It looks up the host once, and all connections go to the
// first address that accepts one.
type Dialer struct {
	Target Target
	TLS    *tls.Config // for https and wss; nil: the defaults

	Address     string // connected to; empty if there was no connection
	Connections int    // opened so far

	addresses []string // to try; only Address after the first connection
}

// Dial opens a connection, over TLS for https and wss.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	if d.addresses == nil {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", d.Target.name)
		if err != nil {
			return nil, err
		}
		for _, ip := range ips {
			d.addresses = append(d.addresses, net.JoinHostPort(ip.Unmap().String(), d.Target.port))
		}
	}
	var failed error
	for _, address := range d.addresses {
		conn, err := d.connect(ctx, address)
		if err == nil {
			d.addresses, d.Address = []string{address}, address
			d.Connections++
			return conn, nil
		}
		if failed == nil {
			failed = err
		}
	}
	return nil, failed
}

func (d *Dialer) connect(ctx context.Context, address string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil || !d.Target.secure {
		return raw, err
	}
	config := d.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = d.Target.name
	}
	// HTTP/2 has no Upgrade.
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

// visible reports whether s has only visible ASCII characters.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}
