package peers

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gosegue/upgrade/head"
)

func TestChromium(t *testing.T) {
	t.Parallel()
	chromium := need(t, "apt-get install chromium", "chromium")
	c := webSocketClient{
		peer:    peer{"Chromium", version(t, chromium, "--version")},
		upgrade: "websocket", connection: "Upgrade",
		upgradeRequired: "error",
		unoffered:       "error",
		open:            func(t *testing.T, urls ...string) []webSocketReport { return openPage(t, chromium, urls) },
	}
	c.alsoCheck = func(t *testing.T, request *head.Request) {
		var names []string
		for name := range request.All() {
			names = append(names, string(name))
		}
		if slices.Index(names, "Upgrade")-slices.Index(names, "Connection") < 2 {
			t.Errorf("no field between Connection and Upgrade: %q", names)
		}
		var extensions []string // the 101 accepts no extension
		for _, line := range request.Lines(nil, "Sec-WebSocket-Extensions") {
			extensions = append(extensions, string(line))
		}
		equal(t, "extensions offered", extensions, []string{"permessage-deflate; client_max_window_bits"})
	}
	c.test(t)
}

// openPage opens a page in Chromium that tries the URLs and reports.
func openPage(t *testing.T, chromium string, urls []string) []webSocketReport {
	t.Helper()
	type body struct {
		reports []webSocketReport
		err     error
	}
	reported := make(chan body, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "testdata/websocket.html")
	})
	mux.HandleFunc("GET /urls", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(urls) })
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var b body
		b.err = json.NewDecoder(r.Body).Decode(&b.reports)
		reported <- b
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d := startChromium(t, chromium, server.URL)
	select {
	case b := <-reported:
		d.stop()
		if b.err != nil {
			t.Fatal(b.err)
		}
		return b.reports
	case <-d.done:
		t.Fatal("Chromium has ended")
	case <-time.After(30 * time.Second):
		t.Fatal("Chromium does not report")
	}
	return nil
}

// startChromium opens a page. The folder has a short name because Chromium makes a socket
// in it.
func startChromium(t *testing.T, chromium, url string) *daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+filepath.Join(dir, "user"), url)
	cmd.Env = append(cmd.Env, "HOME="+dir, "TMPDIR="+dir)
	t.Cleanup(func() {
		// Its other processes have been killed with it, but one may still be making a file.
		for range 100 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s is still in use", dir)
	})
	return start(t, cmd)
}
