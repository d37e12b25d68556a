package head

import "github.com/gosegue/upgrade/internal/uri"

// This file knows the request line. What a request target may be is package uri's.

// readRequestLine reads the request line at i and returns where the next line begins,
// or where and why the line is malformed ([RFC 9112, section 3]).
//
//	request-line = method SP request-target SP HTTP-version
//	method       = token
//
// [RFC 9112, section 3]: https://httpwg.org/specs/rfc9112.html#rfc.section.3
func (r *Request) readRequestLine(head []byte, i uint, limits Limits) (uint, Reason) {
	start := i
	i = tokenEnd(head, i)
	if i == start || i >= uint(len(head)) || head[i] != ' ' {
		return i, ErrMethod
	}
	r.Method = head[start:i:i]
	i++
	start = i
	i = uri.TargetEnd(head, i)
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
	if !uri.HasForm(r.Method, r.Target) {
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
