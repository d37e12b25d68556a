// Command kubernetes is the part of a Kubernetes API server that "kubectl exec", "attach"
// and "port-forward" need: one pod, p. On its standard streams and on every port, the pod
// says hello, sends back what it reads, and says bye when its input has ended. The pod old
// does the same, but the server forbids WebSocket for it.
//
//	go run ./examples/kubernetes
//	go run ./examples/kubernetes -raw
//	kubectl -s http://127.0.0.1:8080 exec -i p -- cat
//
// Several streams share the connection: in SPDY/3.1 frames, by moby/spdystream, or in
// WebSocket messages, by gobwas/ws.
package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/interop/examples/start"
	"github.com/gosegue/upgrade/netupgrade"
)

var spdy = upgrade.MustParseProduct("SPDY/3.1")

// dialect is the protocol inside a product. The client offers it too, in another field.
type dialect struct {
	name  string
	serve func(net.Conn, url.Values)
}

// The dialects by what a client wants of a pod.
var (
	overSPDY = map[string]dialect{
		"exec":        {"v4.channel.k8s.io", spdyStreams},
		"attach":      {"v4.channel.k8s.io", spdyStreams},
		"portforward": {"portforward.k8s.io", spdyPorts},
	}
	overWebSocket = map[string]dialect{
		"exec":        {"v5.channel.k8s.io", webSocketStreams},
		"attach":      {"v5.channel.k8s.io", webSocketStreams},
		"portforward": {"SPDY/3.1+portforward.k8s.io", webSocketPorts},
	}
)

// Fields in which a client offers dialects and the server names its choice.
const (
	spdyField      = "X-Stream-Protocol-Version"
	webSocketField = "Sec-WebSocket-Protocol"
)

var errForbidden = errors.New("forbidden")

// choose returns the field that names the dialect of a request. The lines that offer
// dialects are one list: a proxy may join or split them.
func choose(dialects map[string]dialect, field, target string, lines []string) (handshake.Field, error) {
	location, err := url.ParseRequestURI(target)
	if err != nil {
		return handshake.Field{}, err
	}
	offered := strings.Split(strings.Join(lines, ","), ",")
	for i := range offered {
		offered[i] = strings.TrimSpace(offered[i])
	}
	d, ok := dialects[path.Base(location.Path)]
	if !ok || !slices.Contains(offered, d.name) || field == webSocketField && path.Base(path.Dir(location.Path)) == "old" {
		return handshake.Field{}, errForbidden
	}
	return handshake.Field{Name: field, Value: d.name}, nil
}

// serve speaks the dialect of a request.
func serve(dialects map[string]dialect, conn net.Conn, target string) {
	if location, err := url.ParseRequestURI(target); err == nil {
		dialects[path.Base(location.Path)].serve(conn, location.Query())
	}
}

func main() {
	start.Server(overHTTP(), onConnections())
}

func overHTTP() http.Handler {
	fields := func(dialects map[string]dialect, field string, r *http.Request) ([]handshake.Field, error) {
		f, err := choose(dialects, field, r.RequestURI, r.Header.Values(field))
		if err != nil {
			return nil, &httpupgrade.Refusal{Status: http.StatusForbidden}
		}
		return []handshake.Field{f}, nil
	}
	// httpupgrade checks and answers the WebSocket key.
	webSocket := httpupgrade.WebSocket{Serve: func(conn net.Conn, r *http.Request, _ string) { serve(overWebSocket, conn, r.RequestURI) }}.Protocol()
	webSocket.Fields = func(r *http.Request) ([]handshake.Field, error) {
		return fields(overWebSocket, webSocketField, r)
	}
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{
			{
				Product: spdy,
				Fields:  func(r *http.Request) ([]handshake.Field, error) { return fields(overSPDY, spdyField, r) },
				Serve:   func(conn net.Conn, r *http.Request) { serve(overSPDY, conn, r.RequestURI) },
			},
			webSocket,
		},
		Next: api(),
	}
}

func onConnections() func(net.Conn) {
	fields := func(dialects map[string]dialect, field string, r *netupgrade.Request) ([]handshake.Field, error) {
		var lines []string
		for _, line := range r.Lines(nil, field) {
			lines = append(lines, string(line))
		}
		f, err := choose(dialects, field, string(r.Target), lines)
		if err != nil {
			return nil, &netupgrade.Refusal{Status: http.StatusForbidden}
		}
		return []handshake.Field{f}, nil
	}
	// netupgrade checks and answers the WebSocket key.
	webSocket := netupgrade.WebSocket()
	webSocket.Fields = func(r *netupgrade.Request) ([]handshake.Field, error) {
		return fields(overWebSocket, webSocketField, r)
	}
	acceptor := &netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{
			{
				Product: spdy,
				Fields:  func(r *netupgrade.Request) ([]handshake.Field, error) { return fields(overSPDY, spdyField, r) },
			},
			webSocket,
		},
		KeepHead: true, // for the target
		// The rest of the API is plain HTTP, one request a connection: the next
		// request might ask for a switch.
		Decline: func(r *netupgrade.Request, _ error) {
			server := &http.Server{Handler: api()}
			server.SetKeepAlivesEnabled(false)
			start.HTTP(r.Unread(), server)
		},
	}
	return func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered
		}
		defer accepted.Conn.Close()
		dialects := overWebSocket
		if accepted.Product() == spdy {
			dialects = overSPDY
		}
		serve(dialects, accepted.Conn, string(accepted.Head.Target))
	}
}

// converse is what the pod does.
func converse(in io.Reader, out io.Writer) error {
	if _, err := io.WriteString(out, "hello\n"); err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	_, err := io.WriteString(out, "bye\n")
	return err
}

// success is the final status of a process.
const success = `{"metadata": {}, "status": "Success"}`

// api answers kubectl's other requests.
func api() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern, content string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, strings.ReplaceAll(content, "NAME", r.PathValue("name")))
		})
	}
	answer("GET /api", `{"kind": "APIVersions", "versions": ["v1"]}`)
	answer("GET /apis", `{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}`)
	answer("GET /api/v1", `{
		"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1",
		"resources": [{"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get"]}]
	}`)
	answer("GET /api/v1/namespaces/default/pods/{name}", `{
		"kind": "Pod", "apiVersion": "v1",
		"metadata": {"name": "NAME", "namespace": "default"},
		"spec": {"containers": [{"name": "c", "stdin": true}]},
		"status": {"phase": "Running"}
	}`)
	return mux
}
