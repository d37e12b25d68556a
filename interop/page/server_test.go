package page

import (
	"bufio"
	"bytes"
	"io"
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

// This file knows the server, and what went over the connections to it.

// build builds the command once for all tests.
func build(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs("../../cmd/upgrade101")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "upgrade101")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir = source
	// With the go.work of the whole repository, not that of the tests.
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK="+filepath.Join(source, "..", "..", "go.work"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// serve runs the server until the test ends, and returns its address.
func serve(t *testing.T, binary string, flags ...string) string {
	t.Helper()
	return run(t, binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
}

// proxy runs a proxy in front of a server until the test ends, and returns its address.
func proxy(t *testing.T, binary, server string) string {
	t.Helper()
	return run(t, binary, "proxy", "--listen", "127.0.0.1:0", "--backend", "http://"+server, "--allow", "websocket")
}

// run runs a command that says where it listens until the test ends, and returns its
// address.
func run(t *testing.T, binary string, args ...string) string {
	t.Helper()
	address, _ := runLogged(t, binary, args...)
	return address
}

// runLogged is run; log returns what the command has written to standard error so far.
func runLogged(t *testing.T, binary string, args ...string) (address string, log func() string) {
	t.Helper()
	address, log, _ = start(t, binary, args...)
	return address, log
}

// start is runLogged; stop ends the command earlier.
func start(t *testing.T, binary string, args ...string) (address string, log func() string, stop func()) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	log = func() string {
		text, err := os.ReadFile(stderr.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		err := cmd.Wait()
		if err != nil || strings.Contains(log(), "panic") {
			t.Errorf("the server ended with %v\n%s", err, log())
		}
	})
	t.Cleanup(stop)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ = strings.Cut(strings.TrimSpace(line), "://")
	return address, log, stop
}

// tap passes connections on to a server and keeps the octets.
type tap struct {
	address string
	mu      sync.Mutex
	kept    []*passed
}

// passed is what went over one connection.
type passed struct{ sent, received bytes.Buffer }

func newTap(t *testing.T, server string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	tap := &tap{address: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go tap.pass(conn, server)
		}
	}()
	return tap
}

func (tap *tap) pass(client net.Conn, server string) {
	defer client.Close()
	onward, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer onward.Close()
	p := new(passed)
	tap.mu.Lock()
	tap.kept = append(tap.kept, p)
	tap.mu.Unlock()
	go func() {
		io.Copy(io.MultiWriter(locked{&tap.mu, &p.sent}, onward), client)
		onward.Close()
	}()
	io.Copy(io.MultiWriter(locked{&tap.mu, &p.received}, client), onward)
}

type locked struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// handshakes returns the heads of all requests for a WebSocket and of the responses.
func (tap *tap) handshakes() (all [][2]string) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	for _, p := range tap.kept {
		request, _, _ := strings.Cut(p.sent.String(), "\r\n\r\n")
		response, _, _ := strings.Cut(p.received.String(), "\r\n\r\n")
		if strings.Contains(strings.ToLower(request), "\r\nsec-websocket-key: ") {
			all = append(all, [2]string{request + "\r\n\r\n", response + "\r\n\r\n"})
		}
	}
	return all
}

// offer makes a handshake without a browser, and waits for the answer.
func offer(t *testing.T, address, request string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}
