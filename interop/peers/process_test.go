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

// This file finds, starts, awaits and ends processes. Each leads a process group, has a
// temporary home, and dies with the tests.

// need returns the path of a program: the first of names that it finds. If it finds no
// program, it skips the test, or fails it with INTEROP=required; the message says how to
// install the program.
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

// needFile is need for a file that is not a program.
func needFile(t testing.TB, install, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		missing(t, "%s is missing: %s", path, install)
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

// installed returns a path in the folder where interop/install.sh puts what is not a package
// of the system.
func installed(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".installed"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// command returns a command that runs in a new process group and a temporary home.
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

// outcome is the result of a program that has ended.
type outcome struct {
	stdout, stderr string
	code           int // -1 if it took too long and was killed
}

func (o outcome) String() string {
	return fmt.Sprintf("exit code %d\nstdout: %s\nstderr: %s", o.code, o.stdout, o.stderr)
}

// run runs a program to its end, and kills it at the limit.
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
	// The processes that it started end with it.
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
	output bytes.Buffer // of standard error, and of standard output after its first line
	first  chan string  // the first line of standard output
}

// start starts a program that runs until stop or the end of the test.
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

// stop asks the program and all that it started to end, and kills what still runs 3 s later.
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

// freeAddress returns an address of 127.0.0.1 for a program that cannot choose a free port.
// The port is below those that the system gives to clients: a connection of another test
// could take one of those before the program does.
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
