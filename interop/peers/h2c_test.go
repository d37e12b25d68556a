package peers

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// This file takes apart a talk that switched from HTTP/1.1 to HTTP/2: the client's offer,
// and what each side said after the switch, stream by stream.

// h2cTalk is a talk that was switched to HTTP/2, taken apart.
type h2cTalk struct {
	request        *head.Request
	headLength     int      // of the request, in octets
	interim        string   // what the server said before the 101
	client, server []string // the HTTP/2 messages, one a stream, in the order of the streams
}

// h2cSwitched takes a talk apart. It fails the test unless the request offers only h2c, with
// settings, and the answer is a 101 of two fields. An interim response may come before the
// 101 only if the client waits for one.
func h2cSwitched(t *testing.T, talk *talk) h2cTalk {
	t.Helper()
	said := talk.client()
	r := parseHead(t, said)
	equal(t, "options", h2cOptions(t, r), []string{"Upgrade", "HTTP2-Settings"})
	equal(t, "offer", h2cOffer(t, r), []string{"h2c"})
	length := bytes.Index(said, []byte("\r\n\r\n")) + 4
	end := length + int(r.ContentLength)
	if r.Chunked || end > len(said) {
		t.Fatalf("the content is chunked or not whole: %s", talk)
	}
	frames, ok := bytes.CutPrefix(said[end:], []byte(http2.ClientPreface))
	if !ok {
		t.Fatalf("no HTTP/2 preface after the request:\n%s", talk)
	}
	const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
	interim, answer, ok := bytes.Cut(talk.server(), []byte(switching))
	if !ok {
		t.Fatalf("no 101 to h2c:\n%s", talk)
	}
	if !r.ExpectContinue {
		equal(t, "interim response", string(interim), "")
	}
	return h2cTalk{r, length, string(interim), h2cMessages(t, frames), h2cMessages(t, answer)}
}

// settings returns the identifiers of the settings that a request brings.
func (talk h2cTalk) settings(t *testing.T) []http2.SettingID {
	t.Helper()
	lines := talk.request.Lines(nil, "HTTP2-Settings")
	if len(lines) != 1 {
		t.Fatalf("%d HTTP2-Settings fields, want 1", len(lines))
	}
	payload, err := base64.RawURLEncoding.DecodeString(string(lines[0]))
	if err != nil || len(payload)%6 != 0 {
		t.Fatalf("no settings (%v): %s", err, quote(lines[0]))
	}
	var ids []http2.SettingID
	for ; len(payload) > 0; payload = payload[6:] {
		ids = append(ids, http2.SettingID(uint16(payload[0])<<8|uint16(payload[1])))
	}
	return ids
}

// h2cMessages reads frames and returns a line for each stream, such as
// `1: 200 "hello"` or `3: GET /x ""`.
func h2cMessages(t *testing.T, frames []byte) []string {
	t.Helper()
	framer := http2.NewFramer(io.Discard, bytes.NewReader(frames))
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var streams []uint32
	first, content := map[uint32]string{}, map[uint32][]byte{}
	for {
		frame, err := framer.ReadFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not an HTTP/2 frame: %v", err)
		}
		id := frame.Header().StreamID
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if first[id] != "" {
				t.Fatalf("two heads on stream %d", id)
			}
			streams = append(streams, id)
			first[id] = frame.PseudoValue("status")
			if first[id] == "" {
				first[id] = frame.PseudoValue("method") + " " + frame.PseudoValue("path")
			}
		case *http2.DataFrame:
			content[id] = append(content[id], frame.Data()...)
		}
	}
	slices.Sort(streams)
	messages := []string{}
	for _, id := range streams {
		messages = append(messages, fmt.Sprintf("%d: %s %q", id, first[id], content[id]))
	}
	return messages
}

// h2cOptions returns the connection options of a request.
func h2cOptions(t *testing.T, r *head.Request) []string {
	t.Helper()
	connection, err := upgrade.ParseConnection(r.Connection...)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for option := range connection.All() {
		all = append(all, string(option))
	}
	return all
}

// h2cOffer returns the products that a request offers.
func h2cOffer(t *testing.T, r *head.Request) []string {
	t.Helper()
	offered, err := handshake.Offer(r.Major, r.Minor, r.Connection, r.Upgrade)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for product := range offered.All() {
		all = append(all, product.String())
	}
	return all
}

// h2cLines returns the field lines of that name.
func h2cLines(r *head.Request, name string) []string {
	all := []string{}
	for _, line := range r.Lines(nil, name) {
		all = append(all, string(line))
	}
	return all
}
