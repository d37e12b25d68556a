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

// This file knows how a server is given to the probe, and how what came out is told.
// What is asked and judged stands in package upgradetest.

// Of an octet string people are shown the beginning, programs more of it.
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
		Use:   "probe [--product NAME[/VERSION]] [--only ID]... [--skip 'ID: REASON']... [--header LINE]... [--timeout DURATION] [--insecure] [--allow-no-switch] [--failures | --json] URL | --list",
		Short: "Check how a server handles Upgrade",
		Long: fmt.Sprintf(`Probe sends requests to a server that tell servers apart, and judges the answers: the
form of its 101 and 426, what it takes for an offer and what not, whether it parts a
request from what follows, what it makes of malformed ones, and what WebSocket and h2c
ask for. The URL begins with http://, https://, ws:// or wss://, which are two names
for each of two things; HOST:PORT stands for http://HOST:PORT. What is offered is
websocket, or what --product says. The checks are those of package upgradetest, for
tests in Go.

A server that never switches was hardly tested. That is told first, with what the plain
offer got, and is a failure, unless --allow-no-switch says that it need not switch.

It is safe in that it sends these requests and nothing else, to one address of that
host and no other, one after the other, for the resource of the URL: at most %d
connections, of which each is closed and carries at most %d requests. It follows no
redirect. Of an answer it reads 64 KiB at most, and it waits no longer than --timeout
for anything. All requests are GET, but for a handful of POST with content of a few
octets. To somebody else's server, send them with leave only.

Each check has a level. MUST is what an RFC demands of servers. SHOULD is what it
recommends, or demands where another sentence gives leave to do otherwise: that an
offer written in an unusual but right way is not taken is at most this, since any may
be ignored. MAY is what no rule asks, but clients count on. What comes out is

  pass  the server does as the check says
  fail  it does not, which the answer proves
  skip  the check does not apply: to this product, to a server that never switches, or
        because another check tells the same fault
  note  the answer, or that there was none in time, proves nothing

and below the table stands, for each failed check, what to change, and what was sent and
received. What is not printable ASCII is shown there as \r, \n, \t or \xNN, a backslash
as two. With --failures nothing else is shown.

With --header all requests have that line as well, for a server that wants an Origin,
a subprotocol or a secret, which is then shown with the requests of failed checks. A
Sec-WebSocket-Protocol or Sec-WebSocket-Extensions there is an offer of it.

With --only just the checks with these IDs are made, with --skip all but these, and the
reason is told; --list shows all, and sends nothing. IDs keep their meaning.

With --json it writes one object for programs, with these keys, which stay, and are
all always there:

  url          as it was given
  product      what was offered
  address      the one that was connected to, empty if none was
  error        why the run ended early, empty if it did not
  switched     whether the plain offer got a 101
  first        what it got
  connections  the number of connections
  summary      the numbers {"pass", "fail", "skip", "note", "failed_must"}
  results      as [{"id", "title", "rfc", "section", "level", "remedy", "verdict",
               "reason", "exchanges"}], a result for each check asked for

Each of exchanges is a connection that the verdict rests on, as {"sent", "sent_octets",
"received", "received_octets", "end"}: strings of octets, one code point each, cut after
4 KiB, the number of all, and what ended the reading: "read" (all that was waited for),
"timeout", "closed" or "limit". With --list it is an array of {"id", "title", "rfc",
"section", "level", "remedy", "applies"}. The texts for people, which are error, first,
title, remedy and reason, may change.

Exit codes: 0 if no MUST failed; 1 if one did, the server never switched or could not be
reached to the end; 2 if the command line is wrong.`, upgradetest.MaxConnections, upgradetest.MaxRequests),
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
			for _, entry := range leave {
				if id, _, _ := strings.Cut(entry, ":"); !known(id) {
					return errors.New("--skip: no such check; upgrade101 probe --list shows all")
				}
			}
			if timeout <= 0 {
				return errors.New("--timeout: want more than nothing")
			}
			if list {
				if len(args) > 0 {
					return errors.New("--list: want no URL")
				}
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
				err = text.WriteJSON(cmd.OutOrStdout(), told.forPrograms())
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
	flags.StringVar(&product, "product", "websocket", "what to offer")
	flags.StringArrayVar(&only, "only", nil, "make only the check with this ID; may be given several times")
	flags.StringArrayVar(&leave, "skip", nil, "leave out the check with this ID, as 'ID: REASON'; may be given several times")
	flags.StringArrayVar(&headers, "header", nil, "a field line for every request, as NAME: VALUE; may be given several times")
	flags.DurationVar(&timeout, "timeout", upgradetest.DefaultTimeout, "how long to wait for an answer")
	flags.BoolVar(&insecure, "insecure", false, "take any certificate")
	flags.BoolVar(&asJSON, "json", false, "write one JSON object")
	flags.BoolVar(&failures, "failures", false, "show the checks that failed, and no others")
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

// parseHeaders reads field lines. Its errors quote nothing of them.
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

// listChecks shows the checks as they stand for an offer of product.
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
				b.WriteString(" (skipped for that product)")
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

// progress returns what shows on a terminal which of all checks is under way, and what
// wipes that away. Both do nothing if nobody looks.
func progress(cmd *cobra.Command, all int) (begin func(upgradetest.Check), done func()) {
	terminal := text.Terminal(cmd.ErrOrStderr())
	if terminal == nil {
		return nil, func() {}
	}
	// Past the escaping, for what moves the cursor; IDs are our own.
	begun := 0
	begin = func(check upgradetest.Check) {
		begun++
		fmt.Fprintf(terminal, "\r%-60s", fmt.Sprintf("%d of %d: %s", begun, all, check.ID))
	}
	return begin, func() { fmt.Fprintf(terminal, "\r%-60s\r", "") }
}

// probed is all that there is to tell of a run.
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
		return fmt.Errorf("%w (--insecure takes any certificate)", p.err)
	}
	return p.err
}

// text returns the run as lines for people.
func (p probed) text(failures bool) []byte {
	var b bytes.Buffer
	if !p.report.Switched {
		fmt.Fprintf(&b, "never switched: the plain offer of %s got no 101: %s\n", p.product, p.report.First)
		fmt.Fprintf(&b, "The checks that need a switch are skipped, and what is left says little.\n")
		for _, advice := range probe.NeverSwitched(p.product, p.report) {
			fmt.Fprintf(&b, "%s\n", advice)
		}
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
		fmt.Fprintf(&b, "%s  %-6s  %-17s  %-28s  %s\n", r.Verdict, r.Level, ruleOf(r.Check), r.ID, text.Escape(said))
	}
	for _, r := range p.report.Results {
		if r.Verdict != upgradetest.Fail {
			continue
		}
		fmt.Fprintf(&b, "\nfailed: %s (%s, %s): %s\n", r.ID, ruleOf(r.Check), r.Level, r.Title)
		fmt.Fprintf(&b, "reason: %s\n", text.Escape(r.Detail))
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
	fmt.Fprintf(&b, "\n%d checks of %s at %s, over %d connections: %d passed, %d failed (%d MUST, %d SHOULD, %d MAY), %d skipped, %d noted\n",
		len(p.report.Results), p.product, p.dialer.Address, p.dialer.Connections,
		p.report.Count(upgradetest.Pass), p.report.Count(upgradetest.Fail),
		failed[upgradetest.Must], failed[upgradetest.Should], failed[upgradetest.May],
		p.report.Count(upgradetest.Skip), p.report.Count(upgradetest.Note))
	return b.Bytes()
}

var endings = map[upgradetest.End]string{
	upgradetest.EndTimeout: "and then nothing more in time\n",
	upgradetest.EndClosed:  "and then the end of the connection\n",
	upgradetest.EndLimit:   "and more than is read\n",
}

// writeOctets writes octets as lines, where they have any.
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

// colourOfResult returns the colour for a line of the text, or nothing.
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

// probedJSON is a run as JSON. What is a stranger's in it is octets.
type probedJSON struct {
	URL         text.Octets  `json:"url"`
	Product     string       `json:"product"`
	Address     string       `json:"address"`
	Error       text.Octets  `json:"error"`
	Switched    bool         `json:"switched"`
	First       string       `json:"first"`
	Connections int          `json:"connections"`
	Summary     summaryJSON  `json:"summary"`
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
	Exchanges []connectionJSON `json:"exchanges"`
}

type connectionJSON struct {
	Sent           text.Octets `json:"sent"`
	SentOctets     int         `json:"sent_octets"`
	Received       text.Octets `json:"received"`
	ReceivedOctets int         `json:"received_octets"`
	End            string      `json:"end"`
}

// forPrograms returns the run as it is written with --json.
func (p probed) forPrograms() probedJSON {
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
		Results: []resultJSON{},
	}
	if p.err != nil {
		j.Error = text.Octets(p.because().Error())
	}
	for _, r := range p.report.Results {
		result := resultJSON{checkOf(r.Check), r.Verdict.String(), r.Detail, []connectionJSON{}}
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
