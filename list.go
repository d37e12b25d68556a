package upgrade

import "iter"

// This file knows lists: commas, blanks, empty elements, and that the lines of a
// field are one list. It knows nothing of HTTP versions or of what a product is
// good for.

// List is the products of an Upgrade field, in the order received. The zero List
// has none.
//
// A List aliases the lines it was read from, and the slice that holds them:
// neither may change while it is in use. It remembers the first product, because
// most fields have no other, and reads the rest again where they are asked for;
// they were checked once and cannot fail.
type List[S Text] struct {
	first Product[S]
	lines []S // the line of first and those after it; nil if no product follows first
	next  int // offset in lines[0] just behind first
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
	var list List[S]
	for i, line := range lines {
		at, products, reason := checkProducts(line)
		if reason != 0 {
			return List[S]{}, &SyntaxError{i, int(at.end), reason}
		}
		switch {
		case products == 0:
		case list.first.IsZero():
			list.first = Product[S]{line[at.start:at.end], int(at.name - at.start)}
			list.next = int(at.end)
			if products > 1 {
				list.lines = lines[i:]
			}
		case list.lines == nil:
			// The second product stands behind the line of the first: go on
			// with this line.
			list.lines, list.next = lines[i:], 0
		}
	}
	if list.first.IsZero() && len(lines) > 0 {
		last := len(lines) - 1
		return List[S]{}, &SyntaxError{last, trimmedLen(lines[last]), ErrNoElement}
	}
	return list, nil
}

// span is where a product stands in its line: line[start:end], its name
// line[start:name].
type span struct{ start, name, end uint }

// checkProducts checks one line of a list of products. It returns where the first
// product stands and how many there are; or why the line is malformed, and in
// first.end where.
//
//	Upgrade = 1#product
//	1#product => *( "," OWS ) product *( OWS "," [ OWS product ] )
func checkProducts[S Text](line S) (first span, products uint, reason Reason) {
	for i := elementStart(line, 0); i < uint(len(line)); i = elementStart(line, i) {
		name, end := productEnd(line, i)
		if name == i {
			return span{end: i}, 0, ErrToken
		}
		if end == name+1 {
			return span{end: end}, 0, ErrVersion
		}
		if products == 0 {
			first = span{i, name, end}
		}
		products++
		if i = elementEnd(line, end); i < uint(len(line)) && line[i] != ',' {
			return span{end: i}, 0, ErrDelimiter
		}
	}
	return first, products, 0
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

// cursor goes through the products of a List once.
type cursor[S Text] struct {
	lines []S
	at    uint // offset in lines[0]
}

// next returns the next product, or the zero Product after the last. It checks
// nothing of what ParseList checked, and yet stays within the line whatever it
// has become since.
func (c *cursor[S]) next() Product[S] {
	for ; len(c.lines) > 0; c.lines, c.at = c.lines[1:], 0 {
		line := c.lines[0]
		if start := elementStart(line, c.at); start < uint(len(line)) {
			name, end := productEnd(line, start)
			c.at = end
			return Product[S]{line[start:end], int(name - start)}
		}
	}
	return Product[S]{}
}

// All returns the products in the order received, which is the client's order of
// preference. They alias the lines. Going through them cannot fail and allocates
// nothing.
func (l List[S]) All() iter.Seq[Product[S]] {
	// No more than a call, so that All is inlined and the closure stays off
	// the heap.
	return func(yield func(Product[S]) bool) { l.each(yield) }
}

func (l *List[S]) each(yield func(Product[S]) bool) {
	if l.first.IsZero() || !yield(l.first) || l.lines == nil {
		return
	}
	rest := cursor[S]{l.lines, uint(l.next)}
	for p := rest.next(); !p.IsZero() && yield(p); p = rest.next() {
	}
}

// IsZero reports whether l has no product.
func (l List[S]) IsZero() bool { return l.first.IsZero() }

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
	rest := cursor[S]{l.lines, uint(l.next)}
	for p := l.first; !p.IsZero() && len(supported) > 0; p = rest.next() {
		for i, q := range supported {
			if p.Matches(q) {
				best, supported = q, supported[:i]
				break
			}
		}
	}
	return best
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
