package upgrade

import "iter"

// This file knows the Connection field: a list of tokens, and what three of them
// mean for the connection. It knows nothing of products.

// Connection is the options of a Connection field, in the order received. The
// zero Connection has none.
//
// It aliases the lines it was read from, and the slice that holds them: neither
// may change while it is in use.
type Connection[S Text] struct {
	lines []S
	known options
}

// options is a set of the options that every HTTP stack asks for. They are noted
// while the field is read, so that asking costs nothing.
type options uint8

const (
	optionClose options = 1 << iota
	optionKeepAlive
	optionUpgrade

	malformed // no option: what was read is no Connection field
)

// knownOption returns the set of the one option, or the empty set.
func knownOption[S Text](option S) options {
	// As nearly everybody spells it, and then in any case.
	switch string(option) {
	case "Upgrade", "upgrade":
		return optionUpgrade
	case "keep-alive", "Keep-Alive":
		return optionKeepAlive
	case "close":
		return optionClose
	}
	switch {
	case equalFold(option, "upgrade"):
		return optionUpgrade
	case equalFold(option, "keep-alive"):
		return optionKeepAlive
	case equalFold(option, "close"):
		return optionClose
	}
	return 0
}

// ParseConnection reads the lines of a Connection field, all of them, in the order
// received, each as bytes or as a string without its line end. The result is the
// whole field or nothing: a malformed line anywhere is a [*SyntaxError]. The
// Connection that comes with it has no option and is not persistent, because the
// sender may have asked to close.
//
// No line at all and lines without an element are an empty Connection. It takes
// linear time and allocates nothing but the error. It follows
// [RFC 9110, section 7.6.1].
//
// [RFC 9110, section 7.6.1]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.6.1
func ParseConnection[S Text](lines ...S) (Connection[S], error) {
	var known options
	for i, line := range lines {
		found, at, reason := checkOptions(line)
		if reason != 0 {
			return Connection[S]{known: malformed}, &SyntaxError{i, int(at), reason}
		}
		known |= found
	}
	return Connection[S]{lines, known}, nil
}

// checkOptions checks one line of a list of options. It returns which of the known
// ones it names; or why the line is malformed, and where.
//
//	Connection        = #connection-option
//	connection-option = token
func checkOptions[S Text](line S) (known options, at uint, reason Reason) {
	// A line that is an option to the letter needs no closer look.
	if known = knownOption(line); known != 0 {
		return known, 0, 0
	}
	for i := elementStart(line, 0); i < uint(len(line)); i = elementStart(line, i) {
		end := tokenEnd(line, i)
		if end == i {
			return 0, i, ErrToken
		}
		known |= knownOption(line[i:end])
		if i = elementEnd(line, end); i < uint(len(line)) && line[i] != ',' {
			return 0, i, ErrDelimiter
		}
	}
	return known, 0, 0
}

// All returns the options in the order received, as they were spelled. They alias
// the lines. Going through them cannot fail and allocates nothing.
func (c Connection[S]) All() iter.Seq[S] {
	return func(yield func(S) bool) {
		for _, line := range c.lines {
			for i := elementStart(line, 0); i < uint(len(line)); i = elementStart(line, i) {
				end := tokenEnd(line, i)
				// A line that was changed since could leave no token here.
				if end == i || !yield(line[i:end]) {
					return
				}
				i = end
			}
		}
	}
}

// Has reports whether option is named, as a whole token, without regard to the
// case of ASCII letters. It allocates nothing.
func (c Connection[S]) Has(option string) bool {
	if known := knownOption(option); known != 0 {
		return c.known&known != 0
	}
	for o := range c.All() {
		if equalFold(o, option) {
			return true
		}
	}
	return false
}

// Persistent reports whether the connection stays open after this message, which
// is of HTTP version major.minor: not if the option close is named or the field is
// malformed; else if keep-alive is named; else if the version's default is to, as it
// is from 1.1 on. It follows [RFC 9112, section 9.3].
//
// [RFC 9112, section 9.3]: https://httpwg.org/specs/rfc9112.html#rfc.section.9.3
func (c Connection[S]) Persistent(major, minor int) bool {
	switch {
	case c.known&(optionClose|malformed) != 0:
		return false
	case c.known&optionKeepAlive != 0:
		return true
	}
	return major > 1 || major == 1 && minor >= 1
}
