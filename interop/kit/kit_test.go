// Package kit has, for each of six libraries, the test that its maintainers would write
// with upgradetest. It skips the checks that the library is known to fail, each by its ID
// and with the reason. TestBehindGate runs these too.
package kit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/upgradetest"
)

var websocket = upgrade.MustParseProduct("websocket")

// unlessAsked skips a fuzz target unless KIT_FUZZ is set: its seeds fail, as
// TestSeedsFindFaults checks.
func unlessAsked(f *testing.F) {
	if os.Getenv("KIT_FUZZ") == "" {
		f.Skip("its seeds fail, as TestSeedsFindFaults checks; KIT_FUZZ=1 runs it")
	}
}

// fuzzHandler fuzzes a handler of net/http. It calls the handler as the server would.
func fuzzHandler(f *testing.F, h http.Handler) {
	unlessAsked(f)
	upgradetest.FuzzOffer(f, websocket, func(head []byte) bool {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			return false
		}
		for name := range r.Header {
			if (handshake.Field{Name: name}).Check() != nil {
				return false
			}
		}
		w := &hijackable{ResponseRecorder: httptest.NewRecorder(), line: make(chan string, 1)}
		h.ServeHTTP(w, r)
		return w.Code == http.StatusSwitchingProtocols || w.taken && strings.HasPrefix(<-w.line, "HTTP/1.1 101")
	})
}

// hijackable is a ResponseWriter that can be hijacked. Its connection ends after the first
// line written to it.
type hijackable struct {
	*httptest.ResponseRecorder
	taken bool
	line  chan string
}

func (w *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.taken = true
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		line, _ := bufio.NewReader(far).ReadString('\n')
		w.line <- line
	}()
	if w.Code == http.StatusSwitchingProtocols { // written already
		far.Close()
	}
	return near, bufio.NewReadWriter(bufio.NewReader(strings.NewReader("")), bufio.NewWriter(near)), nil
}

// The seeds alone find faults of these libraries, in each at least the one named here,
// which docs/answers.md has too.
func TestSeedsFindFaults(t *testing.T) {
	for name, fault := range map[string]string{
		"FuzzCoder":  `"Upgrade: websoc\u212aet\r\n"`,
		"FuzzGobwas": `"Connection: keep-alive Upgrade\r\n"`,
		"FuzzGWS":    `"Connection: Upgrade-Insecure-Requests\r\n"`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+name+"$")
			cmd.Env = append(os.Environ(), "KIT_FUZZ=1")
			out, err := cmd.CombinedOutput()
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(string(out), "switches to websocket, and must not") || !strings.Contains(string(out), fault) {
				t.Errorf("not found: %s, in\n%s", fault, out)
			}
		})
	}
}
