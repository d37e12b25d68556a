package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file knows a whole run: the checks one after the other, on one address. It knows
// nothing of what they ask.

// Bounds of a run, for whoever wants to know what they let themselves in for.
const (
	// MaxConnections is how many connections a run opens at most, one at a time.
	MaxConnections = 120

	// MaxRequests is how many requests go over one of them at most, of which the
	// content of one is a request as well.
	MaxRequests = 2
)

// DefaultTimeout is how long an answer is waited for.
const DefaultTimeout = 2 * time.Second

// ErrNoAnswer is for a server that takes connections but answers neither a plain request
// nor an offer with HTTP/1.
var ErrNoAnswer = errors.New("no answer in HTTP/1, to an offer or to a plain request")

// Options are what to probe, and how.
type Options struct {
	Target   Target
	Product  upgrade.Product[string]           // what to offer
	Only     []string                          // IDs of the checks to make; all if empty
	Fields   []handshake.Field                 // for every request; [CheckField] says which
	Timeout  time.Duration                     // how long to wait for an answer; 0: [DefaultTimeout]
	TLS      *tls.Config                       // for https and wss; nil: the usual one
	Progress func(done, all int, check *Check) // called before each check, and with nil in the end; may be nil
}

// own are the fields that the checks write themselves.
var own = []string{
	"Connection", "Content-Length", "Expect", "Host", "HTTP2-Settings", "Sec-WebSocket-Extensions", "Sec-WebSocket-Key",
	"Sec-WebSocket-Version", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
}

// ErrOwnField says that a field is one that the checks write themselves.
var ErrOwnField = errors.New("the checks write that field themselves")

// CheckField reports whether f may be one of Options.Fields: ErrOwnField if not, or what
// [handshake.Field.Check] says of it.
func CheckField(f handshake.Field) error {
	if slices.ContainsFunc(own, func(name string) bool { return strings.EqualFold(f.Name, name) }) {
		return ErrOwnField
	}
	return f.Check()
}

// Report is what came out of a run.
type Report struct {
	Address     string // the one that was connected to; empty if none was
	Connections int
	Results     []Result // one for each check asked for, in the order of [Checks]
}

// FailedMust returns how many checks of the level MUST failed.
func (r Report) FailedMust() int {
	n := 0
	for _, result := range r.Results {
		if result.FailedMust() {
			n++
		}
	}
	return n
}

// Count returns how many checks had that verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, result := range r.Results {
		if result.Verdict == v {
			n++
		}
	}
	return n
}

// Run makes the checks one after the other, each on connections of its own, and closes
// every one. The name of the host is looked up once, and all connections go to the first
// of its addresses that takes one.
//
// The error tells that ctx was done, that the server could not be reached or stopped to
// be, or ErrNoAnswer. The checks that were not made by then are skipped in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	s := &session{ctx: ctx, Options: o, known: make(map[string]*Exchange)}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	var checks []Check
	for _, c := range Checks(o.Product) {
		if len(o.Only) == 0 || slices.Contains(o.Only, c.ID) {
			checks = append(checks, c)
		}
	}
	s.err = s.reach()
	report := Report{Results: make([]Result, 0, len(checks))}
	for i, c := range checks {
		if s.Progress != nil && s.err == nil {
			s.Progress(i, len(checks), &c)
		}
		report.Results = append(report.Results, s.check(c))
	}
	s.doubt(report.Results)
	if s.Progress != nil {
		s.Progress(len(checks), len(checks), nil)
	}
	report.Address, report.Connections = s.address, s.connections
	return report, s.err
}

// session is a run under way.
type session struct {
	Options
	ctx         context.Context
	addresses   []string // until one of them has taken a connection
	address     string
	connections int
	known       map[string]*Exchange // by what was sent
	used        []*Exchange          // by the check under way
	err         error                // ends the run
}

// reach finds the address, and makes sure that HTTP is spoken there.
func (s *session) reach() error {
	ips, err := net.DefaultResolver.LookupNetIP(s.ctx, "ip", s.Target.name)
	if err != nil {
		return fmt.Errorf("looking up the host: %w", err)
	}
	for _, ip := range ips {
		s.addresses = append(s.addresses, net.JoinHostPort(ip.Unmap().String(), s.Target.port))
	}
	plain, offer := s.plain(), s.baseline()
	if s.err == nil && plain.answer == nil && offer.answer == nil {
		return ErrNoAnswer
	}
	return s.err
}

// check makes one check.
func (s *session) check(c Check) Result {
	s.used = nil
	f := skip("not made: the run ended before")
	switch {
	case s.err != nil:
	case !c.Applies(s.Product):
		f = skip("about another product: %s", c.only)
	case c.switching && !s.switches():
		f = skip("the server does not take the plain offer: %s", told(s.baseline()))
		s.used = nil
	case c.only != "" && c.switching && s.switchesElsewhere():
		f = skip("it switches to something else: see 101-offered")
		s.used = nil
	default:
		s.used = nil
		f = c.judge(s)
		if s.err != nil {
			f = skip("not made: the run ended before")
		}
	}
	return Result{c, f.verdict, f.reason, s.used}
}

// doubt makes notes of those who passed because the server did not switch, if in the end
// it does not take the plain offer any more: it may have had enough of us long before.
func (s *session) doubt(results []Result) {
	var doubtful []*Result
	for i, r := range results {
		if n := len(r.Exchanges); n > 0 && r.Check.switching && r.Verdict == Pass {
			if a := r.Exchanges[n-1].answer; a == nil || a.status != 101 {
				doubtful = append(doubtful, &results[i])
			}
		}
	}
	if len(doubtful) == 0 || s.err != nil || s.stillSwitches() || s.err != nil {
		return
	}
	for _, r := range doubtful {
		r.Verdict, r.Reason = Note, r.Reason+", but in the end the server does not take the plain offer either"
	}
}

// plain is the exchange of a request without an offer.
func (s *session) plain() *Exchange { return s.ask(s.bare()) }

// bare returns a request without an offer.
func (s *session) bare() request { return s.withFields(s.Target.plain()) }

// baseline is the exchange of the plain offer.
func (s *session) baseline() *Exchange { return s.ask(s.offer()) }

func (s *session) offer() request { return s.withFields(s.Target.offer(s.Product)) }

func (s *session) withFields(r request) request {
	for _, f := range s.Fields {
		r.own = append(r.own, f.Name+": "+f.Value)
	}
	return r
}

// switches reports whether the server takes the plain offer.
func (s *session) switches() bool {
	answer := s.baseline().answer
	return answer != nil && answer.status == 101
}

// switchesElsewhere reports whether the 101 to the plain offer names other products.
func (s *session) switchesElsewhere() bool {
	list, err := upgrade.ParseList(s.baseline().answer.lines("Upgrade")...)
	return err == nil && !list.IsZero() && !list.Offers(s.Product)
}

// stillSwitches reports whether it does so now.
func (s *session) stillSwitches() bool {
	again := s.converse(func(c *conn) {
		c.send(s.offer().String())
		c.final()
	})
	return again.answer != nil && again.answer.status == 101
}

// ask sends a request and reads the answer, unless that was done before.
func (s *session) ask(r request) *Exchange {
	octets := r.String()
	if e := s.known[octets]; e != nil {
		s.use(e)
		return e
	}
	e := s.converse(func(c *conn) {
		c.send(octets)
		c.final()
	})
	s.known[octets] = e
	return e
}

// converse opens a connection, lets talk use it, and closes it.
func (s *session) converse(talk func(*conn)) *Exchange {
	e := new(Exchange)
	s.use(e)
	raw, err := s.dial()
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		return e
	}
	defer raw.Close()
	stop := context.AfterFunc(s.ctx, func() { raw.Close() })
	defer stop()
	talk(&conn{Conn: raw, Exchange: e, timeout: s.Timeout})
	if s.ctx.Err() != nil && s.err == nil {
		s.err = s.ctx.Err()
	}
	return e
}

func (s *session) use(e *Exchange) {
	if !slices.Contains(s.used, e) {
		s.used = append(s.used, e)
	}
}

var errTooMany = fmt.Errorf("more than %d connections", MaxConnections)

// dial connects to the address, or at first to the first one that can be.
func (s *session) dial() (net.Conn, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.connections == MaxConnections {
		return nil, errTooMany
	}
	var failed error
	for _, address := range s.addresses {
		conn, err := s.connect(address)
		if err == nil {
			s.addresses, s.address = []string{address}, address
			s.connections++
			return conn, nil
		}
		if failed == nil {
			failed = err
		}
	}
	return nil, failed
}

func (s *session) connect(address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.Timeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil || !s.Target.secure {
		return raw, err
	}
	config := s.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = s.Target.name
	}
	// What has no Upgrade is not for us.
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

// told says in a few words what came back first.
func told(e *Exchange) string {
	switch {
	case e.answer != nil && e.answer.status == 101:
		return "it answered 101" + naming(e.answer)
	case e.answer != nil:
		return fmt.Sprintf("it answered %d", e.answer.status)
	case len(e.Received) > 0 && e.End == EndClosed:
		return "it closed the connection behind something that is no HTTP response"
	case len(e.Received) > 0:
		return "what came is no HTTP response"
	case e.End == EndClosed:
		return "it closed the connection without an answer"
	}
	return "no answer came in time"
}

// naming says what a 101 names, if that can be read.
func naming(r *response) string {
	list, err := upgrade.ParseList(r.lines("Upgrade")...)
	if err != nil || list.IsZero() {
		return ""
	}
	var names []string
	for p := range list.All() {
		if names = append(names, shortened(p.String())); len(names) == 4 {
			break
		}
	}
	return " naming " + strings.Join(names, ", ")
}

// shortened cuts a token that goes on for long.
func shortened(token string) string {
	const most = 40
	if len(token) > most {
		return token[:most] + "..."
	}
	return token
}
