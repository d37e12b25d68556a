package netupgrade_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/netupgrade"
)

// FuzzAccept: any bytes are switched, or answered once and closed, or closed; as
// packages head and handshake and the rules for content say, and in any pieces.
func FuzzAccept(f *testing.F) {
	for _, m := range messages {
		f.Add([]byte(post(m.framing, m.content, "Expect: 100-continue")+early), uint16(30), uint16(100))
	}
	for _, attack := range attacks() {
		if len(attack.request) < 1000 {
			f.Add([]byte(attack.request), uint16(len(attack.request)/2), uint16(1))
		}
	}
	for _, test := range wellFormedChunks {
		f.Add([]byte(chunkedPost(test.body)+early), uint16(len(chunkedPost(""))+1), uint16(2))
	}
	for _, body := range malformedChunks {
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
			return // there is a bound on extensions and trailers
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
				t.Errorf("%v, closed %d times, read behind it: %v", err, conn.closed, conn.readAfter)
			}
			if diff := diff(got(t, conn, accepted, err), want); diff != "" {
				t.Errorf("%d pieces: %s", len(pieces), diff)
			}
		}
	})
}

// outcome is what comes of a request.
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
		t.Fatalf("%T is no *Error: %v", err, err)
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

// predicted tells what has to come of data, with all of it at hand.
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
		content, n, status := slowChunks(rest, int(a.MaxBody))
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

// slowChunks decodes the chunked coding from data that is at hand, line by line. n is 0
// if it cannot, because of the status, or because there is not enough.
func slowChunks(data []byte, limit int) (content []byte, n, status int) {
	rest := data
	// line returns a line, and what is wrong: a control, which is nothing that
	// could come right by more of it.
	line := func() (string, bool, int) {
		for i, b := range rest {
			switch {
			case b == '\r' && i+1 == len(rest):
				return string(rest[:i]), false, 0
			case b == '\r' && rest[i+1] == '\n':
				text := string(rest[:i])
				rest = rest[i+2:]
				return text, true, 0
			case b < ' ' && b != '\t' || b == 0x7F:
				return string(rest[:i]), false, 400
			}
		}
		return string(rest), false, 0
	}
	for {
		text, whole, bad := line()
		digits := len(text) - len(strings.TrimLeft(text, "0123456789abcdefABCDEF"))
		size := 0
		for i := range digits {
			digit, _ := strconv.ParseUint(text[i:i+1], 16, 8)
			if size = size<<4 + int(digit); size > limit-len(content) {
				return nil, 0, 413
			}
		}
		extension := strings.TrimLeft(text[digits:], " \t")
		switch {
		case digits == 0 && (text != "" || whole || bad != 0 || len(rest) > 0):
			return nil, 0, 400
		case extension != "" && extension[0] != ';' && (text[digits] != ' ' && text[digits] != '\t'):
			return nil, 0, 400
		case bad != 0:
			return nil, 0, bad
		case !whole && len(rest) > len(text) && text[digits:] != "" && (extension == "" || extension[0] != ';'):
			return nil, 0, 400 // a CR behind what is no extension
		case !whole:
			return nil, 0, 0
		case text[digits:] != "" && (extension == "" || extension[0] != ';'):
			return nil, 0, 400
		case size == 0:
			for {
				text, whole, bad := line()
				if bad != 0 || !whole {
					return nil, 0, bad
				}
				if text == "" {
					return content, len(data) - len(rest), 0
				}
				name, _, found := strings.Cut(text, ":")
				if !found || (handshake.Field{Name: name}).Check() != nil {
					return nil, 0, 400
				}
			}
		}
		take := min(size, len(rest))
		content, rest = append(content, rest[:take]...), rest[take:]
		end := rest[:min(2, len(rest))]
		switch {
		case take < size:
			return nil, 0, 0
		case !bytes.HasPrefix([]byte("\r\n"), end):
			return nil, 0, 400
		case len(end) < 2:
			return nil, 0, 0
		}
		rest = rest[2:]
	}
}

// FuzzChunked: what this package decodes, net/http decodes to the same content and
// with the same behind it, but for what it is too short of room for, and a blank before an
// extension, which RFC 9112 says to parse; and what net/http decodes, this package does,
// but for what RFC 9112 does not have.
func FuzzChunked(f *testing.F) {
	for _, test := range wellFormedChunks {
		f.Add([]byte(test.body + early))
	}
	for _, body := range malformedChunks {
		if len(body) < 1000 {
			f.Add([]byte(body + early))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		accepted, err := echoing().Accept(&memory{pieces: []string{chunkedPost(string(body))}})
		source := bufio.NewReader(bytes.NewReader(body))
		want, wantErr := io.ReadAll(httputil.NewChunkedReader(source))
		// net/http leaves the trailers to others.
		behind, _ := io.ReadAll(source)
		if err != nil {
			if wantErr == nil && wellFormed(body[:len(body)-len(behind)]) && trailers(behind) >= 0 {
				t.Fatalf("%v, but net/http decodes %q", err, want)
			}
			return
		}
		if wantErr != nil {
			switch wantErr.Error() {
			case "http chunk length too large", // zeros in front
				"chunked encoding contains too much non-data", "header line too long":
				return
			case "invalid byte in chunk length": // a blank before an extension
				if blankBefore.Match(body) {
					return
				}
			}
			t.Fatalf("decoded %q, but net/http says %v", accepted.Content, wantErr)
		}
		if !bytes.Equal(accepted.Content, want) {
			t.Fatalf("content %q, want %q", accepted.Content, want)
		}
		rest, _ := io.ReadAll(accepted.Conn)
		if n := trailers(behind); n < 0 || !bytes.Equal(rest, behind[n:]) {
			t.Fatalf("behind it %q of %q", rest, behind)
		}
	})
}

var (
	chunkLine   = regexp.MustCompile(`^[0-9a-fA-F]+([ \t]*;[\t -~\x80-\xFF]*)?$`)
	blankBefore = regexp.MustCompile(`[0-9a-fA-F][ \t]+;`)
	trailerLine = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\\t -~\\x80-\\xFF]*$")
)

// wellFormed reports whether chunks that net/http has decoded have no line but such as
// RFC 9112 has. It passes a line with a blank at the end, and a control in an extension;
// and it counts the octets of lines in another way than this package does.
func wellFormed(chunks []byte) bool {
	for len(chunks) > 0 {
		line, rest, found := bytes.Cut(chunks, []byte("\r\n"))
		if !found || !chunkLine.MatchString(latin1(line)) || len(line) > 1000 {
			return false
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(strings.Trim(string(size), " \t"), 16, 31)
		if err != nil || n == 0 {
			return err == nil
		}
		chunks = rest[min(int(n)+2, len(rest)):]
	}
	return false
}

// trailers returns how long the trailers at the start of b are, with the empty line; or
// -1 if they are malformed or have no end.
func trailers(b []byte) int {
	for rest := b; ; {
		line, behind, found := bytes.Cut(rest, []byte("\r\n"))
		switch {
		case !found || len(line) > 1000:
			return -1
		case len(line) == 0:
			return len(b) - len(behind)
		case !trailerLine.MatchString(latin1(line)):
			return -1
		}
		rest = behind
	}
}

// latin1 returns b with a code point for each octet.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
