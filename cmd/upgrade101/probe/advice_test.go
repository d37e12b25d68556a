package probe

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// reportOf is a report of a server that sends this Server field, with one result.
func reportOf(server string, switched bool, result upgradetest.Result) upgradetest.Report {
	first := upgradetest.Result{Received: []byte("HTTP/1.1 200 OK\r\n" + server + "\r\n")}
	return upgradetest.Report{Switched: switched, Results: []upgradetest.Result{first, result}}
}

// failed is the result of a failed check, with the status of the answer.
func failed(id, status string) upgradetest.Result {
	return upgradetest.Result{
		Check: upgradetest.Check{ID: id}, Verdict: upgradetest.Fail, Received: []byte("HTTP/1.1 " + status + " x\r\n\r\n"),
	}
}

// The configurations are those of the page, where a test runs them, and the directives are
// parts of them.
func TestAdviceIsThePage(t *testing.T) {
	octets, err := os.ReadFile("../../../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(octets)
	for _, p := range proxies {
		block := "```" + strings.ToLower(p.name) + "\n" + p.config + "```\n"
		if strings.Count(page, block) != 1 {
			t.Errorf("docs/operators.md does not show this configuration of %s:\n%s", p.name, p.config)
		}
		for _, d := range p.directives {
			if d.checks == "101-upgrade-once" {
				continue // of a module that the page does not need
			}
			for _, code := range regexp.MustCompile("`[^`]+`").FindAllString(d.text, -1) {
				if !strings.Contains(p.config, strings.Trim(code, "`")) {
					t.Errorf("%s, %s: no %s in the configuration", p.name, d.checks, code)
				}
			}
		}
	}
}

func TestDirective(t *testing.T) {
	const nginx, apache = "Server: nginx/1.22.1\r\n", "Server: Apache\r\n"
	for _, test := range []struct {
		server string
		result upgradetest.Result
		want   string // a part; empty: no directive
	}{
		{nginx, failed("client-firefox", "403"), "With nginx: `proxy_set_header Host $http_host;`"},
		{nginx, failed("client-firefox", "426"), ""},
		{apache, failed("client-firefox", "403"), "With Apache: `ProxyPreserveHost On`"},
		{nginx, failed("http-1.0", "101"), "$server_protocol"},
		{apache, failed("http-1.0", "101"), "%{SERVER_PROTOCOL}"},
		{nginx, failed("connection-missing", "101"), "map $http_connection"},
		{nginx, failed("connection-control", "101"), "map $http_connection"},
		{apache, failed("connection-other", "101"), "%{HTTP:Connection}"},
		{nginx, failed("upgrade-unknown", "101"), "map $http_upgrade"},
		{nginx, failed("upgrade-list-first", "400"), "map $http_upgrade"},
		{nginx, failed("upgrade-line-last", "200"), ""},
		{nginx, failed("upgrade-neighbour-line", "101"), ""},
		{apache, failed("upgrade-line-last", "200"), "%{HTTP:Upgrade}"},
		{apache, failed("both-lengths", "101"), "-z %{HTTP:Transfer-Encoding}"},
		{nginx, failed("both-lengths", "101"), ""},
		{nginx, failed("426-connection", "426"), "add_header Connection"},
		{nginx, failed("advertised-connection", "200"), "add_header Connection"},
		{nginx, failed("101-connection", "101"), ""},
		{apache, failed("426-connection", "426"), ""},
		{"Server: NGINX\r\n", failed("http-1.0", "101"), "With nginx: "},
		{"Server: nginx (Debian)\r\n", failed("http-1.0", "101"), "With nginx: "},
		{"Server: nginxx/1\r\n", failed("http-1.0", "101"), ""},
		{"Server: Apache-Coyote/1.1\r\n", failed("http-1.0", "101"), ""},
		{"", failed("http-1.0", "101"), ""},
		{nginx, upgradetest.Result{Check: upgradetest.Check{ID: "http-1.0"}, Verdict: upgradetest.Pass}, ""},
	} {
		got := Directive(test.result, reportOf(test.server, true, test.result))
		if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%q, %s: %q", test.server, test.result.ID, got)
		}
	}
}

func TestAdvice(t *testing.T) {
	for _, test := range []struct {
		name, product, server string
		switched              bool
		result                upgradetest.Result
		want                  []string // a part of each text
	}{
		{"nginx", "websocket", "Server: nginx\r\n", false, failed("host-twice", "200"), []string{"with nginx, and nothing else:\n    map $http_upgrade ", operators}},
		{"Apache", "websocket", "Server: Apache/2.4\r\n", false, failed("host-twice", "200"), []string{"with Apache, and nothing else:\n    SetEnvIfExpr ", operators}},
		{"no Server", "websocket", "", false, failed("host-twice", "200"), []string{"If HAProxy is in front of the server, ", operators}},
		{"another server", "websocket", "Server: x\r\n", false, failed("host-twice", "200"), []string{operators}},
		{"no answer", "websocket", "none", false, upgradetest.Result{}, []string{operators}},
		{"another product", "a.b/1.0", "Server: nginx\r\n", false, failed("host-twice", "200"), []string{`    "~*(^|,)[ \t]*a\.b/1\.0[ \t]*(,|$)"           a.b/1.0;` + "\n", operators}},
		{"a product that a configuration cannot hold", "a$b", "Server: nginx\r\n", false, failed("host-twice", "200"), []string{operators}},
		{"h2c", "h2c", "Server: nginx\r\n", false, failed("host-twice", "200"), []string{"Do not pass on h2c "}},
		{"H2C", "H2C", "", false, failed("host-twice", "200"), []string{"Do not pass on H2C "}},
		{"TLS", "TLS/1.2", "Server: Apache\r\n", false, failed("host-twice", "200"), []string{"Do not pass on TLS/1.2 "}},
		{"switched, and a directive", "websocket", "Server: nginx\r\n", true, failed("http-1.0", "101"), []string{operators}},
		{"switched, and no directive", "websocket", "Server: nginx\r\n", true, failed("host-twice", "200"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := reportOf(test.server, test.switched, test.result)
			if test.server == "none" {
				report.Results = []upgradetest.Result{test.result}
			}
			got := Advice(upgrade.MustParseProduct(test.product), report)
			if len(got) != len(test.want) {
				t.Fatalf("%d texts, want %d: %q", len(got), len(test.want), got)
			}
			for i, text := range got {
				if !strings.Contains(text, test.want[i]) || strings.HasSuffix(text, "\n") {
					t.Errorf("no %q in %q", test.want[i], text)
				}
				if test.product != "websocket" && strings.Contains(text, "websocket") || strings.Contains(text, "$http_upgrade;") {
					t.Errorf("passes on too much: %s", text)
				}
			}
		})
	}
}
