package serve

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// askParties asks the page's question, and returns the status and the answer.
func askParties(t *testing.T, address, connection, upgrades string) (int, partiesJSON, string) {
	t.Helper()
	return askPartiesOf(t, address, map[string]string{"connection": connection, "upgrade": upgrades})
}

func askPartiesOf(t *testing.T, address string, question any) (int, partiesJSON, string) {
	t.Helper()
	asked, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	response, body := fetch(t, "POST", "http://"+address+"/parties", string(asked), "Content-Type", "application/json")
	var parties partiesJSON
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &parties); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, parties, body
}

// Each party is asked, and what it says is what it did: its heads agree with those of the
// party next to it.
func TestThreeParties(t *testing.T) { inBothModes(t, testThreeParties) }

func testThreeParties(t *testing.T, flags ...string) {
	address, log := serveHere(t, flags...)
	const ordinary = "nothing was offered: an ordinary request"
	for _, test := range []struct {
		name, connection, upgrades    string
		client, proxy, server, direct string
		passed                        string // the Upgrade that the proxy passes on
	}{
		{
			"a browser", "keep-alive, Upgrade", "websocket",
			"switched to websocket", "switched to websocket", "switched to websocket", "switched to websocket", "websocket",
		},
		{
			"more than the proxy allows", "Upgrade", "h2c, echo/1",
			"switched to echo/1", "switched to echo/1", "switched to echo/1", "switched to echo/1", "echo/1",
		},
		{
			"nothing that the proxy allows", "Upgrade", "h2c",
			"not switched: answered 200", "not passed on: no offered product is allowed; answered 200", ordinary, "not switched: no offered product is served here", "",
		},
		{
			"no option", "keep-alive", "websocket",
			"not switched: answered 200", "not passed on: handshake: no upgrade option in Connection; answered 200", ordinary,
			"not switched: handshake: no upgrade option in Connection", "",
		},
		{
			"a malformed Upgrade", "Upgrade", "echo / 1",
			"not switched: answered 200", "not passed on: handshake: malformed Upgrade: line 0, offset 5: want comma or end of line; answered 200", ordinary,
			"not switched: handshake: malformed Upgrade: line 0, offset 5: want comma or end of line", "",
		},
		{
			"a malformed Connection", "Upgrade, @", "echo/1",
			"not switched: answered 400", "not passed on: handshake: malformed Connection: line 0, offset 9: want token; answered 400", "not asked",
			"not switched: handshake: malformed Connection: line 0, offset 9: want token", "",
		},
		{
			"two lines of each", "x\nUpgrade", "h2c\necho/1",
			"switched to echo/1", "switched to echo/1", "switched to echo/1", "switched to echo/1", "echo/1",
		},
		{
			"no offer", "", "",
			"not switched: answered 200", "nothing was offered: passed on as an ordinary request", ordinary, ordinary, "",
		},
		{
			"an octet that no field holds", "Upgrade", `echo/1\x00`,
			"not switched: answered 400", "refused before the two fields were read", "not asked", "refused before the two fields were read", "",
		},
		{
			"octets beyond ASCII", "Upgrade", `websoc\u212Aet`,
			"not switched: answered 200", "not passed on: handshake: malformed Upgrade: line 0, offset 6: want comma or end of line; answered 200", ordinary,
			"not switched: handshake: malformed Upgrade: line 0, offset 6: want comma or end of line", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, got, body := askParties(t, address, test.connection, test.upgrades)
			if status != http.StatusOK {
				t.Fatalf("answered %d: %s", status, body)
			}
			for _, party := range []struct {
				name string
				got  partyJSON
				want string
			}{
				{"client", got.Client, test.client},
				{"proxy", got.Proxy, test.proxy},
				{"server", got.Server, test.server},
				{"server without the proxy", got.Direct, test.direct},
			} {
				if party.got.Verdict != party.want {
					t.Errorf("%s: %q, want %q", party.name, party.got.Verdict, party.want)
				}
				if want := strings.HasPrefix(party.want, "switched to "); party.got.Switched != want {
					t.Errorf("%s: switched is %t", party.name, party.got.Switched)
				}
			}
			for _, octets := range []text.Octets{
				got.Client.Request, got.Client.Response, got.Proxy.Request, got.Proxy.Response, got.Direct.Response,
			} {
				if octets != "" && strings.Count(string(octets), "\r\n\r\n") != 1 || octets != "" && !strings.HasSuffix(string(octets), "\r\n\r\n") {
					t.Errorf("%q is no head", octets)
				}
			}
			if got.Proxy.Request != got.Server.Request || got.Proxy.Response != got.Server.Response {
				t.Errorf("the proxy sent %q and got %q, and the server got %q and sent %q",
					got.Proxy.Request, got.Proxy.Response, got.Server.Request, got.Server.Response)
			}
			for _, line := range strings.Split(test.upgrades, "\n") {
				line, _ := text.Unescape(line)
				if len(line) > 0 && !strings.Contains(string(got.Client.Request), "\r\nUpgrade: "+line[0]+"\r\n") {
					t.Errorf("the client did not send %q: %q", line, got.Client.Request)
				}
			}
			passed := ""
			if _, after, found := strings.Cut(string(got.Proxy.Request), "\r\nUpgrade: "); found {
				passed, _, _ = strings.Cut(after, "\r\n")
			}
			if passed != test.passed {
				t.Errorf("the proxy passed on %q, want %q", passed, test.passed)
			}
			if asked := got.Server.Verdict != "not asked"; asked != (got.Proxy.Request != "") {
				t.Errorf("%q after the request %q", got.Server.Verdict, got.Proxy.Request)
			}
		})
	}
	if log.String() != "" {
		t.Errorf("the questions are in the log:\n%s", log)
	}
	if _, body := fetch(t, "GET", "http://"+address+"/handshakes", ""); !strings.Contains(body, `"handshakes":[]`) {
		t.Errorf("the questions are among the last handshakes: %s", body)
	}
}

func TestThreePartiesRefuseWhatIsNoFieldLine(t *testing.T) {
	address, _ := serveHere(t)
	for _, test := range []struct {
		connection, upgrades string
		status               int
	}{
		{"Upgrade", `echo/1\r\n\r\nGET / HTTP/1.1`, 400},
		{`Upgrade\n`, "echo/1", 400},
		{"Upgrade", `\xg0`, 400},
		{"Upgrade", strings.Repeat("a", 64<<10+1), 413},
	} {
		if status, _, body := askParties(t, address, test.connection, test.upgrades); status != test.status || !strings.Contains(body, `"error"`) {
			t.Errorf("%.40q, %.40q: answered %d: %s", test.connection, test.upgrades, status, body)
		}
	}
	if response, _ := fetch(t, "POST", "http://"+address+"/parties", "{}"); response.StatusCode != 415 {
		t.Errorf("without a type: %s", response.Status)
	}
}

// The longest fields that can be typed get an answer, and so do many questions at once.
func TestThreePartiesUnderLoad(t *testing.T) {
	address, _ := serveHere(t)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			status, got, body := askParties(t, address, strings.Repeat("a,", 30<<10), strings.Repeat("b,", 30<<10))
			if status != 200 || !strings.HasPrefix(string(got.Client.Response), "HTTP/1.1 431 ") {
				t.Errorf("answered %d: %.200s", status, body)
			}
			if status, got, body := askParties(t, address, "Upgrade", "echo/1"); status != 200 || !got.Client.Switched {
				t.Errorf("answered %d: %s", status, body)
			}
		})
	}
	all.Wait()
}

// The last handshakes hold the lines with which the same offer can be made again.
func TestLastHandshakesCanBeMadeAgain(t *testing.T) { inBothModes(t, testLastHandshakesCanBeMadeAgain) }

func testLastHandshakesCanBeMadeAgain(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	long := strings.Repeat("x", maxLines)
	for _, fields := range []string{
		"Connection: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: b/\x80\r\n",
		"Connection: Upgrade\r\nUpgrade: " + long + "\r\n",
	} {
		conn := dial(t, address, "GET / HTTP/1.1\r\nHost: localhost\r\n"+fields+"\r\n")
		conn.CloseWrite()
		io.Copy(io.Discard, conn)
	}
	_, body := fetch(t, "GET", "http://"+address+"/handshakes", "")
	var answer struct{ Handshakes []noteJSON }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Handshakes) != 2 {
		t.Fatalf("%v: %s", err, body)
	}
	first, second := answer.Handshakes[0], answer.Handshakes[1]
	if got := text.AllOctets(first.Connection); len(got) != 2 || got[0] != "a" || got[1] != "Upgrade" {
		t.Errorf("Connection: %q", got)
	}
	if got := text.AllOctets(first.Upgrade); len(got) != 2 || got[0] != "h2c" || got[1] != "b/\x80" {
		t.Errorf("Upgrade: %q", got)
	}
	if second.Connection != nil || second.Upgrade != nil {
		t.Errorf("lines of %d octets were kept", len(long))
	}
}

// The offer that is made again has the same lines, octet for octet, also if one is empty.
func TestSameLinesAgain(t *testing.T) { inBothModes(t, testSameLinesAgain) }

func testSameLinesAgain(t *testing.T, flags ...string) {
	address, _ := serveHere(t, flags...)
	for i, fields := range []string{
		"Upgrade: \r\nConnection: Upgrade\r\n",
		"Upgrade: \r\nUpgrade: \r\nConnection: \r\n",
		"Upgrade: \r\nUpgrade: echo/1\r\nConnection: \r\nConnection: Upgrade\r\n",
		"Upgrade: \\x61\x80\r\nConnection: a\\\r\n",
	} {
		conn := dial(t, address, "GET / HTTP/1.1\r\nHost: localhost\r\n"+fields+"\r\n")
		conn.CloseWrite()
		io.Copy(io.Discard, conn)
		_, notes, body := lastOf(t, address, strconv.Itoa(i))
		if len(notes) != 1 {
			t.Fatal(body)
		}
		status, got, body := askPartiesOf(t, address, map[string]any{"connection": notes[0].Connection, "upgrade": notes[0].Upgrade})
		if want := "GET / HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n"; status != http.StatusOK || string(got.Client.Request) != want {
			t.Errorf("answered %d, sent %q, want %q: %s", status, got.Client.Request, want, body)
		}
		if got.Direct.Verdict != notes[0].Decision {
			t.Errorf("%q: first %q, now %q", fields, notes[0].Decision, got.Direct.Verdict)
		}
	}
}
