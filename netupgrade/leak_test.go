package netupgrade_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
)

// TestMain fails the run if it leaves goroutines or file descriptors behind: a
// connection belongs to nobody but the Acceptor and then its user, so nobody else would
// close it.
func TestMain(m *testing.M) {
	warmUp()
	goroutines, files := runtime.NumGoroutine(), openFiles()
	code := m.Run()
	// A fuzzer has goroutines of its own, which it does not end.
	if fuzzing := flag.Lookup("test.fuzz"); code == 0 && fuzzing.Value.String() == "" {
		if !eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			fmt.Fprintf(os.Stderr, "goroutines: %d before, %d after\n%s\n", goroutines, runtime.NumGoroutine(), stacks)
			code = 1
		}
		// Pipes that package net splices with are kept until they are collected.
		if !eventually(func() bool { runtime.GC(); return openFiles() <= files }) {
			fmt.Fprintf(os.Stderr, "file descriptors: %d before, %d after\n", files, openFiles())
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

// openFiles counts the file descriptors of the process, where the system tells.
func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}
