package upgradetest

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

// piped returns a function that connects to a server by a net.Pipe.
func piped(s *server) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			s.serve(far)
		}()
		return near, nil
	}
}

// kitTests are tests of a user of the kit, with the outcome and the text that they must
// have.
var kitTests = map[string]struct {
	run  func(t *testing.T)
	fail bool
	says string
}{
	"right": {run: func(t *testing.T) {
		s := rightServer("websocket")
		Server(t, piped(s), options(s))
	}, says: "--- PASS: TestKitSubject/client-firefox"},
	"a MUST fails": {run: broken101("Connection: Upgrade", "Connection: keep-alive"), fail: true, says: "--- FAIL: TestKitSubject/101-connection"},
	"and says what to do": {run: broken101("Connection: Upgrade", "Connection: keep-alive"), fail: true,
		says: "remedy:   Write `Connection: Upgrade`."},
	"a SHOULD is logged": {run: broken101("Connection: Upgrade", "Connection: Upgrade, x"),
		says: "SHOULD: Connection in the 101 has only the option upgrade (RFC 6455, section 4.2.2)"},
	"a known fault stays in the log": {run: broken101("Connection: Upgrade", "Connection: keep-alive", "101-connection: issue 1"),
		says: "left out: issue 1"},
	"an unknown ID": {run: broken101("x", "x", "101-connexion: issue 1"), fail: true, says: "no check has the ID of Skip[0]"},
	"never switches": {run: func(t *testing.T) {
		Handler(t, http.NotFoundHandler(), Options{Product: rightServer("echo/1").product})
	}, fail: true, says: "the server never switched to echo/1: it answered 404"},
	"need not switch": {run: func(t *testing.T) {
		Handler(t, http.NotFoundHandler(), Options{Product: rightServer("echo/1").product, NoSwitch: true})
	}, says: "the server does not switch to echo/1: it answered 404"},
	"takes a malformed Host": {run: func(t *testing.T) {
		handles(t, func(r *http.Request) bool { return true })
	}, fail: true, says: `found:    "fd00:10:0:0::1:8081": it answered 101`},
	"takes one malformed Host": {run: func(t *testing.T) {
		handles(t, func(r *http.Request) bool { return r.Host == "a:8x" || strings.HasPrefix(r.Host, "127.") })
	}, fail: true, says: `found:    "a:8x": it answered 101`},
	"serves a malformed Host": {run: func(t *testing.T) {
		handles(t, func(r *http.Request) bool { return strings.HasPrefix(r.Host, "127.") })
	}, says: "--- PASS: TestKitSubject/host-malformed"},
	"cannot see two lengths": {run: func(t *testing.T) {
		handles(t, func(r *http.Request) bool { return true })
	}, fail: true, says: "--- SKIP: TestKitSubject/both-lengths"},
	"is gone": {run: func(t *testing.T) {
		Server(t, func(context.Context) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }, Options{Product: rightServer("echo/1").product})
	}, fail: true, says: "unexpected EOF"},
	"no product": {run: func(t *testing.T) { Handler(t, http.NotFoundHandler(), Options{}) }, fail: true, says: "no product to offer"},
}

// handles tests a handler that switches to echo/1 if it is offered and takes returns true.
func handles(t *testing.T, takes func(*http.Request) bool) {
	echo := upgrade.MustParseProduct("echo/1")
	Handler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpupgrade.Select(r, echo); err != nil || !takes(r) {
			return
		}
		io.Copy(io.Discard, r.Body)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n")
		io.Copy(conn, buffered)
	}), Options{Product: echo})
}

func broken101(old, new string, skip ...string) func(t *testing.T) {
	return func(t *testing.T) {
		s := rightServer("websocket")
		replaced(old, new)(s)
		o := options(s)
		o.Skip = skip
		Server(t, piped(s), o)
	}
}

// TestKitSubject is one of the tests of TestKit, in a process of its own.
func TestKitSubject(t *testing.T) {
	test, found := kitTests[os.Getenv("UPGRADETEST_KIT")]
	if !found {
		t.Skip("run by TestKit")
	}
	test.run(t)
}

func TestKit(t *testing.T) {
	for name, test := range kitTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestKitSubject$", "-test.v")
			cmd.Env = append(os.Environ(), "UPGRADETEST_KIT="+name)
			out, err := cmd.CombinedOutput()
			if (err != nil) != test.fail || !strings.Contains(string(out), test.says) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// Server can check any server that a function can connect to.
func TestUnixSocket(t *testing.T) {
	s := rightServer("echo/1")
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				s.serve(conn)
			}()
		}
	}()
	Server(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}, options(s))
}
