package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/record"
)

// fetch sends a request and returns the response and its content.
func fetch(t *testing.T, method, url, content string, fields ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestBrowserPage(t *testing.T) { inBothModes(t, testBrowserPage) }

func testBrowserPage(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	url := "http://" + address
	for _, test := range []struct{ path, accept, want string }{
		{"/", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"},
		{"/?x=y", "application/json, TEXT/HTML;q=0.9", "text/html; charset=utf-8"},
		{"/", "", "text/plain; charset=utf-8"},
		{"/", "*/*", "text/plain; charset=utf-8"},
		{"/", "text/htmlx, x-text/html", "text/plain; charset=utf-8"},
		{"/elsewhere", "text/html", "text/plain; charset=utf-8"},
		{"/style.css", "", "text/css; charset=utf-8"},
		{"/script.js", "text/html", "text/javascript; charset=utf-8"},
		{"/icon.svg", "", "image/svg+xml"},
		{"/handshakes", "", "application/json"},
	} {
		response, body := fetch(t, "GET", url+test.path, "", "Accept", test.accept)
		if got := response.Header.Get("Content-Type"); got != test.want || response.StatusCode != 200 || body == "" {
			t.Errorf("%s for %q: %s, %s", test.path, test.accept, response.Status, got)
		}
		h := response.Header
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", test.path)
		}
		plain := test.want == "text/plain; charset=utf-8"
		if !plain && (h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Resource-Policy") != "same-origin") {
			t.Errorf("%s: %v", test.path, h)
		}
		if strings.HasPrefix(test.path, "/?") || test.path == "/" {
			if h.Get("Vary") != "Accept" {
				t.Errorf("%s: Vary: %q", test.path, h.Get("Vary"))
			}
		}
		policy := h.Get("Content-Security-Policy")
		if !plain && test.want != "application/json" && policy != securityPolicy {
			t.Errorf("%s: Content-Security-Policy: %s", test.path, policy)
		}
		if h.Get("Upgrade") != "echo/1, websocket" {
			t.Errorf("%s: Upgrade: %q", test.path, h.Get("Upgrade"))
		}
		if head, body := fetch(t, "HEAD", url+test.path, "", "Accept", test.accept); head.StatusCode != 200 || body != "" ||
			head.ContentLength != response.ContentLength || head.Header.Get("Content-Type") != test.want {
			t.Errorf("HEAD %s: %+v", test.path, head)
		}
	}
	for _, test := range []struct{ method, path, allow string }{
		{"POST", "/style.css", "GET, HEAD"},
		{"DELETE", "/handshakes", "GET, HEAD"},
		{"PUT", "/handshake", "GET, HEAD"},
		{"GET", "/parse", "POST"},
		{"GET", "/key", "POST"},
		{"OPTIONS", "/parse", "POST"},
	} {
		response, body := fetch(t, test.method, url+test.path, "")
		if response.StatusCode != 405 || response.Header.Get("Allow") != test.allow || !json.Valid([]byte(body)) {
			t.Errorf("%s %s: %s, %v, %s", test.method, test.path, response.Status, response.Header, body)
		}
	}
	// Any other request gets the text for other clients.
	if response, _ := fetch(t, "POST", url+"/", "x", "Accept", "text/html"); response.StatusCode != 200 ||
		response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("POST /: %+v", response)
	}
}

// Nothing in the page comes from elsewhere, and nothing in it needs more than the policy
// allows.
func TestPageAssets(t *testing.T) {
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(securityPolicy+";", directive+";") {
			t.Errorf("no %s", directive)
		}
	}
	if strings.Contains(securityPolicy, "unsafe") {
		t.Error(securityPolicy)
	}
	for name, forbidden := range map[string]string{
		"index.html": `(?i)https?://|<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`,
		"style.css":  `(?i)url\(|@import|https?:`,
		"script.js":  `(?i)innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|https?://|\.style\b`,
	} {
		text, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(forbidden).Find(text); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
}

// postTyped asks how fields are read.
func postTyped(t *testing.T, address, connection, upgrade string) (status int, got explain.Analysis, problem errorJSON) {
	t.Helper()
	content, err := json.Marshal(map[string]string{"connection": connection, "upgrade": upgrade})
	if err != nil {
		t.Fatal(err)
	}
	response, body := fetch(t, "POST", "http://"+address+"/parse", string(content), "Content-Type", "application/json")
	mustBePrintable(t, body)
	if response.Header.Get("Content-Type") != "application/json" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", response.Header)
	}
	into := any(&got)
	if response.StatusCode != 200 {
		into = &problem
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, got, problem
}

func TestParseTyped(t *testing.T) {
	address, _ := serveHere(t)
	_, got, _ := postTyped(t, address, `keep-alive, Upgrade`, "a/1 ,\t@\nh2c")
	want := explain.Fields([]string{"keep-alive, Upgrade"}, []string{"a/1 ,\t@", "h2c"}).ForPage()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, got, _ = postTyped(t, address, "", "")
	if len(got.Lines) > 0 || got.Verdict != "no offer" || !strings.HasPrefix(got.Why, "there is no Upgrade field") {
		t.Errorf("%+v", got)
	}
	_, got, _ = postTyped(t, address, "upgrade", `websoc\u212Aet, <script>alert(1)</script>`)
	if len(got.Errors) != 1 || got.Errors[0].Offset != 6 || !strings.Contains(string(got.Lines[0].Octets), "<script>") {
		t.Errorf("%+v", got)
	}
}

// Every octet comes back as it was typed, with its class.
func TestParseTypedOctets(t *testing.T) {
	address, _ := serveHere(t)
	var text strings.Builder
	for c := range 256 {
		fmt.Fprintf(&text, `\x%02X`, c)
	}
	_, got, _ := postTyped(t, address, "upgrade", text.String())
	line := got.Lines[0]
	if line.Length != 256 || len(line.Octets) != 256 || got.Errors[0].Offset != 0 {
		t.Fatalf("%+v", got)
	}
	at := 0
	for _, lexeme := range line.Lexemes {
		if lexeme.Offset != at || lexeme.Length < 1 {
			t.Fatalf("lexeme %+v at %d", lexeme, at)
		}
		for ; at < lexeme.Offset+lexeme.Length; at++ {
			octet := string([]byte{byte(at)})
			if string(line.Octets[at:at+1]) != octet {
				t.Errorf("octet 0x%02x is 0x%02x", at, line.Octets[at])
			}
			lexer := upgrade.NewLexer(octet)
			if kind := lexer.Next(); kind.String() != lexeme.Kind {
				t.Errorf("octet 0x%02x is %s, want %s", at, lexeme.Kind, kind)
			}
		}
	}
	if at != 256 {
		t.Errorf("lexemes end at %d", at)
	}
}

// The answer is bounded and shows the fault, no matter how much is typed.
func TestParseTypedBounds(t *testing.T) {
	address, _ := serveHere(t)
	for _, test := range []struct {
		name, text string
		status     int
		fault      int // -1 for none
	}{
		{"64 KiB in a token", strings.Repeat("a", maxTyped), 200, -1},
		{"a fault in the middle", strings.Repeat("a", maxTyped/2) + "\x01" + strings.Repeat(",", maxTyped/2-1), 200, maxTyped / 2},
		{"a fault at the end", strings.Repeat("a", maxTyped-1) + "/", 200, maxTyped},
		{"64 KiB of commas", strings.Repeat(",", maxTyped), 200, maxTyped},
		{"as many products as can be", strings.Repeat("a,", maxTyped/2), 200, -1},
		{"64 KiB of escapes", strings.Repeat(`\xff`, maxTyped), 200, 0},
		{"64 KiB of empty lines", strings.Repeat("\n", maxTyped), 200, 0},
		{"one octet more", strings.Repeat("a", maxTyped+1), 413, -1},
		{"one line end more", strings.Repeat("\n", maxTyped+1), 413, -1},
		{"one escape more", strings.Repeat(`\xff`, maxTyped+1), 413, -1},
		{"far more", strings.Repeat("a", 2<<20), 413, -1},
	} {
		status, got, problem := postTyped(t, address, test.text, test.text)
		if status != test.status || (status != 200) != (problem.Error != "") {
			t.Errorf("%s: status %d, %+v", test.name, status, problem)
			continue
		}
		if answer, err := json.Marshal(got); err != nil || len(answer) > 256<<10 {
			t.Errorf("%s: an answer of %d bytes, %v", test.name, len(answer), err)
		}
		if test.fault < 0 {
			if len(got.Errors) > 0 {
				t.Errorf("%s: %+v", test.name, got.Errors)
			}
			continue
		}
		fault := got.Errors[0]
		found := false
		for _, line := range got.Lines {
			end := line.From + len(line.Octets)
			found = found || line.Line == fault.Line && line.From <= fault.Offset && fault.Offset <= end
			if len(line.Octets) > explain.MaxShownOctets || end > line.Length {
				t.Errorf("%s: %d octets from %d of %d", test.name, len(line.Octets), line.From, line.Length)
			}
			for _, lexeme := range line.Lexemes {
				if lexeme.Offset < line.From || lexeme.Offset+lexeme.Length > end {
					t.Errorf("%s: lexeme %+v outside %d to %d", test.name, lexeme, line.From, end)
				}
			}
		}
		if fault.Offset != test.fault || !found {
			t.Errorf("%s: fault %+v, shown %t", test.name, fault, found)
		}
	}
}

func TestParseTypedRefuses(t *testing.T) {
	address, _ := serveHere(t)
	for _, test := range []struct {
		kind, content string
		status        int
		field         string
	}{
		{"application/json", `{"connection": "", "upgrade": "a"}`, 200, ""},
		{"application/json; charset=utf-8", `{}`, 200, ""},
		{"", `{}`, 415, ""},
		{"text/plain", `{}`, 415, ""},
		{"application/x-www-form-urlencoded", `{}`, 415, ""},
		{"application/json", ``, 400, ""},
		{"application/json", `[]`, 400, ""},
		{"application/json", `{"upgrade": 1}`, 400, ""},
		{"application/json", `{"upgrade": ["a", ""], "connection": null}`, 200, ""},
		{"application/json", `{"upgrade": []}`, 200, ""},
		{"application/json", `{"upgrade": ["a", 1]}`, 400, ""},
		{"application/json", `{"upgrade": [["a"]]}`, 400, ""},
		{"application/json", `{"upgrade": ["\u0100"]}`, 400, ""},
		{"application/json", `{"upgrade": {"a": "b"}}`, 400, ""},
		{"application/json", `{"upgrade": ["` + strings.Repeat("a", maxTyped) + `"]}`, 200, ""},
		{"application/json", `{"upgrade": ["` + strings.Repeat("a", maxTyped) + `", ""]}`, 413, ""},
		{"application/json", `{"x": ""}`, 400, ""},
		{"application/json", `{} {}`, 400, ""},
		{"application/json", "{\"upgrade\": \"\xff\"}", 400, ""},
		{"application/json", `{"upgrade": "` + strings.Repeat("[", maxAsked) + `"}`, 413, ""},
		{"application/json", strings.Repeat("[", maxAsked/2), 400, ""},
		{"application/json", `{"upgrade": "\\"}`, 400, "Upgrade"},
		{"application/json", `{"connection": "a\n\\x0g"}`, 400, "Connection"},
	} {
		response, body := fetch(t, "POST", "http://"+address+"/parse", test.content, "Content-Type", test.kind)
		var got errorJSON
		if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != test.status || got.Field != test.field {
			t.Errorf("%.40q as %q: %s, %s", test.content, test.kind, response.Status, body)
		}
		if test.status != 200 && got.Error == "" {
			t.Errorf("%.40q: no error in %s", test.content, body)
		}
		mustBePrintable(t, body)
	}
}

const (
	oddOffer  = "hOsT:  localhost\r\nCONNECTION:\tkeep-alive,, Upgrade  \r\nx-twice: 1\r\nupGrade: h2c , Echo/1,echo/1\r\nX-Twice: 2\xff\r\nCookie: secret\r\n\r\n"
	getWithID = "GET /?handshake="
)

// heads asks for the octets of a handshake until they are known.
func heads(t *testing.T, address, key string) (exchangeJSON, bool) {
	t.Helper()
	var got exchangeJSON
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		response, body := fetch(t, "GET", "http://"+address+"/handshake?key="+key, "")
		mustBePrintable(t, body)
		if response.StatusCode == 200 {
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			return got, true
		}
		if response.StatusCode != 404 || !strings.Contains(body, "no such handshake") || time.Now().After(end) {
			return got, false
		}
	}
}

// The heads are those on the connection, octet for octet: neither the order of the fields
// nor their spelling or blanks are lost.
func TestExchange(t *testing.T) { inBothModes(t, testExchange) }

func testExchange(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	for _, test := range []struct{ name, before, head, content, middle string }{
		{name: "plain", head: getWithID},
		{name: "content", head: "POST /?handshake=", content: "7\r\n\r\ncontent"},
		{name: "asked for", head: "POST /?handshake=", content: "7\r\nExpect: 100-continue\r\n\r\n", middle: "HTTP/1.1 100 Continue\r\n\r\n"},
	} {
		for _, step := range []int{1, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d at a time", test.name, step), func(t *testing.T) {
				key := freshKey(t, address)
				head := test.head + key + " HTTP/1.1\r\n" + oddOffer
				sent := head
				if test.content != "" {
					sent = strings.TrimSuffix(head, "\r\n") + "Content-Length: " + test.content
					fields, _, _ := strings.Cut(test.content, "\r\n\r\n")
					head = strings.TrimSuffix(head, "\r\n") + "Content-Length: " + fields + "\r\n\r\n"
				}
				conn := dial(t, address, "")
				for p := []byte(sent); len(p) > 0; {
					n := min(step, len(p))
					if _, err := conn.Write(p[:n]); err != nil {
						t.Fatal(err)
					}
					p = p[n:]
				}
				if test.middle != "" {
					mustRead(t, conn, test.middle)
					io.WriteString(conn, "content")
				}
				mustRead(t, conn, echo101)
				io.WriteString(conn, "later\r\n\r\n")
				mustRead(t, conn, "later\r\n\r\n")
				got, ok := heads(t, address, key)
				head = strings.Replace(head, "Cookie: secret", "Cookie: (not kept)", 1)
				if !ok || string(got.Request) != head || got.RequestCut || string(got.Response) != echo101 || got.ResponseCut {
					t.Errorf("%t, request\n%q, want\n%q\nresponse %q", ok, got.Request, head, got.Response)
				}
				if a := got.Analysis; a == nil || a.Verdict != "offer" || a.AllProducts != 3 || a.Products[1] != (explain.ProductJSON{Product: "Echo/1", Name: "Echo", Version: "1", Offset: 6}) ||
					a.AllOptions != 2 || a.Options[1] != (explain.OptionJSON{Option: "Upgrade", Offset: 13}) {
					t.Errorf("%+v", got.Analysis)
				}
			})
		}
	}
}

// The server keeps only the beginning of a long head, and says so.
func TestExchangeBounds(t *testing.T) { inBothModes(t, testExchangeBounds) }

func testExchangeBounds(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	key := freshKey(t, address)
	long := getWithID + key + " HTTP/1.1\r\nX: " + strings.Repeat("x", record.MaxKept) + "\r\n" + offerEcho + "\r\n"
	mustRead(t, dial(t, address, long), echo101)
	got, ok := heads(t, address, key)
	if !ok || string(got.Request) != long[:record.MaxKept] || !got.RequestCut || got.Analysis != nil || string(got.Response) != echo101 {
		t.Errorf("%t, %d octets, cut %t, %+v", ok, len(got.Request), got.RequestCut, got.Analysis)
	}

	// If the connection was used before, its first exchange is another one.
	second := freshKey(t, address)
	conn := dial(t, address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"+getWithID+second+" HTTP/1.1\r\n"+offerEcho+"\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	mustRead(t, reader, echo101)
	if got, ok := heads(t, address, second); ok {
		t.Errorf("%+v", got)
	}

	for _, key := range []string{"", "x", key[1:], strings.ToUpper(key), freshKey(t, address)} {
		response, body := fetch(t, "GET", "http://"+address+"/handshake?key="+key, "")
		if response.StatusCode != 404 || strings.Contains(body, "Host") {
			t.Errorf("key %q: %s, %s", key, response.Status, body)
		}
	}
}

// freshKey asks for a key, as the page does.
func freshKey(t *testing.T, address string) string {
	t.Helper()
	response, body := fetch(t, "POST", "http://"+address+"/key", "{}", "Content-Type", "application/json")
	var got keyJSON
	if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != 200 || len(got.Key) != 4*keyOctets {
		t.Fatalf("%s, %s", response.Status, body)
	}
	return got.Key
}

// Only the server can make a key.
func TestKeys(t *testing.T) {
	k := newKeys()
	key := k.fresh()
	if key == k.fresh() || k.of(keyTarget+key) != key {
		t.Errorf("key %q", key)
	}
	for _, target := range []string{
		"/", keyTarget, keyTarget + key + "0", keyTarget + key[1:], keyTarget + key[2:],
		"/x" + keyTarget[1:] + key, "http://x" + keyTarget + key, keyTarget + strings.Repeat("0", len(key)),
		keyTarget + key[:len(key)-1] + "g", keyTarget + newKeys().fresh(), keyTarget + strings.Repeat("\xe2", len(key)),
	} {
		if got := k.of(target); got != "" {
			t.Errorf("%q: %q", target, got)
		}
	}
}

// lastOf asks for the handshakes after a number.
func lastOf(t *testing.T, address, after string) (last int, notes []noteJSON, text string) {
	t.Helper()
	_, text = fetch(t, "GET", "http://"+address+"/handshakes?after="+after, "")
	mustBePrintable(t, text)
	var got struct {
		Last       int
		Handshakes []noteJSON
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	return got.Last, got.Handshakes, text
}

func TestLastHandshakes(t *testing.T) { inBothModes(t, testLastHandshakes) }

func testLastHandshakes(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	if last, notes, _ := lastOf(t, address, "0"); last != 0 || len(notes) != 0 {
		t.Fatalf("%d, %+v", last, notes)
	}
	key := freshKey(t, address)
	mustRead(t, dial(t, address, getWithID+key+" HTTP/1.1\r\n"+oddOffer), echo101)
	log.mustLog(t, "switched to echo/1")
	mustRead(t, dial(t, address, "GET /a?secret HTTP/1.1\r\nHost: localhost\r\nUpgrade: <b>\"'&\x80\r\nConnection: upgrade\r\n\r\n"), "HTTP/1.1 200 ")
	mustRead(t, dial(t, address, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"), "HTTP/1.1 426 ")
	log.mustLog(t, "refused with status 426")
	mustRead(t, dial(t, address, "PUT /"+strings.Repeat("x", 300)+" HTTP/1.1\r\nHost: localhost\r\nUpgrade: "+strings.Repeat("y", 300)+"\r\nConnection: upgrade\r\n\r\n"), "HTTP/1.1 200 ")
	log.mustLog(t, "PUT")
	last, notes, text := lastOf(t, address, "0")
	if last != 4 || len(notes) != 4 {
		t.Fatalf("%d, %s", last, text)
	}
	type shown struct {
		number                            int
		method, target, offered, decision string
		switched                          bool
	}
	var got []shown
	for _, n := range notes {
		got = append(got, shown{n.Number, string(n.Method), string(n.Target), string(n.Offered), n.Decision, n.Switched})
		if time.Since(n.Time).Abs() > time.Minute {
			t.Errorf("time %v", n.Time)
		}
	}
	want := []shown{
		{1, "GET", "/?...", "h2c , Echo/1,echo/1", "switched to echo/1", true},
		{2, "GET", "/a?...", "<b>\"'&\x80", "not switched: handshake: malformed Upgrade: line 0, offset 0: want token", false},
		{3, "GET", "/", "websocket", "not switched: handshake: refused with status 426: websocket: Sec-WebSocket-Version is not 13", false},
		{4, "PUT", "/" + strings.Repeat("x", maxQuoted-1), strings.Repeat("y", maxQuoted), "not switched: no offered product is served here", false},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(shown{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, secret := range []string{key, "secret", "127.0.0.1", "<", ">"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
	for after, want := range map[string]int{"3": 1, "4": 0, "99": 0, "-1": 4, "x": 4, "": 4, "99999999999999999999": 0} {
		if last, notes, _ := lastOf(t, address, after); last != 4 || len(notes) != want {
			t.Errorf("after %q: last %d, %d notes, want %d", after, last, len(notes), want)
		}
	}
}

// A page that has outlived its server learns that another server counts from 1 again.
func TestServersDiffer(t *testing.T) {
	ids := map[string]bool{}
	for range 2 {
		address, _ := serveHere(t)
		key := freshKey(t, address)
		mustRead(t, dial(t, address, getWithID+key+" HTTP/1.1\r\n"+offerEcho+"\r\n"), echo101)
		exchange, ok := heads(t, address, key)
		_, _, body := lastOf(t, address, "1")
		var answer struct{ Server string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || !ok || answer.Server == "" || exchange.Server != answer.Server {
			t.Errorf("%v, the handshake is of the server %q: %s", err, exchange.Server, body)
		}
		ids[answer.Server] = true
	}
	if len(ids) != 2 {
		t.Errorf("two servers have the names %v", ids)
	}
}

// The server notes all of many simultaneous handshakes, each with its own octets.
func TestManyHandshakes(t *testing.T) { inBothModes(t, testManyHandshakes) }

func testManyHandshakes(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	const clients, each = 8, 20
	var keys [clients][each]string
	for client := range clients {
		for i := range each {
			keys[client][i] = freshKey(t, address)
		}
	}
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := range each {
				key := keys[client][i]
				head := getWithID + key + " HTTP/1.1\r\nX: " + key + "\r\n" + offerEcho + "\r\n"
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				conn.SetDeadline(time.Now().Add(patience))
				io.WriteString(conn, head+"x")
				got := make([]byte, len(echo101)+1)
				if _, err := io.ReadFull(conn, got); err != nil || string(got) != echo101+"x" {
					t.Errorf("%q, %v", got, err)
				}
				// The server has noted it before the echo; later ones may have replaced it.
				response, body := fetch(t, "GET", "http://"+address+"/handshake?key="+key, "")
				var kept exchangeJSON
				if response.StatusCode == 200 && (json.Unmarshal([]byte(body), &kept) != nil || string(kept.Request) != head) {
					t.Errorf("%s", body)
				}
				if last, notes, _ := lastOf(t, address, "0"); len(notes) > maxLast || last < i+1 {
					t.Errorf("last %d, %d notes", last, len(notes))
				}
				conn.Close()
			}
		})
	}
	all.Wait()
	last, notes, _ := lastOf(t, address, "0")
	if last != clients*each || len(notes) != maxLast {
		t.Fatalf("last %d, %d notes", last, len(notes))
	}
	for i, n := range notes {
		if n.Number != last-maxLast+1+i || !n.Switched {
			t.Errorf("note %d: %+v", i, n)
		}
	}
}
