package main

import (
	"io"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command shows an example and says what its exit codes mean.
func TestHelp(t *testing.T) {
	root := rootCommand()
	root.SetOut(io.Discard)
	addBuiltins(root)
	var check func(*cobra.Command)
	check = func(command *cobra.Command) {
		path := strings.Fields(command.CommandPath())
		code, stdout, stderr := try("", append(path[1:], "--help")...)
		if code != exitOK || stderr != "" {
			t.Errorf("%q: exit code %d, %q", path, code, stderr)
		}
		for _, want := range []string{"\nExamples:\n  upgrade101 ", "\nExit codes: 0"} {
			if want == "\nExamples:\n  upgrade101 " && command.Name() == "completion" {
				want = "\nExamples:\n  source <(upgrade101 "
			}
			if !strings.Contains(stdout, want) && command.Name() != "help" {
				t.Errorf("%q: no %q in\n%s", path, want, stdout)
			}
		}
		mustBePrintable(t, stdout)
		for line := range strings.Lines(command.Long) {
			if len(line) > 90 && command.Parent() == root && command.Name() != "completion" && command.Name() != "help" {
				t.Errorf("%q: a line of %d octets: %s", path, len(line), line)
			}
		}
		for _, child := range command.Commands() {
			check(child)
		}
	}
	check(root)
}

// After a wrong command line, a hint names the command whose help is useful. Asking for
// help on an unknown command is a wrong command line.
func TestHints(t *testing.T) {
	for _, test := range []struct{ args, hint string }{
		{"help probee", "upgrade101 help"},
		{"help parse x", "upgrade101 help"},
		{"help completion x", "upgrade101 help"},
		{"completion x", "upgrade101 completion"},
		{"completion bash x", "upgrade101 completion bash"},
		{"parse --x", "upgrade101 parse"},
		{"parse", "upgrade101 parse"},
		{"corpus", "upgrade101 corpus"},
		{"corpus --as x y", "upgrade101 corpus"},
		{"serve x", "upgrade101 serve"},
		{"serve --listen x", "upgrade101 serve"},
		{"probe", "upgrade101 probe"},
		{"x", "upgrade101"},
		{"--x", "upgrade101"},
	} {
		code, stdout, stderr := try("", strings.Fields(test.args)...)
		if code != exitUsage || stdout != "" || !strings.HasSuffix(stderr, "\nSee "+test.hint+" --help.\n") {
			t.Errorf("%s: exit code %d, %q, %q", test.args, code, stdout, stderr)
		}
	}
	for _, args := range []string{"help", "help parse", "help completion bash", "help help", "completion", ""} {
		if code, stdout, stderr := try("", strings.Fields(args)...); code != exitOK || !strings.Contains(stdout, "upgrade101") || stderr != "" {
			t.Errorf("%q: exit code %d, %q", args, code, stderr)
		}
	}
}

var versionLine = regexp.MustCompile(`^upgrade101 version \S+( [0-9a-f]{40}( modified)?)? go\S+\n$`)

func TestVersion(t *testing.T) {
	if code, stdout, _ := try("", "--version"); code != exitOK || !versionLine.MatchString(stdout) {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	for want, info := range map[string]debug.BuildInfo{
		"(devel) go1.25": {GoVersion: "go1.25"},
		"v0.1.0 go1.25":  {GoVersion: "go1.25", Main: debug.Module{Version: "v0.1.0"}},
		"(devel) abc modified go1.25": {GoVersion: "go1.25", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
			{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"},
		}},
		"(devel) abc go1.25": {GoVersion: "go1.25", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "false"},
		}},
	} {
		if got := versionOf(&info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What the program tells a shell that completes a command line.
func TestCompletion(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"par", "parse\t"},
		{"cor", "corpus\t"},
		{"parse --js", "--json\t"},
		{"serve --", "--raw\t"},
		{"serve --li", "--listen\t"},
		{"corpus --as re", "request\nresponse\n"},
		{"corpus ", "json\n:8\n"}, // files with this ending
		{"completion ", "fish\t"},
		{"parse ", ":4\n"}, // no files
		{"serve --listen ", ":4\n"},
	} {
		args := append([]string{"__complete"}, strings.Split(test.args, " ")...)
		if _, stdout, _ := try("", args...); !strings.Contains(stdout, test.want) {
			t.Errorf("%q: %q", test.args, stdout)
		}
	}
}

// Each shell can parse its completion script.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, stderr := try("", "completion", shell)
		if code != exitOK || !strings.Contains(script, "upgrade101") || stderr != "" {
			t.Errorf("%s: exit code %d, %q", shell, code, stderr)
		}
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		check := exec.Command(shell, "-n")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
