package head

import (
	"github.com/gosegue/upgrade/internal/octet"
	"github.com/gosegue/upgrade/internal/uri"
)

// This file knows the start line: a request line or a status line. It does not know what
// a request target may be: package uri does.

// startLine is what the start line says.
type startLine struct {
	method, target place
	status         int
	major, minor   int
}

// readRequest reads the request line at i. It returns the start of the next line, or the
// place and the reason of a fault ([RFC 9112, section 3]).
//
//	request-line = method SP request-target SP HTTP-version
//	method       = token
//
// [RFC 9112, section 3]: https://httpwg.org/specs/rfc9112.html#rfc.section.3
func (l *startLine) readRequest(head []byte, i uint, limits Limits) (uint, Reason) {
	start := i
	if end := i + uint(len("GET")); end < uint(len(head)) && string(head[i:end+1]) == "GET " {
		i = end // as nearly always
	} else {
		i = octet.TokenEnd(head, i)
	}
	if i == start || i >= uint(len(head)) || head[i] != ' ' {
		return i, ErrMethod
	}
	method := head[start:i]
	l.method = placeOf(start, i)
	target := i + 1
	i = uri.TargetEnd(head, target)
	if i-target > uint(limits.Target) {
		return target + uint(limits.Target), ErrTargetSize
	}
	if i == target {
		return i, ErrTarget
	}
	l.target = placeOf(target, i)
	if isCRLF(head, i) {
		// A request of HTTP/0.9.
		return i, ErrVersion
	}
	if i >= uint(len(head)) || head[i] != ' ' {
		return i, ErrTarget
	}
	version := i + 1
	i, ok := l.readVersion(head, version)
	switch {
	case !ok || !isCRLF(head, i):
		return i, ErrVersion
	case l.major != 1:
		return version + uint(len("HTTP/")), ErrMajor
	case !uri.HasForm(method, head[target:l.target.end]):
		return target, ErrTarget
	}
	return i + 2, 0
}

// readStatus reads the status line at i. It returns the start of the next line, or the
// place and the reason of a fault ([RFC 9112, section 4]).
//
//	status-line   = HTTP-version SP status-code SP [ reason-phrase ]
//	status-code   = 3DIGIT
//	reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
//
// The space after the status code is required even without a reason phrase. A code
// outside 100 to 599 is an error, although RFC 9110, section 15, says that a client should
// treat it as a 5xx.
//
// [RFC 9112, section 4]: https://httpwg.org/specs/rfc9112.html#rfc.section.4
func (l *startLine) readStatus(head []byte, i uint) (uint, Reason) {
	version := i
	i, ok := l.readVersion(head, i)
	switch {
	case !ok || i >= uint(len(head)) || head[i] != ' ':
		return i, ErrVersion
	case l.major != 1:
		return version + uint(len("HTTP/")), ErrMajor
	}
	i++
	l.status = 0
	for code := i; i < code+3; i++ {
		if i >= uint(len(head)) || !isDigit(head[i]) || i == code && (head[i] < '1' || head[i] > '5') {
			return i, ErrStatus
		}
		l.status = l.status*10 + int(head[i]-'0')
	}
	if i >= uint(len(head)) || head[i] != ' ' {
		return i, ErrStatus
	}
	i = lineEnd(head, i+1)
	if !isCRLF(head, i) {
		return i, ErrStatus
	}
	return i + 2, 0
}

// readVersion reads the version at i. It returns its end and true, or the place of a fault
// and false ([RFC 9112, section 2.3]).
//
//	HTTP-version = HTTP-name "/" DIGIT "." DIGIT
//	HTTP-name    = %x48.54.54.50 ; HTTP
//
// [RFC 9112, section 2.3]: https://httpwg.org/specs/rfc9112.html#rfc.section.2.3
func (l *startLine) readVersion(head []byte, i uint) (end uint, ok bool) {
	const form = "HTTP/1.1"
	end = i + uint(len(form))
	if end <= uint(len(head)) && string(head[i:end]) == form {
		l.major, l.minor = 1, 1 // as nearly always
		return end, true
	}
	for j := range uint(len(form)) {
		if k := i + j; k >= uint(len(head)) || head[k] != form[j] && !(form[j] == '1' && isDigit(head[k])) {
			return k, false
		}
	}
	l.major, l.minor = int(head[i+5]-'0'), int(head[i+7]-'0')
	return end, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
