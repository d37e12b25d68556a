//go:build !race

package upgrade_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
)

// allocTests returns every exported call for one kind of text, and how often it may
// allocate.
func allocTests[S upgrade.Text](text func(string) S) map[string]struct {
	want float64
	call func()
} {
	lines := func(all ...string) []S {
		var lines []S
		for _, line := range all {
			lines = append(lines, text(line))
		}
		return lines
	}
	var (
		valid     = lines(", a/1 ,websocket", "", "\tHTTP/2.0, b")
		malformed = lines("a, b", "@")
		blank     = lines(" ,\t", ",")
		options   = lines("keep-alive, X-One", "", ",Upgrade")
		badOption = lines("close", "a b")
		line      = text("a, b/1 \x00")
		product   = text("IRC/6.9")
		bad       = text("IRC/")
		supported = []upgrade.Product[string]{upgrade.MustParseProduct("h2c"), upgrade.MustParseProduct("b")}
		missing   = upgrade.MustParseProduct("missing")
		dst       = make([]byte, 0, 100)
	)
	list, _ := upgrade.ParseList(valid...)
	connection, _ := upgrade.ParseConnection(options...)
	p, _ := upgrade.ParseProduct(product)
	products := []upgrade.Product[S]{p, {}, p}
	type test = struct {
		want float64
		call func()
	}
	return map[string]test{
		"Lexer": {0, func() {
			lexer := upgrade.NewLexer(line)
			for lexer.Next() != upgrade.EOF {
				sink += len(lexer.Text()) + lexer.Offset()
			}
		}},
		"ParseProduct":              {0, func() { p, _ := upgrade.ParseProduct(product); sink += len(p.Name()) }},
		"ParseProduct, malformed":   {1, func() { _, errSink = upgrade.ParseProduct(bad) }},
		"Product.Name and Version":  {0, func() { sink += len(p.Name()) + len(p.Version()) }},
		"Product.IsZero":            {0, func() { boolSink = p.IsZero() }},
		"Product.Matches":           {0, func() { boolSink = p.Matches(missing) }},
		"Product.Clone":             {1, func() { sink += len(p.Clone().Name()) }},
		"Product.Clone, zero":       {0, func() { boolSink = upgrade.Product[S]{}.Clone().IsZero() }},
		"Product.AppendTo":          {0, func() { sink += len(p.AppendTo(dst)) }},
		"ParseList":                 {0, func() { l, _ := upgrade.ParseList(valid...); boolSink = l.IsZero() }},
		"ParseList, absent":         {0, func() { l, _ := upgrade.ParseList[S](); boolSink = l.IsZero() }},
		"ParseList, malformed":      {1, func() { _, errSink = upgrade.ParseList(malformed...) }},
		"ParseList, no element":     {1, func() { _, errSink = upgrade.ParseList(blank...) }},
		"List.All":                  {0, func() { countProducts(list) }},
		"List.IsZero":               {0, func() { boolSink = list.IsZero() }},
		"List.Offers":               {0, func() { boolSink = list.Offers(supported[1]) && list.Offers(missing) }},
		"List.Select":               {0, func() { boolSink = list.Select(supported...).IsZero() }},
		"ParseSelect":               {0, func() { p, _ := upgrade.ParseSelect(valid, supported...); boolSink = p.IsZero() }},
		"ParseSelect, absent":       {0, func() { p, _ := upgrade.ParseSelect(blank[:0], supported...); boolSink = p.IsZero() }},
		"ParseSelect, malformed":    {1, func() { _, errSink = upgrade.ParseSelect(malformed, supported...) }},
		"ParseSelect, no element":   {1, func() { _, errSink = upgrade.ParseSelect(blank, supported...) }},
		"AppendList":                {0, func() { sink += len(upgrade.AppendList(dst, products...)) }},
		"ParseConnection":           {0, func() { c, _ := upgrade.ParseConnection(options...); boolSink = c.Has("upgrade") }},
		"ParseConnection, absent":   {0, func() { c, _ := upgrade.ParseConnection[S](); boolSink = c.Has("upgrade") }},
		"ParseConnection, blank":    {0, func() { c, _ := upgrade.ParseConnection(blank...); boolSink = c.Has("upgrade") }},
		"ParseConnection, bad":      {1, func() { _, errSink = upgrade.ParseConnection(badOption...) }},
		"Connection.All":            {0, func() { countOptions(connection) }},
		"Connection.Has, recorded":  {0, func() { boolSink = connection.Has("Upgrade") }},
		"Connection.Has, other":     {0, func() { boolSink = connection.Has("x-one") }},
		"Connection.Has, not named": {0, func() { boolSink = connection.Has("x-two") }},
		"Connection.Persistent":     {0, func() { boolSink = connection.Persistent(1, 1) }},
		"both fields": {0, func() {
			c, err := upgrade.ParseConnection(options...)
			if err == nil && c.Has("upgrade") {
				l, err := upgrade.ParseList(valid...)
				boolSink = err == nil && l.Select(supported...).IsZero()
			}
		}},
	}
}

// Results go here, so that the compiler cannot optimize a call away.
var (
	sink     int
	boolSink bool
	errSink  error
)

//go:noinline
func countProducts[S upgrade.Text](list upgrade.List[S]) {
	for p := range list.All() {
		sink += len(p.Name())
	}
}

//go:noinline
func countOptions[S upgrade.Text](connection upgrade.Connection[S]) {
	for option := range connection.All() {
		sink += len(option)
	}
}

func TestAllocations(t *testing.T) {
	for name, test := range allocTests(func(s string) string { return s }) {
		checkAllocations(t, "string: "+name, test.want, test.call)
	}
	for name, test := range allocTests(func(s string) []byte { return []byte(s) }) {
		checkAllocations(t, "bytes: "+name, test.want, test.call)
	}
	p := upgrade.MustParseProduct("a/1")
	errAt := error(&upgrade.SyntaxError{Reason: upgrade.ErrToken})
	checkAllocations(t, "MustParseProduct", 0, func() { boolSink = upgrade.MustParseProduct("IRC/6.9").IsZero() })
	checkAllocations(t, "Product.String", 0, func() { sink += len(p.String()) })
	checkAllocations(t, "SyntaxError.Unwrap", 0, func() { boolSink = errors.Is(errAt, upgrade.ErrToken) })
	checkAllocations(t, "Kind.String", 0, func() { sink += len(upgrade.Comma.String()) })
}

func checkAllocations(t *testing.T, name string, want float64, call func()) {
	t.Helper()
	if got := testing.AllocsPerRun(20, call); got != want {
		t.Errorf("%s: %v allocations, want %v", name, got, want)
	}
}

// An attacker decides the size of a field, so memory must not depend on it.
func TestAllocationsOfLongFields(t *testing.T) {
	for _, element := range []string{",", " ", "a,", "a/1, ", "websocket ,"} {
		line := strings.Repeat(element, 4<<10) + "z"
		for _, n := range []int{1, 100} {
			lines := slices.Repeat([]string{line}, n)
			checkAllocations(t, fmt.Sprintf("%d lines of %q", n, element), 0, func() {
				list, _ := upgrade.ParseList(lines...)
				boolSink = list.Offers(upgrade.Product[string]{})
			})
		}
	}
}
