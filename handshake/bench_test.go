//go:build go1.24

package handshake_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

// message is an input: the lines of both fields.
type message struct {
	name                string
	connection, offered []string
}

func (m message) size() int64 {
	return int64(len(strings.Join(m.connection, "")) + len(strings.Join(m.offered, "")))
}

// captured returns the fields of recorded heads.
func captured(b *testing.B, suffix string, names ...string) []message {
	b.Helper()
	var messages []message
	for _, name := range names {
		head := corpus.ReadHead(b, "..", "testdata", "captures", name+suffix)
		messages = append(messages, message{name, head.Field("connection"), head.Field("upgrade")})
	}
	return messages
}

// offers returns captured requests, some requests of the corpus, and long ones.
func offers(b *testing.B) []message {
	b.Helper()
	messages := captured(b, ".req", "client-firefox", "client-node-undici_ws", "client-java-h2c", "client-kubectl-exec-spdy", "client-cups-ipptool")
	cases := corpus.Read[corpus.Request](b, "..", "testdata", "request.json")
	for _, name := range []string{
		"Firefox asks for websocket",
		"the only supported product comes second",
		"the only supported product is on the second line",
		"the only supported product follows empty elements",
		"options on two lines",
		"none on two lines is supported",
		"a garbage neighbour after",
	} {
		i := slices.IndexFunc(cases, func(c corpus.Request) bool { return c.Name == name })
		if i < 0 {
			b.Fatalf("request.json has no case %q", name)
		}
		c := cases[i]
		messages = append(messages, message{strings.ReplaceAll(name, " ", "-"), c.Connection.Strings(), c.Upgrade.Strings()})
	}
	usual := []string{"Upgrade"}
	for _, size := range []struct {
		name   string
		octets int
	}{{"8K", 8 << 10}, {"64K", 64 << 10}} {
		repeat := func(s string) string { return strings.Repeat(s, size.octets/len(s)) }
		messages = append(messages,
			message{"products-" + size.name, usual, []string{repeat("h2c, HTTP/2.0 ,") + "websocket"}},
			message{"commas-" + size.name, usual, []string{repeat(",") + "websocket"}},
			message{"blanks-" + size.name, usual, []string{repeat(" ") + "websocket"}},
			message{"token-" + size.name, usual, []string{repeat("a")}},
			message{"options-" + size.name, []string{repeat("keep-alive, ") + "Upgrade"}, []string{"websocket"}},
			message{"commas-in-Connection-" + size.name, []string{repeat(", ") + "Upgrade"}, []string{"websocket"}})
	}
	return messages
}

// benchmark measures a call for each message, with strings and with bytes.
func benchmark(b *testing.B, messages []message, ofStrings func(connection, offered []string), ofBytes func(connection, offered [][]byte)) {
	b.Helper()
	for _, m := range messages {
		b.Run("text=string/in="+m.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(m.size())
			for b.Loop() {
				ofStrings(m.connection, m.offered)
			}
		})
		connection, offered := corpus.Bytes(m.connection), corpus.Bytes(m.offered)
		b.Run("text=bytes/in="+m.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(m.size())
			for b.Loop() {
				ofBytes(connection, offered)
			}
		})
	}
}

// kept is where the results go.
var kept struct {
	yes bool
	err error
}

var supported = []upgrade.Product[string]{
	upgrade.MustParseProduct("websocket"),
	upgrade.MustParseProduct("h2c"),
	upgrade.MustParseProduct("SPDY/3.1"),
}

func BenchmarkOffer(b *testing.B) { benchmark(b, offers(b), offer[string], offer[[]byte]) }

//go:noinline
func offer[S upgrade.Text](connection, offered []S) {
	list, err := handshake.Offer(1, 1, connection, offered)
	kept.yes, kept.err = list.IsZero(), err
}

func BenchmarkSelect(b *testing.B) {
	b.Run("supported=1", func(b *testing.B) { benchmark(b, offers(b), selectOne[string], selectOne[[]byte]) })
	b.Run("supported=3", func(b *testing.B) { benchmark(b, offers(b), selectOfThree[string], selectOfThree[[]byte]) })
}

//go:noinline
func selectOne[S upgrade.Text](connection, offered []S) {
	p, err := handshake.Select(1, 1, connection, offered, supported[0])
	kept.yes, kept.err = p.IsZero(), err
}

//go:noinline
func selectOfThree[S upgrade.Text](connection, offered []S) {
	p, err := handshake.Select(1, 1, connection, offered, supported...)
	kept.yes, kept.err = p.IsZero(), err
}

func BenchmarkSwitched(b *testing.B) {
	messages := captured(b, ".resp", "server-go-gorilla-ws", "server-tomcat-h2c", "server-py-aiohttp-s-plain")
	benchmark(b, messages, switched[string], switched[[]byte])
}

//go:noinline
func switched[S upgrade.Text](connection, chosen []S) {
	list, err := handshake.Switched(101, 1, 1, connection, chosen, supported...)
	kept.yes, kept.err = list.IsZero(), err
}

// heads are the responses of a server: the products to switch to, and the fields.
var heads = []struct {
	name   string
	to     []upgrade.Product[string]
	fields []handshake.Field
}{
	{"one", supported[:1], nil},
	{"layers", supported, nil},
	{"websocket", supported[:1], []handshake.Field{{Name: "Sec-WebSocket-Accept", Value: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}}},
	{"long-field", supported[:1], []handshake.Field{{Name: "X-Long", Value: strings.Repeat("v", 8<<10)}}},
	{"malformed-field", supported[:1], []handshake.Field{{Name: "X-Long", Value: "a\r\nb"}}},
}

// benchmarkHeads measures a call for each head. appendHead builds the head that the call
// writes, for its length.
func benchmarkHeads(b *testing.B, appendHead func([]byte, []upgrade.Product[string], ...handshake.Field) ([]byte, error),
	call func([]upgrade.Product[string], []handshake.Field)) {
	b.Helper()
	for _, h := range heads {
		b.Run("to="+h.name, func(b *testing.B) {
			head, _ := appendHead(nil, h.to, h.fields...)
			b.ReportAllocs()
			b.SetBytes(int64(len(head)))
			for b.Loop() {
				call(h.to, h.fields)
			}
		})
	}
}

// room is the buffer to which heads are appended. It is large enough for each of them.
var room = make([]byte, 0, 16<<10)

func BenchmarkAppendSwitchingProtocols(b *testing.B) {
	benchmarkHeads(b, handshake.AppendSwitchingProtocols, func(to []upgrade.Product[string], fields []handshake.Field) {
		room, kept.err = handshake.AppendSwitchingProtocols(room[:0], to, fields...)
	})
}

// The pool learns the size of the heads within 42,000 calls, and until then drops larger
// buffers. The first calls after a change of size pay for that.
func BenchmarkWriteSwitchingProtocols(b *testing.B) {
	benchmarkHeads(b, handshake.AppendSwitchingProtocols, func(to []upgrade.Product[string], fields []handshake.Field) {
		kept.err = handshake.WriteSwitchingProtocols(io.Discard, to, fields...)
	})
}

func BenchmarkAppendUpgradeRequired(b *testing.B) {
	benchmarkHeads(b, handshake.AppendUpgradeRequired, func(to []upgrade.Product[string], fields []handshake.Field) {
		room, kept.err = handshake.AppendUpgradeRequired(room[:0], to, fields...)
	})
}
