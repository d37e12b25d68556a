package head_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade/head"
)

const captures = "../testdata/captures"

// chromium is a request of 536 octets to open a WebSocket.
const chromium = "client-chromium.req"

func captured(tb testing.TB, file string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(captures, file))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// requests returns the recorded heads of requests by the names of their files.
func requests(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(captures, "*.req"))
	if err != nil || len(files) == 0 {
		tb.Fatal("no captures", err)
	}
	all := make(map[string][]byte)
	for _, file := range files {
		all[filepath.Base(file)] = captured(tb, filepath.Base(file))
	}
	return all
}

// get is a request line and a Host, which most cases need and few are about.
const get = "GET / HTTP/1.1\r\nHost: a\r\n"

// result is all that a Request tells, as strings.
type result struct {
	N                   int
	Method, Target      string
	Major, Minor        int
	Host                string
	Connection, Upgrade []string
	ContentLength       int64
	Chunked             bool
	ExpectContinue      bool
	Fields              [][2]string
}

// fault is the error of Parse, or the zero fault.
type fault struct {
	Offset int
	Reason head.Reason
}

// read returns what r tells after Parse.
func read(tb testing.TB, r *head.Request, n int, err error) (result, fault) {
	tb.Helper()
	if err != nil {
		e, ok := err.(*head.Error)
		if !ok || n != 0 {
			tb.Fatalf("Parse = %d, %T", n, err)
		}
		return result{}, fault{e.Offset, e.Reason}
	}
	if n == 0 {
		return result{}, fault{}
	}
	res := result{
		N: n, Method: string(r.Method), Target: string(r.Target), Major: r.Major, Minor: r.Minor, Host: string(r.Host),
		Connection: texts(r.Connection), Upgrade: texts(r.Upgrade),
		ContentLength: r.ContentLength, Chunked: r.Chunked, ExpectContinue: r.ExpectContinue,
	}
	for name, value := range r.All() {
		res.Fields = append(res.Fields, [2]string{string(name), string(value)})
	}
	return res, fault{}
}

func texts(lines [][]byte) []string {
	var all []string
	for _, line := range lines {
		all = append(all, string(line))
	}
	return all
}

// parse parses a head with a Request of its own. Neither is there anything behind the
// input in its array, so that who reads on reads out of bounds.
func parse(tb testing.TB, input string, limits head.Limits) (result, fault) {
	tb.Helper()
	var r head.Request
	n, err := r.Parse(slices.Clip([]byte(input)), limits)
	return read(tb, &r, n, err)
}

// marked returns text without its mark, which is §, and where that was.
func marked(tb testing.TB, text string) (string, int) {
	tb.Helper()
	before, after, found := strings.Cut(text, "§")
	if !found {
		tb.Fatalf("no mark in %q", text)
	}
	return before + after, len(before)
}

func diff(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	tb.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
}

// poison returns data in an array in which something else stands before and behind it.
func poison(data []byte) []byte {
	array := slices.Concat(bytes.Repeat([]byte("\r\n\r\n"), 8), data, bytes.Repeat([]byte("X: \r\n\r\n"), 8))
	return array[32 : 32+len(data) : 32+len(data)]
}
