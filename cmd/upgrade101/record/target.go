package record

import "strings"

// This file knows which part of a request target is a secret.

// WithoutUserinfo returns a request target for logs, with dots instead of its userinfo,
// which may hold a password. The target may be malformed: all that stands before an "@" in
// the place of an authority counts as userinfo. A target in origin-form has none.
func WithoutUserinfo(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	begin := 0
	if i := strings.Index(target, "://"); i >= 0 {
		begin = i + len("://")
	}
	end := len(target)
	if i := strings.IndexAny(target[begin:], "/?#"); i >= 0 {
		end = begin + i
	}
	at := strings.LastIndexByte(target[begin:end], '@')
	if at < 0 {
		return target
	}
	return target[:begin] + "..." + target[begin+at:]
}
