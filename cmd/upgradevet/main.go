// Upgradevet finds code that reads Upgrade or Connection by hand, or takes a connection
// over by hand, and gets some request or response wrong.
//
//	go tool upgradevet ./...
//	go vet -vettool="$(go tool -n upgradevet)" ./...
//
// Both do the same: the first runs the second with itself as the tool. The go command
// then analyses one package per process, so memory stays bounded.
// Package analyzer describes the findings.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/gosegue/upgrade/cmd/upgradevet/analyzer"
)

const usage = `Upgradevet finds Go code that handles Upgrade and Connection by hand and gets some
request or response wrong. It runs go vet with itself as the tool:

	go tool upgradevet [flags] packages
	go vet -vettool="$(go tool -n upgradevet)" [flags] packages

Flags of go vet work, such as -C dir and -tags list, which come first, and:

	-json              print findings and fixes as JSON
	-fix               apply the fixes, then report what remains (go 1.26)
	-fix -diff         print what -fix would change (go 1.26)
	-upgradevet.tests  analyse *_test.go as well

https://github.com/gosegue/upgrade/blob/main/docs/vet.md explains the findings.
`

func main() {
	args := os.Args[1:]
	switch {
	case calledByVet(args):
		if !onlyFacts(args[len(args)-1]) {
			unitchecker.Main(analyzer.Analyzer)
		}
	case len(args) == 0:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case asksForHelp(args):
		fmt.Print(usage)
	default:
		os.Exit(vet(args))
	}
}

// calledByVet reports whether the arguments are those that the go command passes to a vet
// tool: the file of one package, or a question about the tool.
func calledByVet(args []string) bool {
	for _, arg := range args {
		if arg == "-flags" || strings.HasPrefix(arg, "-V") || strings.HasSuffix(arg, ".cfg") {
			return true
		}
	}
	return false
}

func asksForHelp(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "-h", "-help", "--help":
			return true
		}
	}
	return args[0] == "help"
}

// onlyFacts reports whether the file describes a package that is only imported, of which
// the go command wants facts. If so, it writes an empty file of facts: this analyzer has
// no facts, and unitchecker would parse and type-check the package to find that out. Nine
// tenths of all runs are of this kind.
func onlyFacts(file string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	var config unitchecker.Config
	if json.Unmarshal(data, &config) != nil || !config.VetxOnly {
		return false
	}
	return os.WriteFile(config.VetxOutput, nil, 0o666) == nil
}

// vet runs go vet with this program as its tool, and returns the exit status. If go vet
// applied fixes, it has reported nothing, so a second run reports what remains.
func vet(args []string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upgradevet:", err)
		return 1
	}
	status := run(vetArgs(self, args))
	if rest, fixed := withoutFix(args); fixed && status == 0 {
		return run(vetArgs(self, rest))
	}
	return status
}

// vetArgs returns the arguments of the go command. It wants -C before all other flags.
func vetArgs(self string, args []string) []string {
	n := 0
	if len(args) > 0 {
		switch name, _, joined := strings.Cut(args[0], "="); {
		case name != "-C" && name != "--C":
		case joined || len(args) == 1:
			n = 1
		default:
			n = 2
		}
	}
	return slices.Concat([]string{"vet"}, args[:n], []string{"-vettool=" + self}, args[n:])
}

// withoutFix returns the arguments without the flag fix. It reports whether the flag was
// set and the fixes were to be applied rather than printed.
func withoutFix(args []string) (rest []string, applied bool) {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch strings.Replace(name, "--", "-", 1) {
		case "-fix":
			applied = applied || value != "false"
			continue
		case "-diff", "-json":
			if value != "false" {
				return args, false
			}
		}
		rest = append(rest, arg)
	}
	return rest, applied
}

// run runs the go command and returns its exit status.
func run(args []string) int {
	command := exec.Command("go", args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := command.Run()
	var status *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return status.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "upgradevet:", err)
	return 1
}
