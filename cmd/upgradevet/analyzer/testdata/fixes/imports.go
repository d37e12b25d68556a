package fixes

import "net/http"
import "strings"

// The import of strings goes with its last use.
func imports(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "TLS/1.3") // want `whole-value`
}
