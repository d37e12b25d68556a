package main

//lint:file-ignore SA1019 users of a deprecated package should know its faults too

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/coder/websocket"
	fasthttpwebsocket "github.com/fasthttp/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
	"github.com/valyala/fasthttp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
	xnet "golang.org/x/net/websocket"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
)

// This file has the servers, each set up as in its own documentation, with no more than it
// needs to serve. It does not know how they are started and probed.

// server is a server to probe. It is another program if it has a command, or else a
// listener in this program.
type server struct {
	name    string // a column
	group   string // a table
	product string // the product that it is offered
	about   string // how it is set up, in a few words

	// For a program. In the command and the files, {PORT}, {DIR}, {BACKEND} and
	// {UPGRADE101} stand for its port, its directory, the address of our server, and
	// the path of upgrade101.
	command []string
	files   map[string]string // content by name; a directory if the name ends in a slash
	version []string          // the command that prints its version
	modules bool              // it needs interop/.installed/node_modules

	// For a listener in this program, and the module whose version the page shows.
	listen func(l net.Listener, backend string)
	module string

	// The Markdown file whose first program is the server, with its address replaced.
	document string
}

// The tables.
const (
	ours      = "The program in our README"
	libraries = "WebSocket servers"
	gated     = "The same libraries after `httpupgrade.Gate`"
	proxies   = "Proxies in front of `upgrade101 serve --raw`"
	others    = "HTTP/2 without TLS"
	ignoring  = "Servers that do not have the product that they are offered"
)

var servers = []server{
	{name: "README", group: ours, product: "echo/1", about: "`httpupgrade.Handler` in `http.ListenAndServe`", document: "../README.md",
		command: []string{"{DIR}/program"}},
	{name: "serve --raw", group: libraries, product: "websocket", about: "ours, without `net/http`",
		command: []string{"{UPGRADE101}", "serve", "--raw", "--listen", "127.0.0.1:{PORT}"}, version: []string{"{UPGRADE101}", "--version"}},
	{name: "serve", group: libraries, product: "websocket", about: "ours, on `net/http`",
		command: []string{"{UPGRADE101}", "serve", "--listen", "127.0.0.1:{PORT}"}, version: []string{"{UPGRADE101}", "--version"}},
	{name: "gorilla", group: libraries, product: "websocket", about: "`Upgrader` on `net/http`", module: "github.com/gorilla/websocket", listen: onHTTP(gorillaEcho)},
	{name: "coder", group: libraries, product: "websocket", about: "`Accept` on `net/http`", module: "github.com/coder/websocket", listen: onHTTP(coderEcho)},
	{name: "gobwas HTTP", group: libraries, product: "websocket", about: "`UpgradeHTTP` on `net/http`", module: "github.com/gobwas/ws", listen: onHTTP(gobwasHTTPEcho)},
	{name: "gobwas", group: libraries, product: "websocket", about: "`Upgrade` on the connection", module: "github.com/gobwas/ws", listen: onConnections(gobwasEcho)},
	{name: "gws", group: libraries, product: "websocket", about: "`Upgrader` on `net/http`", module: "github.com/lxzan/gws", listen: onHTTP(gwsEcho)},
	{name: "x/net", group: libraries, product: "websocket", about: "`websocket.Server` on `net/http`", module: "golang.org/x/net", listen: onHTTP(xnetEcho)},
	{name: "fasthttp", group: libraries, product: "websocket", about: "fasthttp/websocket on fasthttp", module: "github.com/fasthttp/websocket", listen: fasthttpEcho},
	{name: "Node ws", group: libraries, product: "websocket", about: "`WebSocketServer`", modules: true,
		command: []string{"node", "{DIR}/server.cjs"}, version: []string{"node", "-p", "'ws ' + require('ws/package.json').version + ', Node ' + process.version"},
		files: map[string]string{"server.cjs": `
const { WebSocketServer } = require('ws');
new WebSocketServer({ host: '127.0.0.1', port: {PORT} }).on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
`}},
	{name: "py websockets", group: libraries, product: "websocket", about: "`serve`",
		command: []string{"/usr/bin/python3", "{DIR}/server.py"}, version: []string{"/usr/bin/python3", "-c", "import websockets; print('websockets', websockets.__version__)"},
		files: map[string]string{"server.py": `
import asyncio, websockets

async def echo(socket):
    async for message in socket:
        await socket.send(message)

async def main():
    async with websockets.serve(echo, "127.0.0.1", {PORT}):
        await asyncio.Future()

asyncio.run(main())
`}},
	{name: "aiohttp", group: libraries, product: "websocket", about: "`WebSocketResponse` at a GET route",
		command: []string{"/usr/bin/python3", "{DIR}/server.py"}, version: []string{"/usr/bin/python3", "-c", "import aiohttp; print('aiohttp', aiohttp.__version__)"},
		files: map[string]string{"server.py": `
from aiohttp import web

async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == web.WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket

app = web.Application()
app.add_routes([web.get("/", echo)])
web.run_app(app, host="127.0.0.1", port={PORT}, print=None)
`}},

	{name: "gorilla + Gate", group: gated, product: "websocket", about: "`httpupgrade.Gate` in front of `Upgrader`", module: "github.com/gorilla/websocket", listen: onHTTP(gate(gorillaEcho))},
	{name: "coder + Gate", group: gated, product: "websocket", about: "`httpupgrade.Gate` in front of `Accept`", module: "github.com/coder/websocket", listen: onHTTP(gate(coderEcho))},
	{name: "gobwas HTTP + Gate", group: gated, product: "websocket", about: "`httpupgrade.Gate` in front of `UpgradeHTTP`", module: "github.com/gobwas/ws", listen: onHTTP(gate(gobwasHTTPEcho))},
	{name: "gws + Gate", group: gated, product: "websocket", about: "`httpupgrade.Gate` in front of `Upgrader`", module: "github.com/lxzan/gws", listen: onHTTP(gate(gwsEcho))},
	{name: "x/net + Gate", group: gated, product: "websocket", about: "`httpupgrade.Gate` in front of `websocket.Server`", module: "golang.org/x/net", listen: onHTTP(gate(xnetEcho))},

	{name: "haproxy", group: proxies, product: "websocket", about: "`mode http`",
		command: []string{"haproxy", "-db", "-f", "{DIR}/haproxy.cfg"}, version: []string{"haproxy", "-v"},
		files: map[string]string{"haproxy.cfg": `
global
 maxconn 256
defaults
 mode http
 timeout connect 2s
 timeout client 10s
 timeout server 10s
 timeout tunnel 60s
frontend f
 bind 127.0.0.1:{PORT}
 default_backend b
backend b
 server s {BACKEND}
`}},
	{name: "nginx proxy", group: proxies, product: "websocket", about: "`proxy_pass` with the `map` of its documentation",
		command: []string{"nginx", "-c", "{DIR}/nginx.conf"}, version: []string{"nginx", "-v"},
		files: map[string]string{"nginx.conf": nginxHead + `
 map $http_upgrade $connection_upgrade { default upgrade; '' close; }
 server {
  listen 127.0.0.1:{PORT};
  location / {
   proxy_pass http://{BACKEND};
   proxy_http_version 1.1;
   proxy_set_header Upgrade $http_upgrade;
   proxy_set_header Connection $connection_upgrade;
   proxy_set_header Host $host;
  }
 }
}
`}},
	{name: "Apache proxy", group: proxies, product: "websocket", about: "`ProxyPass` with `upgrade=websocket`",
		command: []string{"apache2", "-DFOREGROUND", "-f", "{DIR}/apache.conf"}, version: []string{"apache2", "-v"},
		files: map[string]string{"apache.conf": apacheHead + `
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ProxyPass / http://{BACKEND}/ upgrade=websocket
ProxyPreserveHost On
`}},
	{name: "ReverseProxy", group: proxies, product: "websocket", about: "`httputil.ReverseProxy`", module: "go", listen: reverseProxy},

	{name: "x/net h2c", group: others, product: "h2c", about: "`h2c.NewHandler` on `net/http`", module: "golang.org/x/net",
		listen: onHTTP(h2c.NewHandler(http.HandlerFunc(text), &http2.Server{}))},
	{name: "Apache h2c", group: others, product: "h2c", about: "`Protocols h2c http/1.1`",
		command: []string{"apache2", "-DFOREGROUND", "-f", "{DIR}/apache.conf"}, version: []string{"apache2", "-v"},
		files: map[string]string{"index.html": "text\n", "apache.conf": apacheHead + `
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
`}},

	{name: "nginx", group: ignoring, product: "websocket", about: "files",
		command: []string{"nginx", "-c", "{DIR}/nginx.conf"}, version: []string{"nginx", "-v"},
		files: map[string]string{"index.html": "text\n", "nginx.conf": nginxHead + ` server { listen 127.0.0.1:{PORT}; root {DIR}; } }`}},
	{name: "Apache", group: ignoring, product: "websocket", about: "files",
		command: []string{"apache2", "-DFOREGROUND", "-f", "{DIR}/apache.conf"}, version: []string{"apache2", "-v"},
		files: map[string]string{"index.html": "text\n", "apache.conf": apacheHead}},
	{name: "net/http", group: ignoring, product: "websocket", about: "a handler that writes text", module: "go", listen: onHTTP(http.HandlerFunc(text))},
	{name: "fasthttp plain", group: ignoring, product: "websocket", about: "a handler that writes text", module: "github.com/valyala/fasthttp", listen: fasthttpText},
	{name: "cupsd", group: ignoring, product: "websocket", about: "its own pages",
		command: []string{"cupsd", "-f", "-c", "{DIR}/cupsd.conf", "-s", "{DIR}/cups-files.conf"}, version: []string{"dpkg-query", "-W", "cups-daemon"},
		files: map[string]string{
			"spool/tmp/": "", "cache/": "", "state/": "", "ssl/": "",
			"cupsd.conf": "Listen 127.0.0.1:{PORT}\nDefaultEncryption IfRequested\n<Location />\nAllow 127.0.0.1\n</Location>\n",
			"cups-files.conf": `
ServerRoot {DIR}
RequestRoot {DIR}/spool
CacheDir {DIR}/cache
StateDir {DIR}/state
TempDir {DIR}/spool/tmp
ServerKeychain {DIR}/ssl
ErrorLog {DIR}/error.log
AccessLog {DIR}/access.log
PageLog {DIR}/page.log
`}},
}

const nginxHead = `
daemon off; master_process off; pid {DIR}/pid; error_log {DIR}/error.log;
events { worker_connections 256; }
http {
 access_log off;
 client_body_temp_path {DIR}/b; proxy_temp_path {DIR}/p; fastcgi_temp_path {DIR}/f; uwsgi_temp_path {DIR}/u; scgi_temp_path {DIR}/s;
`

const apacheHead = `
ServerRoot {DIR}
ServerName localhost
PidFile {DIR}/pid
ErrorLog {DIR}/error.log
Listen 127.0.0.1:{PORT}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
DocumentRoot {DIR}
`

func onHTTP(handler http.Handler) func(net.Listener, string) {
	return func(l net.Listener, _ string) { serve(l, handler) }
}

// gate lets a library see an offer only where package httpupgrade finds one.
func gate(h http.Handler) http.Handler {
	return httpupgrade.Gate{Products: []upgrade.Product[string]{upgrade.MustParseProduct("websocket")}, Next: h}
}

// serve does not log the faults that the probe sends on purpose.
func serve(l net.Listener, handler http.Handler) {
	(&http.Server{Handler: handler, ErrorLog: quiet}).Serve(l)
}

var quiet = log.New(io.Discard, "", 0)

func onConnections(speak func(net.Conn)) func(net.Listener, string) {
	return func(l net.Listener, _ string) {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go speak(conn)
		}
	}
}

func text(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("text\n")) }

var gorillaUpgrader gorilla.Upgrader

var gorillaEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := gorillaUpgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
})

var coderEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
})

// It throws away the octets that net/http has read, as in the documentation.
var gobwasHTTPEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	gobwasMessages(conn)
})

func gobwasEcho(conn net.Conn) {
	if _, err := ws.Upgrade(conn); err != nil {
		conn.Close()
		return
	}
	gobwasMessages(conn)
}

func gobwasMessages(conn net.Conn) {
	defer conn.Close()
	for {
		message, op, err := wsutil.ReadClientData(conn)
		if err != nil || wsutil.WriteServerMessage(conn, op, message) != nil {
			return
		}
	}
}

type gwsMessages struct{ gws.BuiltinEventHandler }

func (gwsMessages) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	conn.WriteMessage(message.Opcode, message.Bytes())
}

// The library's own handler does not answer pings: the documentation leaves this to the
// user.
func (gwsMessages) OnPing(conn *gws.Conn, payload []byte) { conn.WritePong(payload) }

var gwsUpgrader = gws.NewUpgrader(gwsMessages{}, nil)

var gwsEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := gwsUpgrader.Upgrade(w, r)
	if err != nil {
		return
	}
	conn.ReadLoop()
})

var xnetEcho = xnet.Server{Handler: func(conn *xnet.Conn) {
	for {
		var message []byte
		if xnet.Message.Receive(conn, &message) != nil || xnet.Message.Send(conn, message) != nil {
			return
		}
	}
}}

func fasthttpEcho(l net.Listener, _ string) {
	var upgrader fasthttpwebsocket.FastHTTPUpgrader
	serveFast(l, func(ctx *fasthttp.RequestCtx) {
		upgrader.Upgrade(ctx, func(conn *fasthttpwebsocket.Conn) {
			for {
				kind, message, err := conn.ReadMessage()
				if err != nil || conn.WriteMessage(kind, message) != nil {
					return
				}
			}
		})
	})
}

func fasthttpText(l net.Listener, _ string) {
	serveFast(l, func(ctx *fasthttp.RequestCtx) { ctx.WriteString("text\n") })
}

func serveFast(l net.Listener, handler fasthttp.RequestHandler) {
	(&fasthttp.Server{Handler: handler, Logger: quiet}).Serve(l)
}

func reverseProxy(l net.Listener, backend string) {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: backend})
	proxy.ErrorLog = quiet
	serve(l, proxy)
}

// fill replaces the names in braces in s by their values.
func fill(s string, values map[string]string) string {
	for name, value := range values {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}
