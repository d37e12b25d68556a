package upgrade_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxReadme keeps the README short enough that people read it.
const maxReadme = 9 << 10

func TestReadmeIsShort(t *testing.T) {
	if info, err := os.Stat("README.md"); err != nil || info.Size() > maxReadme {
		t.Errorf("README.md: %v, more than %d bytes", err, maxReadme)
	}
}

// Every link from the README, the changelog or docs/ to a file of the project has a target.
func TestLinksInDocs(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllSubmatch(text, -1) {
			target := string(link[1])
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

func TestCodeInReadmeCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) != 5 {
		t.Fatalf("README.md has %d blocks of Go, want 5", len(blocks))
	}
	for _, block := range blocks {
		// Each block is its own package; its imports are resolved from here.
		file := filepath.Join(t.TempDir(), "readme.go")
		if err := os.WriteFile(file, block[1], 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
