package upgrade_test

import (
	"fmt"
	"testing"

	"github.com/gosegue/upgrade"
)

type lexeme struct {
	Kind   upgrade.Kind
	Offset int
	Text   string
}

func lex[S upgrade.Text](line S) []lexeme {
	lexer := upgrade.NewLexer(line)
	var all []lexeme
	for kind := lexer.Next(); kind != upgrade.EOF; kind = lexer.Next() {
		all = append(all, lexeme{kind, lexer.Offset(), string(lexer.Text())})
	}
	return all
}

func TestLexer(t *testing.T) {
	want := []lexeme{
		{upgrade.Token, 0, "h2c"},
		{upgrade.Comma, 3, ","},
		{upgrade.Comma, 4, ","},
		{upgrade.Space, 5, " \t "},
		{upgrade.Token, 8, "foo"},
		{upgrade.Slash, 11, "/"},
		{upgrade.Slash, 12, "/"},
		{upgrade.Token, 13, "1"},
		{upgrade.Illegal, 14, "\x00"},
		{upgrade.Illegal, 15, "\xE2"},
		{upgrade.Illegal, 16, "\x84"},
		{upgrade.Space, 17, "\t"},
	}
	const line = "h2c,, \t foo//1\x00\xE2\x84\t"
	diff(t, "string", want, lex(line))
	diff(t, "bytes", want, lex([]byte(line)))
}

// Every octet has the kind that the RFC gives it. Twice the same octet is one lexeme for a
// tchar or a blank, and otherwise two.
func TestLexerEveryOctet(t *testing.T) {
	for c := range 256 {
		kind, run := upgrade.Illegal, false
		switch {
		case isToken(byte(c)):
			kind, run = upgrade.Token, true
		case c == ' ' || c == '\t':
			kind, run = upgrade.Space, true
		case c == ',':
			kind = upgrade.Comma
		case c == '/':
			kind = upgrade.Slash
		}
		one := string([]byte{byte(c)})
		want := []lexeme{{kind, 0, one}, {kind, 1, one}}
		if run {
			want = []lexeme{{kind, 0, one + one}}
		}
		diff(t, fmt.Sprintf("%#x", c), want, lex(one+one))
	}
}

func TestLexerEnds(t *testing.T) {
	var zero upgrade.Lexer[[]byte]
	lexer := upgrade.NewLexer("ab")
	if lexer.Text() != "" || lexer.Offset() != 0 {
		t.Errorf("before the first Next: %q at %d", lexer.Text(), lexer.Offset())
	}
	lexer.Next()
	for range 3 {
		if kind := lexer.Next(); kind != upgrade.EOF || lexer.Text() != "" || lexer.Offset() != 2 {
			t.Errorf("at the end: %v, %q at %d", kind, lexer.Text(), lexer.Offset())
		}
		if kind := zero.Next(); kind != upgrade.EOF || len(zero.Text()) != 0 || zero.Offset() != 0 {
			t.Errorf("zero Lexer: %v, %q at %d", kind, zero.Text(), zero.Offset())
		}
	}
}

func TestLexerTextAliasesLine(t *testing.T) {
	line := []byte("ab,c")
	lexer := upgrade.NewLexer(line)
	lexer.Next()
	lexer.Text()[0] = 'x'
	if string(line) != "xb,c" {
		t.Errorf("line is %q", line)
	}
}

func TestKindString(t *testing.T) {
	names := []string{"EOF", "Token", "Space", "Comma", "Slash", "Illegal", "Kind(6)"}
	for i, want := range names {
		diff(t, want, want, upgrade.Kind(i).String())
	}
	diff(t, "last", "Kind(255)", upgrade.Kind(255).String())
}
