package probe

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gosegue/upgrade/upgradetest"
)

// This file knows the settings of common servers that make a check pass. It knows nothing
// of how the checks are made.

// advice holds the settings of one kind of server.
type advice struct {
	name       string            // as people know it
	product    string            // how its Server field begins, in lower case; empty: it sends none
	pass       string            // makes it pass Upgrade on to its backend
	directives map[string]string // by the ID of a check
}

// ownConnection is for a proxy that always sends the same Connection field.
const ownConnection = "proxy_set_header Connection $http_connection; instead of a constant, which turns a request that is no offer into one"

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
		pass: "mode http passes it on, unless option httpclose or http-request del-header removes it",
	},
}

// NeverSwitched returns lines on how to make a server switch: for the server that the
// report is about, or for all servers if the report does not show which server it is.
func NeverSwitched(report upgradetest.Report) []string {
	var lines []string
	sent := serverOf(report)
	for _, a := range servers {
		if sent == "" || a.product != "" && strings.HasPrefix(sent, a.product) {
			lines = append(lines, "To pass Upgrade on with "+a.name+": "+a.pass)
		}
	}
	return lines
}

// Directive returns the setting that makes the server pass the failed check, or an empty
// string if no setting is known.
func Directive(r upgradetest.Result, report upgradetest.Report) string {
	sent := serverOf(report)
	for _, a := range servers {
		if a.product != "" && strings.HasPrefix(sent, a.product) && a.directives[r.ID] != "" {
			return "With " + a.name + ": " + a.directives[r.ID]
		}
	}
	return ""
}

// serverOf returns the first value of Server that was received, in lower case, or an empty
// string.
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
