package explain

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosegue/upgrade/head"
)

// Head reports a fault where package head finds it, by its line and the offset there.
func TestHeadFaults(t *testing.T) {
	type at struct {
		where        string
		line, offset int
	}
	for _, test := range []struct {
		head string
		want at
	}{
		{"GET / HTTP/1.1|Host: x", at{}},
		{"GET / HTTP/1.0", at{}},
		{"GET / HTTP/1.9|host:x:80", at{}},
		{"OPTIONS * HTTP/1.1|Host:", at{}},
		{"GET ws://x/ HTTP/1.1|Host: x", at{}},
		{"POST / HTTP/1.1|Host: x|Content-Length: 5", at{}},
		{"HTTP/1.1 101 |Connection: upgrade", at{}},
		{"HTTP/1.0 200 \xe4\tOK", at{}},
		{"GET / HTTP/1.1", at{"empty line", 1, 0}},
		{"GET / HTTP/1.1|Upgrade: x", at{"empty line", 2, 0}},
		{"GET / HTTP/1.1|Host: a b", at{"field line", 1, 7}},
		{"GET / HTTP/1.1|Host: x|X: y|Host: x", at{"field line", 3, 6}},
		{"GET / HTTP/1.1|Host: [::1", at{"field line", 1, 10}},
		{"POST / HTTP/1.1|Host: x|Content-Length: 5|Transfer-Encoding: chunked", at{"field line", 3, 19}},
		{"POST / HTTP/1.1|Host: x|Content-Length: 5|Content-Length: 5", at{"field line", 3, 16}},
		{"POST / HTTP/1.1|Host: x|Content-Length: -5", at{"field line", 2, 16}},
		{"POST / HTTP/1.1|Host: x|Transfer-Encoding: gzip", at{"field line", 2, 19}},
		{"GET / HTTP/1.1|Host: x|Expect: more", at{"field line", 2, 8}},
		{"GET / HTTP/1.1|Host : x", at{"field line", 1, 4}},
		{"GET / HTTP/1.1|Host: x| y", at{"field line", 2, 0}},
		{"GET / HTTP/1.1|Host: x|:y", at{"field line", 2, 0}},
		{"GET / HTTP/1.1|Host: x|X: \x00", at{"field line", 2, 3}},
		{"GET / HTTP/1.1|Host: x|X: y\rz", at{"field line", 2, 4}},
		{"GET / HTTP/1.1|Host: x|X: y\r", at{"field line", 2, 4}},
		{"GET", at{"request line", 0, 3}},
		{" GET / HTTP/1.1", at{"request line", 0, 0}},
		{"G@T / HTTP/1.1", at{"request line", 0, 1}},
		{"GET  / HTTP/1.1", at{"request line", 0, 4}},
		{"GET /", at{"request line", 0, 5}},
		{"GET x HTTP/1.1", at{"request line", 0, 4}},
		{"GET ws:/x HTTP/1.1", at{"request line", 0, 4}},
		{"GET /\xe4 HTTP/1.1", at{"request line", 0, 5}},
		{"GET / http/1.1", at{"request line", 0, 6}},
		{"GET / HTTP/1", at{"request line", 0, 12}},
		{"GET / HTTP/1.10", at{"request line", 0, 14}},
		{"GET / HTTP/2.0", at{"request line", 0, 11}},
		{"HTTP/1.1 101", at{"status line", 0, 12}},
		{"HTTP/1", at{"status line", 0, 6}},
		{"HTTP/1.1  101 ", at{"status line", 0, 9}},
		{"HTTP/1.1 1O1 ", at{"status line", 0, 10}},
		{"HTTP/1.1 1010 ", at{"status line", 0, 12}},
		{"HTTP/1.1 101 Sw\x07tched", at{"status line", 0, 15}},
		{"HTTP/1.1 101 |Upgrade : x", at{"field line", 1, 7}},
		{"HTTP/1.1 200 |Content-Length: 5, 5", at{"field line", 1, 17}},
	} {
		r := Head(strings.Split(test.head, "|"))
		var got at
		if r.Malformed() {
			f := r.faults[0]
			got = at{f.where, f.place.line, f.at}
			if f.place.offset != f.at || f.reason == "" {
				t.Errorf("%q: %+v", test.head, f)
			}
		}
		if got != test.want {
			t.Errorf("%q: fault %+v, want %+v", test.head, got, test.want)
		}
	}
}

// A report says that a message is malformed exactly if package head refuses its head.
func FuzzHead(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: a/1, b\r\n\r\n")
	f.Add("POST http://x/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\nX: \x00\r\n")
	f.Add("GET / HTTP/1.1\r\nUpgrade\r\n\r\n")
	f.Add("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n")
	f.Add("HTTP/1.1 101\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := ReadHead(strings.NewReader(text))
		if err != nil || len(lines) == 0 {
			return
		}
		r := Head(lines)
		whole := strings.Join(lines, "\r\n") + "\r\n\r\n"
		var (
			request  head.Request
			response head.Response
			n        int
			offered  [][]byte
		)
		limits := head.Limits{Bytes: head.NoLimit, Fields: head.NoLimit, Target: head.NoLimit}
		if strings.HasPrefix(whole, "HTTP/") {
			n, err = response.Parse([]byte(whole), limits)
			offered = response.Upgrade
		} else {
			n, err = request.Parse([]byte(whole), limits)
			offered = request.Upgrade
		}
		if err == nil && n != len(whole) {
			t.Fatalf("%q: %d octets read", whole, n)
		}
		message := r.Malformed() && r.faults[0].syntax == 0
		if message != (err != nil) {
			t.Fatalf("%q: malformed %t, but package head returns %v", whole, message, err)
		}
		if err != nil {
			fault := r.faults[0]
			at := fault.at
			for _, line := range lines[:fault.place.line] {
				at += len(line) + len("\r\n")
			}
			// A fault in a line end is shown at the end of the line.
			if offset := err.(*head.Error).Offset; at != offset && at != offset-1 {
				t.Fatalf("%q: fault at %d, want %d", whole, at, offset)
			}
			return
		}
		var want []string
		for _, line := range offered {
			want = append(want, string(line))
		}
		if diff := cmp.Diff(want, r.upgrade); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", whole, diff)
		}
	})
}

// The places are those at which the elements begin.
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
		Why:        "the Upgrade field is malformed: serve the request without a switch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
