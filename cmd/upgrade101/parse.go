package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// This file knows the command line of parse, and where a message comes from: arguments or
// standard input. Package explain reads it.

func parseCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "parse [--json] [ARG...]",
		Short: "Explain the Upgrade and Connection fields of a message",
		Long: `Parse reads the fields Upgrade and Connection as a server must. It shows the products
and options that they name, whether they are an offer to switch protocols, and why. If
a field is malformed, it shows the line and marks the place.

An argument with a colon is a field line; any other is the value of an Upgrade line,
and several are several lines. The request is taken to be HTTP/1.1 and to have a Host.
If no field line is given, it is taken to have "Connection: Upgrade". Put arguments
that begin with a minus after "--".

Without arguments, parse reads the head of a request or a response from standard
input, up to the empty line, 1 MiB at most. It is as strict as a server should be: the
Host, the framing of the content, and each line must be right, or the message is
malformed. For convenience, lines may end in LF alone, empty lines may come first, and
the one at the end may be missing.

Lines count from 0, and so do offsets, which are octets of the field's value. An octet
that is not printable ASCII is shown as \t or \xNN, and a backslash as two. Of a long
line, only the part around the fault is shown.

On a terminal the output has colours, unless the environment variable NO_COLOR is set.

With --json it writes one object for programs. All of these keys are always present,
and later versions keep them:

  assumed   what parse assumed because it was not given
  start     the start line, empty if only fields were given
  lines     the values of the lines received, as {"connection": [], "upgrade": []}
  options   of Connection, as [{"option", "line", "offset"}]
  products  of Upgrade, as [{"product", "name", "version", "line", "offset"}]
  ignored   the names of all other fields
  errors    what is malformed, as [{"in", "reason", "line", "offset", "text"}]
  verdict   "offer" or "no offer", of a response "switch" or "no switch"
  why       the reason of the verdict, in words

A string is a sequence of octets, one code point each. Octets outside printable ASCII
are written \u00XX. The key in is "Connection" or "Upgrade", and reason is then ErrToken,
ErrVersion, ErrDelimiter or ErrNoElement. Or it is "request line", "status line",
"field line" or "empty line", without a reason but with the line of the message or the
argument, and the offset in the whole line. If a message is malformed, the lines are
those before the fault. The texts for people, which are assumed, text and why, may
change.

Exit codes: 0 if the message is well-formed, an offer or not; 1 if it is malformed
or too long; 2 if the command line is wrong or there is nothing to read.`,
		Example: `  upgrade101 parse 'HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11'
  upgrade101 parse 'Connection: keep-alive, Upgrade' 'Upgrade: websocket'
  upgrade101 parse 'foo / 1'
  upgrade101 parse --json 'HTTP/2.0, websocket'
  upgrade101 parse <request.txt`,
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parse(cmd, args)
			if err != nil {
				return err
			}
			if asJSON {
				err = text.WriteJSON(cmd.OutOrStdout(), r.ForPrograms())
			} else {
				_, err = text.Coloured(cmd.OutOrStdout(), explain.ColourOf).Write(r.Text())
			}
			if err != nil {
				return failure{err}
			}
			if r.Malformed() {
				return errMalformed
			}
			return nil
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	return command
}

// parse reports on the message in args or on standard input.
func parse(cmd *cobra.Command, args []string) (explain.Report, error) {
	if len(args) > 0 {
		return explain.Arguments(args), nil
	}
	if text.IsTerminal(cmd.InOrStdin()) {
		fmt.Fprintln(cmd.ErrOrStderr(), "Reading the head of a message from standard input, up to an empty line.")
	}
	lines, err := explain.ReadHead(cmd.InOrStdin())
	if err != nil {
		return explain.Report{}, failure{err}
	}
	if len(lines) == 0 {
		return explain.Report{}, errors.New("no arguments, and nothing on standard input")
	}
	return explain.Head(lines), nil
}
