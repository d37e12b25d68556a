package analyzer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every kind has a section in docs/vet.md, which the URL of its diagnostics names, and a
// case in testdata.
func TestKinds(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/vet.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var cases strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases.Write(text)
	}
	sections := strings.Count(string(doc), "\n### ")
	for _, k := range kinds {
		if !strings.Contains(string(doc), "\n### "+k.id+"\n") {
			t.Errorf("docs/vet.md has no section on %s", k.id)
		}
		if !strings.Contains(cases.String(), `\[`+k.id+`\]`) {
			t.Errorf("testdata has no case of %s", k.id)
		}
		if !strings.HasPrefix(k.rule, "RFC 9") || !strings.Contains(k.rule, "section") {
			t.Errorf("%s: rule %q", k.id, k.rule)
		}
	}
	if sections != len(kinds) {
		t.Errorf("docs/vet.md has sections on %d kinds, want %d", sections, len(kinds))
	}
}
