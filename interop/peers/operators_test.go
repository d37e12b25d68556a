package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/websocket"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// This file runs the configurations of docs/operators.md, each with its real proxy in front
// of servers of ours, and the directives that upgrade101 probe gives.

// operated is a proxy of the page.
type operated struct {
	heading  string
	language string // of the block
	name     string // in proxies; empty: upgrade101 proxy
	config   string // a template in testdata/proxies around the block
	adds     string // a field that the proxy adds, with the address of the client

	// Each mutation makes the configuration worse: it replaces a text, and then the check
	// must complain of something that has this part.
	mutations []mutation
}

type mutation struct{ old, new, complaint string }

var operatedProxies = []operated{
	{
		heading: "nginx", language: "nginx", name: "nginx", config: "operators-nginx.conf", adds: "X-Real-IP",
		mutations: []mutation{
			{"Upgrade $upgrade;", "Upgrade $http_upgrade;", `h2c: passes on "h2c"`},
			{"Connection $connection_upgrade;", "Connection $http_connection;", "a Connection with X-Real-IP"},
			{"Host $http_host;", "Host $host;", "Host is example.com,"},
			{"websocket;", `"";`, "ws: does not switch"},
		},
	}, {
		heading: "HAProxy", language: "haproxy", name: "haproxy", config: "operators-haproxy.cfg", adds: "X-Real-IP",
		mutations: []mutation{
			{"    http-request del-header Upgrade", "    #", `h2c: passes on "h2c"`},
			{"    http-request del-header Connection\n", "", "a Connection with X-Real-IP"},
			{"-i websocket", "-i websock", "ws: does not switch"},
		},
	}, {
		heading: "Apache", language: "apache", name: "Apache", config: "operators-apache.conf", adds: "X-Real-IP",
		mutations: []mutation{
			{"RequestHeader set Upgrade websocket env=offered\n", "", "foo-ws: does not switch"},
			{"RequestHeader unset Upgrade env=!offered\n", "", "ws-no-conn: passes on"},
			{"RequestHeader unset Connection \"expr=%{HTTP:Connection} != 'close'\"\n", "", "no X-Real-IP"},
			{"ProxyPreserveHost On\n", "", "Host is 127.0.0.1:"},
		},
	}, {
		heading: "upgrade101 proxy", language: "sh", adds: "X-Forwarded-For",
		mutations: []mutation{
			{"--allow websocket", "--allow websocket,h2c", `h2c: passes on "h2c"`},
			{"--allow websocket", "--allow foo", "ws: does not switch"},
		},
	},
}

// offersOfWebSocket are more shapes of requests. The first two are offers.
var offersOfWebSocket = []batteryCase{
	{name: "ws-h2c", head: batteryGet + "Upgrade: websocket, h2c|" + batteryKey + "Connection: Upgrade, HTTP2-Settings|HTTP2-Settings: AAMAAABkAAQAAP__"},
	{name: "ws-option", head: batteryGet + "Upgrade: websocket|" + batteryKey + "Connection: keep-alive, Upgrade, X-Real-IP"},
	{name: "ws-no-conn", head: batteryGet + "Upgrade: websocket|" + batteryKey + "X: y"},
	{name: "ws-no-up-opt", head: batteryGet + "Upgrade: websocket|" + batteryKey + "Connection: keep-alive"},
	{name: "ws-http10", head: "GET HTTP/1.0|Upgrade: websocket|" + batteryKey + "Connection: Upgrade"},
	{name: "ws-two-words", head: batteryGet + "Upgrade: a b, websocket|" + batteryKey + "Connection: Upgrade"},
	{name: "ws-version", head: batteryGet + "Upgrade: websocket/13|" + batteryKey + "Connection: Upgrade"},
	{name: "ws-option-longer", head: batteryGet + "Upgrade: websocket|" + batteryKey + "Connection: upgraded"},
}

// section returns the section of the page with that heading.
func section(t testing.TB, heading string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operators.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/operators.md has no section %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// block returns the configuration in the proxy's section of the page.
func (o operated) block(t testing.TB) string {
	t.Helper()
	text := section(t, o.heading)
	_, block, found := strings.Cut(text, "\n```"+o.language+"\n")
	block, _, ended := strings.Cut(block, "```\n")
	if !found || !ended || strings.Count(text, "```") != 2 {
		t.Fatalf("the section %s has no block, or several", o.heading)
	}
	return block
}

// proxy returns the proxy with that configuration. The block has the addresses of the page.
func (o operated) proxy(t testing.TB, block string) proxy {
	t.Helper()
	if strings.Count(block, "127.0.0.1:8101") != 1 || strings.Count(block, "127.0.0.1:8080") > 1 {
		t.Fatalf("not one address of each kind:\n%s", block)
	}
	block = strings.NewReplacer("127.0.0.1:8080", "{{.Listen}}", "127.0.0.1:8101", "{{.Origin}}").Replace(block)
	if o.name == "" {
		words := strings.Fields(block)
		if words[0] != "upgrade101" {
			t.Fatalf("not our command: %s", block)
		}
		return proxy{name: o.heading, programs: []string{upgrade101(t)}, version: []string{"--version"}, args: words[1:]}
	}
	p := proxies[slices.IndexFunc(proxies, func(p proxy) bool { return p.name == o.name })]
	p.config, p.block = o.config, block
	return p
}

// upgrade101 builds the command and returns its path.
func upgrade101(t testing.TB) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	path := filepath.Join(programs.dir, "upgrade101")
	if programs.built[path] != "" {
		return path
	}
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = filepath.Join("..", "..", "cmd", "upgrade101")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build upgrade101: %v\n%s", err, out)
	}
	if programs.built == nil {
		programs.built = map[string]string{}
	}
	programs.built[path] = path
	return path
}

// strictServer starts upgrade101 serve, which passes every check, and returns its address.
func strictServer(t testing.TB) string {
	t.Helper()
	d := start(t, command(t, upgrade101(t), "serve", "--raw", "--listen", "127.0.0.1:0"))
	address, ok := strings.CutPrefix(d.firstLine(t), "listening on http://")
	if !ok {
		t.Fatalf("upgrade101 serve printed %q", d.firstLine(t))
	}
	return address
}

// probed is what upgrade101 probe --json writes, as far as these tests read it.
type probed struct {
	Error    string
	Switched bool
	Advice   []string
	Results  []struct{ ID, Level, Verdict, Reason, Directive string }
}

func (p probed) failed() map[string]string {
	levels := map[string]string{}
	for _, r := range p.Results {
		if r.Verdict == "fail" {
			levels[r.ID] = r.Level
		}
	}
	return levels
}

// runProbe runs upgrade101 probe against a server.
func runProbe(t testing.TB, address string, flags ...string) probed {
	t.Helper()
	o := run(t, time.Minute, command(t, upgrade101(t), append([]string{"probe", "--json", "http://" + address + "/"}, flags...)...))
	var p probed
	if err := json.Unmarshal([]byte(o.stdout), &p); err != nil || p.Error != "" {
		t.Fatalf("%v, %s", err, o)
	}
	return p
}

// listed returns the checks that the section says fail, with the level of each: the next one
// in parentheses.
func listed(t testing.TB, text string, p probed) map[string]string {
	t.Helper()
	levels := map[string]string{}
	for _, r := range p.Results {
		_, after, found := strings.Cut(text, "`"+r.ID+"`")
		if !found {
			continue
		}
		level := regexp.MustCompile(`\((MUST|SHOULD|MAY)\)`).FindStringSubmatch(after)
		if level == nil {
			t.Errorf("%s has no level", r.ID)
			continue
		}
		levels[r.ID] = level[1]
	}
	return levels
}

func TestOperators(t *testing.T) {
	for _, o := range operatedProxies {
		t.Run(strings.ReplaceAll(o.heading, " ", "_"), func(t *testing.T) {
			t.Parallel()
			block := o.block(t)
			p := o.proxy(t, block)
			peer := p.peer(t)
			peer.scenario(t, "docs/operators.md: passes on only websocket, keeps Host and the field that it adds", func(t *testing.T) {
				for _, complaint := range o.complaints(t, block) {
					t.Error(complaint)
				}
			})
			for _, m := range o.mutations {
				t.Run("without "+strings.TrimSpace(m.old), func(t *testing.T) {
					if strings.Count(block, m.old) != 1 {
						t.Fatalf("%q is not in the configuration once", m.old)
					}
					complaints := o.complaints(t, strings.Replace(block, m.old, m.new, 1))
					if !slices.ContainsFunc(complaints, func(c string) bool { return strings.Contains(c, m.complaint) }) {
						t.Errorf("no complaint with %q in %q", m.complaint, complaints)
					}
				})
			}
			peer.scenario(t, "docs/operators.md: the checks that fail", func(t *testing.T) {
				result := runProbe(t, p.start(t, strictServer(t)))
				text := section(t, o.heading)
				equal(t, "checks", result.failed(), listed(t, text, result))
				if none := strings.Contains(strings.ReplaceAll(text, "\n", " "), "o check fails"); none != (len(result.failed()) == 0) {
					t.Errorf("the page says that no check fails: %v", none)
				}
			})
		})
	}
}

// complaints returns what is wrong with the proxy if it has that configuration.
func (o operated) complaints(t *testing.T, block string) []string {
	t.Helper()
	p := o.proxy(t, block)
	var all []string
	complain := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	// The origin switches to websocket and echo/1.
	tap := newTap(t, newOrigin(t, "netupgrade"))
	b := battery{address: p.start(t, tap.address), tap: tap}
	for _, c := range slices.Concat(requestShapes, offersOfWebSocket) {
		v := b.visit(t, c, batteryLong, "")
		want := slices.Contains([]string{"ws", "wsearly", "foo-ws", "ws-foo", "ws-upper", "ws-h2c", "ws-option"}, c.name)
		if want && v.verdict != "websocket" {
			complain("%s: does not switch: %s", c.name, v)
		}
		if !want && v.verdict != "-" {
			complain("%s: switches: %s", c.name, v)
		}
		if !strings.HasPrefix(v.reached, strings.SplitN(c.head, "|", 2)[0][:3]) {
			complain("%s: does not reach the origin: %s", c.name, v)
		}
		if product := passedOn(v); product != "" && !(want && product == "websocket") {
			complain("%s: passes on %q", c.name, product)
		}
	}

	// The fields that arrive.
	for _, offer := range []string{"Connection: keep-alive, ", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade, "} {
		r := arrived(t, b, "GET / HTTP/1.1\r\nHost: example.com:8443\r\n"+offer+o.adds+"\r\n"+o.adds+": 192.0.2.1\r\n\r\n")
		if host := lines(r, "Host"); host != "example.com:8443" {
			complain("Host is %s, not as the client sent it", host)
		}
		if added := lines(r, o.adds); added != "127.0.0.1" {
			complain("no %s of the proxy, but %q", o.adds, added)
		}
		connection, err := upgrade.ParseConnection(r.Connection...)
		if err != nil {
			t.Fatal(err)
		}
		if connection.Has(o.adds) {
			complain("a Connection with %s", o.adds)
		}
	}

	// This server switches to h2c.
	tap = newTap(t, example(t, "h2c"))
	b = battery{address: p.start(t, tap.address), tap: tap}
	h2c := batteryNamed(t, "h2c")
	if v := (battery{address: tap.address, tap: tap}).visit(t, h2c, batteryLong, "/direct"); v.verdict != "h2c" {
		t.Fatalf("the server does not switch to h2c: %s", v)
	}
	if v := b.visit(t, h2c, batteryLong, ""); passedOn(v) != "" || v.verdict != "-" {
		complain("h2c: passes on %q: %s", passedOn(v), v)
	}
	return all
}

// passedOn returns the Upgrade field of the request that reached the origin.
func passedOn(v visit) string {
	for _, f := range strings.Split(v.reached, "; ") {
		if name, value, found := strings.Cut(f, ": "); found && strings.EqualFold(name, "Upgrade") {
			return value
		}
	}
	return ""
}

// arrived sends a request through the proxy and returns the head that the origin got. The
// origin has closed all earlier connections.
func arrived(t *testing.T, b battery, request string) *head.Request {
	t.Helper()
	before := len(b.tap.all())
	client, err := newBatteryClient(b.address, batteryLong, request)
	if err != nil {
		t.Fatal(err)
	}
	defer client.conn.Close()
	if _, err := client.response(); err != nil {
		t.Fatal(err)
	}
	all := b.tap.all()
	if len(all) != before+1 {
		t.Fatalf("%d connections, want one more than %d", len(all), before)
	}
	return all[before].request(t)
}

// lines returns the lines of a field, joined.
func lines(r *head.Request, name string) string {
	var all []string
	for _, line := range r.Lines(nil, name) {
		all = append(all, string(line))
	}
	return strings.Join(all, ", ")
}

// The usual configuration on the web, without Host, and a constant Connection.
var usual = map[string]string{
	"nginx": `server {
    listen 127.0.0.1:8080;
    location / {
        proxy_pass http://127.0.0.1:8101;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
    }
}
`,
	"Apache": "ProxyPass / http://127.0.0.1:8101/ upgrade=ANY\n",
}

// A check that fails through the usual configuration, and has a directive, passes through
// the configuration of the page. This is so with a server of ours, with one that searches
// Upgrade for the product and does not look at Connection, and with one that compares both
// fields as strings.
func TestOperatorsDirectives(t *testing.T) {
	for _, o := range operatedProxies {
		if usual[o.name] == "" {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			peer := o.proxy(t, usual[o.name]).peer(t)
			for server, some := range map[string][]string{
				"strict":  {"client-firefox", "client-chromium", "http-1.0", "connection-missing", "connection-other"},
				"lenient": {"http-1.0", "connection-missing", "connection-other"},
				"literal": {"upgrade-list-first", "upgrade-list-last", "upgrade-case"},
			} {
				peer.scenario(t, "directives of upgrade101 probe: a "+server+" server", func(t *testing.T) {
					origin := ""
					switch server {
					case "strict":
						origin = strictServer(t)
						if o.name == "nginx" {
							some = append(some, "426-connection", "advertised-connection")
						}
					default:
						origin = carelessServer(t, server == "literal")
					}
					before := runProbe(t, o.proxy(t, usual[o.name]).start(t, origin))
					after := runProbe(t, o.proxy(t, o.block(t)).start(t, origin)).failed()
					helped := map[string]bool{}
					for _, r := range before.Results {
						if r.Directive == "" {
							continue
						}
						helped[r.ID] = true
						if after[r.ID] != "" {
							t.Errorf("%s fails in spite of: %s", r.ID, r.Directive)
						}
					}
					for _, id := range some {
						if !helped[id] {
							t.Errorf("%s has no directive: %s", id, before.failed()[id])
						}
					}
				})
			}
		})
	}
}

// The advice for a proxy that passes on nothing is a configuration with which it passes on
// the product that was probed.
func TestOperatorsAdvice(t *testing.T) {
	t.Parallel()
	origin := strictServer(t)
	for _, o := range operatedProxies {
		bare := map[string]string{
			"nginx":  "server { listen 127.0.0.1:8080; location / { proxy_pass http://127.0.0.1:8101; } }\n",
			"Apache": "ProxyPass / http://127.0.0.1:8101/\n",
		}[o.name]
		if bare == "" {
			continue
		}
		peer := o.proxy(t, bare).peer(t)
		peer.scenario(t, "advice of upgrade101 probe for echo/1", func(t *testing.T) {
			before := runProbe(t, o.proxy(t, bare).start(t, origin), "--product", "echo/1")
			if before.Switched || len(before.Advice) == 0 {
				t.Fatalf("switched: %v, advice: %q", before.Switched, before.Advice)
			}
			_, block, _ := strings.Cut(before.Advice[0], "\n")
			block = strings.ReplaceAll(block+"\n", "\n    ", "\n")
			if after := runProbe(t, o.proxy(t, block).start(t, origin), "--product", "echo/1"); !after.Switched {
				t.Errorf("does not switch to echo/1 with\n%s", block)
			}
		})
	}
}

// carelessServer starts a server of WebSocket that does not check requests, and returns its
// address. A literal one compares Upgrade and Connection as strings. Another switches if the
// product is anywhere in Upgrade.
func carelessServer(t testing.TB, literal bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offered := strings.Contains(strings.ToLower(r.Header.Get("Upgrade")), "websocket")
		if literal {
			offered = r.Header.Get("Upgrade") == "websocket" && strings.EqualFold(r.Header.Get("Connection"), "upgrade")
		}
		key := r.Header.Get("Sec-Websocket-Key")
		if !offered || key == "" {
			io.Copy(io.Discard, r.Body)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "%sUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", switching, websocket.Accept(key))
		webSocketEcho(conn, "")
	})}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// A browser that speaks HTTP/2 to HAProxy opens a WebSocket by extended CONNECT (RFC 8441).
// The rules of the page let that through, and no other product.
func TestOperatorsHTTP2(t *testing.T) {
	t.Parallel()
	o := operatedProxies[slices.IndexFunc(operatedProxies, func(o operated) bool { return o.name == "haproxy" })]
	p := o.proxy(t, strings.Replace(o.block(t), "127.0.0.1:8080", "127.0.0.1:8080 proto h2", 1))
	p.peer(t).scenario(t, "docs/operators.md: a WebSocket over HTTP/2", func(t *testing.T) {
		tap := newTap(t, newOrigin(t, "netupgrade"))
		address := p.start(t, tap.address)
		for i, product := range []string{"websocket", "echo/1"} {
			status := extendedConnect(t, address, product)
			r := tap.all()[i].request(t)
			want := map[string]string{"websocket": "websocket"}[product]
			if got := lines(r, "Upgrade"); got != want {
				t.Errorf("%s: Upgrade is %q", product, got)
			}
			if product == "websocket" && status != "200" {
				t.Errorf("%s: the status is %s", product, status)
			}
		}
	})
}

// extendedConnect offers a product over HTTP/2 and returns the status of the answer.
func extendedConnect(t *testing.T, address, product string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(batteryLong))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "CONNECT"}, {":protocol", product}, {":scheme", "http"}, {":path", "/"}, {":authority", "localhost"},
		{"sec-websocket-version", "13"},
	} {
		encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := errors.Join(
		framer.WriteSettings(),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}),
	); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if head, ok := frame.(*http2.MetaHeadersFrame); ok {
			return head.PseudoValue("status")
		}
	}
}
