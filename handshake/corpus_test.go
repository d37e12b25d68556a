package handshake_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/corpustest"
)

const testdata = "../testdata"

func TestRequestCorpus(t *testing.T) {
	for _, c := range corpus.Read[corpus.Request](t, testdata, "request.json") {
		t.Run(c.Name, func(t *testing.T) {
			major, minor := corpus.Version(t, c.Version)
			want := answer{Products: corpustest.Products(c.Products)}
			if c.Error != "ErrNotSupported" {
				want.Fault = corpustest.Fault(c.Fault)
			}
			list, err := handshake.Offer(major, minor, c.Connection.Strings(), c.Upgrade.Strings())
			diff(t, "offer", want, asAnswer(t, list, err))
			listBytes, err := handshake.Offer(major, minor, c.Connection.Bytes(), c.Upgrade.Bytes())
			diff(t, "offer of bytes", want, asAnswer(t, listBytes, err))
			if c.Supported == nil {
				return
			}
			supported := products(t, c.Supported.Strings())
			p, err := handshake.Select(major, minor, c.Connection.Strings(), c.Upgrade.Strings(), supported...)
			diff(t, "select", string(c.Select), p.String())
			diff(t, "fault of select", corpustest.Fault(c.Fault), fault(t, err))
			q, err := handshake.Select(major, minor, c.Connection.Bytes(), c.Upgrade.Bytes(), supported...)
			diff(t, "select of bytes", p, q)
			diff(t, "fault of select of bytes", corpustest.Fault(c.Fault), fault(t, err))
		})
	}
}

func TestResponseCorpus(t *testing.T) {
	for _, c := range corpus.Read[corpus.Response](t, testdata, "response.json") {
		t.Run(c.Name, func(t *testing.T) {
			if c.Build != 0 {
				testBuild(t, c)
				return
			}
			major, minor := corpus.Version(t, c.Version)
			offered := products(t, c.Offered.Strings())
			want := answer{corpustest.Products(c.Products), corpustest.Fault(c.Fault)}
			list, err := handshake.Switched(c.Status, major, minor, c.Connection.Strings(), c.Upgrade.Strings(), offered...)
			diff(t, "switched", want, asAnswer(t, list, err))
			listBytes, err := handshake.Switched(c.Status, major, minor, c.Connection.Bytes(), c.Upgrade.Bytes(), offered...)
			diff(t, "switched of bytes", want, asAnswer(t, listBytes, err))
		})
	}
}

func testBuild(t *testing.T, c corpus.Response) {
	to := products(t, c.To.Strings())
	var fields []handshake.Field
	for _, f := range c.Fields {
		fields = append(fields, handshake.Field{Name: string(f[0]), Value: string(f[1])})
	}
	build := handshake.AppendSwitchingProtocols
	if c.Build == 426 {
		build = handshake.AppendUpgradeRequired
	}
	const before = "before"
	got, err := build([]byte(before), to, fields...)
	diff(t, "bytes", before+string(c.Bytes), string(got))
	checkResponseFault(t, c, err)
	if c.Build == 101 {
		var w bytes.Buffer
		err := handshake.WriteSwitchingProtocols(&w, to, fields...)
		diff(t, "written", string(c.Bytes), w.String())
		checkResponseFault(t, c, err)
	}
}

func checkResponseFault(t *testing.T, c corpus.Response, err error) {
	t.Helper()
	name, index := responseFault(t, err)
	want := -1
	if c.Index != nil {
		want = *c.Index
	}
	if name != c.Error || index != want {
		t.Errorf("error %q of field %d, want %q of field %d", name, index, c.Error, want)
	}
}

func TestCaptures(t *testing.T) {
	for _, c := range corpus.Read[corpus.Capture](t, testdata, "captures.json") {
		t.Run(c.File, func(t *testing.T) {
			head := corpus.ReadHead(t, testdata, "captures", c.File)
			connection, lines := head.Field("connection"), head.Field("upgrade")
			major, minor := corpus.Version(t, c.Version)
			var list upgrade.List[string]
			var err error
			if c.Status == 0 {
				if !strings.HasSuffix(head.Start, " HTTP/"+c.Version) {
					t.Errorf("request line %q", head.Start)
				}
				list, err = handshake.Offer(major, minor, connection, lines)
			} else {
				if want := fmt.Sprintf("HTTP/%s %d ", c.Version, c.Status); !strings.HasPrefix(head.Start, want) {
					t.Errorf("status line %q, want %q", head.Start, want)
				}
				list, err = handshake.Switched(c.Status, major, minor, connection, lines, products(t, c.Offered.Strings())...)
			}
			diff(t, "answer", answer{corpustest.Products(c.Products), corpustest.Fault(c.Fault)}, asAnswer(t, list, err))
		})
	}
}
