package websocket_test

import (
	"encoding/base64"
	"testing"

	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/websocket"
)

func TestAppendKey(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		key := string(websocket.AppendKey([]byte("key: ")))
		if len(key) != len("key: ")+24 || key[:5] != "key: " {
			t.Fatalf("%q", key)
		}
		key = key[5:]
		if err := websocket.Check("GET", []string{"13"}, []string{key}); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
		// An encoder should leave the unused bits zero. Strict checks that.
		if nonce, err := base64.StdEncoding.Strict().DecodeString(key); err != nil || len(nonce) != 16 {
			t.Fatalf("%q: %d bytes, %v", key, len(nonce), err)
		}
		if seen[key] {
			t.Fatalf("%q came twice", key)
		}
		seen[key] = true
	}
}

// Every byte of a key is random, even the last.
func TestAppendKeyEveryByte(t *testing.T) {
	var distinct [16]map[byte]bool
	for i := range distinct {
		distinct[i] = make(map[byte]bool)
	}
	for range 256 {
		nonce, err := base64.StdEncoding.DecodeString(string(websocket.AppendKey(nil)))
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range nonce {
			distinct[i][b] = true
		}
	}
	for i, values := range distinct {
		if len(values) < 64 { // 162 are expected
			t.Errorf("byte %d had only %d values", i, len(values))
		}
	}
}

func TestAppendKeyKeepsDst(t *testing.T) {
	room := []byte("before and after, which is room to write to")
	key := websocket.AppendKey(room[:6:7])
	if string(key[:6]) != "before" || string(room) != "before and after, which is room to write to" {
		t.Errorf("%q of %q", key, room)
	}
}

func TestCheckAccept(t *testing.T) {
	tests := []struct {
		name   string
		accept []string
		want   error
	}{
		{"the answer", []string{exampleAccept}, nil},
		{"blanks around it are ignored (RFC 6455, section 4.1)", []string{" \t" + exampleAccept + "\t "}, nil},
		{"no answer", nil, websocket.ErrAccept},
		{"an empty answer", []string{""}, websocket.ErrAccept},
		{"blanks", []string{" "}, websocket.ErrAccept},
		{"the answer to another key", []string{"HSmrc0sMlYUkAGmm5OPpG2HaGWk="}, websocket.ErrAccept},
		{"the key", []string{exampleKey}, websocket.ErrAccept},
		{"in another letter case", []string{"S3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, websocket.ErrAccept},
		{"without padding", []string{exampleAccept[:27]}, websocket.ErrAccept},
		{"something after it", []string{exampleAccept + "="}, websocket.ErrAccept},
		{"a blank within", []string{exampleAccept[:5] + " " + exampleAccept[5:]}, websocket.ErrAccept},
		{"a line end after it", []string{exampleAccept + "\r\n"}, websocket.ErrAccept},
		{"twice", []string{exampleAccept, exampleAccept}, websocket.ErrAccept},
		{"a second, empty line", []string{exampleAccept, ""}, websocket.ErrAccept},
	}
	for _, test := range tests {
		if got := websocket.CheckAccept(exampleKey, test.accept); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if got := websocket.CheckAccept([]byte(exampleKey), corpus.Bytes(test.accept)); got != test.want {
			t.Errorf("%s, bytes: %v, want %v", test.name, got, test.want)
		}
	}
}

// The answers of real servers to the example key.
func TestCheckAcceptCaptures(t *testing.T) {
	checked := 0
	for _, c := range corpus.Read[corpus.Capture](t, "../testdata", "captures.json") {
		accept := corpus.ReadHead(t, "../testdata", "captures", c.File).Field("sec-websocket-accept")
		if c.Status != 101 || len(accept) == 0 {
			continue
		}
		if err := websocket.CheckAccept(exampleKey, accept); err != nil {
			t.Errorf("%s: %v", c.File, err)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("only %d captures", checked)
	}
}

func TestCheckSubprotocol(t *testing.T) {
	offered := []string{"chat", "v2.chat", "chat2"}
	for _, test := range []struct {
		name    string
		lines   []string
		offered []string
		want    string
		err     error
	}{
		{"none chosen", nil, offered, "", nil},
		{"none chosen, none offered", nil, nil, "", nil},
		{"the first", []string{"chat"}, offered, "chat", nil},
		{"the last", []string{"chat2"}, offered, "chat2", nil},
		{"blanks around it", []string{" \tv2.chat \t"}, offered, "v2.chat", nil},
		{"another one", []string{"cha"}, offered, "", websocket.ErrSubprotocol},
		{"a longer one", []string{"chat22"}, offered, "", websocket.ErrSubprotocol},
		{"in another letter case", []string{"Chat"}, offered, "", websocket.ErrSubprotocol},
		{"none offered", []string{"chat"}, nil, "", websocket.ErrSubprotocol},
		{"an empty line", []string{""}, offered, "", websocket.ErrSubprotocol},
		{"an empty line, an empty name offered", []string{""}, []string{""}, "", websocket.ErrSubprotocol},
		{"a list", []string{"chat, chat2"}, offered, "", websocket.ErrSubprotocol},
		{"two lines", []string{"chat", "chat"}, offered, "", websocket.ErrSubprotocol},
		{"two lines, one empty", []string{"chat", ""}, offered, "", websocket.ErrSubprotocol},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := websocket.CheckSubprotocol(test.lines, test.offered...)
			if got != test.want || err != test.err {
				t.Errorf("%q, %v, want %q, %v", got, err, test.want, test.err)
			}
			var octets [][]byte
			for _, line := range test.lines {
				octets = append(octets, []byte(line))
			}
			if ofBytes, errOfBytes := websocket.CheckSubprotocol(octets, test.offered...); ofBytes != got || errOfBytes != err {
				t.Errorf("on bytes: %q, %v", ofBytes, errOfBytes)
			}
		})
	}
}
