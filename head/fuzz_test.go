package head_test

import (
	"testing"

	"github.com/gosegue/upgrade/head"
)

// seeds adds the captures, and heads that together reach every line of code.
func seeds(f *testing.F, add func(input string)) {
	f.Helper()
	for _, data := range requests(f) {
		add(string(data))
	}
	for _, row := range differences {
		add(row.head)
	}
	for _, input := range []string{
		"", "\r\n", "\r\n\r\n", "G", get, get + "\r\n", get + "a\r\n\r\n", get + " a\r\n\r\n", get + "a:b\x00",
		"CONNECT [v1.a]:443 HTTP/1.1\r\nHost: [::1]\r\n\r\n", "OPTIONS * HTTP/1.0\r\n\r\n",
		"GET http://a%20b:1/?c HTTP/1.1\r\nHost: a%zz\r\n\r\n", "POST mailto:a HTTP/1.1\r\nHost:\r\n\r\n",
		get + "Content-Length: 9223372036854775807\r\n\r\n", get + "Content-Length: 9223372036854775808\r\n\r\n",
		get + "Transfer-Encoding: ,chunked ,\r\n\r\n", get + "Transfer-Encoding: gzip;a=b, chunked\r\n\r\n",
		get + "Expect: 100-continue\r\nConnection: close, upgrade\r\nUpgrade: a\r\nUpgrade: b/1\r\n\r\nearly",
		get + "Expect: , 100-continue\t,\r\nExpect:\r\nExpect: a=\"b, c\";d=e\r\n\r\n",
		get + "a: 1234567\t\x7F\r\n\r\n", get + "a: \xFF\t\xC3\xA4 \r\n\r\n",
	} {
		add(input)
	}
	addFramed(add,
		"GET / HTTP/1.0\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "HEAD / HTTP/1.1\r\nHost: a\r\n",
		"POST / HTTP/1.0\r\n", "POST / HTTP/1.1\r\nHost: a\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n",
		"GET http://b/ HTTP/1.1\r\nHost: a\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n",
	)
}

// FuzzParse: a head is read as the oracle reads it. The result is the same for any pieces
// and through a reader, within any limits.
func FuzzParse(f *testing.F) {
	seeds(f, func(input string) {
		f.Add(input, 0, 0, 0)
		f.Add(input, 40, 2, 4)
	})
	f.Fuzz(func(t *testing.T, input string, octets, fields, target int) {
		if len(input) > 2000 {
			return // checkPieces takes quadratic time
		}
		checkOracle(t, input, asRequest)
		checkPieces(t, input, unlimited, asRequest)
		checkPeek(t, input, head.Limits{Bytes: octets, Fields: fields, Target: target}, asRequest)
		checkPieces(t, input, head.Limits{Bytes: octets, Fields: fields, Target: target}, asRequest)
	})
}

// responseSeeds is seeds for a response.
func responseSeeds(f *testing.F, add func(input string)) {
	f.Helper()
	for _, data := range responses(f) {
		add(string(data))
	}
	for _, row := range responseDifferences {
		add(row.head)
	}
	for _, input := range []string{
		"", "\r\n", "H", "HTTP/1.1 1", "HTTP/1.1 101\r\n\r\n", "HTTP/1.1 600 \r\n\r\n", "HTTP/2.0 200 \r\n\r\n", "HTTP/1.0 101 \r\n\r\n",
		ok, ok + "\r\n", ok + "a\r\n\r\n", ok + " a\r\n\r\n", ok + "a:b\x00", ok + "Content-Length: 4\r\n\r\nDATA",
		switching + "Connection: close, upgrade\r\nUpgrade: a\r\nUpgrade: b/1\r\nContent-Length: x\r\nTransfer-Encoding:\r\n\r\nearly",
		ok + "Transfer-Encoding: ,chunked ,\r\n\r\n", ok + "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		add(input)
	}
	addFramed(add,
		"HTTP/1.0 101 \r\n", "HTTP/1.1 100 \r\n", "HTTP/1.1 101 \r\n", "HTTP/1.1 204 \r\n", "HTTP/1.1 304 \r\n",
		"HTTP/1.0 200 \r\n", "HTTP/1.1 200 \r\n", "HTTP/1.1 205 \r\n", "HTTP/1.1 426 \r\n",
	)
}

// addFramed adds heads with each pair of the fields that net/http reads to find the end of
// a message, or changes.
func addFramed(add func(input string), starts ...string) {
	fields := []string{
		"", "Content-Length:\r\n", "Content-Length: 0\r\n", "Content-Length: 1\r\n", "Content-Length: +1\r\n",
		"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding:\r\n",
		"Trailer: a\r\n", "Trailer: Content-Length\r\n", "Connection: close\r\n", "Pragma: no-cache\r\n",
	}
	for _, start := range starts {
		for _, first := range fields {
			for _, second := range fields {
				add(start + first + second + "\r\n")
			}
		}
	}
}

// FuzzParseResponse is FuzzParse for a response.
func FuzzParseResponse(f *testing.F) {
	responseSeeds(f, func(input string) {
		f.Add(input, 0, 0)
		f.Add(input, 40, 2)
	})
	f.Fuzz(func(t *testing.T, input string, octets, fields int) {
		if len(input) > 2000 {
			return // checkPieces takes quadratic time
		}
		checkOracle(t, input, asResponse)
		checkPieces(t, input, unlimited, asResponse)
		checkPeek(t, input, head.Limits{Bytes: octets, Fields: fields}, asResponse)
		checkPieces(t, input, head.Limits{Bytes: octets, Fields: fields}, asResponse)
	})
}

// FuzzReadResponse is FuzzReadRequest for a response.
func FuzzReadResponse(f *testing.F) {
	responseSeeds(f, func(input string) { f.Add(input) })
	f.Fuzz(func(t *testing.T, input string) {
		checkReadResponse(t, input)
	})
}

// FuzzReadRequest: net/http reads the same from a head as this package, apart from the
// table of differences.
func FuzzReadRequest(f *testing.F) {
	seeds(f, func(input string) { f.Add(input) })
	f.Fuzz(func(t *testing.T, input string) {
		checkReadRequest(t, input)
	})
}
