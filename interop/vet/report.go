package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// docs/vet.md is written by hand, except for the table between these comments.
const (
	begin = "<!-- go run ./vet writes from here -->\n"
	end   = "<!-- to here -->\n"
)

// report writes the table of findings into the file.
func report(file string, results []result) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table", file)
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+table(results)+"\n"+end+after), 0o666)
}

func table(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Made on %s. A package is one of `go list ./...`.\n\n", time.Now().Format("2 January 2006"))
	b.WriteString("| module | version | packages | findings | by kind | fixes: offered, compiling |\n|---|---|--:|--:|---|--:|\n")
	total := result{}
	for _, r := range results {
		if r.skipped != "" {
			fmt.Fprintf(&b, "| %s | %s | | | %s | |\n", r.path, r.version, r.skipped)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s | %d, %d |\n", r.path, r.version, r.packages, len(r.findings), byKind(r.findings), r.fixes, r.fixes-r.failed)
		total.packages += r.packages
		total.findings = append(total.findings, r.findings...)
		total.fixes += r.fixes
		total.failed += r.failed
	}
	fmt.Fprintf(&b, "| total | | %d | %d | %s | %d, %d |\n", total.packages, len(total.findings), byKind(total.findings), total.fixes, total.fixes-total.failed)
	return b.String()
}

// byKind returns how many findings there are of each kind, the most frequent first.
func byKind(findings []finding) string {
	count := map[string]int{}
	for _, f := range findings {
		count[f.Category]++
	}
	var kinds []string
	for kind := range count {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(x, y string) int {
		if count[x] != count[y] {
			return count[y] - count[x]
		}
		return strings.Compare(x, y)
	})
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", count[kind], kind)
	}
	return strings.Join(kinds, ", ")
}
