package explain

import (
	"iter"

	"github.com/gosegue/upgrade"
)

// This file knows where in its lines stands what a list has: the parsers of package
// upgrade tell what, not where, and so are cheaper.

// place is a field line, by its index from 0, and an octet in it, from 0.
type place struct{ line, offset int }

// elements returns where each element of a list of products or options begins, in the
// order in which the parsers find them. The lines must be those of a well-formed field.
func elements(lines []string) iter.Seq[place] {
	return func(yield func(place) bool) {
		for i, line := range lines {
			lexer := upgrade.NewLexer(line)
			last := upgrade.EOF
			for kind := lexer.Next(); kind != upgrade.EOF; kind = lexer.Next() {
				// Behind a slash it is a version.
				if kind == upgrade.Token && last != upgrade.Slash && !yield(place{i, lexer.Offset()}) {
					return
				}
				last = kind
			}
		}
	}
}
