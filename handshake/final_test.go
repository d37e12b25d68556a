package handshake_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

func TestHeadFieldByField(t *testing.T) {
	p := upgrade.MustParseProduct("websocket")
	dst := []byte("kept ")
	dst, err := handshake.BeginSwitchingProtocols(dst, p, upgrade.MustParseProduct("b/1"))
	if err == nil {
		dst, err = handshake.AppendField(dst, "X-String", "a\tb")
	}
	if err == nil {
		dst, err = handshake.AppendField(dst, "X-Bytes", []byte{0x80, 0xFF})
	}
	if err == nil {
		dst, err = handshake.AppendField(dst, "X-Empty", "")
	}
	const want = "kept HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket, b/1\r\nConnection: Upgrade\r\n" +
		"X-String: a\tb\r\nX-Bytes: \x80\xFF\r\nX-Empty: \r\n"
	if err != nil || string(dst) != want {
		t.Errorf("%v, %q\nwant %q", err, dst, want)
	}
	for _, bad := range []struct {
		name, value string
		want        error
	}{
		{"", "x", handshake.ErrFieldName},
		{"a b", "x", handshake.ErrFieldName},
		{"a:", "x", handshake.ErrFieldName},
		{"a", " x", handshake.ErrFieldValue},
		{"a", "x\t", handshake.ErrFieldValue},
		{"a", "x\ny", handshake.ErrFieldValue},
		{"a", "x\x7F", handshake.ErrFieldValue},
		{"upgrade", "x", handshake.ErrReserved},
		{"CONNECTION", "x", handshake.ErrReserved},
		{"content-length", "0", handshake.ErrReserved},
		{"Transfer-Encoding", "chunked", handshake.ErrReserved},
		{"trailer", "x", handshake.ErrReserved},
	} {
		got, err := handshake.AppendField(dst, bad.name, bad.value)
		other, errBytes := handshake.AppendField(dst, bad.name, []byte(bad.value))
		if err != bad.want || errBytes != bad.want || string(got) != want || string(other) != want {
			t.Errorf("%q: %q: %v and %v, want %v; dst %q", bad.name, bad.value, err, errBytes, bad.want, got)
		}
	}
	for _, to := range [][]upgrade.Product[string]{nil, {{}}, {p, {}}} {
		if got, err := handshake.BeginSwitchingProtocols(dst, to...); err != handshake.ErrNoProduct || string(got) != want {
			t.Errorf("to %v: %v, %q", to, err, got)
		}
	}
}

func TestFinalResponse(t *testing.T) {
	tests := []struct {
		status int
		fields []Field
		want   string // after the status line
	}{
		{200, nil, "Content-Length: 0\r\n\r\n"},
		{401, []Field{{"WWW-Authenticate", "Basic"}, {"Content-Length", "9"}}, "WWW-Authenticate: Basic\r\nContent-Length: 9\r\n\r\n"},
		{400, []Field{{"A", "1"}, {"connection", "CLOSE"}}, "Connection: close\r\nContent-Length: 0\r\nA: 1\r\n\r\n"},
		{204, nil, "\r\n"},
		{304, nil, "\r\n"},
		{304, []Field{{"Content-Length", "12"}}, "Content-Length: 12\r\n\r\n"},
		{426, []Field{{"Upgrade", "a, b/1"}}, "Connection: Upgrade\r\nContent-Length: 0\r\nUpgrade: a, b/1\r\n\r\n"},
		{426, []Field{{"Upgrade", "a"}, {"Connection", "close"}}, "Connection: Upgrade, close\r\nContent-Length: 0\r\nUpgrade: a\r\n\r\n"},
		{200, []Field{{"Upgrade", "a"}}, "Connection: Upgrade\r\nContent-Length: 0\r\nUpgrade: a\r\n\r\n"},
		{599, nil, "Content-Length: 0\r\n\r\n"},
	}
	for _, test := range tests {
		got, err := handshake.AppendResponse(nil, test.status, test.fields...)
		_, rest, _ := strings.Cut(string(got), "\r\n")
		if err != nil || rest != test.want {
			t.Errorf("%d %v: %v, %q; want %q", test.status, test.fields, err, rest, test.want)
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(got)+"content of")), nil)
		if err != nil || resp.StatusCode != test.status || resp.Proto != "HTTP/1.1" {
			t.Errorf("%d: net/http reads %v, %v", test.status, resp, err)
		}
	}
}

func TestFinalResponseThatCannotBeBuilt(t *testing.T) {
	field := func(name, value string) []Field { return []Field{{"A", "1"}, {name, value}} }
	tests := []struct {
		status int
		fields []Field
		want   error
		index  int // of the field; 0 if there is none
	}{
		{0, nil, handshake.ErrStatus, 0},
		{101, nil, handshake.ErrStatus, 0},
		{199, nil, handshake.ErrStatus, 0},
		{600, nil, handshake.ErrStatus, 0},
		{426, nil, handshake.ErrNoProduct, 0},
		{200, field("B:", ""), handshake.ErrFieldName, 1},
		{200, field("B", "x "), handshake.ErrFieldValue, 1},
		{200, field("Transfer-Encoding", "chunked"), handshake.ErrReserved, 1},
		{200, field("Trailer", "X"), handshake.ErrReserved, 1},
		{200, field("Connection", "keep-alive"), handshake.ErrReserved, 1},
		{200, field("Connection", "abcde"), handshake.ErrReserved, 1},
		{200, field("Content-Length", "1a"), handshake.ErrFieldValue, 1},
		{200, field("Content-Length", ""), handshake.ErrFieldValue, 1},
		{200, field("Content-Length", "9223372036854775808"), handshake.ErrFieldValue, 1},
		{204, field("Content-Length", "0"), handshake.ErrReserved, 1},
		{200, field("Upgrade", "a b"), handshake.ErrFieldValue, 1},
		{200, field("Upgrade", ","), handshake.ErrFieldValue, 1},
		{200, []Field{{"Content-Length", "1"}, {"Content-Length", "1"}}, handshake.ErrReserved, 1},
		{200, []Field{{"Connection", "close"}, {"Connection", "close"}}, handshake.ErrReserved, 1},
		{200, []Field{{"Upgrade", "a"}, {"Upgrade", "a"}}, handshake.ErrReserved, 1},
	}
	for _, test := range tests {
		dst := []byte("kept")
		got, err := handshake.AppendResponse(dst, test.status, test.fields...)
		if string(got) != "kept" {
			t.Errorf("%d %v: left %q", test.status, test.fields, got)
		}
		if test.index == 0 {
			if err != test.want {
				t.Errorf("%d: %v, want %v", test.status, err, test.want)
			}
			continue
		}
		bad, ok := err.(*handshake.ResponseError)
		if !ok || bad.Err != test.want || bad.Index != test.index || bad.Name != test.fields[test.index].Name {
			t.Errorf("%d %v: %#v, want index %d and %v", test.status, test.fields, err, test.index, test.want)
		}
	}
}

func TestUpgradeRequiredNamesEachProductOnce(t *testing.T) {
	a, upper, b := upgrade.MustParseProduct("a"), upgrade.MustParseProduct("A"), upgrade.MustParseProduct("a/1")
	got, err := handshake.AppendUpgradeRequired(nil, []upgrade.Product[string]{a, upper, b, a})
	const want = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: a, a/1\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, %q", err, got)
	}
}

func TestBuildingFieldByFieldAllocatesNothing(t *testing.T) {
	p := upgrade.MustParseProduct("websocket")
	room := make([]byte, 0, 500)
	accept := []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
	fields := []Field{{"Connection", "close"}, {"Content-Length", "9"}, {"Upgrade", "a"}}
	var err error
	for name, call := range map[string]func(){
		"field by field": func() {
			var dst []byte
			if dst, err = handshake.BeginSwitchingProtocols(room, p); err == nil {
				_, err = handshake.AppendField(dst, "Sec-WebSocket-Accept", accept)
			}
		},
		"final response": func() { _, err = handshake.AppendResponse(room, 426, fields...) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 || err != nil {
			t.Errorf("%s: %v allocations, %v", name, n, err)
		}
	}
}
