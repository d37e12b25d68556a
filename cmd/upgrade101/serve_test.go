package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosegue/upgrade/internal/tcptest"
)

// patience is how long a test waits for anything.
const patience = 20 * time.Second

var firstLine = regexp.MustCompile(`^listening on https?://(127\.0\.0\.1:[1-9][0-9]*)\n$`)

// startServer starts "serve" with those flags on a free port, as a process.
func startServer(t *testing.T, flags ...string) (cmd *exec.Cmd, address string) {
	t.Helper()
	return startListener(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...), func(*exec.Cmd) {})
}

// startListener starts a command that says where it listens, as a process.
func startListener(t *testing.T, args []string, set func(*exec.Cmd)) (cmd *exec.Cmd, address string) {
	t.Helper()
	cmd = command(t, args...)
	set(cmd)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	match := firstLine.FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("first line %q, %v", line, err)
	}
	return cmd, match[1]
}

// serveHere runs "serve" with those flags on a free port until the test ends.
func serveHere(t *testing.T, flags ...string) (address string, cmd *exec.Cmd) {
	t.Helper()
	cmd, address = startServer(t, flags...)
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return address, cmd
}

// inBothModes runs a test twice: net/http or package netupgrade reads the first request.
func inBothModes(t *testing.T, test func(t *testing.T, flags ...string)) {
	t.Run("net/http", func(t *testing.T) { test(t) })
	t.Run("raw", func(t *testing.T) { test(t, "--raw") })
}

func TestPortInUse(t *testing.T) {
	address, _ := serveHere(t)
	code, stdout, stderr := try("", "serve", "--listen", address)
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "upgrade101: listen tcp "+address) {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// The URL on standard output works, whatever address the command listens on, and so do the
// commands that a client gets by it.
func TestListeningURL(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	server, _ := serveHere(t)
	for _, args := range []string{"serve", "serve --raw", "serve --tls", "proxy --backend http://" + server} {
		for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0", "127.0.0.1:0", "localhost:0"} {
			t.Run(args+" "+listen, func(t *testing.T) {
				cmd := command(t, append(strings.Fields(args), "--listen", listen)...)
				stdout, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				defer cmd.Wait()
				defer cmd.Process.Signal(syscall.SIGTERM)
				line, err := bufio.NewReader(stdout).ReadString('\n')
				url, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "listening on ")
				if err != nil || !found {
					t.Fatalf("%q, %v", line, err)
				}
				text, err := exec.Command("curl", "-skf", "-m", "10", url+"/").CombinedOutput()
				if err != nil || !strings.Contains(args, "proxy") && !bytes.Contains(text, []byte(url)) {
					t.Errorf("%s: %v\n%s", url, err, text)
				}
			})
		}
	}
}

// A signal ends the process within seconds, whatever is still open.
func TestSignals(t *testing.T) {
	const (
		offer     = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n"
		webSocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	)
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		for _, flags := range [][]string{nil, {"--raw"}} {
			t.Run(fmt.Sprint(signal, flags), func(t *testing.T) {
				t.Parallel()
				cmd, address := startServer(t, flags...)
				open := func(request string) *tcptest.Client {
					client := tcptest.Dial(t, address)
					client.Send(request)
					return client
				}
				echo := open("GET / HTTP/1.1\r\n" + offer + "\r\nx")
				echo.Head()
				echo.Octets(1)
				socket := open("GET / HTTP/1.1\r\nHost: " + address + "\r\n" + webSocket + "\r\n")
				socket.Head()
				open("POST / HTTP/1.1\r\n" + offer + "Content-Length: 9\r\n\r\nnot all")
				open("POST / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nContent-Length: 9\r\n\r\nnot all")
				open("GET / HT")
				open("")
				begun := time.Now()
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				for _, client := range []*tcptest.Client{echo, socket} {
					if rest := client.Rest(); rest != "" {
						t.Errorf("then %q", rest)
					}
				}
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
				// The server waits two seconds for open requests.
				if took := time.Since(begun); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}

// The commands say what WebSocket over HTTP/2 needs.
func TestTLSSaysWhatIsMissing(t *testing.T) {
	for _, args := range []string{"serve", "proxy --backend http://127.0.0.1:1"} {
		for setting, warns := range map[string]bool{"GODEBUG=": true, "GODEBUG=http2xconnect=1": false} {
			var stderr bytes.Buffer
			cmd, _ := startListener(t, append(strings.Fields(args), "--tls", "--listen", "127.0.0.1:0"), func(cmd *exec.Cmd) {
				cmd.Env, cmd.Stderr = append(cmd.Environ(), setting), &stderr
			})
			cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s, %s: %v", args, setting, err)
			}
			if got := strings.Contains(stderr.String(), "set GODEBUG=http2xconnect=1"); got != warns {
				t.Errorf("%s, %s: %q", args, setting, &stderr)
			}
		}
	}
}
