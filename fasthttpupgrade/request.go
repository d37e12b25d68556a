package fasthttpupgrade

import (
	"bytes"
	"iter"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gosegue/upgrade/handshake"
)

// This file knows how fasthttp keeps the head of a request, and when the end of a request
// is in doubt. It knows nothing of responses or connections.

// head is what a switch needs to know of the head of a request.
type head struct {
	connection, upgrade [][]byte // the lines, as received

	lengths, codings int  // lines of Content-Length and Transfer-Encoding
	chunked          bool // the last line of Transfer-Encoding is chunked
	bareLF           bool // a line ends in LF without CR
	badName          bool // a name has a blank in it
}

// readHead reads the head as it was received. It does not ask fasthttp for single fields:
// fasthttp hides lines of Connection if one of them is close, and a Transfer-Encoding that
// is identity.
func readHead(header *fasthttp.RequestHeader) (h head) {
	h.bareLF = hasBareLF(header.RawHeaders())
	for key, value := range receivedFields(header) {
		if bytes.IndexByte(key, ' ') >= 0 { // the only octet outside tokens that fasthttp lets through
			h.badName = true
		}
		switch len(key) {
		case len("Upgrade"):
			if is(key, "Upgrade") {
				h.upgrade = append(h.upgrade, value)
			}
		case len("Connection"):
			if is(key, "Connection") {
				h.connection = append(h.connection, value)
			}
		case len("Content-Length"):
			if is(key, "Content-Length") {
				h.lengths++
			}
		case len("Transfer-Encoding"):
			if is(key, "Transfer-Encoding") {
				h.codings++
				h.chunked = is(value, "chunked")
			}
		}
	}
	return h
}

// is reports whether key is name, without regard to the case of ASCII letters. EqualFold
// also folds letters outside of ASCII, but those have more octets than their look-alikes.
func is(key []byte, name string) bool {
	return len(key) == len(name) && strings.EqualFold(string(key), name)
}

// receivedFields returns the fields of the head as they were received, without trailers. If
// the request was not received but made by a program, it returns the fields of the request.
func receivedFields(header *fasthttp.RequestHeader) iter.Seq2[[]byte, []byte] {
	raw := header.RawHeaders()
	if len(raw) == 0 {
		return header.All()
	}
	if bytes.Contains(raw, []byte("\n ")) || bytes.Contains(raw, []byte("\n\t")) {
		// fasthttp unfolds lines in place, and would read them differently next time.
		folded := header
		header = new(fasthttp.RequestHeader)
		folded.CopyTo(header)
	}
	return header.AllInOrder()
}

// hasBareLF reports whether a line of raw ends in LF without CR. For fasthttp that is the
// end of a line, and of the head; for other recipients it may be neither.
func hasBareLF(raw []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexByte(raw[i:], '\n')
		if n < 0 {
			return false
		}
		if i += n; i == 0 || raw[i-1] != '\r' {
			return true
		}
	}
}

// standing returns the lines among lines that the request still has under that name. A
// handler may have removed or replaced some.
func standing(header *fasthttp.RequestHeader, name string, lines [][]byte) [][]byte {
	if len(lines) == 0 || len(header.RawHeaders()) == 0 {
		return lines
	}
	var both [][]byte
	for _, line := range lines {
		// PeekAll is no help: if the last line of Connection is close, it returns
		// only that line.
		for key, value := range header.All() {
			if is(key, name) && bytes.Equal(line, value) {
				both = append(both, line)
				break
			}
		}
	}
	return both
}

// received returns the lines of a field that were received in the head.
func received(header *fasthttp.RequestHeader, name string) [][]byte {
	var lines [][]byte
	for key, value := range receivedFields(header) {
		if is(key, name) {
			lines = append(lines, value)
		}
	}
	return lines
}

// linesOf returns the lines of a field that were received in the head and that the
// request still has.
func linesOf(header *fasthttp.RequestHeader, name string) [][]byte {
	return standing(header, name, received(header, name))
}

// version returns the HTTP version of a request, or 0, 0 if it is malformed. fasthttp
// accepts any digits.
func version(header *fasthttp.RequestHeader) (major, minor int) {
	p := header.Protocol()
	if len(p) != len("HTTP/1.1") {
		return 0, 0
	}
	return int(p[5] - '0'), int(p[7] - '0')
}

// canUpgrade reports whether the version of a request has the Upgrade mechanism.
func canUpgrade(header *fasthttp.RequestHeader) bool {
	major, minor := version(header)
	return major == 1 && minor >= 1
}

// badCoding reports whether the request has a Transfer-Encoding other than chunked.
// The end of the content is then unknown: a server must answer 400 and close the connection
// (RFC 9112, section 6.3). fasthttp ignores identity.
func (h *head) badCoding() bool { return h.codings > 1 || h.codings == 1 && !h.chunked }

// inDoubt reports whether another recipient of the same octets may see the end of the
// request elsewhere than fasthttp does. If so, the octets that follow must neither be served
// as a request nor be read as a protocol. The reasons are:
//
//   - A field line ends in LF alone, or its name contains a blank. Such a name is malformed,
//     and for some recipients it ends at the blank (RFC 9112, section 5.1).
//   - Transfer-Encoding is other than chunked, or comes with Content-Length, or in a request
//     of version 1.0, which has no codings (RFC 9112, section 6.1).
//   - The content is multipart/form-data of a known length, of which fasthttp may leave
//     some unread.
func (h *head) inDoubt(header *fasthttp.RequestHeader) bool {
	if h.bareLF || h.badName || h.badCoding() || h.codings > 0 && (h.lengths > 0 || !canUpgrade(header)) {
		return true
	}
	// Under this condition fasthttp parses the content while it reads it.
	return header.ContentLength() > 0 && len(header.MultipartFormBoundary()) > 0 && len(header.Peek("Content-Encoding")) == 0
}

// wantsClose reports whether the client wants the connection closed after the response.
func (h *head) wantsClose(header *fasthttp.RequestHeader) bool {
	if header.ConnectionClose() {
		return true
	}
	// A malformed element must not hide a close, so the error does not matter.
	options, _ := handshake.HopByHop(h.connection)
	return options.Has("close")
}

// mustClose reports whether the connection has to be closed after the response, whatever
// becomes of the content.
func (h *head) mustClose(header *fasthttp.RequestHeader) bool {
	return header.IsConnect() || h.wantsClose(header) || h.inDoubt(header)
}
