package explain

import (
	"strings"

	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file reads the head of a response as package head would, until that can.

// parseResponse reads a status line, and the field lines as those of a request, where no
// field but the framing ones means anything.
func (m *message) parseResponse(octets []byte, limits head.Limits) error {
	line, fields, _ := strings.Cut(string(octets), "\r\n")
	n := matchLen(line, "HTTP/0.0 000 ")
	for ; n >= len("HTTP/0.0 000 ") && n < len(line); n++ {
		if octet.IsControl(line[n]) {
			break
		}
	}
	if n < len("HTTP/0.0 000 ") || n < len(line) {
		return &head.Error{Offset: n, Reason: head.ErrVersion}
	}
	m.major, m.minor, m.status = int(line[5]-'0'), int(line[7]-'0'), number(line[9:12])
	const start = "GET / HTTP/1.1\r\nHost: x\r\n"
	var request head.Request
	_, err := request.Parse([]byte(start+fields), limits)
	if refused, ok := err.(*head.Error); ok {
		refused.Offset += len(line) + len("\r\n") - len(start)
	}
	return err
}

// matchLen returns how far s is as pattern, in which 0 stands for any digit.
func matchLen(s, pattern string) int {
	for i := range len(pattern) {
		if i == len(s) || s[i] != pattern[i] && !(pattern[i] == '0' && '0' <= s[i] && s[i] <= '9') {
			return i
		}
	}
	return len(pattern)
}

func number(digits string) (n int) {
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	return n
}
