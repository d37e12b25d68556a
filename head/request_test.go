package head_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/head"
)

func TestWhole(t *testing.T) {
	tests := []wholeTest{
		{
			"shortest of 1.1", get + "\r\n", // RFC 9112, 3
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"shortest of 1.0", "GET / HTTP/1.0\r\n\r\n", // RFC 9112, 3.2
			result{Method: "GET", Target: "/"},
		},
		{
			"later minor version", "GET / HTTP/1.9\r\nHost:a\r\n\r\n", // RFC 9110, 2.5
			result{Method: "GET", Target: "/", Minor: 9, Host: "a"},
		},
		{
			"an empty line before it", "\r\n" + get + "\r\n", // RFC 9112, 2.2
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"method of any token", "a!#$%&'*+-.^_`|~0 / HTTP/1.0\r\n\r\n", // RFC 9110, 9.1
			result{Method: "a!#$%&'*+-.^_`|~0", Target: "/"},
		},
		{
			"origin-form with query", "GET /a/b%20c;d=1?e=f&g[]={h}|i\\j^k`l HTTP/1.0\r\n\r\n", // RFC 9112, 3.2.1
			result{Method: "GET", Target: "/a/b%20c;d=1?e=f&g[]={h}|i\\j^k`l"},
		},
		{
			"absolute-form", "GET http://[::1]:8080/a?b HTTP/1.1\r\nHost: c\r\n\r\n", // RFC 9112, 3.2.2
			result{Method: "GET", Target: "http://[::1]:8080/a?b", Minor: 1, Host: "c"},
		},
		{
			"absolute-form of another scheme", "GET x-y+z.1:a HTTP/1.0\r\n\r\n", // RFC 3986, 4.3
			result{Method: "GET", Target: "x-y+z.1:a"},
		},
		{
			"authority-form", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", // RFC 9112, 3.2.3
			result{Method: "CONNECT", Target: "a.example:443", Minor: 1, Host: "a.example:443"},
		},
		{
			"asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", // RFC 9112, 3.2.4
			result{Method: "OPTIONS", Target: "*", Minor: 1, Host: "a"},
		},
		{
			"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", // RFC 9110, 7.2; docker
			result{Method: "GET", Target: "/", Minor: 1},
		},
		{
			"names in any case", "GET / HTTP/1.1\r\nHOST: a\r\nuPGRADE: b\r\nconnection: upgrade\r\n\r\n", // RFC 9110, 5.1
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", Connection: []string{"upgrade"}, Upgrade: []string{"b"}},
		},
		{
			"lines of one field", get + "Connection: a\r\nUpgrade: h2c\r\nconnection:\tb\t\r\nUpgrade:\r\n\r\n", // RFC 9110, 5.3
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", Connection: []string{"a", "b"}, Upgrade: []string{"h2c", ""}},
		},
		{
			"blanks round values", "GET / HTTP/1.1\r\nHost: \t a \t \r\nUpgrade:b\t c\t\r\nConnection: \t \r\n\r\n", // RFC 9112, 5
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", Connection: []string{""}, Upgrade: []string{"b\t c"}},
		},
		{
			"octets outside ASCII in a value", get + "Upgrade: \x80\xFF\u212A\r\n\r\n", // RFC 9110, 5.5
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", Upgrade: []string{"\x80\xFF\u212A"}},
		},
		{
			"names that begin like the ones noted", get + "Hosts: b\r\nUpgrade-Insecure-Requests: 1\r\nContent-Lengtn: x\r\n\r\n",
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"names as long as the ones noted", "GET / HTTP/1.1\r\nEtag: a b\r\nHost: a\r\nCook: /\r\n" +
				"Cookie: x\r\nETags1: x\r\nUpgrate: x\r\nCookies: x\r\nCollection: x\r\nContent-Digest: x\r\nTransfer-Encodinh: x\r\n\r\n",
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"length", get + "Content-Length: 29\r\n\r\n", // RFC 9112, 6.2
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ContentLength: 29},
		},
		{
			"length of zero", get + "Content-Length: 0\r\n\r\n",
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"largest length, with zeros", get + "content-length: 0009223372036854775807 \r\n\r\n",
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ContentLength: 1<<63 - 1},
		},
		{
			"length in 1.0", "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\n",
			result{Method: "POST", Target: "/", ContentLength: 1},
		},
		{
			"chunked", get + "Transfer-Encoding: chunked\r\n\r\n", // RFC 9112, 7.1
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ContentLength: -1, Chunked: true},
		},
		{
			"chunked between empty elements", get + "Transfer-Encoding: ,, Chunked\t, ,\r\n\r\n", // RFC 9110, 5.6.1.2
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ContentLength: -1, Chunked: true},
		},
		{
			"expectation", get + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", // RFC 9110, 10.1.1
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ContentLength: 1, ExpectContinue: true},
		},
		{
			"expectation between empty elements", get + "Expect: , 100-CONTINUE\t,, \r\n\r\n", // RFC 9110, 5.6.1.2
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ExpectContinue: true},
		},
		{
			"expectation repeated, on two lines", get + "Expect: 100-continue,100-continue\r\nExpect: 100-continue\r\n\r\n", // RFC 9110, 5.3
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ExpectContinue: true},
		},
		{
			"empty expectation before another", get + "Expect:\r\nExpect: 100-continue\r\n\r\n", // RFC 9110, 5.3
			result{Method: "GET", Target: "/", Minor: 1, Host: "a", ExpectContinue: true},
		},
		{
			"empty expectation", get + "Expect:\r\n\r\n", // RFC 9110, 10.1.1
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"expectation of empty elements", get + "Expect: ,\t, \r\n\r\n", // RFC 9110, 5.6.1.2
			result{Method: "GET", Target: "/", Minor: 1, Host: "a"},
		},
		{
			"expectation in 1.0", "GET / HTTP/1.0\r\nExpect: 100-continue\r\nExpect: more\r\n\r\n", // RFC 9110, 10.1.1
			result{Method: "GET", Target: "/"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asRequest) })
	}
}

// The heads that are refused. The mark is at the fault, and each head ends where the fault
// becomes certain.
func TestRefused(t *testing.T) {
	tests := []refusedTest{
		{"second empty line before it", "\r\n§\r\n", head.ErrMethod, "RFC 9112 2.2"},
		{"empty line of LF before it", "§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"blank before it", "§ GET / HTTP/1.1\r\n", head.ErrMethod, "RFC 9112 3"},
		{"TLS", "§\x16", head.ErrMethod, "RFC 9112 3"},
		{"method alone", "GET§\r\n", head.ErrMethod, "RFC 9112 3"},
		{"method with a control", "G§\x00", head.ErrMethod, "RFC 9112 3"},
		{"method with a bare CR", "G§\rE", head.ErrLineEnd, "RFC 9112 2.2"},
		{"method is no token", "G§@T / HTTP/1.1\r\n", head.ErrMethod, "RFC 9110 9.1"},
		{"tab after the method", "GET§\t/ HTTP/1.1\r\n", head.ErrMethod, "RFC 9112 3"},
		{"two spaces after the method", "GET § / HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3"},
		{"no target", "GET §\r\n", head.ErrTarget, "RFC 9112 3"},
		{"HTTP/0.9", "GET /§\r\n", head.ErrVersion, "RFC 9112 3"},
		{"line ends in LF after the target", "GET /§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"tab after the target", "GET /§\tHTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3"},
		{"two spaces after the target", "GET / § HTTP/1.1\r\n", head.ErrVersion, "RFC 9112 3"},
		{"space in the target", "GET /a §b HTTP/1.1\r\n", head.ErrVersion, "RFC 9112 3.2"},
		{"fragment", "GET /a§#b HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2"},
		{"quote in the target", "GET /§\" HTTP/1.1\r\n", head.ErrTarget, "RFC 3986 2"},
		{"octet outside ASCII in the target", "GET /§\xE4 HTTP/1.1\r\n", head.ErrTarget, "RFC 3986 2"},
		{"target without slash", "GET §a HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2"},
		{"query alone", "GET §?a HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2.1"},
		{"scheme that begins with a digit", "GET §1a:b HTTP/1.1\r\n", head.ErrTarget, "RFC 3986 3.1"},
		{"no scheme", "GET §:a HTTP/1.1\r\n", head.ErrTarget, "RFC 3986 3.1"},
		{"http without authority", "GET §http:/a HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 4.2.1"},
		{"http without host", "GET §http:///a HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 4.2.1"},
		{"https with a port alone", "GET §HTTPS://:443/a HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 4.2.2"},
		{"http with user information", "GET §http://a@b/ HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 4.2.4"},
		{"http with a malformed port", "GET §http://a:b/ HTTP/1.1\r\n", head.ErrTarget, "RFC 3986 3.2.3"},
		{"ws with user information", "GET §ws://u:p@h/ HTTP/1.1\r\n", head.ErrTarget, "RFC 6455 3"},
		{"ws without authority", "GET §ws:/ws HTTP/1.1\r\n", head.ErrTarget, "RFC 6455 3"},
		{"asterisk without OPTIONS", "GET §* HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2.4"},
		{"asterisk and more", "OPTIONS §*a HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2.4"},
		{"authority without CONNECT", "GET §a.example HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2.3"},
		{"CONNECT to a path", "CONNECT §/ HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2.3"},
		{"CONNECT to a URI", "CONNECT §http://a:1/ HTTP/1.1\r\n", head.ErrTarget, "RFC 9112 3.2.3"},
		{"CONNECT without port", "CONNECT §a HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 9.3.6"},
		{"CONNECT with an empty port", "CONNECT §a: HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 9.3.6"},
		{"CONNECT to port zero", "CONNECT §a:0 HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 9.3.6"},
		{"CONNECT to a port too large", "CONNECT §a:65536 HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 9.3.6"},
		{"CONNECT to a port far too large", "CONNECT §a:99999999999999999999 HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 9.3.6"},
		{"CONNECT without host", "CONNECT §:1 HTTP/1.1\r\n", head.ErrTarget, "RFC 9110 9.3.6"},

		{"lower case version", "GET / §http/1.1\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"another protocol", "GET / HTTP§S/1.1\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"version without minor", "GET / HTTP/1§\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"minor version of two digits", "GET / HTTP/1.1§0\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"major version of two digits", "GET / HTTP/1§1.1\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"minor version is no digit", "GET / HTTP/1.§x\r\n", head.ErrVersion, "RFC 9112 2.3"},
		{"blank after the version", "GET / HTTP/1.1§ \r\n", head.ErrVersion, "RFC 9112 3"},
		{"version and LF", "GET / HTTP/1.1§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"version and CR", "GET / HTTP/1.1§\rH", head.ErrLineEnd, "RFC 9112 2.2"},
		{"version and two CR", "GET / HTTP/1.1§\r\r", head.ErrLineEnd, "RFC 9112 2.2"},
		{"version 2", "PRI * HTTP/§2.0\r\n", head.ErrMajor, "RFC 9110 15.6.6"},
		{"version 0.9", "GET / HTTP/§0.9\r\n", head.ErrMajor, "RFC 9110 15.6.6"},

		{"blank before the first name", "GET / HTTP/1.1\r\n§ Host: a\r\n", head.ErrFold, "RFC 9112 2.2"},
		{"folded by a space", get + "Upgrade:\r\n§ websocket\r\n", head.ErrFold, "RFC 9112 5.2"},
		{"folded by a tab", get + "Upgrade: a\r\n§\tb\r\n", head.ErrFold, "RFC 9112 5.2"},
		{"line of blanks", get + "§  \r\n", head.ErrFold, "RFC 9112 5.2"},
		{"no name", get + "§: a\r\n", head.ErrFieldName, "RFC 9110 5.1"},
		{"space before the colon", get + "Upgrade§ : websocket\r\n", head.ErrFieldName, "RFC 9112 5.1"},
		{"tab before the colon", get + "Upgrade§\t: websocket\r\n", head.ErrFieldName, "RFC 9112 5.1"},
		{"no colon", get + "Upgrade§\r\n", head.ErrFieldName, "RFC 9112 5"},
		{"name is no token", get + "Upgr§@de: a\r\n", head.ErrFieldName, "RFC 9110 5.1"},
		{"octet outside ASCII in a name", get + "Upgrade§\u212A: a\r\n", head.ErrFieldName, "RFC 9110 5.1"},
		{"bare CR in a name", get + "Upgrade§\r:", head.ErrLineEnd, "RFC 9112 2.2"},
		{"bare LF in a name", get + "Upgrade§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"bare CR in a value", get + "Upgrade: a§\rb", head.ErrLineEnd, "RFC 9112 2.2"},
		{"bare CR before a value", get + "Upgrade:§\r ", head.ErrLineEnd, "RFC 9112 2.2"},
		{"bare LF in a value", get + "Upgrade: a§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"two CR", get + "Upgrade: a§\r\r", head.ErrLineEnd, "RFC 9112 2.2"},
		{"NUL in a value", get + "Upgrade: a§\x00", head.ErrFieldValue, "RFC 9110 5.5"},
		{"vertical tab at the end of a value", get + "Connection: Upgrade§\x0B", head.ErrFieldValue, "RFC 9110 5.5"},
		{"DEL in a value", get + "Upgrade:§\x7F", head.ErrFieldValue, "RFC 9110 5.5"},
		{"empty line of LF", get + "§\n", head.ErrLineEnd, "RFC 9112 2.2"},
		{"empty line of CR", get + "§\r\r", head.ErrLineEnd, "RFC 9112 2.2"},

		{"no Host in 1.1", "GET / HTTP/1.1\r\nHosts: a\r\n§\r\n", head.ErrHost, "RFC 9112 3.2"},
		{"no field in 1.1", "GET / HTTP/1.1\r\n§\r\n", head.ErrHost, "RFC 9112 3.2"},
		{"two Host", get + "host: §b\r\n", head.ErrHost, "RFC 9112 3.2"},
		{"the same Host twice in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: §a\r\n", head.ErrHost, "RFC 9112 3.2"},
		{"two empty Host", "GET / HTTP/1.1\r\nHost:\r\nHost:§\r\n", head.ErrHost, "RFC 9112 3.2"},
		{"invalid Host in 1.0", "GET / HTTP/1.0\r\nHost: a§/b\r\n", head.ErrHost, "RFC 9112 3.2"},

		{"length with a sign", get + "Content-Length: §+1\r\n", head.ErrContentLength, "RFC 9112 6.2"},
		{"negative length", get + "Content-Length: §-1\r\n", head.ErrContentLength, "RFC 9112 6.2"},
		{"empty length", get + "Content-Length:§\r\n", head.ErrContentLength, "RFC 9112 6.2"},
		{"length with a blank", get + "Content-Length: 1§ 2\r\n", head.ErrContentLength, "RFC 9112 6.2"},
		{"list of lengths", get + "Content-Length: 5§, 5\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"hexadecimal length", get + "Content-Length: 0§x1\r\n", head.ErrContentLength, "RFC 9112 6.2"},
		{"length of 64 bits", get + "Content-Length: 922337203685477580§8\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"length far too large", get + "Content-Length: 999999999999999999§999999\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"two lengths", get + "Content-Length: 1\r\ncontent-length: §2\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"the same length twice", get + "Content-Length: 1\r\nContent-Length: §1\r\n", head.ErrContentLength, "RFC 9112 6.3"},
		{"length and coding", get + "Content-Length: 1\r\nTransfer-Encoding: §chunked\r\n", head.ErrFraming, "RFC 9112 6.1"},
		{"coding and length", get + "Transfer-Encoding: chunked\r\nContent-Length: §0\r\n", head.ErrFraming, "RFC 9112 6.1"},

		{"coding in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: §chunked\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"empty coding", get + "Transfer-Encoding:§\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"commas for a coding", get + "Transfer-Encoding: , ,§\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"chunked twice", get + "Transfer-Encoding: chunked, §chunked\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"chunked on two lines", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: §chunked\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"chunked and an empty line", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding:§\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"chunked is not the last", get + "Transfer-Encoding: chunked, §gzip\r\n", head.ErrTransferEncoding, "RFC 9112 6.3"},
		{"chunked with a parameter", get + "Transfer-Encoding: chunked§;a=b\r\n", head.ErrTransferEncoding, "RFC 9112 7.1"},
		{"chunked in quotes", get + "Transfer-Encoding: §\"chunked\"\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"two words", get + "Transfer-Encoding: chunked §chunked\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"two other words", get + "Transfer-Encoding: x §chunked\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},
		{"unknown coding", get + "Transfer-Encoding: §gzip\r\n", head.ErrCoding, "RFC 9112 6.1"},
		{"unknown coding before chunked", get + "Transfer-Encoding: §gzip, chunked\r\n", head.ErrCoding, "RFC 9112 6.1"},
		{"unknown coding with a parameter", get + "Transfer-Encoding: , §gzip ;a=b, chunked\r\n", head.ErrCoding, "RFC 9112 6.1"},
		{"identity", get + "Transfer-Encoding: §identity\r\n", head.ErrCoding, "RFC 9112 7"},
		{"coding that begins like chunked", get + "Transfer-Encoding: §chunked1\r\n", head.ErrCoding, "RFC 9112 6.1"},
		{"coding with a look-alike", get + "Transfer-Encoding: chun§\u212Aed\r\n", head.ErrTransferEncoding, "RFC 9112 6.1"},

		{"other expectation", get + "Expect: §200-ok\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"expectation and another", get + "Expect: 100-continue,\t§200-ok, 100-continue\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"other expectation on the second line", get + "Expect: 100-continue\r\nexpect: , §a\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"expectation with an argument", get + "Expect: §a=b;c=d\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"expectation with a comma in quotes", get + "Expect: §a=\", 100-continue\"\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"100-continue with an argument", get + "Expect: §100-continue=a\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"100-continue with a parameter", get + "Expect: §100-continue;a=b\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"100-continue twice without a comma", get + "Expect: §100-continue 100-continue\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"expectation that begins like 100-continue", get + "Expect: §100-continued\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"expectation that is no token", get + "Expect: §\"100-continue\"\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
		{"100-continue with a look-alike", get + "Expect: §100-cont\u0131nue\r\n", head.ErrExpect, "RFC 9110 10.1.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asRequest) })
	}
}

// Well-formed hosts, and malformed ones with the mark at the fault (RFC 3986, 3.2.2).
func TestHost(t *testing.T) {
	for _, host := range []string{
		"", "a", "a.example", "a.example.", "A-b_c~d", "127.0.0.1", "127.0.0.1:80", "a:", "a:0123456789", ":80",
		"[::1]", "[::1]:80", "[2001:DB8::1.2.3.4]", "[v1.a:b]", "[vFF.!]:1", "%41%7e", "!$&'()*+,;=", "xn--a",
	} {
		res, fault := parse(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n", head.Limits{})
		if fault.Reason != 0 || res.Host != host {
			t.Errorf("%q: %v, got %q", host, fault.Reason, res.Host)
		}
	}
	for _, host := range []string{
		"a§ b", "a§/", "a§@b", "§/", "§?", "§#", "§\"a\"", "a§\\", "a:§b", "a:80§:80", "a:8§ 0", "a:§-1", ":§:1", "a§|b", "§\xC3\xA4", "a§\x80",
		"[§]", "[§", "[::1§", "[::1§%25eth0]", "[::1§ ]", "[::1]§a", "[::1]:§a", "[§x]", "[a§[", "[v§.a]", "[v1§]", "[v1.§]", "[v1.a§", "[v1§:a]", "[v1.a]§b", "§]",
		"%§", "%4§", "%4§g", "%§g4", "a%4§:1",
	} {
		text, at := marked(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n")
		want := fault{at, head.ErrHost}
		if _, got := parse(t, text, head.Limits{}); got != want {
			t.Errorf("%q: got %v at %d, want %v at %d", host, got.Reason, got.Offset, want.Reason, want.Offset)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []limitTest{
		{"target at the limit", head.Limits{Target: 4}, "GET /abc HTTP/1.0\r\n\r\n", 0},
		{"target beyond the limit", head.Limits{Target: 4}, "GET /abc§d HTTP/1.0\r\n", head.ErrTargetSize},
		{"target far beyond the limit", head.Limits{Target: 4}, "GET /abc§defghijklmn HTTP/1.0\r\n", head.ErrTargetSize},
		{"fault in the target before the limit", head.Limits{Target: 4}, "GET /a§\"cdefghijkl HTTP/1.0\r\n", head.ErrTarget},
		{"fault in the target beyond the limit", head.Limits{Target: 4}, "GET /abc§d\"fghijkl HTTP/1.0\r\n", head.ErrTargetSize},
		{"target that does not end", head.Limits{Bytes: 20}, "GET /567890123456789§", head.ErrTargetSize},
		{"method that does not end", head.Limits{Bytes: 20}, "01234567890123456789§", head.ErrTargetSize},
		{"fields at the limit", head.Limits{Fields: 2}, get + "b:\r\n\r\n", 0},
		{"fields beyond the limit", head.Limits{Fields: 2}, get + "b:\r\n§c:\r\n", head.ErrFields},
		{"octets at the limit", head.Limits{Bytes: 27}, get + "\r\n", 0},
		{"octets beyond the limit", head.Limits{Bytes: 27}, get + "b:§\r\n\r\n", head.ErrSize},
		{"empty line at the limit", head.Limits{Bytes: 26}, get + "\r§\n", head.ErrSize},
		{"value beyond the limit", head.Limits{Bytes: 30}, get + "b:cde§ghi", head.ErrSize},
		{"fault beyond the limit", head.Limits{Bytes: 30}, get + "b:cde§\x00", head.ErrSize},
		{"fault before the limit", head.Limits{Bytes: 30}, get + "b:cd§\x00f", head.ErrFieldValue},
		{"empty line before the head counts", head.Limits{Bytes: 27}, "\r\n" + get + "§\r\n", head.ErrSize},
		{"defaults: target", head.Limits{}, "GET /" + strings.Repeat("a", 8<<10-1) + " HTTP/1.0\r\n\r\n", 0},
		{"defaults: target beyond", head.Limits{}, "GET /" + strings.Repeat("a", 8<<10-1) + "§a HTTP/1.0\r\n", head.ErrTargetSize},
		{"defaults: fields", head.Limits{}, get + strings.Repeat("a:\r\n", 99) + "\r\n", 0},
		{"defaults: fields beyond", head.Limits{}, get + strings.Repeat("a:\r\n", 99) + "§a:\r\n", head.ErrFields},
		{"defaults: octets", head.Limits{}, get + "a:" + strings.Repeat("b", 64<<10-31) + "\r\n\r\n", 0},
		{"defaults: octets beyond", head.Limits{}, get + "a:" + strings.Repeat("b", 64<<10-30) + "\r\n\r§\n", head.ErrSize},
		{"less than zero is the default", head.Limits{Bytes: -1, Fields: -1, Target: -1}, get + "\r\n", 0},
		{"one octet", head.Limits{Bytes: 1}, "G§ET", head.ErrTargetSize},
		{"one octet of an empty line", head.Limits{Bytes: 1}, "\r§\n", head.ErrTargetSize},
		{"one field", head.Limits{Fields: 1}, get + "\r\n", 0},
		{"one field, and another", head.Limits{Fields: 1}, get + "§b:\r\n", head.ErrFields},
		{"one octet of a target", head.Limits{Target: 1}, get + "\r\n", 0},
		{"one octet of a target, and another", head.Limits{Target: 1}, "GET /§a HTTP/1.1\r\n", head.ErrTargetSize},
		{"no limit on the target", head.Limits{Target: head.NoLimit}, "GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.0\r\n\r\n", 0},
		{"no limit on fields", head.Limits{Fields: head.NoLimit}, get + strings.Repeat("a:\r\n", 1000) + "\r\n", 0},
		{"no limit on octets", head.Limits{Bytes: head.NoLimit}, get + "a:" + strings.Repeat("b", 128<<10) + "\r\n\r\n", 0},
		{"no limit on octets leaves the others", head.Limits{Bytes: head.NoLimit}, get + strings.Repeat("a:\r\n", 99) + "§a:\r\n", head.ErrFields},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, asRequest) })
	}
}

func TestFields(t *testing.T) {
	res, _ := parse(t, "GET / HTTP/1.1\r\nhOST:a\r\nEmpty:\r\nx:  b \t c\t\r\nX:d\r\nxx:e\r\n\r\n", head.Limits{})
	diff(t, "fields", [][2]string{{"hOST", "a"}, {"Empty", ""}, {"x", "b \t c"}, {"X", "d"}, {"xx", "e"}}, res.Fields)

	var r head.Request
	if _, err := r.Parse([]byte(get+"x: 1\r\nX:2\r\nxx:3\r\n\r\n"), head.Limits{}); err != nil {
		t.Fatal(err)
	}
	diff(t, "x", []string{"0", "1", "2"}, texts(r.Lines([][]byte{[]byte("0")}, "X")))
	diff(t, "xx", []string{"3"}, texts(r.Lines(nil, "xX")))
	diff(t, "none", []string(nil), texts(r.Lines(nil, "y")))
	diff(t, "empty name", []string(nil), texts(r.Lines(nil, "")))
	// In some charsets these are one letter in two cases. In ASCII they are two octets.
	if _, err := r.Parse([]byte(get+"`: 1\r\n^: 2\r\n|: 3\r\n~: 4\r\n\r\n"), head.Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"@", "\x00", "{", "}", "[", "\\", "\x7F"} {
		diff(t, name, []string(nil), texts(r.Lines(nil, name)))
	}
	diff(t, "`", []string{"1"}, texts(r.Lines(nil, "`")))
	for range r.All() {
		break // must be possible
	}
	// An append to a slice must not overwrite what follows it in the buffer.
	if _, err := r.Parse([]byte(get+"x: 1\r\nConnection: a\r\nUpgrade: b\r\n\r\n"), head.Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, value := range slices.Concat(r.Lines(nil, "x"), r.Connection, r.Upgrade, [][]byte{r.Method, r.Target, r.Host}) {
		if len(value) != cap(value) || len(value) == 0 {
			t.Errorf("%q is empty or has spare capacity", value)
		}
	}
}

func TestAuthority(t *testing.T) {
	for _, test := range []struct{ head, want string }{
		{"GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", "a:80"},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", ""},
		{"GET / HTTP/1.0\r\n\r\n", ""},
		{"GET /http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "a"},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a"},
		{"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "b"},
		{"GET HTTPS://[::1]:8443?c HTTP/1.1\r\nHost: a\r\n\r\n", "[::1]:8443"},
		{"GET ws://b:80 HTTP/1.0\r\n\r\n", "b:80"},
		{"GET foo://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "a"},
		{"CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", "b:443"},
	} {
		var r head.Request
		if n, err := r.Parse([]byte(test.head), head.Limits{}); n != len(test.head) {
			t.Fatalf("%q: %d, %v", test.head, n, err)
		}
		if got := string(r.Authority()); got != test.want {
			t.Errorf("%q: %q, want %q", test.head, got, test.want)
		}
		if n := testing.AllocsPerRun(100, func() { r.Authority() }); n != 0 {
			t.Errorf("%q: %v allocations", test.head, n)
		}
	}
	if got := new(head.Request).Authority(); got != nil {
		t.Errorf("of a zero Request: %q", got)
	}
}
