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
	execute(t, dir, 0, "go", "mod", "edit", "-tool="+path, "-require="+path+"@v0.0.0", "-replace="+path+"="+here)
	execute(t, dir, 0, "go", "mod", "tidy")
	return dir
}

// execute runs a command outside of any workspace, and returns its standard output and
// standard error.
func execute(t *testing.T, dir string, status int, name string, args ...string) (stdout, stderr string) {
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
	tool, _ := execute(t, dir, 0, "go", "tool", "-n", "upgradevet")
	tool = strings.TrimSpace(tool)
	for name, command := range map[string][]string{
		"vettool": {"go", "vet", "-vettool=" + tool, "./..."},
		"tool":    {"go", "tool", "upgradevet", "./..."},
		"command": {tool, "./..."},
	} {
		t.Run(name, func(t *testing.T) {
			if _, stderr := execute(t, dir, 1, command[0], command[1:]...); !strings.Contains(stderr, want) {
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
	if _, stderr := execute(t, dir, 1, "go", "tool", "upgradevet", "./..."); !strings.Contains(stderr, strings.Replace(want, ":6:", ":7:", 1)) {
		t.Errorf("got %q", stderr)
	}
	if stdout, _ := execute(t, dir, 0, "go", "tool", "upgradevet", "-json", "./..."); !strings.Contains(stdout, "[whole-value]") || strings.Contains(stdout, "suggested_fixes") {
		t.Errorf("got %q", stdout)
	}
}

// A tool in a separate file leaves go.mod alone, as docs/vet.md says.
func TestSeparateFile(t *testing.T) {
	dir := fresh(t)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"go.mod": "tools.mod", "go.sum": "tools.sum"} {
		text, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		write(to, strings.Replace(string(text), "module fresh\n", "module example.com/tools\n", 1))
	}
	const plain = "module fresh\n\ngo 1.23\n"
	write("go.mod", plain)
	if _, stderr := execute(t, dir, 1, "go", "tool", "-modfile=tools.mod", "upgradevet", "./..."); !strings.Contains(stderr, want) {
		t.Errorf("got %q, want %q", stderr, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || string(text) != plain {
		t.Errorf("go.mod is %q, %v", text, err)
	}
}

func TestNothingFound(t *testing.T) {
	dir := fresh(t)
	if err := os.WriteFile(filepath.Join(dir, "fresh.go"), []byte("package fresh\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr := execute(t, dir, 0, "go", "tool", "upgradevet", "./..."); stdout+stderr != "" {
		t.Errorf("got %q", stdout+stderr)
	}
}

func TestCalledByVet(t *testing.T) {
	for args, want := range map[string]bool{
		"-V=full":               true,
		"-flags":                true,
		"-json /tmp/b1/vet.cfg": true,
		"./...":                 false,
		"-json ./...":           false,
		"-fix -diff .":          false,
		"help":                  false,
		"":                      false,
	} {
		if got := calledByVet(strings.Fields(args)); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
}

// The usage names the two commands of docs/vet.md.
func TestUsage(t *testing.T) {
	dir := fresh(t)
	doc, err := os.ReadFile("../../docs/vet.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := []string{"go tool upgradevet ", `go vet -vettool="$(go tool -n upgradevet)" `}
	check := func(got string) {
		t.Helper()
		for _, command := range commands {
			if !strings.Contains(got, "\t"+command) || !strings.Contains(string(doc), "\n"+command) {
				t.Errorf("no %q in %q, or not in docs/vet.md", command, got)
			}
		}
	}
	for _, arg := range []string{"-h", "-help", "--help", "help"} {
		stdout, _ := execute(t, dir, 0, "go", "tool", "upgradevet", arg)
		check(stdout)
	}
	_, stderr := execute(t, dir, 2, "go", "tool", "upgradevet")
	check(stderr)
}

// Flags of go vet work, -C too.
func TestDirectory(t *testing.T) {
	dir := fresh(t)
	tool, _ := execute(t, dir, 0, "go", "tool", "-n", "upgradevet")
	for _, args := range [][]string{{"-C", dir, "./..."}, {"-C=" + dir, "./..."}, {"--C", dir, "-tags", "x", "./..."}} {
		if _, stderr := execute(t, t.TempDir(), 1, strings.TrimSpace(tool), args...); !strings.Contains(stderr, "fresh.go:6:9: ") {
			t.Errorf("%q: got %q", args, stderr)
		}
	}
}

func TestVetArgs(t *testing.T) {
	for args, want := range map[string]string{
		"./...":              "vet -vettool=self ./...",
		"-C dir -json ./...": "vet -C dir -vettool=self -json ./...",
		"-C=dir ./...":       "vet -C=dir -vettool=self ./...",
		"-C":                 "vet -C -vettool=self",
	} {
		if got := strings.Join(vetArgs("self", strings.Fields(args)), " "); got != want {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
}

// After -fix, what remains is reported.
func TestFix(t *testing.T) {
	if !vetFixes(t) {
		t.Skip("this go vet cannot fix")
	}
	dir := fresh(t)
	file := filepath.Join(dir, "fresh.go")
	text := `package fresh

import "net/http"

func answers(w interface{ Write([]byte) (int, error) }, r *http.Request) bool {
	resp := http.Response{StatusCode: 101}
	resp.Write(w)
	return r != nil && r.Header.Get("Upgrade") == "websocket"
}
`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr := execute(t, dir, 1, "go", "tool", "upgradevet", "-fix", "./...")
	if !strings.Contains(stderr, "[whole-value]") || strings.Contains(stderr, "[response-version]") {
		t.Errorf("got %q", stderr)
	}
	if fixed, err := os.ReadFile(file); err != nil || !strings.Contains(string(fixed), "ProtoMajor: 1") {
		t.Errorf("not fixed: %v\n%s", err, fixed)
	}
}

// vetFixes reports whether go vet has the flag fix, which go 1.26 added.
func vetFixes(t *testing.T) bool {
	t.Helper()
	out, err := exec.Command("go", "help", "vet").Output()
	return err == nil && strings.Contains(string(out), "\n  -fix\n")
}
