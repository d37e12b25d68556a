package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/gosegue/upgrade"
)

// This file knows how a report is told to programs.

// reportJSON is a report as JSON. What is a stranger's in it is octets.
type reportJSON struct {
	Assumed  string        `json:"assumed"`
	Start    octets        `json:"start"`
	Lines    linesJSON     `json:"lines"`
	Options  []optionJSON  `json:"options"`
	Products []productJSON `json:"products"`
	Ignored  []octets      `json:"ignored"`
	Errors   []faultJSON   `json:"errors"`
	Verdict  string        `json:"verdict"`
	Why      string        `json:"why"`
}

type linesJSON struct {
	Connection []octets `json:"connection"`
	Upgrade    []octets `json:"upgrade"`
}

type optionJSON struct {
	Option octets `json:"option"`
	Line   int    `json:"line"`
	Offset int    `json:"offset"`
}

type productJSON struct {
	Product octets `json:"product"`
	Name    octets `json:"name"`
	Version octets `json:"version"`
	Line    int    `json:"line"`
	Offset  int    `json:"offset"`
}

type faultJSON struct {
	In     string `json:"in"`
	Reason string `json:"reason"`
	Line   int    `json:"line"`
	Offset int    `json:"offset"`
	Text   string `json:"text"`
}

// forPrograms returns the report as it is written with --json.
func (r report) forPrograms() reportJSON {
	j := reportJSON{
		Assumed:  r.assumed,
		Start:    octets(r.start),
		Lines:    linesJSON{asOctets(r.connection), asOctets(r.upgrade)},
		Options:  []optionJSON{},
		Products: []productJSON{},
		Ignored:  asOctets(r.ignored),
		Errors:   []faultJSON{},
		Verdict:  r.decision,
		Why:      r.reason,
	}
	for _, o := range r.options {
		j.Options = append(j.Options, optionJSON{octets(o.name), o.line, o.offset})
	}
	for _, p := range r.products {
		j.Products = append(j.Products, productJSON{
			octets(p.String()), octets(p.Name()), octets(p.Version()), p.line, p.offset,
		})
	}
	for _, f := range r.faults {
		j.Errors = append(j.Errors, faultJSON{f.where, reasonName(f.syntax), f.place.line, f.offset, f.reason})
	}
	return j
}

// reasonName returns the name of the constant, empty for 0.
func reasonName(reason upgrade.Reason) string {
	switch reason {
	case upgrade.ErrToken:
		return "ErrToken"
	case upgrade.ErrVersion:
		return "ErrVersion"
	case upgrade.ErrDelimiter:
		return "ErrDelimiter"
	case upgrade.ErrNoElement:
		return "ErrNoElement"
	}
	return ""
}

// writeJSON writes v and a line end, readable for people too, in printable ASCII.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(asciiJSON(b.Bytes()))
	return err
}

// asciiJSON returns JSON text with every code point behind ~ escaped. They stand in
// strings alone.
func asciiJSON(text []byte) []byte {
	dst := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r <= '~' {
			dst = append(dst, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			dst = fmt.Appendf(dst, `\u%04X`, unit)
		}
	}
	return dst
}
