package analyzer

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// is101Line reports whether the text begins like the head of a 101.
func is101Line(text string) bool {
	return strings.HasPrefix(text, "HTTP/1.1 101") || strings.HasPrefix(text, "HTTP/1.0 101")
}

// text returns the constant string or bytes that e is, or "".
func (c *checker) text(e ast.Expr) string {
	e = ast.Unparen(e)
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 && c.pass.TypesInfo.Types[call.Fun].IsType() {
		e = call.Args[0]
	}
	if v := c.pass.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v)
	}
	return ""
}

// heads returns the findings about heads of a 101 that are written by hand.
func (c *checker) heads(function *ast.FuncDecl) []finding {
	var all []finding
	var targets []ast.Expr // what a 101 line is written or appended to
	var begins []ast.Expr  // the calls that do so
	inner := map[ast.Expr]bool{}
	report := func(e ast.Expr) {
		all = append(all, finding{kind: headValues, at: e,
			text: `the head of a 101 is written by hand with unchecked values: one that contains "\r\nSet-Cookie: a=b" adds a field`})
	}
	c.index.inspect(function.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op != token.ADD || inner[n] {
				break
			}
			parts := c.parts(n, inner)
			if is101Line(c.text(parts[0])) {
				for _, part := range parts[1:] {
					if c.isUnchecked(part) {
						report(n)
						break
					}
				}
			}
		case *ast.CompositeLit: // lines to be joined
			if len(n.Elts) > 1 && is101Line(c.text(n.Elts[0])) {
				for _, e := range n.Elts[1:] {
					if c.isUnchecked(e) {
						report(n)
						break
					}
				}
			}
		case *ast.CallExpr:
			for i, arg := range n.Args {
				if !is101Line(c.text(arg)) && !c.formats101(n, i) {
					continue
				}
				if callee := c.index.callee(n); callee != nil && pathOf(callee) == "fmt" {
					for _, value := range n.Args[i+1:] {
						if c.isUnchecked(value) {
							report(n)
							return true
						}
					}
				}
				if target := c.target(n); target != nil && !strings.Contains(c.text(arg), "\r\n\r\n") {
					targets, begins = append(targets, target), append(begins, n)
				}
			}
		}
		return true
	})
	for i, target := range targets {
		if c.getsMore(function, target, begins[i]) {
			report(begins[i])
		}
	}
	return all
}

// formats101 reports whether the nth argument is the format of a status line, and the
// next the status 101.
func (c *checker) formats101(call *ast.CallExpr, n int) bool {
	return n+1 < len(call.Args) && strings.HasPrefix(c.text(call.Args[n]), "HTTP/1.1 %d") && c.is101(call.Args[n+1])
}

// parts returns the operands of a chain of +, and marks the chains within it.
func (c *checker) parts(e ast.Expr, inner map[ast.Expr]bool) []ast.Expr {
	e = ast.Unparen(e)
	sum, ok := e.(*ast.BinaryExpr)
	if !ok || sum.Op != token.ADD || c.pass.TypesInfo.Types[e].Value != nil {
		return []ast.Expr{e}
	}
	inner[sum] = true
	return append(c.parts(sum.X, inner), c.parts(sum.Y, inner)...)
}

// target returns what a call writes its text to: the receiver, or the first argument.
func (c *checker) target(call *ast.CallExpr) ast.Expr {
	if selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && strings.HasPrefix(selector.Sel.Name, "Write") && len(call.Args) == 1 {
		return selector.X
	}
	if len(call.Args) > 1 {
		return call.Args[0]
	}
	return nil
}

// getsMore reports whether a call after begin writes an unchecked value to the target.
func (c *checker) getsMore(function *ast.FuncDecl, target ast.Expr, begin ast.Expr) bool {
	name := types.ExprString(target)
	more := false
	c.index.inspect(function.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() <= begin.Pos() || more {
			return true
		}
		to := c.target(call)
		if to == nil || types.ExprString(to) != name || ours(pathOf(c.index.callee(call))) {
			return true
		}
		for _, arg := range call.Args {
			if arg != to && c.isUnchecked(arg) {
				more = true
			}
		}
		return true
	})
	return more
}

// isUnchecked reports whether e is text that is neither constant nor safe. Text is safe if
// it is encoded, as the value of Sec-WebSocket-Accept is in base64.
func (c *checker) isUnchecked(e ast.Expr) bool {
	e = ast.Unparen(e)
	if c.text(e) != "" || c.pass.TypesInfo.Types[e].Value != nil || !isString(c.pass.TypesInfo.TypeOf(e)) {
		return false
	}
	return !c.isSafe(e, 0)
}

func (c *checker) isSafe(e ast.Expr, depth int) bool {
	e = ast.Unparen(e)
	if c.pass.TypesInfo.Types[e].Value != nil {
		return true
	}
	if depth > maxDepth {
		return false
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return c.isSafe(e.X, depth) && c.isSafe(e.Y, depth)
	case *ast.Ident:
		object := c.index.object(e)
		if c.isOneOf(object, e) {
			return true
		}
		defs := c.index.defs[object]
		if len(defs) == 0 || isParam(object, c.function, c.pass.TypesInfo) {
			return strings.Contains(strings.ToLower(e.Name), "accept")
		}
		for _, d := range defs {
			if d.how != same && d.how != result || !c.isSafe(d.expr, depth+1) {
				return false
			}
		}
		return true
	case *ast.SliceExpr:
		return c.isSafe(e.X, depth)
	case *ast.CallExpr:
		if len(e.Args) == 1 && c.pass.TypesInfo.Types[e.Fun].IsType() {
			return c.isSafe(e.Args[0], depth)
		}
		callee := c.index.callee(e)
		if callee == nil {
			return false
		}
		return ours(pathOf(callee)) || strings.HasPrefix(pathOf(callee), "encoding/") || pathOf(callee) == "strconv" ||
			strings.Contains(strings.ToLower(callee.Name()), "accept") || c.encodes(callee)
	}
	return strings.Contains(strings.ToLower(types.ExprString(e)), "accept")
}

// isOneOf reports whether the variable can have only constant values at that place: it was
// compared with constants, and the code leaves or does not come here for any other value.
func (c *checker) isOneOf(object types.Object, at ast.Node) bool {
	if object == nil || len(c.index.defs[object]) > 1 {
		return false
	}
	path := c.pathTo(at)
	for i := 1; i < len(path); i++ {
		switch parent := path[i].(type) {
		case *ast.IfStmt:
			if parent.Body == path[i-1] && c.limits(parent.Cond, object, token.EQL) {
				return true
			}
		case *ast.CaseClause:
			if i+2 < len(path) {
				if n, ok := path[i+2].(*ast.SwitchStmt); ok && n.Tag != nil && c.index.object(n.Tag) == object && c.areConstant(parent.List) {
					return true
				}
			}
		case *ast.BlockStmt:
			for _, statement := range parent.List {
				if statement == path[i-1] {
					break
				}
				if c.leavesOthers(statement, object) {
					return true
				}
			}
		}
	}
	return false
}

// leavesOthers reports whether the code leaves at the statement if the variable does not
// have one of some constant values.
func (c *checker) leavesOthers(statement ast.Stmt, object types.Object) bool {
	switch n := statement.(type) {
	case *ast.IfStmt:
		return endsIn(n.Body) && c.limits(n.Cond, object, token.NEQ)
	case *ast.SwitchStmt:
		if n.Tag == nil || c.index.object(n.Tag) != object {
			return false
		}
		leaves := false
		for _, s := range n.Body.List {
			clause := s.(*ast.CaseClause)
			if clause.List == nil {
				leaves = len(clause.Body) > 0 && terminates(clause.Body[len(clause.Body)-1])
			} else if !c.areConstant(clause.List) {
				return false
			}
		}
		return leaves
	}
	return false
}

// limits reports whether e compares the variable with constants, so that it has one of
// these if e is true and op is ==, or if e is false and op is !=.
func (c *checker) limits(e ast.Expr, object types.Object, op token.Token) bool {
	n, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok {
		return false
	}
	every, some := token.LOR, token.LAND // how == is joined
	if op == token.NEQ {
		every, some = some, every
	}
	switch n.Op {
	case every:
		return c.limits(n.X, object, op) && c.limits(n.Y, object, op)
	case some:
		return c.limits(n.X, object, op) || c.limits(n.Y, object, op)
	case op:
		return c.index.object(n.X) == object && c.areConstant([]ast.Expr{n.Y}) ||
			c.index.object(n.Y) == object && c.areConstant([]ast.Expr{n.X})
	}
	return false
}

func (c *checker) areConstant(list []ast.Expr) bool {
	for _, e := range list {
		if c.pass.TypesInfo.Types[e].Value == nil {
			return false
		}
	}
	return len(list) > 0
}

func isParam(object types.Object, function *ast.FuncDecl, info *types.Info) bool {
	for _, field := range function.Type.Params.List {
		for _, name := range field.Names {
			if info.Defs[name] == object {
				return true
			}
		}
	}
	return false
}

// encodes reports whether the function of this package uses base64.
func (c *checker) encodes(callee *types.Func) bool {
	decl := c.index.functions[callee]
	if decl == nil {
		return false
	}
	for n := range ast.Preorder(decl.Body) {
		if name, ok := n.(*ast.Ident); ok && pathOf(c.pass.TypesInfo.Uses[name]) == "encoding/base64" {
			return true
		}
	}
	return false
}
