package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStartLine(t *testing.T) {
	for line, at := range map[string]int{
		"GET / HTTP/1.1":           -1,
		"GET / HTTP/9.9":           -1,
		"OPTIONS * HTTP/1.1":       -1,
		"HTTP/1.1 101":             -1,
		"HTTP/1.1 101 ":            -1,
		"HTTP/1.0 200 \xe4\tOK":    -1,
		"GET":                      3,
		" GET / HTTP/1.1":          0,
		"G@T / HTTP/1.1":           1,
		"GET\t/ HTTP/1.1":          3,
		"GET  / HTTP/1.1":          4,
		"GET /":                    5,
		"GET /\x1b HTTP/1.1":       5,
		"GET /\xe4 HTTP/1.1":       5,
		"GET / http/1.1":           6,
		"GET / HTTP/1":             12,
		"GET / HTTP/11.1":          12,
		"GET / HTTP/1.1 ":          14,
		"GET / HTTP/1.10":          14,
		"HTTP/1":                   6,
		"HTTP/x.1 101":             5,
		"HTTP/1.1  101":            9,
		"HTTP/1.1 1O1":             10,
		"HTTP/1.1 10":              11,
		"HTTP/1.1 1010":            12,
		"HTTP/1.1 101 Sw\x07tched": 15,
	} {
		got := -1
		if _, f := parseStart(line); f != nil {
			got = f.at
		}
		if got != at {
			t.Errorf("%q: fault at %d, want %d", line, got, at)
		}
	}
	m, _ := parseStart("HTTP/1.0 426 x")
	if m.major != 1 || m.minor != 0 || m.status != 426 || !m.response {
		t.Errorf("%+v", m)
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

// The page gets each line lexeme by lexeme.
func TestForPage(t *testing.T) {
	got := Fields([]string{"keep-alive, Upgrade"}, []string{"a/1 ,\t@", "h2c"}).ForPage()
	want := Analysis{
		Lines: []Shown{
			{"Upgrade", 0, 7, 0, "a/1 ,\t@", []Lexeme{
				{"Token", 0, 1}, {"Slash", 1, 1}, {"Token", 2, 1}, {"Space", 3, 1}, {"Comma", 4, 1}, {"Space", 5, 1}, {"Illegal", 6, 1},
			}},
			{"Upgrade", 1, 3, 0, "h2c", []Lexeme{{"Token", 0, 3}}},
			{"Connection", 0, 19, 0, "keep-alive, Upgrade", []Lexeme{{"Token", 0, 10}, {"Comma", 10, 1}, {"Space", 11, 1}, {"Token", 12, 7}}},
		},
		Options:    []OptionJSON{{"keep-alive", 0, 0}, {"Upgrade", 0, 12}},
		AllOptions: 2,
		Products:   []ProductJSON{},
		Errors:     []FaultJSON{{"Upgrade", "ErrToken", 0, 6, "want token, not '@'"}},
		Verdict:    "no offer",
		Why:        "the Upgrade field is malformed: an ordinary request, to be served without a switch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
