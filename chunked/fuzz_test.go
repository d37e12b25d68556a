package chunked_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/oracle"
)

// FuzzDecoder: the oracle decodes any octets alike, and any split of them gives the same
// result. Some ending completes the octets before a fault. net/http decodes the same where
// it is as strict.
func FuzzDecoder(f *testing.F) {
	for _, c := range corpus.Read[corpus.Chunked](f, "testdata", "chunked.json") {
		f.Add([]byte(c.Octets+early), uint16(3), uint16(2))
	}
	f.Fuzz(func(t *testing.T, octets []byte, i, j uint16) {
		if len(octets) > 8<<10 {
			return // the oracle has no bound on extensions and trailers
		}
		const limit = 100
		whole := decode(t, limit, string(octets))
		one := min(int(i), len(octets))
		two := min(one+int(j), len(octets))
		diff(t, "in pieces", whole, decode(t, limit, string(octets[:one]), string(octets[one:two]), string(octets[two:])))
		if len(octets) < 500 {
			diff(t, "octet by octet", whole, decode(t, limit, strings.Split(string(octets), "")...))
		}
		checkOracle(t, octets, limit)
		if whole.Error != "" && len(octets) < 500 {
			checkCompletable(t, string(octets[:whole.Offset]), limit)
		}
		checkNetHTTP(t, octets)
	})
}

// checkOracle compares a decoder with the oracle.
func checkOracle(tb testing.TB, octets []byte, limit int) {
	tb.Helper()
	got := decode(tb, int64(limit), string(octets))
	content, n, status := oracle.Chunked(octets, limit)
	switch {
	case got.Done != (n > 0) || (got.Error != "") != (status != 0):
		tb.Errorf("%q: %+v, the oracle says %d octets or status %d", octets, got, n, status)
	case status != 0 && (got.Error == "ErrTooLarge") != (status == 413):
		tb.Errorf("%q: %+v, the oracle says status %d", octets, got, status)
	case got.Done && (got.Content != string(content) || got.Used != n):
		tb.Errorf("%q: %+v, the oracle says %q in %d octets", octets, got, content, n)
	}
}

// checkCompletable fails if no ending completes the octets before a fault: then the fault
// is earlier.
func checkCompletable(t *testing.T, octets string, limit int) {
	t.Helper()
	last := "0\r\n\r\n"
	for _, end := range []string{"", "\n", "\r\n", "\r\n\r\n", "\n\r\n", ":\r\n\r\n", ";\r\n\r\n", ";", "0\r\n\r\n"} {
		if decode(t, int64(limit), octets+end).Done || decode(t, int64(limit), octets+end+last).Done {
			return
		}
	}
	for size := range limit + 1 {
		data := strings.Repeat("d", size) + "\r\n" + last
		for _, end := range []string{"", "\n", "\r\n", ";\r\n"} {
			if decode(t, int64(limit), octets+end+data).Done {
				return
			}
		}
	}
	t.Errorf("nothing completes %q", octets)
}

// checkNetHTTP compares with the decoder of net/http, which does not read the trailers. It
// has less room for lines, refuses a blank before an extension, which RFC 9112 says to
// parse, and accepts lines that RFC 9112 does not define.
func checkNetHTTP(t *testing.T, octets []byte) {
	t.Helper()
	got := decode(t, 0, string(octets))
	source := bufio.NewReader(bytes.NewReader(octets))
	want, wantErr := io.ReadAll(httputil.NewChunkedReader(source))
	behind, _ := io.ReadAll(source)
	if !got.Done {
		if wantErr == nil && wellFormed(octets[:len(octets)-len(behind)]) && trailers(behind) >= 0 {
			t.Errorf("%+v, but net/http decodes %q", got, want)
		}
		return
	}
	if wantErr != nil {
		switch wantErr.Error() {
		case "http chunk length too large", // too many zeros before it
			"chunked encoding contains too much non-data", "header line too long":
			return
		case "invalid byte in chunk length":
			if blankBefore.Match(octets) {
				return
			}
		}
		t.Errorf("%+v, but net/http says %v", got, wantErr)
		return
	}
	if got.Content != string(want) || trailers(behind) < 0 || got.Used != len(octets)-len(behind)+trailers(behind) {
		t.Errorf("%+v, but net/http decodes %q, and %q follows", got, want, behind)
	}
}

var (
	chunkLine   = regexp.MustCompile(`^[0-9a-fA-F]+([ \t]*;[\t -~\x80-\xFF]*)?$`)
	blankBefore = regexp.MustCompile(`[0-9a-fA-F][ \t]+;`)
	trailerLine = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\\t -~\\x80-\\xFF]*$")
)

// wellFormed reports whether chunks that net/http has decoded have only lines that are short
// and that RFC 9112 defines. net/http also accepts a blank at the end of a line and a control
// in an extension, and it counts the octets of lines differently.
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

// trailers returns the length of the trailers at the start of b, with the empty line. It
// returns -1 if they are malformed or have no end.
func trailers(b []byte) int {
	for rest := b; ; {
		line, after, found := bytes.Cut(rest, []byte("\r\n"))
		switch {
		case !found || len(line) > 1000:
			return -1
		case len(line) == 0:
			return len(b) - len(after)
		case !trailerLine.MatchString(latin1(line)):
			return -1
		}
		rest = after
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

func TestOracleAgreesWithTheCorpus(t *testing.T) {
	for _, c := range corpus.Read[corpus.Chunked](t, "testdata", "chunked.json") {
		content, n, status := oracle.Chunked([]byte(c.Octets), 1<<20)
		got, want := fmt.Sprintf("%q, %d", content, status), `"", 400`
		switch {
		case c.Error == "ErrTooLarge":
			want = `"", 413`
		case c.Error == "":
			want = fmt.Sprintf("%q, 0", string(*c.Content))
		}
		if got != want || (n == len(c.Octets)) != (status == 0) {
			t.Errorf("%s: %d, %s, want %s", c.Name, n, got, want)
		}
	}
}
