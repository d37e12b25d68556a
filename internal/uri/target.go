package uri

import "github.com/gosegue/upgrade"

// This file knows the forms of a request target and which method allows which form. It
// does not know the rest of a request line.

// IsTarget reports whether a request with that method may have that target. The caller has
// checked that the method is a token.
func IsTarget[M, T upgrade.Text](method M, target T) bool {
	return len(target) > 0 && TargetEnd(target, 0) == uint(len(target)) && HasForm(method, target)
}

// TargetEnd returns the end of the octets from i on that a request target may have, or i
// if there are none.
func TargetEnd[T upgrade.Text](s T, i uint) uint {
	// Four at a time: a target can be long.
	for i < uint(len(s)) && uint(len(s))-i >= 4 {
		four := s[i : i+4]
		if chart[four[0]]&chart[four[1]]&chart[four[2]]&chart[four[3]]&inTarget == 0 {
			break
		}
		i += 4
	}
	return run(s, i, inTarget)
}

// HasForm is IsTarget for a target whose octets TargetEnd has checked: it reports whether
// the target has a form that the method allows ([RFC 9112, section 3.2]).
//
//	request-target = origin-form / absolute-form / authority-form / asterisk-form
//	origin-form    = absolute-path [ "?" query ]
//	authority-form = uri-host ":" port ; only and always for CONNECT
//	asterisk-form  = "*"               ; for OPTIONS
//
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
func HasForm[M, T upgrade.Text](method M, target T) bool {
	switch {
	case len(target) == 0:
		return false
	case string(method) == "CONNECT":
		return isAuthority(target)
	case target[0] == '/':
		return true
	case len(target) == 1 && target[0] == '*':
		return string(method) == "OPTIONS"
	}
	return isAbsolute(target)
}

// isAuthority reports whether s is the target of a CONNECT: a host that is not empty,
// and a port from 1 to 65535 ([RFC 9110, section 9.3.6]).
//
// [RFC 9110, section 9.3.6]: https://httpwg.org/specs/rfc9110.html#rfc.section.9.3.6
func isAuthority[S upgrade.Text](s S) bool {
	i, ok := HostEnd(s)
	if !ok || i == 0 || i >= uint(len(s)) || s[i] != ':' {
		return false
	}
	port := 0
	for i++; i < uint(len(s)); i++ {
		if chart[s[i]]&digit == 0 || port > 0xFFFF {
			return false
		}
		port = port*10 + int(s[i]-'0')
	}
	return 0 < port && port <= 0xFFFF
}

// isAbsolute reports whether s is in absolute-form. A URI of http, https, ws or wss must
// name a host after "//", with or without a port ([RFC 9110, section 4.2], [RFC 6455,
// section 3]). User information is an error there, as RFC 9110, section 4.2.4, advises for
// a URI from an untrusted source. For any other scheme only its name is checked.
//
//	absolute-form = absolute-URI
//	absolute-URI  = scheme ":" hier-part [ "?" query ]
//	hier-part     = "//" authority path-abempty / ...
//
// [RFC 9110, section 4.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.4.2
// [RFC 6455, section 3]: https://www.rfc-editor.org/rfc/rfc6455#section-3
func isAbsolute[S upgrade.Text](s S) bool {
	colon := schemeEnd(s)
	if colon == 0 {
		return false
	}
	if !namesHost(s[:colon]) {
		return true
	}
	authority, found := authorityOf(s[colon:])
	if !found {
		return false
	}
	_, ok := IsHost(authority)
	return ok && len(authority) > 0 && authority[0] != ':'
}

// Host returns the host that a target in absolute-form names, with its port if there is
// one. If it names none, found is false: the target has another form, or its scheme is
// none of http, https, ws and wss. IsTarget has checked the target.
func Host[T upgrade.Text](target T) (host T, found bool) {
	colon := schemeEnd(target)
	if colon == 0 || !namesHost(target[:colon]) {
		return host, false
	}
	return authorityOf(target[colon:])
}

// schemeEnd returns the place of the colon after the scheme of a URI, or 0.
func schemeEnd[S upgrade.Text](s S) uint {
	colon := run(s, 0, inScheme)
	if colon >= uint(len(s)) || s[colon] != ':' || chart[s[0]]&letter == 0 {
		return 0
	}
	return colon
}

// authorityOf returns the authority after "://".
func authorityOf[S upgrade.Text](s S) (authority S, found bool) {
	if len(s) < 3 || s[0] != ':' || s[1] != '/' || s[2] != '/' {
		return authority, false
	}
	authority = s[3:]
	for i := range len(authority) {
		if authority[i] == '/' || authority[i] == '?' {
			return authority[:i], true
		}
	}
	return authority, true
}

// namesHost reports whether a URI with that scheme must name a host.
func namesHost[S upgrade.Text](scheme S) bool {
	for _, known := range [...]string{"http", "https", "ws", "wss"} {
		if isScheme(scheme, known) {
			return true
		}
	}
	return false
}

// isScheme reports whether scheme is known, in any letter case. known is in lower case.
// Setting bit 0x20 folds only letters: all other octets of a scheme have it set already.
func isScheme[S upgrade.Text](scheme S, known string) bool {
	if len(scheme) != len(known) {
		return false
	}
	for i := range len(known) {
		if scheme[i]|0x20 != known[i] {
			return false
		}
	}
	return true
}
