// Package fixes has comparisons and take-overs that a fix replaces.
package fixes

import (
	"log"
	"net/http"
	"strings"
)

func isWebSocket(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") && // want `substring`
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket") // want `whole-value`
}

func handle(w http.ResponseWriter, r *http.Request) {
	if r.Method == "GET" && r.Header.Get("Upgrade") == "echo/1" { // want `whole-value`
		log.Print("echo")
	}
	if !strings.EqualFold(r.Header.Get("Connection"), "Upgrade") || r.Header.Get("Upgrade") != "h2c" { // want `whole-value` `whole-value`
		log.Print("no h2c")
	} else if strings.EqualFold(r.Header.Get("Connection"), "upgrade") { // want `whole-value`
		log.Print("an offer")
	}
	ok := !(strings.EqualFold(r.Header.Get("Upgrade"), "websocket")) // want `whole-value`
	log.Print(ok)
}

// The variables stay in use.
func logged(r *http.Request) bool {
	upgrade := r.Header.Get("Upgrade")
	log.Print(upgrade)
	return upgrade == "websocket" // want `whole-value`
}

// Without the comparison the variable would be unused, so there is no fix.
func unused(r *http.Request) bool {
	connection := r.Header.Get("Connection")
	return connection == "Upgrade" // want `whole-value`
}

// The name err is taken.
func named(r *http.Request, err error) bool {
	if r.Header.Get("Upgrade") == "websocket" && err == nil { // want `whole-value`
		return true
	}
	return r.Header.Get("Connection") == "close" // want `whole-value`
}
