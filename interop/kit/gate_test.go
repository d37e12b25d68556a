package kit

import (
	"net/http"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// In front of a library, Gate mends what the library makes of offers. What it writes is
// still its own.
func TestGate(t *testing.T) {
	for name, test := range map[string]struct {
		library http.Handler
		skip    []string
	}{
		"gorilla": {gorillaEcho, nil},
		"coder":   {coderEcho, []string{"426-upgrade: a 426 says only in words what is wanted"}},
		"gws":     {gwsEcho, nil},
	} {
		t.Run(name, func(t *testing.T) {
			upgradetest.Handler(t, httpupgrade.Gate{
				Products: []upgrade.Product[string]{websocket},
				Next:     test.library,
			}, upgradetest.Options{Product: websocket, Skip: test.skip})
		})
	}
}
