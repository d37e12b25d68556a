package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/probe"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/handshake"
)

// This file knows how a server is given to the probe, and how what came out is told.
// What is asked and judged stands in package probe.

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
		headers  []string
		timeout  time.Duration
		insecure bool
		list     bool
	)
	command := &cobra.Command{
		Use:   "probe [--product NAME[/VERSION]] [--only ID]... [--header LINE]... [--timeout DURATION] [--insecure] [--json] URL | --list",
		Short: "Check how a server handles Upgrade",
		Long: fmt.Sprintf(`Probe sends requests to a server that tell servers apart, and judges the answers: the
form of its 101 and 426, what it takes for an offer and what not, whether it parts a
request from what follows, what it makes of malformed ones, and what WebSocket and h2c
ask for. The URL begins with http://, https://, ws:// or wss://, which are two names
for each of two things. What is offered is websocket, or what --product says.

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

and below the table stands what was sent and received where a check failed. What is
not printable ASCII is shown there as \r, \n, \t or \xNN, a backslash as two.

With --header all requests have that line as well, for a server that wants an Origin,
a subprotocol or a secret, which is then shown with the requests of failed checks.

With --only just the checks with these IDs are made; --list shows all, and sends
nothing. IDs keep their meaning.

With --json it writes one object for programs, with these keys, which stay, and are
all always there:

  url          as it was given
  product      what was offered
  address      the one that was connected to, empty if none was
  error        why the run ended early, empty if it did not
  connections  the number of connections
  summary      the numbers {"pass", "fail", "skip", "note", "failed_must"}
  results      as [{"id", "title", "rfc", "section", "level", "verdict", "reason",
               "exchanges"}], a result for each check asked for

Each of exchanges is a connection that the verdict rests on, the one it is about last,
as {"sent", "sent_octets", "received", "received_octets", "end"}: strings of octets, one
code point each, cut behind 4 KiB, the number of all, and what ended the reading:
"read" (all that was waited for), "timeout", "closed" or "limit". With --list it is an
array of {"id", "title", "rfc", "section", "level", "applies"}. The texts for people,
which are error, title and reason, may change.

Exit codes: 0 if no MUST failed; 1 if one did, or the server could not be reached to
the end; 2 if the command line is wrong.`, probe.MaxConnections, probe.MaxRequests),
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
			checks := probe.Checks(offered)
			for _, id := range only {
				if !slices.ContainsFunc(checks, func(c probe.Check) bool { return c.ID == id }) {
					return errors.New("--only: no such check; upgrade101 probe --list shows all")
				}
			}
			if timeout <= 0 {
				return errors.New("--timeout: want more than nothing")
			}
			if list {
				if len(args) > 0 {
					return errors.New("--list: want no URL")
				}
				return listChecks(cmd, checks, offered, asJSON)
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
			report, err := probe.Run(cmd.Context(), probe.Options{
				Target:   target,
				Product:  offered,
				Only:     only,
				Fields:   fields,
				Timeout:  timeout,
				TLS:      &tls.Config{InsecureSkipVerify: insecure},
				Progress: progress(cmd),
			})
			told := probed{args[0], offered, report, err}
			if asJSON {
				err = text.WriteJSON(cmd.OutOrStdout(), told.forPrograms())
			} else if report.Connections > 0 {
				_, err = text.Coloured(cmd.OutOrStdout(), colourOfResult).Write(told.text())
			} else {
				err = nil
			}
			switch {
			case err != nil:
				return failure{err}
			case told.err != nil:
				return failure{told.because()}
			case report.FailedMust() > 0:
				return errFailed
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&product, "product", "websocket", "what to offer")
	flags.StringArrayVar(&only, "only", nil, "make only the check with this ID; may be given several times")
	flags.StringArrayVar(&headers, "header", nil, "a field line for every request, as NAME: VALUE; may be given several times")
	flags.DurationVar(&timeout, "timeout", probe.DefaultTimeout, "how long to wait for an answer")
	flags.BoolVar(&insecure, "insecure", false, "take any certificate")
	flags.BoolVar(&asJSON, "json", false, "write one JSON object")
	flags.BoolVar(&list, "list", false, "show the checks, and send nothing")
	command.RegisterFlagCompletionFunc("only", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var ids []cobra.Completion
		for _, c := range probe.Checks(upgrade.MustParseProduct("websocket")) {
			ids = append(ids, cobra.CompletionWithDesc(c.ID, c.Title))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	for _, name := range []string{"product", "header", "timeout"} {
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
		if err := probe.CheckField(f); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// listChecks shows the checks as they stand for an offer of product.
func listChecks(cmd *cobra.Command, checks []probe.Check, product upgrade.Product[string], asJSON bool) error {
	var err error
	if asJSON {
		all := []listedJSON{}
		for _, c := range checks {
			all = append(all, listedJSON{checkOf(c), c.Applies(product)})
		}
		err = text.WriteJSON(cmd.OutOrStdout(), all)
	} else {
		var b bytes.Buffer
		for _, c := range checks {
			fmt.Fprintf(&b, "%-6s  %-17s  %-28s  %s", c.Rule.Level, c.Rule, c.ID, c.Title)
			if !c.Applies(product) {
				fmt.Fprintf(&b, " (skipped for %s)", product)
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

// progress returns what shows on a terminal which check is under way, or nil if nobody
// looks.
func progress(cmd *cobra.Command) func(done, all int, check *probe.Check) {
	terminal := text.Terminal(cmd.ErrOrStderr())
	if terminal == nil {
		return nil
	}
	// Past the escaping, for what moves the cursor; IDs are our own. The line that is
	// written over is blank in the end.
	return func(done, all int, check *probe.Check) {
		if check == nil {
			fmt.Fprintf(terminal, "\r%-60s\r", "")
			return
		}
		fmt.Fprintf(terminal, "\r%-60s", fmt.Sprintf("%d of %d: %s", done+1, all, check.ID))
	}
}

// probed is all that there is to tell of a run.
type probed struct {
	url     string
	product upgrade.Product[string]
	report  probe.Report
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
func (p probed) text() []byte {
	var b bytes.Buffer
	for _, r := range p.report.Results {
		fmt.Fprintf(&b, "%s  %-6s  %-17s  %-28s  %s\n", r.Verdict, r.Check.Rule.Level, r.Check.Rule, r.Check.ID, text.Escape(r.Reason))
	}
	failed := make(map[probe.Level]int)
	for _, r := range p.report.Results {
		if r.Verdict != probe.Fail {
			continue
		}
		failed[r.Check.Rule.Level]++
		fmt.Fprintf(&b, "\nfailed: %s (%s, %s): %s\n", r.Check.ID, r.Check.Rule, r.Check.Rule.Level, r.Check.Title)
		fmt.Fprintf(&b, "reason: %s\n", text.Escape(r.Reason))
		if len(r.Exchanges) > 0 {
			e := r.Exchanges[len(r.Exchanges)-1]
			writeOctets(&b, "sent", e.Sent)
			writeOctets(&b, "received", e.Received)
			b.WriteString(endings[e.End])
		}
	}
	fmt.Fprintf(&b, "\n%d checks of %s at %s, over %d connections: %d passed, %d failed (%d MUST, %d SHOULD, %d MAY), %d skipped, %d noted\n",
		len(p.report.Results), p.product, p.report.Address, p.report.Connections,
		p.report.Count(probe.Pass), p.report.Count(probe.Fail), failed[probe.Must], failed[probe.Should], failed[probe.May],
		p.report.Count(probe.Skip), p.report.Count(probe.Note))
	return b.Bytes()
}

var endings = map[probe.End]string{
	probe.EndTimeout: "and then nothing more in time\n",
	probe.EndClosed:  "and then the end of the connection\n",
	probe.EndLimit:   "and more than is read\n",
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
	case "fail", "failed:":
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
		Address:     p.report.Address,
		Connections: p.report.Connections,
		Summary: summaryJSON{
			Pass:       p.report.Count(probe.Pass),
			Fail:       p.report.Count(probe.Fail),
			Skip:       p.report.Count(probe.Skip),
			Note:       p.report.Count(probe.Note),
			FailedMust: p.report.FailedMust(),
		},
		Results: []resultJSON{},
	}
	if p.err != nil {
		j.Error = text.Octets(p.because().Error())
	}
	for _, r := range p.report.Results {
		result := resultJSON{checkOf(r.Check), r.Verdict.String(), r.Reason, []connectionJSON{}}
		for _, e := range r.Exchanges {
			result.Exchanges = append(result.Exchanges, connectionJSON{
				text.Octets(e.Sent[:min(len(e.Sent), writtenOctets)]), len(e.Sent),
				text.Octets(e.Received[:min(len(e.Received), writtenOctets)]), len(e.Received),
				string(e.End),
			})
		}
		j.Results = append(j.Results, result)
	}
	return j
}

func checkOf(c probe.Check) checkJSON {
	return checkJSON{c.ID, c.Title, c.Rule.RFC, c.Rule.Section, c.Rule.Level.String()}
}
