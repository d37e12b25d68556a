package netupgrade

import (
	"errors"
	"math"

	"github.com/gosegue/upgrade"
)

// readContent reads the content of the request, if it has any, into r.accepted, and
// leaves r.next behind it. Bytes of the new protocol may be in the buffer already, and
// are not touched.
func (r *Request) readContent(limit int64) error {
	switch {
	case r.ContentLength == 0:
		return nil
	case r.ContentLength > limit:
		return errTooLarge // and no 100 (Continue) before it
	}
	if r.ExpectContinue {
		// Always, even if the content is here by now: who offers a switch and
		// waits for a 100 has to see it before the 101 (RFC 9110, section 7.8).
		if err := r.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	var err error
	if r.Chunked {
		r.accepted.Content, err = r.readChunked(limit)
	} else {
		r.accepted.Content, err = r.readLength(int(r.ContentLength))
	}
	return err
}

// contentStep is how much content is made room for at once. A length is quickly said,
// and room for it is not made before it comes.
const contentStep = 64 << 10

// readLength reads content of n bytes.
func (r *Request) readLength(n int) ([]byte, error) {
	buffered := min(n, len(r.buffer)-r.next)
	content := append(make([]byte, 0, min(n, contentStep)), r.buffer[r.next:r.next+buffered]...)
	r.next += buffered
	for len(content) < n {
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
		m, err := r.conn.Read(content[len(content):min(n, cap(content))])
		if m == 0 && err != nil {
			return nil, err
		}
		content = content[:len(content)+m]
	}
	return content, nil
}

// readChunked reads content in the chunked transfer coding.
func (r *Request) readChunked(limit int64) ([]byte, error) {
	c := chunked{limit: limit}
	for {
		n, err := c.decode(r.buffer[r.next:])
		r.next += n
		switch {
		case err != nil:
			return nil, err
		case c.state == chunksEnd:
			return c.content, nil
		}
		// All that was read is decoded; its room is free, but for the head,
		// which the request still refers to.
		r.buffer = r.buffer[:r.headEnd]
		r.next = len(r.buffer)
		if err := r.readMore(); err != nil {
			return nil, err
		}
	}
}

// errChunk says that content in the chunked transfer coding is malformed.
var errChunk = errors.New("malformed chunk")

// chunked decodes the chunked transfer coding ([RFC 9112, section 7.1]), strictly and in
// whatever pieces it comes.
//
//	chunked-body    = *chunk last-chunk trailer-section CRLF
//	chunk           = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//	chunk-size      = 1*HEXDIG
//	last-chunk      = 1*("0") [ chunk-ext ] CRLF
//	chunk-ext       = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//	trailer-section = *( field-line CRLF )
//
// [RFC 9112, section 7.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.7.1
type chunked struct {
	content []byte
	limit   int64 // of content
	state   chunkState
	size    int64 // of the chunk, or what is left of it
	digits  int   // of its size
	extra   int   // octets of extensions and trailers, and needless digits
	line    []byte
}

type chunkState uint8

const (
	chunkSize   chunkState = iota // in the size
	chunkExt                      // in an extension, up to CR
	chunkSizeLF                   // at the LF behind size and extension
	chunkData                     // in the data
	chunkDataCR                   // at the CR behind the data
	chunkDataLF                   // and the LF
	trailerLine                   // in a line of the trailers, up to CR
	trailerLF                     // at the LF behind it
	chunksEnd                     // behind it all
)

// maxChunkExtra bounds what is read besides content: nobody needs any of it.
const maxChunkExtra = 16 << 10

// maxSizeDigits is how many digits a size may need.
const maxSizeDigits = 16

// decode decodes what it can of p and returns how much that was: all of it, unless the
// content ends in it.
func (c *chunked) decode(p []byte) (int, error) {
	for i := 0; i < len(p); i++ {
		b := p[i]
		switch c.state {
		case chunkSize:
			digit, ok := hexDigit(b)
			switch {
			case ok:
				if c.size > math.MaxInt64>>4 {
					return i, errTooLarge
				}
				c.size = c.size<<4 | int64(digit)
				if c.size > c.limit-int64(len(c.content)) {
					return i, errTooLarge
				}
				// Zeros in front count as well: they could go on for
				// ever. What no size needs more of does not: many
				// small chunks have more of it than of content.
				if c.digits++; c.digits > maxSizeDigits {
					if c.extra++; c.extra > maxChunkExtra+len(c.content) {
						return i, errChunk
					}
				}
			case c.digits == 0:
				return i, errChunk
			case b == '\r':
				c.state = chunkSizeLF
			case b == ';' || b == ' ' || b == '\t':
				c.state, c.line = chunkExt, append(c.line[:0], b)
			default:
				return i, errChunk
			}
		case chunkExt:
			if b == '\r' {
				if !isExtension(c.line) {
					return i, errChunk
				}
				c.state = chunkSizeLF
				break
			}
			if err := c.addToLine(b); err != nil {
				return i, err
			}
		case chunkSizeLF:
			switch {
			case b != '\n':
				return i, errChunk
			case c.size == 0:
				c.state, c.line = trailerLine, c.line[:0]
			default:
				c.state = chunkData
			}
		case chunkData:
			n := int(min(c.size, int64(len(p)-i)))
			c.content = append(c.content, p[i:i+n]...)
			if c.size -= int64(n); c.size == 0 {
				c.state = chunkDataCR
			}
			i += n - 1
		case chunkDataCR:
			if b != '\r' {
				return i, errChunk
			}
			c.state = chunkDataLF
		case chunkDataLF:
			if b != '\n' {
				return i, errChunk
			}
			c.state, c.digits = chunkSize, 0
		case trailerLine:
			if b == '\r' {
				c.state = trailerLF
				break
			}
			if err := c.addToLine(b); err != nil {
				return i, err
			}
		case trailerLF:
			switch {
			case b != '\n':
				return i, errChunk
			case len(c.line) == 0:
				c.state = chunksEnd
				return i + 1, nil
			case !isFieldLine(c.line):
				return i, errChunk
			}
			c.state, c.line = trailerLine, c.line[:0]
		}
	}
	return len(p), nil
}

// addToLine adds an octet to an extension or a line of the trailers.
func (c *chunked) addToLine(b byte) error {
	if b < ' ' && b != '\t' || b == 0x7F {
		return errChunk
	}
	if c.extra++; c.extra > maxChunkExtra+len(c.content) {
		return errChunk
	}
	c.line = append(c.line, b)
	return nil
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case '0' <= b && b <= '9':
		return b - '0', true
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10, true
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10, true
	}
	return 0, false
}

// isExtension reports whether line can be what follows the size of a chunk: blanks, and
// then a semicolon. What an extension says is not looked at.
func isExtension(line []byte) bool {
	for _, b := range line {
		if b != ' ' && b != '\t' {
			return b == ';'
		}
	}
	return false
}

// isFieldLine reports whether line begins with a token and a colon. Its octets have been
// looked at when they came; what a trailer says is ignored.
func isFieldLine(line []byte) bool {
	lexer := upgrade.NewLexer(line)
	if lexer.Next() != upgrade.Token {
		return false
	}
	name := len(lexer.Text())
	return name < len(line) && line[name] == ':'
}
