package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Docker's clients send JSON and then hijack the connection, which examples/docker takes
// over.

func TestDocker(t *testing.T) {
	t.Parallel()
	docker := need(t, "apt-get install docker.io", "docker")
	p := peer{"docker CLI", version(t, docker, "--version")}
	client := func(t *testing.T, address string, args ...string) *exec.Cmd {
		cmd := command(t, docker, append([]string{"-H", "tcp://" + address}, args...)...)
		cmd.Env = append(cmd.Env, "DOCKER_CONFIG="+cmd.Dir)
		return cmd
	}
	p.scenario(t, "exec: content before the switch, half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, tap.address, "exec", "-i", "c1", "cat"), dockerHijack{
				target:  "exec/e1/start",
				content: `{"Detach":false,"Tty":false}` + "\n",
			})
		})
	})
	p.scenario(t, "exec through proxyupgrade: content before the switch, half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, throughOurs(t, tap.address, "tcp"), "exec", "-i", "c1", "cat"), dockerHijack{
				target:  "exec/e1/start",
				content: `{"Detach":false,"Tty":false}` + "\n",
			})
		})
	})
	p.scenario(t, "attach through proxyupgrade: half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, throughOurs(t, tap.address, "tcp"), "attach", "c1"), dockerHijack{
				target: "containers/c1/attach?stderr=1&stdin=1&stdout=1&stream=1",
			})
		})
	})
	p.scenario(t, "attach: half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, tap.address, "attach", "c1"), dockerHijack{
				target: "containers/c1/attach?stderr=1&stdin=1&stdout=1&stream=1",
			})
		})
	})
}

func TestDockerode(t *testing.T) {
	t.Parallel()
	node := need(t, "apt-get install nodejs", "node")
	modules := installed(t, "node_modules")
	var module struct{ Version string }
	text, err := os.ReadFile(needFile(t, "npm install dockerode", modules+"/dockerode/package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &module); err != nil {
		t.Fatal(err)
	}
	script := testFile(t, "dockerode.js")
	p := peer{"dockerode", module.Version}
	client := func(t *testing.T, address, how string) *exec.Cmd {
		cmd := command(t, node, script, address, how)
		cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
		return cmd
	}
	p.scenario(t, "exec: content before the switch, half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, tap.address, "exec"), dockerHijack{
				target:  "exec/e1/start",
				content: `{"hijack":true,"stdin":true}`,
			})
		})
	})
	p.scenario(t, "exec through proxyupgrade: content before the switch, half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, throughOurs(t, tap.address, "tcp"), "exec"), dockerHijack{
				target:  "exec/e1/start",
				content: `{"hijack":true,"stdin":true}`,
			})
		})
	})
	p.scenario(t, "attach: half-close", func(t *testing.T) {
		both(t, "docker", func(t *testing.T, tap *tap) {
			dockerTunnel(t, tap, client(t, tap.address, "attach"), dockerHijack{
				target:  "containers/c1/attach?stream=true&hijack=true&stdin=true&stdout=true&stderr=true",
				content: `{"stream":true,"hijack":true,"stdin":true,"stdout":true,"stderr":true}`,
			})
		})
	})
}

// dockerHijack is the request that a client should switch with: the target after the
// version of the API, and the content.
type dockerHijack struct{ target, content string }

// dockerTunnel runs a client with much to read on its standard input.
func dockerTunnel(t *testing.T, tap *tap, client *exec.Cmd, want dockerHijack) {
	t.Helper()
	input := tunnelInput()
	client.Stdin = strings.NewReader(input)
	o := run(t, 20*time.Second, client)
	equal(t, "exit code", o.code, 0)
	tunnelEqual(t, "standard output", o.stdout, "hello\n"+input+"bye\n")
	equal(t, "what the application says of the content", o.stderr, fmt.Sprintf("content %q\n", want.content))

	tunnel := onlyTunnel(t, tap)
	r := tunnel.request
	_, target, _ := strings.Cut(strings.TrimPrefix(string(r.Target), "/v"), "/")
	equal(t, "method", string(r.Method), "POST")
	equal(t, "target", target, want.target)
	products, options := tunnel.offer(t)
	equal(t, "offer", products, []string{"tcp"})
	equal(t, "options", options, []string{"Upgrade"})
	equal(t, "length of the content", r.ContentLength, int64(len(want.content)))
	equal(t, "response", tunnel.answer, []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: tcp", "Connection: Upgrade",
		"Content-Type: application/vnd.docker.multiplexed-stream",
	})
	tunnelEqual(t, "what the client says after its head", tunnel.client, want.content+input)
	// When the client ends, the server still has something to say.
	const bye = "\x01\x00\x00\x00\x00\x00\x00\x04bye\n"
	if behind := tunnel.behindEnd(t); !bytes.HasSuffix(behind, []byte(bye)) {
		t.Errorf("no farewell after the client's end, but %d octets", len(behind))
	}
}
