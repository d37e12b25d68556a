package analyzer

import (
	"go/ast"
	"go/types"
	"strings"
)

// takeovers returns the findings about connections that are taken from an HTTP server.
func (c *checker) takeovers(function *ast.FuncDecl) []finding {
	var all []finding
	c.index.inspect(function.Body, func(n ast.Node) bool {
		var list []ast.Stmt
		switch n := n.(type) {
		case *ast.BlockStmt:
			list = n.List
		case *ast.CaseClause:
			list = n.Body
		case *ast.CommClause:
			list = n.Body
		}
		for i, statement := range list {
			hijack := c.hijackIn(statement)
			if hijack == nil {
				continue
			}
			all = append(all, c.contentRead(function, statement, list[i+1:])...)
			if f, ok := c.readerDropped(function, hijack); ok {
				f.fixes = c.fixEarly(hijack, statement, list[i+1:])
				all = append(all, f)
			}
		}
		return true
	})
	return all
}

// isHijack reports whether f is a Hijack like that of http.Hijacker.
func isHijack(f *types.Func) bool {
	results := f.Signature().Results()
	return f.Name() == "Hijack" && results.Len() == 3 && is(results.At(1).Type(), "bufio", "ReadWriter")
}

// hijackIn returns the assignment of Hijack's results if the statement is one, or is an if
// that begins with one. Otherwise it returns nil.
func (c *checker) hijackIn(statement ast.Stmt) *ast.AssignStmt {
	if branch, ok := statement.(*ast.IfStmt); ok {
		statement = branch.Init
	}
	assign, ok := statement.(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 3 || len(assign.Rhs) != 1 {
		return nil
	}
	call, ok := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
	if !ok {
		return nil
	}
	if callee := c.index.callee(call); callee == nil || !isHijack(callee) {
		return nil
	}
	return assign
}

// readerDropped returns a finding if the connection stays in use and its reader does not.
func (c *checker) readerDropped(function *ast.FuncDecl, hijack *ast.AssignStmt) (finding, bool) {
	conn := c.index.object(hijack.Lhs[0])
	if conn == nil || !c.livesOn(function, conn, 0) && !c.writes101(function) {
		return finding{}, false
	}
	if buffered := c.index.object(hijack.Lhs[1]); buffered != nil && c.readFrom(function, buffered) {
		return finding{}, false
	} else if buffered == nil && !isBlank(hijack.Lhs[1]) {
		return finding{}, false // a field
	}
	return finding{kind: earlyBytes, at: hijack,
		text: "Hijack's reader is dropped: what the client sent in one packet with its request is lost"}, true
}

func isBlank(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "_"
}

// readFrom reports whether the *bufio.ReadWriter is used for more than writing.
func (c *checker) readFrom(function *ast.FuncDecl, buffered types.Object) bool {
	read := false
	c.uses(function, buffered, func(name *ast.Ident, parents []ast.Node) {
		if selector, ok := parents[len(parents)-1].(*ast.SelectorExpr); ok {
			switch selector.Sel.Name {
			case "Write", "WriteString", "WriteByte", "WriteRune", "Flush", "Writer", "Available":
				return
			}
			read = true
			return
		}
		if !c.isWriting(name, parents[len(parents)-1]) {
			read = true
		}
	})
	return read
}

// isWriting reports whether the parent is a call that only writes to name.
func (c *checker) isWriting(name *ast.Ident, parent ast.Node) bool {
	call, ok := parent.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 || call.Args[0] != name {
		return false
	}
	callee := c.index.callee(call)
	if callee == nil {
		return false
	}
	switch pathOf(callee) {
	case "fmt":
		return strings.HasPrefix(callee.Name(), "Fprint")
	case "io":
		return callee.Name() == "WriteString" || callee.Name() == "Copy" || callee.Name() == "CopyN" || callee.Name() == "CopyBuffer"
	case "net/http":
		return callee.Name() == "Write"
	}
	return callee.Name() == "WriteTo"
}

// livesOn reports whether the connection is read, or passed to code that may read it. The
// depth is the number of calls around the function.
func (c *checker) livesOn(function *ast.FuncDecl, conn types.Object, depth int) bool {
	lives := false
	c.uses(function, conn, func(name *ast.Ident, parents []ast.Node) {
		switch parent := parents[len(parents)-1].(type) {
		case *ast.SelectorExpr:
			lives = lives || parent.Sel.Name == "Read"
		case *ast.CallExpr:
			lives = lives || parent.Fun != name && !c.isWriting(name, parent) && c.takerReads(name, parent, depth)
		case *ast.ReturnStmt, *ast.CompositeLit, *ast.KeyValueExpr, *ast.SendStmt:
			lives = true
		case *ast.AssignStmt:
			for _, right := range parent.Rhs {
				lives = lives || right == name
			}
		}
	})
	return lives
}

// takerReads reports whether the function that the call passes the connection to may read
// it. Only functions of this package are known not to.
func (c *checker) takerReads(conn *ast.Ident, call *ast.CallExpr, depth int) bool {
	callee := c.index.callee(call)
	decl := c.index.functions[callee]
	if decl == nil || depth >= maxDepth || callee.Signature().Variadic() {
		return true
	}
	for i, arg := range call.Args {
		if name := paramName(decl, i); arg == conn && name != nil {
			if object := c.pass.TypesInfo.Defs[name]; object != nil && c.livesOn(decl, object, depth+1) {
				return true
			}
		}
	}
	return false
}

// uses calls f for each use of the variable, with the nodes around it.
func (c *checker) uses(function *ast.FuncDecl, object types.Object, f func(*ast.Ident, []ast.Node)) {
	var parents []ast.Node
	ast.Inspect(function.Body, func(n ast.Node) bool {
		if n == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		if name, ok := n.(*ast.Ident); ok && len(parents) > 0 && c.pass.TypesInfo.Uses[name] == object {
			f(name, parents)
		}
		parents = append(parents, n)
		return true
	})
}

// writes101 reports whether the function contains the status line of a 101.
func (c *checker) writes101(function *ast.FuncDecl) bool {
	writes := false
	c.index.inspect(function.Body, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			writes = writes || is101Line(c.text(e))
		}
		return !writes
	})
	return writes
}

// contentRead returns the findings about uses of the request's Body in the statements after
// Hijack.
func (c *checker) contentRead(function *ast.FuncDecl, hijack ast.Stmt, rest []ast.Stmt) []finding {
	requests := map[types.Object]bool{}
	ast.Inspect(function, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType:
			for _, field := range n.Params.List {
				for _, name := range field.Names {
					if object := c.pass.TypesInfo.Defs[name]; object != nil && is(object.Type(), "net/http", "Request") {
						requests[object] = true
					}
				}
			}
		}
		return true
	})
	ast.Inspect(function, func(n ast.Node) bool {
		if n, ok := n.(*ast.AssignStmt); ok {
			for _, left := range n.Lhs {
				if selector, ok := left.(*ast.SelectorExpr); ok && selector.Sel.Name == "Body" {
					delete(requests, c.index.object(selector.X))
				}
			}
		}
		return true
	})
	if branch, ok := hijack.(*ast.IfStmt); ok {
		rest = append([]ast.Stmt{branch.Body}, rest...)
	}
	var all []finding
	for i, statement := range rest {
		if branch, ok := statement.(*ast.IfStmt); ok && i == 0 && branch.Else == nil && endsIn(branch.Body) {
			continue // the branch for a failed Hijack
		}
		ast.Inspect(statement, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if inner, ok := ast.Unparen(n.X).(*ast.SelectorExpr); ok && n.Sel.Name == "Close" && inner.Sel.Name == "Body" {
					return false
				}
				if object := c.index.object(n.X); n.Sel.Name == "Body" && requests[object] {
					all = append(all, finding{kind: contentAfterHijack, at: n,
						text: "the request's Body is used after Hijack: net/http forbids it, and the content of a POST is read as the new protocol"})
				}
			}
			return true
		})
		if terminates(statement) {
			break
		}
	}
	return all
}

// endsIn reports whether the last statement of the block terminates.
func endsIn(block *ast.BlockStmt) bool {
	return len(block.List) > 0 && terminates(block.List[len(block.List)-1])
}

// terminates reports whether control never reaches the next statement.
func terminates(statement ast.Stmt) bool {
	switch statement := statement.(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.ExprStmt:
		call, ok := statement.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		switch f := ast.Unparen(call.Fun).(type) {
		case *ast.Ident:
			return f.Name == "panic"
		case *ast.SelectorExpr:
			return strings.HasPrefix(f.Sel.Name, "Fatal") || f.Sel.Name == "Exit"
		}
	}
	return false
}
