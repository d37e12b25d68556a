package httpupgrade_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/internal/tcptest"
)

// h2server is a server of HTTP/2 over TLS with a connection to it. Its ErrorLog must be
// empty at the end unless the test has taken what was in it.
type h2server struct {
	*httptest.Server
	t    testing.TB
	log  lines
	conn http.RoundTripper
}

func startH2(t testing.TB, handler http.Handler, options ...func(*http.Server)) *h2server {
	t.Helper()
	s := &h2server{Server: httptest.NewUnstartedServer(handler), t: t}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(&s.log, "", 0)
	for _, option := range options {
		option(s.Config)
	}
	s.StartTLS()
	t.Cleanup(func() {
		s.Close()
		if text := s.log.take(); text != "" {
			t.Errorf("ErrorLog: %s", text)
		}
	})
	s.conn = s.dial()
	return s
}

// dial returns a connection of HTTP/2. That of net/http can send an extended CONNECT, but
// Transport does not let one through, because it checks the names of fields before.
func (s *h2server) dial() http.RoundTripper {
	s.t.Helper()
	transport := &http.Transport{ForceAttemptHTTP2: true}
	transport.CloseIdleConnections() // which fills TLSNextProto
	addr := s.Listener.Addr().String()
	config := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos, config.ServerName = []string{"h2"}, "example.com"
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return transport.TLSNextProto["h2"](addr, conn)
}

// h2stream is the client's side of a stream. To close Body resets it.
type h2stream struct {
	*http.Response
	t testing.TB
	w *io.PipeWriter
}

// request sends a request and returns the stream when the answer is there. The value of
// ":protocol" may be empty, for none.
func (s *h2server) request(method, protocol string, fields ...string) *h2stream {
	s.t.Helper()
	r, w := io.Pipe()
	stream, err := s.send(method, protocol, r, fields...)
	if err != nil {
		s.t.Fatal(err)
	}
	stream.w = w
	return stream
}

func (s *h2server) send(method, protocol string, body io.Reader, fields ...string) (*h2stream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 12*patience) // 50 MiB under the race detector
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, s.URL+"/x", body)
	if err != nil {
		s.t.Fatal(err)
	}
	if protocol != "" {
		r.Header[":protocol"] = []string{protocol}
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	response, err := s.conn.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { response.Body.Close() })
	return &h2stream{Response: response, t: s.t}, nil
}

// connect asks for echo/1, which must be granted.
func (s *h2server) connect(fields ...string) *h2stream {
	s.t.Helper()
	stream := s.request(http.MethodConnect, "echo/1", fields...)
	if stream.StatusCode != http.StatusOK {
		s.t.Fatal(stream.Status)
	}
	return stream
}

func (c *h2stream) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.w, text); err != nil {
		c.t.Errorf("client: %v", err)
	}
}

// read reads n octets.
func (c *h2stream) read(n int) string {
	c.t.Helper()
	p := make([]byte, n)
	if m, err := io.ReadFull(c.Body, p); err != nil {
		c.t.Fatalf("client: %v after %q", err, p[:m])
	}
	return string(p)
}

// rest reads to the end of the stream.
func (c *h2stream) rest() string {
	c.t.Helper()
	rest, err := io.ReadAll(c.Body)
	if err != nil {
		c.t.Errorf("client: %v after %.300q", err, rest)
	}
	return string(rest)
}

// resetBy returns the error of a stream that was reset.
func (c *h2stream) resetBy() string {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.Body)
	if err == nil {
		c.t.Error("the stream was not reset")
		return ""
	}
	return err.Error()
}

// serving returns a Handler that serves echo/1 by serve and reports errors to it.
func serving(serve func(net.Conn, *http.Request)) httpupgrade.Handler {
	return httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{Product: echo, Serve: serve}},
		Next:      http.HandlerFunc(tell),
	}
}

// decisions collects what a Handler decides.
type decisions chan handshake.Decision

func (d decisions) add(_ *http.Request, decision handshake.Decision) { d <- decision }

func (d decisions) next(t testing.TB) handshake.Decision {
	t.Helper()
	return tcptest.Receive(t, d)
}

// after waits until the clock has passed a deadline.
func after(deadline time.Time) { <-time.After(time.Until(deadline) + time.Millisecond) }
