// Command upgrade101 shows how HTTP/1.1 clients and servers agree on another
// protocol. It explains the fields of an offer (parse), runs the test cases of testdata
// (corpus), checks how a server handles Upgrade (probe), runs a server to try an offer on
// (serve), switches protocols with a server and talks to it (dial), and runs a reverse
// proxy for switches (proxy).
//
// It exits with 0 on success. It exits with 1 if the message is malformed, if a case or a
// check of level MUST failed, or if it could not do its work. It exits with 2 if the
// command line is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// errMalformed ends a command that has shown what is malformed on standard output.
var errMalformed = errors.New("malformed")

// errFailed ends a command that has shown what failed on standard output.
var errFailed = errors.New("failed")

// failure is an error in the work itself. Any other error means a wrong command line.
type failure struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once stopping has begun, a second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the command that args name, until it ends or ctx is done. It returns the exit
// code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stderr = text.Printable(stderr)
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	out := text.Printable(stdout)
	root.SetOut(out)
	root.SetErr(stderr)
	addBuiltins(root)
	command, err := root.ExecuteContextC(ctx)
	if failed := text.Failed(out); failed != nil {
		// cobra drops this error, or returns it as if the command line were wrong.
		err = failure{failed}
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errMalformed), errors.Is(err, errFailed):
		return exitFailure
	case errors.As(err, new(failure)):
		fmt.Fprintln(stderr, "upgrade101:", err)
		return exitFailure
	}
	fmt.Fprintf(stderr, "upgrade101: %v\nSee %s --help.\n", err, command.CommandPath())
	return exitUsage
}

// untilDone returns the result of read, which may wait for input. If ctx is done first, it
// returns an error, and read may run on until the process ends.
func untilDone(ctx context.Context, read func() error) error {
	result := make(chan error, 1)
	go func() { result <- read() }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "upgrade101",
		Short: "See and try how HTTP/1.1 switches protocols",
		Long: `upgrade101 shows how HTTP/1.1 clients and servers agree on another protocol:
the fields Upgrade and Connection, and the response 101 (Switching Protocols).

Completion prints a script that teaches your shell the commands and flags.

Exit codes: 0 on success; 1 if the message is malformed, if a case or a check of level
MUST failed, or if the command could not do its work; 2 if the command line is wrong.`,
		Example: `  upgrade101 parse 'HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11'
  upgrade101 serve
  upgrade101 probe http://127.0.0.1:8101/
  source <(upgrade101 completion bash)`,
		Version: version(),
		// run prints errors, and a page of usage would bury them.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(parseCommand(), corpusCommand(), probeCommand(), serveCommand(), dialCommand(), proxyCommand())
	return root
}
