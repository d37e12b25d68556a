package analyzer

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// operand is a comparison that a fix may replace with a call of our packages.
type operand struct {
	expr     ast.Expr
	negative bool // the comparison is true if the value does not match
	field    string
	want     string // the constant it is compared with
	from     carrier
}

// relation is how a value is compared.
type relation uint8

const (
	equals relation = iota
	contains
	begins
	ends
	matches // a regular expression
)

// fields returns the findings about fields in the body of the function under analysis,
// or, with a frame, in the body of a function that it calls.
func (c *checker) fields(body ast.Node, f *frame) []finding {
	s := &search{checker: c, frame: f, counted: map[ast.Expr]bool{}, set: map[string]bool{}}
	c.index.inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			s.binary(n)
		case *ast.SwitchStmt:
			s.cases(n)
		case *ast.CallExpr:
			s.call(n)
		case *ast.IndexExpr:
			s.lookup(n)
		case *ast.AssignStmt:
			s.count(n.Lhs...)
			s.assign(n)
		case *ast.IncDecStmt:
			s.count(n.X)
		}
		return true
	})
	return s.result()
}

// search collects the findings of one body.
type search struct {
	*checker
	frame    *frame
	findings []finding
	compared map[string]bool // fields that are compared as a whole with a constant
	tests    int             // for presence
	present  []finding       // the tests that decide more than what is noted
	copied   []copying
	read     map[ast.Expr]bool // where Connection and Upgrade are read
	counted  map[ast.Expr]bool // index expressions that are assigned or incremented
	set      map[string]bool   // fields that the body has set to a constant, by header
	written  map[ast.Expr]bool // where they are assigned
}

type copying struct {
	finding
	field string
}

// result returns the findings, except those that others explain better.
func (s *search) result() []finding {
	for _, f := range s.copied {
		// If the field was compared as a whole, the copied value is known.
		if !s.compared[f.field] {
			s.findings = append(s.findings, f.finding)
		}
	}
	// Code that also reads the value, or Connection, tests more than presence.
	if len(s.read) == s.tests {
		s.findings = append(s.findings, s.present...)
	}
	return s.findings
}

// add records a fault at e. If e stands in a function that is called, the fault is recorded
// at the outermost call, which is in the function under analysis.
func (s *search) add(k *kind, e ast.Expr, text string, o *operand) {
	if s.frame == nil {
		s.found[e.Pos()] = true
		s.findings = append(s.findings, finding{kind: k, at: e, text: text, operand: o})
		return
	}
	outer := s.frame
	for outer.up != nil {
		outer = outer.up
	}
	if o != nil {
		// The fix replaces the call, if the function's name says what true means.
		o.expr, o.negative = outer.call, false
		if !isQuestion(outer.callee) {
			o = nil
		}
	}
	s.inside = append(s.inside, finding{kind: k, at: outer.call, text: text, operand: o, inner: e.Pos()})
}

// isQuestion reports whether the function returns a bool that, by the function's name, is
// true for a match.
func isQuestion(f *types.Func) bool {
	results := f.Signature().Results()
	if results.Len() != 1 || !types.Identical(results.At(0).Type(), types.Typ[types.Bool]) {
		return false
	}
	name := strings.ToLower(f.Name())
	for _, word := range []string{"contains", "has", "is", "match", "includes", "equal"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func (s *search) binary(n *ast.BinaryExpr) {
	if n.Op != token.EQL && n.Op != token.NEQ && n.Op != token.GTR {
		return
	}
	if n.Op != token.GTR {
		s.compare(n, n.X, n.Y, equals, asSent, n.Op == token.NEQ)
	}
	s.presence(n)
}

func (s *search) cases(n *ast.SwitchStmt) {
	if n.Tag == nil {
		return
	}
	for _, clause := range n.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			s.compareAt(n.Tag, n.Tag, e, equals, asSent, nil)
		}
	}
}

// lookup judges an index expression on a map: one that reads a field, or one whose key is a
// whole field.
func (s *search) lookup(n *ast.IndexExpr) {
	t := s.pass.TypesInfo.TypeOf(n.X)
	if t == nil {
		return
	}
	if isFieldMap(t) {
		for _, v := range s.evalIndex(n, s.frame) {
			s.reads(v)
		}
		return
	}
	if _, ok := t.Underlying().(*types.Map); ok && !s.counted[n] {
		for _, v := range s.eval(n.Index, s.frame) {
			if v.field != "" {
				s.judge(n, v, value{}, equals, asSent, nil)
			}
		}
	}
}

// count marks the expressions that are index expressions: a map that counts or collects
// keys compares them with nothing.
func (s *search) count(targets ...ast.Expr) {
	for _, e := range targets {
		if index, ok := ast.Unparen(e).(*ast.IndexExpr); ok {
			s.counted[index] = true
		}
	}
}

func (s *search) call(n *ast.CallExpr) {
	callee := s.index.callee(n)
	if callee == nil {
		return
	}
	if v, ok := s.readField(n, callee, s.frame); ok {
		s.reads(v)
	}
	method := callee.Signature().Recv() != nil
	switch path, name := pathOf(callee), callee.Name(); {
	case !method && (path == "strings" || path == "bytes" || path == "slices"):
		s.text(name, n)
	case path == "regexp" && len(n.Args) > 0 && strings.HasPrefix(name, "Match"):
		last := n.Args[len(n.Args)-1]
		s.compareAt(n, last, n.Fun, matches, asSent, nil)
	case method && len(n.Args) > 0 && (name == "Del" || name == "Set" || name == "Add"):
		s.write(n, name)
	case path == "golang.org/x/net/http/httpguts" && name == "HeaderValuesContainsToken" && len(n.Args) == 2:
		for _, v := range eachElement(s.eval(n.Args[0], s.frame)) {
			if v.first { // the slice was made for the call
				v.shape, v.split, v.trimmed, v.fold = anElement, ",", true, ascii
				s.judgeAgainst(n, v, n.Args[1], equals, ascii, &operand{expr: n})
			}
		}
	case s.isComparison(callee) && len(n.Args) == 2:
		s.compare(n, n.Args[0], n.Args[1], equals, ascii, false)
	default:
		s.follow(n)
	}
}

// isComparison reports whether the function compares two strings, judging by its name and
// type. It does not look at how the function folds: the purpose of such functions is to
// fold only ASCII.
func (s *search) isComparison(f *types.Func) bool {
	signature := f.Signature()
	params, results := signature.Params(), signature.Results()
	return strings.Contains(strings.ToLower(f.Name()), "equal") && signature.Recv() == nil &&
		params.Len() == 2 && isString(params.At(0).Type()) && isString(params.At(1).Type()) &&
		results.Len() == 1 && types.Identical(results.At(0).Type(), types.Typ[types.Bool])
}

func (s *search) reads(v value) {
	if s.written[v.read] {
		return
	}
	if s.read == nil {
		s.read = map[ast.Expr]bool{}
	}
	s.read[v.read] = true
}

// text judges the comparisons of packages strings, bytes and slices.
func (s *search) text(name string, n *ast.CallExpr) {
	if len(n.Args) != 2 {
		return
	}
	x, y := n.Args[0], n.Args[1]
	switch name {
	case "Equal", "Compare":
		s.compare(n, x, y, equals, asSent, false)
	case "EqualFold":
		s.compare(n, x, y, equals, either, false)
	case "Contains", "Index", "LastIndex", "Count":
		o := &operand{expr: n}
		if name != "Contains" {
			o = nil
		}
		how := contains
		for _, v := range s.eval(x, s.frame) {
			if v.field != "" && v.shape != line && v.shape != anElement {
				how = equals // slices.Contains
			}
		}
		if how == equals {
			for _, v := range eachElement(s.eval(x, s.frame)) {
				s.judgeAgainst(n, v, y, equals, asSent, o)
			}
			return
		}
		s.compareAt(n, x, y, contains, asSent, o)
	case "HasPrefix":
		s.compareAt(n, x, y, begins, asSent, &operand{expr: n})
	case "HasSuffix":
		s.compareAt(n, x, y, ends, asSent, &operand{expr: n})
	}
}

// follow looks into a function of this package if one of the arguments is a field or the
// name of a field.
func (s *search) follow(n *ast.CallExpr) {
	next, decl := s.enter(n, s.frame)
	if next == nil {
		return
	}
	for _, arg := range n.Args {
		for _, v := range s.eval(arg, s.frame) {
			if v.field != "" || v.known && fieldNamed(v.constant) != "" {
				s.reads(value{read: n})
				s.findings = append(s.findings, s.fields(decl.Body, next)...)
				return
			}
		}
	}
}

// compare judges a comparison of x and y, either of which may be the field.
func (s *search) compare(at ast.Expr, x, y ast.Expr, r relation, fold fold, negative bool) {
	s.compareAt(at, x, y, r, fold, &operand{expr: at, negative: negative})
	s.compareAt(at, y, x, r, fold, &operand{expr: at, negative: negative})
}

func (s *search) compareAt(at ast.Expr, x, y ast.Expr, r relation, fold fold, o *operand) {
	for _, v := range s.eval(x, s.frame) {
		if v.field != "" {
			s.judgeAgainst(at, v, y, r, fold, o)
			return
		}
	}
}

func (s *search) judgeAgainst(at ast.Expr, v value, y ast.Expr, r relation, fold fold, o *operand) {
	if s.pass.TypesInfo.Types[y].IsNil() {
		return
	}
	others := s.eval(y, s.frame)
	if len(others) == 0 {
		others = []value{{}}
	}
	for _, other := range others {
		s.judge(at, v, other, r, fold, o)
	}
}

// judge reports what is wrong with comparing v, which comes from a field, with other.
func (s *search) judge(at ast.Expr, v, other value, r relation, fold fold, o *operand) {
	if fold == asSent {
		fold = v.fold
	}
	want := other.constant
	if call, ok := v.read.(*ast.CallExpr); ok && s.frame == nil && s.set[headerOf(call)+v.field] {
		return // the code reads what it has set
	}
	if other.known && (want == "" || !strings.ContainsFunc(want, isLetter)) {
		return // a test for presence, or for a delimiter
	}
	if o != nil {
		o = &operand{expr: o.expr, negative: o.negative, field: v.field, want: want, from: v.from}
		if !other.known {
			o = nil
		}
	}
	if other.field != "" && v.shape == line && other.shape == line {
		if v.from.message != other.from.message && v.from.message != unknown && other.from.message != unknown && v.field == "Upgrade" {
			s.add(peerChoice, at, `Upgrade of the response is compared with Upgrade of the request: an offer of "h2c, websocket" answered with "websocket" is refused, and a protocol that this client does not support is accepted`, nil)
			return
		}
		s.add(wholeValue, at, fmt.Sprintf(`two %s fields are compared as wholes, but each is a list: "a, b" and "b" do not match`, v.field), nil)
		return
	}
	switch v.shape {
	case line:
		if r != equals {
			s.add(substring, at, fmt.Sprintf("%s is searched for text: %q is %s", v.field, falseFriend(v.field, want, r), accepted(want)), o)
			return
		}
		if other.known && s.frame == nil {
			if s.compared == nil {
				s.compared = map[string]bool{}
			}
			s.compared[v.field] = true
		}
		list := listWith(v.field, want)
		if v.isChoice() {
			list = ", " + shown(v.field, want)
		}
		s.add(wholeValue, at, fmt.Sprintf("%s is a list, but is compared as a whole: %q is %s", v.field, list, refused(want)), o)
	case anElement:
		s.judgeElement(at, v, want, other.known, r, fold, o)
	}
}

func (s *search) judgeElement(at ast.Expr, v value, want string, known bool, r relation, fold fold, o *operand) {
	if r == equals && !v.isChoice() {
		if k, text := v.wrongSplit(want); k != nil {
			s.add(k, at, text, nil)
			return
		}
	}
	switch {
	case r == contains || r == ends:
		s.add(substring, at, fmt.Sprintf("an element of %s is searched for text: %q is %s", v.field, falseFriend(v.field, want, r), accepted(want)), nil)
	case r != equals:
		// A prefix may be a name without its version.
	case known && fold == asSent && v.field == "Connection":
		s.add(letterCase, at, fmt.Sprintf("an option of Connection is compared in one letter case: %q is %s", otherCase(want), refused(want)), nil)
	case known && fold == asSent:
		s.add(letterCase, at, fmt.Sprintf("a protocol is compared in one letter case: %q is %s", otherCase(want), refused(want)), nil)
	case known && v.field == "Upgrade" && folded(want, fold) != "":
		s.add(folding, at, fmt.Sprintf("letters beyond ASCII are folded: %+q is %s", folded(want, fold), accepted(want)), nil)
	}
}

// wrongSplit returns what is wrong with how the element was taken from its field, or nil.
func (v value) wrongSplit(want string) (*kind, string) {
	list := listWith(v.field, want)
	switch {
	case v.split == " ":
		return separator, fmt.Sprintf("%s is split at blanks: %q is %s", v.field, list, refused(want))
	case strings.Trim(v.split, " \t") == "," && v.split != ",":
		return separator, fmt.Sprintf("%s is split at %q: %q is %s", v.field, v.split, strings.ReplaceAll(list, ", ", ","), refused(want))
	case v.split != ",":
		return separator, fmt.Sprintf("%s is split at %q: %q is %s", v.field, v.split, list, refused(want))
	case !v.trimmed:
		return separator, fmt.Sprintf("blanks stay on the elements of %s: %q is %s", v.field, list, refused(want))
	case v.first:
		return firstLine, fmt.Sprintf(`only the first line of %[1]s is read: "%[1]s: %[2]s" on a second line is %[3]s`, v.field, shown(v.field, want), refused(want))
	}
	return nil, ""
}

// isChoice reports whether the value is Upgrade of a response. It names what the server
// chose, so a client that offered one protocol is right to want no other beside it.
func (v value) isChoice() bool { return v.field == "Upgrade" && v.from.message == response }

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// shown returns want as it is usually spelled.
func shown(field, want string) string {
	switch {
	case want == "" && field == "Upgrade":
		return "websocket"
	case want == "" || strings.EqualFold(want, "upgrade"):
		return "Upgrade"
	}
	return want
}

// listWith returns a field value that has want as one of two elements, as clients send it.
func listWith(field, want string) string {
	want = shown(field, want)
	switch {
	case field == "Connection" && (strings.EqualFold(want, "close") || strings.EqualFold(want, "keep-alive")):
		return want + ", TE"
	case field == "Connection":
		return "keep-alive, " + want
	case strings.EqualFold(want, "h2c"):
		return want + ", websocket"
	}
	return "h2c, " + want
}

// falseFriend returns a value that the comparison wrongly takes for want.
func falseFriend(field, want string, r relation) string {
	want = strings.ToLower(shown(field, want))
	if r == begins || field == "Upgrade" && r != ends {
		return want + "2"
	}
	return "not-" + want
}

// refused says what happens to a message that has the element; accepted says it of one that
// lacks it.
func refused(want string) string {
	if strings.EqualFold(want, "close") || strings.EqualFold(want, "keep-alive") {
		return "overlooked"
	}
	return "refused"
}

func accepted(want string) string {
	if strings.EqualFold(want, "close") || strings.EqualFold(want, "keep-alive") {
		return "taken for " + strings.ToLower(want)
	}
	return "accepted"
}

func otherCase(want string) string {
	switch {
	case want != strings.ToLower(want):
		return strings.ToLower(want)
	case want == "websocket":
		return "WebSocket"
	}
	return strings.ToUpper(want[:1]) + want[1:]
}

// folded returns a spelling of want that the fold takes for want although one letter is not
// ASCII, or "".
func folded(want string, by fold) string {
	var strange string // pairs: an ASCII letter, then one that folds to it
	switch by {
	case lower:
		strange = "k\u212ai\u0130"
	case upper:
		strange = "S\u017fI\u0131"
	case either:
		strange = "k\u212as\u017fK\u212aS\u017f"
	}
	pairs := []rune(strange)
	for i := 0; i < len(pairs); i += 2 {
		if strings.ContainsRune(want, pairs[i]) {
			return strings.Replace(want, string(pairs[i]), string(pairs[i+1]), 1)
		}
	}
	return ""
}

// presence judges a comparison of Upgrade with "" or nil, or of its length with 0.
func (s *search) presence(n *ast.BinaryExpr) {
	x, y := ast.Unparen(n.X), ast.Unparen(n.Y)
	if call, ok := x.(*ast.CallExpr); ok && len(call.Args) == 1 && isZero(s.pass.TypesInfo.Types[y].Value) {
		if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "len" {
			s.presentAt(n, call.Args[0])
		}
		return
	}
	v := s.pass.TypesInfo.Types[y].Value
	if n.Op != token.GTR && (s.pass.TypesInfo.Types[y].IsNil() || v != nil && v.Kind() == constant.String && constant.StringVal(v) == "") {
		s.presentAt(n, x)
	}
}

// presentAt records a test for presence at that node, if e reads Upgrade and not of a
// response.
func (s *search) presentAt(at ast.Node, e ast.Expr) {
	e = ast.Unparen(e)
	if s.frame != nil {
		return
	}
	for _, v := range s.eval(e, nil) {
		if v.field == "Upgrade" && v.from.message != response && v.read == e {
			s.reads(v)
			s.tests++
			if n, ok := at.(*ast.BinaryExpr); s.isOnlyNoted(at, ok && n.Op != token.EQL) {
				return
			}
			s.present = append(s.present, finding{kind: presence, at: at,
				text: `any Upgrade field counts: "Upgrade: h2c", which Java's client sends with ordinary requests, is taken for an offer of the protocol served here`})
			return
		}
	}
}

func isZero(v constant.Value) bool { return v != nil && v.ExactString() == "0" }

// write judges fields that are removed, and fields that are set to a value from another
// message.
func (s *search) write(n *ast.CallExpr, name string) {
	selector, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	if !ok || !strings.Contains(typeName(s.pass.TypesInfo.TypeOf(selector.X)), "Header") {
		return
	}
	if name == "Del" {
		s.remove(n)
		return
	}
	if len(n.Args) == 2 {
		field := s.fieldName(n.Args[0], s.frame)
		if name == "Set" && s.pass.TypesInfo.Types[n.Args[1]].Value != nil {
			s.set[headerOf(n)+field] = true
		}
		s.copy(n, selector.X, field, n.Args[1])
	}
}

// headerOf returns the text of the header whose method is called.
func headerOf(call *ast.CallExpr) string {
	if selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		return types.ExprString(selector.X)
	}
	return ""
}

func typeName(t types.Type) string {
	_, name := named(t)
	return name
}

func (s *search) remove(n *ast.CallExpr) {
	for _, v := range s.eval(n.Args[0], s.frame) {
		if v.field != "Connection" {
			continue
		}
		text := ""
		switch {
		case v.shape == line:
			text = `Connection is a list, but is taken for one name: with "Connection: TE, X-Hop", X-Hop stays`
		case v.shape != anElement:
		case v.split != "," && v.split != " ":
			text = fmt.Sprintf(`Connection is split at %q: with "Connection: TE,X-Hop", X-Hop stays`, v.split)
		case v.split == " ":
			text = `Connection is split at blanks: with "Connection: TE,X-Hop", X-Hop stays`
		case v.first:
			text = `only the first line of Connection is read: with "Connection: X-Hop" on a second line, X-Hop stays`
		case !v.trimmed:
			text = `blanks stay on the elements of Connection: with "Connection: TE, X-Hop", X-Hop stays`
		}
		if text != "" {
			s.add(hopByHop, n, text, nil)
			return
		}
	}
}

// assign judges h["Upgrade"] = values, and _, ok := h["Upgrade"].
func (s *search) assign(n *ast.AssignStmt) {
	if len(n.Lhs) == 2 && len(n.Rhs) == 1 && isBlank(n.Lhs[0]) {
		if index, ok := ast.Unparen(n.Rhs[0]).(*ast.IndexExpr); ok {
			s.presentAt(index, index)
		}
	}
	if len(n.Lhs) != len(n.Rhs) {
		return
	}
	for i, left := range n.Lhs {
		index, ok := ast.Unparen(left).(*ast.IndexExpr)
		if !ok || !isFieldMap(s.pass.TypesInfo.TypeOf(index.X)) {
			continue
		}
		field := s.fieldName(index.Index, s.frame)
		if s.written == nil {
			s.written = map[ast.Expr]bool{}
		}
		s.written[index] = true
		values := []ast.Expr{n.Rhs[i]}
		if literal, ok := ast.Unparen(n.Rhs[i]).(*ast.CompositeLit); ok {
			values = literal.Elts
		}
		for _, value := range values {
			s.copy(index, index.X, field, value)
		}
	}
}

// copy judges an assignment of e to the field of that name in the header to.
func (s *search) copy(at ast.Expr, to ast.Expr, name string, e ast.Expr) {
	if name == "" || s.frame != nil {
		return
	}
	target := s.carrierOf(to, s.frame)
	for _, v := range s.eval(e, s.frame) {
		if v.field != name || v.shape == anElement {
			continue
		}
		if target.expr != nil && v.from.expr != nil && types.ExprString(target.expr) == types.ExprString(v.from.expr) && target.message != request {
			continue // the same message
		}
		text := name + " of one connection is copied to another: "
		switch {
		case name == "Connection":
			text += `"keep-alive, X-Hop" names fields that the next message may not have`
		case target.message == request:
			text += `a protocol that this proxy does not know, such as "h2c", is offered to the backend`
		default:
			text += `the response names whatever the peer sent, such as "h2c, websocket"`
		}
		s.copied = append(s.copied, copying{finding{kind: forwarded, at: at, text: text}, name})
		s.found[at.Pos()] = true
		return
	}
}
