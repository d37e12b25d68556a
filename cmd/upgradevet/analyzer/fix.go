package analyzer

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
)

// A fix is offered only if the result compiles: the message is a variable with a type of
// net/http; the comparison stands in the condition of an if, in a return or in an
// assignment; no variable or import is left unused; and the new names are free.
//
// The fix of a comparison asks its question before the statement. So the fix is offered
// only if this changes nothing: the comparison itself reads the message, and what the
// statement evaluates first has no effect and cannot keep the message from being read.

// asked is a comparison with its negations, as one operand of a chain of && or ||.
type asked struct {
	*operand
	expr     ast.Expr // with its negations
	negative bool
}

// fixCondition returns a fix that replaces the comparison, and others in its chain about
// the same message, with one call of package httpupgrade.
func (c *checker) fixCondition(f finding, all []finding, fixed *fixed) []analysis.SuggestedFix {
	file := c.fileOf(f.at.Pos())
	if file == nil || fixed.comparisons[f.operand.expr.Pos()] || !c.reads(f.operand.expr, f.operand.from.expr) && !c.readsByCall(f.operand.expr) {
		return nil
	}
	first, path := c.unitOf(f.operand)
	if path == nil || !c.comesFirst(first, path) {
		return nil
	}
	chain, op, path := chainOf(first.expr, path)
	units := []asked{first}
	for _, other := range all {
		o := other.operand
		if o == nil || o.expr == f.operand.expr || !sameCarrier(o.from, first.from) {
			continue
		}
		u, _ := c.unitOf(o)
		for _, e := range chain {
			if u.expr == e && u.negative == first.negative && u.negative == (op == token.LOR) && e != first.expr && c.canMove(chain, first.expr, e) {
				units = append(units, u)
			}
		}
	}
	sort.Slice(units, func(i, j int) bool { return units[i].expr.Pos() < units[j].expr.Pos() })
	question, imports := c.question(units, f.at.Pos())
	if question == "" {
		return nil
	}
	var edits []analysis.TextEdit
	var gone []ast.Node
	gone = append(gone, units[0].expr)
	for _, u := range units[1:] {
		if u.expr == units[0].expr {
			continue // compared twice in one call
		}
		for i, e := range chain {
			if e == u.expr && i > 0 {
				edits = append(edits, analysis.TextEdit{Pos: chain[i-1].End(), End: e.End()})
				gone = append(gone, e)
			}
		}
	}
	if c.leavesUnused(gone) {
		return nil
	}
	more, ok := c.fixImports(file, f.at.Pos(), imports, gone)
	if !ok {
		return nil
	}
	name, edit := c.ask(question, path, fixed)
	if name == "" {
		return nil
	}
	answer := name + " == nil"
	if first.negative {
		answer = name + " != nil"
	}
	for _, u := range units {
		fixed.comparisons[u.operand.expr.Pos()] = true
	}
	edits = append([]analysis.TextEdit{edit, replace(units[0].expr, answer)}, edits...)
	return []analysis.SuggestedFix{{Message: "Ask " + question, TextEdits: append(edits, more...)}}
}

// fixed is what the fixes so far replace and declare, since all may be applied together.
type fixed struct {
	comparisons map[token.Pos]bool
	names       map[declared]bool
}

// declared is a variable that a fix declares, and the node in which it does so.
type declared struct {
	in   ast.Node
	name string
}

// reads reports whether e selects from the message. If so, e panics wherever a question
// about a message that is nil would.
func (c *checker) reads(e, message ast.Expr) bool {
	if message == nil {
		return false
	}
	name := types.ExprString(ast.Unparen(message))
	reads := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.SelectorExpr:
			reads = reads || types.ExprString(ast.Unparen(n.X)) == name
		}
		return !reads
	})
	return reads
}

// readsByCall reports whether e calls a function of this package that reads the message and
// does nothing else: it consists of a return statement without conditions.
func (c *checker) readsByCall(e ast.Expr) bool {
	for n := range ast.Preorder(e) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		decl := c.index.functions[c.index.callee(call)]
		if decl == nil || len(decl.Body.List) != 1 {
			continue
		}
		result, ok := decl.Body.List[0].(*ast.ReturnStmt)
		if ok && len(result.Results) == 1 && c.hasNoEffect(result.Results[0]) && !hasCondition(result) {
			return true
		}
	}
	return false
}

func hasCondition(n ast.Node) bool {
	for n := range ast.Preorder(n) {
		if e, ok := n.(*ast.BinaryExpr); ok && (e.Op == token.LAND || e.Op == token.LOR) {
			return true
		}
	}
	return false
}

// comesFirst reports whether the comparison may as well be evaluated before its statement.
// That is so if the operands of && and || before it have no effects, and the first of them
// reads the message, too. The path begins at the comparison.
func (c *checker) comesFirst(u asked, path []ast.Node) bool {
	first := ast.Expr(nil) // the operand that is evaluated in any case, if it is not u
	for i := 1; i < len(path); i++ {
		switch parent := path[i].(type) {
		case *ast.BinaryExpr:
			if (parent.Op == token.LAND || parent.Op == token.LOR) && parent.Y == path[i-1] {
				if !c.hasNoEffect(parent.X) {
					return false
				}
				first = parent.X
			}
		case *ast.ParenExpr, *ast.UnaryExpr:
		default:
			i = len(path)
		}
	}
	if first == nil {
		return true
	}
	for {
		switch e := ast.Unparen(first).(type) {
		case *ast.BinaryExpr:
			if e.Op == token.LAND || e.Op == token.LOR {
				first = e.X
				continue
			}
		case *ast.UnaryExpr:
			first = e.X
			continue
		}
		return c.reads(first, u.from.expr)
	}
}

// canMove reports whether a later operand of the chain may be evaluated together with an
// earlier one.
func (c *checker) canMove(chain []ast.Expr, earlier, later ast.Expr) bool {
	after := false
	for _, e := range chain {
		if e == later {
			return after && c.hasNoEffect(later)
		}
		after = after || e == earlier
		if after && !c.hasNoEffect(e) {
			return false
		}
	}
	return false
}

// hasNoEffect reports whether it does not matter when, how often or whether e is evaluated,
// but for panics.
func (c *checker) hasNoEffect(e ast.Expr) bool {
	for n := range ast.Preorder(e) {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				return false
			}
		case *ast.CallExpr:
			if !c.callHasNoEffect(n) {
				return false
			}
		}
	}
	return true
}

// callHasNoEffect is hasNoEffect for a call, apart from its arguments.
func (c *checker) callHasNoEffect(call *ast.CallExpr) bool {
	if c.pass.TypesInfo.Types[call.Fun].IsType() {
		return true
	}
	if name, ok := call.Fun.(*ast.Ident); ok && c.pass.TypesInfo.Types[name].IsBuiltin() {
		return name.Name == "len"
	}
	callee := c.index.callee(call)
	switch pathOf(callee) {
	case "strings", "bytes":
		return callee.Signature().Recv() == nil
	case "net/http":
		return callee.Name() == "Get" || callee.Name() == "Values"
	}
	return false
}

func replace(n ast.Node, text string) analysis.TextEdit {
	return analysis.TextEdit{Pos: n.Pos(), End: n.End(), NewText: []byte(text)}
}

func sameCarrier(a, b carrier) bool {
	return a.local && b.local && a.message == b.message && types.ExprString(a.expr) == types.ExprString(b.expr)
}

func (c *checker) fileOf(at token.Pos) *ast.File {
	for _, file := range c.pass.Files {
		if file.FileStart <= at && at < file.FileEnd {
			return file
		}
	}
	return nil
}

// pathTo returns at and the nodes around it, the innermost first.
func (c *checker) pathTo(at ast.Node) []ast.Node {
	path, _ := astutil.PathEnclosingInterval(c.fileOf(at.Pos()), at.Pos(), at.End())
	for len(path) > 0 && path[0] != at {
		path = path[1:]
	}
	return path
}

// unitOf returns the operand with its negations, and the path from there up.
func (c *checker) unitOf(o *operand) (asked, []ast.Node) {
	u := asked{operand: o, expr: o.expr, negative: o.negative}
	path := c.pathTo(o.expr)
	for len(path) > 1 {
		switch parent := path[1].(type) {
		case *ast.ParenExpr:
			u.expr = parent
		case *ast.UnaryExpr:
			if parent.Op != token.NOT {
				return u, path
			}
			u.expr, u.negative = parent, !u.negative
		default:
			return u, path
		}
		path = path[1:]
	}
	return u, nil
}

// chainOf returns the operands of the chain of && or || that e belongs to, its operator,
// and the path from the whole condition up. Without a chain the only operand is e.
func chainOf(e ast.Expr, path []ast.Node) ([]ast.Expr, token.Token, []ast.Node) {
	chain, op := []ast.Expr{e}, token.ILLEGAL
	for len(path) > 1 {
		switch parent := path[1].(type) {
		case *ast.ParenExpr:
		case *ast.UnaryExpr:
			if parent.Op != token.NOT {
				return chain, op, path
			}
		case *ast.BinaryExpr:
			if parent.Op != token.LAND && parent.Op != token.LOR {
				return chain, op, path
			}
			if op == token.ILLEGAL || op == parent.Op && path[0] == parent.X {
				op = parent.Op
				chain = flatten(parent, op)
			}
		default:
			return chain, op, path
		}
		path = path[1:]
	}
	return chain, op, path
}

func flatten(e ast.Expr, op token.Token) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == op {
		return append(flatten(b.X, op), flatten(b.Y, op)...)
	}
	return []ast.Expr{e}
}

// question returns the call that can replace the units, and the packages that it needs. It
// returns "" if no call can.
func (c *checker) question(units []asked, at token.Pos) (string, []string) {
	product := ""
	for _, u := range units {
		switch u.field {
		case "Connection":
			if !strings.EqualFold(u.want, "upgrade") {
				return "", nil
			}
		case "Upgrade":
			if product != "" && product != u.want || !isProduct(u.want) {
				return "", nil
			}
			product = u.want
		}
	}
	from := units[0].from
	if !from.local || !c.isPlain(from.expr, at) {
		return "", nil
	}
	message := types.ExprString(from.expr)
	one := "upgrade.MustParseProduct(" + strconv.Quote(product) + ")"
	t := c.pass.TypesInfo.TypeOf(from.expr)
	if _, ok := types.Unalias(t).(*types.Pointer); !ok {
		return "", nil
	}
	adapter := []string{module + "/httpupgrade"}
	both := []string{module + "/httpupgrade", module}
	switch {
	case is(t, "net/http", "Request") && product != "":
		return "httpupgrade.Select(" + message + ", " + one + ")", both
	case is(t, "net/http", "Request"):
		return "httpupgrade.Offer(" + message + ")", adapter
	case is(t, "net/http", "Response") && product != "":
		return "httpupgrade.Switched(" + message + ", " + one + ")", both
	}
	return "", nil
}

func isProduct(s string) bool {
	name, version, found := strings.Cut(s, "/")
	return isToken(name) && (!found || isToken(version))
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// isPlain reports whether e is a variable that is in scope at that place, or a chain of
// fields and accessors from one.
func (c *checker) isPlain(e ast.Expr, at token.Pos) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.CallExpr: // an accessor, such as c.Request()
			if len(x.Args) > 0 {
				return false
			}
			e = x.Fun
		case *ast.Ident:
			_, object := c.scopeAt(at).LookupParent(x.Name, at)
			_, ok := object.(*types.Var)
			return ok
		default:
			return false
		}
	}
}

func (c *checker) scopeAt(at token.Pos) *types.Scope {
	if s := c.pass.Pkg.Scope().Innermost(at); s != nil {
		return s
	}
	return c.pass.Pkg.Scope()
}

// ask returns the edit that asks the question before the condition at path[0], and the
// name of the variable that holds the error.
func (c *checker) ask(question string, path []ast.Node, fixed *fixed) (string, analysis.TextEdit) {
	none := analysis.TextEdit{}
	if len(path) < 3 {
		return "", none
	}
	insert := func(within, in ast.Node, at token.Pos, end string) (string, analysis.TextEdit) {
		for _, name := range []string{"err", "errOffer", "errConnection", "errUpgrade"} {
			if key := (declared{in, name}); !mentions(within, name) && !fixed.names[key] {
				fixed.names[key] = true
				return name, analysis.TextEdit{Pos: at, End: at, NewText: []byte("_, " + name + " := " + question + end)}
			}
		}
		return "", none
	}
	switch statement := path[1].(type) {
	case *ast.IfStmt:
		if statement.Cond != path[0] || statement.Init != nil {
			return "", none
		}
		return insert(statement, statement, statement.Cond.Pos(), "; ")
	case *ast.ReturnStmt:
		for _, result := range statement.Results {
			if result == path[0] {
				break
			}
			if !c.hasNoEffect(result) {
				return "", none
			}
		}
	case *ast.AssignStmt:
		if len(statement.Lhs) != 1 || !c.hasNoEffect(statement.Lhs[0]) {
			return "", none
		}
	default:
		return "", none
	}
	switch path[2].(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
	default:
		return "", none
	}
	for _, n := range path {
		function, ok := n.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if hasGoto(function) { // which may not jump over a declaration
			return "", none
		}
		column := c.pass.Fset.Position(path[1].Pos()).Column
		return insert(function, path[2], path[1].Pos(), "\n"+strings.Repeat("\t", max(column-1, 0)))
	}
	return "", none
}

func hasGoto(n ast.Node) bool {
	for n := range ast.Preorder(n) {
		if branch, ok := n.(*ast.BranchStmt); ok && branch.Tok == token.GOTO {
			return true
		}
	}
	return false
}

// mentions reports whether an identifier of that name stands in n.
func mentions(n ast.Node, name string) bool {
	for n := range ast.Preorder(n) {
		if n, ok := n.(*ast.Ident); ok && n.Name == name {
			return true
		}
	}
	return false
}

// leavesUnused reports whether all uses of some local variable are in the nodes that go.
func (c *checker) leavesUnused(gone []ast.Node) bool {
	within := map[types.Object]int{}
	for _, n := range gone {
		ast.Inspect(n, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				if v, ok := c.pass.TypesInfo.Uses[name].(*types.Var); ok && !v.IsField() && v.Parent() != c.pass.Pkg.Scope() {
					within[v]++
				}
			}
			return true
		})
	}
	if len(within) == 0 {
		return false
	}
	for _, object := range c.pass.TypesInfo.Uses {
		if _, ok := within[object]; ok {
			within[object]--
		}
	}
	for object, n := range within {
		if n >= 0 && !isParameter(object, c.pass) {
			return true
		}
	}
	return false
}

// isParameter reports whether the variable may stay unused.
func isParameter(object types.Object, pass *analysis.Pass) bool {
	for _, file := range pass.Files {
		if file.FileStart <= object.Pos() && object.Pos() < file.FileEnd {
			path, _ := astutil.PathEnclosingInterval(file, object.Pos(), object.Pos())
			for _, n := range path {
				switch n.(type) {
				case *ast.Field:
					return true
				case *ast.BlockStmt:
					return false
				}
			}
		}
	}
	return false
}

// fixImports returns the edits that import the packages, and drop the imports that only
// the nodes in gone use. It returns false if a name is taken.
func (c *checker) fixImports(file *ast.File, place token.Pos, packages []string, gone []ast.Node) ([]analysis.TextEdit, bool) {
	imported := map[string]*ast.ImportSpec{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		imported[path] = spec
	}
	var missing []string
	for _, path := range packages {
		name := path[strings.LastIndexByte(path, '/')+1:]
		spec := imported[path]
		if spec != nil && spec.Name != nil {
			return nil, false
		}
		_, object := c.scopeAt(place).LookupParent(name, place)
		if spec == nil {
			if object != nil || c.pass.Pkg.Scope().Lookup(name) != nil || c.elsewhere()[name] {
				return nil, false
			}
			missing = append(missing, path)
		} else if _, ok := object.(*types.PkgName); !ok {
			return nil, false
		}
	}
	dropped := c.droppedImports(file, gone)
	var edits []analysis.TextEdit
	var group, final *ast.GenDecl
	for _, decl := range file.Decls {
		decl, ok := decl.(*ast.GenDecl)
		if !ok || decl.Tok != token.IMPORT {
			continue
		}
		final = decl
		if decl.Lparen.IsValid() {
			group = decl
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.ImportSpec)
			switch {
			case !dropped[spec]:
			case decl.Lparen.IsValid():
				edits = append(edits, c.wholeLine(spec))
			default:
				edits = append(edits, analysis.TextEdit{Pos: decl.Pos(), End: decl.End()})
			}
		}
	}
	if len(missing) == 0 {
		return edits, true
	}
	if final == nil {
		return nil, false
	}
	// There is one edit per package, at a place that does not depend on the fix, and the
	// package that every fix needs comes first. If a driver applies several fixes to a
	// file, it can then merge equal edits.
	at, format, separate := final.End(), "\nimport %q", "\n"
	if group != nil {
		at, format = group.Rparen, "\t%q\n"
		if c.pass.Fset.Position(at).Column != 1 {
			return nil, false
		}
		specs := group.Specs
		if lastPath := specs[len(specs)-1].(*ast.ImportSpec).Path.Value; isOutside(lastPath) {
			separate = ""
		}
	}
	for i, path := range missing {
		text := fmt.Sprintf(format, path)
		if i == 0 {
			text = separate + text
		}
		edits = append(edits, analysis.TextEdit{Pos: at, End: at, NewText: []byte(text)})
	}
	return edits, true
}

// elsewhere returns the names that the package declares in files for other systems, or that
// other build tags select. An import must not have such a name.
func (c *checker) elsewhere() map[string]bool {
	if c.ignored != nil {
		return c.ignored
	}
	c.ignored = map[string]bool{}
	for _, name := range c.pass.IgnoredFiles {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		source, err := c.pass.ReadFile(name)
		if err != nil {
			continue
		}
		// A file with an error still has the declarations before it.
		file, _ := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if file == nil || file.Name.Name != c.pass.Pkg.Name() {
			continue
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil {
					c.ignored[decl.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						c.ignored[spec.Name.Name] = true
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							c.ignored[name.Name] = true
						}
					}
				}
			}
		}
	}
	return c.ignored
}

// isOutside reports whether the quoted import path is outside the standard library.
func isOutside(path string) bool {
	first, _, _ := strings.Cut(strings.Trim(path, `"`), "/")
	return strings.Contains(first, ".")
}

// droppedImports returns the imports of the file that only the nodes in gone use.
func (c *checker) droppedImports(file *ast.File, gone []ast.Node) map[*ast.ImportSpec]bool {
	count := func(n ast.Node, into map[types.Object]int, by int) {
		ast.Inspect(n, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				if p, ok := c.pass.TypesInfo.Uses[name].(*types.PkgName); ok {
					into[p] += by
				}
			}
			return true
		})
	}
	left := map[types.Object]int{}
	count(file, left, 1)
	used := map[types.Object]bool{}
	for object := range left {
		used[object] = true
	}
	for _, n := range gone {
		count(n, left, -1)
	}
	dropped := map[*ast.ImportSpec]bool{}
	for _, spec := range file.Imports {
		object := c.pass.TypesInfo.Implicits[spec]
		if spec.Name != nil {
			object = c.pass.TypesInfo.Defs[spec.Name]
		}
		if object != nil && used[object] && left[object] == 0 {
			dropped[spec] = true
		}
	}
	return dropped
}

// wholeLine returns the edit that deletes the line of the import.
func (c *checker) wholeLine(spec *ast.ImportSpec) analysis.TextEdit {
	file := c.pass.Fset.File(spec.Pos())
	n := file.Line(spec.Pos())
	return analysis.TextEdit{Pos: file.LineStart(n), End: file.LineStart(n + 1)}
}

// fixEarly returns a fix that keeps the bytes in Hijack's reader. The next statement must
// be if err != nil, and leave. Nothing may assert the type of the connection, which the fix
// changes.
func (c *checker) fixEarly(hijack *ast.AssignStmt, statement ast.Stmt, rest []ast.Stmt) []analysis.SuggestedFix {
	conn, failed := c.index.object(hijack.Lhs[0]), c.index.object(hijack.Lhs[2])
	if conn == nil || failed == nil || hijack != statement || hijack.Tok != token.DEFINE || len(rest) == 0 || !isBlank(hijack.Lhs[1]) {
		return nil
	}
	if !is(conn.Type(), "net", "Conn") || c.asserts(c.function.Body, conn) {
		return nil
	}
	check, ok := rest[0].(*ast.IfStmt)
	if !ok || check.Init != nil || check.Else != nil || !c.isNotNil(check.Cond, failed) || !endsIn(check.Body) {
		return nil
	}
	const name = "buffered"
	if mentions(c.function, name) || c.pass.Pkg.Scope().Lookup(name) != nil {
		return nil
	}
	file := c.fileOf(hijack.Pos())
	imports, ok := c.fixImports(file, hijack.Pos(), []string{module + "/httpupgrade"}, nil)
	if !ok {
		return nil
	}
	indent := strings.Repeat("\t", max(c.pass.Fset.Position(hijack.Pos()).Column-1, 0))
	return []analysis.SuggestedFix{{
		Message: "Read the early bytes first, with httpupgrade.Early",
		TextEdits: append([]analysis.TextEdit{
			replace(hijack.Lhs[1], name),
			{Pos: check.End(), End: check.End(), NewText: []byte("\n" + indent + conn.Name() + " = httpupgrade.Early(" + conn.Name() + ", " + name + ".Reader)")},
		}, imports...),
	}}
}

// isNotNil reports whether e is object != nil.
func (c *checker) isNotNil(e ast.Expr, object types.Object) bool {
	n, ok := ast.Unparen(e).(*ast.BinaryExpr)
	return ok && n.Op == token.NEQ && c.index.object(n.X) == object && c.pass.TypesInfo.Types[n.Y].IsNil()
}

// asserts reports whether the type of the variable is asserted in n, or in a function of
// this package that n passes it to.
func (c *checker) asserts(n ast.Node, object types.Object) bool {
	for n := range ast.Preorder(n) {
		if c.assertsHere(n, object) {
			return true
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		decl := c.index.functions[c.index.callee(call)]
		if decl == nil {
			continue
		}
		for i, arg := range call.Args {
			name := paramName(decl, i)
			if name == nil || c.index.object(arg) != object {
				continue
			}
			for n := range ast.Preorder(decl.Body) {
				if c.assertsHere(n, c.pass.TypesInfo.Defs[name]) {
					return true
				}
			}
		}
	}
	return false
}

// assertsHere reports whether n is an assertion of the type of the variable.
func (c *checker) assertsHere(n ast.Node, object types.Object) bool {
	e, ok := n.(*ast.TypeAssertExpr)
	return ok && c.index.mentions(e.X, object)
}
