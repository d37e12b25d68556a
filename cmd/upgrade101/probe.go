package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/probe"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/upgradetest"
)

// This file knows the command line of probe, and how to show the results. Package
// upgradetest makes the checks.

// How many octets of a string are shown to people, and how many are written for programs.
const (
	shownOctets   = 1 << 10
	writtenOctets = 4 << 10
)

func probeCommand() *cobra.Command {
	var (
		product  string
		asJSON   bool
		only     []string
		leave    []string
		headers  []string
		timeout  time.Duration
		insecure bool
		list     bool
		failures bool
		allow    bool
	)
	command := &cobra.Command{
		Use:   "probe [--product NAME[/VERSION]] [--only ID]... [--skip 'ID: REASON']... [--header LINE]... [--timeout DURATION] [--insecure] [--allow-no-switch] [--failures] [--json] URL | --list",
		Short: "Check how a server handles Upgrade",
		Long: fmt.Sprintf(`Probe sends requests that servers are known to treat differently, and judges the
answers. The checks are about the form of a 101 and a 426, which requests are offers,
where a request ends, malformed requests, and the demands of WebSocket and h2c. They are
those of package upgradetest, which is for tests in Go.

The URL begins with http://, https://, ws:// or wss://. Probe treats ws as http, and wss
as https. HOST:PORT stands for http://HOST:PORT. Probe offers websocket, or what
--product says.

The plain offer has one Upgrade line with the product, one Connection line, and the
fields that the product requires. If the answer to it is not a 101, the checks that need
a switch are skipped. Probe says so first, with that answer, and exits with 1 unless
--allow-no-switch is given.

Probe sends only the requests of the checks, one after the other, to one address of the
host, for the resource of the URL. It opens at most %d connections, sends at most %d
requests on each, and closes them all. It follows no redirect, reads at most 64 KiB of
an answer, and never waits longer than --timeout. Most requests are GET. A few are POST,
with a few octets of content. If a server switches to websocket, probe also tries HEAD,
PUT, OPTIONS, DELETE, PATCH and made-up methods without content. Probe other people's
servers only with their permission.

Each check has a level. MUST means that an RFC demands it of servers. SHOULD means that
an RFC recommends it, or demands it but permits otherwise elsewhere. MAY means that no
rule asks for it, but clients count on it. A server may ignore any offer. So if it
ignores a correct but unusual offer, that breaks a SHOULD at most. The verdicts are

  pass  the server does what the check says
  fail  the answer proves that the server does not
  skip  the check does not apply to this product or to a server that never switches, or
        another check shows the same fault
  note  the answer proves nothing, or no answer came in time

For each failed check, probe shows below the table what to change, and what was sent and
received. If nginx or Apache answers, probe also shows the directive that helps. Octets
outside printable ASCII are shown there as \r, \n, \t or \xNN, and a backslash as two.
With --failures, probe shows only failed checks, in the table or in "results".

With --header, all requests also have that field line, for a server that wants an
Origin, a subprotocol or a secret. Failed checks show their requests, with the secret. A
Sec-WebSocket-Protocol or Sec-WebSocket-Extensions line offers what it names.

With --only, probe makes only the checks with these IDs. With --skip, it leaves them out
and shows the reason. --list shows the checks and sends nothing. IDs keep their meaning.

With --json it writes one object for programs. All of these keys are always present,
and later versions keep them:

  url          the URL as it was given
  product      the product offered
  address      the address connected to, empty if there was no connection
  error        why the run ended early, empty if it did not
  switched     whether the plain offer got a 101
  first        the answer to the plain offer, in words
  connections  the number of connections
  summary      the numbers of results, as {"pass", "fail", "skip", "note", "failed_must"}
  advice       what an operator can do about the run as a whole, an array of strings
  results      a result for each check asked for, as [{"id", "title", "rfc", "section",
               "level", "remedy", "verdict", "reason", "directive", "exchanges"}]

"rfc" is a number, such as 9110, and "section" a string, such as "7.8". A "directive" is
the setting of the proxy that makes a failed check pass, empty if probe knows none. Each
of the "exchanges" is a connection on which the verdict rests, as {"sent", "sent_octets",
"received", "received_octets", "end"}. "sent" and "received" are strings of octets, one
code point each, cut after 4 KiB. "sent_octets" and "received_octets" are the numbers of
octets before the cut. "end" is what ended the reading: "read" (probe had all that it
waited for), "timeout", "closed" or "limit". With --list, probe writes an array of {"id",
"title", "rfc", "section", "level", "remedy", "applies"}. The texts for people, which are
"error", "first", "title", "remedy", "reason", "directive" and those of "advice", may
change.

Exit codes: 0 if no check of level MUST failed; 1 if one did, the server never switched,
or the run ended early; 2 if the command line is wrong.`, upgradetest.MaxConnections, upgradetest.MaxRequests),
		Example: `  upgrade101 probe http://127.0.0.1:8101/
  upgrade101 probe --product echo/1 http://127.0.0.1:8101/
  upgrade101 probe --header 'Origin: https://example.com' wss://example.com/chat
  upgrade101 probe --only http-1.0 --only connection-missing wss://example.com/chat
  upgrade101 probe --list --product h2c`,
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			offered, err := upgrade.ParseProduct(product)
			if err != nil {
				return fmt.Errorf("--product: %w", err)
			}
			checks := upgradetest.Checks(offered)
			known := func(id string) bool {
				return slices.ContainsFunc(checks, func(c upgradetest.Check) bool { return c.ID == id })
			}
			for _, id := range only {
				if !known(id) {
					return errors.New("--only: no such check; upgrade101 probe --list shows all")
				}
			}
			left := make([]string, len(leave)) // the IDs
			for i, entry := range leave {
				if left[i], _, _ = strings.Cut(entry, ":"); !known(left[i]) {
					return errors.New("--skip: no such check; upgrade101 probe --list shows all")
				}
			}
			if timeout <= 0 {
				return errors.New("--timeout: want a duration above zero")
			}
			if list {
				if len(args) > 0 {
					return errors.New("--list: want no URL")
				}
				checks = slices.DeleteFunc(checks, func(c upgradetest.Check) bool {
					return len(only) > 0 && !slices.Contains(only, c.ID) || slices.Contains(left, c.ID)
				})
				return listChecks(cmd, checks, asJSON)
			}
			if len(args) != 1 {
				return errors.New("want one URL")
			}
			target, err := probe.ParseTarget(args[0])
			if err != nil {
				return err
			}
			fields, err := parseHeaders(headers)
			if err != nil {
				return fmt.Errorf("--header: %w", err)
			}
			dialer := &probe.Dialer{Target: target, TLS: &tls.Config{InsecureSkipVerify: insecure}}
			all := len(only)
			if all == 0 {
				all = len(checks)
			}
			begin, done := progress(cmd, all)
			report, err := upgradetest.Run(cmd.Context(), dialer.Dial, upgradetest.Options{
				Product: offered,
				Target:  target.Request(),
				Host:    target.Host(),
				Fields:  fields,
				Only:    only,
				Skip:    leave,
				Timeout: timeout,
				Begin:   begin,
			})
			done()
			told := probed{args[0], offered, dialer, report, err}
			if asJSON {
				err = text.WriteJSON(cmd.OutOrStdout(), told.forPrograms(failures))
			} else if dialer.Connections > 0 {
				_, err = text.Coloured(cmd.OutOrStdout(), colourOfResult).Write(told.text(failures))
			} else {
				err = nil
			}
			switch {
			case err != nil:
				return failure{err}
			case told.err != nil:
				return failure{told.because()}
			case report.FailedMust() > 0, !report.Switched && !allow:
				return errFailed
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&product, "product", "websocket", "the product to offer")
	flags.StringArrayVar(&only, "only", nil, "make only the check with this ID; may be given several times")
	flags.StringArrayVar(&leave, "skip", nil, "leave out the check with this ID, as 'ID: REASON'; may be given several times")
	flags.StringArrayVar(&headers, "header", nil, "a field line for every request, as NAME: VALUE; may be given several times")
	flags.DurationVar(&timeout, "timeout", upgradetest.DefaultTimeout, "how long to wait for an answer")
	flags.BoolVar(&insecure, "insecure", false, "accept any certificate")
	flags.BoolVar(&asJSON, "json", false, "write one JSON object")
	flags.BoolVar(&failures, "failures", false, "show only the checks that failed")
	flags.BoolVar(&allow, "allow-no-switch", false, "exit with 0 even if the server never switches")
	flags.BoolVar(&list, "list", false, "show the checks, and send nothing")
	command.RegisterFlagCompletionFunc("only", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var ids []cobra.Completion
		for _, c := range upgradetest.Checks(upgrade.MustParseProduct("websocket")) {
			ids = append(ids, cobra.CompletionWithDesc(c.ID, c.Title))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	for _, name := range []string{"product", "header", "timeout", "skip"} {
		command.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return command
}

// parseHeaders parses field lines. Its errors do not quote the lines.
func parseHeaders(lines []string) ([]handshake.Field, error) {
	var fields []handshake.Field
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, errors.New("want a name, a colon and a value")
		}
		f := handshake.Field{Name: name, Value: strings.Trim(value, " \t")}
		if err := upgradetest.CheckField(f); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// listChecks shows the checks, and which of them do not apply.
func listChecks(cmd *cobra.Command, checks []upgradetest.Check, asJSON bool) error {
	var err error
	if asJSON {
		all := []listedJSON{}
		for _, c := range checks {
			all = append(all, listedJSON{checkOf(c), c.Applies})
		}
		err = text.WriteJSON(cmd.OutOrStdout(), all)
	} else {
		var b bytes.Buffer
		for _, c := range checks {
			fmt.Fprintf(&b, "%-6s  %-17s  %-28s  %s", c.Level, ruleOf(c), c.ID, c.Title)
			if !c.Applies {
				b.WriteString(" (does not apply to this product)")
			}
			b.WriteByte('\n')
		}
		_, err = cmd.OutOrStdout().Write(b.Bytes())
	}
	if err != nil {
		return failure{err}
	}
	return nil
}

// ruleOf returns a text such as "RFC 9110, 7.8".
func ruleOf(c upgradetest.Check) string { return "RFC " + c.RFC + ", " + c.Section }

// progress returns two functions for a terminal: begin shows which of all checks is under
// way, and done wipes that line. Without a terminal, begin is nil and done does nothing.
func progress(cmd *cobra.Command, all int) (begin func(upgradetest.Check), done func()) {
	terminal := text.Terminal(cmd.ErrOrStderr())
	if terminal == nil {
		return nil, func() {}
	}
	// Not escaped, because \r must move the cursor. The IDs are our own.
	begun := 0
	begin = func(check upgradetest.Check) {
		begun++
		fmt.Fprintf(terminal, "\r%-60s", fmt.Sprintf("%d of %d: %s", begun, all, check.ID))
	}
	return begin, func() { fmt.Fprintf(terminal, "\r%-60s\r", "") }
}

// probed is everything there is to say about a run.
type probed struct {
	url     string
	product upgrade.Product[string]
	dialer  *probe.Dialer
	report  upgradetest.Report
	err     error
}

// because explains why the run ended early.
func (p probed) because() error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(p.err, context.Canceled):
		return errors.New("interrupted")
	case errors.As(p.err, &certificate):
		return fmt.Errorf("%w (--insecure accepts any certificate)", p.err)
	}
	return p.err
}

// text returns the run as lines for people, with only the failed checks if failures is
// true.
func (p probed) text(failures bool) []byte {
	var b bytes.Buffer
	if !p.report.Switched {
		fmt.Fprintf(&b, "never switched: the plain offer of %s got no 101: %s\n", p.product, p.report.First)
		fmt.Fprintf(&b, "The checks that need a switch are skipped, and the others say little.\n")
		p.writeAdvice(&b)
		b.WriteByte('\n')
	}
	failed := make(map[upgradetest.Level]int)
	for _, r := range p.report.Results {
		if r.Verdict == upgradetest.Fail {
			failed[r.Level]++
		}
		if failures && r.Verdict != upgradetest.Fail || !r.Applies {
			continue
		}
		said := r.Detail
		if r.Verdict == upgradetest.Pass {
			said = r.Title
		}
		fmt.Fprintf(&b, "%s  %-6s  %-17s  %-28s  %s\n", r.Verdict, r.Level, ruleOf(r.Check), r.ID, said)
	}
	for _, r := range p.report.Results {
		if r.Verdict != upgradetest.Fail {
			continue
		}
		fmt.Fprintf(&b, "\nfailed: %s (%s, %s): %s\n", r.ID, ruleOf(r.Check), r.Level, r.Title)
		fmt.Fprintf(&b, "reason: %s\n", r.Detail)
		fmt.Fprintf(&b, "remedy: %s\n", r.Remedy)
		if directive := probe.Directive(r, p.report); directive != "" {
			fmt.Fprintf(&b, "        %s\n", directive)
		}
		if len(r.Sent) > 0 {
			writeOctets(&b, "sent", r.Sent)
			writeOctets(&b, "received", r.Received)
			b.WriteString(endings[r.End])
		}
	}
	b.WriteByte('\n')
	if p.report.Switched {
		p.writeAdvice(&b)
	}
	fmt.Fprintf(&b, "%d checks of %s at %s, over %d connections: %d passed, %d failed (%d MUST, %d SHOULD, %d MAY), %d skipped, %d noted\n",
		len(p.report.Results), p.product, p.dialer.Address, p.dialer.Connections,
		p.report.Count(upgradetest.Pass), p.report.Count(upgradetest.Fail),
		failed[upgradetest.Must], failed[upgradetest.Should], failed[upgradetest.May],
		p.report.Count(upgradetest.Skip), p.report.Count(upgradetest.Note))
	return b.Bytes()
}

// writeAdvice writes the advice for operators.
func (p probed) writeAdvice(b *bytes.Buffer) {
	for _, advice := range probe.Advice(p.product, p.report) {
		fmt.Fprintf(b, "%s\n", advice)
	}
}

var endings = map[upgradetest.End]string{
	upgradetest.EndTimeout: "and then nothing more in time\n",
	upgradetest.EndClosed:  "and then the end of the connection\n",
	upgradetest.EndLimit:   "and more than probe reads\n",
}

// writeOctets writes the octets line by line, escaped, and cut after shownOctets.
func writeOctets(b *bytes.Buffer, what string, all []byte) {
	fmt.Fprintf(b, "%s %d octets\n", what, len(all))
	shown := string(all[:min(len(all), shownOctets)])
	for line := range strings.Lines(shown) {
		text := text.Escape(line)
		if body, ended := strings.CutSuffix(text, `\x0a`); ended {
			text = strings.TrimSuffix(body, `\x0d`)
			text += map[bool]string{true: `\r\n`, false: `\n`}[len(text) < len(body)]
		}
		fmt.Fprintf(b, "    %s\n", strings.ReplaceAll(text, `\x0d`, `\r`))
	}
	if len(shown) < len(all) {
		b.WriteString("    ...\n")
	}
}

// colourOfResult returns the colour of a line of the text, or an empty string for none.
func colourOfResult(line string) string {
	switch word, _, _ := strings.Cut(line, " "); word {
	case "pass":
		return text.Green
	case "fail", "failed:", "never":
		return text.Red
	case "note":
		return text.Yellow
	}
	return ""
}

// checkJSON is a check as JSON.
type checkJSON struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	RFC     int    `json:"rfc"`
	Section string `json:"section"`
	Level   string `json:"level"`
	Remedy  string `json:"remedy"`
}

type listedJSON struct {
	checkJSON
	Applies bool `json:"applies"`
}

// probedJSON is a run as JSON. It holds what a stranger wrote as octets.
type probedJSON struct {
	URL         text.Octets  `json:"url"`
	Product     string       `json:"product"`
	Address     string       `json:"address"`
	Error       text.Octets  `json:"error"`
	Switched    bool         `json:"switched"`
	First       string       `json:"first"`
	Connections int          `json:"connections"`
	Summary     summaryJSON  `json:"summary"`
	Advice      []string     `json:"advice"`
	Results     []resultJSON `json:"results"`
}

type summaryJSON struct {
	Pass       int `json:"pass"`
	Fail       int `json:"fail"`
	Skip       int `json:"skip"`
	Note       int `json:"note"`
	FailedMust int `json:"failed_must"`
}

type resultJSON struct {
	checkJSON
	Verdict   string           `json:"verdict"`
	Reason    string           `json:"reason"`
	Directive string           `json:"directive"`
	Exchanges []connectionJSON `json:"exchanges"`
}

type connectionJSON struct {
	Sent           text.Octets `json:"sent"`
	SentOctets     int         `json:"sent_octets"`
	Received       text.Octets `json:"received"`
	ReceivedOctets int         `json:"received_octets"`
	End            string      `json:"end"`
}

// forPrograms returns the run as it is written with --json, with only the results of failed
// checks if failures is true.
func (p probed) forPrograms(failures bool) probedJSON {
	j := probedJSON{
		URL:         text.Octets(p.url),
		Product:     p.product.String(),
		Address:     p.dialer.Address,
		Switched:    p.report.Switched,
		First:       p.report.First,
		Connections: p.dialer.Connections,
		Summary: summaryJSON{
			Pass:       p.report.Count(upgradetest.Pass),
			Fail:       p.report.Count(upgradetest.Fail),
			Skip:       p.report.Count(upgradetest.Skip),
			Note:       p.report.Count(upgradetest.Note),
			FailedMust: p.report.FailedMust(),
		},
		Advice:  append([]string{}, probe.Advice(p.product, p.report)...),
		Results: []resultJSON{},
	}
	if p.err != nil {
		j.Error = text.Octets(p.because().Error())
	}
	for _, r := range p.report.Results {
		if failures && r.Verdict != upgradetest.Fail {
			continue
		}
		result := resultJSON{checkOf(r.Check), r.Verdict.String(), r.Detail, probe.Directive(r, p.report), []connectionJSON{}}
		if len(r.Sent) > 0 {
			result.Exchanges = append(result.Exchanges, connectionJSON{
				text.Octets(r.Sent[:min(len(r.Sent), writtenOctets)]), len(r.Sent),
				text.Octets(r.Received[:min(len(r.Received), writtenOctets)]), len(r.Received),
				string(r.End),
			})
		}
		j.Results = append(j.Results, result)
	}
	return j
}

func checkOf(c upgradetest.Check) checkJSON {
	number, _ := strconv.Atoi(c.RFC)
	return checkJSON{c.ID, c.Title, number, c.Section, c.Level.String(), c.Remedy}
}
