package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const source = `package fresh

import "net/http"

func isWebSocket(r *http.Request) bool {
	return r.Header.Get("Upgrade") == "websocket"
}
`

const want = `fresh.go:6:9: Upgrade is a list, but is compared as a whole: "h2c, websocket" is refused (RFC 9110, section 5.6.1) [whole-value]`

// fresh returns the directory of a new module that has this command as a tool. Its go.mod
// is what go get -tool would write, but takes the command from this directory.
func fresh(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"fresh.go": source,
		"go.mod":   "module fresh\n\ngo 1.24.0\n",
		"go.sum":   string(sums),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const path = "github.com/gosegue/upgrade/cmd/upgradevet"
	run(t, dir, 0, "go", "mod", "edit", "-tool="+path, "-require="+path+"@v0.0.0", "-replace="+path+"="+here)
	run(t, dir, 0, "go", "mod", "tidy")
	return dir
}

// run runs a command outside of any workspace, and returns its standard output and
// standard error.
func run(t *testing.T, dir string, status int, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=")
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	var failed *exec.ExitError
	got := 0
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != status {
		t.Fatalf("%s %q: status %d, want %d\n%s%s", name, args, got, status, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// The commands in docs/vet.md work in a fresh module.
func TestFreshModule(t *testing.T) {
	dir := fresh(t)
	tool, _ := run(t, dir, 0, "go", "tool", "-n", "upgradevet")
	tool = strings.TrimSpace(tool)
	for name, command := range map[string][]string{
		"vettool": {"go", "vet", "-vettool=" + tool, "./..."},
		"tool":    {"go", "tool", "upgradevet", "./..."},
		"command": {tool, "./..."},
	} {
		t.Run(name, func(t *testing.T) {
			if _, stderr := run(t, dir, 1, command[0], command[1:]...); !strings.Contains(stderr, want) {
				t.Errorf("got %q, want %q", stderr, want)
			}
		})
	}
}

// A file with import "C" is analysed, although cgo rewrites it, and its finding has no fix.
func TestCgo(t *testing.T) {
	if out, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Skip("no cgo")
	}
	dir := fresh(t)
	file := filepath.Join(dir, "fresh.go")
	text := strings.Replace(source, "import", "import \"C\"\nimport", 1)
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, stderr := run(t, dir, 1, "go", "tool", "upgradevet", "./..."); !strings.Contains(stderr, strings.Replace(want, ":6:", ":7:", 1)) {
		t.Errorf("got %q", stderr)
	}
	if stdout, _ := run(t, dir, 0, "go", "tool", "upgradevet", "-json", "./..."); !strings.Contains(stdout, "[whole-value]") || strings.Contains(stdout, "suggested_fixes") {
		t.Errorf("got %q", stdout)
	}
}

func TestNothingFound(t *testing.T) {
	dir := fresh(t)
	if err := os.WriteFile(filepath.Join(dir, "fresh.go"), []byte("package fresh\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr := run(t, dir, 0, "go", "tool", "upgradevet", "./..."); stdout+stderr != "" {
		t.Errorf("got %q", stdout+stderr)
	}
}

func TestCalledByVet(t *testing.T) {
	for args, want := range map[string]bool{
		"-V=full":               true,
		"-flags":                true,
		"-json /tmp/b1/vet.cfg": true,
		"help upgradevet":       true,
		"./...":                 false,
		"-json ./...":           false,
		"-fix -diff .":          false,
		"":                      false,
	} {
		if got := calledByVet(strings.Fields(args)); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
}
