// Command h2c says hello over HTTP/1.1 and, to clients that upgrade, over HTTP/2. The switch
// is ours; on the switched connection golang.org/x/net speaks HTTP/2.
//
//	go run ./examples/h2c
//	go run ./examples/h2c -raw
//	curl --http2 http://127.0.0.1:8080/
//
// Clients that begin with HTTP/2 (prior knowledge) do not switch and are not served here.
// net/http can serve them: see http.Server.Protocols.
package main

//lint:file-ignore SA1019 x/net recommends net/http instead, which cannot answer the request that was upgraded.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/interop/examples/start"
	"github.com/gosegue/upgrade/netupgrade"
	"golang.org/x/net/http2"
)

var h2c = upgrade.MustParseProduct("h2c")

func main() {
	overHTTP := httpupgrade.Handler{
		Protocols: []httpupgrade.Protocol{{
			Product: h2c,
			Allow: func(r *http.Request) bool {
				_, ok := settings(r.Header.Values("Connection"), r.Header.Values("HTTP2-Settings"))
				return ok
			},
			Serve: serve,
		}},
		Next: http.HandlerFunc(hello),
	}
	acceptor := &netupgrade.Acceptor{
		Protocols: []netupgrade.Protocol{{
			Product: h2c,
			Allow: func(r *netupgrade.Request) bool {
				_, ok := settings(r.Connection, r.Lines(nil, "HTTP2-Settings"))
				_, err := url.ParseRequestURI(string(r.Target)) // after the 101, request ignores this error
				return ok && err == nil
			},
		}},
		KeepHead: true,
		Decline: func(r *netupgrade.Request, _ error) {
			// The next request on that connection may again be an offer.
			go start.HTTP(r.Unread(), &http.Server{Handler: overHTTP, DisableGeneralOptionsHandler: true})
		},
	}
	start.Server(overHTTP, func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered and closed, or net/http has it
		}
		defer accepted.Conn.Close()
		serve(accepted.Conn, request(accepted))
	})
}

// settings returns the payload of the SETTINGS frame that a request for h2c must bring, in
// exactly one field, which Connection must name (RFC 7540, section 3.2.1). A proxy that does
// not know h2c drops that name: what it passes on is no offer to this server.
func settings[S upgrade.Text](connection, lines []S) (payload []byte, ok bool) {
	options, err := upgrade.ParseConnection(connection...)
	if err != nil || !options.Has("HTTP2-Settings") || len(lines) != 1 {
		return nil, false
	}
	payload, err = base64.RawURLEncoding.DecodeString(string(lines[0]))
	return payload, err == nil && len(payload) > 0 && len(payload)%6 == 0 // 6 octets a setting
}

// serve speaks HTTP/2. The request that was upgraded is answered first, on stream 1.
func serve(conn net.Conn, r *http.Request) {
	payload, _ := settings(r.Header.Values("Connection"), r.Header.Values("HTTP2-Settings"))
	r = r.Clone(r.Context())
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	// These belong to the HTTP/1.1 connection; HTTP/2 does not have them.
	for _, name := range []string{"Connection", "Upgrade", "HTTP2-Settings", "Transfer-Encoding"} {
		r.Header.Del(name)
	}
	server := http2.Server{IdleTimeout: time.Minute}
	server.ServeConn(conn, &http2.ServeConnOpts{
		Context:        r.Context(),
		Handler:        http.HandlerFunc(hello),
		UpgradeRequest: r,
		Settings:       payload,
	})
}

func hello(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "content cannot be read", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s hello %s %s %d octets\n", r.Proto, r.Method, r.URL.Path, n)
}

// request returns the request as net/http would have read it.
func request(accepted netupgrade.Accepted) *http.Request {
	head := accepted.Head
	target, _ := url.ParseRequestURI(string(head.Target))
	r := &http.Request{
		Method:        string(head.Method),
		URL:           target,
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(accepted.Content)),
		ContentLength: int64(len(accepted.Content)),
		Host:          string(head.Host),
		RequestURI:    string(head.Target),
		RemoteAddr:    accepted.Conn.RemoteAddr().String(),
	}
	for name, value := range head.All() {
		r.Header.Add(string(name), string(value))
	}
	r.Header.Del("Host")
	if target.Host != "" {
		r.Host = target.Host // a target in absolute-form overrules the field
	}
	return r
}
