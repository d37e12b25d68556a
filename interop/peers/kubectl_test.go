package peers

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/websocket"
)

// kubectl runs its streams over WebSocket, or over SPDY/3.1 if it is told to or the server
// refuses WebSocket. It speaks to a pod of examples/kubernetes.

// Environment variables that tell kubectl not to use WebSocket.
const (
	kubectlExecSPDY = "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false"
	kubectlPortSPDY = "KUBECTL_PORT_FORWARD_WEBSOCKETS=false"
)

// kubectlDialects is what kubectl offers inside SPDY/3.1, the most wanted first, one a line.
var kubectlDialects = []string{"v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"}

// kubectlPrompt is what kubectl itself prints when it attaches.
const kubectlPrompt = "If you don't see a command prompt, try pressing enter.\n"

// discarded is what kubectl says of a message that came too early for it.
var discarded = regexp.MustCompile(`E[0-9]{4} [0-9:.]+ +[0-9]+ websocket\.go:[0-9]+\] Unknown stream id 1, discarding message\n`)

func TestKubectl(t *testing.T) {
	t.Parallel()
	kubectl := need(t, "get kubectl from the pages of Kubernetes", "kubectl")
	p := peer{"kubectl", version(t, kubectl, "version", "--client")}
	// client returns a kubectl command for a server, with a variable in its environment.
	client := func(t *testing.T, server, variable string, args ...string) *exec.Cmd {
		config := writeFile(t, "config", fmt.Sprintf(`
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://%s"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, server))
		cmd := command(t, kubectl, append([]string{"--kubeconfig", config, "--cache-dir", filepath.Dir(config)}, args...)...)
		cmd.Env = append(cmd.Env, variable)
		return cmd
	}
	// converse runs a command with much to read on its standard input.
	converse := func(t *testing.T, cmd *exec.Cmd, stderr string) {
		t.Helper()
		input := tunnelInput()
		cmd.Stdin = strings.NewReader(input)
		o := run(t, 20*time.Second, cmd)
		equal(t, "exit code", o.code, 0)
		greeting := "hello\n"
		if discarded.MatchString(o.stderr) {
			// kubectl discards what comes before it has made its streams, and says so.
			// The tap has the greeting.
			greeting, o.stderr = "", discarded.ReplaceAllString(o.stderr, "")
		}
		tunnelEqual(t, "standard output", o.stdout, greeting+input+"bye\n")
		equal(t, "standard error", o.stderr, stderr)
	}

	p.scenario(t, "exec over SPDY/3.1: X-Stream-Protocol-Version in five lines", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, tap.address, kubectlExecSPDY, "exec", "-i", "p", "--", "cat"), "")
			kubectlSPDY(t, tap, kubectlDialects, "v4.channel.k8s.io")
		})
	})
	p.scenario(t, "exec over WebSocket", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, tap.address, "", "exec", "-i", "p", "--", "cat"), "")
			kubectlWebSocket(t, tap, "v5.channel.k8s.io")
		})
	})
	p.scenario(t, "exec: 403 to WebSocket, then SPDY/3.1", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, tap.address, "", "exec", "-i", "old", "--", "cat"), "")
			kubectlSPDY(t, tap, kubectlDialects, "v4.channel.k8s.io")
			if !slices.ContainsFunc(tap.all(), func(talk *talk) bool {
				return bytes.HasPrefix(talk.server(), []byte("HTTP/1.1 403 Forbidden\r\n"))
			}) {
				t.Error("WebSocket was not refused")
			}
		})
	})
	p.scenario(t, "attach over SPDY/3.1", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, tap.address, kubectlExecSPDY, "attach", "-i", "p"), kubectlPrompt)
			kubectlSPDY(t, tap, kubectlDialects, "v4.channel.k8s.io")
		})
	})
	p.scenario(t, "attach over WebSocket", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, tap.address, "", "attach", "-i", "p"), kubectlPrompt)
			kubectlWebSocket(t, tap, "v5.channel.k8s.io")
		})
	})

	// forward uses a forwarded port for two connections at a time, and half-closes them.
	forward := func(t *testing.T, cmd *exec.Cmd) {
		t.Helper()
		d := start(t, cmd)
		line := d.firstLine(t)
		address, ok := strings.CutPrefix(line, "Forwarding from ")
		address, _, _ = strings.Cut(address, " ")
		if !ok {
			t.Fatalf("kubectl printed %q", line)
		}
		var conns []net.Conn
		for range 2 {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			conns = append(conns, conn)
		}
		for i, conn := range conns {
			input := fmt.Sprint("connection ", i, "\n", tunnelInput())
			go func() {
				io.WriteString(conn, input)
				conn.(*net.TCPConn).CloseWrite()
			}()
			output, err := io.ReadAll(conn)
			if err != nil {
				t.Error(err)
			}
			tunnelEqual(t, "what the port says", string(output), "hello\n"+input+"bye\n")
		}
		d.stop()
	}
	p.scenario(t, "port-forward over SPDY/3.1", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			forward(t, client(t, tap.address, kubectlPortSPDY, "port-forward", "--address", "127.0.0.1", "p", ":80"))
			kubectlSPDY(t, tap, []string{"portforward.k8s.io"}, "portforward.k8s.io")
		})
	})
	p.scenario(t, "port-forward over SPDY/3.1 over WebSocket", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			forward(t, client(t, tap.address, "", "port-forward", "--address", "127.0.0.1", "p", ":80"))
			kubectlWebSocket(t, tap, "SPDY/3.1+portforward.k8s.io")
		})
	})

	p.scenario(t, "exec through proxyupgrade, over SPDY/3.1 and over WebSocket", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, throughOurs(t, tap.address, "SPDY/3.1"), kubectlExecSPDY, "exec", "-i", "p", "--", "cat"), "")
			kubectlSPDY(t, tap, kubectlDialects, "v4.channel.k8s.io")
		})
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			converse(t, client(t, throughOurs(t, tap.address, "websocket"), "", "exec", "-i", "p", "--", "cat"), "")
			kubectlWebSocket(t, tap, "v5.channel.k8s.io")
		})
	})
	p.scenario(t, "port-forward through proxyupgrade, over SPDY/3.1 and over WebSocket", func(t *testing.T) {
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			forward(t, client(t, throughOurs(t, tap.address, "SPDY/3.1"), kubectlPortSPDY, "port-forward", "--address", "127.0.0.1", "p", ":80"))
			kubectlSPDY(t, tap, []string{"portforward.k8s.io"}, "portforward.k8s.io")
		})
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			forward(t, client(t, throughOurs(t, tap.address, "websocket"), "", "port-forward", "--address", "127.0.0.1", "p", ":80"))
			kubectlWebSocket(t, tap, "SPDY/3.1+portforward.k8s.io")
		})
	})

	p.scenario(t, "exec over SPDY/3.1 behind Apache, which joins the five lines", func(t *testing.T) {
		i := slices.IndexFunc(proxies, func(p proxy) bool { return strings.HasPrefix(p.name, "Apache") })
		both(t, "kubernetes", func(t *testing.T, tap *tap) {
			apache := proxies[i].start(t, tap.address)
			converse(t, client(t, apache, kubectlExecSPDY, "exec", "-i", "p", "--", "cat"), "")
			kubectlSPDY(t, tap, []string{strings.Join(kubectlDialects, ", ")}, "v4.channel.k8s.io")
		})
	})
}

// kubectlSPDY checks the one connection that was switched to SPDY/3.1.
func kubectlSPDY(t *testing.T, tap *tap, offered []string, dialect string) {
	t.Helper()
	tunnel := onlyTunnel(t, tap)
	equal(t, "method", string(tunnel.request.Method), "POST")
	products, options := tunnel.offer(t)
	equal(t, "offer", products, []string{"SPDY/3.1"})
	equal(t, "options", options, []string{"Upgrade"})
	equal(t, "X-Stream-Protocol-Version", kubectlLines(&tunnel.request, "X-Stream-Protocol-Version"), offered)
	equal(t, "response", tunnel.answer, []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: SPDY/3.1", "Connection: Upgrade", "X-Stream-Protocol-Version: " + dialect,
	})
	// kubectl silently drops octets that come in one piece with the 101.
	const controlFrame = "\x80\x03"
	for _, said := range []string{tunnel.client, tunnel.server} {
		if !strings.HasPrefix(said, controlFrame) {
			t.Errorf("no SPDY/3.1 frame after the head: %s", quote([]byte(said[:min(len(said), 20)])))
		}
	}
}

// kubectlWebSocket checks the one connection that was switched to WebSocket.
func kubectlWebSocket(t *testing.T, tap *tap, dialect string) {
	t.Helper()
	tunnel := onlyTunnel(t, tap)
	equal(t, "method", string(tunnel.request.Method), "GET")
	products, options := tunnel.offer(t)
	equal(t, "offer", products, []string{"websocket"})
	equal(t, "options", options, []string{"Upgrade"})
	equal(t, "Sec-WebSocket-Protocol", kubectlLines(&tunnel.request, "Sec-WebSocket-Protocol"), []string{dialect})
	key := kubectlLines(&tunnel.request, "Sec-WebSocket-Key")[0]
	slices.Sort(tunnel.answer[3:]) // the two layers order them differently
	equal(t, "response", tunnel.answer, []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Accept: " + string(websocket.AppendAccept(nil, key)), "Sec-WebSocket-Protocol: " + dialect,
	})
}

// kubectlLines returns the lines of a field of the request, in the order received.
func kubectlLines(r *head.Request, name string) []string {
	var lines []string
	for _, line := range r.Lines(nil, name) {
		lines = append(lines, string(line))
	}
	return lines
}
