package analyzer

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// switches returns the findings about responses with status 101, received or written. If
// silent is set, our module judges the responses that the function receives.
func (c *checker) switches(function *ast.FuncDecl, silent bool) []finding {
	var all []finding
	var compared []ast.Expr         // where a status is compared with 101
	var checked []ast.Expr          // assertions of Body that return ok
	var written []*ast.CallExpr     // WriteHeader(101)
	sure := map[ast.Expr]bool{}     // expressions that return ok
	taken, switched := false, false // Hijack is called; something is done that only a switch needs
	c.index.inspect(function.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				if c.isStatus(n.X) && c.is101(n.Y) || c.is101(n.X) && c.isStatus(n.Y) {
					compared = append(compared, n)
				}
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && c.isStatus(n.Tag) {
				for _, clause := range n.Body.List {
					for _, e := range clause.(*ast.CaseClause).List {
						if c.is101(e) {
							compared = append(compared, e)
						}
					}
				}
			}
		case *ast.AssignStmt:
			if len(n.Lhs) == 2 && len(n.Rhs) == 1 {
				sure[ast.Unparen(n.Rhs[0])] = true
			}
		case *ast.ValueSpec:
			if len(n.Names) == 2 && len(n.Values) == 1 {
				sure[ast.Unparen(n.Values[0])] = true
			}
		case *ast.TypeAssertExpr:
			if !c.assertsBody(n) {
				break
			}
			switched = true
			if sure[n] {
				checked = append(checked, n)
				break
			}
			all = append(all, finding{kind: bodyAssertion, at: n,
				text: `the Body of a response is asserted to be writable without a check: a 200, or a RoundTripper that wraps Body, makes this panic`})
		case *ast.CallExpr:
			callee := c.index.callee(n)
			if callee == nil {
				break
			}
			switch {
			case isHijack(callee):
				taken, switched = true, true
			case callee.Name() == "Hijack":
				taken = true
			case callee.Name() == "ReadResponse" && pathOf(callee) == "net/http":
				switched = true
			case callee.Name() == "WriteHeader" && len(n.Args) == 1 && c.is101(n.Args[0]):
				written = append(written, n)
			}
			all = append(all, c.responseWritten(n, callee)...)
			switched = switched || len(compared) > 0 && c.usesConnection(n)
		}
		return true
	})
	if results := function.Type.Results; results != nil {
		for _, result := range results.List {
			switched = switched || isConnection(c.pass.TypesInfo.TypeOf(result.Type))
		}
	}
	switched = switched || c.saysSwitched(function)
	compared = slices.DeleteFunc(compared, c.isNoted101)
	if switched && !silent && (len(compared) > 0 || len(checked) > 0) && !c.looksAtUpgrade(function.Body, 0, map[*types.Func]bool{}) {
		at := ast.Node(nil)
		if len(compared) > 0 {
			at = compared[0]
		} else {
			at = checked[0]
		}
		all = append(all, finding{kind: statusAlone, at: at,
			text: `a 101 is taken for a switch by its status alone: one with "Upgrade: h2c" is accepted, whatever was offered`})
	}
	for _, call := range written {
		if !taken && function.Name.Name != "WriteHeader" && !c.passesOn(function, call) {
			all = append(all, finding{kind: noTakeOver, at: call,
				text: `WriteHeader(101) without a take-over: the HTTP server keeps the connection, and reads what the client sends in the new protocol as the next request`})
		}
	}
	return all
}

// usesConnection reports whether an argument of the call is a connection.
func (c *checker) usesConnection(call *ast.CallExpr) bool {
	for _, arg := range call.Args {
		if isConnection(c.pass.TypesInfo.TypeOf(arg)) {
			return true
		}
	}
	return false
}

// saysSwitched reports whether the function, judging by its name and result, tests whether
// a response switches.
func (c *checker) saysSwitched(function *ast.FuncDecl) bool {
	f, ok := c.pass.TypesInfo.Defs[function.Name].(*types.Func)
	if !ok {
		return false
	}
	name, results := strings.ToLower(f.Name()), f.Signature().Results()
	return results.Len() == 1 && types.Identical(results.At(0).Type(), types.Typ[types.Bool]) &&
		(strings.Contains(name, "upgrade") || strings.Contains(name, "switched"))
}

// isStatus reports whether e is the status of a response.
func (c *checker) isStatus(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.SelectorExpr:
		return (e.Sel.Name == "StatusCode" || e.Sel.Name == "Status") && is(c.pass.TypesInfo.TypeOf(e.X), "net/http", "Response")
	case *ast.CallExpr:
		f := c.index.callee(e)
		if f == nil || f.Name() != "StatusCode" || f.Signature().Recv() == nil {
			return false
		}
		return strings.HasPrefix(typeName(f.Signature().Recv().Type()), "Response")
	}
	return false
}

// is101 reports whether e is the constant 101, or text that begins with it.
func (c *checker) is101(e ast.Expr) bool {
	v := c.pass.TypesInfo.Types[e].Value
	if v == nil {
		return false
	}
	switch v.Kind() {
	case constant.Int:
		return v.ExactString() == "101"
	case constant.String:
		return strings.HasPrefix(constant.StringVal(v), "101 ")
	}
	return false
}

// assertsBody reports whether e asserts the Body of a response to be writable.
func (c *checker) assertsBody(e *ast.TypeAssertExpr) bool {
	if e.Type == nil || !hasMethod(c.pass.TypesInfo.TypeOf(e.Type), "Write") {
		return false
	}
	x := ast.Unparen(e.X)
	if object := c.index.object(x); object != nil {
		if defs := c.index.defs[object]; len(defs) == 1 && defs[0].how == same {
			x = ast.Unparen(defs[0].expr)
		}
	}
	selector, ok := x.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "Body" && is(c.pass.TypesInfo.TypeOf(selector.X), "net/http", "Response")
}

func hasMethod(t types.Type, name string) bool {
	object, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
	_, ok := object.(*types.Func)
	return ok
}

// isConnection reports whether t can be read and written, as a net.Conn can.
func isConnection(t types.Type) bool {
	return t != nil && hasMethod(t, "Write") && hasMethod(t, "Read") && hasMethod(t, "Close")
}

// looksAtUpgrade reports whether the body reads the Upgrade field of a message, or passes a
// response or its header to a function that does. It returns true if the function is out of
// its sight.
func (c *checker) looksAtUpgrade(body ast.Node, depth int, seen map[*types.Func]bool) bool {
	looks := false
	c.index.inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IndexExpr:
			if isFieldMap(c.pass.TypesInfo.TypeOf(n.X)) && c.fieldName(n.Index, nil) == "Upgrade" && !c.index.isTarget(n) {
				looks = true
			}
		case *ast.CallExpr:
			looks = looks || c.callLooks(n, depth, seen)
		}
		return !looks
	})
	return looks
}

func (c *checker) callLooks(n *ast.CallExpr, depth int, seen map[*types.Func]bool) bool {
	callee := c.index.callee(n)
	if callee != nil {
		switch callee.Name() {
		case "Set", "Add", "Del":
			return false
		}
	}
	handed := false
	for _, arg := range n.Args {
		if c.fieldName(arg, nil) == "Upgrade" {
			return true
		}
	}
	if signature, ok := c.pass.TypesInfo.TypeOf(n.Fun).Underlying().(*types.Signature); ok {
		for i := range signature.Params().Len() { // the declared type decides: a logger takes any
			t := signature.Params().At(i).Type()
			if is(t, "net/http", "Response") || is(t, "net/http", "Header") && i < len(n.Args) && c.carrierOf(n.Args[i], nil).message != request {
				handed = true
			}
		}
	}
	if callee == nil {
		return handed // a function value
	}
	if selector, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok && callee.Name() == "Get" && isFieldMap(c.pass.TypesInfo.TypeOf(selector.X)) {
		return c.pass.TypesInfo.Types[n.Args[0]].Value == nil && len(c.eval(n.Args[0], nil)) == 0 // the name is not known here
	}
	if !handed {
		return false
	}
	decl := c.index.functions[callee]
	switch {
	case decl != nil:
		if depth >= maxDepth || seen[callee] {
			return false
		}
		seen[callee] = true
		return c.looksAtUpgrade(decl.Body, depth+1, seen)
	case callee.Signature().Recv() != nil && pathOf(callee) != "net/http":
		return true // a method of an interface or of another package
	}
	return strings.Contains(pathOf(callee), ".") || callee.Pkg() == c.pass.Pkg
}

// isTarget reports whether the index expression is assigned to.
func (x *index) isTarget(e *ast.IndexExpr) bool {
	for _, file := range x.files {
		if file.FileStart <= e.Pos() && e.Pos() < file.FileEnd {
			for n := range ast.Preorder(file) {
				if n, ok := n.(*ast.AssignStmt); ok && slices.Contains(n.Lhs, ast.Expr(e)) {
					return true
				}
			}
		}
	}
	return false
}

// passesOn reports whether the writer of the call is passed to another function later,
// which may take the connection over.
func (c *checker) passesOn(function *ast.FuncDecl, call *ast.CallExpr) bool {
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return true
	}
	writer := c.index.object(selector.X)
	passed := false
	ast.Inspect(function.Body, func(n ast.Node) bool {
		other, ok := n.(*ast.CallExpr)
		if !ok || other.Pos() < call.Pos() || writer == nil {
			return true
		}
		if f := c.index.callee(other); f != nil && (pathOf(f) == "fmt" || pathOf(f) == "io") {
			return true
		}
		for _, arg := range other.Args {
			passed = passed || c.index.object(arg) == writer
		}
		return true
	})
	return passed
}

// responseWritten returns a finding if the call is a Write of an http.Response that has
// status 101 and no version.
func (c *checker) responseWritten(n *ast.CallExpr, callee *types.Func) []finding {
	if callee.Name() != "Write" || callee.Signature().Recv() == nil || !is(callee.Signature().Recv().Type(), "net/http", "Response") {
		return nil
	}
	selector, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	e := ast.Unparen(selector.X)
	object := c.index.object(e)
	if object != nil {
		defs := c.index.defs[object]
		if len(defs) != 1 || defs[0].how != same {
			return nil
		}
		e = ast.Unparen(defs[0].expr)
	}
	if address, ok := e.(*ast.UnaryExpr); ok && address.Op == token.AND {
		e = ast.Unparen(address.X)
	}
	literal, ok := e.(*ast.CompositeLit)
	if !ok || object != nil && c.sets(object, "ProtoMajor", nil) {
		return nil
	}
	switching := object != nil && c.sets(object, "StatusCode", c.is101)
	version := "ProtoMajor: 1, ProtoMinor: 1, "
	for _, e := range literal.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return nil
		}
		switch key, _ := pair.Key.(*ast.Ident); key.Name {
		case "ProtoMajor":
			return nil
		case "ProtoMinor":
			version = "ProtoMajor: 1, "
		case "StatusCode":
			switching = c.is101(pair.Value)
		}
	}
	if !switching {
		return nil
	}
	return []finding{{kind: responseVersion, at: n,
		text: `an http.Response without a version is written: the status line is "HTTP/0.0 101 Switching Protocols", which clients refuse`,
		fixes: []analysis.SuggestedFix{{
			Message:   "Set the version",
			TextEdits: []analysis.TextEdit{{Pos: literal.Lbrace + 1, End: literal.Lbrace + 1, NewText: []byte(version)}},
		}},
	}}
}

// sets reports whether the function under analysis assigns to the field of the variable. If
// wanted is not nil, only a value that it accepts counts.
func (c *checker) sets(object types.Object, field string, wanted func(ast.Expr) bool) bool {
	sets := false
	ast.Inspect(c.function, func(n ast.Node) bool {
		if n, ok := n.(*ast.AssignStmt); ok {
			for i, left := range n.Lhs {
				if selector, ok := left.(*ast.SelectorExpr); ok && selector.Sel.Name == field && c.index.object(selector.X) == object {
					sets = sets || wanted == nil || len(n.Rhs) == len(n.Lhs) && wanted(n.Rhs[i])
				}
			}
		}
		return !sets
	})
	return sets
}
