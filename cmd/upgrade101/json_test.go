package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// The output of --json has exactly the keys that the help names.
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
  "checked": [],
  "ignored": [],
  "errors": [],
  "verdict": "offer",
  "why": "HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products"
}
`},
		{"malformed field of a message", "GET /' HTTP/1.1\r\nHost: x\r\nConnection: a,  upgrade\r\nUpgrade: websoc\xe2\x84\xaaet\r\n\r\n", nil, `{
  "assumed": "",
  "start": "GET /' HTTP/1.1",
  "lines": {
    "connection": [
      "a,  upgrade"
    ],
    "upgrade": [
      "websoc\u00e2\u0084\u00aaet"
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
  "checked": [],
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
  "why": "the Upgrade field is malformed: serve the request without a switch"
}
`},
		{"websocket", "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n", nil, `{
  "assumed": "",
  "start": "GET / HTTP/1.1",
  "lines": {
    "connection": [
      "upgrade"
    ],
    "upgrade": [
      "websocket"
    ]
  },
  "options": [
    {
      "option": "upgrade",
      "line": 0,
      "offset": 0
    }
  ],
  "products": [
    {
      "product": "websocket",
      "name": "websocket",
      "version": "",
      "line": 0,
      "offset": 0
    }
  ],
  "checked": [
    "Sec-WebSocket-Version"
  ],
  "ignored": [
    "Host"
  ],
  "errors": [],
  "verdict": "offer",
  "why": "HTTP/1.1, and Connection names the option upgrade: the server may switch to one of these products; refuse websocket with 426: Sec-WebSocket-Version is not 13"
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
  "checked": [],
  "ignored": [],
  "errors": [
    {
      "in": "field line",
      "reason": "",
      "line": 2,
      "offset": 7,
      "text": "want field name and colon (RFC 9112, section 5.1)"
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

// For every octet, parse writes JSON in printable ASCII, from which the octet can be read
// back.
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
		var got explain.ReportJSON
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]text.Octets{text.Octets(value)}, got.Lines.Upgrade); diff != "" {
			t.Errorf("octet 0x%02x (-want +got):\n%s", c, diff)
		}
	}
	var got text.Octets
	j, err := json.Marshal(text.Octets(all.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(j, &got); err != nil || string(got) != all.String() {
		t.Errorf("%q, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`"\u0100"`), &got); err == nil {
		t.Error("accepted U+0100")
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
	if text.IsTerminal(strings.NewReader("")) {
		t.Error("a reader is a terminal")
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if to := text.Coloured(file, explain.ColourOf); to != file {
		t.Error("coloured a writer that does not escape")
	}
}
