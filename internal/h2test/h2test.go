// Package h2test is a client of HTTP/2 that sends extended CONNECT (RFC 8441), for tests
// of servers. It also starts the process that such tests have to run in.
package h2test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/leaktest"
	"github.com/gosegue/upgrade/internal/tcptest"
)

const (
	setting = "http2xconnect=1"
	without = "WITHOUT_HTTP2XCONNECT" // in the environment of the process that Without starts
)

// Main is [leaktest.Main] in a process that has the setting with which net/http serves
// extended CONNECT. net/http reads the setting once, when the process begins.
func Main(m *testing.M) {
	if os.Getenv("GODEBUG") != setting && os.Getenv(without) == "" {
		os.Exit(again("GODEBUG="+setting, os.Args[1:]...))
	}
	leaktest.Main(m)
}

// Without runs the test in another process, which lacks the setting, and returns true. In
// that process it only returns false.
func Without(t *testing.T) bool {
	if os.Getenv(without) != "" {
		return false
	}
	if code := again(without+"=1", "-test.run=^"+t.Name()+"$", "-test.count=1"); code != 0 {
		t.Errorf("exit code %d of the process without %s", code, setting)
	}
	return true
}

// again runs this program with a variable in its environment and returns its exit code.
func again(variable string, args ...string) int {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GODEBUG=") }), variable)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return ended.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 2
}

// Client is a connection of HTTP/2.
type Client struct {
	t    testing.TB
	url  string
	conn http.RoundTripper
}

// Dial connects to a server that speaks HTTP/2 over TLS. It skips the test on a release of
// Go whose net/http does not serve extended CONNECT, or does not send it.
//
// Transport itself refuses an extended CONNECT, because it checks the names of fields. The
// RoundTripper that it makes of a connection sends one, up to Go 1.26. The tests in
// interop/connect write frames by hand, for every release.
func Dial(t testing.TB, server *httptest.Server) *Client {
	t.Helper()
	if !sends {
		t.Skip("net/http sends no extended CONNECT")
	}
	transport := &http.Transport{ForceAttemptHTTP2: true}
	transport.CloseIdleConnections() // fills TLSNextProto
	addr := server.Listener.Addr().String()
	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos, config.ServerName = []string{"h2"}, "example.com"
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &Client{t, server.URL + "/x", transport.TLSNextProto["h2"](addr, conn)}
}

// Request sends a request with a protocol, if that is not empty, and fields ("Name:
// value"; Host is the authority). It returns the stream when the answer arrives.
func (c *Client) Request(method, protocol string, fields ...string) *Stream {
	c.t.Helper()
	r, w := io.Pipe()
	stream, err := c.Send(method, protocol, r, fields...)
	if err != nil {
		c.t.Fatal(err)
	}
	stream.Writer = w
	return stream
}

// Send is Request with a body, which may be nil.
func (c *Client) Send(method, protocol string, body io.Reader, fields ...string) (*Stream, error) {
	c.t.Helper()
	// 50 MiB take long under the race detector.
	ctx, cancel := context.WithTimeout(context.Background(), 3*tcptest.Patience)
	c.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, c.url, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if protocol != "" {
		r.Header[":protocol"] = []string{protocol}
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		switch name {
		case "Host":
			r.Host = value
		case "Content-Length": // net/http makes a buffer of this length, else of 512 KiB
			r.ContentLength, _ = strconv.ParseInt(value, 10, 64)
		default:
			r.Header.Add(name, value)
		}
	}
	response, err := c.conn.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { response.Body.Close() })
	return &Stream{Response: response, t: c.t}, nil
}

// Connect asks for a protocol, which the server must grant.
func (c *Client) Connect(protocol string, fields ...string) *Stream {
	c.t.Helper()
	stream := c.Request(http.MethodConnect, protocol, fields...)
	if stream.StatusCode != http.StatusOK {
		c.t.Fatal(stream.Status)
	}
	return stream
}

// Stream is the client's side of a stream. Closing Body resets it.
type Stream struct {
	*http.Response
	Writer *io.PipeWriter // to the server; Close ends this side
	t      testing.TB
}

// Write writes text.
func (c *Stream) Write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Writer, text); err != nil {
		c.t.Errorf("client: %v", err)
	}
}

// Read reads n octets.
func (c *Stream) Read(n int) string {
	c.t.Helper()
	p := make([]byte, n)
	if m, err := io.ReadFull(c.Body, p); err != nil {
		c.t.Fatalf("client: %v after %q", err, p[:m])
	}
	return string(p)
}

// Rest reads to the end of the stream.
func (c *Stream) Rest() string {
	c.t.Helper()
	rest, err := io.ReadAll(c.Body)
	if err != nil {
		c.t.Errorf("client: %v after %.300q", err, rest)
	}
	return string(rest)
}

// Reset returns the error of a stream that the server must reset.
func (c *Stream) Reset() string {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.Body)
	if err == nil {
		c.t.Error("the stream was not reset")
		return ""
	}
	return err.Error()
}
