package httpupgrade_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/leaktest"
)

// TestMain runs the tests in a process that has the setting with which net/http serves
// extended CONNECT: it reads it once, when the process begins.
func TestMain(m *testing.M) {
	if os.Getenv("GODEBUG") != extendedConnect && os.Getenv(withoutSetting) == "" {
		os.Exit(again("GODEBUG="+extendedConnect, os.Args[1:]...))
	}
	leaktest.Main(m)
}

const (
	extendedConnect = "http2xconnect=1"
	withoutSetting  = "WITHOUT_HTTP2XCONNECT" // in the environment of one test's process
)

// again runs this program with a variable in its environment and returns its exit code.
func again(variable string, args ...string) int {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GODEBUG=") }), variable)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return ended.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 2
}
