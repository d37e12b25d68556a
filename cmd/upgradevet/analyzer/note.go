package analyzer

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// Code that only notes what it found is not wrong about it: code that logs, counts, sets a
// label, deletes a field or closes a body.

// ending says which statements that leave a branch only note.
type ending uint8

const (
	atNone  ending = iota
	atLabel        // a return of a constant text
	atError        // also a return of an error or of nothing
)

// onlyNotes reports whether the statements only note.
func (c *checker) onlyNotes(list []ast.Stmt, end ending) bool {
	for _, statement := range list {
		if !c.isNote(statement, end) {
			return false
		}
	}
	return true
}

func (c *checker) isNote(statement ast.Stmt, end ending) bool {
	switch statement := statement.(type) {
	case nil:
		return true // no else
	case *ast.BlockStmt:
		return c.onlyNotes(statement.List, end)
	case *ast.IfStmt:
		return statement.Init == nil && c.isNote(statement.Body, end) && c.isNote(statement.Else, end)
	case *ast.ExprStmt:
		return c.isNoting(statement.X)
	case *ast.DeferStmt:
		return c.isNoting(statement.Call)
	case *ast.IncDecStmt:
		return true
	case *ast.AssignStmt:
		for _, e := range statement.Rhs {
			if !c.isLabel(e) {
				return false
			}
		}
		return true
	case *ast.BranchStmt:
		return end == atError && (statement.Tok == token.CONTINUE || statement.Tok == token.BREAK)
	case *ast.ReturnStmt:
		return end != atNone && c.returnsNote(statement, end)
	}
	return false
}

// returnsNote reports whether the results are a label, with or without other constants, or
// an error if that counts.
func (c *checker) returnsNote(statement *ast.ReturnStmt, end ending) bool {
	n := len(statement.Results)
	if n == 0 {
		return end == atError
	}
	last := statement.Results[n-1]
	if end == atError && isError(c.pass.TypesInfo.TypeOf(last)) {
		return true
	}
	labelled := false
	for _, e := range statement.Results {
		v := c.pass.TypesInfo.Types[e].Value
		switch {
		case c.isLabel(e):
			labelled = labelled || v.Kind() == constant.String
		case !c.pass.TypesInfo.Types[e].IsNil():
			return false
		}
	}
	return labelled
}

func isError(t types.Type) bool {
	return t != nil && types.IsInterface(t) && hasMethod(t, "Error")
}

// isLabel reports whether e is a constant text or number.
func (c *checker) isLabel(e ast.Expr) bool {
	v := c.pass.TypesInfo.Types[e].Value
	return v != nil && v.Kind() != constant.Bool
}

// isNoting reports whether e is a call that logs, counts, deletes or closes.
func (c *checker) isNoting(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	if name, ok := call.Fun.(*ast.Ident); ok && c.pass.TypesInfo.Types[name].IsBuiltin() {
		return name.Name == "delete"
	}
	callee := c.index.callee(call)
	if callee == nil {
		return false
	}
	if callee.Signature().Recv() == nil {
		return strings.HasPrefix(pathOf(callee), "log") || pathOf(callee) == "fmt" && strings.HasPrefix(callee.Name(), "Print")
	}
	switch callee.Name() {
	case "Del", "Close", "Inc":
		return true
	}
	_, owner := named(callee.Signature().Recv().Type())
	return strings.Contains(strings.ToLower(owner), "log")
}

// isOnlyNoted reports whether the code only notes that the test at that node is true. The
// test is positive if it is true for a message that has the field.
func (c *checker) isOnlyNoted(at ast.Node, positive bool) bool {
	path := c.pathTo(at)
	end := atNone
	if positive {
		end = atLabel
	}
	for i := 1; i < len(path); i++ {
		switch parent := path[i].(type) {
		case *ast.ParenExpr, *ast.BinaryExpr:
		case *ast.UnaryExpr:
			end = atNone
		case *ast.CallExpr:
			return c.isNoting(parent)
		case *ast.IfStmt:
			return c.isNote(parent.Body, end) && c.isNote(parent.Else, end)
		case *ast.CaseClause:
			return c.onlyNotes(parent.Body, end)
		case *ast.AssignStmt:
			if branch, ok := path[i+1].(*ast.IfStmt); ok && branch.Init == parent {
				return c.isNote(branch.Body, atNone) && c.isNote(branch.Else, atNone)
			}
			return len(parent.Lhs) == 1 && c.isLogged(c.index.object(parent.Lhs[0]))
		default:
			return false
		}
	}
	return false
}

// isLogged reports whether all uses of the variable stand in calls that note it.
func (c *checker) isLogged(object types.Object) bool {
	if object == nil {
		return false
	}
	uses, logged := 0, 0
	c.uses(c.function, object, func(_ *ast.Ident, parents []ast.Node) {
		uses++
		for _, parent := range parents {
			if call, ok := parent.(*ast.CallExpr); ok && c.isNoting(call) {
				logged++
				return
			}
		}
	})
	return uses > 0 && uses == logged
}

// isNoted101 reports whether the code only notes that a status is 101, at a comparison that
// is true for 101, or false if it is an inequality.
func (c *checker) isNoted101(at ast.Expr) bool {
	path := c.pathTo(at)
	if len(path) < 3 {
		return false
	}
	n, compared := at.(*ast.BinaryExpr)
	switch parent := path[1].(type) {
	case *ast.CaseClause: // of a switch on the status
		return c.onlyNotes(parent.Body, atError)
	case *ast.IfStmt:
		if !compared || parent.Cond != at {
			return false
		}
		if n.Op == token.EQL {
			return c.onlyNotes(parent.Body.List, atError)
		}
		if parent.Else != nil {
			return endsIn(parent.Body) && c.isNote(parent.Else, atError)
		}
		block, ok := path[2].(*ast.BlockStmt)
		if !ok || !endsIn(parent.Body) {
			return false
		}
		for i, statement := range block.List {
			if statement == parent {
				return i+1 < len(block.List) && c.onlyNotes(block.List[i+1:], atError)
			}
		}
	}
	return false
}
