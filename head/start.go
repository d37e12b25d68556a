package head

// This file knows the request line and the forms of a request target.

// readRequestLine reads the request line at i and returns where the next line begins,
// or where and why the line is malformed ([RFC 9112, section 3]).
//
//	request-line = method SP request-target SP HTTP-version
//	method       = token
//
// [RFC 9112, section 3]: https://httpwg.org/specs/rfc9112.html#rfc.section.3
func (r *Request) readRequestLine(head []byte, i uint, limits Limits) (uint, Reason) {
	start := i
	i = run(head, i, inToken)
	if i == start || i >= uint(len(head)) || head[i] != ' ' {
		return i, ErrMethod
	}
	r.Method = head[start:i:i]
	i++
	start = i
	i = run(head, i, inTarget)
	if i-start > uint(limits.Target) {
		return start + uint(limits.Target), ErrTargetSize
	}
	if i == start {
		return i, ErrTarget
	}
	r.Target = head[start:i:i]
	if isCRLF(head, i) {
		// What HTTP/0.9 had for a request.
		return i, ErrVersion
	}
	if i >= uint(len(head)) || head[i] != ' ' {
		return i, ErrTarget
	}
	i, reason := r.readVersion(head, i+1)
	if reason != 0 {
		return i, reason
	}
	if !isTarget(r.Method, r.Target) {
		return start, ErrTarget
	}
	return i, 0
}

// readVersion reads the end of a request line, as readRequestLine ([RFC 9112,
// section 2.3]).
//
//	HTTP-version = HTTP-name "/" DIGIT "." DIGIT
//	HTTP-name    = %x48.54.54.50 ; HTTP
//
// [RFC 9112, section 2.3]: https://httpwg.org/specs/rfc9112.html#rfc.section.2.3
func (r *Request) readVersion(head []byte, i uint) (uint, Reason) {
	const form = "HTTP/1.1\r\n"
	end := i + uint(len(form))
	if end <= uint(len(head)) && string(head[i:end]) == form {
		r.Major, r.Minor = 1, 1 // as nearly always
		return end, 0
	}
	// A digit is any; the rest is to the letter.
	for j := range uint(len(form)) {
		if k := i + j; k >= uint(len(head)) || head[k] != form[j] && !(form[j] == '1' && isDigit(head[k])) {
			if j == uint(len(form))-1 {
				k-- // the CR is at fault, not what stands behind it
			}
			return k, ErrVersion
		}
	}
	r.Major, r.Minor = int(head[i+5]-'0'), int(head[i+7]-'0')
	if r.Major != 1 {
		return i + 5, ErrMajor
	}
	return end, 0
}

// isTarget reports whether a target that has no octet it must not have is of a form
// that the method has ([RFC 9112, section 3.2]).
//
//	request-target = origin-form / absolute-form / authority-form / asterisk-form
//	origin-form    = absolute-path [ "?" query ]
//	authority-form = uri-host ":" port ; for CONNECT, and nothing else for it
//	asterisk-form  = "*"               ; for OPTIONS
//
// [RFC 9112, section 3.2]: https://httpwg.org/specs/rfc9112.html#rfc.section.3.2
func isTarget(method, target []byte) bool {
	if string(method) == "CONNECT" {
		return isAuthority(target)
	}
	switch {
	case target[0] == '/':
		return true
	case len(target) == 1 && target[0] == '*':
		return string(method) == "OPTIONS"
	}
	return isAbsolute(target)
}

// isAuthority reports whether b is the target of a CONNECT, whose port must be a
// valid one ([RFC 9110, section 9.3.6]).
//
// [RFC 9110, section 9.3.6]: https://httpwg.org/specs/rfc9110.html#rfc.section.9.3.6
func isAuthority(b []byte) bool {
	end, ok := hostEnd(b)
	if !ok || end == 0 || end >= uint(len(b)) || b[end] != ':' {
		return false
	}
	port := 0
	for _, c := range b[end+1:] {
		if !isDigit(c) || port > 0xFFFF {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return 0 < port && port <= 0xFFFF
}

// isAbsolute reports whether b is in absolute-form: a scheme, a colon, and of http
// and https an authority that is a host, which must not be empty ([RFC 9110, section
// 4.2]), with or without a port. User information is refused: section 4.2.4 says to
// treat it as an error where it comes from elsewhere.
//
//	absolute-form = absolute-URI
//	absolute-URI  = scheme ":" hier-part [ "?" query ]
//	scheme        = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
//
// [RFC 9110, section 4.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.4.2
func isAbsolute(b []byte) bool {
	var i int
	for i < len(b) && (isLetter(b[i]) || i > 0 && (isDigit(b[i]) || b[i] == '+' || b[i] == '-' || b[i] == '.')) {
		i++
	}
	if i == 0 || i == len(b) || b[i] != ':' {
		return false
	}
	if scheme := b[:i]; !equalFold(scheme, "http") && !equalFold(scheme, "https") {
		return true
	}
	rest := b[i+1:]
	if len(rest) < 2 || rest[0] != '/' || rest[1] != '/' {
		return false
	}
	authority := rest[2:]
	for j, c := range authority {
		if c == '/' || c == '?' {
			authority = authority[:j]
			break
		}
	}
	_, ok := isHost(authority)
	return ok && len(authority) > 0 && authority[0] != ':'
}
