package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// terminal returns both ends of a pseudo-terminal.
func terminal(t *testing.T) (outer, inner *os.File) {
	t.Helper()
	outer, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { outer.Close() })
	var number, unlock uint32
	for request, argument := range map[uintptr]*uint32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlock} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, outer.Fd(), request, uintptr(unsafe.Pointer(argument))); errno != 0 {
			t.Fatal(errno)
		}
	}
	inner, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { inner.Close() })
	return outer, inner
}

// onTerminal returns what the program writes to a terminal.
func onTerminal(t *testing.T, environment []string, args ...string) string {
	t.Helper()
	outer, inner := terminal(t)
	cmd := command(t, args...)
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stdout = inner
	cmd.Run()
	inner.Close()
	// Reading fails with EIO at the end, because no process has the other side open.
	out, err := io.ReadAll(outer)
	if len(out) == 0 {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

func TestColour(t *testing.T) {
	colours := []string{"TERM=xterm", "NO_COLOR="}
	got := onTerminal(t, colours, "parse", "websocket, \x1b[7m")
	want := lines(
		"assumed: HTTP/1.1 with Connection: Upgrade",
		"option: Upgrade",
		text.Red+"malformed: Upgrade, line 0, offset 11: want token, not the octet 0x1b"+text.Plain,
		`    websocket, \x1b[7m`,
		text.Red+"               ^"+text.Plain,
		text.Yellow+"verdict: no offer"+text.Plain,
		"why: the Upgrade field is malformed: serve the request without a switch",
	)
	if got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	got = onTerminal(t, colours, "parse", "h2c")
	if !strings.Contains(got, text.Bold+"product: h2c"+text.Plain) || !strings.Contains(got, text.Green+"verdict: offer"+text.Plain) {
		t.Errorf("%q", got)
	}
	if got := onTerminal(t, colours, "corpus", "../../testdata/upgrade.json"); !strings.Contains(got, text.Green) {
		t.Errorf("%q", got)
	}
	for name, test := range map[string]struct{ environment, args []string }{
		"NO_COLOR":           {[]string{"TERM=xterm", "NO_COLOR=1"}, []string{"parse", "a b"}},
		"NO_COLOR=0":         {[]string{"TERM=xterm", "NO_COLOR=0"}, []string{"corpus", "../../testdata/upgrade.json"}},
		"dumb terminal":      {[]string{"TERM=dumb", "NO_COLOR="}, []string{"parse", "a b"}},
		"JSON":               {colours, []string{"parse", "--json", "a b"}},
		"JSON of the corpus": {colours, []string{"corpus", "--json", "../../testdata/upgrade.json"}},
		"help":               {colours, []string{"parse", "--help"}},
	} {
		if got := onTerminal(t, test.environment, test.args...); strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
