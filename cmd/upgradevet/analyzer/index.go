package analyzer

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// index knows where the variables and functions of a package are defined, and which
// functions to analyse.
type index struct {
	info      *types.Info
	defs      map[types.Object][]definition
	functions map[*types.Func]*ast.FuncDecl
	files     []*ast.File
	separate  map[*ast.FuncLit]bool // function literals that are separate units
	sources   map[*types.Func]bool  // the answers of isSource so far
	altered   map[types.Object]bool // slices of which octets are assigned
}

// definition is one expression from which a variable is set.
type definition struct {
	expr ast.Expr
	how  how
	n    int            // which result, if how is result
	loop *ast.RangeStmt // if how is mapped
}

// how says to what a definition sets the variable.
type how uint8

const (
	same    how = iota // to expr
	result             // to the nth result of the call expr
	element            // to an element of expr
	mapped             // to a value of the map expr, within loop
)

func newIndex(pass *analysis.Pass) *index {
	x := &index{
		info:      pass.TypesInfo,
		defs:      map[types.Object][]definition{},
		functions: map[*types.Func]*ast.FuncDecl{},
		files:     pass.Files,
		separate:  map[*ast.FuncLit]bool{},
		sources:   map[*types.Func]bool{},
		altered:   map[types.Object]bool{},
	}
	for _, file := range pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if f, ok := x.info.Defs[n.Name].(*types.Func); ok && n.Body != nil {
					x.functions[f] = n
				}
			case *ast.AssignStmt:
				x.assign(n.Lhs, n.Rhs)
				for _, left := range n.Lhs {
					if index, ok := ast.Unparen(left).(*ast.IndexExpr); ok {
						if object := x.object(index.X); object != nil && isString(object.Type()) {
							x.altered[object] = true
						}
					}
				}
			case *ast.ValueSpec:
				names := make([]ast.Expr, len(n.Names))
				for i, name := range n.Names {
					names[i] = name
				}
				x.assign(names, n.Values)
			case *ast.RangeStmt:
				x.loop(n)
			case *ast.CallExpr:
				x.callback(n)
			}
			return true
		})
	}
	return x
}

func (x *index) define(name ast.Expr, d definition) {
	if object := x.object(name); object != nil {
		x.defs[object] = append(x.defs[object], d)
	}
}

// reaching returns the definitions that a use of the variable at that place may see. If
// the variable was refined before, as by x = strings.TrimSpace(x), earlier definitions do
// not count. Otherwise their order does not matter: the use may stand in a loop or a
// closure.
func (x *index) reaching(object types.Object, at token.Pos) (defs []definition, refined bool) {
	defs = x.defs[object]
	last := -1
	for i, d := range defs {
		if d.expr.End() <= at && d.how == same && x.mentions(d.expr, object) {
			last = i
		}
	}
	if last < 0 {
		return defs, false
	}
	return defs[last:], true
}

// mentions reports whether the variable is used in n.
func (x *index) mentions(n ast.Node, object types.Object) bool {
	for n := range ast.Preorder(n) {
		if name, ok := n.(*ast.Ident); ok && x.info.Uses[name] == object {
			return true
		}
	}
	return false
}

// object returns the variable that e names, or nil.
func (x *index) object(e ast.Expr) types.Object {
	name, ok := ast.Unparen(e).(*ast.Ident)
	if !ok || name.Name == "_" {
		return nil
	}
	v, ok := x.info.ObjectOf(name).(*types.Var)
	if !ok {
		return nil
	}
	return v
}

func (x *index) assign(names, values []ast.Expr) {
	switch {
	case len(names) == len(values):
		for i, name := range names {
			x.define(name, definition{expr: values[i]})
		}
	case len(values) == 1:
		for i, name := range names {
			x.define(name, definition{expr: values[0], how: result, n: i})
		}
	}
}

func (x *index) loop(n *ast.RangeStmt) {
	switch x.info.TypeOf(n.X).Underlying().(type) {
	case *types.Map:
		if n.Value != nil {
			x.define(n.Value, definition{expr: n.X, how: mapped, loop: n})
		}
	case *types.Signature: // an iterator, as strings.SplitSeq returns
		if n.Key != nil {
			x.define(n.Key, definition{expr: n.X, how: element})
		}
	default:
		if n.Value != nil {
			x.define(n.Value, definition{expr: n.X, how: element})
		}
	}
}

// callback defines the parameter of a function literal that is called for each element
// of a slice.
func (x *index) callback(n *ast.CallExpr) {
	f := x.callee(n)
	if f == nil || pathOf(f) != "slices" || len(n.Args) != 2 {
		return
	}
	if literal, ok := n.Args[1].(*ast.FuncLit); ok && (f.Name() == "ContainsFunc" || f.Name() == "IndexFunc") {
		if params := literal.Type.Params.List; len(params) == 1 && len(params[0].Names) == 1 {
			x.define(params[0].Names[0], definition{expr: n.Args[0], how: element})
		}
	}
}

// callee returns the function or method that the call names, which may be a method of an
// interface. It returns nil for a function value.
func (x *index) callee(call *ast.CallExpr) *types.Func {
	f, _ := typeutil.Callee(x.info, call).(*types.Func)
	if f != nil {
		f = f.Origin()
	}
	return f
}

// touches reports whether n may read a field: n contains the name of a field, or calls a
// function of this package that returns text and touches a field. Nine of ten functions
// touch no field and need no closer look.
func (x *index) touches(n ast.Node) bool {
	touches := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			touches = touches || n.Kind == token.STRING && len(n.Value) <= len(`"Connection"`) && x.isFieldName(n)
		case *ast.Ident:
			if constant, ok := x.info.Uses[n].(*types.Const); ok {
				touches = touches || x.isName(constant.Val())
			}
		case *ast.CallExpr:
			touches = touches || x.isSource(x.callee(n))
		}
		return !touches
	})
	return touches
}

func (x *index) isFieldName(e ast.Expr) bool { return x.isName(x.info.Types[e].Value) }

func (x *index) isName(v constant.Value) bool {
	return v != nil && v.Kind() == constant.String && fieldNamed(constant.StringVal(v)) != ""
}

// isSource reports whether the function returns text and touches a field.
func (x *index) isSource(f *types.Func) bool {
	decl := x.functions[f]
	if decl == nil {
		return false
	}
	is, known := x.sources[f]
	if known {
		return is
	}
	x.sources[f] = false // for recursion
	results := f.Signature().Results()
	for i := range results.Len() {
		is = is || isText(results, i)
	}
	is = is && x.touches(decl.Body)
	x.sources[f] = is
	return is
}

// units returns the functions that are analysed one by one: the functions of the file, the
// function literals that are HTTP handlers, and the function literals outside of functions.
// A handler that is passed to our packages belongs to the function that passes it.
func (x *index) units(file *ast.File) []unit {
	var all []unit
	for _, decl := range file.Decls {
		function, inside := decl.(*ast.FuncDecl)
		if inside {
			if function.Body == nil {
				continue
			}
			all = append(all, unit{function, decl})
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				return !x.isOurs(x.info.TypeOf(n))
			case *ast.CallExpr:
				f := x.callee(n)
				return f == nil || !ours(pathOf(f))
			case *ast.FuncLit:
				if !inside || x.isHandler(n) {
					x.separate[n] = true
					all = append(all, unit{&ast.FuncDecl{Name: ast.NewIdent("_"), Type: n.Type, Body: n.Body}, decl})
				}
				return inside
			}
			return true
		})
	}
	return all
}

// unit is one function that is analysed, and the declaration in which it stands.
type unit struct {
	*ast.FuncDecl
	within ast.Decl
}

// isHandler reports whether the function literal has an http.ResponseWriter as a parameter.
func (x *index) isHandler(literal *ast.FuncLit) bool {
	for _, field := range literal.Type.Params.List {
		if is(x.info.TypeOf(field.Type), "net/http", "ResponseWriter") {
			return true
		}
	}
	return false
}

// inspect is ast.Inspect without the units within n.
func (x *index) inspect(n ast.Node, f func(ast.Node) bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if literal, ok := n.(*ast.FuncLit); ok && x.separate[literal] {
			return false
		}
		return f(n)
	})
}

// usesUs reports whether n uses our module to read a field or to judge a message.
func (x *index) usesUs(n ast.Node) bool {
	uses := false
	x.inspect(n, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && !uses {
			if object := x.info.Uses[name]; object != nil && ours(pathOf(object)) && !readsNothing(object) {
				uses = true
			}
		}
		return !uses
	})
	return uses
}

// readsNothing reports whether the object of our module only names a protocol, writes a
// head or keeps early bytes.
func readsNothing(object types.Object) bool {
	if f, ok := object.(*types.Func); ok && f.Signature().Recv() != nil {
		_, owner := named(f.Signature().Recv().Type())
		return owner == "Product"
	}
	switch name := object.Name(); name {
	case "Early", "Product", "ParseProduct", "MustParseProduct", "Field", "Name", "Value", "Accept":
		return true
	default:
		return strings.HasPrefix(name, "Append") || strings.HasSuffix(name, "SwitchingProtocols")
	}
}

func (x *index) isOurs(t types.Type) bool {
	path, _ := named(t)
	return ours(path)
}

// behindGates returns the functions and ServeHTTP methods that a Gate of ours contains. The
// Gate checks requests before they reach them.
func (x *index) behindGates() map[*types.Func]bool {
	quiet := map[*types.Func]bool{}
	for _, file := range x.files {
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			named, ok := types.Unalias(x.info.TypeOf(literal)).(*types.Named)
			if !ok || !ours(pathOf(named.Obj())) || named.Obj().Name() != "Gate" {
				return true
			}
			for _, e := range literal.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					x.handlers(pair.Value, quiet)
				}
			}
			return true
		})
	}
	return quiet
}

func (x *index) handlers(e ast.Expr, into map[*types.Func]bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		name, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		switch object := x.info.Uses[name].(type) {
		case *types.Func:
			into[object] = true
		case *types.TypeName, *types.Var:
			for f := range x.functions {
				if receiver := f.Signature().Recv(); receiver != nil && f.Name() == "ServeHTTP" &&
					types.Identical(deref(receiver.Type()), deref(object.Type())) {
					into[f] = true
				}
			}
		}
		return true
	})
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// pathOf returns the path of the package that the object belongs to, or "".
func pathOf(object types.Object) string {
	if f, ok := object.(*types.Func); object == nil || ok && f == nil || object.Pkg() == nil {
		return ""
	}
	return object.Pkg().Path()
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// named returns the package path and the name of t, or of the type that t points to.
func named(t types.Type) (path, name string) {
	if t == nil {
		return "", ""
	}
	switch t := types.Unalias(deref(t)).(type) {
	case *types.Named:
		return pathOf(t.Obj()), t.Obj().Name()
	}
	return "", ""
}

// is reports whether t, or the type that t points to, is that type.
func is(t types.Type, path, name string) bool {
	p, n := named(t)
	return p == path && n == name
}
