package head_test

import (
	"testing"

	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/corpus"
)

// What real clients and proxies sent is read to the last octet, all of it, as the
// corpus reads it.
func TestCaptures(t *testing.T) {
	for file, data := range requests(t) {
		t.Run(file, func(t *testing.T) {
			res, fault := parse(t, string(data), head.Limits{})
			if fault.Reason != 0 || res.N != len(data) {
				t.Fatalf("read %d of %d octets, %v at %d", res.N, len(data), fault.Reason, fault.Offset)
			}
			want := corpus.ReadHead(t, captures, file)
			diff(t, "request line", want.Start, res.Method+" "+res.Target+" HTTP/"+string(rune('0'+res.Major))+"."+string(rune('0'+res.Minor)))
			diff(t, "Connection", want.Field("connection"), res.Connection)
			diff(t, "Upgrade", want.Field("upgrade"), res.Upgrade)
			checkOracle(t, string(data))
			checkPieces(t, string(data), head.Limits{})
		})
	}
}
