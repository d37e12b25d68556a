package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Imports only point down: from the command lines to the package of each command, and on
// to package text, which they share. No package depends on one that is only for tests.
func TestLayers(t *testing.T) {
	const (
		module = "github.com/gosegue/upgrade/"
		here   = module + "cmd/upgrade101"
	)
	for name, below := range map[string][]string{
		here:              {"cases", "dial", "explain", "overtls", "probe", "proxy", "serve", "text"},
		here + "/serve":   {"explain", "overtls", "proxy", "record", "text"},
		here + "/cases":   {"explain", "text"},
		here + "/explain": {"text"},
		here + "/dial":    nil,
		here + "/proxy":   {"overtls", "record"},
		here + "/overtls": nil,
		here + "/record":  nil,
		here + "/text":    nil,
		here + "/probe":   nil,
	} {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, name).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(out)) {
			dep = strings.TrimSuffix(dep, "\n")
			sibling, found := strings.CutPrefix(dep, here+"/")
			if dep == here || found && !slices.Contains(below, sibling) {
				t.Errorf("%s imports %s", name, dep)
			}
			if dep == "github.com/spf13/cobra" && name != here {
				t.Errorf("%s knows the command line", name)
			}
		}
		out, err = exec.Command("go", "list", "-deps", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"testing", module + "internal/oracle", module + "internal/corpustest", module + "internal/tcptest"} {
			if never == "testing" && (name == here || name == here+"/probe") {
				continue // upgradetest is for tests and programs alike
			}
			if slices.Contains(strings.Fields(string(out)), never) {
				t.Errorf("%s depends on %s, which is for tests", name, never)
			}
		}
	}
}
