package upgradetest

import (
	"bytes"
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

// This file knows a whole run: the checks one after the other, on connections that the
// caller opens. It knows nothing of the requests of the checks, or of addresses.

// Bounds of a run, so that users know what to expect.
const (
	// MaxConnections is the largest number of connections that a run opens, one at a time.
	MaxConnections = 400

	// MaxRequests is the largest number of requests on one connection. Some have content
	// that looks like one more request: a server must not answer that.
	MaxRequests = 2
)

// DefaultTimeout is how long Run waits for an answer if Options.Timeout is 0.
const DefaultTimeout = 2 * time.Second

// ErrNoAnswer means that the server takes connections but answers neither a plain
// request nor an offer with HTTP/1.
var ErrNoAnswer = errors.New("no HTTP/1 answer to an offer or to a plain request")

// Options say what to ask, and how. Product must be set.
type Options struct {
	Product upgrade.Product[string] // what to offer
	Target  string                  // the request target; empty: "/"
	Host    string                  // the value of Host; empty: "localhost"

	// Fields are added to every request, such as an Origin or a secret that the server
	// wants. Sec-WebSocket-Protocol and Sec-WebSocket-Extensions offer subprotocols and
	// extensions. CheckField says which fields cannot be among them.
	Fields []handshake.Field

	// Only has the IDs of the checks to make. If it is empty, all are made.
	Only []string

	// Skip has the IDs of checks to leave out, each with the reason: "id: reason". They
	// are skipped with that reason, so a known fault stays visible in the log.
	Skip []string

	Timeout  time.Duration // how long to wait for an answer; 0: DefaultTimeout
	NoSwitch bool          // for Server and Handler: a server that never switches is not a failure

	// Begin, if not nil, is called before each check that is made.
	Begin func(Check)
}

// own are the fields that the checks write themselves.
var own = []string{
	"Connection", "Content-Length", "Expect", "Host", "HTTP2-Settings", "Sec-WebSocket-Key",
	"Sec-WebSocket-Version", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
}

// ErrOwnField means that a field is one that the checks write themselves.
var ErrOwnField = errors.New("this field cannot be set")

// CheckField returns nil if f may be one of Options.Fields. Otherwise it returns
// ErrOwnField, or the error of [handshake.Field.Check].
func CheckField(f handshake.Field) error {
	if slices.ContainsFunc(own, func(name string) bool { return strings.EqualFold(f.Name, name) }) {
		return ErrOwnField
	}
	return f.Check()
}

// Report is the outcome of a run.
type Report struct {
	// Switched tells whether the answer to the plain offer was a 101. The plain offer
	// has one Upgrade line with the product, one Connection line, and the fields that
	// the product requires. If Switched is false, the checks that need a switch were
	// skipped, and the others say little.
	Switched bool

	// First describes the answer to the plain offer, in a few words of printable ASCII.
	First string

	// Results has one result for each check asked for, in the order of [Checks].
	Results []Result
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
// every connection. It calls dial for each connection, with a context that ends after
// Options.Timeout. A connection with the method ConnectionState of [tls.Conn] counts as
// one over TLS.
//
// Run returns an error if Options are wrong, if ctx is done, or if the server cannot be
// reached or goes away. The error wraps [ErrNoAnswer] if the server does not answer
// in HTTP/1. If the server goes away, the error names the last check that was sent. In the
// report, the checks that were not made are skipped.
func Run(ctx context.Context, dial func(context.Context) (net.Conn, error), o Options) (Report, error) {
	s, err := begin(ctx, dial, o)
	if err != nil {
		return Report{}, err
	}
	for _, c := range s.checks {
		s.make(c)
	}
	s.doubt()
	return s.report(), s.err
}

// session is a run under way.
type session struct {
	Options
	ctx         context.Context
	dial        func(context.Context) (net.Conn, error)
	checks      []check
	reasons     map[string]string // by the ID of a check to leave out
	secure      bool              // the connections are over TLS
	connections int
	known       map[string]*exchange // by the octets sent
	used        []*exchange          // of the check under way; the one that it is about is last
	later       *afterwards          // what came after the 101; nil until it is needed
	results     []Result
	proofs      []proof // of each result
	last        string  // the ID of the last check that was sent
	doubted     bool    // at the end, the server did not take the plain offer
	handler     bool    // judge only the handler of a server of net/http
	err         error   // ends the run
}

// proof is what a result rests on.
type proof struct {
	*exchange      // the last one, or nil
	switching bool // the check was for a server that switches
}

// begin checks the options, and sends a plain request and the plain offer.
func begin(ctx context.Context, dial func(context.Context) (net.Conn, error), o Options) (*session, error) {
	s := &session{Options: o, ctx: ctx, dial: dial, known: make(map[string]*exchange), reasons: make(map[string]string)}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	plain, offer := s.plain(), s.baseline()
	if s.err == nil && plain.answer == nil && offer.answer == nil {
		s.err = fmt.Errorf("%w: %s", ErrNoAnswer, told(offer))
	}
	return s, nil
}

// prepare fills in what the options leave out. It returns an error for options that cannot
// be sent.
func (s *session) prepare() error {
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Target == "" {
		s.Target = "/"
	}
	if s.Host == "" {
		s.Host = "localhost"
	}
	switch {
	case s.Product.IsZero():
		return errors.New("upgradetest: no product to offer")
	case !visible(s.Target):
		return errors.New("upgradetest: Target is not visible ASCII")
	case !visible(s.Host):
		return errors.New("upgradetest: Host is not visible ASCII")
	}
	for i, f := range s.Fields {
		if err := CheckField(f); err != nil {
			return fmt.Errorf("upgradetest: field %d: %w", i, err)
		}
	}
	all := checks()
	known := func(id string) bool {
		return slices.ContainsFunc(all, func(c check) bool { return c.id == id })
	}
	for i, id := range s.Only {
		if !known(id) {
			return fmt.Errorf("upgradetest: no check has the ID of Only[%d]", i)
		}
	}
	for i, entry := range s.Skip {
		id, reason, _ := strings.Cut(entry, ":")
		if !known(id) {
			return fmt.Errorf("upgradetest: no check has the ID of Skip[%d]", i)
		}
		s.reasons[id] = strings.TrimSpace(reason)
	}
	for _, c := range all {
		if len(s.Only) == 0 || slices.Contains(s.Only, c.id) {
			s.checks = append(s.checks, c)
		}
	}
	return nil
}

// visible reports whether s has only visible ASCII characters.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}

// make makes one check.
func (s *session) make(c check) Result {
	public := c.public(s.Product)
	s.used = nil
	f := s.judge(c, public)
	result := Result{Check: public, Verdict: f.verdict, Detail: f.reason}
	p := proof{switching: c.switching}
	if len(s.used) > 0 {
		p.exchange = s.used[len(s.used)-1]
		result.Sent, result.Received, result.End = p.sent, p.received, p.end
	}
	s.results, s.proofs = append(s.results, result), append(s.proofs, p)
	return result
}

func (s *session) judge(c check, public Check) finding {
	const early = "not made: the run ended first"
	reason, left := s.reasons[c.id]
	switch {
	case s.err != nil:
		return skip(early)
	case left && reason == "":
		return skip("left out, without a reason")
	case left:
		return skip("left out: %s", printable(reason))
	case !c.applies(s.Product):
		return skip("about another product: %s", c.only)
	case c.switching && !s.switches():
		s.used = nil
		return skip("the server does not take the plain offer: %s", told(s.base()))
	case c.switching && s.base().answer.cut != "" && c.id != "101-end":
		s.used = nil
		return skip("the head of the 101 does not end: see 101-end")
	case c.only != "" && c.switching && s.switchesElsewhere():
		s.used = nil
		return skip("it switches to something else: see 101-offered")
	}
	if s.Begin != nil {
		s.Begin(public)
	}
	s.used = nil
	before := s.connections
	f := c.judge(s)
	if s.connections > before && s.err == nil {
		s.last = c.id
	}
	if s.err != nil {
		s.blame()
		return skip(early)
	}
	return f
}

// blame adds to the error which check was sent last. If that check passed because the
// server closed the connection without an answer, it becomes a note: the server may have
// gone away because of it.
func (s *session) blame() {
	if s.last == "" || s.ctx.Err() != nil {
		return
	}
	s.err = fmt.Errorf("%w; the last check sent before was %s", s.err, s.last)
	for i := range s.results {
		if r := &s.results[i]; r.ID == s.last && r.Verdict == Pass && len(r.Received) == 0 {
			r.Verdict, r.Detail = Note, r.Detail+", and accepted no connection afterwards"
		}
	}
}

// doubt turns passes into notes, if the server no longer takes the plain offer at the end
// of the run: it may have begun to refuse every offer long before. It does so for the
// checks that passed because the server did not switch.
func (s *session) doubt() {
	var doubtful []*Result
	for i, r := range s.results {
		p := s.proofs[i]
		if p.exchange != nil && p.switching && r.Verdict == Pass && (p.answer == nil || p.answer.status != 101) {
			doubtful = append(doubtful, &s.results[i])
		}
	}
	if len(doubtful) == 0 || s.err != nil || s.stillSwitches() || s.err != nil {
		return
	}
	s.doubted = true
	for _, r := range doubtful {
		r.Verdict, r.Detail = Note, r.Detail+", but at the end the server does not take the plain offer either"
	}
}

// report returns the results so far.
func (s *session) report() Report {
	r := Report{Results: s.results}
	if e := s.known[s.offer().String()]; e != nil && len(e.sent) > 0 {
		r.Switched, r.First = e.answer != nil && e.answer.status == 101, told(e)
	}
	return r
}

// plain is the exchange of a request without an offer.
func (s *session) plain() *exchange { return s.ask(s.bare()) }

// baseline is the exchange of the plain offer.
func (s *session) baseline() *exchange { return s.ask(s.offer()) }

// base is the baseline, but does not add it to the exchanges of the check under way.
func (s *session) base() *exchange {
	used := s.used
	defer func() { s.used = used }()
	return s.baseline()
}

// switches reports whether the server takes the plain offer.
func (s *session) switches() bool {
	answer := s.base().answer
	return answer != nil && answer.status == 101
}

// switchesElsewhere reports whether the 101 to the plain offer names other products.
func (s *session) switchesElsewhere() bool {
	list, err := upgrade.ParseList(s.base().answer.lines("Upgrade")...)
	return err == nil && !list.IsZero() && !list.Offers(s.Product)
}

// stillSwitches sends the plain offer again and reports whether the server takes it.
func (s *session) stillSwitches() bool {
	used := s.used
	defer func() { s.used = used }()
	again := s.converse(func(c *conn) {
		c.send(s.offer().String())
		c.final()
	})
	return again.answer != nil && again.answer.status == 101
}

// ask sends a request and reads the answer. It does so once for equal requests.
func (s *session) ask(r request) *exchange {
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
func (s *session) converse(talk func(*conn)) *exchange {
	e := new(exchange)
	s.use(e)
	raw, err := s.connect()
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		return e
	}
	c := &conn{Conn: raw, exchange: e, timeout: s.Timeout}
	defer c.sentAll()
	defer raw.Close()
	stop := context.AfterFunc(s.ctx, func() { raw.Close() })
	defer stop()
	talk(c)
	if s.ctx.Err() != nil && s.err == nil {
		s.err = s.ctx.Err()
	}
	return e
}

func (s *session) use(e *exchange) {
	if i := slices.Index(s.used, e); i >= 0 {
		s.used = slices.Delete(s.used, i, i+1)
	}
	s.used = append(s.used, e)
}

var errTooMany = fmt.Errorf("upgradetest: more than %d connections", MaxConnections)

// connect opens a connection.
func (s *session) connect() (net.Conn, error) {
	switch {
	case s.err != nil:
		return nil, s.err
	case s.connections == MaxConnections:
		return nil, errTooMany
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.Timeout)
	defer cancel()
	raw, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	s.connections++
	_, s.secure = raw.(interface{ ConnectionState() tls.ConnectionState })
	return raw, nil
}

// told says in a few words what the server sent first.
func told(e *exchange) string {
	switch {
	case e.answer != nil && e.answer.status == 101:
		return "it answered 101" + naming(e.answer)
	case e.answer != nil:
		return fmt.Sprintf("it answered %d", e.answer.status)
	case len(e.received) > 0:
		what := "octets that are not an HTTP response"
		switch rest := e.received[e.parsed:]; {
		case len(e.interim) > 0:
			what = fmt.Sprintf("a response with %d, but no final one", e.interim[0].status)
			if n := len(e.interim); n > 1 {
				what = fmt.Sprintf("%d responses with 1xx, but no final one", n)
			}
		case bytes.HasPrefix(rest, []byte("HTTP/")) && headEnd(rest, 0) == 0:
			what = "a response whose head does not end"
		}
		if e.end == EndClosed {
			what += ", and closed the connection"
		}
		return "it sent " + what
	case e.end == EndClosed:
		return "it closed the connection without an answer"
	}
	return "no answer came in time"
}

// naming says what a 101 names, if its Upgrade is well-formed.
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

// shortened cuts a long token.
func shortened(token string) string {
	const most = 40
	if len(token) > most {
		return token[:most] + "..."
	}
	return token
}

// printable returns s with a question mark for each octet that is not printable ASCII.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c >= 0x7F {
			b[i] = '?'
		}
	}
	return string(b)
}
