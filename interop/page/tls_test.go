package page

import (
	"strings"
	"testing"
)

// The page says which version of HTTP its WebSocket uses. That is 2 only if the environment
// of the server lets net/http serve it.
func TestTLS(t *testing.T) {
	browser := browser(t, "ignore-certificate-errors")
	binary := build(t)
	for setting, want := range map[string]string{
		"http2xconnect=1": "WebSocket over HTTP/2 ",
		"http2xconnect=0": "WebSocket over HTTP/1.1 ",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Setenv("GODEBUG", setting)
			tab := open(t, browser, desktop, "https://"+serve(t, binary, "--tls")+"/")
			tab.wait(`document.getElementById("echo-text").textContent.includes("WebSocket over")`)
			if got := eval[string](tab, `document.getElementById("echo-text").textContent`); !strings.Contains(got, want) {
				t.Errorf("it says %q", got)
			}
			if got := eval[string](tab, `performance.getEntriesByType("navigation")[0].nextHopProtocol`); got != "h2" {
				t.Errorf("the page came by %q", got)
			}
			if got := eval[string](tab, `document.getElementById("handshake-text").textContent`); !strings.Contains(got, "not keep the heads") {
				t.Errorf("of the heads it says %q", got)
			}
			// The same offer, over HTTP/1.1.
			tab.wait(`document.getElementById("parties-state").textContent === "handshake 1" && document.getElementById("proxy-verdict").textContent === "switched to websocket"`)
			eval[bool](tab, `(() => { document.getElementById("message").value = "typed"; document.getElementById("send").click(); return true; })()`)
			tab.wait(`document.querySelector("#transcript li:last-child.back")?.textContent === "echotyped"`)
			eval[bool](tab, `(document.getElementById("toggle").click(), true)`)
			tab.wait(`document.getElementById("state").textContent === "closed"`)
		})
	}
}
