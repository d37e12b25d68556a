// Upgradevet finds code that reads Upgrade or Connection by hand, or takes a connection
// over by hand, and gets some request or response wrong.
//
//	upgradevet ./...
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
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/gosegue/upgrade/cmd/upgradevet/analyzer"
)

func main() {
	if calledByVet(os.Args[1:]) {
		if !onlyFacts(os.Args[len(os.Args)-1]) {
			unitchecker.Main(analyzer.Analyzer)
		}
		return
	}
	os.Exit(vet(os.Args[1:]))
}

// calledByVet reports whether the arguments are those that the go command passes to a vet
// tool: the file of one package, or a question about the tool. A request for help counts
// too, since unitchecker answers it.
func calledByVet(args []string) bool {
	for _, arg := range args {
		switch {
		case arg == "help", arg == "-h", arg == "-help", arg == "--help",
			arg == "-flags", strings.HasPrefix(arg, "-V"), strings.HasSuffix(arg, ".cfg"):
			return true
		}
	}
	return false
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

// vet runs go vet with this program as its tool, and returns the exit status.
func vet(args []string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "upgradevet:", err)
		return 1
	}
	command := exec.Command("go", append([]string{"vet", "-vettool=" + self}, args...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = command.Run()
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
