package upgrade_test

import (
	"slices"
	"strings"
	"testing"
)

// For a function that runs for each octet or element, a call would cost more than its
// work. And All must be inlined to keep its closure off the heap.
func TestInlinable(t *testing.T) {
	out := compiled(t, "-m=2")
	names := []string{
		"tokenEnd[S]", "elementStart[S]", "elementEnd[S]", "versionEnd[S]", "equalFold[S]",
		"List[S].All", "List[S].IsZero", "Connection[S].All",
		"(*Lexer[S]).Text", "(*Lexer[S]).Offset",
		"Product[S].Name", "Product[S].Version", "Product[S].IsZero", "Product[S].String",
	}
	for _, name := range names {
		for _, shape := range shapes {
			if name := strings.Replace(name, "[S]", "["+shape+"]", 1); !strings.Contains(out, "can inline upgrade."+name+" with cost") {
				t.Errorf("cannot inline %s", name)
			}
		}
	}
}

func TestScansAreInlined(t *testing.T) {
	all := remarks(t, compiled(t, "-m=2"))
	functions := sources(t)
	for _, check := range checks {
		f, calls := functions[check], 0
		for _, scan := range scans {
			for _, line := range f.calls[scan] {
				calls++
				for _, shape := range shapes {
					want := remark{f.file, line, "inlining call to upgrade." + scan + "[" + shape + "]"}
					if !slices.Contains(all, want) {
						t.Errorf("%s:%d: %s calls %s[%s], want it inlined", f.file, line, check, scan, shape)
					}
				}
			}
		}
		if calls < 3 {
			t.Errorf("%s has only %d calls of %v: has one been renamed?", check, calls, scans)
		}
	}
}
