package peers

import (
	"os/exec"
	"testing"
)

const debianPython = "/usr/bin/python3"

func TestPython(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		module, debian, script string
		client                 webSocketClient
	}{
		{"websockets", "python3-websockets", "websockets_client.py", webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "InvalidStatusCode: server rejected WebSocket connection: HTTP 426",
			unoffered:       "InvalidUpgrade: invalid Upgrade header: foo/9",
		}},
		{"wsproto", "python3-wsproto", "wsproto_client.py", webSocketClient{
			upgrade: "WebSocket", connection: "Upgrade",
			upgradeRequired: "RejectConnection 426",
			unoffered:       "RemoteProtocolError: Missing header, 'Upgrade: WebSocket'",
		}},
		{"aiohttp", "python3-aiohttp", "aiohttp_client.py", webSocketClient{
			upgrade: "websocket", connection: "upgrade",
			upgradeRequired: "426, Invalid response status",
			unoffered:       "101, Invalid upgrade header",
			twoOptions:      "101, Invalid connection header",
		}},
		{"tornado", "python3-tornado", "tornado_client.py", webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "HTTP 426: Upgrade Required",
			unoffered:       `assert headers["Upgrade"].lower() == "websocket"`,
			twoOptions:      `assert headers["Connection"].lower() == "upgrade"`,
		}},
		{"websocket-client", "python3-websocket", "websocket_client.py", webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "WebSocketBadStatusException: Handshake status 426 Upgrade Required",
			unoffered:       "WebSocketException: Invalid WebSocket Header",
		}},
	} {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			client := c.client
			client.peer = peer{"Python " + c.module, pythonModule(t, c.module, c.debian)}
			script := testFile(t, c.script)
			client.open = webSocketScript(func(t *testing.T, urls ...string) *exec.Cmd {
				return command(t, debianPython, append([]string{script}, urls...)...)
			})
			client.test(t)
		})
	}
}

// pythonModule returns the version of a module of Debian's Python. Another Python on the
// path would not find the module.
func pythonModule(t *testing.T, module, debian string) string {
	t.Helper()
	install := "apt-get install " + debian
	need(t, install, debianPython)
	ask := "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
	if err := command(t, debianPython, "-c", ask, module).Run(); err != nil {
		missing(t, "Python's %s is not installed: %s", module, install)
	}
	return version(t, debianPython, "-c", ask, module)
}
