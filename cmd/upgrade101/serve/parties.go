package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/proxy"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/websocket"
)

// This file knows what a client, a proxy and this server make of the same offer. It does
// not work that out: it starts a server and a proxy, sends them the offer over loopback,
// and reports the heads and the decisions.

// The limits of one question of the page.
const (
	partiesTimeout = 10 * time.Second
	maxAsking      = 2         // questions at the same time
	maxHop         = 128 << 10 // octets kept of each direction
)

// partiesJSON is what became of an offer that went through the proxy, and what the server
// makes of it without the proxy.
type partiesJSON struct {
	Client partyJSON `json:"client"` // what it sent and received
	Proxy  partyJSON `json:"proxy"`  // what it passed on and received
	Server partyJSON `json:"server"` // what it received and answered; the same two heads
	Direct partyJSON `json:"direct"` // what it received and answered without the proxy
}

// partyJSON is a party's two heads, octet for octet, and what it made of the offer. The
// heads are empty if the proxy did not ask the server.
type partyJSON struct {
	Request  text.Octets `json:"request"`
	Response text.Octets `json:"response"`
	Verdict  string      `json:"verdict"`
	Switched bool        `json:"switched"`
}

// tellParties answers what three parties make of the offer that the page asks about.
func (s *Server) tellParties(w http.ResponseWriter, r *http.Request) {
	connection, upgrades, ok := askedFields(w, r)
	if !ok {
		return
	}
	for _, line := range append(connection, upgrades...) {
		if strings.ContainsAny(line, "\r\n") {
			answerError(w, http.StatusBadRequest, errors.New("no field line can hold CR or LF: the head would end elsewhere"))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), partiesTimeout)
	defer cancel()
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		answerError(w, http.StatusServiceUnavailable, errors.New("others are asking; try again"))
		return
	}
	parties, err := s.askParties(ctx, newOffered(connection, upgrades))
	if err != nil {
		answerError(w, http.StatusInternalServerError, fmt.Errorf("the offer could not be tried: %w", err))
		return
	}
	answerJSON(w, http.StatusOK, parties)
}

// askParties sends the offer to a server like s, and to another one through a proxy.
func (s *Server) askParties(ctx context.Context, o offered) (partiesJSON, error) {
	var all partiesJSON
	direct, err := s.startTwin(ctx)
	if err != nil {
		return all, err
	}
	_, err = o.ask(ctx, direct.address)
	all.Direct = direct.stop()
	if err != nil {
		return all, err
	}

	server, err := s.startTwin(ctx)
	if err != nil {
		return all, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		server.stop()
		return all, err
	}
	var decisions decisions
	through := proxy.New(&url.URL{Scheme: "http", Host: server.address}, []upgrade.Product[string]{echo, webSocket}, io.Discard)
	through.Decided = decisions.add
	stopProxy := start(ctx, listener, through.Run)
	all.Client, err = o.ask(ctx, listener.Addr().String())
	stopProxy()
	all.Server = server.stop()
	if err != nil {
		return all, err
	}
	all.Proxy = decisions.party(all.Server)
	return all, nil
}

// offered is an offer of the client.
type offered struct {
	head     string
	products []upgrade.Product[string] // none if the fields are malformed
	key      string                    // for websocket
}

// newOffered returns an offer with these lines of the two fields. The fields that a
// WebSocket needs in addition are part of it.
func newOffered(connection, upgrades []string) offered {
	var o offered
	var b strings.Builder
	b.WriteString("GET / HTTP/1.1\r\nHost: localhost\r\n")
	for _, line := range upgrades {
		fmt.Fprintf(&b, "Upgrade: %s\r\n", line)
	}
	for _, line := range connection {
		fmt.Fprintf(&b, "Connection: %s\r\n", line)
	}
	if list, err := upgrade.ParseList(upgrades...); err == nil {
		for p := range list.All() {
			o.products = append(o.products, p)
		}
		if list.Offers(webSocket) {
			o.key = string(websocket.AppendKey(nil))
			fmt.Fprintf(&b, "Sec-WebSocket-Version: %s\r\nSec-WebSocket-Key: %s\r\n", websocket.Version, o.key)
		}
	}
	b.WriteString("\r\n")
	o.head = b.String()
	return o
}

// ask makes the offer to a server, and returns what the client makes of the answer. It
// reads to the end of the answer, so the server has decided when ask returns.
func (o offered) ask(ctx context.Context, address string) (partyJSON, error) {
	client := partyJSON{Request: text.Octets(o.head)}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return client, err
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	conn.SetDeadline(end)
	// A server that refuses a long head may answer before it has read all of it.
	go io.WriteString(conn, o.head)

	var r head.Response
	b := bufio.NewReaderSize(conn, maxHop)
	n, err := r.Peek(b, head.Limits{Bytes: maxHop})
	if err != nil {
		return client, err
	}
	response, _ := b.Peek(n)
	client.Response = text.Octets(response)
	switch list, err := o.check(&r); {
	case err == nil:
		client.Switched = true
		client.Verdict = "switched to " + list.String()
	case errors.Is(err, handshake.ErrStatus):
		client.Verdict = fmt.Sprintf("not switched: answered %d", r.Status)
	default:
		client.Verdict = "not switched: " + err.Error()
	}
	if r.Status == http.StatusSwitchingProtocols {
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, b) // until the protocol has ended
	} else if answer, err := http.ReadResponse(b, nil); err == nil {
		io.Copy(io.Discard, answer.Body)
	}
	return client, nil
}

// check returns the products that the response switches to, or why it does not switch.
func (o offered) check(r *head.Response) (upgrade.List[[]byte], error) {
	list, err := handshake.Switched(r.Status, r.Major, r.Minor, r.Connection, r.Upgrade, o.products...)
	if err == nil && list.Offers(webSocket) {
		err = websocket.CheckAccept(o.key, r.Lines(nil, "Sec-WebSocket-Accept"))
	}
	return list, err
}

// twin is another server like this one, for one question. It has an address and a log of
// its own, so that neither the log nor the last handshakes of this server show the question.
type twin struct {
	address string
	server  *Server
	hop     *hop
	stopRun func()
}

func (s *Server) startTwin(ctx context.Context) (*twin, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	server := New("http://"+address, io.Discard)
	server.Raw, server.Names = s.Raw, s.Names
	hop := &hop{Listener: listener}
	return &twin{address, server, hop, start(ctx, hop, server.Run)}, nil
}

// stop stops the server. It returns the heads that the server read and wrote, and what it
// made of the offer.
func (t *twin) stop() partyJSON {
	t.stopRun()
	request, response := t.hop.heads()
	party := partyJSON{Request: text.Octets(request), Response: text.Octets(response)}
	notes, _ := t.server.last.after(0)
	switch {
	case len(notes) > 0:
		party.Verdict, party.Switched = notes[0].decision, notes[0].switched
	case len(request) == 0:
		party.Verdict = "not asked"
	case offers(request):
		party.Verdict = "refused before the two fields were read"
	default:
		party.Verdict = "nothing was offered: an ordinary request"
	}
	return party
}

// offers reports whether a head has the field Upgrade.
func offers(request []byte) bool {
	return bytes.Contains(bytes.ToLower(request), []byte("\r\nupgrade:"))
}

// start runs run until the function that it returns is called, which waits for the end.
func start(ctx context.Context, listener net.Listener, run func(context.Context, net.Listener) error) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx, listener)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// decisions holds what a proxy has decided about one offer.
type decisions struct {
	mu    sync.Mutex
	texts []string
}

func (d *decisions) add(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts = append(d.texts, text)
}

// party returns the proxy's part. server is the part of the server that it asked.
func (d *decisions) party(server partyJSON) partyJSON {
	d.mu.Lock()
	defer d.mu.Unlock()
	party := partyJSON{Request: server.Request, Response: server.Response}
	switch {
	case len(d.texts) > 0:
		party.Verdict = strings.Join(d.texts, "; ")
		party.Switched = strings.HasPrefix(party.Verdict, "switched to ")
	case len(server.Request) > 0:
		party.Verdict = "nothing was offered: passed on as an ordinary request"
	default:
		party.Verdict = "refused before the two fields were read"
	}
	return party
}

// hop is a listener that keeps what its connection receives and sends, up to maxHop octets
// of each.
type hop struct {
	net.Listener
	mu            sync.Mutex
	read, written []byte
}

func (h *hop) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &hopConn{conn, h}, nil
}

// heads returns the head of the request and of the final response.
func (h *hop) heads() (request, response []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return headOf(h.read), headOf(h.written)
}

// headOf returns the octets up to the first empty line, or all.
func headOf(octets []byte) []byte {
	if i := bytes.Index(octets, []byte("\r\n\r\n")); i >= 0 {
		return octets[:i+4]
	}
	return octets
}

func (h *hop) keep(kept *[]byte, p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*kept = append(*kept, p[:min(len(p), maxHop-len(*kept))]...)
}

type hopConn struct {
	net.Conn
	hop *hop
}

func (c *hopConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.hop.keep(&c.hop.read, p[:n])
	return n, err
}

func (c *hopConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.hop.keep(&c.hop.written, p[:n])
	return n, err
}

// CloseWrite is for the protocol after the switch: it ends one direction.
func (c *hopConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }
