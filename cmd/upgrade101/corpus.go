package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade/cmd/upgrade101/cases"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// This file knows the command line of corpus. Package cases runs the cases.

func corpusCommand() *cobra.Command {
	var (
		as     string
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "corpus [--as NAME] [--json] FILE...",
		Short: "Run test cases for Upgrade, Connection and the switch",
		Long: `Corpus runs the cases of JSON files in the format of testdata/README.md against this
build, so that authors of other parsers can see the format at work.

The name of a file says what its cases ask: upgrade.json, connection.json,
request.json, response.json or captures.json. A file with another name needs --as. The
heads of captures.json are in the directory captures next to it.

Corpus shows each case that fails, with what the case wants and what it got. At the end
it shows how many cases passed and how many failed. It runs no case of a file that is
malformed, has an unknown key, lacks a key, or uses a name twice. A file may be up to
64 MiB long.

With --json it writes one object for programs. All of these keys are always present,
and later versions keep them:

  passed    how many cases passed
  failed    how many cases failed
  failures  the cases that failed, as [{"file", "name", "want", "got"}]
  errors    the files that could not be run, as [{"file", "text"}]

The keys of want and got are those of an outcome in the format.

Exit codes: 0 if all cases passed; 1 if one failed or a file could not be run; 2 if
the command line is wrong.`,
		Example: `  upgrade101 corpus testdata/*.json
  upgrade101 corpus --as upgrade my-cases.json
  upgrade101 corpus --json testdata/request.json`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(cmd *cobra.Command, files []string) error {
			if as != "" && !slices.Contains(cases.Formats(), as) {
				return fmt.Errorf("--as: want one of %s", strings.Join(cases.Formats(), ", "))
			}
			var o cases.Outcome
			err := untilDone(cmd.Context(), func() error {
				for _, file := range files {
					o.RunFile(file, as)
				}
				return nil
			})
			if err != nil {
				return failure{err}
			}
			if asJSON {
				err = text.WriteJSON(cmd.OutOrStdout(), o.ForPrograms())
			} else {
				_, err = text.Coloured(cmd.OutOrStdout(), cases.ColourOf).Write(o.Text())
			}
			if err != nil {
				return failure{err}
			}
			if o.Failed() {
				return errFailed
			}
			return nil
		},
	}
	command.Flags().StringVar(&as, "as", "", "read all files as if they had this name: "+strings.Join(cases.Formats(), ", "))
	command.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	command.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(cases.Formats(), cobra.ShellCompDirectiveNoFileComp))
	return command
}
