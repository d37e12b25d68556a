//go:build !race

package head_test

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/gosegue/upgrade/head"
)

func TestAllocations(t *testing.T) {
	var (
		r     head.Request
		lines [][]byte
	)
	check := func(name string, want float64, do func()) {
		t.Helper()
		if got := testing.AllocsPerRun(100, do); got != want {
			t.Errorf("%s: %v allocations, want %v", name, got, want)
		}
	}
	for file, data := range requests(t) {
		check(file, 0, func() {
			if n, err := r.Parse(data, head.Limits{}); n == 0 || err != nil {
				t.Fatal(n, err)
			}
			for name, value := range r.All() {
				if len(name) == 0 && len(value) == 0 {
					t.Fatal("no name")
				}
			}
			lines = r.Lines(lines[:0], "sec-websocket-key")
		})
		check(file+" in pieces", 0, func() {
			for end := range data {
				if n, err := r.Parse(data[:end], head.Limits{}); n != 0 || err != nil {
					t.Fatal(n, err)
				}
			}
			r.Reset()
		})
	}
	var response head.Response
	for file, data := range responses(t) {
		check(file, 0, func() {
			if n, err := response.Parse(data, head.Limits{}); n == 0 || err != nil {
				t.Fatal(n, err)
			}
			lines = response.Lines(lines[:0], "sec-websocket-accept")
		})
		check(file+" in pieces", 0, func() {
			for end := range data {
				if n, err := response.Parse(data[:end], head.Limits{}); n != 0 || err != nil {
					t.Fatal(n, err)
				}
			}
			response.Reset()
		})
	}
	refused := []byte("HTTP/1.1 600 \r\n")
	check("response, refused", 1, func() { response.Parse(refused, head.Limits{}) })
	for _, row := range differences {
		if data := []byte(row.head); row.reason != 0 {
			check(row.name, 1, func() { r.Parse(data, head.Limits{}) })
		}
	}
	large := []byte(get + "a: bcdef")
	check("limit", 1, func() { r.Parse(large, head.Limits{Bytes: 30}) })
	// Peek allocates nothing either.
	source := bytes.NewReader(nil)
	buffered := bufio.NewReader(source)
	for _, test := range []struct {
		m    peeker
		data []byte
	}{{&r, captured(t, chromium)}, {&response, captured(t, "server-go-gorilla-ws.resp")}} {
		check("peek", 0, func() {
			source.Reset(test.data)
			buffered.Reset(source)
			if n, err := test.m.Peek(buffered, head.Limits{}); n == 0 || err != nil {
				t.Fatal(n, err)
			}
		})
	}
	// A new Request allocates room for its slices.
	data := captured(t, chromium)
	check("first", 3, func() {
		var r head.Request
		r.Parse(data, head.Limits{})
	})
}
