// Package page tests the page of "upgrade101 serve" in Chromium.
package page

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

var (
	phone   = look{width: 360, height: 740}
	desktop = look{width: 1200, height: 900}
)

func TestPage(t *testing.T) {
	browser := browser(t)
	binary := build(t)
	for name, test := range map[string]struct {
		flags   []string
		proxied bool // by our own proxy, behind which the tap is
	}{"net/http": {}, "raw": {flags: []string{"--raw"}}, "proxied": {proxied: true}} {
		t.Run(name, func(t *testing.T) {
			through := newTap(t, serve(t, binary, test.flags...))
			url := "http://" + through.address + "/"
			if test.proxied {
				url = "http://" + proxy(t, binary, through.address) + "/"
			}
			for name, test := range map[string]func(*testing.T, context.Context, string, *tap){
				"echo and heads":   testEcho,
				"last handshakes":  testLast,
				"three parties":    testParties,
				"hostile fields":   testHostile,
				"every octet":      testOctets,
				"64 KiB":           testLong,
				"malformed escape": testEscape,
				"policy":           testPolicy,
				"keyboard":         testKeyboard,
				"looks":            testLooks,
				"foot":             testFooter,
			} {
				t.Run(name, func(t *testing.T) { test(t, browser, url, through) })
			}
		})
	}
}

// ready waits until the page has shown its handshake and read its first example.
func ready(tab *tab) {
	tab.Helper()
	tab.wait(`document.querySelector("#own .verdict") && document.querySelector("#result .verdict") && document.getElementById("state").dataset.state === "open"`)
}

func testEcho(t *testing.T, browser context.Context, url string, tap *tap) {
	before := len(tap.handshakes())
	tab := open(t, browser, desktop, url)
	ready(tab)

	// The heads are those that went over the connection.
	all := tap.handshakes()
	if len(all) != before+1 {
		t.Fatalf("%d handshakes, want %d", len(all), before+1)
	}
	for i, id := range []string{"request", "response"} {
		got := eval[string](tab, `document.getElementById("`+id+`").textContent`)
		want := strings.ReplaceAll(all[before][i], "\r\n", "\\r\\n\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-sent +shown):\n%s", id, diff)
		}
	}
	if !strings.HasPrefix(all[before][1], "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ") {
		t.Errorf("response %q", all[before][1])
	}
	if got := eval[string](tab, `document.getElementById("own").innerText`); !strings.Contains(got, "offer") || !strings.Contains(got, "websocket") {
		t.Errorf("read as %q", got)
	}

	for _, message := range []string{"typed", "<b>\u00fc</b> &amp; \u202e x", strings.Repeat("long ", 10_000)} {
		quoted, _ := json.Marshal(message)
		eval[bool](tab, `(() => { document.getElementById("message").value = `+string(quoted)+`; document.getElementById("send").click(); return true; })()`)
		shown := message
		if len(shown) > 2000 {
			shown = shown[:2000]
		}
		quoted, _ = json.Marshal("echo" + shown)
		tab.wait(`document.querySelector("#transcript li:last-child.back")?.textContent.startsWith(` + string(quoted) + `)`)
	}
	if n := eval[int](tab, `document.querySelectorAll("#transcript b").length`); n != 0 {
		t.Errorf("%d elements from a message", n)
	}
	// The page keeps only the last messages.
	eval[bool](tab, `(() => { for (let i = 0; i < 200; i++) { document.getElementById("message").value = "m" + i; document.getElementById("send").click(); } return true; })()`)
	tab.wait(`document.querySelector("#transcript li:last-child").textContent === "echom199"`)
	if n := eval[int](tab, `document.querySelectorAll("#transcript li").length`); n > 50 {
		t.Errorf("%d messages", n)
	}

	// What the page says is true while the connection is open, and after its end.
	const says = `document.getElementById("echo-text").textContent + document.getElementById("handshake-text").textContent`
	if got := eval[string](tab, says); !strings.Contains(got, "has a WebSocket") || strings.Contains(got, "closed") {
		t.Errorf("open, it says %q", got)
	}

	// Opened again, it makes another handshake.
	eval[bool](tab, `(document.getElementById("toggle").click(), true)`)
	tab.wait(`document.getElementById("state").dataset.state === "closed"`)
	if got := eval[string](tab, says); !strings.Contains(got, "has no WebSocket") || !strings.Contains(got, "It is closed now") {
		t.Errorf("closed, it says %q", got)
	}
	first := eval[string](tab, `document.getElementById("request").textContent`)
	eval[bool](tab, `(document.getElementById("toggle").click(), true)`)
	quoted, _ := json.Marshal(first)
	tab.wait(`!["", ` + string(quoted) + `].includes(document.getElementById("request").textContent)`)
	tab.quiet()
}

func testLast(t *testing.T, browser context.Context, url string, tap *tap) {
	tab := open(t, browser, desktop, url)
	ready(tab)
	tab.wait(`document.querySelector("#last li.switched")`)
	// A hostile one comes while the page is open.
	offer(t, tap.address, "GET /<script>pwned=1</script>?secret HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: <img src=x onerror=pwned=1>\x80\r\n\r\n")
	offer(t, tap.address, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: <img src=x onerror=pwned=1>\x80\r\n\r\n")
	tab.wait(`document.querySelector("#last li")?.textContent.includes("<img src=x onerror=pwned=1>\\x80")`)
	if got := eval[string](tab, `document.querySelector("#last li .why").textContent`); got != "not switched: handshake: malformed Upgrade: line 0, offset 0: want token" {
		t.Errorf("why: %q", got)
	}
	for i := range 60 {
		offer(t, tap.address, fmt.Sprintf("GET /number%d HTTP/1.1\r\nHost: localhost\r\nUpgrade: x\r\n\r\n", i))
	}
	tab.wait(`document.querySelector("#last li").textContent.includes("/number59 ")`)
	if n := eval[int](tab, `document.querySelectorAll("#last li").length`); n != 50 {
		t.Errorf("%d handshakes are listed", n)
	}
	unharmed(tab)
	tab.quiet()
}

// testParties looks at what three parties made of an offer: the page's own handshake without
// a click, another one by its button, and fields that somebody typed.
func testParties(t *testing.T, browser context.Context, url string, tap *tap) {
	tab := open(t, browser, desktop, url)
	ready(tab)
	const verdicts = `["client", "proxy", "server", "direct"].map((p) => document.getElementById(p + "-verdict").textContent)`
	wait := func(state string, want ...string) {
		t.Helper()
		stateText, _ := json.Marshal(state)
		all, _ := json.Marshal(want)
		tab.wait(`document.getElementById("parties-state").textContent.startsWith(` + string(stateText) + `) && JSON.stringify(` + verdicts + `) === JSON.stringify(` + string(all) + `)`)
	}
	const socket = "switched to websocket"
	wait("handshake ", socket, socket, socket, socket)
	if got := eval[string](tab, `document.getElementById("proxy-request").textContent`); !strings.Contains(got, "Upgrade: websocket\\r\\n\n") || !strings.Contains(got, "X-Forwarded-For: ") {
		t.Errorf("the proxy passes on %q", got)
	}

	offer(t, tap.address, "GET /again HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, x\\\r\nUpgrade: h2c\r\nUpgrade: <img src=x onerror=pwned=1>\x80\r\n\r\n")
	tab.wait(`document.querySelector("#last li")?.textContent.includes("/again ")`)
	eval[bool](tab, `(document.querySelector("#last li button").click(), true)`)
	const malformed = "handshake: malformed Connection: line 0, offset 10: want comma or end of line"
	wait("handshake ", "not switched: answered 400", "not passed on: "+malformed+"; answered 400", "not asked", "not switched: "+malformed)
	if got := eval[string](tab, `document.getElementById("client-request").textContent`); !strings.Contains(got, "Connection: upgrade, x\\\\r\\n\n") ||
		!strings.Contains(got, "Upgrade: h2c\\r\\n\nUpgrade: <img src=x onerror=pwned=1>\\x80\\r\\n\n") {
		t.Errorf("the client sends %q", got)
	}
	if got := eval[string](tab, `document.getElementById("proxy-request").textContent`); got != "nothing" {
		t.Errorf("the proxy passes on %q", got)
	}
	// The view has the focus, and is in sight.
	if !eval[bool](tab, `document.activeElement.id === "parties-title" && document.activeElement.getBoundingClientRect().top < innerHeight / 2`) {
		t.Error("the view is not in sight")
	}

	eval[bool](tab, `(() => {
		document.getElementById("upgrade").value = "foo/1, echo/1";
		document.getElementById("connection").value = "Upgrade";
		document.getElementById("compare").click();
		return true;
	})()`)
	const echo = "switched to echo/1"
	wait(typedSent, echo, echo, echo, echo)
	eval[bool](tab, `(() => { document.getElementById("upgrade").value = "a\\r\\nb"; document.getElementById("compare").click(); return true; })()`)
	tab.wait(`document.getElementById("parties-state").textContent === "` + typed + `: no field line can hold CR or LF: the head would end elsewhere"`)
	unharmed(tab)
	tab.quiet("400")
}

// testFooter runs what the foot of the page offers to a terminal.
func testFooter(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, desktop, url)
	ready(tab)
	for id, want := range map[string]string{"parse": "product: HTTP, version 2.0", "curl": "This server switches to echo/1"} {
		command := eval[string](tab, `document.querySelector("footer #`+id+` code").textContent`)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = "../.." // the root of a clone
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	tab.quiet()
}

// unharmed fails if shown text has become an element or a script of the page.
func unharmed(tab *tab) {
	tab.Helper()
	if !eval[bool](tab, `typeof pwned === "undefined"`) {
		tab.Error("a script has run")
	}
	if n := eval[int](tab, `document.querySelectorAll("img, svg, iframe, object, embed, style, a:not(.skip), script:not([src='script.js']), #result b b, [onerror], [onload], [style]").length`); n != 0 {
		tab.Errorf("%d elements that the page does not have", n)
	}
}

// read types fields and waits until they have been read.
func read(tab *tab, upgrade, connection string) {
	tab.Helper()
	u, _ := json.Marshal(upgrade)
	c, _ := json.Marshal(connection)
	eval[bool](tab, `(async () => {
		document.getElementById("upgrade").value = `+string(u)+`;
		document.getElementById("connection").value = `+string(c)+`;
		const changed = new Promise((resolve) => new MutationObserver(resolve).observe(document.getElementById("result"), { childList: true }));
		document.getElementById("try").requestSubmit();
		await changed;
		return true;
	})()`)
}

func testHostile(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, phone, url+"?upgrade=<script>pwned=1</script>#<img src=x onerror=pwned=1>")
	ready(tab)
	for _, hostile := range []string{
		`<script>pwned=1</script>`, `<img src=x onerror=pwned=1>`, `<svg onload=pwned=1>`, `"><iframe srcdoc="<script>parent.pwned=1</script>">`,
		`</textarea><script>pwned=1</script>`, `javascript:pwned=1`, `{{constructor.constructor('pwned=1')()}}`, `'-pwned=1-'`, `<!--`, `]]>`, `&lt;b&gt;`,
	} {
		read(tab, hostile, hostile)
		got := eval[[]string](tab, `Array.from(document.querySelectorAll("#result figure"), (f) => Array.from(f.querySelectorAll(".octet"), (o) => o.textContent).join(""))`)
		shown := strings.ReplaceAll(hostile, " ", "\u2423")
		if diff := cmp.Diff([]string{shown, shown}, got); diff != "" {
			t.Errorf("%s (-typed +shown):\n%s", hostile, diff)
		}
		unharmed(tab)
	}
	noSidewaysScroll(tab)
	tab.screenshot("hostile-360")
	read(tab, `websoc\u212Aet, @@@`, "keep-alive, \"Upgrade\"\n\\x00")
	tab.screenshot("malformed-360")
	tab.quiet()
}

func testOctets(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, desktop, url)
	ready(tab)
	var text, want []string
	for c := range 256 {
		text = append(text, fmt.Sprintf(`\x%02x`, c))
		glyph, class := string(rune(c)), "other"
		switch {
		case c == ' ':
			glyph, class = "\u2423", "ows"
		case c == '\t':
			glyph, class = `\t`, "ows"
		case c == '\r' || c == '\n':
			glyph = fmt.Sprintf(`\%c`, map[int]rune{'\r': 'r', '\n': 'n'}[c])
		case c < ' ' || c > '~':
			glyph = fmt.Sprintf(`\x%02x`, c)
		case c == ',':
			class = "comma"
		case c == '/':
			class = "slash"
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)):
			class = "tchar"
		}
		want = append(want, glyph+" "+class)
	}
	read(tab, strings.Join(text, ""), "Upgrade")
	got := eval[[]string](tab, `Array.from(document.querySelectorAll("#result figure:first-of-type .octet"), (o) => o.textContent + " " + o.className.replace("octet ", "").replace(" here", ""))`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := eval[string](tab, `document.querySelector("#result .here").textContent`); got != `\x00` {
		t.Errorf("the fault is at %q", got)
	}
	noSidewaysScroll(tab)
	tab.screenshot("octets-1200")
	// Characters that are typed without escapes come as UTF-8.
	read(tab, "\u00e9\u212a\U0001f600\u202e\x7f", "")
	if got := eval[string](tab, `Array.from(document.querySelectorAll("#result .octet"), (o) => o.textContent).join("")`); got != `\xc3\xa9\xe2\x84\xaa\xf0\x9f\x98\x80\xe2\x80\xae\x7f` {
		t.Errorf("shown as %s", got)
	}
	unharmed(tab)
	tab.quiet()
}

func testLong(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, phone, url)
	ready(tab)
	const limit = 64 << 10
	for _, test := range []struct{ name, text, want string }{
		{"a token", strings.Repeat("a", limit), "65280 octets more"},
		{"commas", strings.Repeat(",", limit), "offset 65536"},
		{"products", strings.Repeat("a,", limit/2), "32768, of which 100 are shown"},
		{"lines", strings.Repeat("\n", limit), "more lines, read but not shown"},
		{"a fault in the middle", strings.Repeat("a", limit/2) + "@" + strings.Repeat("b", limit/2-1), "offset 32768"},
	} {
		begun := time.Now()
		read(tab, test.text, "upgrade")
		took := time.Since(begun)
		text := eval[string](tab, `document.getElementById("result").innerText`)
		if !strings.Contains(text, test.want) {
			t.Errorf("%s: no %q in\n%.1000s", test.name, test.want, text)
		}
		if n := eval[int](tab, `document.querySelectorAll("#result *").length`); n > 12_000 {
			t.Errorf("%s: %d elements", test.name, n)
		}
		if took > 5*time.Second {
			t.Errorf("%s: took %v", test.name, took)
		}
		noSidewaysScroll(tab)
	}
	eval[bool](tab, `(() => { const u = document.getElementById("upgrade"); u.value = "a".repeat(`+fmt.Sprint(limit+1)+`); document.getElementById("try").requestSubmit(); return true; })()`)
	tab.wait(`document.getElementById("try-error").textContent.includes("64 KiB")`)
	tab.quiet("413")
}

func testEscape(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, phone, url)
	ready(tab)
	eval[bool](tab, `(() => { document.getElementById("upgrade").value = "a\n\\xg0"; document.getElementById("try").requestSubmit(); return true; })()`)
	tab.wait(`document.getElementById("try-error").textContent.startsWith("Upgrade: line 1, offset 0: want ")`)
	if !eval[bool](tab, `document.getElementById("upgrade").ariaInvalid === "true" && document.getElementById("connection").ariaInvalid === "false"`) {
		t.Error("the field is not marked")
	}
	read(tab, `a\x2Fb`, "upgrade")
	if got := eval[string](tab, `document.getElementById("try-error").textContent + document.getElementById("upgrade").ariaInvalid`); got != "false" {
		t.Errorf("still %q", got)
	}
	tab.quiet("400")
}

// The policy stops even a script that has got into the page.
func testPolicy(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, desktop, url)
	ready(tab)
	for attempt, want := range map[string]string{
		`const s = document.createElement("script"); s.append("pwned = 1"); document.body.append(s);`:                   "require-trusted-types-for script-src-elem",
		`const s = document.createElement("script"); s.text = "pwned = 1"; document.body.append(s);`:                    "require-trusted-types-for",
		`document.body.setAttribute("onclick", "pwned = 1"); document.body.click();`:                                    "require-trusted-types-for script-src-attr",
		`document.getElementById("own").innerHTML = "<img src=x onerror=pwned=1>";`:                                     "require-trusted-types-for",
		`const s = document.createElement("style"); s.textContent = "body { display: none }"; document.head.append(s);`: "style-src-elem",
		`fetch("http://127.0.0.2:1/").catch(() => {});`:                                                                 "connect-src",
		`new WebSocket("ws://127.0.0.2:1/");`:                                                                           "connect-src",
		`const i = new Image(); i.src = "http://127.0.0.2:1/x.png"; document.body.append(i);`:                           "img-src",
		`const f = document.createElement("iframe"); f.src = "/"; document.body.append(f);`:                             "frame-src",
	} {
		got := eval[string](tab, `new Promise((resolve) => {
			document.addEventListener("securitypolicyviolation", (e) => resolve(e.effectiveDirective), { once: true });
			setTimeout(() => resolve("nothing"), 3000);
			try { `+attempt+` } catch {}
		})`)
		if !slices.Contains(strings.Fields(want), got) {
			t.Errorf("%s\nwas stopped by %s, want %s", attempt, got, want)
		}
		if !eval[bool](tab, `typeof pwned === "undefined" && getComputedStyle(document.body).display === "block"`) {
			t.Errorf("%s: has happened", attempt)
		}
		eval[bool](tab, `(document.body.removeAttribute("onclick"), true)`)
	}
}

// Everything can be done without a mouse, and the focus is visible.
func testKeyboard(t *testing.T, browser context.Context, url string, _ *tap) {
	tab := open(t, browser, desktop, url)
	ready(tab)
	const focused = `(() => { const e = document.activeElement; return e.id || e.className || e.textContent; })()`
	var order []string
	tabTo := func(want string) {
		t.Helper()
		for range 40 {
			tab.keys(kb.Tab)
			got := eval[string](tab, focused)
			order = append(order, got)
			if !eval[bool](tab, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`) {
				t.Errorf("%s does not show that it has the focus", got)
			}
			if got == want {
				return
			}
		}
		t.Fatalf("no way to %s: %q", want, order)
	}
	tabTo("skip")
	tabTo("message")
	tab.keys("a", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	tab.keys("by keyboard" + kb.Enter)
	tab.wait(`document.querySelector("#transcript li:last-child.back")?.textContent === "echoby keyboard"`)
	tabTo("request")
	tabTo("Kelvin sign")
	tab.keys(kb.Enter)
	tab.wait(`document.querySelector("#result .faults")?.textContent.includes("offset 6")`)
	tabTo("upgrade")
	tab.keys("a", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	tab.keys("foo/1 bar")
	tab.wait(`document.querySelector("#result .faults")?.textContent.includes("ErrDelimiter Upgrade, line 0, offset 6")`)
	tabTo("connection")
	tab.keys("a", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	tab.keys(kb.Backspace + "x,y")
	tab.wait(`document.querySelectorAll("#result table:last-of-type tbody tr").length === 2`)
	// A screen reader announces the result.
	tab.wait(`document.querySelector("[role=status]#spoken").textContent.match(/^no offer: Connection does not name the option upgrade.*Upgrade, line 0, offset 6: want comma/)`)
	tabTo("scroll")
	// The focus moves in the order of the page.
	if !slices.IsSortedFunc([]int{slices.Index(order, "message"), slices.Index(order, "toggle"), slices.Index(order, "request"), slices.Index(order, "upgrade"), slices.Index(order, "connection")}, func(a, b int) int { return a - b }) {
		t.Errorf("order %q", order)
	}
	// Every control has a name.
	if names := eval[[]string](tab, `Array.from(document.querySelectorAll("input, textarea, button"), (e) => e.id || e.textContent).filter((n, i) => {
		const e = document.querySelectorAll("input, textarea, button")[i];
		return !(e.labels && e.labels.length) && !e.textContent.trim();
	})`); len(names) > 0 {
		t.Errorf("without a label: %q", names)
	}
	tab.quiet()
}

// testLooks looks at the page on a phone and on a desktop, light and dark.
func testLooks(t *testing.T, browser context.Context, url string, _ *tap) {
	for name, l := range map[string]look{
		"light-320": {320, 640, false}, "light-360": {360, 740, false}, "light-1200": {1200, 900, false},
		"dark-360": {360, 740, true}, "dark-1200": {1200, 900, true},
	} {
		t.Run(name, func(t *testing.T) {
			tab := open(t, browser, l, url)
			shifts := `new Promise((resolve) => {
				let sum = 0;
				new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) sum += e.value; })).observe({ type: "layout-shift", buffered: true });
				setTimeout(() => resolve(sum), 300);
			})`
			ready(tab)
			tab.wait(`document.querySelector("#last li") && document.getElementById("parties-state").textContent.startsWith("handshake ")`)
			if sum := eval[float64](tab, shifts); sum > 0.02 {
				t.Errorf("the layout shifts by %v", sum)
			}
			noSidewaysScroll(tab)
			tab.screenshot(name)
			read(tab, "HTTP/2.0, foo / 1", "keep-alive,\t\"Upgrade\"")
			noSidewaysScroll(tab)
			if bad := eval[[]string](tab, contrast); len(bad) > 0 {
				t.Errorf("too little contrast: %q", bad)
			}
			if small := eval[[]string](tab, `Array.from(document.querySelectorAll("button, input, textarea")).filter((e) => e.getBoundingClientRect().height < 32).map((e) => e.textContent || e.id)`); len(small) > 0 {
				t.Errorf("too small for a finger: %q", small)
			}
			tab.screenshot("malformed-" + name)
			tab.quiet()
		})
	}
}

// noSidewaysScroll fails if the page is wider than the window.
func noSidewaysScroll(tab *tab) {
	tab.Helper()
	if wide := eval[[]string](tab, `document.documentElement.scrollWidth <= innerWidth ? [] :
		Array.from(document.querySelectorAll("*")).filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.tagName + "." + e.className)`); len(wide) > 0 {
		tab.Errorf("wider than the window: %q", wide)
	}
}

// contrast lists elements whose text has a contrast below 4.5 to its ground, as WCAG 2
// computes it.
const contrast = `(() => {
	const rgb = (c) => c.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
	const bad = [];
	for (const e of document.body.querySelectorAll("*")) {
		if (!Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim()) || e.closest("noscript, :disabled")) continue;
		let front = rgb(getComputedStyle(e).color);
		const back = ground(e);
		const opacity = parseFloat(getComputedStyle(e).opacity);
		front = front.map((v, i) => i < 3 ? v * opacity + back[i] * (1 - opacity) : v);
		const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) bad.push(e.tagName + "." + e.className + " " + ratio.toFixed(2));
	}
	return [...new Set(bad)];
})()`
