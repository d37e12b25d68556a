package head_test

import (
	"fmt"
	"testing"

	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/corpus"
)

// The heads that real clients, servers and proxies sent are read to the last octet, and
// with the result of the corpus.
func TestCaptures(t *testing.T) {
	check := func(file string, data []byte, kind kind, start func(result) string) {
		t.Run(file, func(t *testing.T) {
			res, fault := parseAs(t, kind.zero(), string(data), head.Limits{})
			if fault.Reason != 0 || res.N != len(data) {
				t.Fatalf("read %d of %d octets, %v at %d", res.N, len(data), fault.Reason, fault.Offset)
			}
			want := corpus.ReadHead(t, captures, file)
			// A Response does not keep the reason phrase.
			line := start(res)
			diff(t, "start line", want.Start[:min(len(line), len(want.Start))], line)
			diff(t, "Connection", want.Field("connection"), res.Connection)
			diff(t, "Upgrade", want.Field("upgrade"), res.Upgrade)
			checkOracle(t, string(data), kind)
			checkPieces(t, string(data), head.Limits{}, kind)
		})
	}
	for file, data := range requests(t) {
		check(file, data, asRequest, func(res result) string {
			return fmt.Sprintf("%s %s HTTP/%d.%d", res.Method, res.Target, res.Major, res.Minor)
		})
	}
	for file, data := range responses(t) {
		check(file, data, asResponse, func(res result) string {
			return fmt.Sprintf("HTTP/%d.%d %d ", res.Major, res.Minor, res.Status)
		})
	}
}
