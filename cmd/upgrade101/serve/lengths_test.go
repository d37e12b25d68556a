package serve

import (
	"bufio"
	"io"
	"net/http"
	"testing"
)

// The server answers a request with two lengths and ends the connection, because the next
// recipient may read another request there. net/http shows only one of the lengths.
func TestTwoLengthsEndTheConnection(t *testing.T) {
	address, _ := serveHere(t)
	const (
		plain   = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
		chunked = "POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
		both    = "POST / HTTP/1.1\r\n" + offerEcho + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
		length  = "POST / HTTP/1.1\r\n" + offerEcho + "Content-Length: 5\r\n\r\n0\r\n\r\n"
	)
	t.Run("one length", func(t *testing.T) {
		for _, text := range []string{chunked, length} {
			mustRead(t, dial(t, address, text), echo101)
		}
		conn := dial(t, address, plain)
		r := bufio.NewReader(conn)
		mustAnswer(t, r, false)
		io.WriteString(conn, length)
		mustRead(t, r, echo101)
	})
	t.Run("two lengths", func(t *testing.T) {
		r := bufio.NewReader(dial(t, address, both))
		mustAnswer(t, r, true)
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("want the end, got %v", err)
		}
	})
	// The server does not keep the octets of a later request.
	t.Run("chunked, after another request", func(t *testing.T) {
		conn := dial(t, address, plain)
		r := bufio.NewReader(conn)
		mustAnswer(t, r, false)
		io.WriteString(conn, chunked)
		mustAnswer(t, r, true)
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("want the end, got %v", err)
		}
	})
}

// mustAnswer reads the page. closes is whether the response must announce the end of the
// connection.
func mustAnswer(t *testing.T, r *bufio.Reader, closes bool) {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Close != closes {
		t.Errorf("status %d, close %v; want 200, %v", response.StatusCode, response.Close, closes)
	}
}
