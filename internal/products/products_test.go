package products_test

import (
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/products"
)

// list returns products, and the zero one for "".
func list(names string) []upgrade.Product[string] {
	var all []upgrade.Product[string]
	if names == "none" {
		return nil
	}
	for _, name := range strings.Split(names, " ") {
		p, _ := upgrade.ParseProduct(name)
		all = append(all, p)
	}
	return all
}

func TestDistinct(t *testing.T) {
	for given, want := range map[string]string{
		"none":        "",
		"":            "",
		"a":           "a",
		"a b":         "a b",
		"a A a b":     "a b",
		"b a b":       "b a",
		" a":          "a",
		"a  b ":       "a b",
		"a a/1 a/1 A": "a a/1",
		"a/x a/X":     "a/x a/X",
	} {
		before := list(given)
		var names []string
		for _, p := range products.Distinct(before) {
			names = append(names, p.String())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("of %q: %q, want %q", given, got, want)
		}
		for i, p := range list(given) {
			if before[i] != p {
				t.Errorf("%q: the list was changed", given)
			}
		}
	}
}

func TestDistinctAllocatesNothingWithoutRepetition(t *testing.T) {
	for _, given := range []string{"none", "a", "a b/1 b/2"} {
		given := list(given)
		if n := testing.AllocsPerRun(100, func() { products.Distinct(given) }); n != 0 {
			t.Errorf("%v: %v allocations", given, n)
		}
	}
}
