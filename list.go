package upgrade

import "iter"

// This file knows lists: commas, blanks, empty elements, and that the lines of a
// field are one list. It knows nothing of HTTP versions or of what a product is
// good for.

// List is the products of an Upgrade field, in the order received. The zero List
// has none.
//
// A List aliases the lines it was read from, and the slice that holds them:
// neither may change while it is in use. Where a line is its only product, which is
// nearly always, it knows so; several are found again where they are asked for. They
// were checked once and cannot fail.
type List[S Text] struct {
	// Not more than four words: that much is passed in registers, and one word
	// more makes ParseList take 1.5 times as long. Neither a Product: All hands
	// it out, and the lines, which lie in the caller's frame, would escape.
	lines []S // from the line of the first product on; empty without any
	only  int // if lines[0] is one product to the letter, and the only one: the length of its name
}

// ParseList reads the lines of an Upgrade field, all of them, in the order
// received, each as bytes or as a string without its line end. The result is the
// whole field or nothing: a malformed line anywhere is a [*SyntaxError], and then
// no product counts as offered, whatever stood before it.
//
// No line at all is an empty List: the field is absent. Lines without an element,
// blank or commas alone, are [ErrNoElement], placed at the end of the last one.
//
// It takes linear time, allocates nothing but the error, and sets no limit: the
// size of a field is bounded by whoever received it. It follows
// [RFC 9110, section 7.8], and for the lines and empty elements [5.3] and
// [5.6.1.2]. An octet of a folded line (obs-fold) is malformed here; unfolding is
// the duty of who read the message.
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
// first line that has any, and how many of wanted stand before the first one of them
// that a product matches: all of them, if none is.
//
//	Upgrade = 1#product
//	1#product => *( "," OWS ) product *( OWS "," [ OWS product ] )
func checkProducts[S Text](lines []S, wanted []Product[string]) (from, better int, err error) {
	from = len(lines)
	for n, line := range lines {
		if len(wanted) > 0 && string(line) == wanted[0].text && len(line) > 0 {
			// A line that is a product to the letter needs no closer look.
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
				// The lengths tell nearly all products apart.
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

// elementStart returns where the next element begins, at i or behind it: past
// commas, blanks and so past every empty element.
func elementStart[S Text](line S, i uint) uint {
	for i < uint(len(line)) && (chart[line[i]] == Comma || chart[line[i]] == Space) {
		i++
	}
	return i
}

// elementEnd returns where the blanks at i end: at the end of the line or at what
// has to be a comma.
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

// All returns the products in the order received, which is the client's order of
// preference. They alias the lines. Going through them cannot fail and allocates
// nothing.
func (l List[S]) All() iter.Seq[Product[S]] {
	return func(yield func(Product[S]) bool) {
		// Both ways, that of one product and that of many, are written out
		// here so that they are inlined in the caller's loop. What is asked
		// of the lines once more is asked in case they were changed since.
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

// Offers reports whether a product of l matches p, in the sense of
// [Product.Matches]. The zero Product is never offered. It allocates nothing.
func (l List[S]) Offers(p Product[string]) bool {
	return !l.Select(p).IsZero()
}

// Select returns the first of supported that l offers, or the zero Product if it
// offers none of them. The order is that of supported, the server's: "which
// protocol to switch to is determined by the server". What it returns is an
// argument, never the client's spelling, so that nothing a client sent is echoed.
// It allocates nothing.
func (l List[S]) Select(supported ...Product[string]) Product[string] {
	// One pass over the list, with ever fewer candidates: those that are
	// preferred to the best found so far.
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

// ParseSelect is [ParseList] and [List.Select] in one pass over the lines of an
// Upgrade field: it returns the first of supported that they offer, or the zero
// Product if they offer none. The errors are those of ParseList: the whole field is
// read, whatever was found before. It allocates nothing but the error.
func ParseSelect[S Text](lines []S, supported ...Product[string]) (Product[string], error) {
	_, better, err := checkProducts(lines, supported)
	if err != nil || better == len(supported) {
		return Product[string]{}, err
	}
	return supported[better], nil
}

// AppendList appends the products to dst as one canonical list, "a/1, b", and
// returns the result. Zero Products are skipped.
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
