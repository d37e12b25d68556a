package peers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// This file knows processes: how they are found, started, waited for and ended. Each
// is the head of a process group, sees no home but a temporary one, and dies with the
// tests.

// need returns where the program is, the first that is found of some names or paths.
// Without any the test is skipped, and with INTEROP=required it fails; the message says
// how to install it.
func need(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "%s is not installed: %s", names[0], install)
	return ""
}

// needFile is need for a file that is no program.
func needFile(t testing.TB, install, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		missing(t, "%s is not there: %s", path, install)
	}
	return path
}

func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	message := fmt.Sprintf(format, args...) + ", or interop/install.sh for all peers"
	if os.Getenv("INTEROP") == "required" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// installed is where interop/install.sh puts what no package manager of the system has.
func installed(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".installed"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// command returns a program to run in a process group and a temporary home of its own.
func command(t testing.TB, path string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(path, args...)
	home := t.TempDir()
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "LANG=C", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// outcome is what came of a program that ran to its end.
type outcome struct {
	stdout, stderr string
	code           int // -1 if it was ended for taking too long
}

func (o outcome) String() string {
	return fmt.Sprintf("exit code %d\nstdout: %s\nstderr: %s", o.code, o.stdout, o.stderr)
}

// run runs a program to its end, or ends it after some time.
func run(t testing.TB, limit time.Duration, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	inTime := stop()
	// What it has started itself ends with it.
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	o := outcome{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && inTime {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	if !inTime {
		o.code = -1
	}
	return o
}

// daemon is a program that runs until the test ends.
type daemon struct {
	cmd    *exec.Cmd
	done   chan struct{}
	mu     sync.Mutex
	output bytes.Buffer // of standard error, and of standard output behind its first line
	first  chan string  // the first line of standard output
}

// start starts a program that the test's end, or stop, ends.
func start(t testing.TB, cmd *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{cmd: cmd, done: make(chan struct{}), first: make(chan string, 1)}
	stdout, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, d
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		defer stdout.Close()
		r := bufio.NewReader(stdout)
		line, _ := r.ReadString('\n')
		d.first <- strings.TrimSpace(line)
		io.Copy(d, r)
	}()
	go func() { cmd.Wait(); close(d.done) }()
	t.Cleanup(func() {
		d.stop()
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(cmd.Path), d.printed())
		}
	})
	return d
}

// Write keeps what the program prints.
func (d *daemon) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.Write(p)
}

func (d *daemon) printed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.String()
}

// stop ends the program and all it has started, at once if it doesn't go by itself.
func (d *daemon) stop() {
	group := -d.cmd.Process.Pid
	syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(3 * time.Second):
	}
	syscall.Kill(group, syscall.SIGKILL)
	<-d.done
}

// listening waits until something accepts connections at the address.
func (d *daemon) listening(t testing.TB, address string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		select {
		case <-d.done:
			t.Fatalf("%s has ended:\n%s", d.cmd.Path, d.printed())
		default:
		}
	}
	t.Fatalf("%s does not listen on %s:\n%s", d.cmd.Path, address, d.printed())
}

// firstLine waits for the first line that the program prints.
func (d *daemon) firstLine(t testing.TB) string {
	t.Helper()
	select {
	case line := <-d.first:
		d.first <- line
		return line
	case <-time.After(20 * time.Second):
		t.Fatalf("%s prints nothing", d.cmd.Path)
		return ""
	}
}

// freeAddress returns an address of 127.0.0.1 for a program that cannot choose its port
// by itself. It is below those that the system gives to clients: else one of the many
// connections of tests that run beside this one would take it before the program does.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
		if err != nil {
			continue
		}
		defer listener.Close()
		return listener.Addr().String()
	}
	t.Fatal("no free port")
	return ""
}

// writeFile writes a file into a new folder of the test and returns its path.
func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
