package peers

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestNode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		module string
		client webSocketClient
	}{
		{"ws", webSocketClient{
			upgrade: "websocket", connection: "Upgrade",
			upgradeRequired: "Unexpected server response: 426",
			unoffered:       "Invalid Upgrade header",
		}},
		{"undici", webSocketClient{
			upgrade: "websocket", connection: "upgrade",
			upgradeRequired: "error",
			unoffered:       "error",
			twoOptions:      "error",
		}},
	} {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			client := c.client
			client.peer = peer{"npm " + c.module, nodeModule(t, c.module)}
			client.open = webSocketScript(func(t *testing.T, urls ...string) *exec.Cmd {
				return nodeCommand(t, "ws_client.cjs", append([]string{c.module}, urls...)...)
			})
			client.test(t)
		})
	}
}

// nodeModule returns the version of a module that interop/install.sh has installed.
func nodeModule(t *testing.T, module string) string {
	t.Helper()
	need(t, "apt-get install nodejs", "node")
	path := needFile(t, "npm install "+module+" in interop/.installed", installed(t, "node_modules", module, "package.json"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var about struct{ Version string }
	if err := json.Unmarshal(text, &about); err != nil {
		t.Fatal(err)
	}
	return about.Version
}

// nodeCommand returns a command that runs a script of testdata.
func nodeCommand(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, need(t, "apt-get install nodejs", "node"), append([]string{testFile(t, script)}, args...)...)
	cmd.Env = append(cmd.Env, "NODE_PATH="+installed(t, "node_modules"), "NODE_NO_WARNINGS=1")
	return cmd
}

// nodeReport is what a script reports of a request that is not for WebSocket.
type nodeReport struct {
	Status  int
	Upgrade string            // of a response that does not switch
	Fields  []string          // of the 101: names and values in turn
	Headers map[string]string // of the 101, as undici shows them
	Head    string            // octets that came with the 101
	Data    string            // octets after those
	Error   string
}

func nodeAsk(t *testing.T, script string, args ...string) nodeReport {
	t.Helper()
	reports := printedJSON[nodeReport](t, run(t, 10*time.Second, nodeCommand(t, script, args...)))
	if len(reports) != 1 {
		t.Fatalf("%d reports: %+v", len(reports), reports)
	}
	return reports[0]
}

var nodeEcho = []string{"Upgrade", "echo/1", "Connection", "Upgrade"}

func TestNodeHTTP(t *testing.T) {
	t.Parallel()
	p := peer{"node http", version(t, need(t, "apt-get install nodejs", "node"), "--version")}
	ask := func(t *testing.T, address, options, content string) nodeReport {
		t.Helper()
		return nodeAsk(t, "http_client.cjs", "http://"+address, options, content)
	}
	p.scenario(t, "echo/1: early bytes in one segment with the 101, half-close", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := ask(t, oneSegment(t, tap.address, "EARLY")+"/early", `{"headers": {"Connection": "Upgrade", "Upgrade": "echo/1"}}`, "")
			equal(t, "report", got, nodeReport{Status: 101, Fields: nodeEcho, Head: "EARLY", Data: "helloBYE"})
			nodeCheck(t, tap.only(t), "GET", "Upgrade", "hello", "EARLYhelloBYE")
		})
	})
	p.scenario(t, "echo/1: the supported one of two products", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := ask(t, tap.address+"/", `{"headers": {"Connection": "Upgrade", "Upgrade": "foo, echo/1"}}`, "")
			equal(t, "report", got, nodeReport{Status: 101, Fields: nodeEcho, Data: "helloBYE"})
			equal(t, "offer", webSocketOffer(t, tap.only(t).request(t)), []string{"foo", "echo/1"})
		})
	})
	p.scenario(t, "echo/1: POST with content", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := ask(t, tap.address+"/", `{"method": "POST", "headers": {"Connection": "Upgrade", "Upgrade": "echo/1", "Content-Length": 7}}`, "content")
			equal(t, "report", got, nodeReport{Status: 101, Fields: nodeEcho, Data: "helloBYE"})
			nodeCheck(t, tap.only(t), "POST", "Upgrade", "contenthello", "helloBYE")
		})
	})
	p.scenario(t, "echo/1: POST with chunked content after 100 (Continue)", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := ask(t, tap.address+"/", `{"method": "POST", "headers": {"Connection": "Upgrade", "Upgrade": "echo/1", "Expect": "100-continue"}}`, "content")
			equal(t, "report", got, nodeReport{Status: 101, Fields: nodeEcho, Data: "helloBYE"})
			talk := tap.only(t)
			nodeCheck(t, talk, "POST", "Upgrade", "7\r\ncontent\r\n0\r\n\r\nhello", "helloBYE")
		})
	})
	p.scenario(t, "echo/1 through proxyupgrade: early bytes, two products, content after 100 (Continue), half-close, 426", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			proxy := throughOurs(t, tap.address, "echo/1")
			got := ask(t, proxy+"/early", `{"headers": {"Connection": "Upgrade", "Upgrade": "foo, echo/1"}}`, "")
			equal(t, "report", got.Head+got.Data, "EARLYhelloBYE")
			equal(t, "fields", got.Fields, nodeEcho)
			got = ask(t, proxy+"/", `{"method": "POST", "headers": {"Connection": "Upgrade", "Upgrade": "echo/1", "Expect": "100-continue"}}`, "content")
			equal(t, "report", got, nodeReport{Status: 101, Fields: nodeEcho, Data: "helloBYE"})
			_, behind, _ := strings.Cut(string(tap.all()[1].client()), "\r\n\r\n")
			equal(t, "said after the head", behind, "contenthello")
			got = ask(t, proxy+"/426", `{"headers": {"Connection": "Upgrade", "Upgrade": "echo/1"}}`, "")
			equal(t, "report", got, nodeReport{Status: 426, Upgrade: "echo/1"})
		})
	})
	p.scenario(t, "echo/1: 426", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := ask(t, tap.address+"/426", `{"headers": {"Connection": "Upgrade", "Upgrade": "echo/1"}}`, "")
			equal(t, "report", got, nodeReport{Status: 426, Upgrade: "echo/1, websocket"})
		})
	})
	p.limit(t, "echo/1: accepts a 101 to another protocol", func(t *testing.T) {
		got := ask(t, deviating(t, "foo/9", "Upgrade")+"/", `{"headers": {"Connection": "Upgrade", "Upgrade": "echo/1"}}`, "")
		equal(t, "report", got, nodeReport{Status: 101, Fields: []string{"Upgrade", "foo/9", "Connection", "Upgrade"}, Data: "helloBYE"})
	})
}

// nodeCheck checks both directions of a connection to echo/1: the heads, and every octet
// after them.
func nodeCheck(t *testing.T, talk *talk, method, option, client, server string) {
	t.Helper()
	request := talk.request(t)
	equal(t, "method", string(request.Method), method)
	equal(t, "offer", webSocketOffer(t, request), []string{"echo/1"})
	equal(t, "options of Connection", webSocketOptions(t, request), []string{option})
	said := string(talk.server())
	if request.ExpectContinue {
		said = nodeContinue(t, talk)
	}
	equal(t, "said by the server", said, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n"+server)
	_, behind, _ := strings.Cut(string(talk.client()), "\r\n\r\n")
	equal(t, "said by the client after the head", behind, client)
}

// nodeContinue checks that the content came right after the 100 (Continue), and that the
// server had said no more before. It returns what the server said after the 100.
func nodeContinue(t *testing.T, talk *talk) string {
	t.Helper()
	const interim = "HTTP/1.1 100 Continue\r\n\r\n"
	order := talk.order()
	if len(order) < 3 || !order[0].byClient || order[1].byClient || !order[2].byClient {
		t.Fatal("want a head, 100 (Continue), and content")
	}
	equal(t, "said first", string(order[1].octets), interim)
	if !strings.HasSuffix(string(order[0].octets), "\r\n\r\n") {
		t.Error("content came with the head")
	}
	return strings.TrimPrefix(string(talk.server()), interim)
}

func TestUndiciUpgrade(t *testing.T) {
	t.Parallel()
	p := peer{"npm undici", nodeModule(t, "undici")}
	p.scenario(t, "upgrade() to echo/1: early bytes in one segment with the 101, half-close", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := nodeAsk(t, "undici_upgrade.cjs", "http://"+oneSegment(t, tap.address, "EARLY")+"/early", "echo/1")
			equal(t, "report", got, nodeReport{Headers: map[string]string{"upgrade": "echo/1", "connection": "Upgrade"}, Data: "EARLYhelloBYE"})
			nodeCheck(t, tap.only(t), "GET", "upgrade", "hello", "EARLYhelloBYE")
		})
	})
	p.scenario(t, "upgrade() to echo/1: 426", func(t *testing.T) {
		atBoth(t, func(t *testing.T, tap *tap) {
			got := nodeAsk(t, "undici_upgrade.cjs", "http://"+tap.address+"/426", "echo/1")
			equal(t, "report", got, nodeReport{Error: "SocketError: bad upgrade"})
		})
	})
	p.limit(t, "upgrade() to echo/1: accepts a 101 to another protocol", func(t *testing.T) {
		got := nodeAsk(t, "undici_upgrade.cjs", "http://"+deviating(t, "foo/9", "Upgrade")+"/", "echo/1")
		equal(t, "report", got, nodeReport{Headers: map[string]string{"upgrade": "foo/9", "connection": "Upgrade"}, Data: "helloBYE"})
	})
}
