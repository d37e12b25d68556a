package page

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// This file knows every state that the page can show, and what it must say then.

// fault makes a question of the page fail. With the status 0 no answer comes until free is
// called.
type fault struct {
	status  int
	content string
}

// faulty is a proxy in front of the server that answers some questions itself.
type faulty struct {
	to     http.Handler
	mu     sync.Mutex
	faults map[string]fault // by path; "ws" is the WebSocket
	hung   chan struct{}    // closed by free
}

// newFaulty runs a proxy in front of a server until the test ends, and returns its URL.
func newFaulty(t *testing.T, server string) (*faulty, string) {
	t.Helper()
	f := &faulty{faults: map[string]fault{}, hung: make(chan struct{})}
	f.to = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: server})
		r.Out.Host = r.In.Host
	}}
	front := httptest.NewServer(f)
	t.Cleanup(func() {
		f.free()
		front.CloseClientConnections()
		front.Close()
	})
	return f, front.URL + "/"
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if r.Header.Get("Upgrade") != "" {
		path = "ws"
	}
	f.mu.Lock()
	answer, found := f.faults[path]
	hung := f.hung
	f.mu.Unlock()
	switch {
	case !found:
		f.to.ServeHTTP(w, r)
	case answer.status == 0:
		select {
		case <-hung:
			f.to.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	default:
		w.WriteHeader(answer.status)
		w.Write([]byte(answer.content))
	}
}

func (f *faulty) fail(path string, status int, content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[path] = fault{status, content}
}

// free ends all faults, and passes on the questions that wait.
func (f *faulty) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.faults)
	close(f.hung)
	f.hung = make(chan struct{})
}

// says is what the page says of its WebSocket: state, echo, handshake, the name of the
// button, and which buttons work.
type says struct {
	State, Echo, Handshake, Button string
	CanToggle, CanSend, HasHeads   bool
}

const readSays = `(() => {
	const text = (id) => document.getElementById(id).textContent;
	return {
		State: text("state"), Echo: text("echo-text"), Handshake: text("handshake-text"), Button: text("toggle"),
		CanToggle: !document.getElementById("toggle").disabled, CanSend: !document.getElementById("send").disabled,
		HasHeads: Boolean(text("request") || text("response") || text("own")),
	};
})()`

const (
	opening = "The page is opening a WebSocket to this server."
	isOpen  = "The page has a WebSocket to this server, which sends back every message."
	over11  = "The page has a WebSocket over HTTP/1.1 to this server, which sends back every message."
	closing = "The page is closing its WebSocket to this server."
	closed  = "The page has no WebSocket to this server now. \u201cOpen\u201d makes a handshake."

	noHandshake = "No handshake of this page has switched yet."
	asking      = "The page is asking the server for the heads of its handshake."
	whatWent    = "What went over the connection before the first message."
	whatWas     = "What went over the last connection that switched, before the first message. It is closed now."
	overTLS     = "Over TLS this server does not keep the heads."
	notKnown    = "The heads of the last handshake that switched are not known: gone."
)

// must waits until the page says want.
func (want says) must(tab *tab) {
	tab.Helper()
	tab.becomes(readSays, want)
}

const (
	click = `document.getElementById("toggle").click()`
	gone  = `{"error": "gone"}`
)

func TestStatesOfTheWebSocket(t *testing.T) {
	browser := browser(t)
	server, front := newFaulty(t, serve(t, build(t)))
	server.fail("/key", 0, "")
	tab := open(t, browser, desktop, front)
	must := func(want says) {
		t.Helper()
		want.must(tab)
	}
	now := func(do string) says { return eval[says](tab, "("+do+", "+readSays+")") }

	// Before the first handshake.
	must(says{"connecting", opening, noHandshake, "Close", false, false, false})
	server.free()
	must(says{"switched to websocket", over11, whatWent, "Close", true, true, true})

	// Closed by the page, and opened again, with the heads still to come.
	server.fail("/handshake", 0, "")
	if got, want := now(click), (says{"closing", closing, whatWent, "Close", false, false, true}); got != want {
		t.Errorf("closing: %+v", got)
	}
	must(says{"closed", closed, whatWas, "Open", true, false, true})
	if got, want := now(click), (says{"connecting", opening, whatWas, "Close", false, false, true}); got != want {
		t.Errorf("opened again: %+v", got)
	}
	must(says{"switched to websocket", isOpen, asking, "Close", true, true, false})
	// Closed before they came.
	now(click)
	must(says{"closed", closed, asking, "Open", true, false, false})
	server.free()
	must(says{"closed", closed, whatWas, "Open", true, false, true})

	// The server does not give the heads.
	server.fail("/handshake", 404, gone)
	now(click)
	must(says{"switched to websocket", isOpen, asking, "Close", true, true, false})
	must(says{"switched to websocket", isOpen, notKnown, "Close", true, true, false})
	now(click)
	must(says{"closed", closed, notKnown, "Open", true, false, false})

	// An attempt that fails changes nothing of the last handshake.
	server.fail("ws", 403, "")
	now(click)
	must(says{"not switched", closed, notKnown, "Open", true, false, false})
	server.free()
	now(click)
	must(says{"switched to websocket", over11, whatWent, "Close", true, true, true})
	now(click)
	must(says{"closed", closed, whatWas, "Open", true, false, true})
	for _, test := range []struct {
		path, content, state string
		status               int
	}{
		{"ws", "", "not switched", 403},
		{"/key", gone, "gone", 404},
		{"/key", "<html>", "the server answers 502, without JSON", 502},
		{"/key", "<html>", "the server answers 200, without JSON", 200},
	} {
		server.fail(test.path, test.status, test.content)
		now(click)
		must(says{test.state, closed, whatWas, "Open", true, false, true})
		server.free()
	}

	// A page without a handshake says none of that.
	for path, state := range map[string]string{"/key": "gone", "ws": "not switched"} {
		server.fail(path, 404, gone)
		fresh := open(t, browser, desktop, front)
		says{state, closed, noHandshake, "Open", true, false, false}.must(fresh)
		server.free()
	}
}

func TestStatesOverTLS(t *testing.T) {
	browser := browser(t, "ignore-certificate-errors")
	t.Setenv("GODEBUG", "http2xconnect=0")
	tab := open(t, browser, desktop, "https://"+serve(t, build(t), "--tls")+"/")
	for range 2 {
		says{"switched to websocket", over11, overTLS, "Close", true, true, false}.must(tab)
		if got, want := eval[says](tab, "("+click+", "+readSays+")"), (says{"closing", closing, overTLS, "Close", false, false, false}); got != want {
			t.Errorf("closing: %+v", got)
		}
		says{"closed", closed, overTLS, "Open", true, false, false}.must(tab)
		eval[bool](tab, "("+click+", true)")
	}
}

// lists is what the page says of the last handshakes and of three parties.
type lists struct {
	Last, Empty, Parties, Verdicts string
	Listed                         int
	HasHeads                       bool
}

const readLists = `(() => {
	const text = (id) => document.getElementById(id).textContent;
	const list = document.getElementById("last");
	const before = list.childElementCount ? "none" : getComputedStyle(list, "::before").content;
	return {
		Last: text("last-state"), Empty: before === "none" ? "" : before, Parties: text("parties-state"),
		Verdicts: [...new Set(["client", "proxy", "server", "direct"].map((p) => text(p + "-verdict")))].join("|"),
		Listed: list.childElementCount,
		HasHeads: Array.from(document.querySelectorAll(".parties .head"), (e) => e.textContent).join("") !== "",
	};
})()`

func (want lists) must(tab *tab) {
	tab.Helper()
	tab.becomes(readLists, want)
}

const (
	live      = "live, at most the last 50"
	noneYet   = `"None yet."`
	noOffer   = "no offer chosen yet"
	notAsked  = "not asked yet"
	typed     = "the fields typed above"
	typedSent = typed + ", as they were then"
	switched  = "switched to websocket"
)

func TestStatesOfTheLists(t *testing.T) {
	browser := browser(t)
	server, front := newFaulty(t, serve(t, build(t)))
	server.fail("/key", 404, gone) // no handshake of the page
	server.fail("/handshakes", 0, "")
	tab := open(t, browser, desktop, front)
	must := func(want lists) {
		t.Helper()
		want.must(tab)
	}
	tab.wait(`document.getElementById("state").textContent === "gone"`)
	must(lists{notAsked, "", noOffer, notAsked, 0, false})
	server.free()
	must(lists{live, noneYet, noOffer, notAsked, 0, false})
	server.fail("/handshakes", 404, gone)
	must(lists{"gone", "", noOffer, notAsked, 0, false})
	server.free()
	eval[bool](tab, "("+click+", true)")
	must(lists{live, "", "handshake 1", switched, 1, true})
	server.fail("/handshakes", 502, "<html>")
	must(lists{"the server answers 502, without JSON", "", "handshake 1", switched, 1, true})
	server.free()

	// If a question to three parties has no answer, nothing of the last answer is shown.
	send := func(upgrade string) {
		quoted, _ := json.Marshal(upgrade)
		eval[bool](tab, `(document.getElementById("upgrade").value = `+string(quoted)+`, document.getElementById("connection").value = "Upgrade", document.getElementById("compare").click(), true)`)
	}
	send(`echo/1\r\nX: y`)
	must(lists{live, "", typed + ": no field line can hold CR or LF: the head would end elsewhere", "not asked", 1, false})
	send("websocket")
	must(lists{live, "", typedSent, switched, 1, true})
	server.fail("/parties", 404, gone)
	send("websocket")
	must(lists{live, "", typed + ": gone", "not asked", 1, false})
	server.free()
	send("websocket")
	must(lists{live, "", typedSent, switched, 1, true})
	// Until an answer comes, the old one stays whole.
	server.fail("/parties", 0, "")
	send("echo/1")
	must(lists{live, "", typedSent, switched, 1, true})
	server.free()
	must(lists{live, "", typedSent, "switched to echo/1", 1, true})

	// The announcement belongs to what is shown.
	tab.wait(`document.getElementById("spoken").textContent`)
	server.fail("/parse", 404, gone)
	eval[bool](tab, `(document.getElementById("try").requestSubmit(), true)`)
	tab.wait(`document.getElementById("try-error").textContent === "gone" && document.getElementById("spoken").textContent + document.getElementById("result").textContent === ""`)
}

// The same lines are sent again, also if one of them is empty.
func TestCompareEmptyLine(t *testing.T) {
	browser := browser(t)
	address := serve(t, build(t))
	tab := open(t, browser, desktop, "http://"+address+"/")
	ready(tab)
	offer(t, address, "GET /empty HTTP/1.1\r\nHost: localhost\r\nUpgrade: \r\nConnection: Upgrade\r\n\r\n")
	tab.wait(`document.querySelector("#last li")?.textContent.includes("/empty ")`)
	eval[bool](tab, `(document.querySelector("#last li button").click(), true)`)
	tab.wait(`document.getElementById("client-request").textContent.includes("\\r\\n\nUpgrade: \\r\\n\nConnection: Upgrade\\r\\n\n")`)
}

// A page that outlives its server shows what the next one counts.
func TestAnotherServer(t *testing.T) {
	browser := browser(t)
	binary := build(t)
	address, _, stop := start(t, binary, "serve", "--listen", "127.0.0.1:0")
	_, front := newFaulty(t, address)
	tab := open(t, browser, desktop, front)
	lists{live, "", "handshake 1", switched, 1, true}.must(tab)
	stop()
	tab.wait(`document.getElementById("state").textContent.startsWith("closed, code ")`)
	says{eval[says](tab, readSays).State, closed, whatWas, "Open", true, false, true}.must(tab)
	tab.wait(`document.getElementById("last-state").textContent === "the server answers 502, without JSON"`)

	// The next one has handshakes of its own, as many as the page has seen.
	start(t, binary, "serve", "--listen", address)
	offer(t, address, "GET /another HTTP/1.1\r\nHost: localhost\r\nUpgrade: x\r\n\r\n")
	lists{live, "", noOffer, notAsked, 1, false}.must(tab)
	eval[bool](tab, "("+click+", true)")
	lists{live, "", "handshake 2", switched, 2, true}.must(tab)
	if got := eval[string](tab, `document.getElementById("last").textContent`); !strings.Contains(got, "/another offers x") {
		t.Errorf("it lists %s", got)
	}
}
