package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
)

// This file knows the command line of parse, and where a message comes from: arguments or
// standard input. Package explain reads the message.

func parseCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "parse [--json] [ARG...]",
		Short: "Explain the Upgrade and Connection fields of a message",
		Long: `Parse reads the fields Upgrade and Connection as a server must. It shows the products
and options that they name, whether they are an offer to switch protocols, and why. If
a field is malformed, it shows the line and marks the place.

An argument with a colon is a field line. Any other argument is the value of one
Upgrade line. Parse assumes that the request is HTTP/1.1 and has a Host. If no field
line is given, it also assumes "Connection: Upgrade". Put arguments that begin with a
minus after "--".

Without arguments, parse reads the head of a request or a response from standard
input, up to the empty line, 1 MiB at most. It is as strict as a server should be: the
Host, the framing of the content, and each line must be right, or the message is
malformed. For convenience, lines may end in LF alone, empty lines may come first, and
the empty line at the end may be missing. If this request offers websocket, parse also
checks the method, Sec-WebSocket-Version and Sec-WebSocket-Key.

The lines of a field count from 0. Offsets count the octets of the line's value, also
from 0. An octet that is not printable ASCII is shown as \t or \xNN, and a backslash as
two. If a line is long, only the part around the fault is shown.

On a terminal the output has colours, unless the environment variable NO_COLOR is set.

With --json it writes one object for programs. All of these keys are always present,
and later versions keep them:

  assumed   what parse assumed because it was not given
  start     the start line, empty if only fields were given
  lines     the values of the lines received, as {"connection": [], "upgrade": []}
  options   the options of Connection, as [{"option", "line", "offset"}]
  products  the products of Upgrade, as [{"product", "name", "version", "line",
            "offset"}]
  checked   the names of the fields that parse checked for websocket
  ignored   the names of all other fields
  errors    what is malformed, as [{"in", "reason", "line", "offset", "text"}]
  verdict   "offer" or "no offer", for a response "switch" or "no switch"
  why       the reason for the verdict, in words

A string is a sequence of octets, one code point each. Octets outside printable ASCII
are written \u00XX. If a field is malformed, "in" is "Connection" or "Upgrade", and
"reason" is ErrToken, ErrVersion, ErrDelimiter or ErrNoElement. If the message itself is
malformed, "in" is "request line", "status line", "field line" or "empty line", and
"reason" is empty. Then "line" counts the lines of the message or the arguments,
"offset" counts the octets of the whole line, and "lines" has only the lines before the
fault. The texts for people, which are "assumed", "text" and "why", may change.

Exit codes: 0 if the message is well-formed, offer or not; 1 if it is malformed
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
		if slices.ContainsFunc(args, isFile) {
			fmt.Fprintln(cmd.ErrOrStderr(), "A file has the name of an argument. To read a message from a file: upgrade101 parse <FILE")
		}
		return explain.Arguments(args), nil
	}
	if text.IsTerminal(cmd.InOrStdin()) {
		fmt.Fprintln(cmd.ErrOrStderr(), "Reading the head of a message from standard input, up to an empty line.")
	}
	var lines []string
	err := untilDone(cmd.Context(), func() (err error) {
		lines, err = explain.ReadHead(cmd.InOrStdin())
		return err
	})
	if err != nil {
		return explain.Report{}, failure{err}
	}
	if len(lines) == 0 {
		return explain.Report{}, errors.New("no arguments, and nothing on standard input")
	}
	return explain.Head(lines), nil
}

// isFile reports whether a file has this name.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
