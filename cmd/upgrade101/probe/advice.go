package probe

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// This file knows the words that common servers have for what a check asks. It knows
// nothing of how the checks are made.

// advice is what a server is told by its own configuration.
type advice struct {
	name       string            // as people know it
	product    string            // how its Server field begins, in lower case; empty: it sends none
	pass       string            // makes it pass Upgrade on to the server that it stands in front of
	directives map[string]string // by the ID of a check
}

// ownConnection is for a proxy that writes Connection whatever the client sent.
const ownConnection = "proxy_set_header Connection $http_connection; instead of a constant, which makes an offer of no offer"

var servers = []advice{
	{
		name: "nginx", product: "nginx",
		pass: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;`,
		directives: map[string]string{
			"connection-missing":           ownConnection,
			"connection-other":             ownConnection,
			"connection-longer":            ownConnection,
			"connection-prefixed":          ownConnection,
			"connection-insecure-requests": ownConnection,
			"upgrade-unknown":              "map $http_upgrade to the products that you serve, and proxy_set_header Upgrade to the result",
		},
	}, {
		name: "Apache", product: "apache",
		pass: `ProxyPass "/" "http://backend/" upgrade=websocket (mod_proxy_http, from 2.4.47)`,
		directives: map[string]string{
			"101-upgrade-once": "Protocols http/1.1, so that mod_http2 does not add an Upgrade of its own",
			"upgrade-unknown":  "ProxyPass ... upgrade=websocket, and not upgrade=ANY",
		},
	}, {
		name: "HAProxy",
		pass: "mode http does so by itself, unless option httpclose or http-request del-header takes it away",
	},
}

// NeverSwitched returns lines on how to make a server switch, for all that the report
// may be about.
func NeverSwitched(product upgrade.Product[string], report upgradetest.Report) []string {
	var lines []string
	sent := serverOf(report)
	for _, a := range servers {
		if sent == "" || a.product != "" && strings.HasPrefix(sent, a.product) {
			lines = append(lines, "To pass Upgrade on with "+a.name+": "+a.pass)
		}
	}
	return lines
}

// Directive returns what the configuration of the server that failed a check has for it,
// or nothing if that is not known.
func Directive(r upgradetest.Result, report upgradetest.Report) string {
	sent := serverOf(report)
	for _, a := range servers {
		if a.product != "" && strings.HasPrefix(sent, a.product) && a.directives[r.ID] != "" {
			return "With " + a.name + ": " + a.directives[r.ID]
		}
	}
	return ""
}

// serverOf returns the first value of Server in what was received, in lower case.
func serverOf(report upgradetest.Report) string {
	for _, r := range report.Results {
		head, _, _ := bytes.Cut(r.Received, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			if name, value, found := strings.Cut(line, ":"); found && http.CanonicalHeaderKey(name) == "Server" {
				return strings.ToLower(strings.TrimSpace(value))
			}
		}
	}
	return ""
}
