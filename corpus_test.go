package upgrade_test

import (
	"testing"

	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/corpustest"
	"github.com/gosegue/upgrade/internal/oracle"
)

func TestUpgradeCorpus(t *testing.T) {
	for _, c := range corpus.Read[corpus.Upgrade](t, "testdata", "upgrade.json") {
		t.Run(c.Name, func(t *testing.T) {
			want := parsed[oracle.Product]{corpustest.Products(c.Products), corpustest.Fault(c.Fault)}
			diff(t, "string", want, parseList(t, c.Lines.Strings()))
			diff(t, "bytes", want, parseList(t, c.Lines.Bytes()))
			checkSelect(t, c.Lines.Strings(), someProducts)
		})
	}
}

func TestConnectionCorpus(t *testing.T) {
	for _, c := range corpus.Read[corpus.Connection](t, "testdata", "connection.json") {
		t.Run(c.Name, func(t *testing.T) {
			options := c.Options.Strings()
			if len(options) == 0 {
				options = nil
			}
			want := parsed[string]{options, corpustest.Fault(c.Fault)}
			diff(t, "string", want, parseConnection(t, c.Lines.Strings()))
			diff(t, "bytes", want, parseConnection(t, c.Lines.Bytes()))
			for version, want := range c.Persistent {
				major, minor := corpus.Version(t, version)
				connection := mustConnection(t, c.Lines.Strings()...)
				diff(t, "persistent in "+version, want, connection.Persistent(major, minor))
			}
		})
	}
}

// Everything that the captured software sends is well-formed.
func TestCaptures(t *testing.T) {
	for _, c := range corpus.Read[corpus.Capture](t, "testdata", "captures.json") {
		t.Run(c.File, func(t *testing.T) {
			head := corpus.ReadHead(t, "testdata", "captures", c.File)
			connection := parseConnection(t, head.Field("connection"))
			options := c.Connection.Strings()
			if len(options) == 0 {
				options = nil
			}
			diff(t, "connection", parsed[string]{Items: options}, connection)
			products := parseList(t, head.Field("upgrade"))
			diff(t, "fault", oracle.Fault{}, products.Fault)
			if c.Products != nil {
				diff(t, "products", corpustest.Products(c.Products), products.Items)
			}
		})
	}
}
