package netupgrade_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/oracle"
	"github.com/gosegue/upgrade/netupgrade"
)

// FuzzAccept: for any bytes, in any pieces, the connection is switched, or answered once and
// closed, or closed without an answer, as packages head and handshake and the rules for
// content say.
func FuzzAccept(f *testing.F) {
	for _, m := range messages {
		f.Add([]byte(post(m.framing, m.content, "Expect: 100-continue")+early), uint16(30), uint16(100))
	}
	for _, attack := range attacks() {
		if len(attack.request) < 1000 {
			f.Add([]byte(attack.request), uint16(len(attack.request)/2), uint16(1))
		}
	}
	wellFormed, malformed := codedContent(f)
	for _, test := range wellFormed {
		f.Add([]byte(chunkedPost(test[0])+early), uint16(len(chunkedPost(""))+1), uint16(2))
	}
	for _, body := range malformed {
		if len(body) < 1000 {
			f.Add([]byte(chunkedPost(body)+early), uint16(len(chunkedPost(""))+1), uint16(2))
		}
	}
	f.Add([]byte(exampleOfWebSocket+early), uint16(100), uint16(100))
	f.Add([]byte(requestLine("CONNECT a:1 HTTP/1.1")), uint16(1), uint16(1))
	f.Add([]byte(post("length", strings.Repeat("x", 101))), uint16(1), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, i, j uint16) {
		a := &netupgrade.Acceptor{
			Protocols: []netupgrade.Protocol{{Product: echo}, {Product: chat}},
			MaxBody:   100,
			Limits:    head.Limits{Bytes: 2000, Fields: 20, Target: 100},
		}
		if len(data) > 8<<10 {
			return // predicted does not bound extensions and trailers
		}
		want := predicted(a, data)
		one := min(int(i), len(data))
		two := min(one+int(j), len(data))
		splits := [][]string{{string(data)}, {string(data[:one]), string(data[one:two]), string(data[two:])}}
		if len(data) < 500 {
			splits = append(splits, strings.Split(string(data), ""))
		}
		for _, pieces := range splits {
			conn := &memory{pieces: pieces}
			accepted, err := a.Accept(conn)
			if conn.readAfter || (conn.closed > 0) != (err != nil) {
				t.Errorf("%v, closed %d times, read after it: %v", err, conn.closed, conn.readAfter)
			}
			if diff := diff(got(t, conn, accepted, err), want); diff != "" {
				t.Errorf("%d pieces: %s", len(pieces), diff)
			}
		}
	})
}

// outcome is the result of a request.
type outcome struct {
	product, content, rest string
	goAhead                bool
	status                 int
}

func diff(got, want outcome) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%+v, want %+v", got, want)
}

func got(t *testing.T, conn *memory, accepted netupgrade.Accepted, err error) (o outcome) {
	sent := conn.sent
	if len(sent) > 0 && sent[0] == goAhead {
		o.goAhead = true
		sent = sent[1:]
	}
	if err == nil {
		o.product, o.content = accepted.Product().String(), string(accepted.Content)
		rest, _ := io.ReadAll(accepted.Conn)
		o.rest = string(rest)
		if len(sent) != 1 || sent[0] != strings.Replace(echoHead, "echo/1", o.product, 1) {
			t.Errorf("sent %q", conn.sent)
		}
		return o
	}
	var failed *netupgrade.Error
	if !errors.As(err, &failed) {
		t.Fatalf("%T is not an *Error: %v", err, err)
	}
	o.status = failed.Status
	if len(sent) > 1 || (len(sent) == 1) != (o.status != 0) {
		t.Errorf("status %d, sent %q", o.status, conn.sent)
	}
	if len(sent) == 1 && !strings.HasPrefix(sent[0], fmt.Sprintf("HTTP/1.1 %d ", o.status)) {
		t.Errorf("status %d, sent %q", o.status, conn.sent)
	}
	return o
}

// predicted returns the right outcome of data, with all of it at hand.
func predicted(a *netupgrade.Acceptor, data []byte) (o outcome) {
	var r head.Request
	n, err := r.Parse(data, a.Limits)
	var malformed *head.Error
	switch {
	case errors.As(err, &malformed):
		return outcome{status: malformed.Status()}
	case n == 0:
		return outcome{}
	case string(r.Method) == "CONNECT" && r.Minor > 0:
		return outcome{status: 501}
	}
	p, err := handshake.Select(r.Major, r.Minor, r.Connection, r.Upgrade, echo, chat)
	switch {
	case err == handshake.ErrHTTPVersion:
		return outcome{status: 505}
	case err != nil:
		return outcome{status: 426}
	}
	rest := data[n:]
	switch {
	case r.ContentLength > a.MaxBody:
		return outcome{status: 413}
	case r.Chunked:
		o.goAhead = r.ExpectContinue
		content, n, status := oracle.Chunked(rest, int(a.MaxBody))
		if n == 0 {
			o.status = status
			return o
		}
		o.content, rest = string(content), rest[n:]
	case r.ContentLength > 0:
		o.goAhead = r.ExpectContinue
		if int64(len(rest)) < r.ContentLength {
			return o
		}
		o.content, rest = string(rest[:r.ContentLength]), rest[r.ContentLength:]
	}
	o.product, o.rest = p.String(), string(rest)
	return o
}
