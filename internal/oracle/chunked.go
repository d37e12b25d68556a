package oracle

import (
	"regexp"
	"strconv"
	"strings"
)

var trailer = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+:")

// Chunked decodes content in the chunked transfer coding (RFC 9112, section 7.1) from the
// start of data, line by line. n is the length of the coding. If the content is malformed or
// longer than limit octets, n is 0 and status is 400 or 413. If data ends before the content
// does, both are 0. Extensions and trailers have no bound here.
func Chunked(data []byte, limit int) (content []byte, n, status int) {
	rest := data
	// line takes a line from rest if there is a whole one. A line with a control is bad:
	// nothing that follows can make it valid. Its text ends before the control.
	line := func() (text string, whole, bad bool) {
		for i, b := range rest {
			switch {
			case b == '\r' && i+1 == len(rest):
				return string(rest[:i]), false, false
			case b == '\r' && rest[i+1] == '\n':
				text := string(rest[:i])
				rest = rest[i+2:]
				return text, true, false
			case b < ' ' && b != '\t' || b == 0x7F:
				return string(rest[:i]), false, true
			}
		}
		return string(rest), false, false
	}
	for {
		before := len(rest)
		text, whole, bad := line()
		extension := strings.TrimLeft(text, "0123456789abcdefABCDEF")
		digits := text[:len(text)-len(extension)]
		size := 0
		for _, digit := range digits {
			value, _ := strconv.ParseUint(string(digit), 16, 8)
			if size = size<<4 + int(value); size > limit-len(content) {
				return nil, 0, 413
			}
		}
		trimmed := strings.TrimLeft(extension, ows)
		ended := whole || bad || before > len(text) // an octet follows that is not part of it
		switch {
		case digits == "" && (extension != "" || ended),
			trimmed == "" && extension != "" && ended,
			trimmed != "" && trimmed[0] != ';',
			bad:
			return nil, 0, 400
		case !whole:
			return nil, 0, 0
		case size == 0:
			for {
				text, whole, bad := line()
				named := trailer.MatchString(text)
				switch {
				case text == "" && whole:
					return content, len(data) - len(rest), 0
				case bad, !named && (whole || text != "" && !trailer.MatchString(text+":")):
					return nil, 0, 400
				case !whole && !named && strings.HasSuffix(string(rest), "\r") && text != "":
					return nil, 0, 400
				case !whole:
					return nil, 0, 0
				}
			}
		}
		take := min(size, len(rest))
		content, rest = append(content, rest[:take]...), rest[take:]
		end := string(rest[:min(2, len(rest))])
		switch {
		case take < size:
			return nil, 0, 0
		case !strings.HasPrefix("\r\n", end):
			return nil, 0, 400
		case len(end) < 2:
			return nil, 0, 0
		}
		rest = rest[2:]
	}
}
