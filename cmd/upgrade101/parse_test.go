package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// lines joins lines with a line end after each.
func lines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func TestParseArguments(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"example of RFC 9110, section 7.8", []string{"HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11"}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"product: HTTP, version 2.0",
			"product: SHTTP, version 1.3",
			"product: IRC, version 6.9",
			"product: RTA, version x11",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products",
		)},
		{"blank before the slash", []string{"foo / 1"}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"malformed: Upgrade, line 0, offset 4: want comma or end of line, not '/'",
			"    foo / 1",
			"        ^",
			"verdict: no offer",
			"why: the Upgrade field is malformed: serve the request without a switch",
		)},
		{"several values", []string{", websocket ,,", "h2c"}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"product: websocket",
			"product: h2c",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products",
		)},
		{"fields", []string{"Host: example.com", "connection:keep-alive, Upgrade", "upgrade: \twebsocket ", "Connection: x"}, lines(
			"assumed: HTTP/1.1",
			"ignored: Host",
			"option: keep-alive",
			"option: Upgrade",
			"option: x",
			"product: websocket",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products",
		)},
		{"a field line and a value", []string{"Connection: close", "websocket"}, lines(
			"assumed: HTTP/1.1",
			"option: close",
			"product: websocket",
			"verdict: no offer",
			"why: Connection does not name the option upgrade: serve the request without a switch",
		)},
		{"no Connection", []string{"Upgrade: a b"}, lines(
			"assumed: HTTP/1.1",
			"malformed: Upgrade, line 0, offset 2: want comma or end of line, not 'b'",
			"    Upgrade: a b",
			"               ^",
			"verdict: no offer",
			"why: there is no Connection field: serve the request without a switch",
		)},
		{"no Upgrade", []string{"Connection: Upgrade"}, lines(
			"assumed: HTTP/1.1",
			"option: Upgrade",
			"verdict: no offer",
			"why: there is no Upgrade field: serve the request without a switch",
		)},
		{"empty value", []string{""}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"malformed: Upgrade, line 0, offset 0: want at least one element",
			"    ",
			"    ^",
			"verdict: no offer",
			"why: the Upgrade field is empty: serve the request without a switch",
		)},
		{"the second line, with escapes", []string{"a", "\x1b"}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"malformed: Upgrade, line 1, offset 0: want token, not the octet 0x1b",
			`    \x1b`,
			"    ^",
			"verdict: no offer",
			"why: the Upgrade field is malformed: serve the request without a switch",
		)},
		{"both fields malformed", []string{"Upgrade:\ta b", "Connection: \"Upgrade\""}, lines(
			"assumed: HTTP/1.1",
			"malformed: Upgrade, line 0, offset 2: want comma or end of line, not 'b'",
			`    Upgrade:\ta b`,
			"                ^",
			"malformed: Connection, line 0, offset 0: want token, not '\"'",
			`    Connection: "Upgrade"`,
			"                ^",
			"verdict: no offer",
			"why: the Connection field is malformed: serve the request without a switch",
		)},
		{"missing version", []string{"foo/ , bar"}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"malformed: Upgrade, line 0, offset 4: want version after slash, not ' '",
			"    foo/ , bar",
			"        ^",
			"verdict: no offer",
			"why: the Upgrade field is malformed: serve the request without a switch",
		)},
		{"space before the colon", []string{"Upgrade : websocket"}, lines(
			"malformed: field line: want field name and colon (RFC 9112, section 5.1)",
			"    Upgrade : websocket",
			"           ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"no field name", []string{":x"}, lines(
			"malformed: field line: want field name and colon (RFC 9112, section 5.1)",
			"    :x",
			"    ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"odd field name", []string{"a@b:x"}, lines(
			"malformed: field line: want field name and colon (RFC 9112, section 5.1)",
			"    a@b:x",
			"     ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"control character in another field", []string{"X: \x1b[2J"}, lines(
			"malformed: field line: want no control in field value (RFC 9110, section 5.5)",
			`    X: \x1b[2J`,
			"       ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"long line", []string{strings.Repeat("a", 1<<16) + " b, " + strings.Repeat("c", 1<<16)}, lines(
			"assumed: HTTP/1.1 with Connection: Upgrade",
			"option: Upgrade",
			"malformed: Upgrade, line 0, offset 65537: want comma or end of line, not 'b'",
			"    ..."+strings.Repeat("a", 51)+" b, "+strings.Repeat("c", 21)+"...",
			"    "+strings.Repeat(" ", 55)+"^",
			"verdict: no offer",
			"why: the Upgrade field is malformed: serve the request without a switch",
		)},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := try("", append([]string{"parse", "--"}, test.args...)...)
			if diff := cmp.Diff(test.want, stdout); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			wantCode := exitOK
			if strings.Contains(test.want, "malformed: ") {
				wantCode = exitFailure
			}
			if code != wantCode || stderr != "" {
				t.Errorf("exit code %d, standard error %q", code, stderr)
			}
		})
	}
}

// webSocket returns a request that offers websocket.
func webSocket(method, version, key string) string {
	return method + " / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nsec-websocket-version: " + version + " \r\nSec-WebSocket-Key: " + key + "\r\n\r\n"
}

func TestParseHead(t *testing.T) {
	for _, test := range []struct {
		name, head, want string
	}{
		{"request, LF alone, no empty line", "GET / HTTP/1.1\nHost: x\nConnection: upgrade\nUpgrade: a/1", lines(
			"start: GET / HTTP/1.1",
			"ignored: Host",
			"option: upgrade",
			"product: a, version 1",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products",
		)},
		{"HTTP/1.0, empty lines first, content after", "\r\n\r\nGET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\nUpgrade: @", lines(
			"start: GET / HTTP/1.0",
			"option: upgrade",
			"product: a",
			"verdict: no offer",
			"why: HTTP/1.0 cannot upgrade, only HTTP/1.1 can: serve the request without a switch",
		)},
		{"switch", "HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n", lines(
			"start: HTTP/1.1 101 ",
			"option: upgrade",
			"product: a",
			"verdict: switch",
			"why: from here on the server speaks what the Upgrade field names, provided that the client offered it",
		)},
		{"101 without Connection", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n", lines(
			"start: HTTP/1.1 101 Switching Protocols",
			"product: a",
			"verdict: no switch",
			"why: there is no Connection field: the client must close the connection",
		)},
		{"426", "HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: a, b\r\n\r\n", lines(
			"start: HTTP/1.1 426 Upgrade Required",
			"option: upgrade",
			"product: a",
			"product: b",
			"verdict: no switch",
			"why: the status is 426, not 101: the server advertises what it could switch to",
		)},
		{"101 without the option", "HTTP/1.1 101 Switching Protocols\r\nConnection: close\r\nUpgrade: a\r\n\r\n", lines(
			"start: HTTP/1.1 101 Switching Protocols",
			"option: close",
			"product: a",
			"verdict: no switch",
			"why: Connection does not name the option upgrade: the client must close the connection",
		)},
		{"advertisement without Connection", "HTTP/1.1 200 OK\r\nUpgrade: a\r\n\r\n", lines(
			"start: HTTP/1.1 200 OK",
			"product: a",
			"verdict: no switch",
			"why: the status is 200, not 101, and there is no Connection field, so the server advertises nothing",
		)},
		{"no Upgrade in a response", "HTTP/1.1 200 OK\r\n\r\n", lines(
			"start: HTTP/1.1 200 OK",
			"verdict: no switch",
			"why: the status is 200, not 101",
		)},
		{"obs-fold", "GET / HTTP/1.1\r\nUpgrade: a\r\n\tb\r\n\r\n", lines(
			"start: GET / HTTP/1.1",
			"malformed: field line: want no line folding (RFC 9112, section 5.2)",
			`    \tb`,
			"    ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"bare CR", "GET / HTTP/1.1\r\nUpgrade: a\rb\r\n\r\n", lines(
			"start: GET / HTTP/1.1",
			"malformed: field line: want CR and LF together (RFC 9112, section 2.2)",
			`    Upgrade: a\x0db`,
			"              ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"no Host", "GET / HTTP/1.1\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n", lines(
			"start: GET / HTTP/1.1",
			"malformed: empty line: want exactly one valid Host (RFC 9112, section 3.2)",
			"    ",
			"    ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
		{"CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n", lines(
			"start: CONNECT x:1 HTTP/1.1",
			"ignored: Host",
			"option: upgrade",
			"product: a",
			"verdict: no offer",
			"why: a CONNECT asks for a tunnel and cannot upgrade: serve the request without a switch",
		)},
		{"websocket", webSocket("GET", "13", "dGhlIHNhbXBsZSBub25jZQ=="), lines(
			"start: GET / HTTP/1.1",
			"checked: sec-websocket-version",
			"checked: Sec-WebSocket-Key",
			"ignored: Host",
			"option: upgrade",
			"product: WebSocket",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products",
		)},
		{"websocket, another version and a short key", webSocket("GET", "8", "short"), lines(
			"start: GET / HTTP/1.1",
			"checked: sec-websocket-version",
			"checked: Sec-WebSocket-Key",
			"ignored: Host",
			"option: upgrade",
			"product: WebSocket",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products; refuse websocket with 426: Sec-WebSocket-Version is not 13",
		)},
		{"websocket, POST", webSocket("POST", "13", "short"), lines(
			"start: POST / HTTP/1.1",
			"checked: sec-websocket-version",
			"checked: Sec-WebSocket-Key",
			"ignored: Host",
			"option: upgrade",
			"product: WebSocket",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products; refuse websocket with 405: method is not GET (HTTP/1.1) or CONNECT (HTTP/2)",
		)},
		{"websocket, a short key", webSocket("GET", "13", "short"), lines(
			"start: GET / HTTP/1.1",
			"checked: sec-websocket-version",
			"checked: Sec-WebSocket-Key",
			"ignored: Host",
			"option: upgrade",
			"product: WebSocket",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products; refuse websocket with 400: Sec-WebSocket-Key is not the base64 of 16 bytes",
		)},
		{"fields of websocket without an offer of it", strings.Replace(webSocket("GET", "8", "short"), "WebSocket", "a", 1), lines(
			"start: GET / HTTP/1.1",
			"ignored: Host",
			"ignored: sec-websocket-version",
			"ignored: Sec-WebSocket-Key",
			"option: upgrade",
			"product: a",
			"verdict: offer",
			"why: HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products",
		)},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", lines(
			"start: POST / HTTP/1.1",
			"malformed: field line: want Content-Length or Transfer-Encoding, not both (RFC 9112, section 6.1)",
			"    Transfer-Encoding: chunked",
			"                       ^",
			"verdict: no offer",
			"why: the message is malformed, so nothing in it counts",
		)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stdout, stderr := try(test.head, "parse")
			if diff := cmp.Diff(test.want, stdout); diff != "" || stderr != "" {
				t.Errorf("output (-want +got):\n%s%s", diff, stderr)
			}
		})
	}
}

// Arguments are no files. If one has the name of a file, parse says how to read the file.
func TestParseNameOfAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("1.txt", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("websocket", 0o700); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]bool{"1.txt": true, "2.txt": false, "websocket": false} {
		code, stdout, stderr := try("", "parse", arg)
		if code != exitOK || !strings.Contains(stdout, "product: "+arg+"\n") || strings.Contains(stderr, "upgrade101 parse <FILE\n") != want {
			t.Errorf("%s: exit code %d, %q, %q", arg, code, stdout, stderr)
		}
	}
}

// A signal ends the reading of standard input.
func TestParseStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in, typed := io.Pipe()
	defer typed.Close()
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() { code <- run(ctx, []string{"parse"}, in, io.Discard, &stderr) }()
	fmt.Fprint(typed, "GET / HTTP/1.1\r\n")
	cancel()
	if got := tcptest.Receive(t, code); got != exitFailure || stderr.String() != "upgrade101: interrupted\n" {
		t.Errorf("exit code %d, %s", got, &stderr)
	}
}

// For every octet at several places in the input, the output is printable, and the caret
// is under the fault.
func TestNothingRawInReports(t *testing.T) {
	for c := range 256 {
		octet := string([]byte{byte(c)})
		for _, input := range []string{
			octet, "a" + octet, "a/1" + octet + "b", octet + octet + "\x1b]0;x\x07",
			"Upgrade: \x1b" + octet, "Connection: " + octet, "X: " + octet, octet + ": x", "a" + octet + ": x",
		} {
			_, stdout, stderr := try("", "parse", "--", input)
			mustBePrintable(t, stdout+stderr)
			checkCaret(t, input, stdout)
			for _, head := range []string{input, "GET / HTTP/1.1\r\n" + input, "GET /" + input + " HTTP/1.1", "HTTP/1.1 200 " + input} {
				_, stdout, stderr := try(head, "parse")
				mustBePrintable(t, stdout+stderr)
			}
		}
	}
}

// checkCaret checks that the first caret in the output is under the octet of input at the
// reported offset, or at the end of input.
func checkCaret(t *testing.T, input, output string) {
	t.Helper()
	_, rest, found := strings.Cut(output, "malformed: Upgrade, line 0, ")
	if !found {
		return
	}
	var offset int
	if _, err := fmt.Sscanf(rest, "offset %d", &offset); err != nil {
		t.Fatal(err)
	}
	offset += len(input) - len(strings.TrimPrefix(input, "Upgrade: "))
	shown := strings.Split(rest, "\n")
	want := "    " + strings.Repeat(" ", len(text.Escape(input[:offset]))) + "^"
	if shown[1] != "    "+text.Escape(input) || shown[2] != want {
		t.Errorf("%q, offset %d:\n%s\n%s", input, offset, shown[1], shown[2])
	}
}

func TestHeadLimit(t *testing.T) {
	const start = "GET / HTTP/1.1\r\nHost: x\r\n"
	fits := start + "X: " + strings.Repeat("a", explain.MaxHead-len(start)-len("X: \r\n\r\n")) + "\r\n\r\n"
	if code, _, stderr := try(fits, "parse"); code != 0 {
		t.Errorf("1 MiB: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := try(fits+"content", "parse"); code != 0 {
		t.Errorf("1 MiB and content: exit code %d, %s", code, stderr)
	}
	code, stdout, stderr := try(strings.Replace(fits, "X", "XX", 1), "parse")
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "within 1 MiB") {
		t.Errorf("1 MiB and one octet: exit code %d, %q, %q", code, stdout, stderr)
	}
	if _, err := explain.ReadHead(iotest.ErrReader(os.ErrClosed)); err == nil {
		t.Error("no error from a reader that fails")
	}
}

// All heads captured from real software are well-formed messages, and each of the four
// verdicts occurs.
func TestCaptures(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/captures/*.re*")
	if len(files) == 0 {
		t.Fatal("no captured heads in testdata/captures of the root module")
	}
	verdicts := map[string]int{}
	for _, file := range files {
		head, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, stdout, stderr := try(string(head), "parse")
		mustBePrintable(t, stdout+stderr)
		start, _, _ := strings.Cut(string(head), "\r\n")
		if want := "start: " + start[:min(len(start), 60)]; !strings.HasPrefix(stdout, want) {
			t.Errorf("%s: no line %q in\n%s%s", file, want, stdout, stderr)
		}
		if strings.Contains(stdout, "the message is malformed") {
			t.Errorf("%s:\n%s", file, stdout)
		}
		_, verdict, _ := strings.Cut(stdout, "verdict: ")
		verdict, _, _ = strings.Cut(verdict, "\n")
		verdicts[filepath.Ext(file)+" "+verdict]++
	}
	for _, want := range []string{".req offer", ".req no offer", ".resp switch", ".resp no switch"} {
		if verdicts[want] == 0 {
			t.Errorf("no captured head is %q: %v", want, verdicts)
		}
		delete(verdicts, want)
	}
	if len(verdicts) > 0 {
		t.Errorf("unexpected verdicts: %v", verdicts)
	}
}
