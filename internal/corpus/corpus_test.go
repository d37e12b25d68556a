package corpus_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/corpustest"
	"github.com/gosegue/upgrade/internal/oracle"
)

const testdata = "../../testdata"

func TestDecodeRefuses(t *testing.T) {
	const good = `[{"name": "a", "rule": "b", "lines": ["\u00FF"], "products": []}]`
	if _, err := corpus.Decode[corpus.Upgrade]([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"an unknown key":       strings.Replace(good, `"lines"`, `"offered": [], "lines"`, 1),
		"no octet":             strings.Replace(good, `00FF`, `0100`, 1),
		"an unescaped octet":   strings.Replace(good, `"b"`, `"é"`, 1),
		"no rule":              strings.Replace(good, `"b"`, `""`, 1),
		"a result and error":   strings.Replace(good, `"products"`, `"error": "ErrNoOption", "products"`, 1),
		"no result":            strings.Replace(good, `, "products": []`, ``, 1),
		"an error and no line": strings.Replace(good, `"products": []`, `"error": "ErrToken", "offset": 0`, 1),
		"an empty version":     strings.Replace(good, `"products": []`, `"products": [["a", ""]]`, 1),
		"a name twice":         strings.Replace(good, `}]`, `}, `+good[1:], 1),
		"something after it":   good + good,
	} {
		if _, err := corpus.Decode[corpus.Upgrade]([]byte(bad)); err == nil {
			t.Errorf("%s passed", name)
		}
	}
}

// The cases were written by hand from the RFCs, and so was the oracle: two readings
// that have to agree before they judge anything.
func TestOracle(t *testing.T) {
	for _, c := range corpus.Read[corpus.Upgrade](t, testdata, "upgrade.json") {
		products, fault := oracle.Upgrade(c.Lines.Strings())
		agree(t, c.Name, products, corpustest.Products(c.Products), fault, c.Fault)
	}
	for _, c := range corpus.Read[corpus.Connection](t, testdata, "connection.json") {
		options, fault := oracle.Connection(c.Lines.Strings())
		agree(t, c.Name, options, c.Options.Strings(), fault, c.Fault)
		for version, want := range c.Persistent {
			major, minor := corpus.Version(t, version)
			if got := oracle.Persistent(options, major, minor); got != want {
				t.Errorf("%s: persistent in %s is %t, want %t", c.Name, version, got, want)
			}
		}
	}
	for _, c := range corpus.Read[corpus.Request](t, testdata, "request.json") {
		major, minor := corpus.Version(t, c.Version)
		products, fault := oracle.Offer(major, minor, c.Connection.Strings(), c.Upgrade.Strings())
		want := c.Fault
		if want.Error == "ErrNotSupported" {
			want = corpus.Fault{}
		}
		agree(t, c.Name, products, corpustest.Products(c.Products), fault, want)
		if c.Supported != nil {
			p, fault := oracle.Select(major, minor, c.Connection.Strings(), c.Upgrade.Strings(), asProducts(t, c.Supported))
			var want oracle.Product
			if c.Select != "" {
				want = asProducts(t, corpus.Lines{c.Select})[0]
			}
			agree(t, c.Name, []oracle.Product{p}, []oracle.Product{want}, fault, c.Fault)
		}
	}
	for _, c := range corpus.Read[corpus.Response](t, testdata, "response.json") {
		if c.Build != 0 {
			continue
		}
		major, minor := corpus.Version(t, c.Version)
		products, fault := oracle.Switched(c.Status, major, minor, c.Connection.Strings(), c.Upgrade.Strings(), asProducts(t, c.Offered))
		agree(t, c.Name, products, corpustest.Products(c.Products), fault, c.Fault)
	}
}

func agree[T comparable](t *testing.T, name string, got, want []T, fault oracle.Fault, wantFault corpus.Fault) {
	t.Helper()
	if !slices.Equal(got, want) || fault != corpustest.Fault(wantFault) {
		t.Errorf("%s: the oracle says %q, %v, the case %q, %v", name, fmt.Sprint(got), fault, fmt.Sprint(want), corpustest.Fault(wantFault))
	}
}

func asProducts(t *testing.T, lines corpus.Lines) []oracle.Product {
	t.Helper()
	var products []oracle.Product
	for _, line := range lines.Strings() {
		p, fault := oracle.ProductOnly(line)
		if fault != (oracle.Fault{}) {
			t.Fatalf("%q is no product", line)
		}
		products = append(products, p)
	}
	return products
}

// The name of a case says what the case asks, so no two cases of a file may ask the same.
func TestNoCaseTwice(t *testing.T) {
	distinct(t, corpus.Read[corpus.Upgrade](t, testdata, "upgrade.json"), func(c *corpus.Upgrade) { c.Head = corpus.Head{} })
	distinct(t, corpus.Read[corpus.Connection](t, testdata, "connection.json"), func(c *corpus.Connection) { c.Head = corpus.Head{} })
	distinct(t, corpus.Read[corpus.Request](t, testdata, "request.json"), func(c *corpus.Request) { c.Head = corpus.Head{} })
	distinct(t, corpus.Read[corpus.Response](t, testdata, "response.json"), func(c *corpus.Response) { c.Head = corpus.Head{} })
	distinct(t, corpus.Read[corpus.Chunked](t, "../../chunked/testdata", "chunked.json"), func(c *corpus.Chunked) { c.Head = corpus.Head{} })
}

func distinct[C corpus.Case](t *testing.T, cases []C, strip func(*C)) {
	t.Helper()
	for i, c := range cases {
		strip(&c)
		for _, d := range cases[:i] {
			name := corpus.NameOf(d)
			if strip(&d); reflect.DeepEqual(c, d) {
				t.Errorf("case %q asks the same as %q", corpus.NameOf(cases[i]), name)
			}
		}
	}
}

func TestReadHead(t *testing.T) {
	head := corpus.ReadHead(t, testdata, "captures", "client-kubectl-exec-spdy.req")
	if !strings.HasPrefix(head.Start, "POST /api/") {
		t.Errorf("start %q", head.Start)
	}
	if got := head.Field("x-stream-protocol-version"); len(got) != 5 || got[4] != "channel.k8s.io" {
		t.Errorf("lines %q", got)
	}
}
