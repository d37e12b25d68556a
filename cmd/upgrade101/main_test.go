package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// TestMain runs the program itself if a test has started it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("UPGRADE101_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// command returns the program as a separate process, which is killed after a minute.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), "UPGRADE101_MAIN=1")
	return cmd
}

// try runs the program within the test.
func try(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errors bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errors)
	return code, out.String(), errors.String()
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		args  []string
		stdin string
		want  int
	}{
		{[]string{"parse", "websocket"}, "", 0},
		{[]string{"parse", "Host: x"}, "", 0},
		{[]string{"parse", "foo / 1"}, "", 1},
		{[]string{"parse", "@"}, "", 1},
		{[]string{"parse"}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{[]string{"parse"}, "GET / HTTP/1.1\r\n\r\n", 1},
		{[]string{"parse"}, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 1},
		{[]string{"parse"}, "HTTP/1.1 101\r\n\r\n", 1},
		{[]string{"parse", "Host: a b"}, "", 1},
		{[]string{"parse"}, "GET /\r\n\r\n", 1},
		{[]string{"parse"}, "", 2},
		{[]string{"parse"}, "\r\n\r\n", 2},
		{[]string{"parse", "--unknown"}, "", 2},
		{[]string{"parse", "--", "--unknown"}, "", 0},
		{[]string{"unknown"}, "", 2},
		{[]string{"serve", "argument"}, "", 2},
		{[]string{"serve", "--listen", "no port"}, "", 2},
		{[]string{"serve", "--raw", "--tls"}, "", 2},
		{[]string{"serve", "--listen", "127.0.0.1:no-such-service", "--host", "a b"}, "", 2},
		{[]string{"serve", "--listen", "127.0.0.1:no-such-service", "--host", "upgrade.example", "--host", ""}, "", 2},
		{[]string{"serve", "--listen", "127.0.0.1:http-but-no-such-service"}, "", 1},
		{[]string{"--help"}, "", 0},
		{[]string{"--version"}, "", 0},
		{[]string{"completion", "bash"}, "", 0},
	} {
		code, stdout, stderr := try(test.stdin, test.args...)
		if code != test.want {
			t.Errorf("%q: exit code %d, want %d", test.args, code, test.want)
		}
		if told := stdout + stderr; told == "" || code == exitUsage && (stdout != "" || !strings.Contains(stderr, "--help")) {
			t.Errorf("%q: stdout %q, stderr %q", test.args, stdout, stderr)
		}
	}
}

// A command that cannot write its output has failed.
func TestFullDisk(t *testing.T) {
	for _, args := range []string{
		"--version", "--help", "help parse", "parse --help", "completion", "completion bash", "completion zsh", "completion fish",
		"parse x", "parse --json x", "corpus " + testdata + "upgrade.json", "corpus --json " + testdata + "upgrade.json",
		"probe --list", "probe --list --json", "serve --listen 127.0.0.1:0", "proxy --backend http://127.0.0.1:1 --listen 127.0.0.1:0",
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		var stderr bytes.Buffer
		code := run(ctx, strings.Fields(args), strings.NewReader(""), full, &stderr)
		if want := "upgrade101: write /dev/full: no space left on device\n"; code != exitFailure || stderr.String() != want || ctx.Err() != nil {
			t.Errorf("%s: exit code %d, %q", args, code, &stderr)
		}
		cancel()
		full.Close()
	}
}

func TestProcessExitCode(t *testing.T) {
	for arg, want := range map[string]int{"websocket": 0, "foo / 1": 1, "--unknown": 2} {
		cmd := command(t, "parse", arg)
		cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("parse %q: exit code %d, want %d", arg, got, want)
		}
	}
}

// The library that reads the command line quotes arguments in its errors.
func TestNothingRawInUsageErrors(t *testing.T) {
	const hostile = "\x1b[31m\xc2\x9b\x00\x07\u202e"
	for _, args := range [][]string{
		{hostile},
		{"help", hostile},
		{"parse", "--" + hostile},
		{"parse", "-" + hostile},
		{"serve", "--listen", hostile},
		{"serve", "--listen", hostile + ":0"},
		{"serve", "--listen", "127.0.0.1:no-such-service", "--host", hostile},
		{"completion", hostile},
	} {
		_, stdout, stderr := try("", args...)
		mustBePrintable(t, stdout+stderr)
	}
}

func mustBePrintable(t *testing.T, s string) {
	t.Helper()
	for i := range len(s) {
		if c := s[i]; !text.IsPrintable(c) && c != '\n' && c != '\t' {
			t.Fatalf("octet 0x%02x in the output %q", c, s)
		}
	}
}
