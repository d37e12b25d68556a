//go:build go1.24

package head_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// rows returns heads of requests that take Parse along different paths.
func rows(b *testing.B) []row {
	return []row{
		{"least", []byte(get + "\r\n")},
		{"chromium", captured(b, chromium)},
		{"docker", captured(b, "client-docker-attach.req")},
		{"fields", []byte(get + strings.Repeat("a-name: and a value\r\n", 99) + "\r\n")},
		{"name8K", []byte(get + strings.Repeat("a", 8<<10) + ":\r\n\r\n")},
		{"value8K", []byte(get + "a:" + strings.Repeat("b", 8<<10) + "\r\n\r\n")},
		{"tabs8K", []byte(get + "a:b" + strings.Repeat("\t", 8<<10) + "c\r\n\r\n")},
		{"hosts8K", []byte("GET / HTTP/1.1\r\nHost:" + strings.Repeat("%41", 8<<10/3) + "\r\n\r\n")},
	}
}

type row struct {
	name string
	head []byte
}

func BenchmarkParse(b *testing.B) {
	for _, row := range rows(b) {
		b.Run("head="+row.name, func(b *testing.B) {
			var r head.Request
			b.ReportAllocs()
			b.SetBytes(int64(len(row.head)))
			for b.Loop() {
				if n, err := r.Parse(row.head, head.Limits{}); n != len(row.head) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// The same fields, after a status line as long as the request line.
func BenchmarkParseResponse(b *testing.B) {
	for _, row := range rows(b) {
		requestLine, fields, _ := strings.Cut(string(row.head), "\r\n")
		const start = "HTTP/1.1 101 "
		data := []byte(start + strings.Repeat("a", len(requestLine)-len(start)) + "\r\n" + fields)
		b.Run("head="+row.name, func(b *testing.B) {
			var r head.Response
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if n, err := r.Parse(data, head.Limits{}); n != len(data) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// Octet by octet, Parse has to take linear time: compare values of 1K and 8K.
func BenchmarkPieces(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1K", 1 << 10}, {"8K", 8 << 10}} {
		data := []byte(get + "a:" + strings.Repeat("b", size.n) + "\r\n\r\n")
		b.Run("value="+size.name, func(b *testing.B) {
			var r head.Request
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				for end := range data {
					if n, err := r.Parse(data[:end], head.Limits{}); n != 0 || err != nil {
						b.Fatal(n, err)
					}
				}
				r.Reset()
			}
		})
	}
}

func BenchmarkRefused(b *testing.B) {
	data := []byte(get + "Upgrade : websocket\r\n\r\n")
	var r head.Request
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Parse(data, head.Limits{}); err == nil {
			b.Fatal("not refused")
		}
	}
}

func BenchmarkLines(b *testing.B) {
	var (
		r     head.Request
		lines [][]byte
	)
	if _, err := r.Parse(captured(b, chromium), head.Limits{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if lines = r.Lines(lines[:0], "Sec-WebSocket-Key"); len(lines) != 1 {
			b.Fatal("no key")
		}
	}
}

// The same head, read by net/http.
func BenchmarkReadRequest(b *testing.B) {
	data := captured(b, chromium)
	source := bytes.NewReader(data)
	reader := bufio.NewReader(source)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		source.Reset(data)
		reader.Reset(source)
		if _, err := http.ReadRequest(reader); err != nil {
			b.Fatal(err)
		}
	}
}
