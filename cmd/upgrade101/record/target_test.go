package record

import "testing"

func TestWithoutUserinfo(t *testing.T) {
	for target, want := range map[string]string{
		"":                                "",
		"*":                               "*",
		"/":                               "/",
		"/a@b?c@d":                        "/a@b?c@d",
		"//user:secret@localhost/":        "//user:secret@localhost/", // a path
		"http://localhost/a@b":            "http://localhost/a@b",
		"http://localhost?a@b":            "http://localhost?a@b",
		"http://user:secret@localhost/":   "http://...@localhost/",
		"http://user:secret@localhost":    "http://...@localhost",
		"HTTP://user:se@cret@[::1]:1?a@b": "HTTP://...@[::1]:1?a@b",
		"http://@localhost/":              "http://...@localhost/",
		"user:secret@localhost:80":        "...@localhost:80",
		"localhost:80":                    "localhost:80",
		"x:user:secret@localhost":         "...@localhost",
	} {
		if got := WithoutUserinfo(target); got != want {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}
