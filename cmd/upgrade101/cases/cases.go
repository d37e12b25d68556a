// Package cases runs the test cases of package corpus against this build. It knows the
// calls that answer a case and how to show the outcome. Package corpus reads the files and
// knows their format.
package cases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/internal/corpus"
)

// This file knows files of cases, and the outcome of running them.

// formats holds the reader of each format. Its key is the name of a file without .json.
var formats = map[string]reader{
	"upgrade":    read(answerUpgrade),
	"connection": read(answerConnection),
	"request":    read(answerRequest),
	"response":   read(answerResponse),
	"captures":   read(answerCapture),
}

// Formats returns the names of the formats, sorted.
func Formats() []string {
	var names []string
	for name := range formats {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reader reads and runs the cases of a file. On an error it returns no cases. captures is
// the directory of the heads to which cases may refer.
type reader func(data []byte, captures string) ([]ran, error)

// ran is a case that has been run.
type ran struct {
	name      string
	want, got Answer
}

// read returns the reader of one format, which calls answers for each case.
func read[C corpus.Case](answers func(c C, captures string) (want, got Answer, err error)) reader {
	return func(data []byte, captures string) ([]ran, error) {
		cases, err := corpus.Decode[C](data)
		if err != nil {
			return nil, err
		}
		var all []ran
		for i, c := range cases {
			want, got, err := answers(c, captures)
			if err != nil {
				return nil, fmt.Errorf("case %d: %w", i, err)
			}
			all = append(all, ran{corpus.NameOf(c), want, got})
		}
		return all, nil
	}
}

// Outcome is the outcome of running cases. The zero Outcome has no cases.
type Outcome struct {
	passed   int
	failures []mismatch
	errors   []fileError
}

// mismatch is a case that failed.
type mismatch struct {
	file, name string
	want, got  Answer
}

// fileError is the name of a file that was not run, and why.
type fileError struct{ file, text string }

// maxFile is how long a file of cases may be, in octets.
const maxFile = 64 << 20

// Failed reports whether a case failed or a file was not run.
func (o *Outcome) Failed() bool { return len(o.failures)+len(o.errors) > 0 }

// RunFile runs the cases of one file and adds their outcome. as is the name of the format;
// if as is empty, it is the name of the file without .json.
func (o *Outcome) RunFile(file, as string) {
	if as == "" {
		as = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	read := formats[as]
	if read == nil {
		o.fail(file, "want a file named after its format ("+strings.Join(Formats(), ", ")+"), or --as")
		return
	}
	cases, err := readFile(file, read)
	if err != nil {
		o.fail(file, err.Error())
		return
	}
	for _, c := range cases {
		if c.want.String() == c.got.String() {
			o.passed++
		} else {
			o.failures = append(o.failures, mismatch{file, c.name, c.want, c.got})
		}
	}
}

func (o *Outcome) fail(file, text string) { o.errors = append(o.errors, fileError{file, text}) }

func readFile(file string, read reader) ([]ran, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if len(data) > maxFile {
		return nil, errors.New("the file is longer than 64 MiB")
	}
	return read(data, filepath.Join(filepath.Dir(file), "captures"))
}

// withoutPath returns err without the path of the file, which the caller adds.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Text returns the outcome as lines for people.
func (o *Outcome) Text() []byte {
	var b bytes.Buffer
	for _, e := range o.errors {
		fmt.Fprintf(&b, "error: %s: %s\n", text.Escape(e.file), text.Escape(e.text))
	}
	for _, f := range o.failures {
		fmt.Fprintf(&b, "failed: %s: %s\n- want %s\n+ got  %s\n", text.Escape(f.file), text.Escape(f.name), f.want, f.got)
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", o.passed, len(o.failures))
	return b.Bytes()
}

// ColourOf returns the colour of a line of Text, or an empty string for none.
func ColourOf(line string) string {
	switch {
	case strings.HasPrefix(line, "error: "), strings.HasPrefix(line, "failed: "):
		return text.Bold
	case strings.HasPrefix(line, "- want "), strings.HasSuffix(line, " passed, 0 failed"):
		return text.Green
	case strings.HasPrefix(line, "+ got "), strings.HasSuffix(line, " failed"):
		return text.Red
	}
	return ""
}

// OutcomeJSON is an outcome as JSON.
type OutcomeJSON struct {
	Passed   int             `json:"passed"`
	Failed   int             `json:"failed"`
	Failures []MismatchJSON  `json:"failures"`
	Errors   []FileErrorJSON `json:"errors"`
}

// MismatchJSON is a case that failed.
type MismatchJSON struct {
	File string `json:"file"`
	Name string `json:"name"`
	Want Answer `json:"want"`
	Got  Answer `json:"got"`
}

// FileErrorJSON is a file that was not run, and why.
type FileErrorJSON struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// ForPrograms returns the outcome as it is written with --json.
func (o *Outcome) ForPrograms() OutcomeJSON {
	j := OutcomeJSON{o.passed, len(o.failures), []MismatchJSON{}, []FileErrorJSON{}}
	for _, f := range o.failures {
		j.Failures = append(j.Failures, MismatchJSON{f.file, f.name, f.want, f.got})
	}
	for _, e := range o.errors {
		j.Errors = append(j.Errors, FileErrorJSON{e.file, e.text})
	}
	return j
}
