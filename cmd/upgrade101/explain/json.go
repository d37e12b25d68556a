package explain

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// This file knows how programs get a report.

// ReportJSON is a report as JSON. It holds what a stranger sent as octets.
type ReportJSON struct {
	Assumed  string        `json:"assumed"`
	Start    text.Octets   `json:"start"`
	Lines    LinesJSON     `json:"lines"`
	Options  []OptionJSON  `json:"options"`
	Products []ProductJSON `json:"products"`
	Checked  []text.Octets `json:"checked"`
	Ignored  []text.Octets `json:"ignored"`
	Errors   []FaultJSON   `json:"errors"`
	Verdict  string        `json:"verdict"`
	Why      string        `json:"why"`
}

type LinesJSON struct {
	Connection []text.Octets `json:"connection"`
	Upgrade    []text.Octets `json:"upgrade"`
}

type OptionJSON struct {
	Option text.Octets `json:"option"`
	Line   int         `json:"line"`
	Offset int         `json:"offset"`
}

type ProductJSON struct {
	Product text.Octets `json:"product"`
	Name    text.Octets `json:"name"`
	Version text.Octets `json:"version"`
	Line    int         `json:"line"`
	Offset  int         `json:"offset"`
}

type FaultJSON struct {
	In     string `json:"in"`
	Reason string `json:"reason"`
	Line   int    `json:"line"`
	Offset int    `json:"offset"`
	Text   string `json:"text"`
}

// ForPrograms returns the report for JSON.
func (r Report) ForPrograms() ReportJSON {
	j := ReportJSON{
		Assumed:  r.assumed,
		Start:    text.Octets(r.start),
		Lines:    LinesJSON{text.AllOctets(r.connection), text.AllOctets(r.upgrade)},
		Options:  []OptionJSON{},
		Products: []ProductJSON{},
		Checked:  text.AllOctets(r.checked),
		Ignored:  text.AllOctets(r.ignored),
		Errors:   []FaultJSON{},
		Verdict:  r.verdict,
		Why:      r.why,
	}
	for _, o := range r.options {
		j.Options = append(j.Options, OptionJSON{text.Octets(o.name), o.line, o.offset})
	}
	for _, p := range r.products {
		j.Products = append(j.Products, ProductJSON{
			text.Octets(p.String()), text.Octets(p.Name()), text.Octets(p.Version()), p.line, p.offset,
		})
	}
	for _, f := range r.faults {
		j.Errors = append(j.Errors, FaultJSON{f.where, ReasonName(f.syntax), f.place.line, f.offset, f.reason})
	}
	return j
}

// ReasonName returns the name of the constant reason, or an empty string for 0.
func ReasonName(reason upgrade.Reason) string {
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
