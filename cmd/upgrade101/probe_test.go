package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// mustProbe runs the probe with --json and returns what it wrote.
func mustProbe(t *testing.T, want int, args ...string) probedJSON {
	t.Helper()
	code, stdout, stderr := try("", append([]string{"probe", "--json"}, args...)...)
	if code != want || want == exitOK && stderr != "" {
		t.Errorf("exit code %d, want %d: %s", code, want, stderr)
	}
	mustBePrintable(t, stdout)
	var j probedJSON
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&j); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	return j
}

// Our own servers pass every check that applies to them.
func TestProbeServe(t *testing.T) { inBothModes(t, testProbeServe) }

func testProbeServe(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	for product, skipped := range map[string]string{
		"websocket": "^h2c-",
		"echo/1":    "^(h2c-|websocket-|426-|content-|early-octets$|upgrade-(kelvin|long-s)$)",
	} {
		offered := upgrade.MustParseProduct(product)
		for _, c := range upgradetest.Checks(offered) {
			if !c.Applies {
				skipped += "|^" + regexp.QuoteMeta(c.ID) + "$"
			}
		}
		args := []string{"--timeout", patience.String(), "--product", product, "http://" + address}
		about := regexp.MustCompile(skipped)
		j := mustProbe(t, exitOK, args...)
		if len(j.Results) != len(upgradetest.Checks(offered)) || j.Error != "" || j.Address != address {
			t.Errorf("%d results, %q, %q", len(j.Results), j.Error, j.Address)
		}
		for _, r := range j.Results {
			want := "pass"
			if about.MatchString(r.ID) {
				want = "skip"
			}
			if r.Verdict != want {
				t.Errorf("%s: %s: %s: %s", product, r.ID, r.Verdict, r.Reason)
			}
		}
	}
}

func TestProbeText(t *testing.T) {
	address, _ := serveHere(t, "--raw")
	code, stdout, stderr := try("", "probe", "ws://"+address+"/")
	if code != exitOK || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	checks := upgradetest.Checks(upgrade.MustParseProduct("websocket"))
	lines := strings.Split(stdout, "\n")
	shown := lines
	for _, c := range checks {
		if !c.Applies {
			continue
		}
		fields := strings.Fields(shown[0])
		if fields[1] != c.Level.String() || fields[5] != c.ID || fields[0] == "pass" && !strings.HasSuffix(shown[0], "  "+c.Title) {
			t.Errorf("%s", shown[0])
		}
		shown = shown[1:]
	}
	summary := lines[len(lines)-2]
	if !regexp.MustCompile(`^` + strconv.Itoa(len(checks)) + ` checks of websocket at 127\.0\.0\.1:\d+, over \d+ connections: \d+ passed, 0 failed \(0 MUST, 0 SHOULD, 0 MAY\), \d+ skipped, 0 noted$`).MatchString(summary) {
		t.Errorf("%s", summary)
	}
}

// Probe shows what a server sends escaped and cut.
func TestProbeFailure(t *testing.T) {
	hostile := strings.Repeat("\x1b[31m\xc2\x9b\x00\x07", 1<<10)
	url := answerAll(t, "HTTP/1.1 101 \x1b[2J\r\nUpgrade: websocket\r\nX: "+hostile+"\r\n\r\n")
	code, stdout, stderr := try("", "probe", "--only", "101-connection", url)
	if code != exitFailure || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	mustBePrintable(t, stdout)
	for _, want := range []string{
		"fail  MUST    RFC 9110, 7.8      101-connection                the 101 has no Connection\n",
		"\nfailed: 101-connection (RFC 9110, 7.8, MUST): ",
		"\n    GET / HTTP/1.1\\r\\n\n    Host: 127.0.0.1:",
		"\n    Connection: Upgrade\\r\\n\n",
		"\n    HTTP/1.1 101 \\x1b[2J\\r\\n\n    Upgrade: websocket\\r\\n\n    X: \\x1b[31m\\xc2\\x9b\\x00\\x07",
		"\n    ...\n",
		"0 passed, 1 failed (1 MUST, 0 SHOULD, 0 MAY), 0 skipped, 0 noted\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if len(stdout) > 8<<10 {
		t.Errorf("%d octets", len(stdout))
	}
	j := mustProbe(t, exitFailure, "--only", "101-connection", url)
	if len(j.Results) != 1 || j.Summary != (summaryJSON{Fail: 1, FailedMust: 1}) {
		t.Fatalf("%+v", j)
	}
	e := j.Results[0].Exchanges
	if len(e) != 1 || len(e[0].Received) != writtenOctets || e[0].ReceivedOctets < len(hostile) || e[0].End != "read" ||
		!strings.HasPrefix(string(e[0].Sent), "GET / HTTP/1.1\r\n") || len(e[0].Sent) != e[0].SentOctets {
		t.Errorf("%+v", e)
	}
}

// A reason is printable as it is, so probe does not escape it again.
func TestProbeReason(t *testing.T) {
	url := answerAll(t, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
	_, stdout, _ := try("", "probe", "--only", "two-lengths", url)
	mustBePrintable(t, stdout)
	if want := `"4\n5": it answered 101`; strings.Count(stdout, want) != 2 {
		t.Errorf("no %s in\n%s", want, stdout)
	}
}

// A SHOULD that fails is shown, but does not change the exit code.
func TestProbeShould(t *testing.T) {
	url := answerAll(t, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: keep-alive, upgrade\r\n\r\n")
	j := mustProbe(t, exitOK, "--only", "101-connection-once", "--only", "101-first", url)
	if j.Summary != (summaryJSON{Fail: 1, Pass: 1}) || j.Results[0].ID != "101-connection-once" || j.Results[0].Level != "SHOULD" {
		t.Errorf("%+v", j)
	}
}

// answerAll runs a server that gives this answer to every request, and returns its URL.
func answerAll(t *testing.T, answer string) string {
	t.Helper()
	return "ws://" + listenHere(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1<<10))
		io.WriteString(conn, answer)
		io.Copy(io.Discard, conn)
	})
}

// listenHere serves connections until the test ends, and returns the address.
func listenHere(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(patience))
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func TestProbeTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	code, stdout, stderr := try("", "probe", server.URL)
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "certificate") || !strings.Contains(stderr, "--insecure") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	j := mustProbe(t, exitFailure, "--insecure", strings.Replace(server.URL, "https", "wss", 1))
	if j.Summary.FailedMust != 2 || j.Summary.Fail != 2 { // both-lengths and host-malformed, as on every net/http server
		t.Errorf("%+v", j.Summary)
	}
}

func TestProbeUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	code, stdout, stderr := try("", "probe", url)
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "upgrade101: dial tcp 127.0.0.1:") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if j := mustProbe(t, exitFailure, url); j.Error == "" || j.Address != "" || j.Summary.Skip != len(j.Results) || len(j.Results) == 0 {
		t.Errorf("%+v", j)
	}
}

func TestProbeHung(t *testing.T) {
	address := listenHere(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	begun := time.Now()
	j := mustProbe(t, exitFailure, "--timeout", "500ms", "http://"+address)
	if took := time.Since(begun); took > patience/2 || !strings.Contains(string(j.Error), "no answer") || j.Connections != 2 {
		t.Errorf("took %v: %+v", took, j)
	}
}

// SIGINT ends the run at once, and probe shows the checks made by then.
func TestProbeInterrupted(t *testing.T) {
	served := make(chan struct{})
	requests := 0
	address := listenHere(t, func(conn net.Conn) {
		if requests++; requests == 10 {
			close(served)
			io.Copy(io.Discard, conn)
			return
		}
		conn.Read(make([]byte, 1<<10))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	})
	cmd := command(t, "probe", "--timeout", "1m", "http://"+address)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-served
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailure || stderr.String() != "upgrade101: interrupted\n" || !strings.Contains(stdout.String(), "\npass  MUST") {
		t.Errorf("exit code %d, %s\n%s", code, stderr.String(), stdout.String())
	}
}

func TestProbeList(t *testing.T) {
	code, stdout, _ := try("", "probe", "--list")
	checks := upgradetest.Checks(upgrade.MustParseProduct("websocket"))
	if lines := strings.Count(stdout, "\n"); code != exitOK || lines != len(checks) {
		t.Errorf("exit code %d, %d lines for %d checks", code, lines, len(checks))
	}
	for _, c := range checks {
		if !strings.Contains(stdout, c.Level.String()+strings.Repeat(" ", 8-len(c.Level.String()))+"RFC "+c.RFC+", "+c.Section+" ") {
			t.Errorf("%s has no level or no rule", c.ID)
		}
		if !strings.Contains(stdout, "  "+c.ID+"  ") || !strings.Contains(stdout, c.Title) || len(c.ID) > 28 {
			t.Errorf("%s is not listed", c.ID)
		}
	}
	mustBePrintable(t, stdout)
	code, stdout, _ = try("", "probe", "--list", "--json", "--product", "h2c")
	var all []listedJSON
	if err := json.Unmarshal([]byte(stdout), &all); code != exitOK || err != nil || len(all) != len(checks) {
		t.Errorf("exit code %d, %d checks, %v", code, len(all), err)
	}
	for _, c := range all {
		if strings.HasPrefix(c.ID, "h2c-") && !c.Applies || strings.HasPrefix(c.ID, "websocket-") && c.Applies {
			t.Errorf("%+v", c)
		}
	}
}

func TestProbeUsage(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"http://127.0.0.1:1", "http://127.0.0.1:1"},
		{"ftp://127.0.0.1:1"},
		{"127.0.0.1:http"},
		{"http://127.0.0.1:1/\x1b[31m"},
		{"--product", "web socket", "http://127.0.0.1:1"},
		{"--product", "", "http://127.0.0.1:1"},
		{"--only", "unknown", "http://127.0.0.1:1"},
		{"--skip", "unknown: why", "http://127.0.0.1:1"},
		{"--only", "", "http://127.0.0.1:1"},
		{"--timeout", "0s", "http://127.0.0.1:1"},
		{"--timeout", "long", "http://127.0.0.1:1"},
		{"--header", "no colon", "http://127.0.0.1:1"},
		{"--header", "Connection: x", "http://127.0.0.1:1"},
		{"--header", "X: \x1b[31m", "http://127.0.0.1:1"},
		{"--list", "http://127.0.0.1:1"},
		{"--list", "--only", "unknown"},
	} {
		code, stdout, stderr := try("", append([]string{"probe"}, args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "--help") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
		mustBePrintable(t, stderr)
	}
	if _, _, stderr := try("", "probe", "--only", "unknown", "http://127.0.0.1:1"); !strings.Contains(stderr, "--list") {
		t.Errorf("%q", stderr)
	}
}

func TestProbeCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"probe --only ":    "http-1.0\tan offer in HTTP/1.0 is ignored\n",
		"probe --product ": ":4\n",
		"pro":              "probe\t",
	} {
		_, stdout, _ := try("", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		if !strings.Contains(stdout, want) {
			t.Errorf("%q: %q", args, stdout)
		}
	}
}

// Probe follows no redirect, uses no proxy, and leaves nothing open or running.
func TestProbeKeepsToOneAddress(t *testing.T) {
	other := listenHere(t, func(net.Conn) { t.Error("a connection to another address") })
	t.Setenv("HTTP_PROXY", "http://"+other)
	t.Setenv("http_proxy", "http://"+other)
	before := runtime.NumGoroutine()
	var ended, broken atomic.Int32
	address := listenHere(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1<<10))
		io.WriteString(conn, "HTTP/1.1 301 Moved\r\nLocation: http://"+other+"/\r\nContent-Length: 0\r\n\r\n")
		if _, err := io.Copy(io.Discard, conn); err != nil {
			broken.Add(1)
		}
		ended.Add(1)
	})
	j := mustProbe(t, exitFailure, "--timeout", "200ms", "http://"+strings.Replace(address, "127.0.0.1", "localhost", 1))
	if j.Address != address {
		t.Errorf("%s, not %s", j.Address, address)
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+1 || int(ended.Load()) != j.Connections; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("goroutines are left, or of %d connections only %d ended", j.Connections, ended.Load())
		}
	}
	if broken.Load() > 0 {
		t.Errorf("%d connections were not closed in time", broken.Load())
	}
}

func TestProbeCancelled(t *testing.T) {
	address := listenHere(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	begun := time.Now()
	code := run(ctx, []string{"probe", "--timeout", "1m", "http://" + address}, strings.NewReader(""), &stdout, &stderr)
	if code != exitFailure || time.Since(begun) > patience {
		t.Errorf("exit code %d after %v: %s", code, time.Since(begun), stderr.String())
	}
}

// --list shows the checks that a run with the same flags would make.
func TestProbeListOfSome(t *testing.T) {
	code, stdout, _ := try("", "probe", "--list", "--only", "http-1.0", "--only", "host-twice", "--skip", "host-twice: known")
	if code != exitOK || strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, " http-1.0 ") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
}

// If the server never switches, probe says so first, with the answer of the server.
func TestProbeNeverSwitched(t *testing.T) {
	var status atomic.Int32
	status.Store(http.StatusBadGateway)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Server", "nginx/1.0")
		w.WriteHeader(int(status.Load()))
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	args := []string{"probe", "--only", "upgrade-unknown", "--only", "101-upgrade", address}
	// Such an answer has nothing to do with Upgrade, and the configuration may be right.
	for _, other := range []int{502, 301, 400} {
		status.Store(int32(other))
		_, stdout, _ := try("", args...)
		if !strings.Contains(stdout, fmt.Sprintf("\nThe server answers %d before it looks at Upgrade: ", other)) || strings.Contains(stdout, "map $http_upgrade") {
			t.Errorf("advice after %d: %s", other, stdout)
		}
	}
	status.Store(http.StatusOK)
	code, stdout, stderr := try("", args...)
	if code != exitFailure || stderr != "" || !strings.HasPrefix(stdout, "never switched: the plain offer of websocket got no 101: it answered 200\n") {
		t.Errorf("exit code %d, %q, %s", code, stderr, stdout)
	}
	if !strings.Contains(stdout, "\nTo pass on websocket with nginx, and nothing else:\n    map $http_upgrade $product {\n") || strings.Contains(stdout, "ProxyPass") {
		t.Errorf("no advice, or advice for another server: %s", stdout)
	}
	code, stdout, _ = try("", append(args, "--allow-no-switch", "--failures")...)
	if code != exitOK || !strings.HasPrefix(stdout, "never switched: ") || strings.Contains(stdout, "\npass") || strings.Contains(stdout, "\nskip") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	j := mustProbe(t, exitFailure, args[1:]...)
	if j.Switched || j.First != "it answered 200" || len(j.Advice) != 2 || !strings.Contains(j.Advice[0], "with nginx, and nothing else:\n    map ") {
		t.Errorf("%+v", j)
	}
	code, stdout, _ = try("", "probe", "--only", "host-twice", "--product", "h2c", address)
	if code != exitFailure || !strings.Contains(stdout, "\nDo not pass on h2c through a proxy: ") || strings.Contains(stdout, "map $http_upgrade") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
}

// A failed check has the directive of the proxy that answers. With --failures, the results
// are only those of the failed checks, as text and as JSON. The keys are there even if there
// is no advice.
func TestProbeDirective(t *testing.T) {
	const answer = "HTTP/1.1 101 x\r\nServer: nginx\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
	args := []string{"--only", "101-upgrade", "--only", "http-1.0", "--only", "host-twice"}
	const directive = "With nginx: `map \"$server_protocol $option\" $upgrade`"
	url := answerAll(t, answer)
	_, stdout, _ := try("", append([]string{"probe", url}, args...)...)
	if !strings.Contains(stdout, "\n        "+directive) || !strings.Contains(stdout, "/docs/operators.md\n3 checks of ") {
		t.Errorf("no advice in %s", stdout)
	}
	for _, failures := range []bool{false, true} {
		all, want := append([]string{url}, args...), []string{"101-upgrade", "http-1.0", "host-twice"}
		if failures {
			all, want = append(all, "--failures"), want[1:]
		}
		j := mustProbe(t, exitFailure, all...)
		if len(j.Advice) != 1 || j.Summary != (summaryJSON{Pass: 1, Fail: 2, FailedMust: 2}) {
			t.Errorf("%+v", j)
		}
		var ids []string
		for _, r := range j.Results {
			ids = append(ids, r.ID)
			if has := strings.HasPrefix(r.Directive, directive); has != (r.ID == "http-1.0") || !has && r.Directive != "" {
				t.Errorf("%s: %q", r.ID, r.Directive)
			}
		}
		if !slices.Equal(ids, want) {
			t.Errorf("--failures=%v: %q, want %q", failures, ids, want)
		}
	}
	_, stdout, _ = try("", "probe", "--json", "--only", "101-upgrade", url)
	if !strings.Contains(stdout, `"advice": []`) || !strings.Contains(stdout, `"directive": ""`) {
		t.Errorf("a key is missing in %s", stdout)
	}
	_, stdout, _ = try("", "probe", "--json", "--failures", "--only", "101-upgrade", url)
	if !strings.Contains(stdout, `"results": []`) {
		t.Errorf("%s", stdout)
	}
}

// A switch that cannot be read is a failure, and so is one whose head has no end.
func TestProbeUnreadableSwitch(t *testing.T) {
	for id, answer := range map[string]string{
		"101-status-line": "HTTP/1.1  101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"101-end":         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" + strings.Repeat("X: y\r\n", 12<<10) + "\r\n",
	} {
		j := mustProbe(t, exitFailure, "--only", id, answerAll(t, answer))
		if !j.Switched || j.Summary.FailedMust != 1 {
			t.Errorf("%s: %+v", id, j.Summary)
		}
	}
}

// When the server is gone, the error names the last check sent to it.
func TestProbeNamesLastCheck(t *testing.T) {
	requests := 0
	var listener net.Listener
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for ; requests < 4; requests++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if requests == 3 {
				listener.Close()
			}
			conn.Read(make([]byte, 1<<10))
			if requests < 3 {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			}
			conn.Close()
		}
	}()
	j := mustProbe(t, exitFailure, "--only", "upgrade-unknown", "--only", "upgrade-unknown-ignored", "--only", "host-missing", "http://"+listener.Addr().String())
	<-gone
	if !strings.Contains(string(j.Error), "the last check sent before was upgrade-unknown-ignored") {
		t.Errorf("%s", j.Error)
	}
}
