package good

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// A WebSocket server written by hand. It loses no early bytes: it refuses a client that
// sends any.
func accept(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if r.Method != http.MethodGet || !isWebSocketUpgrade(r) {
		http.Error(w, "want a WebSocket handshake", http.StatusBadRequest)
		return nil, errors.New("no handshake")
	}
	key := r.Header.Get("Sec-Websocket-Key")
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return nil, errors.New("cannot hijack")
	}
	conn, brw, err := hijacker.Hijack()
	if err != nil {
		return nil, err
	}
	if brw.Reader.Buffered() > 0 {
		conn.Close()
		return nil, errors.New("client sent data before the handshake was complete")
	}
	p := append([]byte(nil), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	p = append(p, acceptKey(key)...)
	p = append(p, "\r\n\r\n"...)
	conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(p); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A client written by hand that checks everything the rules name.
func dial(ctx context.Context, conn net.Conn, r *http.Request) (*bufio.Reader, error) {
	if err := r.WithContext(ctx).Write(conn); err != nil {
		return nil, err
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols ||
		!tokenListContainsValue(resp.Header, "Upgrade", "websocket") ||
		!tokenListContainsValue(resp.Header, "Connection", "upgrade") ||
		resp.Header.Get("Sec-Websocket-Accept") != acceptKey(r.Header.Get("Sec-Websocket-Key")) {
		return nil, errors.New("bad handshake")
	}
	return br, nil
}

// A client on net/http that checks the response in a separate function.
func dialTransport(rt http.RoundTripper, r *http.Request) (io.ReadWriteCloser, error) {
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := verify(resp); err != nil {
		return nil, err
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		return nil, fmt.Errorf("cannot write to a body of type %T", resp.Body)
	}
	return conn, nil
}

func verify(resp *http.Response) error {
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(resp.Status)
	}
	if !valuesContainToken(resp.Header["Upgrade"], "websocket") {
		return errors.New("another protocol")
	}
	return nil
}

// A tunnel that keeps the bytes that the server has read ahead.
func tunnel(w http.ResponseWriter, r *http.Request, backend net.Conn) {
	conn, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go io.Copy(conn, backend)
	if n := brw.Reader.Buffered(); n > 0 {
		io.CopyN(backend, brw, int64(n))
	}
	io.Copy(backend, conn)
}

// An abort, which needs no early bytes.
func abort(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			conn.Close()
		}
	}
}

// Code that counts or skips a 101 takes it for no switch.
func count(counts map[int]int, resp *http.Response) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		counts[101]++
	}
	switch resp.StatusCode {
	case 101, 204, 304:
		return
	}
	io.Copy(io.Discard, resp.Body)
}

// Fields that are only written.
func offer(r *http.Request) {
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header["Connection"] = []string{"Upgrade"}
}

func closing(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusBadRequest)
}

func answer(conn net.Conn, body string) error {
	resp := http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(body))}
	return resp.Write(conn)
}

// Other things with the same names.
type plan struct {
	Upgrade    string
	Connection string
}

type store map[string]string

func (s store) Get(name string) string { return s[name] }

func names(q url.Values, s store, p plan, environment map[string][]string) bool {
	if q.Get("upgrade") == "true" || q.Get("connection") == "keep" {
		return true
	}
	if s.Get("Upgrade") == "pending" || strings.Contains(s.Get("Connection"), "tcp") {
		return true
	}
	if p.Upgrade == "premium" || strings.HasPrefix(p.Connection, "postgres://") {
		return true
	}
	switch strings.ToLower(p.Upgrade) {
	case "minor", "major":
		return true
	}
	return len(environment["PATH"]) > 0
}

// Other fields.
func other(r *http.Request) bool {
	return r.Header.Get("Content-Type") == "application/json" ||
		strings.Contains(r.Header.Get("Accept"), "text/event-stream") ||
		strings.EqualFold(r.Header.Get("Upgrade-Insecure-Requests"), "1") ||
		r.Header.Get("Sec-Websocket-Version") == "13"
}

// A default for a missing field.
func setDefault(r *http.Request) {
	if r.Header.Get("Connection") == "" {
		r.Header.Set("Connection", "close")
	}
}

// Content that is read before the connection is taken over.
func exec(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	conn, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	defer conn.Close()
	fmt.Fprintf(brw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	brw.Write(body)
	brw.Flush()
	io.Copy(conn, brw)
}

// A proxy that checks Connection first.
func upgradeType(h http.Header) string {
	if !valuesContainToken(h["Connection"], "Upgrade") {
		return ""
	}
	if lines := h["Upgrade"]; len(lines) > 0 {
		return lines[0]
	}
	return ""
}

func normalized(r *http.Request) {
	if upgradeType(r.Header) != "" {
		r.Header["Sec-WebSocket-Key"] = r.Header["Sec-Websocket-Key"]
	}
}

func removeListed(h http.Header) {
	for _, line := range h["Connection"] {
		for _, name := range strings.Split(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
}
