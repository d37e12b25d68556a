package head

// This file knows what the name of a host is made of.

// isHost reports whether b is well-formed as the value of Host, or where it is not
// ([RFC 9110, section 7.2]). Empty is well-formed: so is the Host of a client whose
// target has no authority.
//
//	Host = uri-host [ ":" port ]
//	port = *DIGIT
//
// [RFC 9110, section 7.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.2
func isHost(b []byte) (at uint, ok bool) {
	if at, ok = hostEnd(b); ok {
		at = portEnd(b, at)
		ok = at == uint(len(b))
	}
	return at, ok
}

// portEnd returns where the port ends that may stand at i, with its colon.
func portEnd(b []byte, i uint) uint {
	if i < uint(len(b)) && b[i] == ':' {
		i++
		for i < uint(len(b)) && isDigit(b[i]) {
			i++
		}
	}
	return i
}

// hostEnd returns where the host at the start of b ends, and true; or where it is
// malformed ([RFC 3986, section 3.2.2]). Of an address in brackets it knows the
// octets, not what makes it an address.
//
//	uri-host    = IP-literal / IPv4address / reg-name
//	IP-literal  = "[" ( IPv6address / IPvFuture ) "]"
//	IPvFuture   = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
//	reg-name    = *( unreserved / pct-encoded / sub-delims )
//	pct-encoded = "%" HEXDIG HEXDIG
//
// [RFC 3986, section 3.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
func hostEnd(b []byte) (end uint, ok bool) {
	if len(b) > 0 && b[0] == '[' {
		return literalEnd(b)
	}
	var i uint
	for {
		i = run(b, i, inHost)
		if i >= uint(len(b)) || b[i] != '%' {
			return i, true
		}
		for range 2 {
			if i++; i >= uint(len(b)) || !isHex(b[i]) {
				return i, false
			}
		}
		i++
	}
}

// literalEnd is hostEnd for b that begins with a bracket.
func literalEnd(b []byte) (end uint, ok bool) {
	i := uint(1)
	if i < uint(len(b)) && lower(b[i]) == 'v' {
		version := i + 1
		for i = version; i < uint(len(b)) && isHex(b[i]); i++ {
		}
		if i == version || i >= uint(len(b)) || b[i] != '.' {
			return i, false
		}
		address := i + 1
		for i = address; i < uint(len(b)) && (chart[b[i]]&inHost != 0 || b[i] == ':'); i++ {
		}
		return bracketEnd(b, i, i > address)
	}
	for i < uint(len(b)) && (isHex(b[i]) || b[i] == ':' || b[i] == '.') {
		i++
	}
	return bracketEnd(b, i, i > 1)
}

// bracketEnd is hostEnd for b whose address ends at i, if there is one.
func bracketEnd(b []byte, i uint, address bool) (end uint, ok bool) {
	if !address || i >= uint(len(b)) || b[i] != ']' {
		return i, false
	}
	return i + 1, true
}
