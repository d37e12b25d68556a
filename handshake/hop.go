package handshake

import (
	"iter"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/octet"
)

// This file knows which fields of a message end at an intermediary, by their names. It
// knows neither how a stack keeps fields nor what Connection means for a switch.

// Hop tells which fields of a message end at this hop: they are meant for one connection
// only, and an intermediary removes them before it passes the message on. The zero Hop
// has only the fields that end at every hop.
//
// A Hop aliases the lines of Connection, the names in keep, and the slices that hold
// them. Do not change any of these while the Hop is in use.
type Hop[S upgrade.Text] struct {
	connection []S
	keep       []string
}

// HopByHop reads the lines of Connection and returns which fields of the message end at
// this hop:
//
//   - Connection, Upgrade, Keep-Alive, TE, Trailer, Transfer-Encoding, HTTP2-Settings,
//     Proxy-Connection, Proxy-Authenticate and Proxy-Authorization, in any message;
//   - the fields that Connection names, except those in keep.
//
// Host, Content-Length and Content-Encoding are never among them, because they say where
// the message goes and how to read its content. keep names fields that a client must not
// be able to remove, such as those that an intermediary adds or authenticates by. They
// stay even if Connection names them, except the fields of the first item.
//
// If Connection is malformed, HopByHop returns a [*FieldError], and a Hop with every
// well-formed element of Connection. An intermediary answers such a request with 400 (Bad
// Request), and such a response with 502 (Bad Gateway). If it passes the message on
// nevertheless, it must remove the fields of that Hop.
//
// HopByHop takes linear time and allocates only the error. It follows
// [RFC 9110, section 7.6.1].
//
// [RFC 9110, section 7.6.1]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.6.1
func HopByHop[S upgrade.Text](connection []S, keep ...string) (Hop[S], error) {
	hop := Hop[S]{connection, keep}
	if _, err := upgrade.ParseConnection(connection...); err != nil {
		return hop, fieldError("Connection", err)
	}
	return hop, nil
}

// Has reports whether the field of that name ends at this hop, without regard to the case
// of ASCII letters. It allocates nothing. It reads Connection again at each call, so a
// stack that can look up fields by name should range over [Hop.All] instead.
func (h Hop[S]) Has(name string) bool {
	if endsAlways(name) {
		return true
	}
	if protects(h.keep, name) {
		return false
	}
	for _, line := range h.connection {
		for i := 0; i < len(line); {
			var option S
			if option, i = nextOption(line, i); len(option) > 0 && octet.EqualFold(option, name) {
				return true
			}
		}
	}
	return false
}

// All returns an iterator over the names in Connection for which [Hop.Has] reports true,
// in the order received and as they were spelled. They alias the lines; a name can occur
// more than once. A field that ends at every hop is among them only if Connection names
// it.
func (h Hop[S]) All() iter.Seq[S] {
	return func(yield func(S) bool) {
		for _, line := range h.connection {
			for i := 0; i < len(line); {
				var option S
				option, i = nextOption(line, i)
				// keep does not protect a field that ends at every hop.
				if len(option) > 0 && (!protects(h.keep, option) || endsAlways(option)) && !yield(option) {
					return
				}
			}
		}
	}
}

// nextOption returns the element of Connection that begins at i, and the index at which
// the next one begins. option is empty if the element is empty or malformed.
//
//	Connection        = #connection-option
//	connection-option = token
func nextOption[S upgrade.Text](line S, i int) (option S, next int) {
	end := i
	for end < len(line) && line[end] != ',' {
		end++
	}
	lexer := upgrade.NewLexer(line[i:end])
	kind := lexer.Next()
	if kind == upgrade.Space {
		kind = lexer.Next()
	}
	if kind == upgrade.Token {
		token := lexer.Text()
		if kind = lexer.Next(); kind == upgrade.Space {
			kind = lexer.Next()
		}
		if kind == upgrade.EOF {
			option = token
		}
	}
	return option, end + 1
}

// endsAlways reports whether a field ends at every hop, whatever Connection names.
// RFC 9110 asks senders to name these in Connection too, and many do not.
func endsAlways[S upgrade.Text](name S) bool {
	switch len(name) {
	case len("TE"):
		return octet.EqualFold(name, "TE")
	case len("Upgrade"): // Trailer is as long
		return octet.EqualFold(name, "Upgrade") || octet.EqualFold(name, "Trailer")
	case len("Connection"): // Keep-Alive is as long
		return octet.EqualFold(name, "Connection") || octet.EqualFold(name, "Keep-Alive")
	case len("HTTP2-Settings"):
		return octet.EqualFold(name, "HTTP2-Settings")
	case len("Proxy-Connection"):
		return octet.EqualFold(name, "Proxy-Connection")
	case len("Transfer-Encoding"):
		return octet.EqualFold(name, "Transfer-Encoding")
	case len("Proxy-Authenticate"):
		return octet.EqualFold(name, "Proxy-Authenticate")
	case len("Proxy-Authorization"):
		return octet.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

// protects reports whether the field of that name stays even if Connection names it: it
// says where the message goes or how to read the content, or the caller keeps it.
func protects[S upgrade.Text](keep []string, name S) bool {
	if octet.EqualFold(name, "Host") || octet.EqualFold(name, "Content-Length") || octet.EqualFold(name, "Content-Encoding") {
		return true
	}
	for _, kept := range keep {
		if octet.EqualFold(name, kept) {
			return true
		}
	}
	return false
}
