package head_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

// ok and switching are status lines. Most cases need one, and few test one.
const (
	ok        = "HTTP/1.1 200 OK\r\n"
	switching = "HTTP/1.1 101 Switching Protocols\r\n"
)

func TestResponseWhole(t *testing.T) {
	tests := []wholeTest{
		{"shortest", "HTTP/1.1 200 \r\n\r\n", result{Status: 200, Minor: 1, ContentLength: -1}},                              // RFC 9112, 4
		{"1.0", "HTTP/1.0 200 OK\r\n\r\n", result{Status: 200, ContentLength: -1}},                                           // RFC 9112, 2.3
		{"later minor version", "HTTP/1.9 200 OK\r\n\r\n", result{Status: 200, Minor: 9, ContentLength: -1}},                 // RFC 9110, 2.5
		{"phrase of any text", "HTTP/1.1 200 \t \x80\xFF (a)\"\t\r\n\r\n", result{Status: 200, Minor: 1, ContentLength: -1}}, // RFC 9112, 4
		{"phrase of one blank", "HTTP/1.1 200  \r\n\r\n", result{Status: 200, Minor: 1, ContentLength: -1}},
		{"lowest status", "HTTP/1.1 100 \r\n\r\n", result{Status: 100, Minor: 1}},                     // RFC 9110, 15
		{"highest status", "HTTP/1.1 599 \r\n\r\n", result{Status: 599, Minor: 1, ContentLength: -1}}, // RFC 9110, 15
		{
			"switch", switching + "connection: a\r\nUPGRADE: b\r\nConnection: upgrade\r\nupgrade:\tc/1 \r\n\r\n", // RFC 9110, 7.8
			result{Status: 101, Minor: 1, Connection: []string{"a", "upgrade"}, Upgrade: []string{"b", "c/1"}},
		},
		{"switch by 1.0", "HTTP/1.0 101 a\r\nUpgrade: b\r\n\r\n", result{Status: 101, Upgrade: []string{"b"}}}, // the caller refuses it: RFC 9110, 7.8

		// Where the content ends: RFC 9112, 6.3.
		{"length", ok + "Content-Length: 4\r\n\r\n", result{Status: 200, Minor: 1, ContentLength: 4}},
		{"length of zero", ok + "Content-Length: 0\r\n\r\n", result{Status: 200, Minor: 1}},
		{"length in 1.0", "HTTP/1.0 200 \r\nContent-Length: 4\r\n\r\n", result{Status: 200, ContentLength: 4}},
		{"chunked", ok + "Transfer-Encoding: , Chunked\r\n\r\n", result{Status: 200, Minor: 1, ContentLength: -1, Chunked: true}},
		{"neither", ok + "\r\n", result{Status: 200, Minor: 1, ContentLength: -1}},
		{"neither, 205", "HTTP/1.1 205 \r\n\r\n", result{Status: 205, Minor: 1, ContentLength: -1}},
		{"204", "HTTP/1.1 204 \r\n\r\n", result{Status: 204, Minor: 1}},
		{"204 with a length", "HTTP/1.1 204 \r\nContent-Length: 4\r\n\r\n", result{Status: 204, Minor: 1}},
		{"204 chunked", "HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n", result{Status: 204, Minor: 1}},
		{"304 with the length of a 200", "HTTP/1.1 304 \r\nContent-Length: 4\r\n\r\n", result{Status: 304, Minor: 1}},
		{"103 with a length", "HTTP/1.1 103 \r\nContent-Length: 4\r\n\r\n", result{Status: 103, Minor: 1}},
		{"199", "HTTP/1.1 199 \r\n\r\n", result{Status: 199, Minor: 1}},
		{"101 with a length", switching + "Content-Length: 4\r\n\r\n", result{Status: 101, Minor: 1}},
		{"101 chunked", switching + "Transfer-Encoding: chunked\r\n\r\n", result{Status: 101, Minor: 1}},
		{
			"101 with malformed fields", switching + "Content-Length: 4\r\nContent-Length: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding:\r\n\r\n",
			result{Status: 101, Minor: 1},
		},
		{"101 by 1.0, chunked", "HTTP/1.0 101 \r\nTransfer-Encoding: chunked\r\n\r\n", result{Status: 101}},

		// Fields that only a request has.
		{"Host and Expect mean nothing", ok + "Host: a b\r\nHost: c\r\nExpect: d\r\n\r\n", result{Status: 200, Minor: 1, ContentLength: -1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asResponse) })
	}
}

// The heads that are refused. The mark is at the fault, and each head ends where the fault
// becomes certain.
func TestResponseRefused(t *testing.T) {
	tests := []refusedTest{
		{"empty line before it", "§\r\n", head.ErrVersion, "RFC 9112 2.2 lets only a server ignore it"},
		{"empty line of LF before it", "§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"blank before it", "§ HTTP/1.1 200 OK\r\n", head.ErrVersion, "RFC 9112 4"},
		{"TLS", "§\x15", head.ErrVersion, "RFC 9112 4"},
		{"request", "§GET / HTTP/1.1\r\n", head.ErrVersion, "RFC 9112 4"},
		{"other protocol", "§ICY 200 OK\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"name in lower case", "§http/1.1 200 OK\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"no minor version", "HTTP/1§ 101 a\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"minor version of two digits", "HTTP/1.1§1 200 OK\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"version alone", "HTTP/1.1§\r\n", head.ErrVersion, "RFC 9112 4"},
		{"tab after the version", "HTTP/1.1§\t200 OK\r\n", head.ErrVersion, "RFC 9112 4"},
		{"HTTP/2.0", "HTTP/§2.0 101 a\r\n", head.ErrMajor, "RFC 9112 2.3"},
		{"HTTP/0.9", "HTTP/§0.9 200 OK\r\n", head.ErrMajor, "RFC 9112 2.3"},
		{"bare LF after the version", "HTTP/1.1§\n", head.ErrLineEnd, "RFC 9112 2.2"},

		{"no status", "HTTP/1.1 §\r\n", head.ErrStatus, "RFC 9112 4"},
		{"two blanks before the status", "HTTP/1.1 § 101 a\r\n", head.ErrStatus, "RFC 9112 4"},
		{"status of two digits", "HTTP/1.1 20§ OK\r\n", head.ErrStatus, "RFC 9112 4"},
		{"status of four digits", "HTTP/1.1 101§0 a\r\n", head.ErrStatus, "RFC 9112 4"},
		{"status with a letter", "HTTP/1.1 10§l a\r\n", head.ErrStatus, "RFC 9112 4"},
		{"status with a sign", "HTTP/1.1 §+101 a\r\n", head.ErrStatus, "RFC 9112 4"},
		{"status below 100", "HTTP/1.1 §099 a\r\n", head.ErrStatus, "RFC 9110 15"},
		{"status of zeros", "HTTP/1.1 §000 a\r\n", head.ErrStatus, "RFC 9110 15"},
		{"status from 600", "HTTP/1.1 §600 a\r\n", head.ErrStatus, "RFC 9110 15"},
		{"status of nines", "HTTP/1.1 §999 a\r\n", head.ErrStatus, "RFC 9110 15"},
		{"no blank after the status", "HTTP/1.1 101§\r\n", head.ErrStatus, "RFC 9112 4"},
		{"phrase right after the status", "HTTP/1.1 101§OK\r\n", head.ErrStatus, "RFC 9112 4"},
		{"tab after the status", "HTTP/1.1 101§\tOK\r\n", head.ErrStatus, "RFC 9112 4"},
		{"bare LF after the status", "HTTP/1.1 101§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"bare CR after the status", "HTTP/1.1 101§\ra", head.ErrLineEnd, "RFC 9112 2.2"},
		{"NUL in the phrase", "HTTP/1.1 101 a§\x00", head.ErrStatus, "RFC 9112 4"},
		{"DEL in the phrase", "HTTP/1.1 101 §\x7F", head.ErrStatus, "RFC 9112 4"},
		{"bare LF after the phrase", "HTTP/1.1 101 a§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"bare CR in the phrase", "HTTP/1.1 101 a§\rb", head.ErrLineEnd, "RFC 9112 2.2"},

		{"folded line", switching + "Connection:\r\n§ Upgrade\r\n", head.ErrFold, "RFC 9112 5.2"},
		{"space before the colon", switching + "Upgrade§ : foo\r\n", head.ErrFieldName, "RFC 9112 5.1"},
		{"control in a value", switching + "Upgrade: foo§\x00", head.ErrFieldValue, "RFC 9110 5.5"},
		{"bare LF after a field", switching + "Upgrade: foo§\n", head.ErrLineEnd, "RFC 9112 2.2"},

		{"length and coding", ok + "Content-Length: 4\r\nTransfer-Encoding: §chunked\r\n", head.ErrFraming, "RFC 9112 6.3: ought to be an error"},
		{"coding and length", ok + "Transfer-Encoding: chunked\r\nContent-Length: §4\r\n", head.ErrFraming, "RFC 9112 6.3: ought to be an error"},
		{"malformed length", ok + "Content-Length: §-1\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"the same length twice", ok + "Content-Length: 4\r\nContent-Length: §4\r\n", head.ErrContentLength, "RFC 9112 6.3: MAY be read as one"},
		{"another coding", ok + "Transfer-Encoding: §gzip\r\n", head.ErrCoding, "RFC 9112 6.3 reads it until the connection closes"},
		{"another coding before chunked", ok + "Transfer-Encoding: §gzip, chunked\r\n", head.ErrCoding, "RFC 9112 6.1"},
		{"another coding after chunked", ok + "Transfer-Encoding: chunked, §gzip\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"coding in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: §chunked\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"204 with a malformed length", "HTTP/1.1 204 \r\nContent-Length: 4§, 4\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"304 with length and coding", "HTTP/1.1 304 \r\nContent-Length: 4\r\nTransfer-Encoding: §chunked\r\n", head.ErrFraming, "RFC 9112 6.3"},
		{"100 with two lengths", "HTTP/1.1 100 \r\nContent-Length: 4\r\nContent-Length: §5\r\n", head.ErrContentLength, "RFC 9112 6.3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asResponse) })
	}
}

// Every status code of three digits: those outside 100 to 599 are refused.
func TestStatus(t *testing.T) {
	for code := range 1000 {
		text := strconv.Itoa(code)
		text = strings.Repeat("0", 3-len(text)) + text
		res, fault := parseAs(t, new(head.Response), "HTTP/1.1 "+text+" \r\n\r\n", head.Limits{})
		if valid := 100 <= code && code <= 599; valid != (fault.Reason == 0) || valid && res.Status != code {
			t.Errorf("%s: %d, %v", text, res.Status, fault.Reason)
		}
	}
}

func TestResponseLimits(t *testing.T) {
	tests := []limitTest{
		{"octets at the limit", head.Limits{Bytes: 19}, ok + "\r\n", 0},
		{"octets beyond the limit", head.Limits{Bytes: 19}, ok + "b:§\r\n", head.ErrSize},
		{"status line beyond the limit", head.Limits{Bytes: 10}, "HTTP/1.1 1§", head.ErrSize},
		{"one octet", head.Limits{Bytes: 1}, "H§TTP", head.ErrSize},
		{"fields at the limit", head.Limits{Fields: 1}, ok + "a:\r\n\r\n", 0},
		{"fields beyond the limit", head.Limits{Fields: 1}, ok + "a:\r\n§b:\r\n", head.ErrFields},
		{"no target", head.Limits{Target: 1}, ok + "\r\n", 0},
		{"defaults: octets beyond", head.Limits{}, ok + "a:" + strings.Repeat("b", 64<<10-len(ok)-2) + "§b", head.ErrSize},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asResponse) })
	}
}

// The server may send 100 or 103 before it switches, in any pieces, and octets of the new
// protocol right after.
func TestInterimResponses(t *testing.T) {
	const (
		before = "HTTP/1.1 100 C\r\n\r\n" + "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
		last   = switching + "Connection: Upgrade\r\nUpgrade: foo\r\n\r\n"
	)
	for size := range len(before + last) {
		var (
			r        head.Response
			statuses []int
			rest     = before + last + "EARLY"
			buf      []byte
		)
		for r.Status != 101 {
			n, err := r.Parse(buf, head.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				statuses = append(statuses, r.Status)
				buf = buf[n:]
				continue
			}
			m := min(size+1, len(rest))
			buf, rest = append(buf, rest[:m]...), rest[m:]
		}
		diff(t, "statuses", []int{100, 103, 101}, statuses)
		diff(t, "Upgrade", []string{"foo"}, texts(r.Upgrade))
		diff(t, "what follows", "EARLY", string(buf)+rest)
	}
}
