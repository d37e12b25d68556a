package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page shows what the servers answer today: every mark of every check. The versions and
// the date may differ. If a server has changed, review its new answers and run "go run
// ./probe".
func TestPageIsTrue(t *testing.T) {
	text, err := os.ReadFile("../" + output)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(".."); err != nil { // where the command is run
		t.Fatal(err)
	}
	defer os.Chdir("probe")
	all, err := probeAll(nil, func(s server, err error) error {
		return fmt.Errorf("%s cannot be probed: %w; interop/install.sh installs all", s.name, err)
	})
	if err != nil {
		if os.Getenv("INTEROP") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if diff := cmp.Diff(marks(string(text)), marks(string(page(all)))); diff != "" {
		t.Errorf("docs/probe.md (-) differs from the answers of the servers (+):\n%s", diff)
	}
}

// The page has the text that page writes, except for the date.
func TestPageIsWritten(t *testing.T) {
	text, err := os.ReadFile("../" + output)
	if err != nil {
		t.Fatal(err)
	}
	intro := func(page string) string {
		page, _, found := strings.Cut(page, "\n## Summary\n")
		if !found {
			t.Fatal("no summary")
		}
		return regexp.MustCompile(`\d+ [A-Z][a-z]+ \d{4}`).ReplaceAllString(page, "DATE")
	}
	if diff := cmp.Diff(intro(string(page(nil))), intro(string(text))); diff != "" {
		t.Errorf("docs/probe.md differs from what go run ./probe writes (-want +got):\n%s", diff)
	}
}

var checkRow = regexp.MustCompile(`^\| (check \| rule|[a-z0-9.-]+ \| [0-9]{4}, [0-9.]+) \|`)

// marks returns the rows of the tables of checks.
func marks(page string) []string {
	var rows []string
	for line := range strings.Lines(page) {
		if checkRow.MatchString(line) {
			rows = append(rows, line)
		}
	}
	return rows
}
