package httpupgrade_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/httpupgrade"
)

// ask sends a GET request with an offer, and prints the status of the answer and its
// Upgrade field. If the answer is a switch, ask returns the connection, which now speaks
// the new protocol.
func ask(url, offer string) io.ReadWriteCloser {
	request, _ := http.NewRequest("GET", url, nil)
	if offer != "" {
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", offer)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)
		return nil
	}
	fmt.Printf("%s %q\n", response.Status, response.Header.Get("Upgrade"))
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response.Body.(io.ReadWriteCloser)
	}
	response.Body.Close()
	return nil
}

// This server speaks its own protocol with clients that offer it, and HTTP with all
// others.
func ExampleHandler() {
	server := httptest.NewServer(httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("echo/1"),
			Serve:   func(conn net.Conn, r *http.Request) { io.Copy(conn, conn) },
		}},
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "an ordinary page")
		}),
	})
	defer server.Close()

	ask(server.URL, "")
	ask(server.URL, "echo/2")

	conn := ask(server.URL, "echo/2, echo/1")
	defer conn.Close()
	io.WriteString(conn, "hello")
	answer := make([]byte, 5)
	io.ReadFull(conn, answer)
	fmt.Printf("%s\n", answer)
	// Output:
	// 200 OK ""
	// 200 OK ""
	// 101 Switching Protocols "echo/1"
	// hello
}

// Allow decides by the request whether the server may switch. Fields adds fields to the
// 101, or returns the refusal to answer with instead.
func ExampleHandler_policy() {
	server := httptest.NewServer(httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: upgrade.MustParseProduct("chat"),
			Allow:   func(r *http.Request) bool { return r.URL.Path != "/" },
			Fields: func(r *http.Request) ([]handshake.Field, error) {
				if r.URL.Path == "/private" {
					return nil, &httpupgrade.Refusal{Status: http.StatusForbidden}
				}
				return []handshake.Field{{Name: "Chat-Room", Value: r.URL.Path}}, nil
			},
			Serve: func(conn net.Conn, r *http.Request) { fmt.Fprint(conn, "welcome to ", r.URL.Path) },
		}},
		Next: http.NotFoundHandler(),
	})
	defer server.Close()

	ask(server.URL, "chat")
	ask(server.URL+"/private", "chat")

	conn := ask(server.URL+"/public", "chat")
	defer conn.Close()
	text, _ := io.ReadAll(conn)
	fmt.Printf("%s\n", text)
	// Output:
	// 404 Not Found ""
	// 403 Forbidden ""
	// 101 Switching Protocols "chat"
	// welcome to /public
}

// This handler decides itself what to switch to, and answers all other requests as it
// likes.
func ExampleSwitch() {
	supported := []upgrade.Product[string]{
		upgrade.MustParseProduct("XRPL/2.1"),
		upgrade.MustParseProduct("XRPL/2.0"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offered, err := httpupgrade.Offer(r)
		p := offered.Select(supported...)
		if err != nil || p.IsZero() {
			fmt.Fprintln(w, "an ordinary page")
			return
		}
		conn, err := httpupgrade.Switch(w, r, []upgrade.Product[string]{p}, handshake.Field{Name: "Server", Value: "example"})
		if err != nil {
			// What follows may not be HTTP. After a failed write it is too late for
			// an answer, and the status is 0.
			w.Header().Set("Connection", "close")
			if status := handshake.Status(err); status != 0 {
				w.WriteHeader(status)
			}
			return
		}
		// In a goroutine of its own, so that the server's buffers are freed.
		go func() {
			defer conn.Close()
			fmt.Fprint(conn, "this is version ", p.Version())
		}()
	}))
	defer server.Close()

	ask(server.URL, "RTXP/1.2")
	conn := ask(server.URL, "RTXP/1.2, XRPL/2.0")
	defer conn.Close()
	text, _ := io.ReadAll(conn)
	fmt.Printf("%s\n", text)
	// Output:
	// 200 OK ""
	// 101 Switching Protocols "XRPL/2.0"
	// this is version 2.0
}

// A resource that speaks only another protocol says so.
func ExampleRefuse() {
	echo := upgrade.MustParseProduct("echo/1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpupgrade.Refuse(w, r, echo)
	}))
	defer server.Close()

	ask(server.URL, "")
	// Output:
	// 426 Upgrade Required "echo/1"
}

// A page tells clients which other protocol they can use.
func ExampleAdvertise() {
	echo := upgrade.MustParseProduct("echo/1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpupgrade.Advertise(w, r, echo)
		fmt.Fprintln(w, "an ordinary page")
	}))
	defer server.Close()

	ask(server.URL, "")
	// Output:
	// 200 OK "echo/1"
}

// Serve gets the connection at its first frame. The frame that it sends here is the
// "Hello" of RFC 6455, section 5.7. A real server leaves frames to a library.
func ExampleWebSocket() {
	server := httptest.NewServer(httpupgrade.Handler{Protocols: []httpupgrade.Protocol{
		httpupgrade.WebSocket{Serve: func(conn net.Conn, r *http.Request, subprotocol string) {
			io.WriteString(conn, "\x81\x05Hello")
		}}.Protocol(),
	}})
	defer server.Close()

	request, _ := http.NewRequest("GET", server.URL, nil)
	request.Header = http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-WebSocket-Version": {"13"},
		"Sec-WebSocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	frame, _ := io.ReadAll(response.Body)
	fmt.Println(response.Status)
	fmt.Println(response.Header.Get("Sec-WebSocket-Accept"))
	fmt.Printf("%q\n", frame)
	// Output:
	// 101 Switching Protocols
	// s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
	// "\x81\x05Hello"
}
