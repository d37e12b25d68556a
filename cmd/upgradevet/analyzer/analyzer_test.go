package analyzer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/gosegue/upgrade/cmd/upgradevet/analyzer"
)

// The lines of the packages in testdata say what is found on them; package good has no
// findings. Each fix, applied alone, compiles with our module required.
func TestFindings(t *testing.T) {
	dir := analysistest.TestData()
	fixes := map[string][][]byte{} // by file: its text after each fix
	for _, result := range analysistest.Run(t, dir, analyzer.Analyzer, "./...") {
		for _, d := range result.Action.Diagnostics {
			if d.Category == "" || d.URL == "" {
				t.Errorf("%q: category %q, URL %q", d.Message, d.Category, d.URL)
			}
			for _, fix := range d.SuggestedFixes {
				file, fixed := apply(t, result.Action.Package.Fset, fix)
				fixes[file] = append(fixes[file], fixed)
			}
		}
	}
	if len(fixes) == 0 {
		t.Fatal("no fix")
	}
	// One fix of each file at a time.
	for round := 0; len(fixes) > 0; round++ {
		overlay := map[string][]byte{}
		for file, fixed := range fixes {
			if round < len(fixed) {
				overlay[file] = fixed[round]
			} else {
				delete(fixes, file)
			}
		}
		if len(overlay) > 0 {
			compile(t, dir, overlay)
		}
	}
}

// All fixes of a package, applied together, give its golden files, which compile. Package
// systems has no fix.
func TestFixes(t *testing.T) {
	dir := analysistest.TestData()
	analysistest.RunWithSuggestedFixes(t, dir, analyzer.Analyzer, "./fixes", "./systems")
	golden, err := filepath.Glob(filepath.Join(dir, "fixes", "*.golden"))
	if err != nil || len(golden) == 0 {
		t.Fatal("no golden files", err)
	}
	files := map[string][]byte{}
	for _, name := range golden {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(name, ".golden")] = text
	}
	compile(t, dir, files)
}

// apply returns the name of the file that the fix changes, and its text after the fix.
func apply(t *testing.T, fset *token.FileSet, fix analysis.SuggestedFix) (name string, fixed []byte) {
	t.Helper()
	file := fset.File(fix.TextEdits[0].Pos)
	source, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	edits := slices.Clone(fix.TextEdits)
	slices.SortStableFunc(edits, func(x, y analysis.TextEdit) int { return int(x.Pos - y.Pos) })
	at := 0
	for _, e := range edits {
		if file.Offset(e.Pos) < at {
			t.Fatalf("%s: edits overlap", file.Name())
		}
		fixed = append(append(fixed, source[at:file.Offset(e.Pos)]...), e.NewText...)
		at = file.Offset(e.End)
	}
	return file.Name(), append(fixed, source[at:]...)
}

// compile compiles the packages of dir with new contents of some files.
func compile(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	work := t.TempDir()
	write := func(name string, data []byte) string {
		name = filepath.Join(work, name)
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	replace := map[string]string{}
	for file, data := range files {
		replace[file] = write(fmt.Sprintf("%d.go", len(replace)), data)
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "build", "-overlay="+write("overlay.json", text), "./...")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
		for file, data := range files {
			t.Logf("%s:\n%s", file, numbered(data))
		}
	}
}

func numbered(text []byte) string {
	var b bytes.Buffer
	for i, line := range bytes.Split(text, []byte("\n")) {
		fmt.Fprintf(&b, "%d\t%s\n", i+1, line)
	}
	return b.String()
}
