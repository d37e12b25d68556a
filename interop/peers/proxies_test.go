package peers

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// This file has the proxies as data: how to find each one and start it in front of an
// origin of ours.

// proxy is a proxy to test.
type proxy struct {
	name     string
	install  string
	programs []string // names or paths of it
	version  []string // arguments that make it print its version
	config   string   // a template in testdata/proxies
	args     []string // templates too
	owner    string   // the user it runs as when root starts it
	forward  bool     // a forward proxy: clients name the origin
	quirks   []quirk
	block    string // a configuration of docs/operators.md, for the template

	// handler makes a proxy of a ReverseProxy, in the tests' own process; nil: the ReverseProxy
	// is the proxy.
	handler func(*httputil.ReverseProxy) http.Handler

	// special runs scenarios that take more than visits; the map has a battery for each layer.
	special func(*testing.T, proxy, peer, map[string]battery)
}

var proxies = []proxy{
	{
		name:     "nginx",
		install:  "apt-get install nginx-light",
		programs: []string{"nginx", "/usr/sbin/nginx"},
		version:  []string{"-v"},
		config:   "nginx.conf",
		args:     []string{"-c", "{{.Config}}", "-e", "{{.Dir}}/log"},
		quirks:   nginxQuirks,
		special:  nginxWithoutSettings,
	},
	{
		name:     "haproxy",
		install:  "apt-get install haproxy",
		programs: []string{"haproxy", "/usr/sbin/haproxy"},
		version:  []string{"-v"},
		config:   "haproxy.cfg",
		args:     []string{"-db", "-f", "{{.Config}}"},
		quirks:   haproxyQuirks,
	},
	{
		name:     "Apache",
		install:  "apt-get install apache2",
		programs: []string{"apache2", "/usr/sbin/apache2"},
		version:  []string{"-v"},
		config:   "apache.conf",
		args:     []string{"-DFOREGROUND", "-f", "{{.Config}}"},
		quirks:   apacheQuirks,
	},
	{
		name:     "varnish",
		install:  "apt-get install varnish",
		programs: []string{"varnishd", "/usr/sbin/varnishd"},
		version:  []string{"-V"},
		config:   "varnish.vcl",
		args:     []string{"-F", "-n", "{{.Dir}}", "-a", "{{.Listen}}", "-f", "{{.Config}}", "-s", "malloc,16m", "-T", "none"},
		quirks:   varnishQuirks,
		special:  varnishDecides,
	},
	{
		name:     "squid",
		install:  "apt-get install squid",
		programs: []string{"squid", "/usr/sbin/squid"},
		version:  []string{"-v"},
		config:   "squid.conf",
		// The name of the service tells its shared memory from that of others.
		args:   []string{"-N", "-n", "interop{{.ListenPort}}", "-f", "{{.Config}}"},
		owner:  "proxy",
		quirks: squidQuirks,
	},
	{
		name:     "lighttpd",
		install:  "apt-get install lighttpd",
		programs: []string{"lighttpd", "/usr/sbin/lighttpd"},
		version:  []string{"-v"},
		config:   "lighttpd.conf",
		args:     []string{"-D", "-f", "{{.Config}}"},
		quirks:   lighttpdQuirks,
		special:  lighttpdAnswered,
	},
	{
		name:     "nghttpx",
		install:  "apt-get install nghttp2-proxy",
		programs: []string{"nghttpx", "/usr/sbin/nghttpx"},
		version:  []string{"--version"},
		args: []string{"--conf=/dev/null", "--frontend={{.ListenHost}},{{.ListenPort}};no-tls",
			"--backend={{.OriginHost}},{{.OriginPort}}", "--no-ocsp", "--workers=1", "--errorlog-file={{.Dir}}/log"},
		quirks: nghttpxQuirks,
	},
	{
		name:     "kubectl proxy",
		install:  "get kubectl from the pages of Kubernetes",
		programs: []string{"kubectl"},
		version:  []string{"version", "--client"},
		config:   "kubectl.yaml",
		args: []string{"--kubeconfig={{.Config}}", "proxy", "--address={{.ListenHost}}", "--port={{.ListenPort}}",
			"--accept-hosts=.*", "--reject-paths=^$", "--reject-methods=^$", "--api-prefix=/"},
		quirks: kubectlProxyQuirks,
	},
	{
		name:     "privoxy",
		install:  "apt-get install privoxy",
		programs: []string{"privoxy", "/usr/sbin/privoxy"},
		version:  []string{"--version"},
		config:   "privoxy.conf",
		args:     []string{"--no-daemon", "{{.Config}}"},
		forward:  true,
		special:  privoxyDoesNot,
	},
	{
		name:   "ReverseProxy", // of net/http/httputil, in the tests' own process
		quirks: reverseProxyQuirks,
	},
	{
		name:   "proxyupgrade", // ours
		quirks: ourProxyQuirks,
		handler: func(reverse *httputil.ReverseProxy) http.Handler {
			return &proxyupgrade.Proxy{
				Reverse:  reverse,
				Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket"), upgrade.MustParseProduct("echo/1")},
			}
		},
	},
}

// peer finds the proxy, or skips the test.
func (p proxy) peer(t testing.TB) peer {
	t.Helper()
	if p.programs == nil {
		return peer{p.name, strings.TrimPrefix(runtime.Version(), "go")}
	}
	return peer{p.name, version(t, need(t, p.install, p.programs...), p.version...)}
}

// start starts the proxy in front of an origin, which must listen already, and returns
// the proxy's address.
func (p proxy) start(t testing.TB, origin string) string {
	t.Helper()
	return p.startTwo(t, origin, "")
}

// startTwo is start for a configuration with two origins.
func (p proxy) startTwo(t testing.TB, origin, second string) string {
	t.Helper()
	if p.programs == nil {
		reverse := &httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: origin}) },
			ErrorLog: log.New(io.Discard, "", 0),
		}
		handler := http.Handler(reverse)
		if p.handler != nil {
			handler = p.handler(reverse)
		}
		server := httptest.NewServer(handler)
		t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		return server.Listener.Addr().String()
	}
	data := proxyData{Listen: freeAddress(t), Origin: origin, Second: second, Dir: p.dir(t)}
	data.Block = data.fill(t, p.block)
	if p.config != "" {
		text, err := os.ReadFile(filepath.Join("testdata", "proxies", p.config))
		if err != nil {
			t.Fatal(err)
		}
		data.Config = filepath.Join(data.Dir, p.config)
		if err := os.WriteFile(data.Config, []byte(data.fill(t, string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args := make([]string, len(p.args))
	for i, arg := range p.args {
		args[i] = data.fill(t, arg)
	}
	d := start(t, command(t, need(t, p.install, p.programs...), args...))
	d.listening(t, data.Listen)
	return data.Listen
}

// dir returns a new temporary folder. The proxy's workers can reach it as any user.
func (p proxy) dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if p.owner == "" || os.Getuid() != 0 {
		return dir
	}
	owner, err := user.Lookup(p.owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir
}

// proxyData fills in the templates of a proxy.
type proxyData struct{ Listen, Origin, Second, Dir, Config, Block string }

func (d proxyData) ListenHost() string { return hostOf(d.Listen) }
func (d proxyData) ListenPort() string { return portOf(d.Listen) }
func (d proxyData) OriginHost() string { return hostOf(d.Origin) }
func (d proxyData) OriginPort() string { return portOf(d.Origin) }

func hostOf(address string) string { host, _, _ := net.SplitHostPort(address); return host }
func portOf(address string) string { _, port, _ := net.SplitHostPort(address); return port }

func (d proxyData) fill(t testing.TB, text string) string {
	t.Helper()
	var b strings.Builder
	if err := template.Must(template.New("").Parse(text)).Execute(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestProxies(t *testing.T) {
	for _, p := range proxies {
		t.Run(strings.ReplaceAll(p.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			peer := p.peer(t)
			at := map[string]battery{}
			for _, layer := range layers {
				tap := newTap(t, newOrigin(t, layer))
				at[layer] = battery{p.start(t, tap.address), tap, p.forward}
			}
			peer.scenario(t, "battery, 54 cases", func(t *testing.T) {
				tap := newTap(t, newAnswers(t))
				answers := battery{p.start(t, tap.address), tap, p.forward}
				want, got := toCompare(t, p.name), batteryRecords{}
				for _, layer := range layers {
					got[layer] = at[layer].all(t, requestShapes, want[layer])
				}
				got[""] = answers.all(t, answerShapes, want[""])
				got.check(t, p.name)
			})
			for i, q := range p.quirks {
				run := peer.scenario
				if q.limit {
					run = peer.limit
				}
				run(t, q.scenario, func(t *testing.T) {
					for layer, b := range at {
						q.check(t, layer, b, "/"+strconv.Itoa(i))
					}
				})
			}
			if p.special != nil {
				p.special(t, p, peer, at)
			}
		})
	}
}
