// Upgradevet finds code that reads Upgrade or Connection by hand, or takes a connection
// over by hand, and that some request or response misleads.
//
//	upgradevet ./...
//	go vet -vettool="$(go tool -n upgradevet)" ./...
//
// Both do the same: the first runs the second with itself as the tool. In this way the
// go command analyses one package a process, so that memory stays bounded.
// Package analyzer says what is found.
package main

import (
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
		unitchecker.Main(analyzer.Analyzer)
		return
	}
	os.Exit(vet(os.Args[1:]))
}

// calledByVet reports whether the arguments are what the go command gives a vet tool:
// a file of one package, or a question about the tool. Help is answered there as well.
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
