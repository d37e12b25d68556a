package good

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Tests expect one exact spelling, and send wrong ones.
func TestSpelling(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || !strings.Contains(r.Header.Get("Connection"), "Upgrade") {
			t.Error("not what was sent")
		}
		w.WriteHeader(http.StatusSwitchingProtocols)
	}))
	defer server.Close()
	r, _ := http.NewRequest("GET", server.URL, nil)
	r.Header.Set("Connection", "not-upgrade")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		io.WriteString(resp.Body.(io.ReadWriteCloser), "hello")
	}
}
