package explain

import (
	"iter"

	"github.com/gosegue/upgrade"
)

// This file knows where the elements of a list are in its lines. The parsers of package
// upgrade do not keep that, so they are cheaper.

// place is the index of a line and the offset of an octet in it, both from 0.
type place struct{ line, offset int }

// elements returns where each element of a list of products or options begins, in the order
// in which the parsers yield them. The field must be well-formed.
func elements(lines []string) iter.Seq[place] {
	return func(yield func(place) bool) {
		for i, line := range lines {
			lexer := upgrade.NewLexer(line)
			last := upgrade.EOF
			for kind := lexer.Next(); kind != upgrade.EOF; kind = lexer.Next() {
				// A token after a slash is a version.
				if kind == upgrade.Token && last != upgrade.Slash && !yield(place{i, lexer.Offset()}) {
					return
				}
				last = kind
			}
		}
	}
}
