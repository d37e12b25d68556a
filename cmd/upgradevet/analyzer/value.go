package analyzer

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// value is what the analyzer knows about an expression: that it is a constant, or that
// it comes from the field Connection or Upgrade of some message.
type value struct {
	constant string // if field is ""
	known    bool   // constant is set

	field   string // "Connection", "Upgrade" or ""
	shape   shape
	first   bool   // only the first line was read
	split   string // the separator, if shape is elements or anElement
	trimmed bool
	fold    fold
	from    carrier
	read    ast.Expr // the expression that read the field
}

type shape uint8

const (
	line     shape = iota // a whole field line
	lines                 // all lines of the field
	elements              // the list that a split returned
	anElement
)

// fold says how letter case was folded.
type fold uint8

const (
	asSent fold = iota
	lower
	upper
	either // within the comparison
	ascii  // within the comparison, ASCII letters only
)

// message is what a field was read from.
type message uint8

const (
	unknown message = iota
	request
	response
)

// carrier is the expression that a field was read from: the request or the response if
// that is known, otherwise the header. local is false if the expression stands in another
// function.
type carrier struct {
	message message
	expr    ast.Expr
	local   bool
}

// frame binds the parameters of a function to the arguments of one call. The frame of
// the function under analysis is nil.
type frame struct {
	up     *frame
	depth  int
	call   *ast.CallExpr
	callee *types.Func
	args   map[types.Object]ast.Expr
	active map[*ast.Ident]bool // uses of variables that are being evaluated
}

// maxDepth is how many nested calls are followed. Helpers that read a field seldom nest
// deeper.
const maxDepth = 3

// enter returns the frame of a call of a function of this package, and the declaration of
// that function. It returns nil if the call is not to be followed.
func (c *checker) enter(call *ast.CallExpr, f *frame) (*frame, *ast.FuncDecl) {
	callee := c.index.callee(call)
	decl := c.index.functions[callee]
	if decl == nil {
		return nil, nil
	}
	next := &frame{up: f, depth: 1, call: call, callee: callee, args: map[types.Object]ast.Expr{}}
	for g := f; g != nil; g = g.up {
		next.depth++
		if g.callee == callee {
			return nil, nil
		}
	}
	if next.depth > maxDepth {
		return nil, nil
	}
	params := callee.Signature().Params()
	for i := 0; i < params.Len() && i < len(call.Args); i++ {
		if callee.Signature().Variadic() && i == params.Len()-1 {
			break
		}
		if name := paramName(decl, i); name != nil {
			if object := c.pass.TypesInfo.Defs[name]; object != nil {
				next.args[object] = call.Args[i]
			}
		}
	}
	if decl.Recv != nil && len(decl.Recv.List) == 1 && len(decl.Recv.List[0].Names) == 1 {
		if selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			if object := c.pass.TypesInfo.Defs[decl.Recv.List[0].Names[0]]; object != nil {
				next.args[object] = selector.X
			}
		}
	}
	return next, decl
}

func paramName(decl *ast.FuncDecl, n int) *ast.Ident {
	for _, field := range decl.Type.Params.List {
		if len(field.Names) == 0 {
			n--
		}
		for _, name := range field.Names {
			if n == 0 {
				return name
			}
			n--
		}
	}
	return nil
}

// evaluating returns the uses of variables that are being evaluated in the frame.
func (c *checker) evaluating(f *frame) map[*ast.Ident]bool {
	active := &c.active
	if f != nil {
		active = &f.active
	}
	if *active == nil {
		*active = map[*ast.Ident]bool{}
	}
	return *active
}

// maxSteps bounds the work to evaluate one expression. An expression that is a field
// depends on a few others; one that is not may depend on thousands.
const maxSteps = 500

// eval returns the values that e may have. The list is empty if nothing is known.
func (c *checker) eval(e ast.Expr, f *frame) []value {
	if c.steps == 0 {
		defer func() { c.steps = 0 }()
	}
	if c.steps++; e == nil || c.steps > maxSteps {
		return nil
	}
	e = ast.Unparen(e)
	if v := c.pass.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return []value{{constant: constant.StringVal(v), known: true}}
	}
	switch e := e.(type) {
	case *ast.Ident:
		return c.evalVariable(e, f)
	case *ast.IndexExpr:
		return c.evalIndex(e, f)
	case *ast.CallExpr:
		return c.evalCall(e, f)
	case *ast.StarExpr:
		return c.eval(e.X, f)
	case *ast.CompositeLit:
		return c.evalLiteral(e, f)
	}
	return nil
}

// evalLiteral returns the field lines in the literal of a slice.
func (c *checker) evalLiteral(e *ast.CompositeLit, f *frame) []value {
	slice, ok := c.pass.TypesInfo.TypeOf(e).Underlying().(*types.Slice)
	if !ok || !isString(slice.Elem()) {
		return nil
	}
	var all []value
	for _, element := range e.Elts {
		for _, v := range c.eval(element, f) {
			if v.field != "" && v.shape == line {
				v.shape = lines
				all = append(all, v)
			}
		}
	}
	return all
}

func (c *checker) evalVariable(name *ast.Ident, f *frame) []value {
	object := c.index.object(name)
	active := c.evaluating(f)
	if object == nil || active[name] {
		return nil
	}
	active[name] = true
	defer delete(active, name)
	defs, refined := c.index.reaching(object, name.Pos())
	var values []value
	if f != nil && !refined {
		if arg, ok := f.args[object]; ok {
			values = c.eval(arg, f.up)
		}
	}
	for _, d := range defs {
		values = append(values, c.evalDefinition(d, f)...)
	}
	if c.index.altered[object] {
		return foldedASCII(values)
	}
	return values
}

// foldedASCII returns the values as code that changes single octets leaves them. The reason
// for such code is to fold only ASCII. Values that were folded before stay as they are.
func foldedASCII(values []value) []value {
	for i := range values {
		if values[i].fold == asSent {
			values[i].fold = ascii
		}
	}
	return values
}

func (c *checker) evalDefinition(d definition, f *frame) []value {
	switch d.how {
	case same:
		return c.eval(d.expr, f)
	case element:
		return eachElement(c.eval(d.expr, f))
	case mapped:
		return c.evalLoop(d, f)
	}
	switch e := ast.Unparen(d.expr).(type) {
	case *ast.IndexExpr: // values, ok := h["Upgrade"]
		if d.n == 0 {
			return c.evalIndex(e, f)
		}
	case *ast.CallExpr:
		return c.evalReturns(e, d.n, f)
	}
	return nil
}

// evalLoop returns the lines that a loop over a header sees, if the loop compares the
// names with Connection or Upgrade.
func (c *checker) evalLoop(d definition, f *frame) []value {
	key := c.index.object(d.loop.Key)
	if key == nil || !isFieldMap(c.pass.TypesInfo.TypeOf(d.expr)) {
		return nil
	}
	field := ""
	ast.Inspect(d.loop.Body, func(n ast.Node) bool {
		var x, y ast.Expr
		switch n := n.(type) {
		case *ast.BinaryExpr:
			x, y = n.X, n.Y
		case *ast.CallExpr:
			if len(n.Args) == 2 {
				x, y = n.Args[0], n.Args[1]
			}
		}
		for range 2 {
			if x != nil && c.index.object(x) == key {
				if name := c.fieldName(y, f); name != "" {
					field = name
				}
			}
			x, y = y, x
		}
		return true
	})
	if field == "" {
		return nil
	}
	return []value{{field: field, shape: lines, from: c.carrierOf(d.expr, f), read: d.expr}}
}

func (c *checker) evalIndex(e *ast.IndexExpr, f *frame) []value {
	t := c.pass.TypesInfo.TypeOf(e.X)
	if isFieldMap(t) {
		if name := c.fieldName(e.Index, f); name != "" {
			return []value{{field: name, shape: lines, from: c.carrierOf(e.X, f), read: e}}
		}
		return nil
	}
	if _, ok := t.Underlying().(*types.Slice); !ok {
		return nil
	}
	values := eachElement(c.eval(e.X, f))
	index := c.pass.TypesInfo.Types[e.Index].Value
	if index != nil && index.ExactString() == "0" {
		for i := range values {
			if values[i].shape == line {
				values[i].first = true
			}
		}
	}
	return values
}

// eachElement returns the elements of those values that are lists.
func eachElement(values []value) []value {
	var all []value
	for _, v := range values {
		switch v.shape {
		case lines:
			v.shape = line
		case elements:
			v.shape = anElement
		default:
			continue // an element of it is an octet
		}
		if v.field != "" {
			all = append(all, v)
		}
	}
	return all
}

func (c *checker) evalCall(call *ast.CallExpr, f *frame) []value {
	if len(call.Args) == 1 && c.pass.TypesInfo.Types[call.Fun].IsType() { // string(x)
		return c.eval(call.Args[0], f)
	}
	callee := c.index.callee(call)
	if callee == nil {
		return nil
	}
	switch pathOf(callee) {
	case "strings", "bytes":
		if callee.Signature().Recv() == nil {
			return c.evalText(callee.Name(), call, f)
		}
	case "net/http", "net/textproto":
		if callee.Name() == "CanonicalHeaderKey" || callee.Name() == "CanonicalMIMEHeaderKey" {
			return foldedASCII(c.eval(call.Args[0], f))
		}
	}
	if len(call.Args) == 1 && strings.HasPrefix(strings.ToLower(callee.Name()), "trim") {
		values := c.eval(call.Args[0], f)
		for i := range values {
			values[i].trimmed = true
		}
		return values
	}
	if values := c.evalReturns(call, 0, f); values != nil {
		if name := strings.ToLower(callee.Name()); strings.Contains(name, "lower") || strings.Contains(name, "upper") || strings.Contains(name, "fold") {
			return foldedASCII(values)
		}
		return values
	}
	if v, ok := c.readField(call, callee, f); ok {
		return []value{v}
	}
	return nil
}

// evalReturns returns the fields that the nth result of a function of this package may be.
func (c *checker) evalReturns(call *ast.CallExpr, n int, f *frame) []value {
	next, decl := c.enter(call, f)
	if next == nil || !isText(c.pass.TypesInfo.TypeOf(call), n) {
		return nil
	}
	var values []value
	ast.Inspect(decl.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if n < len(node.Results) {
				values = append(values, c.eval(node.Results[n], next)...)
			}
		}
		return true
	})
	var fields []value
	for _, v := range values {
		if v.field != "" {
			fields = append(fields, v)
		}
	}
	return fields
}

// isText reports whether the nth result is a string, bytes, or a list of either.
func isText(t types.Type, n int) bool {
	if tuple, ok := t.(*types.Tuple); ok {
		if n >= tuple.Len() {
			return false
		}
		t = tuple.At(n).Type()
	} else if n > 0 {
		return false
	}
	if t == nil {
		return false
	}
	if s, ok := t.Underlying().(*types.Slice); ok && !types.Identical(s.Elem(), types.Typ[types.Byte]) {
		t = s.Elem()
	}
	return isString(t)
}

// isString reports whether t is a string or bytes.
func isString(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Basic:
		return t.Info()&types.IsString != 0
	case *types.Slice:
		b, ok := t.Elem().Underlying().(*types.Basic)
		return ok && b.Kind() == types.Byte
	}
	return false
}

// evalText follows the functions of packages strings and bytes.
func (c *checker) evalText(name string, call *ast.CallExpr, f *frame) []value {
	if len(call.Args) == 0 {
		return nil
	}
	values := c.eval(call.Args[0], f)
	var all []value
	for _, v := range values {
		ok := true
		switch name {
		case "ToLower", "ToUpper":
			v.fold = lower
			v.constant = strings.ToLower(v.constant)
			if name == "ToUpper" {
				v.fold = upper
				v.constant = strings.ToUpper(v.constant)
			}
		case "TrimSpace", "Trim", "TrimLeft", "TrimFunc":
			v.trimmed = true
		case "TrimRight", "TrimSuffix", "TrimPrefix", "Clone":
		case "Split", "SplitN", "SplitSeq", "Fields", "FieldsSeq":
			v.split = " "
			if len(call.Args) > 1 {
				v.split = ""
				for _, at := range c.eval(call.Args[1], f) {
					v.split = at.constant
				}
			}
			ok = v.shape == line && v.split != ""
			v.shape, v.trimmed = elements, v.split == " "
		case "Join":
			ok = v.shape == lines
			v.shape = line
		default:
			ok = false
		}
		if ok && (v.known || v.field != "") {
			all = append(all, v)
		}
	}
	return all
}

// fieldName returns "Connection" or "Upgrade" if e can be that name in any letter case, or
// "".
func (c *checker) fieldName(e ast.Expr, f *frame) string {
	for _, v := range c.eval(e, f) {
		if v.known {
			if name := fieldNamed(v.constant); name != "" {
				return name
			}
		}
	}
	return ""
}

func fieldNamed(s string) string {
	for _, name := range []string{"Connection", "Upgrade"} {
		if len(s) == len(name) && strings.EqualFold(s, name) {
			return name
		}
	}
	return ""
}

// readField returns the field that the call of a method reads. The methods are Get and
// Values of net/http and net/textproto, Peek and PeekAll of fasthttp, and those that
// frameworks wrap around them.
func (c *checker) readField(call *ast.CallExpr, callee *types.Func, f *frame) (value, bool) {
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || callee.Signature().Recv() == nil || len(call.Args) == 0 {
		return value{}, false
	}
	_, owner := named(c.pass.TypesInfo.TypeOf(selector.X))
	about := strings.Contains(owner, "Header") || strings.HasSuffix(owner, "Ctx") || strings.HasSuffix(owner, "Context")
	v := value{shape: line, first: true, read: call}
	switch callee.Name() {
	case "Get", "Peek", "PeekBytes", "Header":
		ok = about
	case "GetHeader", "GetReqHeader":
		ok = true
	case "Values", "PeekAll", "GetAll":
		ok = about
		v.shape, v.first = lines, false
	default:
		ok = false
	}
	results := callee.Signature().Results()
	if !ok || results.Len() != 1 || !isText(results.At(0).Type(), 0) {
		return value{}, false
	}
	v.field = c.fieldName(call.Args[0], f)
	v.from = c.carrierOf(selector.X, f)
	return v, v.field != ""
}

// isFieldMap reports whether t is a map like http.Header: from strings to lists of strings.
func isFieldMap(t types.Type) bool {
	if t == nil {
		return false
	}
	m, ok := t.Underlying().(*types.Map)
	if !ok {
		return false
	}
	values, ok := m.Elem().Underlying().(*types.Slice)
	return ok && isString(m.Key()) && isString(values.Elem())
}

// carrierOf returns the message that the header e belongs to.
func (c *checker) carrierOf(e ast.Expr, f *frame) carrier {
	for range 8 { // follows at most 8 variables and arguments
		e = ast.Unparen(e)
		if selector, ok := e.(*ast.SelectorExpr); ok {
			t := c.pass.TypesInfo.TypeOf(selector.X)
			if selector.Sel.Name == "Header" {
				switch {
				case is(t, "net/http", "Request"):
					return c.resolve(request, selector.X, f)
				case is(t, "net/http", "Response"):
					return c.resolve(response, selector.X, f)
				}
			}
		}
		_, name := named(c.pass.TypesInfo.TypeOf(e))
		switch {
		case strings.Contains(name, "Request"), strings.HasSuffix(name, "Ctx"), strings.HasSuffix(name, "Context"):
			return carrier{request, e, f == nil}
		case strings.Contains(name, "Response"):
			return carrier{response, e, f == nil}
		}
		object := c.index.object(e)
		if object == nil {
			break
		}
		if f != nil {
			if arg, ok := f.args[object]; ok {
				e, f = arg, f.up
				continue
			}
		}
		defs := c.index.defs[object]
		if len(defs) != 1 || defs[0].how != same {
			break
		}
		e = defs[0].expr
	}
	return carrier{unknown, e, f == nil}
}

// resolve follows the message e from parameters to the arguments of calls, as long as the
// callers can name it.
func (c *checker) resolve(m message, e ast.Expr, f *frame) carrier {
	for f != nil {
		root := ast.Unparen(e)
		for {
			selector, ok := root.(*ast.SelectorExpr)
			if !ok {
				break
			}
			root = ast.Unparen(selector.X)
		}
		arg, ok := f.args[c.index.object(root)]
		if !ok {
			break
		}
		if root != ast.Unparen(e) && types.ExprString(arg) != types.ExprString(root) {
			break // c.request, and the caller has another name for c
		}
		if root == ast.Unparen(e) {
			e = arg
		}
		f = f.up
	}
	return carrier{m, e, f == nil}
}
