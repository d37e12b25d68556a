package explain

import (
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// This file knows how the page shows a report: lexeme by lexeme, and within bounds.

// How much of each field the page shows. It always shows the line with the fault.
const (
	maxShownLines    = 12
	MaxShownOctets   = 256 // of each line
	maxShownElements = 100
)

// Analysis is what the page shows of the fields of a message, as JSON.
type Analysis struct {
	Lines       []Shown       `json:"lines"`
	HiddenLines int           `json:"hiddenLines"`
	Options     []OptionJSON  `json:"options"`
	AllOptions  int           `json:"allOptions"`
	Products    []ProductJSON `json:"products"`
	AllProducts int           `json:"allProducts"`
	Errors      []FaultJSON   `json:"errors"`
	Verdict     string        `json:"verdict"`
	Why         string        `json:"why"`
}

// Shown is the part of a field line that is shown, and the lexemes in it.
type Shown struct {
	Field   string      `json:"field"`
	Line    int         `json:"line"`
	Length  int         `json:"length"` // of the whole line
	From    int         `json:"from"`   // where in the line the part begins
	Octets  text.Octets `json:"octets"`
	Lexemes []Lexeme    `json:"lexemes"`
}

// Lexeme is a lexeme, or the part of it that is shown.
type Lexeme struct {
	Kind   string `json:"kind"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

// ForPage returns the report for the page.
func (r Report) ForPage() Analysis {
	all := r.ForPrograms()
	j := Analysis{
		Lines:       []Shown{},
		Options:     all.Options[:min(len(all.Options), maxShownElements)],
		AllOptions:  len(all.Options),
		Products:    all.Products[:min(len(all.Products), maxShownElements)],
		AllProducts: len(all.Products),
		Errors:      all.Errors,
		Verdict:     all.Verdict,
		Why:         all.Why,
	}
	j.addLines("Upgrade", r.upgrade, r.faults)
	j.addLines("Connection", r.connection, r.faults)
	return j
}

// addLines adds the lines of a field that the page shows.
func (j *Analysis) addLines(field string, lines []string, faults []fault) {
	at := place{-1, -1}
	for _, f := range faults {
		if f.where == field {
			at = f.place
		}
	}
	for i, line := range lines {
		switch {
		case i == at.line:
			j.Lines = append(j.Lines, show(field, i, line, at.offset))
		case i < maxShownLines:
			j.Lines = append(j.Lines, show(field, i, line, 0))
		default:
			j.HiddenLines++
		}
	}
}

// show returns the part of a line that includes the octet at.
func show(field string, number int, line string, at int) Shown {
	from := 0
	if at >= MaxShownOctets {
		from = min(at-MaxShownOctets/2, len(line)-MaxShownOctets)
	}
	to := min(from+MaxShownOctets, len(line))
	shown := Shown{field, number, len(line), from, text.Octets(line[from:to]), []Lexeme{}}
	lexer := upgrade.NewLexer(line)
	for kind := lexer.Next(); kind != upgrade.EOF && lexer.Offset() < to; kind = lexer.Next() {
		begin, end := max(lexer.Offset(), from), min(lexer.Offset()+len(lexer.Text()), to)
		if begin < end {
			shown.Lexemes = append(shown.Lexemes, Lexeme{kind.String(), begin, end - begin})
		}
	}
	return shown
}
