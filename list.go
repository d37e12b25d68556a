package upgrade

import (
	"iter"
	"slices"
)

// This file knows lists: commas, blanks, empty elements, and that all lines of a field
// are one list. It does not know HTTP versions, nor what a product is for.

// List holds the products of an Upgrade field in the order received. The zero List has
// none.
//
// A List aliases the lines it was read from and the slice that holds them. Neither may
// change while the List is in use, because [List.All] reads the lines again. That cannot
// fail: ParseList has checked them.
type List[S Text] struct {
	// A List has at most four words: with a fifth, ParseList takes 1.5 times as long,
	// because the result no longer fits in registers. Nor may it hold a Product: All
	// yields it, which would make the caller's lines escape to the heap.
	lines []S // from the first line that has a product; empty if none has
	only  int // length of the name if lines[0] is exactly one product and the only one; else 0
}

// ParseList returns the products in the lines of an Upgrade field, which are given in the
// order received. A line has neither the name of the field nor a line end. If any line is
// malformed, the error is a [*SyntaxError] and the List is empty, whatever came before
// the fault.
//
// Without lines, the List is empty and the error is nil: the field is absent. If the
// lines have only blanks and commas, the error has the Reason [ErrNoElement], at the end
// of the last line.
//
// ParseList takes linear time and allocates nothing but the error. It follows
// [RFC 9110, section 7.8], with [5.3] for several lines and [5.6.1.2] for empty elements.
// The message parser must limit the size of a field, and unfold or refuse folded lines:
// the line break in such a line (obs-fold) is malformed here.
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
// [5.3]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.3
// [5.6.1.2]: https://httpwg.org/specs/rfc9110.html#rfc.section.5.6.1.2
func ParseList[S Text](lines ...S) (List[S], error) {
	if len(lines) == 1 {
		line := lines[0]
		name := tokenEnd(line, 0)
		if end := versionEnd(line, name); end == uint(len(line)) && name > 0 && end != name+1 {
			return List[S]{lines, int(name)}, nil
		}
	}
	from, _, err := checkProducts(lines, nil)
	if err != nil {
		return List[S]{}, err
	}
	return List[S]{lines: lines[from:]}, nil
}

// checkProducts checks the lines of a list of products. It returns the index of the
// first line that has a product, and the index in wanted of the first product that is
// offered, or len(wanted).
//
//	Upgrade = 1#product
//	1#product => *( "," OWS ) product *( OWS "," [ OWS product ] )
func checkProducts[S Text](lines []S, wanted []Product[string]) (from, better int, err error) {
	from = len(lines)
	for n, line := range lines {
		if len(wanted) > 0 && string(line) == wanted[0].text && len(line) > 0 {
			// A line that is exactly the first wanted product needs no scan.
			from, wanted = min(from, n), nil
			continue
		}
		i := elementStart(line, 0)
		if i < uint(len(line)) {
			from = min(from, n)
		}
		for i < uint(len(line)) {
			name := tokenEnd(line, i)
			if name == i {
				return 0, 0, &SyntaxError{n, int(i), ErrToken}
			}
			end := versionEnd(line, name)
			if end == name+1 {
				return 0, 0, &SyntaxError{n, int(end), ErrVersion}
			}
			for j := range wanted {
				// Comparing lengths first rules out nearly all other products.
				if wanted[j].name == int(name-i) && len(wanted[j].text) == int(end-i) &&
					(Product[S]{line[i:end], int(name - i)}).Matches(wanted[j]) {
					wanted = wanted[:j]
					break
				}
			}
			if i = elementEnd(line, end); i >= uint(len(line)) {
				break
			}
			if line[i] != ',' {
				return 0, 0, &SyntaxError{n, int(i), ErrDelimiter}
			}
			i = elementStart(line, i+1)
		}
	}
	if from == len(lines) && from > 0 {
		last := from - 1
		return 0, 0, &SyntaxError{last, trimmedLen(lines[last]), ErrNoElement}
	}
	return from, len(wanted), nil
}

// elementStart returns the start of the next element at or after i. It skips commas
// and blanks, and so every empty element.
func elementStart[S Text](line S, i uint) uint {
	for i < uint(len(line)) && (chart[line[i]] == Comma || chart[line[i]] == Space) {
		i++
	}
	return i
}

// elementEnd returns the end of the blanks at i: the end of the line, or the octet that
// must be a comma.
func elementEnd[S Text](line S, i uint) uint {
	for i < uint(len(line)) && chart[line[i]] == Space {
		i++
	}
	return i
}

// trimmedLen returns the length of line without the blanks at its end.
func trimmedLen[S Text](line S) int {
	n := len(line)
	for n > 0 && chart[line[n-1]] == Space {
		n--
	}
	return n
}

// All returns an iterator over the products in the order received, which is the
// client's order of preference. The products alias the lines. Iterating cannot fail and
// allocates nothing.
func (l List[S]) All() iter.Seq[Product[S]] {
	return func(yield func(Product[S]) bool) {
		// Both cases are written out so that they inline into the caller's
		// loop. Bounds are rechecked because the caller may have changed the
		// lines.
		if l.only > 0 {
			if l.only <= len(l.lines[0]) {
				yield(Product[S]{l.lines[0], l.only})
			}
			return
		}
		for _, line := range l.lines {
			for i := elementStart(line, 0); i < uint(len(line)); i = elementStart(line, i) {
				name := tokenEnd(line, i)
				end := versionEnd(line, name)
				if name == i || !yield(Product[S]{line[i:end], int(name - i)}) {
					return
				}
				i = end
			}
		}
	}
}

// IsZero reports whether l has no product.
func (l List[S]) IsZero() bool { return len(l.lines) == 0 }

// Offers reports whether l has a product that matches p, as [Product.Matches] defines
// it. The zero Product is never offered. Offers allocates nothing.
func (l List[S]) Offers(p Product[string]) bool {
	return !l.Select(p).IsZero()
}

// Select returns the first of supported that l offers, or the zero Product if l offers
// no such product. The order of supported decides, not the client's: RFC 9110, section 7.8,
// leaves the choice to the server. The result is one of the arguments and never has the
// client's spelling, so that a server echoes nothing that a client sent. Select allocates
// nothing.
func (l List[S]) Select(supported ...Product[string]) Product[string] {
	// One pass over the list. The candidates are those that the server prefers to
	// the best one found so far.
	var best Product[string]
	for p := range l.All() {
		for i, q := range supported {
			if p.Matches(q) {
				best, supported = q, supported[:i]
				break
			}
		}
	}
	return best
}

// ParseSelect is [ParseList] and [List.Select] in one pass. It returns the first of
// supported that the lines of an Upgrade field offer, or the zero Product if they offer
// none. It reads the whole field, even after a match, and its errors are those of
// ParseList. It allocates nothing but the error.
func ParseSelect[S Text](lines []S, supported ...Product[string]) (Product[string], error) {
	_, better, err := checkProducts(lines, supported)
	if err != nil || better == len(supported) {
		return Product[string]{}, err
	}
	return supported[better], nil
}

// String returns the products as one list, such as "a/1, b". It allocates.
func (l List[S]) String() string {
	return string(AppendList(nil, slices.Collect(l.All())...))
}

// AppendList appends the products to dst as one list, such as "a/1, b", and returns the
// result. It skips zero Products.
func AppendList[S Text](dst []byte, products ...Product[S]) []byte {
	first := true
	for _, p := range products {
		if p.IsZero() {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		dst, first = p.AppendTo(dst), false
	}
	return dst
}
