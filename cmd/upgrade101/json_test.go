package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the help says of --json holds, key for key.
func TestParseJSON(t *testing.T) {
	for _, test := range []struct {
		name  string
		stdin string
		args  []string
		want  string
	}{
		{"offer", "", []string{"HTTP/2.0, ,websocket", "\ta"}, `{
  "assumed": "HTTP/1.1 with Connection: Upgrade",
  "start": "",
  "lines": {
    "connection": [
      "Upgrade"
    ],
    "upgrade": [
      "HTTP/2.0, ,websocket",
      "\u0009a"
    ]
  },
  "options": [
    {
      "option": "Upgrade",
      "line": 0,
      "offset": 0
    }
  ],
  "products": [
    {
      "product": "HTTP/2.0",
      "name": "HTTP",
      "version": "2.0",
      "line": 0,
      "offset": 0
    },
    {
      "product": "websocket",
      "name": "websocket",
      "version": "",
      "line": 0,
      "offset": 11
    },
    {
      "product": "a",
      "name": "a",
      "version": "",
      "line": 1,
      "offset": 1
    }
  ],
  "ignored": [],
  "errors": [],
  "verdict": "offer",
  "why": "HTTP/1.1, and Connection names the option upgrade: the server may switch to a product of these"
}
`},
		{"malformed field of a message", "GET /\" HTTP/1.1\r\nHost: x\r\nConnection: a,  upgrade\r\nUpgrade: websoc\xe2\x84\xaaet\x7f\r\n\r\n", nil, `{
  "assumed": "",
  "start": "GET /\" HTTP/1.1",
  "lines": {
    "connection": [
      "a,  upgrade"
    ],
    "upgrade": [
      "websoc\u00e2\u0084\u00aaet\u007f"
    ]
  },
  "options": [
    {
      "option": "a",
      "line": 0,
      "offset": 0
    },
    {
      "option": "upgrade",
      "line": 0,
      "offset": 4
    }
  ],
  "products": [],
  "ignored": [
    "Host"
  ],
  "errors": [
    {
      "in": "Upgrade",
      "reason": "ErrDelimiter",
      "line": 0,
      "offset": 6,
      "text": "want comma or end of line, not the octet 0xe2"
    }
  ],
  "verdict": "no offer",
  "why": "the Upgrade field is malformed: an ordinary request, to be served without a switch"
}
`},
		{"malformed message", "HTTP/1.1 101 x\r\nUpgrade: a\r\nUpgrade : b\r\n\r\n", nil, `{
  "assumed": "",
  "start": "HTTP/1.1 101 x",
  "lines": {
    "connection": [],
    "upgrade": [
      "a"
    ]
  },
  "options": [],
  "products": [],
  "ignored": [],
  "errors": [
    {
      "in": "field line",
      "reason": "",
      "line": 2,
      "offset": 7,
      "text": "want a colon: no blank may stand before it (RFC 9112, section 5.1)"
    }
  ],
  "verdict": "no switch",
  "why": "the message is malformed, so nothing in it counts"
}
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"parse", "--json", "--"}, test.args...)
			code, stdout, stderr := try(test.stdin, args...)
			if diff := cmp.Diff(test.want, stdout); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			wantCode := exitOK
			if !strings.Contains(test.want, `"errors": []`) {
				wantCode = exitFailure
			}
			if code != wantCode || stderr != "" {
				t.Errorf("exit code %d, standard error %q", code, stderr)
			}
		})
	}
}

// Whatever octet is read, it is JSON in printable ASCII that is written, and the octet
// comes back from it.
func TestParseJSONOctets(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c))
		value := "a" + string([]byte{byte(c)}) + "b"
		_, stdout, stderr := try("", "parse", "--json", "--", value)
		if strings.Contains(value, ":") {
			continue
		}
		mustBePrintable(t, stdout+stderr)
		var got reportJSON
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]octets{octets(value)}, got.Lines.Upgrade); diff != "" {
			t.Errorf("octet 0x%02x (-want +got):\n%s", c, diff)
		}
	}
	var got octets
	text, err := json.Marshal(octets(all.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil || string(got) != all.String() {
		t.Errorf("%q, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`"\u0100"`), &got); err == nil {
		t.Error("U+0100 passed")
	}
}

// The places of elements are those at which they were read.
func TestElements(t *testing.T) {
	lines := []string{", websocket ,,", "", "h2c/1 ,\tIRC/6.9", "a"}
	var got []place
	for at := range elements(lines) {
		got = append(got, at)
	}
	want := []place{{0, 2}, {2, 0}, {2, 8}, {3, 0}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for range elements(lines) {
		break
	}
}

func TestASCIIJSON(t *testing.T) {
	if got, want := string(asciiJSON([]byte("\"a\u00e9\u212a\U0001f600\x7f\""))), `"a\u00E9\u212A\uD83D\uDE00\u007F"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A pipe or file gets no colours, whatever the environment.
func TestNoColourInPipes(t *testing.T) {
	for _, args := range [][]string{{"parse", "a b"}, {"corpus", "../../testdata/upgrade.json"}} {
		cmd := command(t, args...)
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=", "CLICOLOR_FORCE=1")
		out, _ := cmd.Output()
		if len(out) == 0 || strings.Contains(string(out), "\x1b") {
			t.Errorf("%q: %q", args, out)
		}
	}
	if isTerminal(strings.NewReader("")) {
		t.Error("a reader is a terminal")
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if to := coloured(file, colourOf); to != file {
		t.Error("coloured what is not escaped")
	}
}
