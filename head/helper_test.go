package head_test

import (
	"bytes"
	"iter"
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
func requests(tb testing.TB) map[string][]byte { return recorded(tb, "*.req") }

// responses returns the recorded heads of responses.
func responses(tb testing.TB) map[string][]byte { return recorded(tb, "*.resp") }

func recorded(tb testing.TB, pattern string) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(captures, pattern))
	if err != nil || len(files) == 0 {
		tb.Fatal("no captures", err)
	}
	all := make(map[string][]byte)
	for _, file := range files {
		all[filepath.Base(file)] = captured(tb, filepath.Base(file))
	}
	return all
}

// get is a request line and a Host. Most cases need them, and few test them.
const get = "GET / HTTP/1.1\r\nHost: a\r\n"

// message is a Request or a Response.
type message interface {
	Parse(buf []byte, limits head.Limits) (int, error)
	All() iter.Seq2[[]byte, []byte]
	Lines(dst [][]byte, name string) [][]byte
	Reset()
}

// kind is the kind of message that a head begins.
type kind struct {
	zero      func() message
	reference func(input string) (result, bool)
}

var (
	asRequest  = kind{func() message { return new(head.Request) }, referenceRequest}
	asResponse = kind{func() message { return new(head.Response) }, referenceResponse}
)

// result is everything that a message tells, as strings.
type result struct {
	N                   int
	Method, Target      string
	Status              int
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

// read returns what m tells after Parse.
func read(tb testing.TB, m message, n int, err error) (result, fault) {
	tb.Helper()
	if err != nil {
		e, ok := err.(*head.Error)
		if !ok || n != 0 {
			tb.Fatalf("Parse = %d, %T", n, err)
		}
		return nothing(tb, m), fault{e.Offset, e.Reason}
	}
	if n == 0 {
		return nothing(tb, m), fault{}
	}
	res := fieldsOf(m)
	res.N = n
	for name, value := range m.All() {
		res.Fields = append(res.Fields, [2]string{string(name), string(value)})
	}
	return res, fault{}
}

// nothing checks that m tells nothing, as before a whole head and after a fault.
func nothing(tb testing.TB, m message) result {
	tb.Helper()
	diff(tb, "without a whole head", result{}, fieldsOf(m))
	for range m.All() {
		tb.Error("without a whole head there are fields")
	}
	return result{}
}

// fieldsOf returns what the fields of m say.
func fieldsOf(m message) result {
	switch m := m.(type) {
	case *head.Request:
		return result{
			Method: string(m.Method), Target: string(m.Target), Major: m.Major, Minor: m.Minor, Host: string(m.Host),
			Connection: texts(m.Connection), Upgrade: texts(m.Upgrade),
			ContentLength: m.ContentLength, Chunked: m.Chunked, ExpectContinue: m.ExpectContinue,
		}
	case *head.Response:
		return result{
			Status: m.Status, Major: m.Major, Minor: m.Minor,
			Connection: texts(m.Connection), Upgrade: texts(m.Upgrade),
			ContentLength: m.ContentLength, Chunked: m.Chunked,
		}
	}
	return result{}
}

func texts(lines [][]byte) []string {
	var all []string
	for _, line := range lines {
		all = append(all, string(line))
	}
	return all
}

// parse parses the head of a request with a new Request.
func parse(tb testing.TB, input string, limits head.Limits) (result, fault) {
	tb.Helper()
	return parseAs(tb, new(head.Request), input, limits)
}

// parseAs parses a head. The input ends where its array ends, so a parser that reads on
// panics.
func parseAs(tb testing.TB, m message, input string, limits head.Limits) (result, fault) {
	tb.Helper()
	n, err := m.Parse(slices.Clip([]byte(input)), limits)
	return read(tb, m, n, err)
}

// marked returns text without the mark, §, and the offset of the mark.
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

// poison returns data in an array that has other octets before and after it.
func poison(data []byte) []byte {
	array := slices.Concat(bytes.Repeat([]byte("\r\n\r\n"), 8), data, bytes.Repeat([]byte("X: \r\n\r\n"), 8))
	return array[32 : 32+len(data) : 32+len(data)]
}
