package probe

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// This file knows addresses. It knows nothing of what is sent to them.

// Target is the server to probe and the resource to ask it for.
type Target struct {
	secure  bool
	host    string // as Host has it
	name    string // without the port and brackets
	port    string
	request string // the request target: path and query
}

// ParseTarget reads a URL of the scheme http, https, ws or wss. Its errors quote
// nothing of it.
func ParseTarget(text string) (Target, error) {
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
		return Target{}, errors.New("want a path and query without blanks and in ASCII")
	}
	// The zone of an address is for this side alone (RFC 6874, section 1).
	if before, after, zoned := strings.Cut(t.host, "%"); zoned {
		if at := strings.IndexByte(after, ']'); at >= 0 {
			t.host = before + after[at:]
		}
	}
	return t, nil
}

// Address returns the host and the port to connect to.
func (t Target) Address() string { return net.JoinHostPort(t.name, t.port) }

// visible reports whether s has visible ASCII characters alone.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}
