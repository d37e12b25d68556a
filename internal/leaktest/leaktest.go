// Package leaktest fails a test run that leaves goroutines or file descriptors behind. A
// connection that was switched belongs to nobody but this module and its user, so nobody
// else would close it.
package leaktest

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/gosegue/upgrade/internal/tcptest"
)

// Main runs the tests and ends the process. It is for TestMain.
func Main(m *testing.M) {
	warmUp()
	goroutines, files := runtime.NumGoroutine(), OpenFiles()
	code := m.Run()
	// A fuzzer has goroutines of its own, which it does not end.
	if fuzzing := flag.Lookup("test.fuzz"); code == 0 && fuzzing.Value.String() == "" {
		if !tcptest.Eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			fmt.Fprintf(os.Stderr, "goroutines: %d before, %d after\n%s\n", goroutines, runtime.NumGoroutine(), stacks)
			code = 1
		}
		// Pipes that package net splices with are kept until they are collected.
		if !tcptest.Eventually(func() bool { runtime.GC(); return OpenFiles() <= files }) {
			fmt.Fprintf(os.Stderr, "file descriptors: %d before, %d after\n", files, OpenFiles())
			code = 1
		}
	}
	os.Exit(code)
}

// warmUp opens what the runtime opens once and keeps.
func warmUp() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	listener.Close()
}

// OpenFiles counts the file descriptors of the process, where the system tells.
func OpenFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}
