package httpupgrade

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file takes fields from header maps and puts them there.

// FieldsOf returns what of h may stand in a 101, for a caller that has its fields in a
// header map: sorted by name, the lines of a name in their order, values without blanks
// around them. It leaves out Upgrade, Connection, Content-Length, Transfer-Encoding and
// Trailer, and whatever fails [handshake.Field.Check]. The strings are those of h.
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
			// What AppendField takes may stand in a 101.
			if _, err := handshake.AppendField(room[:0], name, value); err == nil {
				fields = append(fields, handshake.Field{Name: name, Value: value})
			}
		}
	}
	return fields
}

func trim(value string) string { return strings.Trim(value, " \t") }

// SetSwitchingProtocols sets in h the fields of a 101 that switches to, for a handler
// that answers through WriteHeader(101): one Upgrade, one Connection, and fields, which
// it adds to what h has. It removes Content-Length, Transfer-Encoding and Trailer.
//
// The errors are those of [handshake.AppendSwitchingProtocols]; h is then as it was.
func SetSwitchingProtocols(h http.Header, to []upgrade.Product[string], fields ...handshake.Field) error {
	var room [512]byte
	if _, err := handshake.AppendSwitchingProtocols(room[:0], to, fields...); err != nil {
		return err
	}
	for name := range h {
		if _, err := handshake.AppendField(room[:0], name, ""); err == handshake.ErrReserved {
			delete(h, name) // in whatever spelling
		}
	}
	h["Upgrade"] = []string{string(upgrade.AppendList(nil, to...))}
	h["Connection"] = []string{"Upgrade"}
	for _, f := range fields {
		h.Add(f.Name, f.Value)
	}
	return nil
}

// carried returns fields, and after them those of h that names say, in the order of
// names and each name once.
func carried(fields []handshake.Field, h http.Header, names []string) []handshake.Field {
	fields = slices.Clip(fields) // they are the caller's
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
		for other, lines := range h { // such as ETag, by a caller that sets the map itself
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
