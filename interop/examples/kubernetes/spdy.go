package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/moby/spdystream"
)

// spdyAccept returns the streams that a client opens on conn, until conn ends.
func spdyAccept(conn net.Conn) (<-chan *spdystream.Stream, error) {
	connection, err := spdystream.NewConnection(conn, true)
	if err != nil {
		return nil, err
	}
	opened := make(chan *spdystream.Stream)
	go func() {
		defer close(opened)
		connection.Serve(func(stream *spdystream.Stream) {
			if stream.SendReply(http.Header{}, false) != nil {
				return
			}
			select {
			case opened <- stream:
			case <-connection.CloseChan():
			}
		})
	}()
	return opened, nil
}

// spdyStreams runs a process on a connection with one stream for its status and one for
// each of the standard streams that the query names.
func spdyStreams(conn net.Conn, query url.Values) {
	opened, err := spdyAccept(conn)
	if err != nil {
		return
	}
	wanted := []string{"error"}
	for _, name := range []string{"stdin", "stdout", "stderr"} {
		if query.Get(name) == "true" {
			wanted = append(wanted, name)
		}
	}
	streams := map[string]io.ReadWriteCloser{}
	for range wanted {
		stream, ok := <-opened
		if !ok {
			return
		}
		streams[stream.Headers().Get("streamType")] = stream
	}
	var stdin io.Reader = strings.NewReader("")
	if stream := streams["stdin"]; stream != nil {
		stdin = stream
	}
	stdout, status := streams["stdout"], streams["error"]
	if stdout == nil || status == nil || converse(stdin, stdout) != nil {
		return
	}
	io.WriteString(status, success)
	for _, stream := range streams {
		stream.Close()
	}
	// The client ends the connection when it has read the streams to their ends.
	for range opened {
	}
}

// spdyPorts takes two streams for each connection to a port: one for its data, and one for
// errors, which do not occur here.
func spdyPorts(conn net.Conn, _ url.Values) {
	opened, err := spdyAccept(conn)
	if err != nil {
		return
	}
	for stream := range opened {
		if stream.Headers().Get("streamType") != "data" {
			stream.Close()
			continue
		}
		go func() {
			defer stream.Close()
			converse(stream, stream)
		}()
	}
}
