package uri

import "github.com/gosegue/upgrade"

// This file knows what a host and its port are made of. It does not know schemes, paths or
// what a port number may be.

// IsHost reports whether s is well-formed as the value of Host, or returns the offset of
// the first octet that cannot be there ([RFC 9110, section 7.2]). The empty text is
// well-formed: a client whose target has no authority sends an empty Host.
//
//	Host = uri-host [ ":" port ]
//	port = *DIGIT
//
// [RFC 9110, section 7.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.2
func IsHost[S upgrade.Text](s S) (at uint, ok bool) {
	if at, ok = HostEnd(s); !ok {
		return at, false
	}
	if at < uint(len(s)) && s[at] == ':' {
		at = run(s, at+1, digit)
	}
	return at, at == uint(len(s))
}

// HostEnd returns the end of the host at the start of s and true, or the offset of the
// first octet that cannot be in it and false ([RFC 3986, section 3.2.2]). The host may be
// empty. The caller judges what follows it. In brackets HostEnd checks the octets, but not
// whether they make an address. A zone is refused: [RFC 9844] took it out of URIs.
//
//	uri-host    = IP-literal / IPv4address / reg-name
//	IP-literal  = "[" ( IPv6address / IPvFuture ) "]"
//	IPvFuture   = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
//	reg-name    = *( unreserved / pct-encoded / sub-delims )
//	pct-encoded = "%" HEXDIG HEXDIG
//
// [RFC 3986, section 3.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
// [RFC 9844]: https://www.rfc-editor.org/rfc/rfc9844
func HostEnd[S upgrade.Text](s S) (at uint, ok bool) {
	if len(s) > 0 && s[0] == '[' {
		return literalEnd(s)
	}
	var i uint
	for {
		i = run(s, i, inHost)
		if i >= uint(len(s)) || s[i] != '%' {
			return i, true
		}
		for range 2 {
			if i++; i >= uint(len(s)) || chart[s[i]]&hex == 0 {
				return i, false
			}
		}
		i++
	}
}

// literalEnd is HostEnd of a text that begins with a bracket.
func literalEnd[S upgrade.Text](s S) (at uint, ok bool) {
	i := uint(1)
	if i < uint(len(s)) && s[i]|0x20 == 'v' { // only "V" and "v"
		version := i + 1
		i = run(s, version, hex)
		if i == version || i >= uint(len(s)) || s[i] != '.' {
			return i, false
		}
		address := i + 1
		for i = address; i < uint(len(s)) && (chart[s[i]]&inHost != 0 || s[i] == ':'); i++ {
		}
		return bracketEnd(s, i, i > address)
	}
	for i < uint(len(s)) && (chart[s[i]]&hex != 0 || s[i] == ':' || s[i] == '.') {
		i++
	}
	return bracketEnd(s, i, i > 1)
}

// bracketEnd is HostEnd of a text in brackets whose address ends at i. address is false if
// there is no address.
func bracketEnd[S upgrade.Text](s S, i uint, address bool) (at uint, ok bool) {
	if !address || i >= uint(len(s)) || s[i] != ']' {
		return i, false
	}
	return i + 1, true
}
