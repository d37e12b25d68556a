package httpupgrade_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// These examples are for authors of libraries that hold an http.Header and build their
// own switch, one part at a time.

// upgradeWebSocket is the handshake of a WebSocket library that gets a header for the 101
// from its caller. If it cannot switch, it answers the request itself.
func upgradeWebSocket(w http.ResponseWriter, r *http.Request, header http.Header) (net.Conn, error) {
	product := upgrade.MustParseProduct("websocket")
	p, err := httpupgrade.Select(r, product)
	if err != nil {
		httpupgrade.Refuse(w, r, product)
		return nil, err
	}
	key := r.Header["Sec-Websocket-Key"] // net/http spells it so
	err = websocket.Check(r.Method, r.Header["Sec-Websocket-Version"], key)
	var requirement websocket.Error
	if errors.As(err, &requirement) {
		refusal := requirement.Refusal()
		for _, f := range refusal.Fields {
			w.Header().Set(f.Name, f.Value)
		}
		if refusal.Status == http.StatusUpgradeRequired {
			httpupgrade.Advertise(w, r, product)
		}
		w.WriteHeader(refusal.Status)
		return nil, err
	}
	if !websocket.SameOrigin(r.Header["Origin"], []string{r.Host}) {
		http.Error(w, "foreign origin", http.StatusForbidden)
		return nil, errors.New("foreign origin")
	}
	fields := append(httpupgrade.FieldsOf(header), handshake.Field{Name: "Sec-WebSocket-Accept", Value: websocket.Accept(key[0])})
	conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{p}, fields...)
	if status := handshake.Status(err); status != 0 {
		http.Error(w, "cannot switch", status)
	}
	return conn, err
}

// A library that calls Hijack itself needs Select and ReadContent before, and Early
// after.
func ExampleSelect() {
	echo := upgrade.MustParseProduct("echo/1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := httpupgrade.Select(r, echo)
		if err != nil {
			fmt.Fprintln(w, "an ordinary page, because", err)
			return
		}
		if err := httpupgrade.ReadContent(r, httpupgrade.DefaultMaxBody); err != nil {
			w.Header().Set("Connection", "close")
			w.WriteHeader(handshake.Status(err))
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		conn = httpupgrade.Early(conn, buffered.Reader)
		go func() {
			defer conn.Close()
			if handshake.WriteSwitchingProtocols(conn, []upgrade.Product[string]{p}) == nil {
				io.Copy(conn, conn)
			}
		}()
	}))
	defer server.Close()

	fmt.Printf("%q\n", exchange(server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c, echo/1\r\n\r\nearly"))
	// Output:
	// "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\nearly"
}

// exchange sends octets to a server, and returns what it answers.
func exchange(server *httptest.Server, octets string) string {
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	io.WriteString(conn, octets)
	conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// The content of a request comes before the new protocol, so a server reads it before the
// switch. The content stays in Body.
func ExampleReadContent() {
	for _, content := range []string{"short", "too long for this server"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(content))
		if err := httpupgrade.ReadContent(r, 10); err != nil {
			fmt.Println(handshake.Status(err))
			continue
		}
		text, _ := io.ReadAll(r.Body)
		fmt.Printf("%s\n", text)
	}
	// Output:
	// short
	// 413
}

// The reader that Hijack returns may hold the first octets of the new protocol.
func ExampleEarly() {
	conn, client := net.Pipe()
	go func() {
		io.WriteString(client, "early, ")
		io.WriteString(client, "late")
		client.Close()
	}()
	buffered := bufio.NewReader(conn)
	buffered.Peek(1) // as a server that reads a request may have done

	all, _ := io.ReadAll(httpupgrade.Early(conn, buffered))
	fmt.Printf("%s\n", all)
	// Output: early, late
}

// This library gets the fields of the 101 as a header map.
func ExampleFieldsOf() {
	header := http.Header{
		"Set-Cookie":     {"a=1", "b=2"},
		"X-Request-Id":   {" 7 "},
		"X-Split":        {"a\r\nSet-Cookie: evil=1"}, // not a field value
		"Content-Length": {"0"},                       // not in a 101
	}
	for _, f := range httpupgrade.FieldsOf(header) {
		fmt.Printf("%s: %s\n", f.Name, f.Value)
	}
	// Output:
	// Set-Cookie: a=1
	// Set-Cookie: b=2
	// X-Request-Id: 7
}

// A library that answers by WriteHeader(101) fills the header of the response.
func ExampleSetSwitchingProtocols() {
	header := http.Header{"Content-Length": {"0"}, "Connection": {"keep-alive"}}
	err := httpupgrade.SetSwitchingProtocols(header, []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
		handshake.Field{Name: "Sec-WebSocket-Accept", Value: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})
	fmt.Println(header, err)
	// Output:
	// map[Connection:[Upgrade] Sec-Websocket-Accept:[s3pPLMBiTxaQ9kYGzzhZRbK+xOo=] Upgrade:[websocket]] <nil>
}

// A client or a proxy checks a response before it uses the connection for another
// protocol.
func ExampleSwitched() {
	websocket := upgrade.MustParseProduct("websocket")
	response := &http.Response{StatusCode: 101, Header: http.Header{"Connection": {"upgrade"}, "Upgrade": {"WebSocket"}}}
	list, err := httpupgrade.Switched(response, websocket)
	fmt.Println(list.Offers(websocket), err)

	response.Header["Upgrade"] = []string{"WebSocket, TLS/1.0"}
	_, err = httpupgrade.Switched(response, websocket)
	fmt.Println(err)
	// Output:
	// true <nil>
	// handshake: protocol was not offered
}

// This Gate stands in front of a WebSocket library that knows only one spelling.
func ExampleGate() {
	library := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
			http.Error(w, "no WebSocket", http.StatusBadRequest)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack() // drops the reader, which may hold early octets
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		io.Copy(conn, conn)
	})
	server := httptest.NewServer(httpupgrade.Gate{
		Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")},
		Next:     library,
	})
	defer server.Close()

	fmt.Printf("%q\n", exchange(server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c, WebSocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly"))
	// Output:
	// "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly"
}

// handshakeOf sends the request of RFC 6455 with more fields, and prints the status of
// the answer and the fields with the given names.
func handshakeOf(server *httptest.Server, fields string, names ...string) {
	answer := exchange(server, "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"+fields+"\r\n")
	reader := bufio.NewReader(strings.NewReader(answer))
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(response.StatusCode)
	for _, name := range names {
		fmt.Printf(" %s=%q", name, response.Header.Values(name))
	}
	content, _ := io.ReadAll(response.Body)
	rest, _ := io.ReadAll(reader) // what follows a 101
	fmt.Printf(" %q\n", string(content)+string(rest))
}

// Pages of two hosts may connect, and so may programs that are not browsers. All others
// get 403.
func ExampleWebSocket_origin() {
	origins := map[string]bool{"https://example.com": true, "https://www.example.com": true}
	server := httptest.NewServer(httpupgrade.Handler{Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{
		Origin: func(r *http.Request) bool {
			lines := r.Header["Origin"]
			return len(lines) == 0 || len(lines) == 1 && origins[lines[0]]
		},
		Serve: func(conn net.Conn, r *http.Request, _ string) {},
	}.Protocol()}})
	defer server.Close()

	handshakeOf(server, "Origin: https://www.example.com\r\n")
	handshakeOf(server, "Origin: https://evil.example\r\n")
	handshakeOf(server, "")
	// Output:
	// 101 ""
	// 403 ""
	// 101 ""
}

// The server's order decides which subprotocol is selected. Serve gets its name.
func ExampleWebSocket_subprotocols() {
	server := httptest.NewServer(httpupgrade.Handler{Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{
		Subprotocols: []string{"chat.v2", "chat.v1"},
		Serve: func(conn net.Conn, r *http.Request, subprotocol string) {
			fmt.Fprintf(conn, "frames of %s", subprotocol)
		},
	}.Protocol()}})
	defer server.Close()

	handshakeOf(server, "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n", "Sec-WebSocket-Protocol")
	// Output:
	// 101 Sec-WebSocket-Protocol=["chat.v2"] "frames of chat.v2"
}

// Decided counts each request with an Upgrade field by its outcome. Middleware cannot: it
// sees a switch as a request that took no time.
func ExampleHandler_decided() {
	decisions := make(chan string, 3) // a metric
	server := httptest.NewServer(httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{Serve: func(net.Conn, *http.Request, string) {}}.Protocol()},
		Decided: func(r *http.Request, d handshake.Decision) {
			decisions <- fmt.Sprint(d.Status, " ", d.Product, ": ", d.Err)
		},
		Next: http.NotFoundHandler(),
	})
	defer server.Close()

	handshakeOf(server, "")
	handshakeOf(server, "Origin: https://evil.example\r\n")
	exchange(server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a b\r\n\r\n")
	for range 3 {
		fmt.Println(<-decisions)
	}
	// Output:
	// 101 ""
	// 403 ""
	// 101 websocket: <nil>
	// 403 websocket: handshake: refused with status 403: websocket: Origin may not connect
	// 0 : handshake: malformed Upgrade: line 0, offset 2: want comma or end of line
}

// Conns allows one connection at a time here, and ends all of them at shutdown.
func ExampleConns() {
	conns := &httpupgrade.Conns{Max: 1}
	serving := make(chan bool)
	server := httptest.NewServer(httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("chat"),
			Serve: func(conn net.Conn, r *http.Request) {
				serving <- true
				<-r.Context().Done() // a protocol says good-bye here
				fmt.Fprint(conn, "bye")
			},
		}},
		Conns: conns,
	})
	defer server.Close()

	conn := ask(server.URL, "chat")
	defer conn.Close()
	<-serving
	fmt.Println(conns.Len())
	ask(server.URL, "chat")

	err := conns.Shutdown(context.Background()) // with Shutdown of the server: see Conns
	text, _ := io.ReadAll(conn)
	fmt.Printf("%s, %d left, %v\n", text, conns.Len(), err)
	// Output:
	// 101 Switching Protocols "chat"
	// 1
	// 503 Service Unavailable ""
	// bye, 0 left, <nil>
}

// A session cookie that middleware sets reaches the client with the 101.
func ExampleHandler_carry() {
	handler := httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{httpupgrade.WebSocket{Serve: func(net.Conn, *http.Request, string) {}}.Protocol()},
		Carry:     []string{"Set-Cookie", "X-Request-Id"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "7"})
		w.Header().Set("X-Request-Id", "42")
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()

	handshakeOf(server, "", "Set-Cookie", "X-Request-Id")
	// Output:
	// 101 Set-Cookie=["session=7"] X-Request-Id=["42"] ""
}

// A client without credentials gets a 401 with a text.
func ExampleRefusal() {
	protocol := httpupgrade.WebSocket{Serve: func(net.Conn, *http.Request, string) {}}.Protocol()
	protocol.Fields = func(r *http.Request) ([]handshake.Field, error) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			return nil, &httpupgrade.Refusal{
				Status:  http.StatusUnauthorized,
				Fields:  []handshake.Field{{Name: "WWW-Authenticate", Value: `Basic realm="chat"`}},
				Content: "who are you?\n",
			}
		}
		return nil, nil
	}
	server := httptest.NewServer(httpupgrade.Handler{Protocols: []httpupgrade.Protocol{protocol}})
	defer server.Close()

	handshakeOf(server, "", "WWW-Authenticate", "Content-Type")
	handshakeOf(server, "Authorization: Basic OnNlY3JldA==\r\n")
	// Output:
	// 401 WWW-Authenticate=["Basic realm=\"chat\""] Content-Type=["text/plain; charset=utf-8"] "who are you?\n"
	// 101 ""
}

// A library that holds an http.Header writes its whole handshake in one function: see
// upgradeWebSocket in the file of this example.
func ExampleSwitch_webSocketLibrary() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgradeWebSocket(w, r, http.Header{"Set-Cookie": {"a=1"}})
		if err != nil {
			return // upgradeWebSocket has answered
		}
		go func() {
			defer conn.Close()
			io.WriteString(conn, "frames")
		}()
	}))
	defer server.Close()

	handshakeOf(server, "", "Sec-WebSocket-Accept", "Set-Cookie")
	handshakeOf(server, "Origin: https://evil.example\r\n")
	// Output:
	// 101 Sec-WebSocket-Accept=["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="] Set-Cookie=["a=1"] "frames"
	// 403 "foreign origin\n"
}
