package upgradetest

import (
	"strconv"
	"strings"
	"sync"
)

// This file knows what real clients send. It knows nothing of how the heads were
// captured.

// clients are the clients whose captured heads are sent. The ID of the check is client-
// and id; capture is the name of the capture; name is what people call the client.
var clients = []struct{ id, capture, name string }{
	{"chromium", "chromium", "Chromium"},
	{"firefox", "firefox", "Firefox"},
	{"bun", "bun-ws", "Bun"},
	{"deno", "deno-ws", "Deno"},
	{"node", "node20-global-ws", "Node"},
	{"undici", "node-undici_ws", "undici"},
	{"ws", "node-ws_c", "ws for Node"},
	{"faye", "node-faye_c", "faye-websocket for Node"},
	{"java", "java-ws", "Java, with Content-Length: 0 in its GET,"},
	{"curl", "curl8-ws-early", "curl"},
	{"kubectl-websocket", "kubectl-exec-ws-stdin", "kubectl exec over WebSocket"},
	{"libsoup", "libsoup3", "libsoup"},
	{"libwebsockets", "lws-client", "libwebsockets"},
	{"mojolicious", "perl-mojo", "Mojolicious"},
	{"aiohttp", "py-aiohttp", "aiohttp"},
	{"tornado", "py-tornado", "Tornado"},
	{"websocket-client", "py-websocket-client", "websocket-client for Python"},
	{"websockets", "py-websockets", "websockets for Python"},
	{"coder", "go-coder", "coder/websocket"},
	{"gobwas", "go-gobwas", "gobwas/ws"},
	{"gorilla", "go-gorilla", "gorilla/websocket"},
	{"xnet", "go-xnet", "golang.org/x/net/websocket"},
	{"ruby", "ruby-faye", "faye-websocket for Ruby"},

	{"curl-h2c", "curl8-h2c", "curl --http2"},
	{"curl-h2c-post", "curl7-h2c-post", "curl --http2 with content"},
	{"java-h2c", "java-h2c", "Java, with Content-Length: 0 in its GET,"},
	{"java-h2c-post", "java-h2c-post", "Java with content"},
	{"nghttp", "nghttp", "nghttp"},

	{"docker-attach", "docker-attach", "docker attach"},
	{"docker-exec", "docker-exec", "docker exec, with content,"},
	{"dockerode", "dockerode", "dockerode"},

	{"kubectl-exec", "kubectl-exec-spdy", "kubectl exec over SPDY"},
	{"kubectl-port-forward", "kubectl-pf-wsfalse", "kubectl port-forward over SPDY"},

	{"cups", "cups-ipptool", "CUPS, with the target *,"},
}

// clientChecks returns a check for each of the clients.
var clientChecks = sync.OnceValue(func() []check {
	heads := make(map[string]capture)
	for _, c := range captured() {
		heads[c.name] = c
	}
	var all []check
	for _, c := range clients {
		capture := heads[c.capture]
		all = append(all, check{
			id: "client-" + c.id, title: "the offer that " + c.name + " sends is taken",
			rule: should(9110, "7.8"), only: capture.products[0], switching: true,
			judge: func(s *session) finding {
				octets := s.sentBy(capture.head)
				return s.missed(s.converse(func(c *conn) {
					c.send(octets)
					c.final()
				}))
			},
		})
	}
	return all
})

// sentBy returns the captured request as the client would send it to this server, with
// blanks for its content. The fields of Options replace those of the client.
func (s *session) sentBy(head string) string {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	words := strings.Split(lines[0], " ")
	if words[1] != "*" {
		words[1] = s.Target
	}
	var b strings.Builder
	b.WriteString(strings.Join(words, " ") + "\r\n")
	length := 0
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " ")
		if s.offers(name) {
			continue
		}
		switch strings.ToLower(name) {
		case "host":
			value = s.Host
		case "origin":
			value = "http://" + s.Host
			if s.secure {
				value = "https://" + s.Host
			}
		case "content-length":
			length, _ = strconv.Atoi(value)
		}
		b.WriteString(name + ": " + value + "\r\n")
	}
	for _, f := range s.Fields {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	return b.String() + "\r\n" + strings.Repeat(" ", length)
}

// offers reports whether Options have a field of that name.
func (s *session) offers(name string) bool { return len(s.fieldLines(name)) > 0 }

// fieldLines returns the values of the fields in Options that have that name.
func (s *session) fieldLines(name string) []string {
	var lines []string
	for _, f := range s.Fields {
		if strings.EqualFold(f.Name, name) {
			lines = append(lines, f.Value)
		}
	}
	return lines
}
