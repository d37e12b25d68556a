package probe

import (
	"bytes"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// This file knows the settings of common proxies that make a check pass, and pass on only
// what is served. It knows nothing of how the checks are made. The configurations are those
// of docs/operators.md, where a test runs them.

// operators is the address of the page that has the configurations.
const operators = "https://github.com/gosegue/upgrade/blob/main/docs/operators.md"

// proxy is what is known of one kind of proxy.
type proxy struct {
	name       string // as people know it
	server     string // its product in the field Server, in lower case; empty: it sends no Server
	config     string // passes on only the product websocket
	directives []directive
}

// directive is the part of a configuration that makes some checks pass.
type directive struct {
	checks string // a pattern of IDs, as path.Match reads it
	status string // of the answer that failed the check; empty: any
	text   string // empty: no directive helps
}

const answerConnection = "`add_header Connection $connection_answer always;`, because nginx removes Connection from answers"

// The first directive that matches a check counts.
var proxies = []proxy{
	{
		name: "nginx", server: "nginx",
		config: `map $http_upgrade $product {
    "~[^-._/0-9A-Za-z, \t]|[^, \t][ \t]+[^, \t]"  "";  # malformed
    "~*(^|,)[ \t]*websocket[ \t]*(,|$)"           websocket;
}
map $http_connection $option {
    "~[^-._0-9A-Za-z, \t]|[^, \t][ \t]+[^, \t]"   "";  # malformed
    "~*(^|,)[ \t]*upgrade[ \t]*(,|$)"             upgrade;
}
map "$server_protocol $option" $upgrade { "~^HTTP/1\.[1-9] upgrade$" $product; }
map $upgrade $connection_upgrade { default upgrade; "" ""; }
map "$status $upstream_http_upgrade" $connection_answer { "~^[2-5].. ." upgrade; }
server {
    listen 127.0.0.1:8080;
    location / {
        proxy_pass http://127.0.0.1:8101;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $http_host;
        proxy_set_header X-Real-IP $remote_addr;
        add_header Connection $connection_answer always;
    }
}
`,
		directives: []directive{
			{checks: "*-line-*"}, // nginx before 1.23 reads only the first line of a field
			{checks: "*-neighbour-line"},
			{checks: "client-*", status: "403", text: "`proxy_set_header Host $http_host;`, because the server compares Origin with Host, and $host has no port"},
			{checks: "426-connection", text: answerConnection},
			{checks: "advertised-connection", text: answerConnection},
			{checks: "http-1.0", text: "`map \"$server_protocol $option\" $upgrade`, and `proxy_set_header Upgrade $upgrade;`, so that an offer in HTTP/1.0 is not passed on"},
			{checks: "connection-*", text: "`map $http_connection $option`, and pass on Upgrade only if the option is upgrade"},
			{checks: "upgrade-*", text: "`map $http_upgrade $product` to the products that you serve, and pass on only the result"},
		},
	}, {
		name: "Apache", server: "apache",
		config: `SetEnvIfExpr "%{SERVER_PROTOCOL} =~ m#^HTTP/1\.[1-9]$# && -z %{HTTP:Transfer-Encoding} \
    && %{HTTP:Upgrade} !~ m#[^-._/0-9A-Za-z, \t]|[^, \t][ \t]+[^, \t]# \
    && %{HTTP:Upgrade} =~ m#(^|,)[ \t]*websocket[ \t]*(,|$)#i \
    && %{HTTP:Connection} !~ m#[^-._0-9A-Za-z, \t]|[^, \t][ \t]+[^, \t]# \
    && %{HTTP:Connection} =~ m#(^|,)[ \t]*upgrade[ \t]*(,|$)#i" offered
RequestHeader set Upgrade websocket env=offered
RequestHeader unset Upgrade env=!offered
RequestHeader set Connection close "expr=%{HTTP:Connection} =~ m#(^|,)[ \t]*close[ \t]*(,|$)#i"
RequestHeader unset Connection "expr=%{HTTP:Connection} != 'close'"
RequestHeader set X-Real-IP "expr=%{REMOTE_ADDR}"
ProxyPreserveHost On
ProxyPass "/" "http://127.0.0.1:8101/" upgrade=websocket
`,
		directives: []directive{
			{checks: "101-upgrade-once", text: "`Protocols http/1.1`, so that mod_http2 does not add an Upgrade of its own"},
			{checks: "client-*", status: "403", text: "`ProxyPreserveHost On`, because the server compares Origin with Host"},
			{checks: "http-[12].0", text: "`SetEnvIfExpr` with `%{SERVER_PROTOCOL} =~ m#^HTTP/1\\.[1-9]$#`, and `RequestHeader unset Upgrade env=!offered`"},
			{checks: "connection-*", text: "`SetEnvIfExpr` with `%{HTTP:Connection} =~ m#(^|,)[ \\t]*upgrade[ \\t]*(,|$)#i`, and `RequestHeader unset Upgrade env=!offered`"},
			{checks: "upgrade-*", text: "`SetEnvIfExpr` with `%{HTTP:Upgrade}`, and `RequestHeader set Upgrade websocket env=offered`, so that only this product is passed on"},
			{checks: "both-lengths", text: "`SetEnvIfExpr` with `-z %{HTTP:Transfer-Encoding}`, and `RequestHeader unset Upgrade env=!offered`"},
		},
	}, {
		name: "HAProxy",
		config: `listen clients
    mode http
    bind 127.0.0.1:8080
    acl offered    req.hdr(Upgrade) -i websocket
    acl asked      req.hdr(Connection) -i upgrade
    acl malformed  req.fhdr(Upgrade) -m reg '[^-._/0-9A-Za-z,[:blank:]]|[^,[:blank:]][[:blank:]]+[^,[:blank:]]'
    acl malformed  req.fhdr(Connection) -m reg '[^-._0-9A-Za-z,[:blank:]]|[^,[:blank:]][[:blank:]]+[^,[:blank:]]'
    http-request del-header Upgrade unless offered asked !malformed !HTTP_1.0
    http-request del-header Connection
    http-request set-header Upgrade websocket if offered
    http-request set-header Connection upgrade if offered
    http-request set-header X-Real-IP %[src]
    server one 127.0.0.1:8101
`,
	},
}

// Advice returns what an operator can do about the report as a whole, a text of one or more
// lines for each thing. The list is empty if there is nothing to do.
//
// If the server never switched, the advice is how to pass on the product, for the proxy that
// sent the answers. For h2c and TLS it is not to pass them on. If the answers are redirects
// or errors that come before any decision about Upgrade, the advice is to mend these.
func Advice(product upgrade.Product[string], report upgradetest.Report) []string {
	const whole = "The whole configurations of nginx, HAProxy and Apache, and what each cannot do: " + operators
	if report.Switched {
		for _, r := range report.Results {
			if Directive(r, report) != "" {
				return []string{whole}
			}
		}
		return nil
	}
	switch strings.ToLower(product.Name()) {
	case "h2c", "h2":
		return []string{"Do not pass on " + product.String() + " through a proxy: requests in HTTP/2 would go past its rules. Let the proxy itself speak HTTP/2 to clients."}
	case "tls":
		return []string{"Do not pass on " + product.String() + " through a proxy: requests inside TLS would go past its rules. Let the proxy itself speak TLS to clients."}
	}
	if status, _ := strings.CutPrefix(report.First, "it answered "); isBeforeUpgrade(status) {
		return []string{"The server answers " + status + " before it looks at Upgrade: look at that answer first. " +
			"Perhaps the URL names another resource or port, or the proxy does not reach its backend.", whole}
	}
	var advice []string
	if p, found := proxyOf(report); found && plain.MatchString(product.String()) {
		text := "To pass on " + product.String() + " with " + p.name + ", and nothing else:\n"
		if p.server == "" {
			text = "If " + p.name + " is in front of the server, this passes on " + product.String() + ", and nothing else:\n"
		}
		for line := range strings.Lines(p.configFor(product.String())) {
			text += "    " + line
		}
		advice = append(advice, strings.TrimSuffix(text, "\n"))
	}
	return append(advice, whole)
}

// plain matches the products that the configurations can have in place of websocket.
var plain = regexp.MustCompile(`^[-._/0-9A-Za-z]+$`)

// configFor returns the configuration that passes on only that product.
func (p proxy) configFor(product string) string {
	const pattern = `[ \t]*websocket[ \t]*`
	config := strings.ReplaceAll(p.config, pattern, strings.Replace(pattern, "websocket", regexp.QuoteMeta(product), 1))
	return strings.ReplaceAll(config, "websocket", product)
}

// Directive returns the setting that makes the server pass the failed check, or an empty
// string if the check did not fail or no setting is known.
func Directive(r upgradetest.Result, report upgradetest.Report) string {
	p, found := proxyOf(report)
	if !found || r.Verdict != upgradetest.Fail {
		return ""
	}
	for _, d := range p.directives {
		if matches, _ := path.Match(d.checks, r.ID); matches && strings.HasPrefix(statusOf(r.Received), d.status) {
			if d.text == "" {
				return ""
			}
			return "With " + p.name + ": " + d.text
		}
	}
	return ""
}

// proxyOf returns the proxy that sent the answers. A report without an answer is no proxy's.
func proxyOf(report upgradetest.Report) (p proxy, found bool) {
	sent, answered := serverOf(report)
	if !answered {
		return proxy{}, false
	}
	name, _, _ := strings.Cut(sent, "/")
	name, _, _ = strings.Cut(name, " ")
	for _, p := range proxies {
		if p.server == name {
			return p, true
		}
	}
	return proxy{}, false
}

// serverOf returns the first value of Server that was received, in lower case, or an empty
// string. It also reports whether there was an answer at all.
func serverOf(report upgradetest.Report) (server string, answered bool) {
	for _, r := range report.Results {
		head, _, _ := bytes.Cut(r.Received, []byte("\r\n\r\n"))
		answered = answered || statusOf(r.Received) != ""
		for line := range strings.SplitSeq(string(head), "\r\n") {
			if name, value, found := strings.Cut(line, ":"); found && http.CanonicalHeaderKey(name) == "Server" {
				return strings.ToLower(strings.TrimSpace(value)), true
			}
		}
	}
	return "", answered
}

// isBeforeUpgrade reports whether the status of the answer to the plain offer tells of a
// fault that has nothing to do with Upgrade.
func isBeforeUpgrade(status string) bool {
	switch status {
	case "400", "500", "502", "503", "504":
		return true
	}
	return len(status) == 3 && status[0] == '3'
}

// statusOf returns the status code that an answer begins with, or an empty string.
func statusOf(received []byte) string {
	version, rest, _ := strings.Cut(string(received[:min(len(received), len("HTTP/1.1 403"))]), " ")
	if !strings.HasPrefix(version, "HTTP/1.") {
		return ""
	}
	return rest
}
