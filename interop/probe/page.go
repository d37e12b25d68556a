package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file writes the page. It does not know how the results came about.

// page returns the whole of docs/probe.md.
func page(all []probed) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What servers make of Upgrade

These are the results of `+"`upgrade101 probe`"+` against widely used servers on 127.0.0.1, each
set up as in its own documentation. `+"`cd interop && go run ./probe`"+` made this page on %s.
interop/install.sh installs all servers but Node; interop/probe/servers.go has the setup of each.
A fault here is one of this version, seen on this day. `+"`upgrade101 probe --list`"+` prints the level,
the rule and the title of each check; the title is what the check wants. `+"`upgrade101 probe URL`"+` prints what was
sent and received for each failed check, and with `+"`--json`"+` for every check that was made. [operators.md](operators.md)
has configurations of the proxies that pass on only what is served.

A server that reads its requests with `+"`net/http`"+` has the faults of that package too.

## Summary

| server | version | set up as | offered | failed MUST | SHOULD | MAY |
|---|---|---|---|--:|--:|--:|
`, time.Now().UTC().Format("2 January 2006"))
	for _, group := range groups {
		for _, p := range members(all, group) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %d | %d |\n", p.name, p.versionText, p.about, p.product,
				p.failed("MUST"), p.failed("SHOULD"), p.failed("MAY"))
		}
	}
	b.WriteString("\n## Failed MUSTs\n")
	for _, p := range all {
		faults(&b, p)
	}
	b.WriteString(`
## All checks

| | |
|---|---|
| . | the server does what the check says |
| **MUST** | it does not, and an RFC requires it of servers |
| SHOULD | it does not, and an RFC recommends it, or requires it but allows an exception elsewhere: a server may always ignore an offer |
| MAY | it does not; no rule requires it, but clients count on it |
| ? | the answer proves nothing |
| - | the check does not apply to this product, or to a server that never switches, or the fault that it would show has its own row |
`)
	for _, group := range groups {
		if m := members(all, group); len(m) > 0 {
			table(&b, group, m)
		}
	}
	return b.Bytes()
}

// groups are the tables, in the order of the page.
var groups = []string{ours, libraries, gated, proxies, others, ignoring}

// members returns the servers of a group.
func members(all []probed, group string) []probed {
	var m []probed
	for _, p := range all {
		if p.group == group {
			m = append(m, p)
		}
	}
	return m
}

// table writes one row for each check that applies to at least one of the servers.
func table(b *bytes.Buffer, title string, servers []probed) {
	fmt.Fprintf(b, "\n### %s\n", title)
	b.WriteString("\n| check | rule |")
	for _, p := range servers {
		fmt.Fprintf(b, " %s |", p.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat(":-:|", len(servers)) + "\n")
	for i, r := range servers[0].Results {
		if !slices.ContainsFunc(servers, func(p probed) bool { return p.Results[i].Verdict != "skip" }) {
			continue
		}
		fmt.Fprintf(b, "| %s | %d, %s |", r.ID, r.RFC, r.Section)
		for _, p := range servers {
			fmt.Fprintf(b, " %s |", mark(p.Results[i]))
		}
		b.WriteByte('\n')
	}
}

func mark(r result) string {
	switch r.Verdict {
	case "pass":
		return "."
	case "skip":
		return "-"
	case "note":
		return "?"
	}
	if r.Level == "MUST" {
		return "**MUST**"
	}
	return r.Level
}

func (p probed) failed(level string) int {
	n := 0
	for _, r := range p.Results {
		if r.Verdict == "fail" && r.Level == level {
			n++
		}
	}
	return n
}

// faults writes a sentence for each MUST that the server failed.
func faults(b *bytes.Buffer, p probed) {
	if p.failed("MUST") == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n%s, %s\n\n", p.name, p.versionText, p.about)
	for _, r := range p.Results {
		if r.Verdict == "fail" && r.Level == "MUST" {
			fmt.Fprintf(b, "- %s: %s (RFC %d, section %s). Here: %s.\n", r.ID, r.Title, r.RFC, r.Section, r.Reason)
		}
	}
}
