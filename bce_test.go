package upgrade_test

import (
	"slices"
	"testing"
)

// The cursor is unsigned and compared with the length once for each octet, so the compiler
// must not add a second comparison. The only ones allowed are where an element is cut out
// of its line, once for each, and where tokenEnd cuts out four octets.
func TestScansCheckNoBounds(t *testing.T) {
	all := remarks(t, compiled(t, "-d=ssa/check_bce"))
	functions := sources(t)
	for _, name := range slices.Concat(scans, checks, []string{"equalFold"}) {
		f, found := functions[name]
		if !found {
			t.Errorf("no function %s: the test has lost it", name)
		}
		for _, r := range all {
			if f.has(r) && (r.text == "Found IsInBounds" || !slices.Contains(checks, name) && name != "tokenEnd") {
				t.Errorf("%s:%d in %s: %s", r.file, r.line, name, r.text)
			}
		}
	}
}
