// Command docker is the part of a Docker engine that "docker exec" and "docker attach"
// need: one container, c1, with one process. The process says hello, sends back what it
// reads, and says bye when its standard input has ended.
//
//	go run ./examples/docker
//	go run ./examples/docker -raw
//	docker -H tcp://127.0.0.1:8080 exec -i c1 cat
//
// Docker's clients switch to "tcp", which is the bare connection. The client writes
// standard input as it is, and half-closes to end it. Standard output and standard error
// come back in frames that tell them apart.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/interop/examples/start"
	"github.com/gosegue/upgrade/netupgrade"
)

var tcp = upgrade.MustParseProduct("tcp")

// The 101 announces frames; with a terminal there would be no frames.
var multiplexed = []handshake.Field{{Name: "Content-Type", Value: "application/vnd.docker.multiplexed-stream"}}

func main() {
	overHTTP := httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: tcp,
			Allow:   func(r *http.Request) bool { return hijacks(r.Method, r.URL.Path) },
			Fields:  func(*http.Request) ([]handshake.Field, error) { return multiplexed, nil },
			Serve: func(conn net.Conn, r *http.Request) {
				content, _ := io.ReadAll(r.Body) // it was read before the switch
				process(conn, content)
			},
		}},
		Next: engine(),
	}
	acceptor := &netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{{
			Product: tcp,
			Allow:   func(r *netupgrade.Request) bool { return hijacks(string(r.Method), string(r.Target)) },
			Fields:  func(*netupgrade.Request) ([]handshake.Field, error) { return multiplexed, nil },
		}},
		// The rest of the API is plain HTTP, one request a connection: the next
		// request might ask for a switch.
		Decline: func(r *netupgrade.Request, _ error) {
			server := &http.Server{Handler: engine()}
			server.SetKeepAlivesEnabled(false)
			start.HTTP(r.Unread(), server)
		},
	}
	start.Server(overHTTP, func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered
		}
		defer accepted.Conn.Close()
		process(accepted.Conn, accepted.Content)
	})
}

// hijacks reports whether a request is for the streams of a process. A real engine also
// switches without an offer, after a 200; this one does not.
func hijacks(method, target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return method == http.MethodPost && (strings.HasSuffix(path, "/exec/e1/start") || strings.HasSuffix(path, "/containers/c1/attach"))
}

// process is the process in the container. The content of the request says how to start
// it: it comes before the switch and is not part of standard input.
func process(conn net.Conn, content []byte) {
	stdout, stderr := stream{conn, 1}, stream{conn, 2}
	fmt.Fprintf(stderr, "content %q\n", content)
	io.WriteString(stdout, "hello\n")
	if _, err := io.Copy(stdout, conn); err != nil {
		return
	}
	// The client has closed its half; the other half is still open.
	io.WriteString(stdout, "bye\n")
}

// stream writes frames: the number of the stream, three zero octets, the length in
// four octets, and the payload.
type stream struct {
	conn   net.Conn
	number byte
}

func (s stream) Write(p []byte) (int, error) {
	frame := binary.BigEndian.AppendUint32([]byte{s.number, 0, 0, 0}, uint32(len(p)))
	if _, err := s.conn.Write(append(frame, p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// engine answers the clients' other requests, in the API version that they name.
func engine() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, status int, content string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Api-Version", "1.47")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, content)
		})
	}
	answer("/_ping", http.StatusOK, "OK")
	answer("GET /{version}/containers/c1/json", http.StatusOK, `{"Id": "c1", "Name": "/c1", "State": {"Status": "running", "Running": true}, "Config": {"OpenStdin": true}}`)
	answer("POST /{version}/containers/c1/exec", http.StatusCreated, `{"Id": "e1"}`)
	answer("GET /{version}/exec/e1/json", http.StatusOK, `{"ID": "e1", "Running": false, "ExitCode": 0}`)
	answer("POST /{version}/containers/c1/wait", http.StatusOK, `{"StatusCode": 0}`)
	return mux
}
