package head_test

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// responseDifferences are differences from [http.ReadResponse].
var responseDifferences = []difference{
	// Refused here.
	{"lines that end in LF", "HTTP/1.1 200 OK\n\n", head.ErrLineEnd, "", "RFC 9112 2.2: a recipient MAY take LF for a line end", ""},
	{"a folded line", ok + "a: b\r\n c\r\n\r\n", head.ErrFold, "", "RFC 9112 5.2: a user agent MUST replace it with blanks; refused because parsers misread such lines", ""},
	{"a space in a name", ok + "Upgrade : a\r\n\r\n", head.ErrFieldName, "", "RFC 9112 5.1: no blank is allowed before the colon; a proxy MUST remove it", ""},
	{"no blank after the status", "HTTP/1.1 101\r\n\r\n", head.ErrStatus, "", "RFC 9112 4: the blank is required even without a phrase", ""},
	{"a status outside the classes", "HTTP/1.1 600 \r\n\r\n", head.ErrStatus, "", "RFC 9110 15: invalid, SHOULD be read as a 5xx", ""},
	{"another major version", "HTTP/2.0 101 a\r\n\r\n", head.ErrMajor, "", "RFC 9112 2.3", ""},
	{"blanks before the status", "HTTP/1.1  200 OK\r\n\r\n", head.ErrStatus, "", "RFC 9112 4: one blank", ""},
	{"a control in the phrase", "HTTP/1.1 200 \x00\r\n\r\n", head.ErrStatus, "", "RFC 9112 4", ""},
	{"the same length twice", ok + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", head.ErrContentLength, "", "RFC 9112 6.3: MAY be read as one", ""},
	{"length and coding", ok + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", head.ErrFraming, "", "RFC 9112 6.3: ought to be an error", ""},
	{"a coding in 1.0", "HTTP/1.0 200 \r\nTransfer-Encoding: chunked\r\n\r\n", head.ErrTransferEncoding, "", "RFC 9112 6.1: MUST be treated as if the framing is faulty", ""},

	// Refused by net/http.
	{"a list of one coding", ok + "Transfer-Encoding: ,chunked,\r\n\r\n", 0, "unsupported transfer encoding", "RFC 9110 5.6.1.2: empty elements are ignored", ""},
	{"an announced trailer that frames", ok + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n", 0, "bad trailer key", "RFC 9110 6.6.2: Trailer only announces fields", ""},
	{"a 101 with two lengths", switching + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 0, "multiple Content-Length", "RFC 9112 6.3: a 101 has no content, whatever its fields say", ""},
	{"a 101 with an empty length", switching + "Content-Length:\r\n\r\n", 0, "invalid empty Content-Length", "RFC 9112 6.3: a 101 has no content, whatever its fields say", ""},
	{"a 101 with two codings", switching + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "too many transfer encodings", "RFC 9112 6.3: a 101 has no content, whatever its fields say", ""},
	{"a 101 with a malformed length", switching + "Content-Length: x\r\n\r\n", 0, "bad Content-Length", "RFC 9112 6.3: a 101 has no content, whatever its fields say", ""},
}

func TestResponseDifferences(t *testing.T) {
	for _, row := range responseDifferences {
		t.Run(row.name, func(t *testing.T) {
			row.check(t, asResponse, func(b *bufio.Reader) error {
				_, err := http.ReadResponse(b, nil)
				return err
			})
		})
	}
}

// checkReadResponse compares what both read from a head. If only one of them refuses it,
// the table must have a row for it.
func checkReadResponse(t *testing.T, input string) {
	t.Helper()
	ours, fault := parseAs(t, new(head.Response), input, unlimited)
	if ours.N == 0 && fault.Reason == 0 {
		return // net/http does not tell a head that is cut off from a malformed one
	}
	reader := bufio.NewReaderSize(strings.NewReader(input), len(input)+16)
	r, err := http.ReadResponse(reader, nil)
	switch {
	case err != nil && fault.Reason != 0:
		return
	case err != nil || fault.Reason != 0:
		explained(t, responseDifferences, input, fault.Reason, err)
		return
	}
	// Where a response has no content, such as a 101, this package does not read the fields
	// that frame content. net/http does: it removes a coding, with the Trailer that belongs
	// to it, and takes equal lengths for one.
	header := asNetHTTP(ours.Fields, len(r.TransferEncoding) > 0)
	if lengths := header["Content-Length"]; len(lengths) > 1 {
		header["Content-Length"] = lengths[:1]
	}
	if r.Close {
		// net/http removes the field if it says close.
		r.Header["Connection"] = header["Connection"]
		if header["Connection"] == nil {
			delete(r.Header, "Connection")
		}
	}
	theirs := result{
		N: len(input) - reader.Buffered(), Status: r.StatusCode, Major: r.ProtoMajor, Minor: r.ProtoMinor,
		Connection: r.Header["Connection"], Upgrade: r.Header["Upgrade"],
		// net/http keeps the coding of a response without content.
		ContentLength: r.ContentLength, Chunked: r.ContentLength != 0 && slices.Equal(r.TransferEncoding, []string{"chunked"}),
	}
	ours.Fields = nil
	diff(t, "head", ours, theirs)
	diff(t, "header", header, r.Header)
}
