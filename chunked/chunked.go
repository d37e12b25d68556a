// Package chunked decodes the chunked transfer coding of HTTP/1.1 from the octets that a
// connection brings, in whatever pieces they come.
//
//	var decoder chunked.Decoder
//	for !decoder.Done() {
//		if len(input) == 0 {
//			input = receive()
//		}
//		content, n, err := decoder.Next(input)
//		if err != nil {
//			return err
//		}
//		use(content)
//		input = input[n:]
//	}
//	// The rest of input follows the message.
//
// It reads what [RFC 9112, section 7.1] defines: every line ends in CR and LF, a size has
// only hexadecimal digits, an extension begins with a semicolon, a trailer is a field
// line. No setting relaxes these rules, because attackers smuggle requests through the
// differences between parsers of this coding.
//
// A Decoder drops extensions and trailers, as the RFC allows. After the semicolon of an
// extension it accepts any octets except controls. Extensions and trailers together may
// have 16 KiB, and one octet more for each octet of content. A Decoder stores neither
// these nor the content.
//
// [RFC 9112, section 7.1]: https://httpwg.org/specs/rfc9112.html#rfc.section.7.1
package chunked

import (
	"math"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

// This package knows chunks, extensions and trailers. It does not know connections, heads
// or what a trailer means.

// Decoder decodes the content of one message. The zero Decoder is ready to use. Each
// message needs a new one.
//
//	chunked-body    = *chunk last-chunk trailer-section CRLF
//	chunk           = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//	chunk-size      = 1*HEXDIG
//	last-chunk      = 1*("0") [ chunk-ext ] CRLF
//	chunk-ext       = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//	trailer-section = *( field-line CRLF )
type Decoder struct {
	// Limit bounds the content, in bytes. 0 stands for the largest int64, and a
	// negative Limit allows no content. A chunk that would exceed the Limit is refused
	// by its size, before its data. Limit must not change after the first Next.
	Limit int64

	state   state
	reason  Reason // of the failure; 0 if there was none
	digits  uint8  // of the size, at most maxDigits
	size    int64  // of the chunk, or of the rest of it
	offset  int64  // octets used
	content int64  // octets of content among them
	extra   int64  // octets of extensions and trailers among them, and needless digits
}

type state uint8

const (
	inSize      state = iota // in the size
	inBlanks                 // in the blanks before an extension
	inExtension              // in an extension
	atSizeLF                 // at the LF after size and extension
	inData                   // in the data
	atDataCR                 // at the CR after the data
	atDataLF                 // at the LF after the data
	atTrailer                // at the start of a trailer, or of the empty line
	inName                   // in the name of a trailer
	inValue                  // in its value
	atTrailerLF              // at the LF after it
	atLastLF                 // at the LF of the empty line
	done                     // after the empty line
)

// The bound on extensions, trailers and needless digits. Without it a client could send
// them forever, and no server needs any of them.
const (
	maxExtra  = 16 << 10 // octets, and one more for each octet of content
	maxDigits = 16       // of a size, before further ones count as extra
)

// Next decodes p up to the end of the next piece of content. p continues after the last
// octet that the previous call used. Next returns the content, which is the end of p[:n]
// and aliases p, and n, the number of octets used.
//
// If p has no content, Next uses all of p, or p up to the end of the message. So n is 0 only
// if p is empty, after the message has ended, or with an error. At the end of the input,
// [Decoder.Done] reports whether the message is whole.
//
// The error is an [*Error], and every later call returns an equal one. The pieces in
// which the octets came change neither the error nor the content before it, taken as a
// whole. Next allocates nothing but the error.
func (d *Decoder) Next(p []byte) (content []byte, n int, err error) {
	if d.reason != 0 {
		return nil, 0, &Error{d.offset, d.reason}
	}
	for n < len(p) && d.state != done {
		if d.state == inData {
			start := n
			n += int(min(d.size, int64(len(p)-n)))
			d.size -= int64(n - start)
			d.content += int64(n - start)
			if d.size == 0 {
				d.state = atDataCR
			}
			content = p[start:n:n]
			break
		}
		if d.reason = d.step(p[n]); d.reason != 0 {
			d.offset += int64(n)
			return nil, n, &Error{d.offset, d.reason}
		}
		n++
	}
	d.offset += int64(n)
	return content, n, nil
}

// Done reports whether the message has ended: the last chunk, the trailers and the empty
// line after them have been decoded.
func (d *Decoder) Done() bool { return d.state == done }

// step decodes one octet that is not content.
func (d *Decoder) step(b byte) Reason {
	switch d.state {
	case inSize:
		return d.stepSize(b)
	case inBlanks, inExtension:
		switch {
		case b == '\r' && d.state == inExtension:
			d.state = atSizeLF
			return 0
		case b == ';':
			d.state = inExtension
		case octet.IsControl(b) || d.state == inBlanks && !octet.IsBlank(b):
			return ErrExtension
		}
		return d.addExtra()
	case atDataCR:
		return d.want('\r', b, atDataLF)
	case atDataLF:
		d.digits = 0
		return d.want('\n', b, inSize)
	case atSizeLF:
		if d.size > 0 {
			return d.want('\n', b, inData)
		}
		return d.want('\n', b, atTrailer)
	case atTrailerLF:
		return d.want('\n', b, atTrailer)
	case atLastLF:
		return d.want('\n', b, done)
	}
	return d.stepTrailer(b)
}

// want moves to the next state if b is the octet that must be here.
func (d *Decoder) want(wanted, b byte, next state) Reason {
	if b != wanted {
		return ErrLineEnd
	}
	d.state = next
	return 0
}

// stepSize decodes one octet of a size, or the one after it.
func (d *Decoder) stepSize(b byte) Reason {
	digit, ok := hexDigit(b)
	switch {
	case ok:
		if d.size > math.MaxInt64>>4 || d.size<<4|int64(digit) > d.limit()-d.content {
			return ErrTooLarge
		}
		d.size = d.size<<4 | int64(digit)
		// Leading zeros beyond what a size can need count as extra, or they could
		// go on forever. Ordinary digits do not: many small chunks have more
		// digits than content.
		if d.digits == maxDigits {
			return d.addExtra()
		}
		d.digits++
		return 0
	case d.digits == 0:
		return ErrSize
	case b == '\r':
		d.state = atSizeLF
	case b == ';':
		d.state = inExtension
	case octet.IsBlank(b):
		d.state = inBlanks
	default:
		return ErrSize
	}
	if d.state == atSizeLF {
		return 0
	}
	return d.addExtra()
}

// stepTrailer decodes one octet of a trailer, without the LF.
//
//	field-line = field-name ":" OWS field-value OWS
//
// A line that begins with a blank (obs-fold) is malformed. RFC 9112, section 5.2, allows a
// server to unfold it or to refuse it.
func (d *Decoder) stepTrailer(b byte) Reason {
	switch d.state {
	case atTrailer:
		if b == '\r' {
			d.state = atLastLF
			return 0
		}
		if !isToken(b) {
			return ErrTrailer
		}
		d.state = inName
	case inName:
		if b == ':' {
			d.state = inValue
		} else if !isToken(b) {
			return ErrTrailer
		}
	case inValue:
		if b == '\r' {
			d.state = atTrailerLF
			return 0
		}
		if octet.IsControl(b) {
			return ErrTrailer
		}
	}
	return d.addExtra()
}

// addExtra counts an octet that no server needs.
func (d *Decoder) addExtra() Reason {
	if d.extra++; d.extra-maxExtra > d.content {
		return ErrExtra
	}
	return 0
}

func (d *Decoder) limit() int64 {
	if d.Limit == 0 {
		return math.MaxInt64
	}
	return max(d.Limit, 0)
}

func isToken(b byte) bool {
	lexer := upgrade.NewLexer([]byte{b})
	return lexer.Next() == upgrade.Token
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case '0' <= b && b <= '9':
		return b - '0', true
	case 'a' <= octet.Lower(b) && octet.Lower(b) <= 'f':
		return octet.Lower(b) - 'a' + 10, true
	}
	return 0, false
}
