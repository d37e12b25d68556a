//go:build go1.24

package upgrade_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
)

// field is an input: the lines of one field.
type field struct {
	name  string
	lines []string
}

// captured returns the lines of a field as real clients sent them.
func captured(b *testing.B, name string) []field {
	b.Helper()
	var fields []field
	for _, client := range []string{"firefox", "java-h2c", "kubectl-exec-spdy", "cups-ipptool"} {
		head := corpus.ReadHead(b, "testdata", "captures", "client-"+client+".req")
		fields = append(fields, field{client, head.Field(name)})
	}
	return fields
}

// upgrades returns the lines of Upgrade fields: captured ones, some from the corpus, and
// long ones.
func upgrades(b *testing.B) []field {
	b.Helper()
	fields := captured(b, "upgrade")
	cases := corpus.Read[corpus.Upgrade](b, "testdata", "upgrade.json")
	for _, name := range []string{
		"the list of RFC 2616 in the client's order",
		"sixteen products",
		"lists on two lines",
		"a leading empty element",
		"a garbage element spoils the one before",
	} {
		i := slices.IndexFunc(cases, func(c corpus.Upgrade) bool { return c.Name == name })
		if i < 0 {
			b.Fatalf("upgrade.json has no case %q", name)
		}
		fields = append(fields, field{strings.ReplaceAll(name, " ", "-"), cases[i].Lines.Strings()})
	}
	return append(fields, long()...)
}

// long returns fields that only an attacker sends, in two sizes. The larger ones should take
// eight times as long.
func long() []field {
	var fields []field
	for _, size := range []struct {
		name   string
		octets int
	}{{"8K", 8 << 10}, {"64K", 64 << 10}} {
		for _, in := range []struct{ name, element, end string }{
			{"commas", ",", "a"},
			{"blanks", " ", "a"},
			{"commas-and-blanks", ", \t", "a"},
			{"trailing-blanks", "", ""},
			{"token", "a", ""},
			{"slashes", "a/", ""},
			{"products", "websocket, HTTP/2.0,h2c , RTA/x11, ", "a"},
			{"small-products", "a,", "b"},
		} {
			line := strings.Repeat(in.element, size.octets/max(len(in.element), 1)) + in.end
			if in.name == "trailing-blanks" {
				line = "a" + strings.Repeat(" ", size.octets)
			}
			fields = append(fields, field{in.name + "-" + size.name, []string{line}})
		}
		lines := slices.Repeat([]string{"a, b/1"}, size.octets/len("a, b/1"))
		fields = append(fields, field{"lines-" + size.name, lines})
	}
	return fields
}

// benchmark measures the functions that ofStrings and ofBytes return for each field. The
// compiler cannot see through such a function, so it cannot optimize it away.
func benchmark(b *testing.B, fields []field, ofStrings func([]string) func(), ofBytes func([][]byte) func()) {
	b.Helper()
	for _, f := range fields {
		size := 0
		for _, line := range f.lines {
			size += len(line)
		}
		run := func(text string, call func()) {
			b.Run("text="+text+"/in="+f.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					call()
				}
			})
		}
		run("string", ofStrings(f.lines))
		run("bytes", ofBytes(corpus.Bytes(f.lines)))
	}
}

// kept holds the results.
var kept struct {
	n   int
	yes bool
	err error
}

// wanted are the products that a server supports. Clients offer the last one most often.
var wanted = []upgrade.Product[string]{
	upgrade.MustParseProduct("connect-udp"),
	upgrade.MustParseProduct("RTA/x11"),
	upgrade.MustParseProduct("websocket"),
}

func BenchmarkLexer(b *testing.B) {
	benchmark(b, upgrades(b), readAll[string], readAll[[]byte])
}

func readAll[S upgrade.Text](lines []S) func() {
	return func() {
		n := 0
		for _, line := range lines {
			lexer := upgrade.NewLexer(line)
			for lexer.Next() != upgrade.EOF {
				n += len(lexer.Text())
			}
		}
		kept.n = n
	}
}

func BenchmarkParseProduct(b *testing.B) {
	var fields []field
	for _, f := range captured(b, "upgrade") {
		if !strings.Contains(f.lines[0], ",") {
			fields = append(fields, f)
		}
	}
	benchmark(b, fields, parseProduct[string], parseProduct[[]byte])
}

func parseProduct[S upgrade.Text](lines []S) func() {
	return func() {
		p, err := upgrade.ParseProduct(lines[0])
		kept.n, kept.err = len(p.Name()), err
	}
}

func BenchmarkParseList(b *testing.B) {
	benchmark(b, upgrades(b), parseOnly[string], parseOnly[[]byte])
}

func parseOnly[S upgrade.Text](lines []S) func() {
	return func() {
		list, err := upgrade.ParseList(lines...)
		kept.yes, kept.err = list.IsZero(), err
	}
}

func BenchmarkParseListAll(b *testing.B) {
	benchmark(b, upgrades(b), parseAll[string], parseAll[[]byte])
}

func parseAll[S upgrade.Text](lines []S) func() { return func() { countAll(lines) } }

// countAll must not be inlined into the closure that calls it. The body of its loop would
// become a closure in a closure, whose variables the compiler moves to the heap.
//
//go:noinline
func countAll[S upgrade.Text](lines []S) {
	list, err := upgrade.ParseList(lines...)
	n := 0
	for p := range list.All() {
		n += len(p.Name()) + len(p.Version())
	}
	kept.n, kept.err = n, err
}

func BenchmarkListSelect(b *testing.B) {
	benchmark(b, upgrades(b), selectOfList[string], selectOfList[[]byte])
}

func selectOfList[S upgrade.Text](lines []S) func() {
	list, _ := upgrade.ParseList(lines...)
	return func() { kept.yes = list.Select(wanted...).IsZero() }
}

func BenchmarkSelect(b *testing.B) {
	benchmark(b, upgrades(b), selectOfLines[string], selectOfLines[[]byte])
}

func selectOfLines[S upgrade.Text](lines []S) func() {
	return func() {
		p, err := upgrade.ParseSelect(lines, wanted...)
		kept.yes, kept.err = p.IsZero(), err
	}
}

func BenchmarkAppendList(b *testing.B) {
	benchmark(b, upgrades(b), appendAll[string], appendAll[[]byte])
}

func appendAll[S upgrade.Text](lines []S) func() {
	list, _ := upgrade.ParseList(lines...)
	products := slices.Collect(list.All())
	var dst []byte
	return func() {
		dst = upgrade.AppendList(dst[:0], products...)
		kept.n = len(dst)
	}
}

// connections returns the lines of Connection fields. A slash is malformed in them.
func connections(b *testing.B) []field {
	b.Helper()
	fields := captured(b, "connection")
	fields = append(fields,
		field{"keep-alive-too", []string{"keep-alive, Upgrade"}},
		field{"two-lines", []string{"keep-alive", "Upgrade"}},
		field{"absent", nil})
	for _, f := range long() {
		if !strings.HasPrefix(f.name, "lines") && !strings.HasPrefix(f.name, "products") {
			fields = append(fields, f)
		}
	}
	return fields
}

func BenchmarkParseConnection(b *testing.B) {
	benchmark(b, connections(b), parseConnectionOnly[string], parseConnectionOnly[[]byte])
}

func parseConnectionOnly[S upgrade.Text](lines []S) func() {
	return func() {
		connection, err := upgrade.ParseConnection(lines...)
		kept.yes, kept.err = connection.Has("upgrade"), err
	}
}

func BenchmarkConnectionHas(b *testing.B) {
	b.Run("option=usual", func(b *testing.B) {
		benchmark(b, connections(b), has[string]("upgrade"), has[[]byte]("upgrade"))
	})
	b.Run("option=odd", func(b *testing.B) {
		benchmark(b, connections(b), has[string]("x-unknown"), has[[]byte]("x-unknown"))
	})
}

func has[S upgrade.Text](option string) func([]S) func() {
	return func(lines []S) func() {
		connection, _ := upgrade.ParseConnection(lines...)
		return func() { kept.yes = connection.Has(option) }
	}
}
