package head_test

import (
	"bufio"
	"go/build"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// difference is a head that this package or net/http refuses, but not both.
type difference struct {
	name   string
	head   string
	reason head.Reason // ours; 0 if we accept the head
	theirs string      // a part of the text of their error; empty if they accept the head
	rule   string      // the rule that we follow
	since  string      // the release of Go from which on they refuse it; empty for all releases
}

// check checks the row against our parser and one of their readers.
func (d difference) check(t *testing.T, kind kind, theirs func(*bufio.Reader) error) {
	t.Helper()
	if (d.reason == 0) == (d.theirs == "") || d.rule == "" {
		t.Fatal("want one refusal, and a rule")
	}
	if d.since != "" && !slices.Contains(build.Default.ReleaseTags, d.since) {
		t.Skip("they refuse it from " + d.since + " on")
	}
	res, fault := parseAs(t, kind.zero(), d.head, head.Limits{})
	if fault.Reason != d.reason || d.reason == 0 && res.N != len(d.head) {
		t.Errorf("ours: %d of %d octets, %v", res.N, len(d.head), fault.Reason)
	}
	err := theirs(bufio.NewReader(strings.NewReader(d.head)))
	if refused := err != nil; refused != (d.theirs != "") || refused && !strings.Contains(err.Error(), d.theirs) {
		t.Errorf("theirs: %v", err)
	}
}

// explained stops the test unless a row of the table explains why only one of the two
// refuses the head.
func explained(t *testing.T, table []difference, input string, ours head.Reason, theirs error) {
	t.Helper()
	for _, row := range table {
		if theirs != nil && row.theirs != "" && strings.Contains(theirs.Error(), row.theirs) || ours != 0 && row.reason == ours {
			return
		}
	}
	t.Fatalf("%q: ours %v, theirs %v", input, ours, theirs)
}

// differences are heads that this package or [http.ReadRequest] refuses, but not both.
// That function is only the reader of net/http: its server refuses some more of them,
// such as a missing Host and other versions.
var differences = []difference{
	// Refused here.
	{"lines that end in LF", "GET / HTTP/1.0\n\n", head.ErrLineEnd, "", "RFC 9112 2.2: a recipient MAY take LF for a line end", ""},
	{"a folded line", "GET / HTTP/1.0\r\na: b\r\n c\r\n\r\n", head.ErrFold, "", "RFC 9112 5.2: a server MUST reject it or replace it with blanks", ""},
	{"a space in a name", "GET / HTTP/1.0\r\nUpgrade : a\r\n\r\n", head.ErrFieldName, "", "RFC 9112 5.1: a server MUST reject a space before the colon", ""},
	{"another major version", "GET / HTTP/2.0\r\n\r\n", head.ErrMajor, "", "RFC 9110 15.6.6: 505", ""},
	{"octets outside ASCII in the target", "GET /\xC3\xA4 HTTP/1.0\r\n\r\n", head.ErrTarget, "", "RFC 3986 2: a URI has none", ""},
	{"no Host in 1.1", "GET / HTTP/1.1\r\n\r\n", head.ErrHost, "", "RFC 9112 3.2: MUST be refused", ""},
	{"the same length twice", "GET / HTTP/1.0\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", head.ErrContentLength, "", "RFC 9112 6.3: MAY be read as one", ""},
	{"length and coding", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", head.ErrFraming, "", "RFC 9112 6.1: a server MAY reject it", ""},
	{"a coding in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", head.ErrTransferEncoding, "", "RFC 9112 6.1: MUST be treated as if the framing is faulty", ""},
	{"an unknown expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: b\r\n\r\n", head.ErrExpect, "", "RFC 9110 10.1.1: MAY be answered with 417", ""},

	// Refused by net/http.
	{"an empty line before it", "\r\nGET / HTTP/1.0\r\n\r\n", 0, "malformed HTTP request", "RFC 9112 2.2: SHOULD be ignored; their server does not ignore it", ""},
	{"a list of one coding", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked,\r\n\r\n", 0, "unsupported transfer encoding", "RFC 9110 5.6.1.2: empty elements are ignored", ""},
	{"an announced trailer that frames", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n", 0, "bad trailer key", "RFC 9110 6.6.2: Trailer only announces fields", ""},
	{"a percent sign alone", "GET /100% HTTP/1.0\r\n\r\n", 0, "invalid URL escape", "no rule: browsers send it, and the caller decodes the target", ""},
	{"a host with an octet in hexadecimal", "GET http://%41/ HTTP/1.0\r\n\r\n", 0, "invalid URL escape", "RFC 3986 3.2.2: pct-encoded", ""},
	{"an address of a later version", "GET http://[v1.a]/ HTTP/1.0\r\n\r\n", 0, "invalid host", "RFC 3986 3.2.2: IPvFuture; the parser does not interpret addresses", "go1.25"},
}

func TestDifferences(t *testing.T) {
	for _, row := range differences {
		t.Run(row.name, func(t *testing.T) {
			row.check(t, asRequest, func(b *bufio.Reader) error {
				_, err := http.ReadRequest(b)
				return err
			})
		})
	}
}

// checkReadRequest compares what both read from a head. If only one of them refuses it,
// the table must have a row for it.
func checkReadRequest(t *testing.T, input string) {
	t.Helper()
	ours, fault := parse(t, input, unlimited)
	if ours.N == 0 && fault.Reason == 0 {
		return // net/http does not tell a head that is cut off from a malformed one
	}
	reader := bufio.NewReaderSize(strings.NewReader(input), len(input)+16)
	r, err := http.ReadRequest(reader)
	switch {
	case err != nil && fault.Reason != 0:
	case err != nil || fault.Reason != 0:
		explained(t, differences, input, fault.Reason, err)
	default:
		checkMeaning(t, ours, r, len(input)-reader.Buffered())
	}
}

// asNetHTTP returns the fields of a head as ReadRequest and ReadResponse return them, which
// remove some and add one. chunked says that the content is chunked, in their opinion.
func asNetHTTP(fields [][2]string, chunked bool) http.Header {
	header := make(http.Header)
	for _, field := range fields {
		name := http.CanonicalHeaderKey(field[0])
		header[name] = append(header[name], field[1])
	}
	delete(header, "Transfer-Encoding")
	if chunked {
		delete(header, "Trailer")
	}
	if pragma := header["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && header["Cache-Control"] == nil {
		header["Cache-Control"] = []string{"no-cache"}
	}
	return header
}

// checkMeaning compares what both read from a head that neither refuses. Theirs has n
// octets. checkMeaning undoes the changes that ReadRequest makes to a request.
func checkMeaning(t *testing.T, ours result, r *http.Request, n int) {
	t.Helper()
	header := asNetHTTP(ours.Fields, ours.Chunked)
	delete(header, "Host")
	diff(t, "header", header, r.Header)

	theirs := result{
		N: n, Method: r.Method, Target: r.RequestURI, Major: r.ProtoMajor, Minor: r.ProtoMinor, Host: r.Host,
		Connection: r.Header["Connection"], Upgrade: r.Header["Upgrade"],
		ContentLength: r.ContentLength, Chunked: slices.Equal(r.TransferEncoding, []string{"chunked"}),
		ExpectContinue: r.ProtoMinor > 0 && strings.Trim(strings.Join(r.Header["Expect"], ","), ", \t") != "",
	}
	// ReadRequest takes Host from the target, if that has an authority (RFC 9112,
	// section 3.2.2). Our Host is the field.
	if r.URL.Host != "" {
		if !strings.Contains(ours.Target, r.Host) && !strings.Contains(ours.Target, "%") {
			t.Errorf("their host %q is not from the target %q", r.Host, ours.Target)
		}
		theirs.Host = ours.Host
	}
	ours.Fields = nil
	diff(t, "head", ours, theirs)
}
