package upgrade_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/oracle"
)

// someProducts are the products that every list is asked for.
var someProducts = []upgrade.Product[string]{
	upgrade.MustParseProduct("WebSocket"), {}, upgrade.MustParseProduct("b/1"), upgrade.MustParseProduct("A"),
	upgrade.MustParseProduct("a"), upgrade.MustParseProduct("h2c"), upgrade.MustParseProduct("B"),
}

// checkList compares ParseList with the oracle, for both kinds of text.
func checkList(tb testing.TB, lines ...string) parsed[oracle.Product] {
	tb.Helper()
	products, want := oracle.Upgrade(lines)
	got := parseList(tb, lines)
	diff(tb, fmt.Sprintf("list of %q", lines), parsed[oracle.Product]{products, want}, got)
	diff(tb, fmt.Sprintf("list of bytes %q", lines), got, parseList(tb, corpus.Bytes(lines)))
	checkSelect(tb, lines, someProducts)
	return got
}

// Every line of up to five octets, from an alphabet with each kind of octet: every short
// form of a list, and every split of it over two lines.
func TestEveryShortLine(t *testing.T) {
	const alphabet = "a ,/\t@"
	var line func(prefix string, left int)
	line = func(prefix string, left int) {
		checkList(t, prefix)
		checkConnection(t, prefix)
		checkParseProduct(t, prefix)
		for i := range len(prefix) {
			checkList(t, prefix[:i], prefix[i:])
		}
		if left == 0 || t.Failed() {
			return
		}
		for i := range len(alphabet) {
			line(prefix+alphabet[i:i+1], left-1)
		}
	}
	line("", 5)
}

// Select follows the server's order and returns one of its arguments.
func TestSelect(t *testing.T) {
	tests := []struct {
		lines     []string
		supported string
		want      string
	}{
		{[]string{"websocket"}, "websocket", "websocket"},
		{[]string{"websocket"}, "WebSocket", "WebSocket"},
		{[]string{"a, b, c"}, "c a", "c"},
		{[]string{"a, b, c"}, "x b a", "b"},
		{[]string{"a", "b", "c"}, "c b a", "c"},
		{[]string{"a", "", ",", "b"}, "x b", "b"},
		{[]string{"a/1, a/2"}, "a a/2 a/1", "a/2"},
		{[]string{"A, a"}, "a A", "a"},
		{[]string{"a"}, "A a", "A"}, // offered in any spelling
		{[]string{"a"}, "", ""},
		{[]string{"a"}, "b", ""},
		{[]string{"websocket/13"}, "websocket", ""},
		{nil, "a", ""},
	}
	for _, test := range tests {
		var supported []upgrade.Product[string]
		for _, s := range strings.Fields(test.supported) {
			supported = append(supported, upgrade.MustParseProduct(s))
		}
		before := slices.Clone(supported)
		got := mustList(t, test.lines...).Select(supported...)
		gotBytes := mustList(t, corpus.Bytes(test.lines)...).Select(supported...)
		if got.String() != test.want || gotBytes != got {
			t.Errorf("%q, supported %s: %q and %q, want %q", test.lines, test.supported, got, gotBytes, test.want)
		}
		diff(t, "arguments", fmt.Sprint(before), fmt.Sprint(supported))
	}
}

// Select and ParseSelect return what the oracle picks from a few products, in random order.
// Offers is Select of one product.
func TestSelectRandomOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "A", "a/1", "A/1", "b/1", "c"}
	elements := append([]string{"@", "a/", "a b", "", "", ""}, slices.Repeat(names, 4)...)
	for range 3000 {
		var lines []string
		for range 1 + random.IntN(3) {
			line := ""
			for range random.IntN(4) {
				line += elements[random.IntN(len(elements))] + []string{",", ", ", " ,,\t"}[random.IntN(3)]
			}
			lines = append(lines, line)
		}
		var supported []upgrade.Product[string]
		for range random.IntN(4) {
			supported = append(supported, upgrade.MustParseProduct(names[random.IntN(len(names))]))
		}
		supported = slices.Insert(supported, random.IntN(len(supported)+1), upgrade.Product[string]{})
		checkSelect(t, lines, supported)
	}
}

// checkSelect compares Select, ParseSelect and Offers with the oracle, for both kinds of
// text.
func checkSelect(tb testing.TB, lines []string, supported []upgrade.Product[string]) {
	tb.Helper()
	offered, wantFault := oracle.Upgrade(lines)
	var ours []oracle.Product
	for _, p := range supported {
		ours = append(ours, asOracle(p))
	}
	want, _ := oracle.First(offered, ours)
	checkSelectText(tb, lines, supported, want, wantFault)
	checkSelectText(tb, corpus.Bytes(lines), supported, want, wantFault)
	list, _ := upgrade.ParseList(lines...)
	listBytes, _ := upgrade.ParseList(corpus.Bytes(lines)...)
	for i, p := range supported {
		_, offers := oracle.First(offered, ours[i:i+1])
		if list.Offers(p) != offers || listBytes.Offers(p) != offers {
			tb.Errorf("%q offers %v: want %t", lines, p, offers)
		}
	}
}

func checkSelectText[S upgrade.Text](tb testing.TB, lines []S, supported []upgrade.Product[string], want oracle.Product, wantFault oracle.Fault) {
	tb.Helper()
	list, _ := upgrade.ParseList(lines...)
	p := list.Select(supported...)
	if asOracle(p) != want {
		tb.Errorf("%q, supported %v: %q, want %v", lines, supported, p, want)
	}
	q, err := upgrade.ParseSelect(lines, supported...)
	if q != p || fault(tb, err) != wantFault {
		tb.Errorf("ParseSelect of %q, supported %v: %q, %v, want %q, %v", lines, supported, q, err, p, wantFault)
	}
}

func TestZeroList(t *testing.T) {
	var list upgrade.List[[]byte]
	a := upgrade.MustParseProduct("a")
	if !list.IsZero() || list.Offers(a) || list.Offers(upgrade.Product[string]{}) || !list.Select(a).IsZero() {
		t.Error("the zero List offers something")
	}
	for p := range list.All() {
		t.Errorf("the zero List has %q", p)
	}
}

func TestZeroProductIsNeverOffered(t *testing.T) {
	list := mustList(t, "a, b")
	if list.Offers(upgrade.Product[string]{}) || !list.Select(upgrade.Product[string]{}).IsZero() {
		t.Error("the zero Product is offered")
	}
	if got := list.Select(upgrade.Product[string]{}, upgrade.MustParseProduct("b")).String(); got != "b" {
		t.Errorf("after a zero Product, Select finds %q", got)
	}
}

func TestAllCanStop(t *testing.T) {
	lines := []string{"a, b", "", "c"}
	for n := range 4 {
		var products, options []string
		for p := range mustList(t, lines...).All() {
			if len(products) == n {
				break
			}
			products = append(products, p.String())
		}
		for o := range mustConnection(t, lines...).All() {
			if len(options) == n {
				break
			}
			options = append(options, o)
		}
		want := []string{"a", "b", "c"}[:n]
		if !slices.Equal(products, want) || !slices.Equal(options, want) {
			t.Errorf("stopped after %d: %q and %q", n, products, options)
		}
	}
}

func TestListCanBeReadAgain(t *testing.T) {
	list := mustList(t, "a, b", "c")
	for range 2 {
		n := 0
		for range list.All() {
			n++
		}
		if n != 3 || !list.Offers(upgrade.MustParseProduct("c")) {
			t.Errorf("%d products", n)
		}
	}
}

func TestAppendList(t *testing.T) {
	p := upgrade.MustParseProduct
	var zero upgrade.Product[string]
	tests := []struct {
		products []upgrade.Product[string]
		want     string
	}{
		{nil, ""},
		{[]upgrade.Product[string]{zero}, ""},
		{[]upgrade.Product[string]{p("a/1"), p("b")}, "a/1, b"},
		{[]upgrade.Product[string]{zero, p("a/1"), zero, zero, p("b"), zero}, "a/1, b"},
	}
	for _, test := range tests {
		if got := upgrade.AppendList([]byte("Upgrade: "), test.products...); string(got) != "Upgrade: "+test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if got := upgrade.AppendList[string](nil); got != nil {
		t.Errorf("nothing appended to nil is %q", got)
	}
}

// A caller may change bytes or lines too early. It then reads what it wrote, perhaps
// garbage, but the loops end and stay within the lines.
func TestLinesChangedAfterParse(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 4000 {
		for _, field := range [][]string{
			{"a"}, {"websocket"}, {" a,"}, {"a, b, websocket"}, {"a", "b"}, {"", ",", "a"},
			{"a, b-1 , websocket", "", ",c,", "d.1"}, {"a/1"}, {"a/1, b", "c/2"},
		} {
			lines := corpus.Bytes(field)
			connection, _ := upgrade.ParseConnection(lines...) // fails on a version
			list := mustList(t, lines...)
			octets := 0
			for i, line := range lines {
				for j := range line {
					if n < 256 {
						line[j] = byte(n)
					} else if random.IntN(3) > 0 {
						line[j] = "a,/ \t@\x00\xFFb"[random.IntN(9)]
					}
				}
				if n >= 2000 && len(line) > 0 {
					lines[i] = line[:random.IntN(len(line))]
				}
				octets += len(line)
			}
			checkEnds(t, list, connection, octets)
		}
	}
}

func checkEnds(t *testing.T, list upgrade.List[[]byte], connection upgrade.Connection[[]byte], octets int) {
	t.Helper()
	left := octets
	for p := range list.All() {
		_, _, _, _ = p.Name(), p.Version(), p.String(), p.AppendTo(nil)
		if left--; left < 0 {
			t.Fatalf("more products than %d octets", octets)
		}
	}
	left = octets
	for range connection.All() {
		if left--; left < 0 {
			t.Fatalf("more options than %d octets", octets)
		}
	}
	list.Select(someProducts...)
	connection.Has("d")
	connection.Has("upgrade")
}

func TestListString(t *testing.T) {
	for lines, want := range map[string]string{
		"websocket":                 "websocket",
		", HTTP/2.0 ,websocket,,":   "HTTP/2.0, websocket",
		"WebSocket/13|h2c, IRC/6.9": "WebSocket/13, h2c, IRC/6.9",
	} {
		list, err := upgrade.ParseList(strings.Split(lines, "|")...)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%v", list); got != want {
			t.Errorf("%q: %q, want %q", lines, got, want)
		}
	}
	if got := (upgrade.List[[]byte]{}).String(); got != "" {
		t.Errorf("the zero List: %q", got)
	}
}
