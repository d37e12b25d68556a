package httpupgrade

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file takes fields from header maps and puts fields into them.

// FieldsOf returns the fields of h that a 101 may have, for a caller that has its fields
// in a header map. They are sorted by name. The lines of a name keep their order, and
// values lose the blanks around them. FieldsOf leaves out Upgrade, Connection,
// Content-Length, Transfer-Encoding and Trailer, and every field that fails
// [handshake.Field.Check]. It copies no strings.
func FieldsOf(h http.Header) []handshake.Field {
	names := make([]string, 0, len(h))
	lines := 0
	for name, values := range h {
		names = append(names, name)
		lines += len(values)
	}
	slices.Sort(names)
	fields := make([]handshake.Field, 0, lines)
	var room [128]byte
	for _, name := range names {
		for _, value := range h[name] {
			value = trim(value)
			// A 101 may have any field that AppendField accepts.
			if _, err := handshake.AppendField(room[:0], name, value); err == nil {
				fields = append(fields, handshake.Field{Name: name, Value: value})
			}
		}
	}
	return fields
}

func trim(value string) string { return strings.Trim(value, " \t") }

// SetSwitchingProtocols makes h the header of a 101 that switches to the products in to,
// for a handler that calls WriteHeader(101). It sets one line of Upgrade and one of
// Connection, adds fields to those that h has, and removes Content-Length,
// Transfer-Encoding and Trailer.
//
// The errors are those of [handshake.AppendSwitchingProtocols]. With an error, h is
// unchanged.
func SetSwitchingProtocols(h http.Header, to []upgrade.Product[string], fields ...handshake.Field) error {
	var room [512]byte
	if _, err := handshake.AppendSwitchingProtocols(room[:0], to, fields...); err != nil {
		return err
	}
	for name := range h {
		if _, err := handshake.AppendField(room[:0], name, ""); err == handshake.ErrReserved {
			delete(h, name) // in any spelling
		}
	}
	h["Upgrade"] = []string{string(upgrade.AppendList(nil, to...))}
	h["Connection"] = []string{"Upgrade"}
	for _, f := range fields {
		h.Add(f.Name, f.Value)
	}
	return nil
}

// carried returns fields, followed by those of h that names lists, in the order of names.
// A repeated name counts once.
func carried(fields []handshake.Field, h http.Header, names []string) []handshake.Field {
	fields = slices.Clip(fields) // the caller may share this slice
	for i, name := range names {
		var room [64]byte
		if _, err := handshake.AppendField(room[:0], name, ""); err != nil {
			panic("httpupgrade: Carry cannot name " + name + ": " + err.Error())
		}
		if slices.ContainsFunc(names[:i], func(other string) bool { return strings.EqualFold(name, other) }) {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		fields = appendLines(fields, canonical, h[canonical])
		for other, lines := range h { // such as ETag, set directly in the map
			if other != canonical && strings.EqualFold(other, canonical) {
				fields = appendLines(fields, other, lines)
			}
		}
	}
	return fields
}

func appendLines(fields []handshake.Field, name string, lines []string) []handshake.Field {
	for _, value := range lines {
		fields = append(fields, handshake.Field{Name: name, Value: trim(value)})
	}
	return fields
}
