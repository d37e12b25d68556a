package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade/cmd/upgrade101/cases"
	"github.com/gosegue/upgrade/internal/tcptest"
)

const testdata = "../../testdata/"

// This build passes every case, and counts every case.
func TestCorpus(t *testing.T) {
	files, _ := filepath.Glob(testdata + "*.json")
	if len(files) != len(cases.Formats()) {
		t.Fatalf("files %q", files)
	}
	total := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []json.RawMessage
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		total += len(all)
	}
	code, stdout, stderr := try("", append([]string{"corpus"}, files...)...)
	if want := fmt.Sprintf("%d passed, 0 failed\n", total); code != exitOK || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q, %q; want %q", code, stdout, stderr, want)
	}
}

// A case fails if any part of the answer that it wants is changed.
func TestWrongCorpus(t *testing.T) {
	for _, name := range cases.Formats() {
		data, err := os.ReadFile(testdata + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for from, to := range map[string]string{
			`"products": [["websocket"]]`: `"products": [["websocket", "13"]]`,
			`"offset": 0`:                 `"offset": 1`,
			`"line": 0`:                   `"line": 1`,
			`"ErrNoOption"`:               `"ErrNoUpgrade"`,
			`"field": "Upgrade"`:          `"field": "Connection"`,
			`"select": "websocket"`:       `"select": "WebSocket"`,
			`"options": ["Upgrade"]`:      `"options": ["upgrade"]`,
			`{"1.0": false, "1.1": true}`: `{"1.0": true, "1.1": true}`,
			`"connection": ["Upgrade"]`:   `"connection": ["Upgrade", "close"]`,
			`: websocket\u000D`:           `: websocket \u000D`,
			`"index": 0`:                  `"index": 1`,
			`"error": "ErrReserved"`:      `"error": "ErrFieldName"`,
		} {
			wrong := strings.ReplaceAll(string(data), from, to)
			// In captures.json, connection is part of the answer. Elsewhere it is part of
			// the question.
			if wrong == string(data) || name != "captures" && strings.HasPrefix(from, `"connection"`) {
				continue
			}
			file := filepath.Join(t.TempDir(), name+".json")
			if err := os.Symlink(must(filepath.Abs(testdata+"captures")), filepath.Join(filepath.Dir(file), "captures")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, _ := try("", "corpus", file)
			if code != exitFailure || !strings.Contains(stdout, "failed: ") && !strings.Contains(stdout, "error: ") {
				t.Errorf("%s with %s for %s: exit code %d\n%s", name, to, from, code, stdout)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// corpusFile writes a file of cases and returns its name.
func corpusFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCorpusText(t *testing.T) {
	file := corpusFile(t, "upgrade.json", `[
  {"name": "right", "rule": "x", "lines": ["a"], "products": [["a"]]},
  {"name": "wrong\u001b\u00e9", "rule": "x", "lines": ["a/1 b\u00FF"], "products": [["a", "1"], ["\u00FF"]]}
]`)
	code, stdout, stderr := try("", "corpus", file)
	want := lines(
		`failed: `+file+`: wrong\x1b\xc3\xa9`,
		`- want {"products":[["a","1"],["\u00ff"]]}`,
		`+ got  {"error":"ErrDelimiter","line":0,"offset":4}`,
		`1 passed, 1 failed`,
	)
	if diff := cmp.Diff(want, stdout); diff != "" || code != exitFailure || stderr != "" {
		t.Errorf("exit code %d, %q (-want +got):\n%s", code, stderr, diff)
	}
	code, stdout, _ = try("", "corpus", "--json", file, "no such file")
	want = fmt.Sprintf(`{
  "passed": 1,
  "failed": 1,
  "failures": [
    {
      "file": %q,
      "name": "wrong\u001b\u00E9",
      "want": {
        "products": [
          [
            "a",
            "1"
          ],
          [
            "\u00ff"
          ]
        ]
      },
      "got": {
        "error": "ErrDelimiter",
        "line": 0,
        "offset": 4
      }
    }
  ],
  "errors": [
    {
      "file": "no such file",
      "text": "want a file named after its format (captures, connection, request, response, upgrade), or --as"
    }
  ]
}
`, file)
	if diff := cmp.Diff(want, stdout); diff != "" || code != exitFailure {
		t.Errorf("exit code %d (-want +got):\n%s", code, diff)
	}
}

// A signal ends the reading of a file that is a pipe.
func TestCorpusStopped(t *testing.T) {
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typed.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"corpus", "--as", "upgrade", fmt.Sprintf("/dev/fd/%d", in.Fd())}, strings.NewReader(""), io.Discard, io.Discard)
	}()
	if got := tcptest.Receive(t, code); got != exitFailure {
		t.Errorf("exit code %d", got)
	}
}

func TestCorpusRefuses(t *testing.T) {
	const (
		upgrades    = `{"name": "a", "rule": "b", "lines": ["\u00FF"], "error": "ErrToken", "line": 0, "offset": 0}`
		connections = `{"name": "a", "rule": "b", "lines": ["x"], "options": ["x"], "persistent": {"1.1": true}}`
		requests    = `{"name": "a", "rule": "b", "version": "1.1", "connection": ["upgrade"], "upgrade": ["x"], "supported": ["x"], "products": [["x"]], "select": "x"}`
		responses   = `{"name": "a", "rule": "b", "status": 101, "version": "1.1", "connection": ["upgrade"], "upgrade": ["x"], "offered": ["x"], "products": [["x"]]}`
		builds      = `{"name": "a", "rule": "b", "build": 101, "to": ["x"], "fields": [["@", "y"]], "error": "ErrFieldName", "index": 0}`
		captures    = `{"file": "a.req", "rule": "b", "version": "1.1", "connection": ["Upgrade"], "products": [["x"]]}`
	)
	for _, test := range []struct{ as, good, from, to string }{
		{"upgrade", upgrades, `"lines"`, `"offered": [], "lines"`},
		{"upgrade", upgrades, `"lines"`, `"Lines"`},
		{"upgrade", upgrades, `"lines"`, `"lineſ"`},
		{"upgrade", upgrades, `"lines"`, `"line\u017f"`},
		{"upgrade", upgrades, `"lines": ["\u00FF"], `, ``},
		{"upgrade", upgrades, `00FF`, `0100`},
		{"upgrade", upgrades, `"b"`, `"é"`},
		{"upgrade", upgrades, `"b"`, `""`},
		{"upgrade", upgrades, `"a"`, `""`},
		{"upgrade", upgrades, `, "line": 0`, ``},
		{"upgrade", upgrades, `"error": "ErrToken", `, ``},
		{"upgrade", upgrades, `ErrToken`, `ErrNoOption`},
		{"upgrade", upgrades, `"error"`, `"products": [], "error"`},
		{"upgrade", upgrades, `"error": "ErrToken", "line": 0, "offset": 0`, `"products": [["a", ""]]`},
		{"upgrade", upgrades, `"error": "ErrToken", "line": 0, "offset": 0`, `"products": [[]]`},
		{"upgrade", upgrades, `}`, `}, null`},
		{"upgrade", upgrades, `}`, `}, []`},
		{"upgrade", upgrades, `}`, `}, ` + upgrades},
		{"upgrade", upgrades, `}`, `}] [`},
		{"connection", connections, `"1.1"`, `"1.10"`},
		{"connection", connections, `"1.1"`, `"x"`},
		{"connection", connections, `"options": ["x"], `, ``},
		{"request", requests, `"1.1"`, `"1,1"`},
		{"request", requests, `, "select": "x"`, ``},
		{"request", requests, `"upgrade": ["x"], `, ``},
		{"request", requests, `"supported": ["x"]`, `"supported": ["x y"]`},
		{"request", requests, `"products": [["x"]], "select": "x"`, `"error": "ErrNotSupported"`},
		{"request", requests, `"products": [["x"]], "select": "x"`, `"error": "ErrToken", "line": 0, "offset": 0`},
		{"response", responses, `"version": "1.1", `, ``},
		{"response", responses, `"offered": ["x"], `, ``},
		{"response", responses, `"offered": ["x"]`, `"offered": ["@"]`},
		{"response", responses, `"status"`, `"build"`},
		{"response", builds, `101`, `200`},
		{"response", builds, `["@", "y"]`, `["@"]`},
		{"response", builds, `["@", "y"]`, `["@", "y", "z"]`},
		{"response", builds, `"to": ["x"]`, `"to": ["/"]`},
		{"captures", captures, `a.req`, `../a.req`},
		{"captures", captures, `a.req`, `b.req`},
		{"captures", captures, `a.req`, `bad.req`},
		{"captures", captures, `a.req`, `empty.req`},
		{"captures", captures, `"1.1"`, `"1.0"`},
		{"captures", captures, `"version"`, `"status": 101, "version"`},
		{"captures", captures, `"version"`, `"status": 101, "offered": [], "version"`},
		{"captures", captures, `"connection": ["Upgrade"], `, ``},
	} {
		file := corpusFile(t, "cases", "["+test.good+"]")
		heads := filepath.Join(filepath.Dir(file), "captures")
		if err := os.Mkdir(heads, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, head := range map[string]string{
			"a.req": "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "bad.req": "GET / HTTP/1.1\r\n x\r\n\r\n", "empty.req": "",
		} {
			if err := os.WriteFile(filepath.Join(heads, name), []byte(head), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if code, stdout, _ := try("", "corpus", "--as", test.as, file); code != exitOK || stdout != "1 passed, 0 failed\n" {
			t.Errorf("%s: exit code %d, %q", test.as, code, stdout)
		}
		bad := strings.Replace("["+test.good+"]", test.from, test.to, 1)
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := try("", "corpus", "--as", test.as, file)
		if code != exitFailure || !strings.HasPrefix(stdout, "error: ") || !strings.HasSuffix(stdout, "\n0 passed, 0 failed\n") || stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q", bad, code, stdout, stderr)
		}
		mustBePrintable(t, stdout)
	}
	headless := corpusFile(t, "captures.json", `[{"file": "a.req", "rule": "b", "version": "1.1", "connection": [], "error": "ErrNoUpgrade"}]`)
	if code, stdout, _ := try("", "corpus", headless); code != exitFailure || !strings.Contains(stdout, "case 0: captures/a.req: no such file") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	for _, file := range []string{"no such file", t.TempDir(), "/dev/null"} {
		if code, stdout, _ := try("", "corpus", "--as", "upgrade", file); code != exitFailure || !strings.HasPrefix(stdout, "error: "+file+": ") {
			t.Errorf("%s: exit code %d, %q", file, code, stdout)
		}
	}
	large := corpusFile(t, "upgrade.json", "")
	if err := os.Truncate(large, 64<<20+1); err != nil {
		t.Fatal(err)
	}
	if _, stdout, _ := try("", "corpus", large); !strings.Contains(stdout, "longer than 64 MiB") {
		t.Errorf("%q", stdout)
	}
}
