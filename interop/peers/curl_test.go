package peers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
	"golang.org/x/net/http2"
)

func TestCurl(t *testing.T) {
	t.Parallel()
	curl := need(t, "apt-get install curl", "curl")
	p := peer{"curl", version(t, curl, "--version")}
	p.scenario(t, "echo/1, early bytes", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			const want = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\nEARLY"
			equal(t, "output", curlPrints(t, len(want), command(t, curl, "-s", "-i", "-N", "-H", "Connection: Upgrade", "-H", "Upgrade: echo/1", "http://"+tap.address+"/early")), want)
		})
	})
	ids := []http2.SettingID{http2.SettingMaxConcurrentStreams, http2.SettingInitialWindowSize, http2.SettingEnablePush}
	p.scenario(t, "h2c, GET", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			o := run(t, 20*time.Second, command(t, curl, "-s", "--http2", "-w", curlVersion, "http://"+tap.address+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP/2.0 hello GET /x 0 octets\n200/2"}.String())
			talk := h2cSwitched(t, tap.only(t))
			equal(t, "settings", talk.settings(t), ids)
			equal(t, "server over HTTP/2", talk.server, []string{`1: 200 "HTTP/2.0 hello GET /x 0 octets\n"`})
		})
	})
	p.scenario(t, "h2c, POST", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			o := run(t, 20*time.Second, command(t, curl, "-s", "--http2", "-d", "what curl sends", "-w", curlVersion, "http://"+tap.address+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP/2.0 hello POST /x 15 octets\n200/2"}.String())
			talk := h2cSwitched(t, tap.only(t))
			equal(t, "settings", talk.settings(t), ids)
			equal(t, "client over HTTP/2", talk.client, []string{})
			equal(t, "server over HTTP/2", talk.server, []string{`1: 200 "HTTP/2.0 hello POST /x 15 octets\n"`})
		})
	})
	p.scenario(t, "h2c, POST of 1.1 MB that waits for 100", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			const length = 1_100_000
			content := writeFile(t, "content", strings.Repeat("0123456789", length/10))
			// Without a 100, curl would send the content after 60 s, which is longer than it may run.
			o := run(t, 20*time.Second, command(t, curl, "-s", "--http2", "--expect100-timeout", "60", "--data-binary", "@"+content, "-w", curlVersion, "http://"+tap.address+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: fmt.Sprintf("HTTP/2.0 hello POST /x %d octets\n200/2", length)}.String())
			raw := tap.only(t)
			talk := h2cSwitched(t, raw)
			equal(t, "waits for 100", talk.request.ExpectContinue, true)
			equal(t, "interim response", talk.interim, "HTTP/1.1 100 Continue\r\n\r\n")
			before, behind := curlSaidAround(raw, len(talk.interim))
			equal(t, "octets of the client before the 100", before, talk.headLength)
			// Its preface may also come before the 101, but not before the content.
			if behind < talk.headLength+length {
				t.Errorf("%d octets of the client before the 101, want at least head and content, %d", behind, talk.headLength+length)
			}
			equal(t, "client over HTTP/2", talk.client, []string{})
		})
	})
	p.scenario(t, "h2c through proxyupgrade, which does not allow it", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			proxy := throughOurs(t, tap.address, "websocket")
			o := run(t, 20*time.Second, command(t, curl, "-s", "--http2", "-d", "what curl sends", "-w", curlVersion, "http://"+proxy+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP/1.1 hello POST /x 15 octets\n200/1.1"}.String())
			r := tap.all()[0].request(t)
			equal(t, "lines of Upgrade, Connection and HTTP2-Settings", len(r.Upgrade)+len(r.Connection)+len(h2cLines(r, "HTTP2-Settings")), 0)
		})
	})
	p.scenario(t, "h2c through proxyupgrade, which allows it: GET, and POST of 1.1 MB that waits for 100", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			proxy := throughOurs(t, tap.address, "h2c")
			o := run(t, 20*time.Second, command(t, curl, "-s", "--http2", "-w", curlVersion, "http://"+proxy+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP/2.0 hello GET /x 0 octets\n200/2"}.String())
			talk := h2cSwitched(t, tap.only(t))
			equal(t, "settings", talk.settings(t), ids)
			equal(t, "server over HTTP/2", talk.server, []string{`1: 200 "HTTP/2.0 hello GET /x 0 octets\n"`})
			const length = 1_100_000
			content := writeFile(t, "content", strings.Repeat("0123456789", length/10))
			o = run(t, 20*time.Second, command(t, curl, "-s", "--http2", "--expect100-timeout", "60", "--data-binary", "@"+content, "-w", curlVersion, "http://"+proxy+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: fmt.Sprintf("HTTP/2.0 hello POST /x %d octets\n200/2", length)}.String())
		})
	})
	p.scenario(t, "h2c without valid settings is ignored", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			const payload = "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"
			for i, fields := range [][]string{
				{"Connection: Upgrade", payload},
				{"Connection: Upgrade, HTTP2-Settings"},
				{"Connection: Upgrade, HTTP2-Settings", payload, payload},
				{"Connection: Upgrade, HTTP2-Settings", payload + "=+/"},
			} {
				args := []string{"-s", "--http1.1", "-w", curlVersion, "-H", "Upgrade: h2c"}
				for _, field := range fields {
					args = append(args, "-H", field)
				}
				o := run(t, 20*time.Second, command(t, curl, append(args, "http://"+tap.address+"/x")...))
				equal(t, "outcome", o.String(), outcome{stdout: "HTTP/1.1 hello GET /x 0 octets\n200/1.1"}.String())
				talk := tap.all()[i]
				talk.wait(t)
				r := talk.request(t)
				equal(t, "options", h2cOptions(t, r), strings.Split(strings.TrimPrefix(fields[0], "Connection: "), ", "))
				equal(t, "offer", h2cOffer(t, r), []string{"h2c"})
				equal(t, "number of HTTP2-Settings", len(h2cLines(r, "HTTP2-Settings")), len(fields)-1)
				equal(t, "status line", responseHead(t, talk.server())[0], "HTTP/1.1 200 OK")
			}
		})
	})
}

func TestCurlWebSocket(t *testing.T) {
	t.Parallel()
	const install = "unpack the packages curl and libcurl4 of bookworm-backports there"
	curl := needFile(t, install, installed(t, "curl8", "usr", "bin", "curl"))
	libraries, err := filepath.Glob(installed(t, "curl8", "usr", "lib", "*"))
	if err != nil || len(libraries) != 1 {
		t.Fatalf("libraries in %q (%v)", libraries, err)
	}
	program := []string{"LD_LIBRARY_PATH=" + libraries[0], curl}
	p := peer{"curl", version(t, "env", append(slices.Clone(program), "--version")...)}
	p.scenario(t, "websocket, early frame", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			equal(t, "output", curlPrints(t, len("EARLY"), command(t, "env", append(slices.Clone(program), "-s", "-N", "ws://"+tap.address+"/early")...)), "EARLY")
			talk := tap.only(t)
			r := talk.request(t)
			equal(t, "method", string(r.Method), "GET")
			equal(t, "options", h2cOptions(t, r), []string{"Upgrade"})
			equal(t, "offer", h2cOffer(t, r), []string{"websocket"})
			answer := responseHead(t, talk.server())
			equal(t, "lines of the answer", len(answer), 4)
			equal(t, "answer", answer[:3], []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"})
			_, octets, _ := bytes.Cut(talk.server(), []byte("\r\n\r\n"))
			frame, err := wsutil.ReadServerText(bytes.NewBuffer(octets))
			equal(t, "frame", fmt.Sprintf("%q %v", frame, err), `"EARLY" <nil>`)
		})
	})
	// For an upload curl sends PUT, which is not a WebSocket handshake.
	p.scenario(t, "websocket in a chunked PUT is refused", func(t *testing.T) {
		for _, layer := range layers {
			t.Run(layer, func(t *testing.T) {
				origin := newOrigin(t, layer)
				tap := newTap(t, origin)
				cmd := command(t, "env", append(slices.Clone(program), "-T", ".", "-w", "%{http_code}", "ws://"+tap.address+"/x")...)
				cmd.Stdin = strings.NewReader("what curl sends")
				o := run(t, 20*time.Second, cmd)
				equal(t, "exit code", o.code, 22)
				equal(t, "status", o.stdout, "405")
				if !strings.HasSuffix(o.stderr, "curl: (22) Refused WebSockets upgrade: 405\n") {
					t.Errorf("unexpected complaint: %s", o.stderr)
				}
				talk := tap.only(t)
				r := talk.request(t)
				equal(t, "method", string(r.Method), "PUT")
				equal(t, "chunked", r.Chunked, true)
				equal(t, "offer", h2cOffer(t, r), []string{"websocket"})
				// Send what curl said, and another request on the same connection, which
				// stays open over net/http.
				want := []string{"405 , GET", "200 ordinary GET, content \"\" (<nil>), offer [] (handshake: no Upgrade field)\n, "}
				if layer == "netupgrade" {
					want = want[:1]
				}
				equal(t, "answers", curlAnswers(t, origin, talk.client()), want)
			})
		}
	})
}

const curlVersion = "%{http_code}/%{http_version}"

// curlPrints runs a program that does not end, kills it when it has printed length octets,
// and returns its output.
func curlPrints(t *testing.T, length int, cmd *exec.Cmd) string {
	t.Helper()
	printed := &curlOutput{length: length, reached: make(chan struct{})}
	cmd.Stdout = printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-printed.reached:
	case <-time.After(20 * time.Second):
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	cmd.Wait()
	return printed.octets.String()
}

// curlOutput keeps what is printed, and closes reached at length octets.
type curlOutput struct {
	octets  bytes.Buffer // not embedded: its ReadFrom would bypass Write
	length  int
	reached chan struct{}
	once    sync.Once
}

func (o *curlOutput) Write(p []byte) (int, error) {
	n, err := o.octets.Write(p)
	if o.octets.Len() >= o.length {
		o.once.Do(func() { close(o.reached) })
	}
	return n, err
}

// curlSaidAround returns how many octets the client had said when the server began, and
// when the server went on after its first octets, whose number is first.
func curlSaidAround(talk *talk, first int) (before, behind int) {
	var client, server int
	for _, s := range talk.order() {
		if s.byClient {
			client += len(s.octets)
			continue
		}
		if server == 0 {
			before = client
		}
		server += len(s.octets)
		if server > first {
			return before, client
		}
	}
	return before, client
}

// curlAnswers sends octets and then a GET to a server, and returns all answers: the status,
// the content and the Allow field of each.
func curlAnswers(t *testing.T, address string, octets []byte) []string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(append(bytes.Clone(octets), "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"...)); err != nil {
		t.Fatal(err)
	}
	answers := []string{}
	for r := bufio.NewReader(conn); ; {
		if _, err := r.Peek(1); err == io.EOF {
			return answers
		}
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("after %q: %v", answers, err)
		}
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, fmt.Sprintf("%d %s, %s", response.StatusCode, content, response.Header.Get("Allow")))
	}
}
