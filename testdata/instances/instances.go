// Package instances makes the compiler compile the generic code of package upgrade
// for both kinds of text, so that tests can inspect the result.
package instances

import "github.com/gosegue/upgrade"

// Both uses the generic code with strings and with bytes.
func Both() {
	use("")
	use([]byte(nil))
}

func use[S upgrade.Text](text S) {
	lexer := upgrade.NewLexer(text)
	for lexer.Next() != upgrade.EOF {
		_, _ = lexer.Text(), lexer.Offset()
	}
	p, _ := upgrade.ParseProduct(text)
	_, _, _, _, _, _ = p.Clone(), p.Name(), p.Version(), p.IsZero(), p.String(), p.AppendTo(nil)
	list, _ := upgrade.ParseList(text)
	for p := range list.All() {
		_ = p.Matches(upgrade.Product[string]{})
	}
	_, _, _ = list.IsZero(), list.Offers(upgrade.Product[string]{}), list.Select()
	_, _ = upgrade.ParseSelect([]S{text})
	_ = upgrade.AppendList(nil, p)
	connection, _ := upgrade.ParseConnection(text)
	for range connection.All() {
	}
	_, _ = connection.Has(""), connection.Persistent(1, 1)
}
