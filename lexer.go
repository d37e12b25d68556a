// Package upgrade reads the two HTTP/1.1 fields by which a client offers to
// switch protocols, Upgrade and Connection, exactly by the grammar of RFC 9110.
//
// A client that prefers another protocol says so in a request:
//
//	GET /chat HTTP/1.1
//	Host: example.com
//	Connection: Upgrade
//	Upgrade: websocket, h2c
//
// [ParseList] reads the lines of an Upgrade field into a [List] of [Product] values.
// [ParseConnection] reads those of a Connection field into a [Connection]. A line is the
// value of one field line: the text after the colon, without the line end. Both functions
// take all lines of a field, as []byte or as string, and check them once, so that using
// the result cannot fail. [Lexer] is the level below, for tools that show a field rather
// than use it. RFC 9110 calls a product a protocol; the word product is from RFC 2616.
//
// Whether to switch depends on more than these two fields. Package handshake
// decides it for any HTTP stack and builds the 101 (Switching Protocols) response;
// package httpupgrade does all of it for net/http.
//
// # Strictness
//
// A malformed field offers nothing: one bad element spoils the whole field, because a
// switch must not rest on a guess. Only ASCII letters are folded, so that no look-alike
// from Unicode passes for a letter. Empty list elements are ignored, as RFC 9110 requires
// of a recipient. No setting relaxes these rules.
//
// # Memory
//
// Results alias their input. Parsing copies nothing, and allocates only one
// [*SyntaxError] for a malformed field. A result read from a pooled []byte is valid until
// the bytes change; [Product.Clone] makes a copy that lasts.
package upgrade

import "strconv"

// This file knows octets: which of them make a token, and which separate. It does not
// know products, versions, lists, fields or errors.

// Text is a line of a field or a part of one, as bytes or as a string.
type Text interface{ ~[]byte | ~string }

// Kind is the kind of a lexeme.
type Kind byte

// The kinds of lexemes. A Token or a Space is as long as possible. A Comma, a Slash or an
// Illegal is one octet.
const (
	EOF     Kind = iota // the line has ended
	Token               // 1*tchar
	Space               // 1*( SP / HTAB )
	Comma               // ","
	Slash               // "/"
	Illegal             // an octet that neither field may have
)

// String returns the name of the constant.
func (k Kind) String() string {
	switch k {
	case EOF:
		return "EOF"
	case Token:
		return "Token"
	case Space:
		return "Space"
	case Comma:
		return "Comma"
	case Slash:
		return "Slash"
	case Illegal:
		return "Illegal"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// chart gives the kind of every octet ([RFC 9110, section 5.6.2] and [5.6.3]):
//
//	tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*"
//	      / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~"
//	      / DIGIT / ALPHA
//	OWS   = *( SP / HTAB )
//
// An array of 256 indexed by an octet needs no bounds check.
//
// [RFC 9110, section 5.6.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.6.2
// [5.6.3]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.6.3
var chart = func() [256]Kind {
	const t, s, c, v, x = Token, Space, Comma, Slash, Illegal
	return [256]Kind{
		x, x, x, x, x, x, x, x, x, s, x, x, x, x, x, x, // 0x00: HTAB
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x10
		s, t, x, t, t, t, t, t, x, x, t, t, c, t, t, v, // 0x20: SP ! # $ % & ' * + , - . /
		t, t, t, t, t, t, t, t, t, t, x, x, x, x, x, x, // 0x30: 0-9
		x, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, // 0x40: A-O
		t, t, t, t, t, t, t, t, t, t, t, x, x, x, t, t, // 0x50: P-Z ^ _
		t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, // 0x60: ` a-o
		t, t, t, t, t, t, t, t, t, t, t, x, t, x, t, x, // 0x70: p-z | ~
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, // 0x80: nothing outside ASCII
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x,
	}
}()

// Lexer splits one line of a field into lexemes without gaps: their texts, joined, are
// the line. Next moves to the next lexeme; Text and Offset describe it.
//
//	lexer := upgrade.NewLexer("h2c, foo/1")
//	for kind := lexer.Next(); kind != upgrade.EOF; kind = lexer.Next() {
//		fmt.Println(kind, lexer.Offset(), lexer.Text())
//	}
//
// A Lexer allocates nothing and accepts any octets: those outside the grammar are
// [Illegal]. The zero Lexer reads an empty line.
type Lexer[S Text] struct {
	line       S
	start, end int // 0 <= start <= end <= len(line): the lexeme is line[start:end]
}

// NewLexer returns a Lexer at the start of line, before the first lexeme.
func NewLexer[S Text](line S) Lexer[S] { return Lexer[S]{line: line} }

// Next moves to the next lexeme and returns its kind. At the end of the line, and in
// every call after that, it returns [EOF].
func (l *Lexer[S]) Next() Kind {
	l.start = l.end
	if l.end >= len(l.line) {
		return EOF
	}
	kind := chart[l.line[l.end]]
	l.end++
	if kind == Token || kind == Space {
		for l.end < len(l.line) && chart[l.line[l.end]] == kind {
			l.end++
		}
	}
	return kind
}

// Text returns the lexeme that Next moved to. It is empty before the first Next and
// at [EOF]. It aliases the line.
func (l *Lexer[S]) Text() S { return l.line[l.start:l.end] }

// Offset returns the byte offset in the line, from 0, at which the lexeme that Next moved
// to begins. At [EOF] it is the length of the line.
func (l *Lexer[S]) Offset() int { return l.start }

// tokenEnd returns the end of the token that begins at i, or i if there is none.
//
//	token = 1*tchar
//
// The cursor is unsigned here and in every function that uses this one: a single
// comparison then proves that it lies in the line. A signed one takes two.
func tokenEnd[S Text](line S, i uint) uint {
	// Four octets a turn, with one branch. This reads 8 KiB in 0.7 of the time of a
	// loop over single octets, and depends less on where the linker puts the loop.
	for i < uint(len(line)) && uint(len(line))-i >= 4 {
		four := line[i : i+4]
		// The OR of four kinds is Token only if each is Token: Token is 1, and
		// no octet has kind 0.
		if chart[four[0]]|chart[four[1]]|chart[four[2]]|chart[four[3]] != Token {
			break
		}
		i += 4
	}
	for i < uint(len(line)) && chart[line[i]] == Token {
		i++
	}
	return i
}

// equalFold reports whether a and b are equal, without regard to the case of ASCII
// letters. The other packages use internal/octet, which is as fast; this package imports
// only the standard library.
func equalFold[S Text](a S, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(b) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// lower returns c, with an ASCII capital in lower case. Setting bit 0x20 of every octet
// would be shorter, but would make "@" equal to "`".
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
