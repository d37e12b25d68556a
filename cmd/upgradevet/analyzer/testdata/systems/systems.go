// Package systems declares upgrade on one system, so no fix may import it.
package systems

import "net/http"

func isWebSocket(r *http.Request) bool {
	return r.Header.Get("Upgrade") == "websocket" // want `whole-value`
}
