package upgrade_test

import (
	"slices"
	"testing"
)

// The cursor is unsigned and compared with the length once for each octet, so the compiler
// must not add a second comparison. It may check only the bounds of a slice: once for each
// element cut out of its line, and once for each four octets in tokenEnd.
func TestScansCheckNoBounds(t *testing.T) {
	all := remarks(t, compiled(t, "-d=ssa/check_bce"))
	functions := sources(t)
	for _, name := range slices.Concat(scans, checks, []string{"equalFold"}) {
		f, found := functions[name]
		if !found {
			t.Errorf("no function %s: has it been renamed?", name)
		}
		for _, r := range all {
			if f.has(r) && (r.text == "Found IsInBounds" || !slices.Contains(checks, name) && name != "tokenEnd") {
				t.Errorf("%s:%d in %s: %s", r.file, r.line, name, r.text)
			}
		}
	}
}
