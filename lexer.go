// Package upgrade reads the two HTTP/1.1 fields by which a client offers to
// switch protocols, Upgrade and Connection, exactly by the grammar of RFC 9110.
//
// A client that would rather speak another protocol says so in a request:
//
//	GET /chat HTTP/1.1
//	Host: example.com
//	Connection: Upgrade
//	Upgrade: websocket, h2c
//
// [ParseList] reads the field lines of Upgrade into a [List] of [Product]s,
// [ParseConnection] those of Connection into the options it names. Both take
// all lines of the field, as []byte or as string, check everything once, and
// leave nothing that can fail later. [Lexer] is the level below, for tools that
// show a field rather than use it.
//
// Whether to switch is a question of more than these two fields: package
// handshake asks it for any HTTP stack and builds the 101 (Switching Protocols)
// response, package httpupgrade does all of it for net/http.
//
// # Strictness
//
// A field is well-formed or it offers nothing: one bad element spoils the whole
// field, because a switch must not rest on a guess. Letters are folded in ASCII
// alone, so no look-alike from Unicode passes for a letter. Empty list elements
// are ignored, as RFC 9110 asks of a recipient. There are no options.
//
// # Memory
//
// Results alias their input; nothing is copied and nothing is allocated but one
// [*SyntaxError] for a malformed field. What is read from a pooled []byte is
// valid as long as the bytes are.
package upgrade

import "strconv"

// This file knows octets: which of them make a token, and which separate. It does not
// know products, versions, lists, fields or errors.

// Text is a field line, or a part of one, as bytes or as a string.
type Text interface{ ~[]byte | ~string }

// Kind is the kind of a lexeme.
type Kind byte

// The kinds of lexemes. Token and Space are the longest runs of their octets;
// the others stand for one octet each.
const (
	EOF     Kind = iota // the line has ended
	Token               // 1*tchar
	Space               // 1*( SP / HTAB )
	Comma               // ","
	Slash               // "/"
	Illegal             // an octet that no field read here may have
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

// Lexer splits one field line into lexemes, without gaps: joined, their texts
// are the line. Next moves on, Text and Offset tell of the lexeme it moved to.
//
//	lexer := upgrade.NewLexer("h2c, foo/1")
//	for kind := lexer.Next(); kind != upgrade.EOF; kind = lexer.Next() {
//		fmt.Println(kind, lexer.Offset(), lexer.Text())
//	}
//
// A Lexer allocates nothing and accepts any octets: what is no part of the
// grammar is [Illegal]. The zero Lexer reads an empty line.
type Lexer[S Text] struct {
	line       S
	start, end int // 0 <= start <= end <= len(line): the lexeme is line[start:end]
}

// NewLexer returns a Lexer that stands before the first lexeme of line.
func NewLexer[S Text](line S) Lexer[S] { return Lexer[S]{line: line} }

// Next moves to the next lexeme and returns its kind, or [EOF] at the end of the
// line and ever after.
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

// Text returns the octets of the lexeme that Next moved to: empty before the
// first Next and after the last. It aliases the line.
func (l *Lexer[S]) Text() S { return l.line[l.start:l.end] }

// Offset returns where that lexeme begins, in bytes from the start of the line,
// from 0. At [EOF] it is the length of the line.
func (l *Lexer[S]) Offset() int { return l.start }

// tokenEnd returns where the run of token octets that begins at i ends; i itself
// if there is none.
//
//	token = 1*tchar
//
// The cursor is unsigned, here and in all that is built on it: one comparison
// then shows it to lie in the line, where a signed one takes two.
func tokenEnd[S Text](line S, i uint) uint {
	// Four octets a turn, with one branch: 8 KiB take 0.7 of the time that they
	// take one by one, and less chance where the linker puts the loop.
	for i < uint(len(line)) && uint(len(line))-i >= 4 {
		four := line[i : i+4]
		// Token is 1 and no octet has the kind 0, so the kinds together make 1
		// only if each of them does.
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

// equalFold reports whether a and b are equal but for the case of ASCII letters. The
// other packages have it from internal/octet, which costs them nothing; this one imports
// the standard library alone.
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

// lower returns c, an ASCII capital in lower case. Setting bit 0x20 of any octet
// would be shorter and make "@" equal to "`".
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
