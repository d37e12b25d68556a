package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// This file knows how cases are run and their outcome is told. What a case asks, and
// what it has to have, stands in case.go.

func corpusCommand() *cobra.Command {
	var (
		as     string
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "corpus [--as NAME] [--json] FILE...",
		Short: "Run test cases for Upgrade, Connection and the switch",
		Long: `Corpus runs the cases of JSON files in the format of testdata/README.md against this
build, so that who writes a parser of their own can see the format at work.

The name of a file says what its cases ask: upgrade.json, connection.json,
request.json, response.json or captures.json. A file of another name needs --as. The
heads of captures.json are looked for in the directory captures beside it.

Each case that fails is told with what it wants and what it got; in the end comes the
number of cases passed and failed. Nothing of a file is run that is malformed, has an
unknown key, lacks one, or has a name twice. A file may have 64 MiB.

With --json it writes one object for programs, with these keys, which stay, and are
all always there:

  passed    the number of cases
  failed    the number of cases
  failures  the cases that failed, as [{"file", "name", "want", "got"}]
  errors    the files that could not be run, as [{"file", "text"}]

Want and got have the keys that the format has for an outcome.

Exit codes: 0 if all cases passed; 1 if one failed or a file could not be run; 2 if
the command line is wrong.`,
		Example: `  upgrade101 corpus testdata/*.json
  upgrade101 corpus --as upgrade my-cases.json
  upgrade101 corpus --json testdata/request.json`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(cmd *cobra.Command, files []string) error {
			if as != "" && formats[as] == nil {
				return fmt.Errorf("--as: want one of %s", strings.Join(formatNames(), ", "))
			}
			var o outcome
			for _, file := range files {
				o.runFile(file, as)
			}
			var err error
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), o.forPrograms())
			} else {
				_, err = coloured(cmd.OutOrStdout(), colourOfOutcome).Write(o.text())
			}
			if err != nil {
				return failure{err}
			}
			if len(o.failures)+len(o.errors) > 0 {
				return errFailed
			}
			return nil
		},
	}
	command.Flags().StringVar(&as, "as", "", "take all files for the one of this name: "+strings.Join(formatNames(), ", "))
	command.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	command.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp))
	return command
}

// errFailed ends a command that has told on standard output what failed.
var errFailed = errors.New("failed")

// outcome is what became of cases.
type outcome struct {
	passed   int
	failures []mismatch
	errors   []fileError
}

// mismatch is a case that failed.
type mismatch struct {
	file, name string
	want, got  answer
}

// fileError is a file that was not run, and why.
type fileError struct{ file, text string }

// maxCorpus is how long a file of cases may be.
const maxCorpus = 64 << 20

// runFile adds the outcome of the cases of one file. as is the name of its format, empty
// if that is the file's own name.
func (o *outcome) runFile(file, as string) {
	if as == "" {
		as = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	read := formats[as]
	if read == nil {
		o.fail(file, "want a file named as its format is ("+strings.Join(formatNames(), ", ")+"), or --as")
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

func (o *outcome) fail(file, text string) { o.errors = append(o.errors, fileError{file, text}) }

func readFile(file string, read reader) ([]ran, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCorpus+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if len(data) > maxCorpus {
		return nil, errors.New("the file is longer than 64 MiB")
	}
	return read(data, filepath.Join(filepath.Dir(file), "captures"))
}

// withoutPath returns what is wrong with a file that is named already.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// formatNames returns the names of the formats, sorted.
func formatNames() []string {
	var names []string
	for name := range formats {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// text returns the outcome as lines for people.
func (o outcome) text() []byte {
	var b bytes.Buffer
	for _, e := range o.errors {
		fmt.Fprintf(&b, "error: %s: %s\n", escape(e.file), escape(e.text))
	}
	for _, f := range o.failures {
		fmt.Fprintf(&b, "failed: %s: %s\n- want %s\n+ got  %s\n", escape(f.file), escape(f.name), f.want, f.got)
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", o.passed, len(o.failures))
	return b.Bytes()
}

// colourOfOutcome returns the colour of a line of text, empty for none.
func colourOfOutcome(line string) string {
	switch {
	case strings.HasPrefix(line, "error: "), strings.HasPrefix(line, "failed: "):
		return bold
	case strings.HasPrefix(line, "- want "), strings.HasSuffix(line, " passed, 0 failed"):
		return green
	case strings.HasPrefix(line, "+ got "), strings.HasSuffix(line, " failed"):
		return red
	}
	return ""
}

type outcomeJSON struct {
	Passed   int             `json:"passed"`
	Failed   int             `json:"failed"`
	Failures []mismatchJSON  `json:"failures"`
	Errors   []fileErrorJSON `json:"errors"`
}

type mismatchJSON struct {
	File string `json:"file"`
	Name string `json:"name"`
	Want answer `json:"want"`
	Got  answer `json:"got"`
}

type fileErrorJSON struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// forPrograms returns the outcome as it is written with --json.
func (o outcome) forPrograms() outcomeJSON {
	j := outcomeJSON{o.passed, len(o.failures), []mismatchJSON{}, []fileErrorJSON{}}
	for _, f := range o.failures {
		j.Failures = append(j.Failures, mismatchJSON{f.file, f.name, f.want, f.got})
	}
	for _, e := range o.errors {
		j.Errors = append(j.Errors, fileErrorJSON{e.file, e.text})
	}
	return j
}
