//go:build go1.24

package httpupgrade_test

// HTTP/2 without TLS needs http.Protocols, which came with Go 1.24.

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOverHTTP2(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/refuse", refuse(echo))
	mux.Handle("/advertise", advertise(nil, echo))
	mux.Handle("/", echoing())
	withoutNext := echoing()
	withoutNext.Next = nil
	mux.Handle("/none", withoutNext)

	overTLS := httptest.NewUnstartedServer(mux)
	overTLS.EnableHTTP2 = true
	overTLS.StartTLS()
	defer overTLS.Close()

	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	overTCP := httptest.NewUnstartedServer(mux)
	overTCP.Config.Protocols = &protocols
	overTCP.Start()
	defer overTCP.Close()
	priorKnowledge := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	defer priorKnowledge.CloseIdleConnections()

	for _, server := range []struct {
		url    string
		client *http.Client
	}{
		{overTLS.URL, overTLS.Client()},
		{overTCP.URL, priorKnowledge},
	} {
		for path, want := range map[string]struct {
			status int
			text   string
		}{
			"/refuse":    {505, ""},
			"/none":      {505, ""},
			"/advertise": {200, "text"},
			"/x":         {200, told("POST", "/x", "content", nil)},
		} {
			response, err := server.client.Post(server.url+path, "text/plain", strings.NewReader("content"))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.ProtoMajor != 2 {
				t.Fatalf("%s: %s, %v", path, response.Proto, err)
			}
			equal(t, path, response.StatusCode, want.status)
			equal(t, path, string(text), want.text)
			equal(t, path, fields(response.Header), http.Header{})
		}
	}
}
