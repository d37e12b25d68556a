//go:build go1.24

package websocket_test

import (
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/websocket"
)

// kept is where the results go.
var kept struct {
	accept []byte
	err    error
}

// fields returns the lines that a real client sent, as strings or as bytes.
func fields[S upgrade.Text](b *testing.B, client string) (version, key []S) {
	b.Helper()
	head := corpus.ReadHead(b, "..", "testdata", "captures", client+".req")
	for _, line := range head.Field("sec-websocket-version") {
		version = append(version, S(line))
	}
	for _, line := range head.Field("sec-websocket-key") {
		key = append(key, S(line))
	}
	if len(key) == 0 {
		b.Fatalf("%s sent no key", client)
	}
	return version, key
}

func BenchmarkCheck(b *testing.B) {
	b.Run("text=string", benchmarkCheck[string])
	b.Run("text=bytes", benchmarkCheck[[]byte])
}

func benchmarkCheck[S upgrade.Text](b *testing.B) {
	version, key := fields[S](b, "client-firefox")
	for _, in := range []struct {
		name, method string
		version, key []S
	}{
		{"valid", "GET", version, key},
		{"method", "POST", version, key},
		{"version", "GET", key, key},
		{"key", "GET", version, version},
	} {
		b.Run("in="+in.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in.version[0]) + len(in.key[0])))
			for b.Loop() {
				kept.err = websocket.Check(in.method, in.version, in.key)
			}
		})
	}
}

func BenchmarkAppendAccept(b *testing.B) {
	b.Run("text=string", benchmarkAppendAccept[string])
	b.Run("text=bytes", benchmarkAppendAccept[[]byte])
}

func benchmarkAppendAccept[S upgrade.Text](b *testing.B) {
	_, key := fields[S](b, "client-firefox")
	b.Run("in=client-firefox", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(key[0])))
		for b.Loop() {
			kept.accept = websocket.AppendAccept(kept.accept[:0], key[0])
		}
	})
}
