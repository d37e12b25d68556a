// Package leaktest fails a test run that leaves goroutines or file descriptors behind.
// Only this module and its user know of a switched connection, so no server closes it.
//
// It counts file descriptors in /proc. Without /proc, as on macOS and Windows, it finds only
// leaked goroutines.
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

// Main runs the tests and ends the process. TestMain calls it.
func Main(m *testing.M) {
	warmUp()
	goroutines, files := runtime.NumGoroutine(), OpenFiles()
	code := m.Run()
	// A fuzzer does not end its own goroutines.
	if fuzzing := flag.Lookup("test.fuzz"); code == 0 && fuzzing.Value.String() == "" {
		if !tcptest.Eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			fmt.Fprintf(os.Stderr, "goroutines: %d before, %d after\n%s\n", goroutines, runtime.NumGoroutine(), stacks)
			code = 1
		}
		// Package net keeps the pipes for splicing until they are collected.
		if !tcptest.Eventually(func() bool { runtime.GC(); return OpenFiles() <= files }) {
			fmt.Fprintf(os.Stderr, "file descriptors: %d before, %d after\n", files, OpenFiles())
			code = 1
		}
	}
	os.Exit(code)
}

// warmUp opens the files that the runtime opens once and keeps.
func warmUp() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	listener.Close()
}

// OpenFiles returns the number of open file descriptors of the process. Without /proc it
// returns 0 every time, so a comparison of two counts finds nothing.
func OpenFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(files)
}
