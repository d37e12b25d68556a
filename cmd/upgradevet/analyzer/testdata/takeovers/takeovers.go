// Package takeovers takes connections from net/http in ways that lose octets.
package takeovers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

func dropped(w http.ResponseWriter, r *http.Request, backend net.Conn) {
	conn, _, err := w.(http.Hijacker).Hijack() // want `Hijack's reader is dropped: .* \[early-bytes\]`
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	defer conn.Close()
	go io.Copy(conn, backend)
	io.Copy(backend, conn)
}

func returned(w http.ResponseWriter) (net.Conn, error) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `\[early-bytes\]`
	return conn, err
}

func onlyWritten(w http.ResponseWriter) (net.Conn, error) {
	conn, brw, err := http.NewResponseController(w).Hijack() // want `\[early-bytes\]`
	if err != nil {
		return nil, err
	}
	brw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\n")
	brw.Flush()
	return conn, nil
}

// closed does not go on with the connection.
func closed(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	conn.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
	conn.Close()
}

func kept(w http.ResponseWriter) (net.Conn, *bufio.Reader, error) {
	conn, brw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if brw.Reader.Buffered() > 0 {
		conn.Close()
		return nil, nil, io.ErrUnexpectedEOF
	}
	return conn, brw.Reader, nil
}

// writer is a ResponseWriter around another.
type writer struct{ http.ResponseWriter }

func (w writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func content(w http.ResponseWriter, r *http.Request) {
	conn, brw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		io.Copy(io.Discard, r.Body)
		return
	}
	io.Copy(io.Discard, r.Body) // want `the request's Body is used after Hijack: .* \[content-after-hijack\]`
	r.Body.Close()
	io.Copy(conn, brw)
}

func contentBefore(w http.ResponseWriter, r *http.Request, switching bool) {
	io.Copy(io.Discard, r.Body)
	if switching {
		if conn, brw, err := w.(http.Hijacker).Hijack(); err == nil {
			io.Copy(conn, brw)
		}
		return
	}
	io.Copy(w, r.Body)
}

// shed passes the connection to a function that only writes.
func shed(w http.ResponseWriter) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	return reply(conn, 503)
}

func reply(conn net.Conn, status int) error {
	defer conn.Close()
	_, err := fmt.Fprintf(conn, "HTTP/1.1 %d Refused\r\nContent-Length: 0\r\n\r\n", status)
	return err
}

func passed(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `\[early-bytes\]`
	if err != nil {
		return
	}
	echo(conn)
}

func echo(conn net.Conn) { io.Copy(conn, conn) }

func passedToMany(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack() // want `\[early-bytes\]`
	if err != nil {
		return
	}
	all(conn)
}

func all(conns ...net.Conn) { io.Copy(conns[0], conns[0]) }
