package upgrade

import "iter"

// This file knows the Connection field: a list of tokens, and what three of them mean
// for the connection. It does not know products.

// Connection holds the options of a Connection field in the order received. The zero
// Connection has none.
//
// A Connection aliases the lines it was read from and the slice that holds them.
// Neither may change while the Connection is in use.
type Connection[S Text] struct {
	lines []S
	known options
}

// options is a set of the options that every HTTP stack asks for. They are recorded
// while the field is parsed, so that asking for them costs nothing.
type options uint8

const (
	optionClose options = 1 << iota
	optionKeepAlive
	optionUpgrade

	malformed // not an option: the field was malformed
)

// knownOption returns the set that holds only option. The set is empty if option is none of
// the known ones.
func knownOption[S Text](option S) options {
	// The common spellings first, then any letter case.
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

// ParseConnection returns the options in the lines of a Connection field, which are given
// in the order received. A line has neither the name of the field nor a line end. If any
// line is malformed, the error is a [*SyntaxError]. The Connection then has no options,
// and is not persistent, because the sender may have asked to close.
//
// Without lines, or if the lines have only blanks and commas, the Connection is empty and
// the error is nil. ParseConnection takes linear time and allocates nothing but the
// error. It follows [RFC 9110, section 7.6.1].
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

// checkOptions checks one line of a list of options. It returns the known options that
// the line names, or where and why the line is malformed.
//
//	Connection        = #connection-option
//	connection-option = token
func checkOptions[S Text](line S) (known options, at uint, reason Reason) {
	// A line that is exactly one known option needs no scan.
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

// All returns an iterator over the options in the order received, in their original
// spelling. The options alias the lines. Iterating cannot fail and allocates nothing.
func (c Connection[S]) All() iter.Seq[S] {
	return func(yield func(S) bool) {
		for _, line := range c.lines {
			for i := elementStart(line, 0); i < uint(len(line)); i = elementStart(line, i) {
				end := tokenEnd(line, i)
				// There is no token here if the caller has changed the line.
				if end == i || !yield(line[i:end]) {
					return
				}
				i = end
			}
		}
	}
}

// Has reports whether c names option, as a whole token, without regard to the case of
// ASCII letters. It allocates nothing.
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

// Persistent reports whether the connection stays open after this message, whose HTTP
// version is major.minor. The result is false after a malformed field and with the option
// close. Otherwise it is true with the option keep-alive, and in version 1.1 or later.
// Persistent follows [RFC 9112, section 9.3].
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
