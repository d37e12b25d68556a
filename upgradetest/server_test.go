package upgradetest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows a small server that does everything right, and that can be broken in one
// place.

// server says what a test server does. Every field may be replaced by a broken one.
type server struct {
	product  upgrade.Product[string]
	secure   bool
	before   func(raw string) string                // changes the head before it is read
	pardons  []head.Reason                          // the faults that it lets pass
	hasty    bool                                   // demands the head in one piece
	stays    bool                                   // keeps the connection after a refusal
	interim  string                                 // sent before every answer
	expects  func(q *query) bool                    // whether to send a 100
	reads    func(q *query) bool                    // whether to read the content
	takes    func(s *server, q *query) bool         // whether to switch
	switched func(s *server, q *query) string       // the 101
	declined func(s *server, q *query) string       // any other answer
	last     func(q *query) bool                    // whether to close after it
	speaks   func(*server, *bufio.Reader, net.Conn) // the new protocol
}

func rightServer(product string) *server {
	return &server{
		product:  upgrade.MustParseProduct(product),
		before:   func(raw string) string { return raw },
		expects:  func(q *query) bool { return strings.EqualFold(strings.Trim(q.one("Expect"), ", "), "100-continue") },
		reads:    func(*query) bool { return true },
		takes:    rightOffer,
		switched: rightSwitch,
		declined: rightAnswer,
		last: func(q *query) bool {
			options, err := upgrade.ParseConnection(q.lines("Connection")...)
			return err != nil || !options.Persistent(1, q.minor)
		},
		speaks: speak,
	}
}

// query is a request as a test server understands it.
type query struct {
	method string
	target string
	minor  int
	fields []field
	served int // earlier requests on the connection
}

func (q *query) lines(name string) []string {
	return (&response{fields: q.fields}).lines(name)
}

func (q *query) one(name string) string { return strings.Join(q.lines(name), ", ") }

func rightOffer(s *server, q *query) bool {
	connection := q.lines("Connection")
	_, err := handshake.Select(1, q.minor, connection, q.lines("Upgrade"), s.product)
	switch {
	case err != nil:
		return false
	case is(s.product, "websocket"):
		return websocket.Check(q.method, q.lines("Sec-WebSocket-Version"), q.lines("Sec-WebSocket-Key")) == nil
	case is(s.product, "h2c"):
		options, _ := upgrade.ParseConnection(connection...)
		return len(q.lines("HTTP2-Settings")) == 1 && options.Has("HTTP2-Settings") && !s.secure
	}
	return true
}

func rightSwitch(s *server, q *query) string {
	var fields []handshake.Field
	if is(s.product, "websocket") {
		fields = []handshake.Field{{Name: "Sec-WebSocket-Accept", Value: string(websocket.AppendAccept(nil, q.one("Sec-WebSocket-Key")))}}
	}
	b, err := handshake.AppendSwitchingProtocols(nil, []upgrade.Product[string]{s.product}, fields...)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// rightAnswer demands an upgrade of a client that offers the product wrongly, and
// advertises the product to all others.
func rightAnswer(s *server, q *query) string {
	p := s.product.String()
	if list, err := upgrade.ParseList(q.lines("Upgrade")...); err == nil && list.Offers(s.product) {
		return "HTTP/1.1 426 Upgrade Required\r\nUpgrade: " + p + "\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
	}
	return "HTTP/1.1 200 OK\r\nUpgrade: " + p + "\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX: y\r\n\r\n"
}

// speak answers the ping frames of WebSocket, and begins HTTP/2.
func speak(s *server, r *bufio.Reader, conn net.Conn) {
	if is(s.product, "h2c") {
		io.WriteString(conn, "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	}
	for {
		var frame [6]byte
		if _, err := io.ReadFull(r, frame[:]); err != nil {
			return
		}
		if frame[0] != 0x89 || frame[1]&0x80 == 0 {
			io.WriteString(conn, "\x88\x02\x03\xea") // 1002
			return
		}
		payload := make([]byte, frame[1]&0x7F)
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		io.WriteString(conn, "\x81\x02hi\x8a"+string(rune(len(payload)))+string(payload))
	}
}

// serve serves one connection.
func (s *server) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	for served := 0; ; served++ {
		var raw strings.Builder
		for !strings.HasSuffix(raw.String(), "\r\n\r\n") {
			c, err := r.ReadByte()
			if err != nil {
				return
			}
			raw.WriteByte(c)
			if rest, _ := r.Peek(r.Buffered()); s.hasty && raw.Len() == 1 && !strings.HasSuffix(string(rest), "\r\n\r\n") {
				io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
				return
			}
		}
		text := s.before(raw.String())
		if err := s.malformed(text); err != nil {
			io.WriteString(conn, s.interim+"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			if s.stays {
				continue
			}
			return
		}
		q := &query{served: served}
		start, rest, _ := strings.Cut(text, "\r\n")
		words := strings.Split(start, " ")
		q.method, q.target = words[0], words[1]
		q.minor = int(start[len(start)-1] - '0')
		for _, line := range strings.Split(rest, "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			q.fields = append(q.fields, field{strings.TrimRight(name, " "), strings.Trim(value, " \t")})
		}
		if s.expects(q) {
			io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if s.reads(q) && !readContent(r, q) {
			return
		}
		io.WriteString(conn, s.interim)
		if s.takes(s, q) {
			io.WriteString(conn, s.switched(s, q))
			s.speaks(s, r, conn)
			return
		}
		io.WriteString(conn, s.declined(s, q))
		if s.last(q) {
			return
		}
	}
}

func (s *server) malformed(text string) error {
	_, err := new(head.Request).Parse([]byte(text), head.Limits{})
	for _, p := range s.pardons {
		if errors.Is(err, p) {
			return nil
		}
	}
	return err
}

func readContent(r *bufio.Reader, q *query) bool {
	c := &conn{Conn: readerConn{Reader: r}, exchange: new(exchange), timeout: time.Minute}
	if strings.EqualFold(q.one("Transfer-Encoding"), "chunked") {
		return c.chunks()
	}
	n, _ := strconv.Atoi(q.one("Content-Length"))
	_, err := r.Discard(n)
	return err == nil
}

// readerConn reads one octet at a time, so that it takes no octet of the next request.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(p []byte) (int, error)    { return c.Reader.Read(p[:1]) }
func (readerConn) SetReadDeadline(time.Time) error { return nil }

// start runs a server until the test ends, and returns its address.
func start(t *testing.T, serve func(net.Conn), config *tls.Config) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    []net.Conn
	)
	running.Add(1)
	go func() {
		defer running.Done()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			running.Add(1)
			go func() {
				defer running.Done()
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return address
}

// selfSigned returns a configuration with a self-signed certificate for 127.0.0.1.
var selfSigned = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
})

// in reports whether s is one of the others.
func in(s string, them ...string) bool { return slices.Contains(them, s) }
