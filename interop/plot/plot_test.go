package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The page and its drawings are those that this program makes from the figures.
func TestPageIsTrue(t *testing.T) {
	t.Chdir("..")
	doc, drawn := render()
	if page, err := os.ReadFile(page); err != nil || string(page) != doc {
		t.Errorf("docs/speed.md is out of date (%v): run go run ./plot in interop", err)
	}
	if len(drawn) == 0 {
		t.Error("nothing is drawn")
	}
	for name, svg := range drawn {
		if file, err := os.ReadFile(filepath.Join(drawings, name)); err != nil || string(file) != svg {
			t.Errorf("docs/speed/%s is out of date (%v): run go run ./plot in interop", name, err)
		}
	}
}
