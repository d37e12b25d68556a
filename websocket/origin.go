package websocket

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows the Origin and Host of a request, and when the two agree. It does not
// know what a server does if they disagree.

// SameOrigin reports whether a request comes from a page of the host that it was sent to,
// or from no page at all. origin has the lines of its Origin field. host has the host that
// the request is for: the lines of Host, or in HTTP/2 :authority, or the host of a target
// in absolute-form, as Host of an http.Request and Authority of a head.Request tell.
//
// Browsers let a page of any site open a WebSocket to any other and send the user's
// cookies with it, so a server that trusts cookies must look at Origin
// ([RFC 6455, section 10.2]). Only browsers must send Origin: without an Origin line the
// client is another program, and the result is true. Otherwise the result is true only if
//
//   - Origin and Host have one line each;
//   - the origin is "http://" or "https://", a host, and perhaps a port; the scheme may be
//     in any letter case;
//   - Host is the same host, in any letter case, and the same port.
//
// A missing port is 80 or 443 on both sides, by the origin's scheme: SameOrigin cannot
// see whether the connection is TLS. For the same reason it does not compare the scheme,
// so the server on port 443 accepts a page that came over plain HTTP from its host. A
// server that is reached only over TLS should compare the scheme itself.
//
// The result is false for every other Origin:
//
//   - "null", or a list of origins;
//   - an origin with user information, or with a path (a trailing slash is one);
//   - an origin with a port that is empty, has leading zeros or is not a number from 1 to
//     65535;
//   - an origin of another scheme, such as ws, file or that of a browser extension,
//     because no page of this server has it.
//
// Hosts are compared as text: another spelling of an IPv6 address is another host, and so
// is the name with a trailing dot, as in browsers.
//
// It allocates nothing. An origin is written as in [RFC 6454, section 7.1].
//
// [RFC 6455, section 10.2]: https://www.rfc-editor.org/rfc/rfc6455#section-10.2
// [RFC 6454, section 7.1]: https://www.rfc-editor.org/rfc/rfc6454#section-7.1
func SameOrigin[O, H upgrade.Text](origin []O, host []H) bool {
	if len(origin) == 0 {
		return true
	}
	if len(origin) != 1 || len(host) != 1 {
		return false
	}
	authority, defaultPort := cutScheme(origin[0])
	if defaultPort == 0 {
		return false
	}
	page, pagePort := cutPort(authority, defaultPort)
	if string(authority) == string(host[0]) {
		return pagePort != 0 // nearly every page of the server ends here
	}
	here, herePort := cutPort(host[0], defaultPort)
	return pagePort == herePort && pagePort != 0 && octet.EqualFold(page, here)
}

// cutScheme returns the rest of an origin after the scheme, and the default port of the
// scheme. The port is 0 if the scheme is neither http nor https.
//
//	serialized-origin = scheme "://" host [ ":" port ]
func cutScheme[S upgrade.Text](s S) (authority S, port int) {
	const http, https = "http://", "https://"
	switch {
	case len(s) >= len(http) && (string(s[:len(http)]) == http || octet.EqualFold(s[:len(http)], http)):
		return s[len(http):], 80
	case len(s) >= len(https) && (string(s[:len(https)]) == https || octet.EqualFold(s[:len(https)], https)):
		return s[len(https):], 443
	}
	return s, 0
}

// cutPort splits "host:port" and returns the port as a number: defaultPort if there is no
// colon. The port is 0 if s is malformed, names no host, or has a port that no client
// would write.
//
//	host [ ":" port ]
func cutPort[S upgrade.Text](s S, defaultPort int) (host S, port int) {
	end, ok := uri.HostEnd(s)
	switch {
	case !ok || end == 0:
		return s, 0
	case end == uint(len(s)):
		return s, defaultPort
	case s[end] != ':':
		return s, 0
	}
	digits := s[end+1:]
	if len(digits) == 0 || len(digits) > len("65535") || digits[0] == '0' {
		return s, 0
	}
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return s, 0
		}
		port = port*10 + int(c-'0')
	}
	if port > 0xFFFF {
		return s, 0
	}
	return s[:end], port
}
