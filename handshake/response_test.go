package handshake_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

type Field = handshake.Field

var websocket = []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}

func TestGoldenSwitchingProtocols(t *testing.T) {
	const want = "HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
		"\r\n"
	got, err := handshake.AppendSwitchingProtocols(nil, websocket, Field{"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})
	if string(got) != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestGoldenUpgradeRequired(t *testing.T) {
	const want = "HTTP/1.1 426 Upgrade Required\r\n" +
		"Upgrade: TLS/1.2, HTTP/1.1\r\n" +
		"Connection: Upgrade\r\n" +
		"Content-Length: 0\r\n" +
		"Retry-After: 5\r\n" +
		"\r\n"
	got, err := handshake.AppendUpgradeRequired(nil, products(t, []string{"TLS/1.2", "HTTP/1.1"}), Field{"Retry-After", "5"})
	if string(got) != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// builders has the function that builds each head, by status code.
var builders = map[int]func([]byte, []upgrade.Product[string], ...Field) ([]byte, error){
	101: handshake.AppendSwitchingProtocols,
	426: handshake.AppendUpgradeRequired,
}

// refused checks that the last of fields is an error, and that nothing of the response is
// then appended or written.
func refused(t *testing.T, status int, want error, fields ...Field) {
	t.Helper()
	room := make([]byte, 3, 1000)
	copy(room, "abc")
	got, err := builders[status](room, websocket, fields...)
	name, index := responseFault(t, err)
	if name != errorNames[want] || index != len(fields)-1 {
		t.Errorf("%d with %q: %q of field %d, want %v", status, fields, name, index, want)
	}
	if string(got) != "abc" {
		t.Errorf("%d with %q: dst is %q", status, fields, got)
	}
	if status == 101 {
		var w countingWriter
		if err := handshake.WriteSwitchingProtocols(&w, websocket, fields...); err == nil || w.calls > 0 {
			t.Errorf("WriteSwitchingProtocols with %q: error %v after %d writes", fields, err, w.calls)
		}
	}
}

func accepted(t *testing.T, status int, f Field) {
	t.Helper()
	got, err := builders[status](nil, websocket, f)
	if err != nil || strings.Count(string(got), "\r\n"+f.Name+": "+f.Value+"\r\n") != 1 {
		t.Errorf("%d with %q: %q, %v", status, f, got, err)
	}
}

// Each of the 256 octets in the first, a middle and the last place of a name and a
// value.
func TestEveryOctetOfAField(t *testing.T) {
	const tokens = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	good := Field{"X-Good", "good"}
	for status := range builders {
		for c := range 256 {
			octet := string([]byte{byte(c)})
			for place, format := range []string{"%sbc", "a%sc", "ab%s"} {
				text := fmt.Sprintf(format, octet)
				if strings.Contains(tokens, octet) {
					accepted(t, status, Field{text, "v"})
				} else {
					refused(t, status, handshake.ErrFieldName, good, Field{text, "v"})
				}
				blank := octet == " " || octet == "\t"
				if c >= ' ' && c != 0x7F && !blank || blank && place == 1 {
					accepted(t, status, Field{"X", text})
				} else {
					refused(t, status, handshake.ErrFieldValue, good, good, Field{"X", text})
				}
			}
		}
	}
}

// They are reserved in any letter case and with any value.
func TestReservedFields(t *testing.T) {
	values := []string{"", "0", "5", "close", "chunked", "Upgrade", "websocket"}
	for status := range builders {
		for _, name := range []string{"Upgrade", "Connection", "Content-Length", "Transfer-Encoding", "Trailer"} {
			for _, spelled := range []string{name, strings.ToLower(name), strings.ToUpper(name), mixedCase(name)} {
				for _, value := range values {
					length := name == "Content-Length" && status == 426
					if length && (value == "0" || value == "5") || name == "Connection" && value == "close" && status == 426 {
						continue // the two that a 426 may have
					}
					want := handshake.ErrReserved
					if length {
						want = handshake.ErrFieldValue
					}
					refused(t, status, want, Field{spelled, value})
					refused(t, status, want, Field{"A", "1"}, Field{"B", "2"}, Field{spelled, value})
				}
			}
		}
	}
}

func mixedCase(s string) string {
	mixed := []byte(strings.ToLower(s))
	for i := 1; i < len(mixed); i += 2 {
		mixed[i] = strings.ToUpper(string(mixed[i]))[0]
	}
	return string(mixed)
}

// A name that is nearly a reserved one is another field.
func TestNearlyReservedFields(t *testing.T) {
	for status := range builders {
		for _, name := range []string{"Upgrad", "Upgrades", "Connections", "Proxy-Connection", "Content-Lengths", "Content_Length", "X-Trailer", "Trailers", "Transfer.Encoding", "TE"} {
			accepted(t, status, Field{name, "1"})
		}
		refused(t, status, handshake.ErrFieldName, Field{"Content\u2010Length", "0"})
		refused(t, status, handshake.ErrFieldName, Field{"Tran\u017Ffer-Encoding", "chunked"})
	}
}

func TestLineEndsNeverPass(t *testing.T) {
	for status := range builders {
		for _, end := range []string{"\r\n", "\r", "\n", "\r\n\r\n", "\n\n", "\r\n ", "\x00", "\u2028"} {
			refused(t, status, handshake.ErrFieldName, Field{"X" + end + "Evil", "1"})
			refused(t, status, handshake.ErrFieldName, Field{end, "1"})
			if end == "\u2028" {
				continue // three octets that a value may have
			}
			refused(t, status, handshake.ErrFieldValue, Field{"X", "1" + end + "Evil: 2"})
			refused(t, status, handshake.ErrFieldValue, Field{"X", end})
		}
	}
}

// The spare capacity of dst may belong to another slice.
func TestErrorLeavesRoomAlone(t *testing.T) {
	for status, build := range builders {
		room := []byte("abcdefgh")
		got, err := build(room[:2], nil)
		if !errors.Is(err, handshake.ErrNoProduct) || string(room) != "abcdefgh" || string(got) != "ab" {
			t.Errorf("%d: error %v, room %q", status, err, room)
		}
		_, err = build(room[:2], websocket, Field{"A", "1"}, Field{"B", "\x00"})
		if !errors.Is(err, handshake.ErrFieldValue) || string(room) != "abcdefgh" {
			t.Errorf("%d: error %v, room %q", status, err, room)
		}
	}
}

func TestFieldCheck(t *testing.T) {
	for field, want := range map[Field]error{
		{"A", ""}:               nil,
		{"Upgrade", "x"}:        nil, // Check does not ask whether it is reserved
		{"A", "a \t\x80\xFF b"}: nil,
		{"", "x"}:               handshake.ErrFieldName,
		{"A B", "x"}:            handshake.ErrFieldName,
		{"A", " "}:              handshake.ErrFieldValue,
		{"A", "x\r\n"}:          handshake.ErrFieldValue,
		{"A:", "\x00"}:          handshake.ErrFieldName,
	} {
		if got := field.Check(); got != want {
			t.Errorf("%q: %v, want %v", field, got, want)
		}
	}
}

type countingWriter struct {
	strings.Builder
	calls int
	short bool
	err   error
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.calls++
	if w.err != nil || w.short {
		return len(p) / 2, w.err
	}
	return w.Builder.Write(p)
}

// One Write makes the head one segment, and any partial head is an error.
func TestWriteSwitchingProtocolsWritesOnce(t *testing.T) {
	want, _ := handshake.AppendSwitchingProtocols(nil, websocket, Field{"A", "1"})
	var w countingWriter
	err := handshake.WriteSwitchingProtocols(&w, websocket, Field{"A", "1"})
	if err != nil || w.calls != 1 || w.String() != string(want) {
		t.Errorf("%v, %d writes: %q", err, w.calls, w.String())
	}
}

func TestWriteSwitchingProtocolsReportsFailure(t *testing.T) {
	broken := errors.New("broken")
	w := countingWriter{err: broken}
	if err := handshake.WriteSwitchingProtocols(&w, websocket); err != broken || w.calls != 1 {
		t.Errorf("failing writer: %v after %d writes", err, w.calls)
	}
	w = countingWriter{short: true}
	if err := handshake.WriteSwitchingProtocols(&w, websocket); err != io.ErrShortWrite || w.calls != 1 {
		t.Errorf("short writer: %v after %d writes", err, w.calls)
	}
}

func TestErrorTexts(t *testing.T) {
	_, err := handshake.Offer(1, 1, []string{"Upgrade"}, []string{"a", "foo / 1"})
	diff(t, "field error", "handshake: malformed Upgrade: line 1, offset 4: want comma or end of line", err.Error())
	_, err = handshake.AppendSwitchingProtocols(nil, websocket, Field{"A", "1"}, Field{"B\r\n", "2"})
	diff(t, "response error", "handshake: field 1: field name is not a token", err.Error())
}

// nestedWriter writes another head while it writes one.
type nestedWriter struct {
	depth int
	heads []string
}

func (w *nestedWriter) Write(p []byte) (int, error) {
	if w.depth++; w.depth < 10 {
		handshake.WriteSwitchingProtocols(w, websocket, Field{"X-Depth", strings.Repeat("x", w.depth)})
	}
	w.heads = append(w.heads, string(p))
	return len(p), nil
}

// The buffer goes back to the pool after the Write, not before.
func TestWriteSwitchingProtocolsKeepsItsBuffer(t *testing.T) {
	var w nestedWriter
	if err := handshake.WriteSwitchingProtocols(&w, websocket, Field{"X-Depth", ""}); err != nil {
		t.Fatal(err)
	}
	for i, head := range w.heads {
		if want := "X-Depth: " + strings.Repeat("x", len(w.heads)-1-i) + "\r\n"; !strings.Contains(head, want) {
			t.Errorf("head %d is %q, want %q", i, head, want)
		}
	}
}
